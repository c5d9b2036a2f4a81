package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// groupSnapshotRoutes are the calls on group snapshots.
func (a *API) groupSnapshotRoutes() []wire.Route {
	const all, one = "/group_snapshots", "/group_snapshots/{group_snapshot_id}"
	return sinceV3([]wire.Route{
		{Name: "group_snapshot.list", Method: "GET", Path: all, Permission: wire.Reader, OK: 200, Handle: a.listGroupSnapshots},
		{Name: "group_snapshot.list_details", Method: "GET", Path: all + "/detail", Permission: wire.Reader, OK: 200, Handle: a.listGroupSnapshotDetails},
		{Name: "group_snapshot.create", Method: "POST", Path: all, Permission: wire.Member, OK: 202, Handle: a.createGroupSnapshot},
		{Name: "group_snapshot.show", Method: "GET", Path: one, Permission: wire.Reader, OK: 200, Handle: a.showGroupSnapshot},
		{Name: "group_snapshot.update", Method: "PUT", Path: one, Permission: wire.Member, OK: 200, Source: "stock cinder client group_snapshots.update; Cinder has a policy for it and no handler", Handle: a.updateGroupSnapshot},
		{Name: "group_snapshot.delete", Method: "DELETE", Path: one, Permission: wire.Member, OK: 202, Handle: a.deleteGroupSnapshot},
		{Name: "group_snapshot.explain", Method: "GET", Path: one + "/explain", Permission: wire.Reader, OK: 200, Source: ours, Handle: a.explainGroupSnapshot},
		{Name: "group_snapshot.reset_status", Method: "POST", Path: one + "/action", Action: "reset_status", Since: wire.GroupSnapshotResetStatus, Permission: wire.Admin, OK: 202, Handle: a.resetGroupSnapshotStatus},
	}, wire.GroupSnapshots, "Cinder api/v3/group_snapshots.py")
}

// groupSnapshot is group for group snapshots.
func (a *API) groupSnapshot(x *wire.Exchange, caller block.Caller, id string) (*block.GroupSnapshot, error) {
	s, err := a.blocks.GroupSnapshot(x.Context(), caller, id)
	if err == nil && s.Legacy {
		err = block.Errorf(block.Invalid, "Group_type %s is reserved for migrating CGs to groups. Migrated group snapshots can only be operated by CG snapshot APIs.", s.TypeID)
	}
	return s, err
}

// createGroupSnapshot serves POST /group_snapshots.
func (a *API) createGroupSnapshot(x *wire.Exchange) error {
	members, err := x.Object("group_snapshot")
	if err == nil {
		err = x.OnlyKey("group_snapshot")
	}
	if err == nil {
		err = members.Only("group_snapshot", "group_id", "name", "description")
	}
	if err != nil {
		return err
	}
	texts, err := readTextsOf(x, members)
	if err != nil {
		return err
	}
	id, err := members.UUID("group_id", "Group")
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if _, err := a.group(x, caller, id); err != nil {
		return err
	}
	s, err := a.blocks.CreateGroupSnapshot(x.Context(), caller, block.NewGroupSnapshot{GroupID: id, Name: texts.Name.To, Description: texts.Description.To})
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte { // here with its type, unlike in a list
		b = append(b, `{"group_snapshot":{"id":"`...)
		b = append(b, s.ID...)
		b = append(b, `","name":`...)
		b = wire.AppendText(b, s.Name)
		b = append(b, `,"group_type_id":"`...)
		b = append(b, s.TypeID...)
		return append(b, `"}}`...)
	})
}

// appendGroupSnapshot appends a group snapshot. Source: Cinder
// api/v3/views/group_snapshots.py detail.
func appendGroupSnapshot(b []byte, x *wire.Exchange, s *block.GroupSnapshot, admin bool) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, s.ID...)
	b = append(b, `","group_id":`...)
	b = wire.AppendOptional(b, s.GroupID) // EVS v5 makes them of no group
	b = append(b, `,"group_type_id":`...)
	b = wire.AppendOptional(b, s.TypeID)
	b = append(b, `,"status":"`...)
	b = append(b, s.Status...)
	b = append(b, `","created_at":`...)
	b = wire.AppendTime(b, s.CreatedAt)
	b = append(b, `,"name":`...)
	b = wire.AppendText(b, s.Name)
	b = append(b, `,"description":`...)
	b = wire.AppendText(b, s.Description)
	if x.Version >= wire.GroupProjectID && admin {
		b = append(b, `,"project_id":"`...)
		b = append(b, s.ProjectID...)
		b = append(b, '"')
	}
	return append(b, '}')
}

func replyGroupSnapshot(x *wire.Exchange, s *block.GroupSnapshot, admin bool) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"group_snapshot":`...)
		b = appendGroupSnapshot(b, x, s, admin)
		return append(b, '}')
	})
}

// showGroupSnapshot serves GET /group_snapshots/{group_snapshot_id}.
func (a *API) showGroupSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	s, err := a.groupSnapshot(x, caller, x.PathValue("group_snapshot_id"))
	if err != nil {
		return err
	}
	return replyGroupSnapshot(x, s, caller.Admin)
}

// updateGroupSnapshot serves PUT /group_snapshots/{group_snapshot_id}.
func (a *API) updateGroupSnapshot(x *wire.Exchange) error {
	members, err := x.Object("group_snapshot")
	if err == nil {
		err = x.OnlyKey("group_snapshot")
	}
	if err == nil {
		err = members.Only("group_snapshot", "name", "description")
	}
	if err != nil {
		return err
	}
	change, err := readTextsOf(x, members)
	if err != nil {
		return err
	}
	if !change.Name.Given && !change.Description.Given {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute group_snapshot: name or description is needed.")
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if _, err := a.groupSnapshot(x, caller, x.PathValue("group_snapshot_id")); err != nil {
		return err
	}
	s, err := a.blocks.UpdateGroupSnapshot(x.Context(), caller, x.PathValue("group_snapshot_id"), change)
	if err != nil {
		return err
	}
	return replyGroupSnapshot(x, s, caller.Admin)
}

// deleteGroupSnapshot serves DELETE /group_snapshots/{group_snapshot_id}.
func (a *API) deleteGroupSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id := x.PathValue("group_snapshot_id")
	if _, err := a.groupSnapshot(x, caller, id); err != nil {
		return err
	}
	if err := a.blocks.DeleteGroupSnapshot(x.Context(), caller, id); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// resetGroupSnapshotStatus serves the action reset_status.
func (a *API) resetGroupSnapshotStatus(x *wire.Exchange) error {
	status, err := readReset(x, block.ResettableGroupSnapshotStatuses())
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.ResetGroupSnapshotStatus(x.Context(), caller, x.PathValue("group_snapshot_id"), status); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}
