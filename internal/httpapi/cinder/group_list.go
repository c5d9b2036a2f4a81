package cinder

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// groupSort are the sort keys of groups; the columns of Cinder's table that say
// something here.
var groupSort = wire.SortFields{
	"id": block.FieldID, "name": block.FieldName, "description": block.FieldDescription, "status": block.FieldStatus,
	"created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt, "availability_zone": block.FieldAvailabilityZone,
	"group_type_id": block.FieldTypeID, "project_id": block.FieldProjectID, "user_id": block.FieldUserID,
	"group_snapshot_id": block.FieldGroupSnapshotID, "source_group_id": block.FieldSourceGroupID,
}

// groupRules are the filters of the lists of groups: name for all, and every column
// for administrators or up to 3.30. Source: Cinder resource_filters.json, group.
func groupRules() *listRules {
	column := func(key string, field block.Field) filterRule {
		return filterRule{key: key, v2: true, admin: true, loose: true, keep: byField(field)}
	}
	return &listRules{
		sort: func(*wire.Exchange) wire.SortFields { return groupSort },
		filters: []filterRule{
			{key: "name", v2: true, keep: byField(block.FieldName)},
			{key: "list_volume", v2: true, keep: func(*listQuery, string) error { return nil }}, // no filter; see groupView
			column("id", block.FieldID), column("status", block.FieldStatus), column("description", block.FieldDescription),
			column("availability_zone", block.FieldAvailabilityZone), column("group_type_id", block.FieldTypeID),
			column("user_id", block.FieldUserID), column("project_id", block.FieldProjectID),
			column("group_snapshot_id", block.FieldGroupSnapshotID), column("source_group_id", block.FieldSourceGroupID),
		},
	}
}

// listGroups serves GET /groups: id and name.
func (a *API) listGroups(x *wire.Exchange) error {
	return a.answerGroups(x, "groups", "group_links", a.groupList, func(_ *groupView, b []byte, g *block.Group) []byte {
		return appendSummary(b, g.ID, g.Name)
	})
}

// listGroupDetails serves GET /groups/detail.
func (a *API) listGroupDetails(x *wire.Exchange) error {
	return a.answerGroups(x, "groups", "group_links", a.groupList, (*groupView).appendItem)
}

// answerGroups answers with a page of groups. Those of the old calls are not in the
// lists of groups. The view is made once the page is read: it reads their volumes.
func (a *API) answerGroups(x *wire.Exchange, key, links string, rules *listRules, item func(*groupView, []byte, *block.Group) []byte) error {
	q, caller, err := askedList(x, rules)
	if err != nil {
		return err
	}
	if rules == a.groupList {
		q.Filters = append(q.Filters, block.Filter{Field: block.FieldLegacy, Value: "false"})
	}
	view, err := a.groupView(x, caller)
	if err != nil {
		return err
	}
	return answerList(x, caller, &q, &listCalls[*block.Group]{
		noun: "Group", key: key, links: links, count: a.blocks.CountGroups,
		rows: func(ctx context.Context, c block.Caller, list block.List, all bool) ([]*block.Group, error) {
			groups, err := a.blocks.Groups(ctx, c, list, all)
			if err == nil && view.volumes != nil {
				view.volumes, err = a.blocks.VolumesOfGroups(ctx, groups...)
			}
			return groups, err
		},
		id:   func(g *block.Group) string { return g.ID },
		item: func(b []byte, g *block.Group) []byte { return item(view, b, g) },
	})
}
