package cinder

import (
	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// volumeSort are the sort keys of Cinder's table that say something here, and
// those that are the same for all rows. Source: EVS 2.3; Cinder volumes list.
var volumeSort = wire.SortFields{
	"id": block.FieldID, "name": block.FieldName, "display_name": block.FieldName,
	"display_description": block.FieldDescription, "status": block.FieldStatus, "size": block.FieldSize,
	"created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt,
	"availability_zone": block.FieldAvailabilityZone, "bootable": block.FieldBootable,
	"multiattach": block.FieldMultiattach, "project_id": block.FieldProjectID, "user_id": block.FieldUserID,
	"volume_type_id": block.FieldTypeID, "snapshot_id": block.FieldSnapshotID, "source_volid": block.FieldSourceVolumeID,
	"deleted": block.FieldCreatedAt, "host": block.FieldCreatedAt, "migration_status": block.FieldCreatedAt,
}

// volumeRules are the filters and sort keys of volume lists. Source: EVS 6.3;
// recording service-member-resource_filters.
func volumeRules() *listRules {
	return &listRules{
		sort: func(*wire.Exchange) wire.SortFields { return volumeSort },
		filters: []filterRule{
			{key: "name", v2: true, keep: byField(block.FieldName)},
			{key: "status", v2: true, keep: byField(block.FieldStatus)},
			{key: "metadata", v2: true, keep: byMetadata},
			{key: "glance_metadata", since: wire.ImageMetadataFilter, admin: true, loose: true, keep: byImageMetadata},
			{key: "availability_zone", v2: true, keep: byField(block.FieldAvailabilityZone)},
			{key: "bootable", v2: true, keep: byFlag(block.FieldBootable)},
			{key: "size", since: wire.StrictFilters, keep: byNumber(block.FieldSize)},
			{key: "group_id", since: wire.VolumeGroupFilter, keep: byField(block.FieldGroupID)},
			{key: "migration_status", v2: true, keep: byNothing},
			{key: "created_at", since: wire.TimeComparison, keep: byTime(block.FieldCreatedAt)},
			{key: "updated_at", since: wire.TimeComparison, keep: byTime(block.FieldUpdatedAt)},
			{key: "created_at", since: wire.StrictFilters, keep: keepAll}, // known before it meant anything
			{key: "updated_at", since: wire.StrictFilters, keep: keepAll},
			{key: "name~", since: wire.LikeFilters, admin: true, keep: byPart(block.FieldName)},
			{key: "description~", since: wire.LikeFilters, admin: true, keep: byPart(block.FieldDescription)},
			{key: "consumes_quota", since: wire.ConsumesQuota, keep: byQuota},
			{key: "id", v2: true, admin: true, keep: byField(block.FieldID)},
			{key: "project_id", v2: true, admin: true, keep: byField(block.FieldProjectID)},
			{key: "user_id", v2: true, admin: true, keep: byField(block.FieldUserID)},
			{key: "volume_type_id", v2: true, admin: true, keep: byField(block.FieldTypeID)},
			{key: "snapshot_id", v2: true, admin: true, keep: byField(block.FieldSnapshotID)},
			{key: "source_volid", v2: true, admin: true, keep: byField(block.FieldSourceVolumeID)},
			{key: "multiattach", v2: true, admin: true, keep: byFlag(block.FieldMultiattach)},
		},
	}
}

// listVolumes serves GET /v{2,3}/{project_id}/volumes: id, name and links.
func (a *API) listVolumes(x *wire.Exchange) error {
	return a.answerVolumes(x, (*volumeView).appendSummary)
}

// listVolumeDetails serves GET /v{2,3}/{project_id}/volumes/detail.
func (a *API) listVolumeDetails(x *wire.Exchange) error {
	return a.answerVolumes(x, func(w *volumeView, b []byte, v *block.Volume) []byte {
		const whole = true
		return w.appendItem(b, v, whole)
	})
}

func (a *API) answerVolumes(x *wire.Exchange, item func(*volumeView, []byte, *block.Volume) []byte) error {
	q, caller, err := askedList(x, a.volumeList)
	if err != nil {
		return err
	}
	view, err := a.volumeView(x, caller)
	if err != nil {
		return err
	}
	return answerList(x, caller, &q, &listCalls[*block.Volume]{
		noun: "Volume", key: "volumes", rows: a.blocks.Volumes, count: a.blocks.CountVolumes,
		id:   func(v *block.Volume) string { return v.ID },
		item: func(b []byte, v *block.Volume) []byte { return item(view, b, v) },
	})
}
