package cinder

import (
	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// groupSnapshotSort are the sort keys of group snapshots.
var groupSnapshotSort = wire.SortFields{
	"id": block.FieldID, "name": block.FieldName, "description": block.FieldDescription, "status": block.FieldStatus,
	"created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt, "group_id": block.FieldGroupID,
	"group_type_id": block.FieldTypeID, "project_id": block.FieldProjectID, "user_id": block.FieldUserID,
}

// groupSnapshotRules are the filters of the lists of group snapshots. Up to 3.28 the
// lists know no query. Source: Cinder resource_filters.json, group_snapshot;
// _get_group_snapshots.
func groupSnapshotRules() *listRules {
	return &listRules{
		sort:  func(*wire.Exchange) wire.SortFields { return groupSnapshotSort },
		since: wire.GroupSnapshotPaging,
		filters: []filterRule{
			{key: "name", v2: true, keep: byField(block.FieldName)},
			{key: "status", v2: true, keep: byField(block.FieldStatus)},
			{key: "group_id", v2: true, keep: byField(block.FieldGroupID)},
			{key: "id", v2: true, admin: true, loose: true, keep: byField(block.FieldID)},
			{key: "description", v2: true, admin: true, loose: true, keep: byField(block.FieldDescription)},
			{key: "group_type_id", v2: true, admin: true, loose: true, keep: byField(block.FieldTypeID)},
			{key: "project_id", v2: true, admin: true, loose: true, keep: byField(block.FieldProjectID)},
			{key: "user_id", v2: true, admin: true, loose: true, keep: byField(block.FieldUserID)},
		},
	}
}

// listGroupSnapshots serves GET /group_snapshots: id and name.
func (a *API) listGroupSnapshots(x *wire.Exchange) error {
	return a.answerGroupSnapshots(x, "group_snapshots", a.groupSnapshotList, func(b []byte, s *block.GroupSnapshot, _ bool) []byte {
		return appendSummary(b, s.ID, s.Name)
	})
}

// listGroupSnapshotDetails serves GET /group_snapshots/detail.
func (a *API) listGroupSnapshotDetails(x *wire.Exchange) error {
	return a.answerGroupSnapshots(x, "group_snapshots", a.groupSnapshotList, func(b []byte, s *block.GroupSnapshot, admin bool) []byte {
		return appendGroupSnapshot(b, x, s, admin)
	})
}

// answerGroupSnapshots answers with a page of group snapshots.
func (a *API) answerGroupSnapshots(x *wire.Exchange, key string, rules *listRules, item func([]byte, *block.GroupSnapshot, bool) []byte) error {
	q, caller, err := askedList(x, rules)
	if err != nil {
		return err
	}
	if rules == a.groupSnapshotList {
		q.Filters = append(q.Filters, block.Filter{Field: block.FieldLegacy, Value: "false"})
	}
	return answerList(x, caller, &q, &listCalls[*block.GroupSnapshot]{
		noun: "GroupSnapshot", key: key, links: "group_snapshot_links",
		rows: a.blocks.GroupSnapshots, count: a.blocks.CountGroupSnapshots,
		id:   func(s *block.GroupSnapshot) string { return s.ID },
		item: func(b []byte, s *block.GroupSnapshot) []byte { return item(b, s, caller.Admin) },
	})
}
