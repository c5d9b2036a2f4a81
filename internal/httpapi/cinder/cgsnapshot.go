package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// cgSnapshotRoutes are the old calls on group snapshots; see consistencyGroupRoutes.
func (a *API) cgSnapshotRoutes() []wire.Route {
	const all, one = "/cgsnapshots", "/cgsnapshots/{group_snapshot_id}"
	rows := []wire.Route{
		{Name: "cgsnapshot.list", Method: "GET", Path: all, Permission: wire.Reader, OK: 200, Handle: a.listCGSnapshots},
		{Name: "cgsnapshot.list_details", Method: "GET", Path: all + "/detail", Permission: wire.Reader, OK: 200, Handle: a.listCGSnapshotDetails},
		{Name: "cgsnapshot.create", Method: "POST", Path: all, Permission: wire.Member, OK: 202, Handle: a.createCGSnapshot},
		{Name: "cgsnapshot.show", Method: "GET", Path: one, Permission: wire.Reader, OK: 200, Handle: a.showCGSnapshot},
		{Name: "cgsnapshot.delete", Method: "DELETE", Path: one, Permission: wire.Member, OK: 202, Handle: a.deleteCGSnapshot},
	}
	for i := range rows {
		rows[i].Versions, rows[i].Source = wire.V2V3, "Cinder api/contrib/cgsnapshots.py"
	}
	return rows
}

// listCGSnapshots serves GET /cgsnapshots: id and name.
func (a *API) listCGSnapshots(x *wire.Exchange) error {
	return a.answerGroupSnapshots(x, "cgsnapshots", a.oldGroupSnapshotList, func(b []byte, s *block.GroupSnapshot, _ bool) []byte {
		return appendSummary(b, s.ID, s.Name)
	})
}

// listCGSnapshotDetails serves GET /cgsnapshots/detail.
func (a *API) listCGSnapshotDetails(x *wire.Exchange) error {
	return a.answerGroupSnapshots(x, "cgsnapshots", a.oldGroupSnapshotList, func(b []byte, s *block.GroupSnapshot, _ bool) []byte {
		return appendCGSnapshot(b, s)
	})
}

// appendCGSnapshot appends a group snapshot as the old calls show it. Source: Cinder
// api-ref cgsnapshots; its code shows null for the group where it means the id.
func appendCGSnapshot(b []byte, s *block.GroupSnapshot) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, s.ID...)
	b = append(b, `","consistencygroup_id":"`...)
	b = append(b, s.GroupID...)
	b = append(b, `","status":"`...)
	b = append(b, s.Status...)
	b = append(b, `","created_at":`...)
	b = wire.AppendTime(b, s.CreatedAt)
	b = append(b, `,"name":`...)
	b = wire.AppendText(b, s.Name)
	b = append(b, `,"description":`...)
	b = wire.AppendText(b, s.Description)
	return append(b, '}')
}

// showCGSnapshot serves GET /cgsnapshots/{group_snapshot_id}.
func (a *API) showCGSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	s, err := a.blocks.GroupSnapshot(x.Context(), caller, x.PathValue("group_snapshot_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"cgsnapshot":`...)
		b = appendCGSnapshot(b, s)
		return append(b, '}')
	})
}

// createCGSnapshot serves POST /cgsnapshots. Keys it does not know are ignored.
func (a *API) createCGSnapshot(x *wire.Exchange) error {
	members, err := x.Object("cgsnapshot")
	if err != nil {
		return err
	}
	texts, err := readTextsOf(x, members)
	if err != nil {
		return err
	}
	id, err := shortString(members, "consistencygroup_id")
	if err == nil && id == "" {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute cgsnapshot: 'consistencygroup_id' is a required property.")
	}
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	s, err := a.blocks.CreateGroupSnapshot(x.Context(), caller, block.NewGroupSnapshot{GroupID: id, Name: texts.Name.To, Description: texts.Description.To})
	if err != nil {
		return err
	}
	return replySummary(x, "cgsnapshot", s.ID, s.Name)
}

// deleteCGSnapshot serves DELETE /cgsnapshots/{group_snapshot_id}.
func (a *API) deleteCGSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DeleteGroupSnapshot(x.Context(), caller, x.PathValue("group_snapshot_id")); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}
