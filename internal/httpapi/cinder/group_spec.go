package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// listGroupSpecs serves GET /group_types/{group_type_id}/group_specs.
func (a *API) listGroupSpecs(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.blocks.GroupType(x.Context(), caller, x.PathValue("group_type_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"group_specs":`...)
		b = appendTexts(b, t.Specs)
		return append(b, '}')
	})
}

// showGroupSpec serves GET /group_types/{group_type_id}/group_specs/{key}.
func (a *API) showGroupSpec(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.blocks.GroupType(x.Context(), caller, x.PathValue("group_type_id"))
	if err != nil {
		return err
	}
	key := x.PathValue("key")
	value, there := t.Specs[key]
	if !there {
		return block.Errorf(block.NotFound, "Group Type %s has no extra spec with key %.64s.", t.ID, key)
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		return appendTexts(b, map[string]block.Text{key: value})
	})
}

// createGroupSpecs serves POST /group_types/{group_type_id}/group_specs: over those
// that are there. The answer is what was sent.
func (a *API) createGroupSpecs(x *wire.Exchange) error {
	members, err := x.Object("group_specs")
	if err == nil {
		err = x.OnlyKey("group_specs")
	}
	if err != nil {
		return err
	}
	specs, err := readGroupSpecs(members, "group_specs")
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.SetGroupSpecs(x.Context(), x.PathValue("group_type_id"), specs); err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte {
		b = append(b, `{"group_specs":`...)
		b = appendTexts(b, specs)
		return append(b, '}')
	})
}

// updateGroupSpec serves PUT /group_types/{group_type_id}/group_specs/{key}: the body
// has that key and no other.
func (a *API) updateGroupSpec(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	specs, err := readGroupSpecs(top, "the request body")
	if err != nil {
		return err
	}
	if _, there := specs[x.PathValue("key")]; !there || len(specs) != 1 {
		return block.Errorf(block.Invalid, "Request body and URI mismatch: the body has the key of the URL and no other.")
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.SetGroupSpecs(x.Context(), x.PathValue("group_type_id"), specs); err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendTexts(b, specs) })
}

// deleteGroupSpec serves DELETE /group_types/{group_type_id}/group_specs/{key}.
func (a *API) deleteGroupSpec(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.DropGroupSpec(x.Context(), x.PathValue("group_type_id"), x.PathValue("key")); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}
