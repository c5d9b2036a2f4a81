package cinder

import (
	"net/http"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// groupRoutes are the calls on groups.
func (a *API) groupRoutes() []wire.Route {
	const all, one = "/groups", "/groups/{group_id}"
	act := func(name, action string, since wire.Microversion, who wire.Permission, ok int, handle wire.Handler) wire.Route {
		return wire.Route{Name: "group." + name, Method: "POST", Path: one + "/action", Action: action, Since: since, Permission: who, OK: ok, Handle: handle}
	}
	return sinceV3([]wire.Route{
		{Name: "group.list", Method: "GET", Path: all, Permission: wire.Reader, OK: 200, Handle: a.listGroups},
		{Name: "group.list_details", Method: "GET", Path: all + "/detail", Permission: wire.Reader, OK: 200, Handle: a.listGroupDetails},
		{Name: "group.create", Method: "POST", Path: all, Permission: wire.Member, OK: 202, Handle: a.createGroup},
		{Name: "group.create_from_src", Method: "POST", Path: all + "/action", Action: "create-from-src", Since: wire.GroupSnapshots, Permission: wire.Member, OK: 202, Handle: a.createGroupFrom},
		{Name: "group.show", Method: "GET", Path: one, Permission: wire.Reader, OK: 200, Handle: a.showGroup},
		{Name: "group.update", Method: "PUT", Path: one, Permission: wire.Member, OK: 202, Handle: a.updateGroup},
		{Name: "group.explain", Method: "GET", Path: one + "/explain", Permission: wire.Reader, OK: 200, Source: ours, Handle: a.explainGroup},
		act("delete", "delete", 0, wire.Member, 202, a.deleteGroup),
		act("reset_status", "reset_status", wire.GroupResetStatus, wire.Admin, 202, a.resetGroupStatus),
		act("enable_replication", "enable_replication", wire.GroupReplication, wire.Member, 400, a.refuseGroupReplication),
		act("disable_replication", "disable_replication", wire.GroupReplication, wire.Member, 400, a.refuseGroupReplication),
		act("failover_replication", "failover_replication", wire.GroupReplication, wire.Member, 400, a.refuseGroupReplication),
		act("list_replication_targets", "list_replication_targets", wire.GroupReplication, wire.Member, 400, a.refuseGroupReplication),
	}, wire.VolumeGroupID, "Cinder api/v3/groups.py")
}

// group reads the group of the path for the calls of groups: those that the calls of
// consistency groups made are theirs alone. Source: Cinder _check_default_cgsnapshot_type.
func (a *API) group(x *wire.Exchange, caller block.Caller, id string) (*block.Group, error) {
	g, err := a.blocks.Group(x.Context(), caller, id)
	if err == nil && g.Legacy {
		err = block.Errorf(block.Invalid, "Group_type %s is reserved for migrating CGs to groups. Migrated group can only be operated by CG APIs.", g.TypeID)
	}
	return g, err
}

// createGroup serves POST /groups.
func (a *API) createGroup(x *wire.Exchange) error {
	wanted, err := readNewGroup(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	g, err := a.blocks.CreateGroup(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return replySummary(x, "group", g.ID, g.Name)
}

// replySummary answers 202 with id and name, as creations of groups do.
func replySummary(x *wire.Exchange, key, id string, name block.Text) error {
	return x.Reply(http.StatusAccepted, func(b []byte) []byte {
		b = append(b, `{"`...)
		b = append(b, key...)
		b = append(b, `":`...)
		b = appendSummary(b, id, name)
		return append(b, '}')
	})
}

func appendSummary(b []byte, id string, name block.Text) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, id...)
	b = append(b, `","name":`...)
	b = wire.AppendText(b, name)
	return append(b, '}')
}

// readTextsOf reads name and description, which may be null.
func readTextsOf(x *wire.Exchange, members wire.Members) (change block.SnapshotChange, err error) {
	for _, t := range []struct {
		key  string
		rule wire.TextField
		into *block.TextChange
	}{{"name", wire.Name, &change.Name}, {"description", wire.Description, &change.Description}} {
		value, given := members.Get(t.key)
		if !given {
			continue
		}
		t.into.Given = true
		if t.into.To, err = x.Dialect.ReadText(value, t.key, t.rule); err != nil {
			return change, err
		}
	}
	return change, nil
}

// readNewGroup reads the body of a creation. Source: Cinder schemas/groups.py create.
func readNewGroup(x *wire.Exchange) (n block.NewGroup, err error) {
	members, err := x.Object("group")
	if err == nil {
		err = x.OnlyKey("group")
	}
	if err == nil {
		err = members.Only("group", "name", "description", "group_type", "volume_types", "availability_zone")
	}
	if err != nil {
		return n, err
	}
	texts, err := readTextsOf(x, members)
	if err != nil {
		return n, err
	}
	n.Name, n.Description = texts.Name.To, texts.Description.To
	if n.Type, err = shortString(members, "group_type"); err != nil {
		return n, err
	}
	if strings.TrimSpace(n.Type) == "" {
		return n, block.Errorf(block.Invalid, "Invalid input for field/attribute group: 'group_type' is a required property and can not be empty.")
	}
	if n.Zone, err = shortString(members, "availability_zone"); err != nil {
		return n, err
	}
	value, given := members.Get("volume_types")
	if !given {
		return n, block.Errorf(block.Invalid, "Invalid input for field/attribute group: 'volume_types' is a required property.")
	}
	n.VolumeTypes, err = wire.ReadStrings(value, "volume_types", maxTypesNamed)
	if err == nil && len(n.VolumeTypes) == 0 {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute volume_types: it needs one item at least.")
	}
	if once := slices.Compact(slices.Sorted(slices.Values(n.VolumeTypes))); err == nil && len(once) < len(n.VolumeTypes) {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute volume_types: it has non-unique elements.")
	}
	return n, err
}

// maxTypesNamed is how many volume types a group may have.
// Assumed: no source gives a bound; a loop needs one.
const maxTypesNamed = 100

// createGroupFrom serves create-from-src.
func (a *API) createGroupFrom(x *wire.Exchange) error {
	wanted, err := readGroupFrom(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if wanted.SourceGroupID != "" {
		_, err = a.group(x, caller, wanted.SourceGroupID)
	} else {
		_, err = a.groupSnapshot(x, caller, wanted.GroupSnapshotID)
	}
	if err != nil {
		return err
	}
	g, err := a.blocks.CreateGroupFrom(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return replySummary(x, "group", g.ID, g.Name)
}

func readGroupFrom(x *wire.Exchange) (n block.NewGroupFrom, err error) {
	const key = "create-from-src"
	members, err := x.Object(key)
	if err == nil {
		err = members.Only(key, "name", "description", "group_snapshot_id", "source_group_id")
	}
	if err != nil {
		return n, err
	}
	texts, err := readTextsOf(x, members)
	if err != nil {
		return n, err
	}
	n.Name, n.Description = texts.Name.To, texts.Description.To
	_, fromSnapshot := members.Get("group_snapshot_id")
	_, fromGroup := members.Get("source_group_id")
	switch {
	case fromSnapshot == fromGroup:
		return n, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: exactly one of group_snapshot_id and source_group_id is needed.", key)
	case fromSnapshot:
		n.GroupSnapshotID, err = members.UUID("group_snapshot_id", "GroupSnapshot")
	default:
		n.SourceGroupID, err = members.UUID("source_group_id", "Group")
	}
	return n, err
}

// updateGroup serves PUT /groups/{group_id}: 202 and no body.
func (a *API) updateGroup(x *wire.Exchange) error {
	members, err := x.Object("group")
	if err == nil {
		err = x.OnlyKey("group")
	}
	if err == nil {
		err = members.Only("group", "name", "description", "add_volumes", "remove_volumes")
	}
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute group: at least one of name, description, add_volumes, remove_volumes is needed.")
	}
	change, err := readGroupChange(x, members)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if _, err := a.group(x, caller, x.PathValue("group_id")); err != nil {
		return err
	}
	if err := a.blocks.UpdateGroup(x.Context(), caller, x.PathValue("group_id"), change); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

func readGroupChange(x *wire.Exchange, members wire.Members) (change block.GroupChange, err error) {
	texts, err := readTextsOf(x, members)
	if err != nil {
		return change, err
	}
	change.Name, change.Description = texts.Name, texts.Description
	if change.AddVolumes, err = readIDs(members, "add_volumes"); err != nil {
		return change, err
	}
	change.RemoveVolumes, err = readIDs(members, "remove_volumes")
	return change, err
}

// readIDs reads ids with commas between them. Cinder's schema ends such a text at 255
// characters, which is six ids; here as many may come as a group may have volumes.
func readIDs(members wire.Members, field string) ([]string, error) {
	value, given := members.Get(field)
	if !given || value.Kind() == 'n' {
		return nil, nil
	}
	text, err := wire.ReadString(value, field)
	if err != nil {
		return nil, err
	}
	if text = strings.Trim(text, ","); text == "" {
		return nil, nil
	}
	ids := strings.Split(text, ",")
	if len(ids) > block.MaxGroupVolumes {
		return nil, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it names %d volumes; at most %d are allowed.", field, len(ids), block.MaxGroupVolumes)
	}
	return ids, nil
}

// deleteGroup serves the action delete.
func (a *API) deleteGroup(x *wire.Exchange) error {
	members, err := x.Object("delete")
	if err == nil {
		err = members.Only("delete", "delete-volumes")
	}
	if err != nil {
		return err
	}
	withVolumes := false
	if value, given := members.Get("delete-volumes"); given {
		if withVolumes, err = wire.ReadBool(value, "delete-volumes"); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if _, err := a.group(x, caller, x.PathValue("group_id")); err != nil {
		return err
	}
	if err := a.blocks.DeleteGroup(x.Context(), caller, x.PathValue("group_id"), withVolumes); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// resetGroupStatus serves the action reset_status.
func (a *API) resetGroupStatus(x *wire.Exchange) error {
	status, err := readReset(x, block.ResettableGroupStatuses())
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.ResetGroupStatus(x.Context(), caller, x.PathValue("group_id"), status); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// readReset reads {"reset_status": {"status": …}}.
func readReset[S ~string](x *wire.Exchange, allowed []S) (S, error) {
	members, err := x.Object("reset_status")
	if err == nil {
		err = members.Only("reset_status", "status")
	}
	if err != nil {
		return "", err
	}
	return readStatus(members, allowed)
}

// refuseGroupReplication serves the four actions on replication, which there is none of.
// Source: Cinder group API _check_type; schemas/groups.py.
func (a *API) refuseGroupReplication(x *wire.Exchange) error {
	members, err := x.Object(x.Route.Action)
	if err != nil {
		return err
	}
	if x.Route.Action == "failover_replication" {
		if err := members.Only(x.Route.Action, "allow_attached_volume", "secondary_backend_id"); err != nil {
			return err
		}
		if value, given := members.Get("allow_attached_volume"); given {
			if _, err := wire.ReadBool(value, "allow_attached_volume"); err != nil {
				return err
			}
		}
		if _, err := shortString(members, "secondary_backend_id"); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	return a.blocks.RefuseReplication(x.Context(), caller, x.PathValue("group_id"))
}
