package evs

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// vendorTagRoutes are the older calls on tags, of disks, snapshots and backups. The
// door of the Cinder family words their failures, as the documents show them.
// Source: evs-errors 1.1, shape B, and 1.2.
func (a *API) vendorTagRoutes() []wire.Route {
	const all, one = "/os-vendor-tags/{resource_type}", "/os-vendor-tags/{resource_type}/{resource_id}"
	return []wire.Route{
		{Name: "vendor_tag.project", Method: "GET", Path: all, Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.vendorProjectTags},
		{Name: "vendor_tag.query", Method: "GET", Path: all + "/resource_instances", Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.vendorQuery},
		{Name: "vendor_tag.list", Method: "GET", Path: one, Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.vendorTags},
		{Name: "vendor_tag.add", Method: "POST", Path: one, Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.setVendorTags},
		{Name: "vendor_tag.reset", Method: "PUT", Path: one, Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.setVendorTags},
		{Name: "vendor_tag.delete", Method: "POST", Path: one + "/action", Action: "os-delete_tags", Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.dropVendorTags},
		{Name: "vendor_tag.show", Method: "GET", Path: one + "/{key}", Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.vendorTag},
		{Name: "vendor_tag.set", Method: "PUT", Path: one + "/{key}", Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.setVendorTag},
		{Name: "vendor_tag.drop", Method: "DELETE", Path: one + "/{key}", Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.dropVendorTag},
	}
}

// tagKindOf reads the type of resource in the path.
func tagKindOf(x *wire.Exchange) (block.TagKind, error) {
	switch kind := block.TagKind(x.PathValue("resource_type")); kind {
	case block.TagVolume, block.TagSnapshot, block.TagBackup:
		return kind, nil
	}
	return "", block.Errorf(block.Invalid, "Invalid resource type: it must be volumes, snapshots or backups.")
}

func (a *API) vendorProjectTags(x *wire.Exchange) error {
	kind, err := tagKindOf(x)
	if err != nil {
		return err
	}
	return a.projectTags(kind)(x)
}

// vendorTags serves GET /v2/{project_id}/os-vendor-tags/{resource_type}/{resource_id}.
func (a *API) vendorTags(x *wire.Exchange) error {
	tags, err := a.vendorTagsOf(x)
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, vendorTagSet{tags})
}

// vendorTagSet is the tags of one object. No tags are an object all the same.
type vendorTagSet struct {
	Tags map[string]string `json:"tags"`
}

func (a *API) vendorTagsOf(x *wire.Exchange) (map[string]string, error) {
	kind, err := tagKindOf(x)
	if err != nil {
		return nil, err
	}
	caller, err := x.Authorize()
	if err != nil {
		return nil, err
	}
	return a.blocks.Tags(x.Context(), caller, kind, x.PathValue("resource_id"))
}

// setVendorTags serves POST, which writes tags over those that are there, and PUT,
// which writes them in their place. Both answer with all that there are then.
func (a *API) setVendorTags(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	value, given := top.Get(tagsKey)
	if !given {
		return block.Errorf(block.Invalid, "Invalid tags: 'tags' is a required property of the request body.")
	}
	tags, err := readTagObject(value, tagsKey)
	if err != nil {
		return err
	}
	return a.putVendorTags(x, tags, x.Request.Method == http.MethodPut, func(all map[string]string) any { return vendorTagSet{all} })
}

func (a *API) putVendorTags(x *wire.Exchange, tags map[string]string, replace bool, view func(map[string]string) any) error {
	kind, err := tagKindOf(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	all, err := a.blocks.SetTags(x.Context(), caller, kind, x.PathValue("resource_id"), tags, replace)
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, view(all))
}

// dropVendorTags serves os-delete_tags: an object of keys and values. Assumed: the
// keys decide, whatever the values, as with the newer calls.
func (a *API) dropVendorTags(x *wire.Exchange) error {
	members, err := x.Object("os-delete_tags")
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(members))
	for i := range members {
		if err := block.CheckTag(members[i].Name, ""); err != nil {
			return err
		}
		keys = append(keys, members[i].Name)
	}
	kind, err := tagKindOf(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DropTags(x.Context(), caller, kind, x.PathValue("resource_id"), keys); err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusOK)
}

// oneTag is the answer of calls on one tag.
func oneTag(key, value string) any { return map[string]any{"tag": map[string]string{key: value}} }

// vendorTag serves GET …/{key}.
func (a *API) vendorTag(x *wire.Exchange) error {
	tags, err := a.vendorTagsOf(x)
	if err != nil {
		return err
	}
	key := x.PathValue("key")
	value, there := tags[key]
	if !there {
		return block.NoTag()
	}
	return reply(x, http.StatusOK, oneTag(key, value))
}

// setVendorTag serves PUT …/{key}: the body has that one key. Source: EVS 11.
func (a *API) setVendorTag(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	value, given := top.Get("tag")
	if !given {
		return block.Errorf(block.Invalid, "Invalid tags: 'tag' is a required property of the request body.")
	}
	tags, err := readTagObject(value, "tag")
	if err != nil {
		return err
	}
	key := x.PathValue("key")
	switch to, there := tags[key]; {
	case len(tags) > 1:
		return block.Errorf(block.Invalid, "Request body contains too many items")
	case !there:
		return block.Errorf(block.Invalid, "Request body and URI mismatch")
	default:
		const over = false
		return a.putVendorTags(x, tags, over, func(map[string]string) any { return oneTag(key, to) })
	}
}

// dropVendorTag serves DELETE …/{key}.
func (a *API) dropVendorTag(x *wire.Exchange) error {
	kind, err := tagKindOf(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DropTag(x.Context(), caller, kind, x.PathValue("resource_id"), x.PathValue("key")); err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusOK)
}
