package evs

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// rollBack serves POST /v2/{project_id}/cloudsnapshots/{snapshot_id}/rollback.
// Source: EVS API 4.3.
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
