package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// rollbackRoutes are the older EVS call, which is worded as the Cinder family is,
// and Cinder's own.
func (a *API) rollbackRoutes() []wire.Route {
	return []wire.Route{
		{Name: "vendor_snapshot.rollback", Method: "POST", Path: "/os-vendor-snapshots/{snapshot_id}/rollback", Versions: wire.V2V3,
			Permission: wire.Member, OK: 202, Source: "EVS API 4.3", Handle: a.rollBack},
		{Name: "volume.revert", Method: "POST", Path: "/volumes/{volume_id}/action", Action: "revert", Versions: wire.V3,
			Permission: wire.Member, Since: wire.RevertToSnapshot, OK: 202, Source: cinderAPI, Handle: a.revertVolume},
	}
}

// rollBack serves POST /v{2,3}/{project_id}/os-vendor-snapshots/{snapshot_id}/rollback.
func (a *API) rollBack(x *wire.Exchange) error {
	wanted, err := wire.ReadRollback(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	safety, err := a.blocks.RollBack(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	x.TellSafety(safety)
	return x.Reply(http.StatusAccepted, func(b []byte) []byte { return wire.AppendRollback(b, wanted.VolumeID, safety) })
}

// revertVolume serves the action revert, whose snapshot_id may be absent or null by
// the schema and is refused after that; other members are let be.
// Source: Cinder api/v3/volumes.py revert, api/schemas/volumes.py revert.
func (a *API) revertVolume(x *wire.Exchange) error {
	members, err := x.Object("revert")
	if err != nil {
		return err
	}
	wanted := block.Rollback{VolumeID: x.PathValue("volume_id")}
	if wanted.SnapshotID, err = optionalString(members, "snapshot_id"); err != nil {
		return err
	}
	if wanted.Safety, err = wire.ReadSafety(members); err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	safety, err := a.blocks.RevertVolume(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	x.TellSafety(safety)
	return replyNothing(x, http.StatusAccepted)
}
