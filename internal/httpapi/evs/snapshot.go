package evs

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// updateSnapshot serves PUT /v2/{project_id}/cloudsnapshots/{snapshot_id}, with
// the request and the answer of the Cinder family. Source: EVS API 4.1.
func (a *API) updateSnapshot(x *wire.Exchange) error {
	change, err := wire.ReadSnapshotChange(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.UpdateSnapshot(x.Context(), caller, x.PathValue("snapshot_id"), change)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		return wire.AppendSnapshot(b, x, snap, x.Dialect.ExtendedOnV2Update)
	})
}

// showSnapshot serves GET /v2/{project_id}/cloudsnapshots/{snapshot_id}.
func (a *API) showSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.Snapshot(x.Context(), caller, x.PathValue("snapshot_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return wire.AppendSnapshot(b, x, snap, true) })
}

// createSnapshot serves POST /v2/{project_id}/cloudsnapshots. Source: EVS API 4.1.
func (a *API) createSnapshot(x *wire.Exchange) error {
	wanted, err := wire.ReadNewSnapshot(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.CreateSnapshot(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte { return wire.AppendSnapshot(b, x, snap, false) })
}

// deleteSnapshot serves DELETE /v2/{project_id}/cloudsnapshots/{snapshot_id}.
// Source: EVS API 4.1.
func (a *API) deleteSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DeleteSnapshot(x.Context(), caller, x.PathValue("snapshot_id")); err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusAccepted)
}
