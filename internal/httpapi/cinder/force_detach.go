package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// forceDetachRoutes is os-force_detach, by which administrators take a volume from
// whoever holds on to it.
func (a *API) forceDetachRoutes() []wire.Route {
	return actions("/volumes/{volume_id}/action", []wire.Route{
		{Name: "volume.force_detach", Action: "os-force_detach", Permission: wire.Admin, Source: cinderAPI, Handle: a.forceDetachVolume},
	})
}

// forceDetachVolume serves os-force_detach. Source: Cinder admin_actions.
func (a *API) forceDetachVolume(x *wire.Exchange) error {
	members, err := x.Object("os-force_detach")
	if err != nil {
		return err
	}
	if err := members.Only("os-force_detach", "attachment_id", "connector"); err != nil {
		return err
	}
	attachment, err := optionalUUID(members, "attachment_id")
	if err != nil {
		return err
	}
	var from *block.Connector
	if value, given := members.Get("connector"); given && value.Kind() != 'n' {
		if from, err = readConnector(value); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.ForceDetachVolume(x.Context(), caller, x.PathValue("volume_id"), attachment, from); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}
