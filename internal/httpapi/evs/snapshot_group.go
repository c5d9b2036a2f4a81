package evs

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// snapshotGroupRoutes are the calls of v5 on snapshot groups: group snapshots, those
// that the Cinder family made, too.
func (a *API) snapshotGroupRoutes() []wire.Route {
	const all, one = "/snapshot-groups", "/snapshot-groups/{snapshot_group_id}"
	return []wire.Route{
		{Name: "snapshot_group5.create", Method: "POST", Path: all, Versions: wire.V5, Permission: wire.Member, OK: 202, Source: evs17, Handle: a.createSnapshotGroup},
		{Name: "snapshot_group5.list", Method: "GET", Path: all + "/detail", Versions: wire.V5, Permission: wire.Reader, OK: 200, Source: evs17, Handle: a.listSnapshotGroups},
		{Name: "snapshot_group5.show", Method: "GET", Path: one, Versions: wire.V5, Permission: wire.Reader, OK: 200, Source: evs17, Handle: a.showSnapshotGroup},
		{Name: "snapshot_group5.update", Method: "PUT", Path: one, Versions: wire.V5, Permission: wire.Member, OK: 200, Source: evs17, Handle: a.updateSnapshotGroup},
		{Name: "snapshot_group5.delete", Method: "DELETE", Path: one, Versions: wire.V5, Permission: wire.Member, OK: 202, Source: evs17, Handle: a.deleteSnapshotGroup},
		{Name: "tag.snapshot_group_project", Method: "GET", Path: all + "/tags", Versions: wire.V5, Permission: wire.Reader, OK: 200, Source: evs17, Handle: a.listProjectTags(block.TagSnapshotGroup)},
		{Name: "tag.snapshot_group_create", Method: "POST", Path: one + "/tags/create", Versions: wire.V5, Permission: wire.Member, OK: 204, Source: evs17, Handle: a.snapshotGroupTags(true)},
		{Name: "tag.snapshot_group_delete", Method: "POST", Path: one + "/tags/delete", Versions: wire.V5, Permission: wire.Member, OK: 204, Source: evs17, Handle: a.snapshotGroupTags(false)},
	}
}

// snapshotGroup5Faults are for the calls on snapshot groups: the same code as for a
// snapshot while another is made, with another status. Source: evs-errors 3 and 4.
var snapshotGroup5Faults = with(tagFaults, map[string]fault{
	block.AboutSnapshotBusy: {400, "EVS.2409"}, block.AboutServer: {400, "EVS.2229"}, "enterprise_project_id": {400, "EVS.2059"},
	"volume_ids": {400, "EVS.1002"}, "volume_id": {400, "EVS.1002"}, "volume_ids.none": {400, "EVS.1032"}, "volume_ids.many": {400, "EVS.1021"},
})

// snapshotGroupItem is a snapshot group as v5 shows it. Source: EVS 5.5, and
// project_id of the samples of "Querying a Snapshot Consistency Group".
type snapshotGroupItem struct {
	ID                string            `json:"id"`
	ServerID          *string           `json:"server_id"`
	ProjectID         string            `json:"project_id"`
	EnterpriseProject string            `json:"enterprise_project_id"`
	Name              *string           `json:"name"`
	Description       *string           `json:"description"`
	Status            string            `json:"status"`
	Tags              map[string]string `json:"tags"`
	CreatedAt         *string           `json:"created_at"`
	UpdatedAt         *string           `json:"updated_at"`
}

// viewSnapshotGroups shows groups with their tags.
func (a *API) viewSnapshotGroups(x *wire.Exchange, rows []*block.GroupSnapshot) ([]snapshotGroupItem, error) {
	ids := make([]string, len(rows))
	for i, g := range rows {
		ids[i] = g.ID
	}
	tags, err := a.blocks.TagsOf(x.Context(), block.TagSnapshotGroup, ids)
	items := make([]snapshotGroupItem, len(rows))
	for i, g := range rows {
		items[i] = snapshotGroupItem{
			ID: g.ID, ServerID: optional(g.ServerID), ProjectID: g.ProjectID, EnterpriseProject: g.EnterpriseProjectID, Name: textOf(g.Name),
			Description: textOf(g.Description), Status: string(g.Status), Tags: tags[g.ID], CreatedAt: timeText(g.CreatedAt), UpdatedAt: timeText(g.UpdatedAt),
		}
		if items[i].Tags == nil {
			items[i].Tags = map[string]string{}
		}
	}
	return items, err
}

func (a *API) replySnapshotGroup(x *wire.Exchange, g *block.GroupSnapshot) error {
	items, err := a.viewSnapshotGroups(x, []*block.GroupSnapshot{g})
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, map[string]any{"snapshot_group": items[0]})
}

// snapshotGroupTags serves POST …/tags/create and …/tags/delete.
func (a *API) snapshotGroupTags(create bool) wire.Handler {
	return func(x *wire.Exchange) error {
		top, err := x.Top()
		if err != nil {
			return err
		}
		return a.changeTags(x, top, create, block.TagSnapshotGroup, x.PathValue("snapshot_group_id"))
	}
}

