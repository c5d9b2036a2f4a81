package image

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// Names that callers cannot give a value. Source: Glance images deserializer.
var (
	readOnly = []string{"created_at", "updated_at", "status", "checksum", "size", "virtual_size", "direct_url", "self", "file",
		"schema", "os_hash_algo", "os_hash_value", "stores"}
	reserved = []string{"location", "locations", "deleted", "deleted_at"}
)

// own keeps names to those that callers may say.
func own(name string) error {
	switch {
	case slices.Contains(readOnly, name):
		return block.Errorf(block.Forbidden, "Attribute '%s' is read-only.", name)
	case slices.Contains(reserved, name) || strings.HasPrefix(name, "os_glance"):
		return block.Errorf(block.Forbidden, "Attribute '%.64s' is reserved.", name)
	}
	return nil
}

// attributes are those that callers may say, and how each is read; all other names
// are properties.
var attributes = map[string]func(*block.Image, jsontext.Value) error{
	"name": func(i *block.Image, v jsontext.Value) (err error) {
		i.Name = block.Text{}
		if v.Kind() != 'n' {
			i.Name.Valid = true
			i.Name.Value, err = wire.ReadString(v, "name")
		}
		return err
	},
	"visibility":       func(i *block.Image, v jsontext.Value) error { return readInto(&i.Visibility, v, "visibility") },
	"disk_format":      func(i *block.Image, v jsontext.Value) error { return readOptional(&i.DiskFormat, v, "disk_format") },
	"container_format": func(i *block.Image, v jsontext.Value) error { return readOptional(&i.Container, v, "container_format") },
	"protected":        func(i *block.Image, v jsontext.Value) error { return readFlag(&i.Protected, v, "protected") },
	"os_hidden":        func(i *block.Image, v jsontext.Value) error { return readFlag(&i.Hidden, v, "os_hidden") },
	"min_disk":         func(i *block.Image, v jsontext.Value) error { return readNumber(&i.MinDisk, v, "min_disk") },
	"min_ram":          func(i *block.Image, v jsontext.Value) error { return readNumber(&i.MinRAM, v, "min_ram") },
	"tags": func(i *block.Image, v jsontext.Value) error {
		tags, err := wire.ReadStrings(v, "tags", block.MaxImageTags)
		slices.Sort(tags)
		i.Tags = slices.Compact(tags)
		return err
	},
}

func readInto(into *string, v jsontext.Value, field string) (err error) {
	*into, err = wire.ReadString(v, field)
	return err
}

// readOptional is readInto that takes null for nothing.
func readOptional(into *string, v jsontext.Value, field string) error {
	if *into = ""; v.Kind() == 'n' {
		return nil
	}
	return readInto(into, v, field)
}

func readFlag(into *bool, v jsontext.Value, field string) (err error) {
	*into, err = wire.ReadBool(v, field)
	return err
}

func readNumber(into *int64, v jsontext.Value, field string) (err error) {
	*into, err = wire.ReadInt(v, field, 0, 1<<31-1)
	return err
}

// set gives an attribute or property a value.
func set(i *block.Image, name string, v jsontext.Value) error {
	if err := own(name); err != nil {
		return err
	}
	if read := attributes[name]; read != nil {
		return read(i, v)
	}
	switch name {
	case "owner":
		return block.Errorf(block.Forbidden, "Attribute 'owner' cannot be changed.")
	case "id":
		return block.Errorf(block.Forbidden, "Attribute 'id' is read-only.")
	}
	text, err := wire.ReadString(v, name)
	if err != nil {
		return err
	}
	if i.Properties = maps.Clone(i.Properties); i.Properties == nil {
		i.Properties = map[string]string{}
	}
	i.Properties[name] = text
	return nil
}

