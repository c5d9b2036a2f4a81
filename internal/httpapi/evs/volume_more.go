package evs

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

func (a *API) volumeMoreRoutes() []wire.Route {
	return slices.Concat(a.recycleRoutes(), a.tuneRoutes(), []wire.Route{
		{Name: "cloudvolume.batch_extend", Method: http.MethodPost, Path: "/volumes/batch-extend", Versions: wire.V5, Permission: wire.Member, OK: 202, Source: evs17, Handle: a.batchExtend},
		{Name: "cloudvolume.unsubscribe", Method: http.MethodPost, Path: "/cloudvolumes/unsubscribe", Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.unsubscribe},
		{Name: "cloudvolume.internal_info", Method: http.MethodGet, Path: "/os-vendor-volumes/{volume_id}/internal-info", Versions: wire.V3, Permission: wire.Reader, OK: 200, Source: "EVS API 1.6", Handle: a.showLoading},
		{Name: "cloudvolume.show_v1", Method: http.MethodGet, Path: "/volumes/{volume_id}", Versions: wire.V1, Permission: wire.Reader, OK: 200, Source: evs13, Handle: a.showVolumeV1},
	})
}

const evs17 = "EVS API 1.7"

// items reads the member key of the body: an array of at most so many.
func items(members wire.Members, key string, most int) ([]jsontext.Value, error) {
	value, given := members.Get(key)
	var found []jsontext.Value
	if !given || value.Kind() != '[' || json.Unmarshal(value, &found, jsontext.AllowDuplicateNames(true)) != nil {
		return nil, block.On(key, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: an array is needed.", key))
	}
	if len(found) == 0 {
		return nil, block.On(key+".none", block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it is empty.", key))
	}
	if len(found) > most {
		return nil, block.On(key+".many", block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it has %d items; at most %d are allowed.", key, len(found), most))
	}
	return found, nil
}

// batchExtend serves POST /v5/{project_id}/volumes/batch-extend: all disks grow, or
// none. Source: EVS 7.3.
func (a *API) batchExtend(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return block.On("body", err)
	}
	if err := payAsYouGo(x, "bss_param"); err != nil {
		return err
	}
	list, err := items(top, "volumes", block.MaxBatch)
	if err != nil {
		return err
	}
	growths := make([]block.VolumeGrowth, len(list))
	for i, item := range list {
		if growths[i], err = readGrowth(item); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	const inUse = true
	caller.Vendor = true // in dialect cinder, too
	id, err := a.blocks.ExtendVolumes(x.Context(), caller, growths, inUse)
	if err != nil {
		return err
	}
	return reply(x, x.Route.OK, jobAnswer{id})
}

func readGrowth(item jsontext.Value) (g block.VolumeGrowth, err error) {
	members, err := wire.ObjectOf(item, "volumes")
	if err != nil {
		return g, block.On("volumes", err)
	}
	if g.ID, err = readID(members, "id"); err != nil {
		return g, err
	}
	g.Size, err = readNewSize(members)
	return g, err
}

// readID reads the id of a disk in a body. Source: EVS.1002.
func readID(members wire.Members, key string) (string, error) {
	id, err := text(members, key)
	if err == nil && !wire.IsUUID(id) {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute %s: %.64q is not the id of a disk.", key, id)
	}
	return id, block.On("volume_id", err)
}

// maxUnsubscribed is how many disks one call may name. Assumed: as many as a list
// may ask for; no page of ours says.
const maxUnsubscribed = maxIDs

// unsubscription is what came of one disk. Source: vendor's SDK, UnsubscribeVolume.
type unsubscription struct {
	VolumeID   string `json:"volume_id"`
	Result     string `json:"result"`
	FailReason string `json:"fail_reason,omitempty"`
}

// unsubscribe serves POST /v2/{project_id}/cloudvolumes/unsubscribe. No disk here was
// bought for a period, so the answer is the documented failure for each of them. It
// is an array around the object. Source: EVS 1.4, 7.3; vendor's SDK,
// UnsubscribePostpaidVolumeResponse.
func (a *API) unsubscribe(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	list, err := items(top, "volume_ids", maxUnsubscribed)
	if err != nil {
		return err
	}
	ids := make([]string, len(list))
	for i, item := range list {
		if ids[i], err = readID(wire.Members{{Name: "volume_ids", Value: item}}, "volume_ids"); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	results := make([]unsubscription, len(ids))
	for i, id := range ids {
		reason := "The disk is paid for by use and has no subscription; delete it."
		if _, err := a.blocks.Volume(x.Context(), caller, id); err != nil {
			if block.KindOf(err) != block.NotFound {
				return err
			}
			reason = block.MessageOf(err)
		}
		results[i] = unsubscription{id, "FAIL", reason}
	}
	return reply(x, x.Route.OK, []any{map[string]any{"results": results}})
}

// showLoading serves GET /v3/{project_id}/os-vendor-volumes/{volume_id}/internal-info:
// how much of the data of what a disk is made from has come, in percent. Source: EVS 7.3.
func (a *API) showLoading(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	percent, err := a.blocks.VolumeLoaded(x.Context(), caller, x.PathValue("volume_id"))
	if err != nil {
		return err
	}
	return reply(x, x.Route.OK, map[string]any{"info": map[string]int{"loading_progress": percent}})
}

// volumeV1 is a disk as v1 shows it. Source: EVS 1.3; vendor's SDK, volumes v1.
type volumeV1 struct {
	ID               string            `json:"id"`
	Name             *string           `json:"display_name"`
	Description      *string           `json:"display_description"`
	Status           string            `json:"status"`
	Size             int64             `json:"size"`
	VolumeType       string            `json:"volume_type"`
	AvailabilityZone string            `json:"availability_zone"`
	Attachments      []attachmentItem  `json:"attachments"`
	Bootable         string            `json:"bootable"`
	Encrypted        bool              `json:"encrypted"`
	Multiattach      bool              `json:"multiattach"`
	Metadata         map[string]string `json:"metadata"`
	ImageMetadata    map[string]string `json:"volume_image_metadata"`
	SnapshotID       *string           `json:"snapshot_id"`
	SourceVolumeID   *string           `json:"source_volid"`
	CreatedAt        *string           `json:"created_at"`
	Host             *string           `json:"os-vol-host-attr:host"`
	ProjectID        string            `json:"os-vol-tenant-attr:tenant_id"`
}

// showVolumeV1 serves GET /v1/{project_id}/volumes/{volume_id}. Source: EVS 1.3.
func (a *API) showVolumeV1(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	vol, err := a.blocks.Volume(x.Context(), caller, x.PathValue("volume_id"))
	if err != nil {
		return err
	}
	types, err := a.diskTypes(x)
	if err != nil {
		return err
	}
	v := a.viewVolume(x, vol, types)
	return reply(x, x.Route.OK, map[string]any{"volume": volumeV1{
		v.ID, v.Name, v.Description, v.Status, v.Size, v.VolumeType, v.AvailabilityZone, v.Attachments, v.Bootable, v.Encrypted,
		v.Multiattach, v.Metadata, v.ImageMetadata, v.SnapshotID, v.SourceVolumeID, v.CreatedAt, v.Host, v.ProjectID,
	}})
}
