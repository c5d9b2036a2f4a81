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
