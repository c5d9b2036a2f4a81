package cinder

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

const publicKey = "os-volume-type-access:is_public"

// createVolumeType serves POST /types. Source: Cinder types_manage; schemas volume_types.
func (a *API) createVolumeType(x *wire.Exchange) error {
	members, err := a.onlyObject(x, "volume_type", "name", "description", "extra_specs", publicKey)
	if err != nil {
		return err
	}
	n := block.NewVolumeType{Public: true}
	if n.Name, err = requiredName(x, members, "volume_type"); err != nil {
		return err
	}
	if value, given := members.Get("description"); given {
		if n.Description, err = x.Dialect.ReadText(value, "description", wire.Description); err != nil {
			return err
		}
	}
	if value, given := members.Get("extra_specs"); given {
		if n.ExtraSpecs, err = readSpecs(value, "extra_specs"); err != nil {
			return err
		}
		const strict = false
		if err := block.CheckSpecs(n.ExtraSpecs, strict); err != nil {
			return err
		}
	}
	if value, given := members.Get(publicKey); given {
		if n.Public, err = wire.ReadBool(value, publicKey); err != nil {
			return err
		}
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	t, err := a.blocks.CreateVolumeType(x.Context(), n)
	if err != nil {
		return err
	}
	return replyType(x, t, accessOf(t))
}

// replyType answers with what was made or changed; more is what else it shows.
func replyType(x *wire.Exchange, t *block.VolumeType, more string) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"volume_type":`...)
		b = append(appendTypeCore(b, t, t.ExtraSpecs), more...)
		return append(b, "}}"...)
	})
}

// onlyObject reads the body's one member, an object with no keys but those allowed.
func (a *API) onlyObject(x *wire.Exchange, key string, allowed ...string) (wire.Members, error) {
	members, err := x.Object(key)
	if err != nil {
		return nil, err
	}
	if err := members.Only(key, allowed...); err != nil {
		return nil, err
	}
	return members, x.OnlyKey(key)
}

// requiredName reads a name that must be there and not be empty.
func requiredName(x *wire.Exchange, members wire.Members, of string) (string, error) {
	value, given := members.Get("name")
	if !given {
		return "", block.Errorf(block.Invalid, "Invalid input for field/attribute %s: 'name' is a required property.", of)
	}
	text, err := x.Dialect.ReadText(value, "name", wire.Name)
	if err == nil && text.Value == "" {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute name: it must not be empty.")
	}
	return text.Value, err
}

// readSpecs reads an object of strings; null is an empty one.
func readSpecs(value jsontext.Value, field string) (map[string]string, error) {
	members, err := wire.ObjectOf(value, field)
	if err != nil {
		return nil, err
	}
	for i := range members {
		if members[i].Value.Kind() == 'n' {
			members[i].Value = jsontext.Value(`""`)
		}
	}
	return wire.ItemsOf(members, field)
}

// updateVolumeType serves PUT /types/{type_id}: what is absent or null stays.
func (a *API) updateVolumeType(x *wire.Exchange) error {
	members, err := a.onlyObject(x, "volume_type", "name", "description", "is_public")
	if err != nil {
		return err
	}
	var change block.TypeChange
	if value, given := members.Get("name"); given && value.Kind() != 'n' {
		name, err := requiredName(x, members, "volume_type")
		if err != nil {
			return err
		}
		change.Name = &name
	}
	if value, given := members.Get("description"); given && value.Kind() != 'n' {
		text, err := x.Dialect.ReadText(value, "description", wire.Description)
		if err != nil {
			return err
		}
		change.Description = &text
	}
	if value, given := members.Get("is_public"); given {
		public, err := wire.ReadBool(value, "is_public")
		if err != nil {
			return err
		}
		change.Public = &public
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if change == (block.TypeChange{}) {
		return block.Errorf(block.Invalid, "Specify volume type name, description, is_public or a combination thereof.")
	}
	t, err := a.blocks.UpdateVolumeType(x.Context(), x.PathValue("type_id"), change)
	if err != nil {
		return err
	}
	return replyType(x, t, "")
}

// deleteVolumeType serves DELETE /types/{type_id}.
func (a *API) deleteVolumeType(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.DeleteVolumeType(x.Context(), x.PathValue("type_id")); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// listExtraSpecs serves GET /types/{type_id}/extra_specs.
func (a *API) listExtraSpecs(x *wire.Exchange) error {
	specs, err := a.specsShown(x)
	if err != nil {
		return err
	}
	return replyItems(x, "extra_specs", specs)
}

// specsShown are the extra specs of the path's type that the caller may see.
func (a *API) specsShown(x *wire.Exchange) (map[string]string, error) {
	caller, err := x.Authorize()
	if err != nil {
		return nil, err
	}
	t, err := a.blocks.VolumeType(x.Context(), caller, x.PathValue("type_id"))
	if err != nil {
		return nil, err
	}
	return t.SpecsFor(caller), nil
}

// showExtraSpec serves GET /types/{type_id}/extra_specs/{key}.
func (a *API) showExtraSpec(x *wire.Exchange) error {
	specs, err := a.specsShown(x)
	if err != nil {
		return err
	}
	key := x.PathValue("key")
	value, there := specs[key]
	if !there {
		return block.Errorf(block.NotFound, "Volume Type %s has no extra specs with key %.255s.", x.PathValue("type_id"), key)
	}
	return replyFlat(x, map[string]string{key: value})
}

// replyFlat answers with an object of strings alone.
func replyFlat(x *wire.Exchange, items map[string]string) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte { return wire.AppendMetadata(b, items) })
}

// setExtraSpecs serves POST /types/{type_id}/extra_specs and answers with what was sent.
func (a *API) setExtraSpecs(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	value, given := top.Get("extra_specs")
	if !given {
		return block.Errorf(block.Invalid, "'extra_specs' is a required property of the request body")
	}
	if err := x.OnlyKey("extra_specs"); err != nil {
		return err
	}
	specs, err := readSpecs(value, "extra_specs")
	if err != nil {
		return err
	}
	const strict = true
	if err := block.CheckSpecs(specs, strict); err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.SetExtraSpecs(x.Context(), x.PathValue("type_id"), specs); err != nil {
		return err
	}
	return replyItems(x, "extra_specs", specs)
}

// updateExtraSpec serves PUT /types/{type_id}/extra_specs/{key}: {key: value} alone.
func (a *API) updateExtraSpec(x *wire.Exchange) error {
	if _, err := x.Top(); err != nil {
		return err
	}
	specs, err := readSpecs(x.Body.Value, "the request body")
	if err != nil {
		return err
	}
	const strict = true
	if err := block.CheckSpecs(specs, strict); err != nil {
		return err
	}
	if len(specs) != 1 {
		return block.Errorf(block.Invalid, "The request body must hold one key, that of the URL; it has %d.", len(specs))
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if _, there := specs[x.PathValue("key")]; !there {
		return block.Errorf(block.Invalid, "Request body and URI mismatch")
	}
	if err := a.blocks.SetExtraSpecs(x.Context(), x.PathValue("type_id"), specs); err != nil {
		return err
	}
	return replyFlat(x, specs)
}

// dropExtraSpec serves DELETE /types/{type_id}/extra_specs/{key}.
func (a *API) dropExtraSpec(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.DropExtraSpec(x.Context(), x.PathValue("type_id"), x.PathValue("key")); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}
