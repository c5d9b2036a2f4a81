package cinder

import (
	"net/http"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// consistencyGroupRoutes are the old calls on groups, which groups of one type now
// stand for. They see every group, as in Cinder.
func (a *API) consistencyGroupRoutes() []wire.Route {
	const all, one = "/consistencygroups", "/consistencygroups/{group_id}"
	rows := []wire.Route{
		{Name: "consistencygroup.list", Method: "GET", Path: all, Permission: wire.Reader, OK: 200, Handle: a.listConsistencyGroups},
		{Name: "consistencygroup.list_details", Method: "GET", Path: all + "/detail", Permission: wire.Reader, OK: 200, Handle: a.listConsistencyGroupDetails},
		{Name: "consistencygroup.create", Method: "POST", Path: all, Permission: wire.Member, OK: 202, Handle: a.createConsistencyGroup},
		{Name: "consistencygroup.create_from_src", Method: "POST", Path: all + "/create_from_src", Permission: wire.Member, OK: 202, Handle: a.createConsistencyGroupFrom},
		{Name: "consistencygroup.show", Method: "GET", Path: one, Permission: wire.Reader, OK: 200, Handle: a.showConsistencyGroup},
		{Name: "consistencygroup.update", Method: "PUT", Path: one + "/update", Permission: wire.Member, OK: 202, Handle: a.updateConsistencyGroup},
		{Name: "consistencygroup.put", Method: "PUT", Path: one, Permission: wire.Member, OK: 202, Handle: a.updateConsistencyGroup}, // as stock clients call it
		{Name: "consistencygroup.delete", Method: "POST", Path: one + "/delete", Permission: wire.Member, OK: 202, Handle: a.deleteConsistencyGroup},
	}
	for i := range rows {
		rows[i].Versions, rows[i].Source = wire.V2V3, "Cinder api/contrib/consistencygroups.py"
	}
	return rows
}

// listConsistencyGroups serves GET /consistencygroups: id and name.
func (a *API) listConsistencyGroups(x *wire.Exchange) error {
	return a.answerGroups(x, "consistencygroups", "consistencygroup_links", a.oldGroupList, func(_ *groupView, b []byte, g *block.Group) []byte {
		return appendSummary(b, g.ID, g.Name)
	})
}

// listConsistencyGroupDetails serves GET /consistencygroups/detail.
func (a *API) listConsistencyGroupDetails(x *wire.Exchange) error {
	return a.answerGroups(x, "consistencygroups", "consistencygroup_links", a.oldGroupList, func(_ *groupView, b []byte, g *block.Group) []byte {
		return appendConsistencyGroup(b, g)
	})
}

// appendConsistencyGroup appends a group as the old calls show it.
// Source: Cinder api/views/consistencygroups.py.
func appendConsistencyGroup(b []byte, g *block.Group) []byte {
	b = appendGroupCore(b, g)
	b = append(b, `,"volume_types":`...)
	b = appendIDs(b, g.VolumeTypes)
	return append(b, '}')
}

// showConsistencyGroup serves GET /consistencygroups/{group_id}.
func (a *API) showConsistencyGroup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	g, err := a.blocks.Group(x.Context(), caller, x.PathValue("group_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"consistencygroup":`...)
		b = appendConsistencyGroup(b, g)
		return append(b, '}')
	})
}

// createConsistencyGroup serves POST /consistencygroups; volume_types has commas
// between names or ids. Keys it does not know are ignored. Source: Cinder
// schemas/consistencygroups.py.
func (a *API) createConsistencyGroup(x *wire.Exchange) error {
	members, err := x.Object("consistencygroup")
	if err != nil {
		return err
	}
	texts, err := readTextsOf(x, members)
	if err != nil {
		return err
	}
	types, err := optionalString(members, "volume_types")
	if err != nil {
		return err
	}
	zone, err := shortString(members, "availability_zone")
	if err != nil {
		return err
	}
	if types = strings.TrimRight(types, ","); types == "" {
		return block.Errorf(block.Invalid, "volume_types must be provided to create a consistency group.")
	}
	wanted := block.NewGroup{
		Name: texts.Name.To, Description: texts.Description.To, Type: block.LegacyGroupTypeName,
		VolumeTypes: strings.Split(types, ","), Zone: zone, Legacy: true,
	}
	if len(wanted.VolumeTypes) > maxTypesNamed {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute volume_types: it names %d types; at most %d are allowed.", len(wanted.VolumeTypes), maxTypesNamed)
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	g, err := a.blocks.CreateGroup(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return replySummary(x, "consistencygroup", g.ID, g.Name)
}

// createConsistencyGroupFrom serves POST /consistencygroups/create_from_src.
func (a *API) createConsistencyGroupFrom(x *wire.Exchange) error {
	const key = "consistencygroup-from-src"
	members, err := x.Object(key)
	if err != nil {
		return err
	}
	texts, err := readTextsOf(x, members)
	if err != nil {
		return err
	}
	wanted := block.NewGroupFrom{Name: texts.Name.To, Description: texts.Description.To}
	if wanted.GroupSnapshotID, err = shortString(members, "cgsnapshot_id"); err != nil {
		return err
	}
	if wanted.SourceGroupID, err = shortString(members, "source_cgid"); err != nil {
		return err
	}
	if (wanted.GroupSnapshotID == "") == (wanted.SourceGroupID == "") {
		return block.Errorf(block.Invalid, "Exactly one of 'cgsnapshot_id' and 'source_cgid' must be provided to create a consistency group from a source.")
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	g, err := a.blocks.CreateGroupFrom(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return replySummary(x, "consistencygroup", g.ID, g.Name)
}

// updateConsistencyGroup serves PUT /consistencygroups/{group_id}, and the same with /update.
func (a *API) updateConsistencyGroup(x *wire.Exchange) error {
	members, err := x.Object("consistencygroup")
	if err != nil {
		return err
	}
	change, err := readGroupChange(x, members)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.UpdateGroup(x.Context(), caller, x.PathValue("group_id"), change); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// deleteConsistencyGroup serves POST /consistencygroups/{group_id}/delete; with force
// its volumes go too. No body, {} and null are no force.
func (a *API) deleteConsistencyGroup(x *wire.Exchange) error {
	force, err := readGroupForce(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DeleteGroup(x.Context(), caller, x.PathValue("group_id"), force); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

func readGroupForce(x *wire.Exchange) (bool, error) {
	if !x.Body.Given || x.Body.Value.Kind() == 'n' {
		return false, nil
	}
	top, err := x.Top()
	if err != nil || len(top) == 0 {
		return false, err
	}
	members, err := x.Object("consistencygroup")
	if err != nil {
		return false, err
	}
	value, given := members.Get("force")
	if !given {
		return false, nil
	}
	return wire.ReadBool(value, "force")
}

// lenient makes rules of the older calls, which ignore what they do not know and
// always had pages.
func lenient(r *listRules) *listRules {
	r.lenient, r.since = true, 0
	return r
}