// createImage serves POST /image/v2/images.
func (a *API) createImage(x *wire.Exchange) error {
	members, err := x.Top()
	if err != nil {
		return err
	}
	wanted := block.Image{Visibility: block.ImageShared} // Source: Glance, default visibility
	for _, m := range members {
		switch m.Name {
		case "id":
			if wanted.ID, err = wire.ReadString(m.Value, "id"); err == nil && !wire.IsUUID(wanted.ID) {
				err = block.Errorf(block.Invalid, "Invalid image id format: it must be a UUID.")
			}
			wanted.ID = strings.ToLower(wanted.ID)
		case "owner":
			err = readOptional(&wanted.ProjectID, m.Value, "owner")
		default:
			err = set(&wanted, m.Name, m.Value)
		}
		if err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	made, err := a.blocks.CreateImage(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	x.Header().Set("Location", x.Base+prefix+"/v2/images/"+made.ID)
	return replyImage(x, http.StatusCreated, made)
}

// change is one operation of a patch.
type change struct {
	op, name string
	at       string // below the name: of tags only
	value    jsontext.Value
}

// maxChanges is how many operations one patch may have. Assumed: as many as an
// image has names, twice over.
const maxChanges = 2 * (block.MaxImageProperties + 16)

// patchTypes are the media types of patches. Source: Glance api-ref, update image.
var patchTypes = []string{"application/openstack-images-v2.1-json-patch", "application/openstack-images-v2.0-json-patch"}

// readPatch reads the body of an update. Version 2.0 of the form names the
// operation by its key. Source: Glance api-ref, http-patch-types.
func readPatch(x *wire.Exchange) ([]change, error) {
	if err := x.ReadBodyOf(patchTypes...); err != nil {
		return nil, err
	}
	if !x.Body.Given || x.Body.Value.Kind() != '[' {
		return nil, block.Errorf(block.Invalid, "Request body must be a JSON array of operation objects.")
	}
	var items []jsontext.Value
	if err := json.Unmarshal(x.Body.Value, &items, jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, block.Errorf(block.Invalid, "Request body must be a JSON array of operation objects.")
	}
	if len(items) > maxChanges {
		return nil, block.Errorf(block.Invalid, "A patch has at most %d operations, not %d.", maxChanges, len(items))
	}
	changes := make([]change, 0, len(items))
	for _, item := range items {
		c, err := readChange(item)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func readChange(item jsontext.Value) (c change, err error) {
	members, err := wire.ObjectOf(item, "an operation")
	if err != nil {
		return c, err
	}
	path := ""
	if op, given := members.Get("op"); given {
		if c.op, err = wire.ReadString(op, "op"); err != nil {
			return c, err
		}
		value, _ := members.Get("path")
		if path, err = wire.ReadString(value, "path"); err != nil {
			return c, err
		}
	} else {
		for _, op := range []string{"add", "replace", "remove"} {
			if value, given := members.Get(op); given {
				c.op = op
				if path, err = wire.ReadString(value, op); err != nil {
					return c, err
				}
			}
		}
	}
	if !slices.Contains([]string{"add", "replace", "remove"}, c.op) {
		return c, block.Errorf(block.Invalid, "Unable to find `op` in JSON Schema change. It must be one of the following: add, remove, replace.")
	}
	rest, rooted := strings.CutPrefix(path, "/")
	if c.name, c.at, _ = strings.Cut(rest, "/"); !rooted || c.name == "" {
		return c, block.Errorf(block.Invalid, "Pointer `%.64s` does not start with \"/\" and a name.", path)
	}
	c.name = strings.NewReplacer("~1", "/", "~0", "~").Replace(c.name)
	if c.at != "" && (c.name != "tags" || c.op != "add") {
		return c, block.Errorf(block.Invalid, "Invalid JSON pointer for this resource: '%.64s'", path)
	}
	var given bool
	if c.value, given = members.Get("value"); !given && c.op != "remove" {
		return c, block.Errorf(block.Invalid, "Operation \"%s\" requires a member named \"value\".", c.op)
	}
	return c, nil
}

// apply carries out one operation.
func (c change) apply(i *block.Image) error {
	if err := own(c.name); err != nil {
		return err
	}
	if c.at != "" {
		tag, err := wire.ReadString(c.value, "tags")
		if err == nil {
			i.Tags = withTag(i.Tags, tag)
		}
		return err
	}
	_, base := attributes[c.name]
	_, there := i.Properties[c.name]
	switch {
	case c.op == "remove" && c.name == "tags":
		i.Tags = nil
		return nil
	case c.op == "remove" && base:
		return block.Errorf(block.Forbidden, "Property %s may not be removed.", c.name)
	case c.op != "add" && !base && !there && c.name != "owner" && c.name != "id":
		return block.Errorf(block.Conflict, "Property %.64s does not exist.", c.name)
	case c.op == "remove":
		i.Properties = maps.Clone(i.Properties)
		delete(i.Properties, c.name)
		return nil
	}
	return set(i, c.name, c.value)
}

func withTag(tags []string, tag string) []string {
	if slices.Contains(tags, tag) {
		return tags
	}
	return append(slices.Clip(tags), tag)
}

// updateImage serves PATCH /image/v2/images/{image_id}.
func (a *API) updateImage(x *wire.Exchange) error {
	changes, err := readPatch(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	image, err := a.blocks.UpdateImage(x.Context(), caller, x.PathValue("image_id"), func(i *block.Image) error {
		for _, c := range changes {
			if err := c.apply(i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return replyImage(x, http.StatusOK, image)
}

// deleteImage serves DELETE /image/v2/images/{image_id}.
func (a *API) deleteImage(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DeleteImage(x.Context(), caller, x.PathValue("image_id")); err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusNoContent)
}

// tagImage serves PUT /image/v2/images/{image_id}/tags/{tag}.
func (a *API) tagImage(x *wire.Exchange) error {
	tag := x.PathValue("tag")
	return a.changeTags(x, func(i *block.Image) error {
		i.Tags = withTag(i.Tags, tag)
		return nil
	})
}

// untagImage serves DELETE /image/v2/images/{image_id}/tags/{tag}.
func (a *API) untagImage(x *wire.Exchange) error {
	tag := x.PathValue("tag")
	return a.changeTags(x, func(i *block.Image) error {
		at := slices.Index(i.Tags, tag)
		if at < 0 {
			return block.Errorf(block.NotFound, "Tag %s of image %s could not be found.", strconv.Quote(tag), i.ID)
		}
		i.Tags = slices.Delete(slices.Clone(i.Tags), at, at+1)
		return nil
	})
}

func (a *API) changeTags(x *wire.Exchange, change func(*block.Image) error) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if _, err := a.blocks.UpdateImage(x.Context(), caller, x.PathValue("image_id"), change); err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusNoContent)
}

// setActive serves POST /image/v2/images/{image_id}/actions/reactivate and
// …/deactivate. Source: Glance API reference v2, image actions.
func (a *API) setActive(active bool) wire.Handler {
	return func(x *wire.Exchange) error {
		caller, err := x.Authorize()
		if err != nil {
			return err
		}
		if err := a.blocks.SetImageActive(x.Context(), caller, x.PathValue("image_id"), active); err != nil {
			return err
		}
		return x.WriteEmpty(http.StatusNoContent)
	}
}