// createSnapshotGroup serves POST /v5/{project_id}/snapshot-groups: of all disks that
// server_id has, or of those of volume_ids, also in use.
func (a *API) createSnapshotGroup(x *wire.Exchange) error {
	n, err := readSnapshotGroup(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	made, job, err := a.blocks.CreateSnapshotGroup(x.Context(), caller, n)
	if err != nil {
		return err
	}
	return reply(x, http.StatusAccepted, map[string]string{"snapshot_group_id": made.ID, "job_id": job})
}

func readSnapshotGroup(x *wire.Exchange) (n block.NewSnapshotGroup, err error) {
	members, err := x.Object("snapshot_group")
	if err != nil {
		return n, err
	}
	if n.ServerID, err = text(members, "server_id"); err != nil {
		return n, block.On(block.AboutServer, err)
	}
	if n.ServerID != "" && !wire.IsUUID(n.ServerID) {
		return n, block.On(block.AboutServer, block.Errorf(block.Invalid, "Server %.64s could not be found.", n.ServerID))
	}
	if n.VolumeIDs, err = readVolumeIDs(members); err != nil {
		return n, err
	}
	name, description, err := x.ReadTexts(members)
	if err != nil {
		return n, err
	}
	n.Name, n.Description = name.To, description.To
	if value, given := members.Get(tagsKey); given && value.Kind() != 'n' {
		if n.Tags, err = readTagObject(value, tagsKey); err != nil {
			return n, err
		}
	}
	if n.InstantAccess, err = readFlag(members, "instant_access", false); err != nil {
		return n, err
	}
	incremental, err := readFlag(members, "incremental", false) // unlike for one snapshot. Source: vendor's Terraform provider
	if err != nil {
		return n, err
	}
	n.FullCopy = !incremental
	n.EnterpriseProjectID, err = readEnterpriseProject(members)
	return n, err
}

// readVolumeIDs reads volume_ids; nothing, null and [] all mean none.
func readVolumeIDs(members wire.Members) ([]string, error) {
	const key = "volume_ids"
	value, given := members.Get(key)
	if !given || value.Kind() == 'n' {
		return nil, nil
	}
	if value.Kind() != '[' {
		return nil, block.On(key, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: an array is needed.", key))
	}
	list, err := items(members, key, block.MaxSnapshotGroup)
	if err != nil {
		if block.AboutOf(err) == key+".none" {
			return nil, nil
		}
		return nil, err
	}
	ids := make([]string, len(list))
	for i, item := range list {
		if ids[i], err = readID(wire.Members{{Name: key, Value: item}}, key); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// showSnapshotGroup serves GET /v5/{project_id}/snapshot-groups/{snapshot_group_id}.
func (a *API) showSnapshotGroup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	g, err := a.blocks.GroupSnapshot(x.Context(), caller, x.PathValue("snapshot_group_id"))
	if err != nil {
		return err
	}
	return a.replySnapshotGroup(x, g)
}

// updateSnapshotGroup serves PUT /v5/{project_id}/snapshot-groups/{snapshot_group_id}.
func (a *API) updateSnapshotGroup(x *wire.Exchange) error {
	members, err := x.Object("snapshot_group")
	if err != nil {
		return err
	}
	var change block.SnapshotChange
	if change.Name, change.Description, err = x.ReadTexts(members); err != nil {
		return err
	}
	if !change.Name.Given && !change.Description.Given {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute snapshot_group: at least one of name and description is needed.")
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	g, err := a.blocks.UpdateGroupSnapshot(x.Context(), caller, x.PathValue("snapshot_group_id"), change)
	if err != nil {
		return err
	}
	return a.replySnapshotGroup(x, g)
}

// deleteSnapshotGroup serves DELETE /v5/{project_id}/snapshot-groups/{snapshot_group_id}:
// its snapshots go, too.
func (a *API) deleteSnapshotGroup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	job, err := a.blocks.DeleteSnapshotGroup(x.Context(), caller, x.PathValue("snapshot_group_id"))
	if err != nil {
		return err
	}
	return reply(x, http.StatusAccepted, jobAnswer{job})
}

// snapshotGroupRules are what the list can be kept and ordered by. Source: EVS
// "Listing Snapshot Consistency Groups"; it names size, which a group has none of.
func snapshotGroupRules() *listRules {
	return &listRules{
		sort: wire.SortFields{"id": block.FieldID, "status": block.FieldStatus, "created_at": block.FieldCreatedAt, "size": block.FieldCreatedAt},
		filters: map[string]func(*listQuery, string) error{
			"id": byID, "name": byName, "status": byField(block.FieldStatus), "server_id": byField(block.FieldServerID),
			"enterprise_project_id": byEnterpriseProject, "tag_key": byTagKey, "tags": byTagValues,
		},
	}
}

// listSnapshotGroups serves GET /v5/{project_id}/snapshot-groups/detail. Source: EVS 5.5.
func (a *API) listSnapshotGroups(x *wire.Exchange) error {
	q, err := readList(x, snapshotGroupRules())
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	rows, count, err := page(x, caller, &q, a.blocks.GroupSnapshots, a.blocks.CountGroupSnapshots)
	if err != nil {
		return err
	}
	answer := struct {
		Count  int                 `json:"count"`
		Groups []snapshotGroupItem `json:"snapshot_groups"`
		Links  []link              `json:"snapshot_groups_links,omitempty"`
	}{Count: count}
	if answer.Groups, err = a.viewSnapshotGroups(x, rows); err != nil {
		return err
	}
	if len(rows) > 0 && len(rows) >= q.Limit {
		answer.Links = []link{{"next", x.NextLink(rows[len(rows)-1].ID)}}
	}
	return reply(x, http.StatusOK, answer)
}
