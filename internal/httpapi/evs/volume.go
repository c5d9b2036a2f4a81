package evs

import (
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// listVolumes serves GET /v2/{project_id}/cloudvolumes and …/detail, and the older
// os-vendor-volumes/detail, with the number of all that match. Source: EVS 7.3.
func (a *API) listVolumes(x *wire.Exchange) error {
	q, err := readList(x, a.volumeRules())
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.keepServer(x, caller, &q); err != nil {
		return err
	}
	rows, count, err := page(x, caller, &q, a.blocks.Volumes, a.blocks.CountVolumes)
	if err != nil {
		return err
	}
	items, err := a.viewVolumes(x, rows)
	if err != nil {
		return err
	}
	answer := struct {
		Count   int          `json:"count"`
		Volumes []volumeItem `json:"volumes"`
		Links   []link       `json:"volumes_links,omitempty"`
	}{Count: count, Volumes: items}
	if len(rows) >= q.Limit {
		answer.Links = []link{{"next", x.NextLink(rows[len(rows)-1].ID)}}
	}
	return reply(x, http.StatusOK, answer)
}

// volumeRules are what the native disk list can be kept and ordered by. Source: EVS 7.3.
func (a *API) volumeRules() *listRules {
	return &listRules{
		sort: wire.SortFields{"id": block.FieldID, "status": block.FieldStatus, "size": block.FieldSize, "created_at": block.FieldCreatedAt},
		filters: map[string]func(*listQuery, string) error{
			"name": byName, "status": byField(block.FieldStatus), "availability_zone": byZone(a.blocks.Zone()),
			"volume_type_id": byField(block.FieldTypeID), "multiattach": byFlag(block.FieldMultiattach), "id": byID, "ids": byIDs,
			"metadata": byMetadata, "server_id": byServer, "service_type": onlyValue(serviceType), "dedicated_storage_id": onlyValue(""),
			"dedicated_storage_name": onlyValue(""), "enterprise_project_id": byEnterpriseProject,
		},
	}
}

// byServer keeps the disks that a server has. Source: EVS 7.3, server_id.
func byServer(q *listQuery, value string) error {
	q.server = value
	return nil
}

// keepServer looks up the disks of the server that a list asks for.
func (a *API) keepServer(x *wire.Exchange, caller block.Caller, q *listQuery) error {
	if q.server == "" {
		return nil
	}
	ids, err := a.blocks.VolumesOfServer(x.Context(), caller, q.server)
	if err != nil {
		return err
	}
	q.none = q.none || len(ids) == 0
	q.Filters = append(q.Filters, block.Filter{Field: block.FieldID, Op: block.OneOf, Value: strings.Join(ids, ",")})
	return nil
}

// showVolume serves GET /v2/{project_id}/cloudvolumes/{volume_id}. Source: EVS 7.3.
func (a *API) showVolume(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	vol, err := a.blocks.Volume(x.Context(), caller, x.PathValue("volume_id"))
	if err != nil {
		return err
	}
	item, err := a.viewTagged(x, vol)
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, map[string]any{"volume": item})
}

// updateVolume serves PUT /v2/{project_id}/cloudvolumes/{volume_id}; its answer has
// no wrapper. A null is as good as nothing, unlike in the Cinder family.
// Source: EVS 7.3; EVS.1007; update-snapshot.md 53.
func (a *API) updateVolume(x *wire.Exchange) error {
	members, err := x.Object("volume")
	if err != nil {
		return block.On("volume", err)
	}
	members = slices.DeleteFunc(slices.Clone(members), func(m wire.Pair) bool { return m.Value.Kind() == 'n' })
	var change block.VolumeChange
	if change.Name, change.Description, err = x.ReadTexts(members); err != nil {
		return err
	}
	if !change.Name.Given && !change.Description.Given {
		return block.On("volume.nothing", block.Errorf(block.Invalid, "Invalid input for field/attribute volume: at least one of name and description is needed."))
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	vol, err := a.blocks.UpdateVolume(x.Context(), caller, x.PathValue("volume_id"), change)
	if err != nil {
		return err
	}
	item, err := a.viewTagged(x, vol)
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, item)
}

// deleteVolume serves DELETE /v2/{project_id}/cloudvolumes/{volume_id}: the disk
// and its snapshots. Source: EVS 7.3; evs-status 1.2.
func (a *API) deleteVolume(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	const withSnapshots = true
	id := x.PathValue("volume_id")
	if err := a.blocks.DeleteVolume(x.Context(), caller, id, withSnapshots); err != nil {
		return err
	}
	return a.replyJob(x, http.StatusOK, block.JobDeleteVolume, id, block.JobRecycleVolume)
}

// extendVolume serves os-extend on /v2|v2.1/{project_id}/cloudvolumes/{volume_id}/action.
// On v2.1 bssParam may stand beside it. Source: EVS 7.3; 202 on v2.1.
func (a *API) extendVolume(x *wire.Exchange) error {
	if err := needExtension(x); err != nil {
		return err
	}
	if err := payAsYouGo(x, "bssParam"); err != nil {
		return err
	}
	members, err := x.Object("os-extend")
	if err != nil {
		return err
	}
	size, err := readNewSize(members)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	const inUse = true
	caller.Vendor = true // in dialect cinder, too
	id := x.PathValue("volume_id")
	if err := a.blocks.ExtendVolume(x.Context(), caller, id, size, inUse); err != nil {
		return err
	}
	return a.replyJob(x, x.Route.OK, block.JobExtendVolume, id)
}

// needExtension refuses a request that asks for null. Source: EVS.1011.
func needExtension(x *wire.Exchange) error {
	top, err := x.Top()
	if value, given := top.Get("os-extend"); given && value.Kind() == 'n' {
		return block.On("body", block.Errorf(block.Invalid, "Invalid input for field/attribute os-extend: it must be an object, not null."))
	}
	return err
}

// readNewSize reads the size that a disk is to have, in GB. How large it may be is the
// heart's to say; a number beyond all sizes is told of as one. Source: EVS.1010, EVS.1015.
func readNewSize(members wire.Members) (block.Size, error) {
	value, given := members.Get("new_size")
	if !given {
		return 0, block.On("new_size", block.Errorf(block.Invalid, "Invalid input for field/attribute new_size: it is needed, in GB."))
	}
	size, err := wire.ReadInt(value, "new_size", math.MinInt32, math.MaxInt32)
	if err != nil && value.Kind() == '0' {
		err = block.On("size", block.Errorf(block.Invalid, "Invalid input for field/attribute new_size: it must be a whole number of GB, at most %d.", block.MaxSize))
	}
	return block.Size(size), err
}

// replyJob answers with the job that the call has just queued.
func (a *API) replyJob(x *wire.Exchange, status int, kind, id string, others ...string) error {
	job, err := a.blocks.JobOn(x.Context(), kind, id, others...)
	if err != nil {
		return err
	}
	return reply(x, status, jobAnswer{job})
}
