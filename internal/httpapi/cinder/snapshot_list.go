package cinder

import (
	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// snapshotSort are the sort keys of Cinder's table. Those that no column of ours
// stands for order by age, as equal values did. Source: recordings list-sort-*.
var snapshotSort = wire.SortFields{
	"id": block.FieldID, "created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt,
	"display_name": block.FieldName, "display_description": block.FieldDescription,
	"status": block.FieldStatus, "volume_id": block.FieldVolumeID, "volume_size": block.FieldSize,
	"project_id": block.FieldProjectID, "user_id": block.FieldUserID, "volume_type_id": block.FieldTypeID,
	"deleted": block.FieldCreatedAt, "volume": block.FieldCreatedAt, "progress": block.FieldCreatedAt,
}

// snapshotSortNamed has name too. Source: recordings list-mvsort-*; EVS 3.6.
var snapshotSortNamed = withName(snapshotSort)

func withName(fields wire.SortFields) wire.SortFields {
	named := wire.SortFields{"name": block.FieldName}
	for key, field := range fields {
		named[key] = field
	}
	return named
}

// snapshotRules are the filters and sort keys of snapshot lists. Source:
// recordings list-filter-*; EVS 3.6 (availability_zone on v2).
func (a *API) snapshotRules() *listRules {
	return &listRules{
		sort: func(x *wire.Exchange) wire.SortFields {
			if x.API == wire.V3 && x.Version < wire.SortByName {
				return snapshotSort
			}
			return snapshotSortNamed
		},
		filters: []filterRule{
			{key: "name", v2: true, keep: byField(block.FieldName)},
			{key: "status", v2: true, keep: byField(block.FieldStatus)},
			{key: "volume_id", v2: true, keep: byField(block.FieldVolumeID)},
			{key: "metadata", since: wire.MetadataFilter, keep: byMetadata},
			{key: "availability_zone", v2: true, since: wire.StrictFilters, keep: a.byZone},
			{key: "name~", since: wire.LikeFilters, admin: true, parts: true, keep: byPart(block.FieldName)},
			{key: "status~", since: never, admin: true, parts: true, keep: byPart(block.FieldStatus)},
			{key: "volume_id~", since: never, admin: true, parts: true, keep: byPart(block.FieldVolumeID)},
			{key: "description~", since: wire.LikeFilters, admin: true, keep: byPart(block.FieldDescription)},
			{key: "consumes_quota", since: wire.ConsumesQuota, keep: bySnapshotQuota},
			{key: "id", v2: true, admin: true, keep: byField(block.FieldID)},
			{key: "project_id", v2: true, admin: true, keep: byField(block.FieldProjectID)},
			{key: "user_id", v2: true, admin: true, keep: byField(block.FieldUserID)},
		},
	}
}

// byZone keeps what lies in the zone; all lies in the one there is.
func (a *API) byZone(q *listQuery, value string) error {
	q.none = q.none || value != a.blocks.Zone()
	return nil
}

// listSnapshots serves GET /v{2,3}/{project_id}/snapshots: nine fields, whatever
// the microversion.
func (a *API) listSnapshots(x *wire.Exchange) error {
	return a.answerSnapshots(x, func(b []byte, s *block.Snapshot) []byte {
		return append(wire.AppendSnapshotCore(b, s), '}')
	})
}

// listSnapshotDetails serves GET /v{2,3}/{project_id}/snapshots/detail.
func (a *API) listSnapshotDetails(x *wire.Exchange) error {
	return a.answerSnapshots(x, func(b []byte, s *block.Snapshot) []byte {
		return wire.AppendSnapshotItem(b, x, s, true)
	})
}

func (a *API) answerSnapshots(x *wire.Exchange, item func([]byte, *block.Snapshot) []byte) error {
	q, caller, err := askedList(x, a.snapshotList)
	if err != nil {
		return err
	}
	return answerList(x, caller, &q, &listCalls[*block.Snapshot]{
		noun: "Snapshot", key: "snapshots", rows: a.blocks.Snapshots, count: a.blocks.CountSnapshots,
		id: func(s *block.Snapshot) string { return s.ID }, item: item,
	})
}
