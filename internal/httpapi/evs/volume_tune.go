package evs

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

func (a *API) tuneRoutes() []wire.Route {
	return []wire.Route{
		{Name: "cloudvolume.retype", Method: http.MethodPost, Path: "/volumes/{volume_id}/retype", Versions: wire.V2, Permission: wire.Member, OK: 202, Source: evs14, Handle: a.retypeVolume},
		{Name: "cloudvolume.set_qos", Method: http.MethodPut, Path: "/cloudvolumes/{volume_id}/qos", Versions: wire.V5, Permission: wire.Member, OK: 202, Source: evs17, Handle: a.setPerformance},
	}
}

// retypeVolume serves POST /v2/{project_id}/volumes/{volume_id}/retype. Source: EVS 7.3.
func (a *API) retypeVolume(x *wire.Exchange) error {
	if err := payAsYouGo(x, "bssParam"); err != nil {
		return err
	}
	members, err := x.Object("os-retype")
	if err != nil {
		return err
	}
	named, err := needed(members, "new_type")
	if err != nil {
		return err
	}
	var bought block.Performance
	if err := readPerformance(members, &bought); err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	caller.Vendor = true // in dialect cinder, too
	id, err := a.blocks.BuyType(x.Context(), caller, x.PathValue("volume_id"), named, bought)
	if err != nil {
		return err
	}
	return reply(x, x.Route.OK, jobAnswer{id})
}

// setPerformance serves PUT /v5/{project_id}/cloudvolumes/{volume_id}/qos. Source: EVS 7.3.
func (a *API) setPerformance(x *wire.Exchange) error {
	members, err := x.Object("qos_modify")
	if err != nil {
		return err
	}
	if _, given := members.Get("iops"); !given {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute iops: it is needed.")
	}
	var bought block.Performance
	if err := readPerformance(members, &bought); err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id, err := a.blocks.BuyPerformance(x.Context(), caller, x.PathValue("volume_id"), bought)
	if err != nil {
		return err
	}
	return reply(x, x.Route.OK, jobAnswer{id})
}
