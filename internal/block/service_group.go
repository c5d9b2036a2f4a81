package block

import (
	"context"
	"slices"
	"strings"
)

// Group reads one group. Fails with NotFound.
func (s *Service) Group(ctx context.Context, c Caller, id string) (*Group, error) {
	g, err := s.store.Group(ctx, id)
	if err != nil {
		return nil, err
	}
	return g, reach(c, g.ProjectID, "Group", id)
}

// Groups is one page of a list; allProjects counts for administrators only.
// Fails with NotFound when the marker is unknown.
func (s *Service) Groups(ctx context.Context, c Caller, list List, allProjects bool) ([]*Group, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return nil, err
	}
	return s.store.Groups(ctx, list)
}

// CountGroups counts what the list's filters keep, whatever its page.
func (s *Service) CountGroups(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return 0, err
	}
	return s.store.CountGroups(ctx, list)
}

// VolumesOfGroups are the ids of the volumes of groups that the caller has read.
func (s *Service) VolumesOfGroups(ctx context.Context, groups ...*Group) (map[string][]string, error) {
	ids := make([]string, len(groups))
	for i, g := range groups {
		ids[i] = g.ID
	}
	return s.store.VolumesOfGroups(ctx, ids)
}

// groupFor is a row that the caller may change.
func groupFor(tx Tx, c Caller, id string) (*Group, error) {
	g, err := tx.Group(id)
	if err != nil {
		return nil, err
	}
	return g, reach(c, g.ProjectID, "Group", id)
}

// NewGroup is what a request to make an empty group says.
type NewGroup struct {
	Name        Text
	Description Text
	Type        string   // id or name; the type of consistency groups for a legacy one
	VolumeTypes []string // ids or names
	Zone        string   // empty: the default
	Legacy      bool
}

// CreateGroup makes a group without volumes, which is available at once: no driver
// knows of it. Fails with Invalid, NotFound (a type), OverLimit.
func (s *Service) CreateGroup(ctx context.Context, c Caller, n NewGroup) (*Group, error) {
	if n.Zone != "" && n.Zone != s.parts.Zone {
		return nil, Errorf(Invalid, "Invalid input received: Availability zone '%.64s' is invalid; the zone is %s.", n.Zone, s.parts.Zone)
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	g := &Group{
		ID: s.parts.NewUUID(), ProjectID: c.ProjectID, UserID: c.UserID, Name: n.Name, Description: n.Description,
		Status: GroupAvailable, AvailabilityZone: s.parts.Zone, Legacy: n.Legacy,
	}
	if g.VolumeTypes, err = volumeTypesNamed(types, n.VolumeTypes); err != nil {
		return nil, err
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		t, err := groupTypeFor(tx, c, n)
		if err != nil {
			return err
		}
		g.TypeID, g.CreatedAt = t.ID, tx.Now()
		if err := s.boundGroups(tx, g.ProjectID); err != nil {
			return err
		}
		return tx.AddGroup(g)
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// volumeTypesNamed are the ids of types, each once, in the order in which they were named.
func volumeTypesNamed(types []*VolumeType, named []string) ([]string, error) {
	var ids []string
	for _, name := range named {
		i := slices.IndexFunc(types, func(t *VolumeType) bool { return t.ID == name })
		if i < 0 {
			i = slices.IndexFunc(types, func(t *VolumeType) bool { return t.Name == name })
		}
		if i < 0 {
			return nil, Errorf(NotFound, "Volume type %.64s could not be found.", name)
		}
		if !slices.Contains(ids, types[i].ID) {
			ids = append(ids, types[i].ID)
		}
	}
	return ids, nil
}

// groupTypeFor finds the type of a new group, by id before by name.
func groupTypeFor(tx Tx, c Caller, n NewGroup) (*GroupType, error) {
	t, err := tx.GroupType(n.Type)
	if isGone(err) {
		t, err = tx.GroupTypeNamed(n.Type)
	}
	switch {
	case isGone(err) && n.Legacy:
		return nil, Errorf(Invalid, "Group type %s not found: an administrator must make it before there can be consistency groups.", n.Type)
	case err != nil:
		return nil, err
	case !t.visible(c):
		return nil, notFound("Group type", n.Type)
	case t.Name == LegacyGroupTypeName && !n.Legacy:
		return nil, Errorf(Invalid, "Group_type %s is reserved for the groups that the calls of consistency groups make.", t.ID)
	}
	return t, nil
}

// boundGroups holds a project to its quota of groups, one more included. What is
// used is the count of the rows; touching the row of usage lets one creation come
// after the other.
func (s *Service) boundGroups(tx Tx, projectID string) error {
	limits, err := limitsOf(tx, projectID)
	if err != nil {
		return err
	}
	if _, _, err := tx.AddUsage(projectID, "", Usage{}); err != nil {
		return err
	}
	n, err := tx.CountGroupsOf(projectID)
	if limit := limits.of("groups"); err == nil && over(int64(n)+1, limit) {
		return Errorf(OverLimit, "GroupLimitExceeded: Maximum number of groups allowed (%d) exceeded.", limit)
	}
	return err
}

// UpdateGroup changes name and description in every status, and which volumes it has
// while it is available. Fails with NotFound, WrongStatus, and Invalid when there is
// nothing to change or a volume cannot be added or removed. Source: Cinder group API update.
func (s *Service) UpdateGroup(ctx context.Context, c Caller, id string, change GroupChange) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		g, err := groupFor(tx, c, id)
		if err != nil {
			return err
		}
		before := *g
		if change.Name.Given && change.Name.To.Valid {
			g.Name = change.Name.To
		}
		if change.Description.Given && change.Description.To.Valid {
			g.Description = change.Description.To
		}
		moved, err := moveVolumes(tx, c, g, change)
		if err != nil {
			return err
		}
		if moved == 0 && g.Name == before.Name && g.Description == before.Description {
			return invalidGroup(Invalid, "Cannot update group %s because no valid name, description, add_volumes, or remove_volumes were provided.", id)
		}
		return tx.SaveGroup(g)
	})
}

// DeleteGroup removes a group without volumes, which must be available or error;
// withVolumes it deletes its volumes whatever is being done to them, and goes with
// the last of them. Fails with NotFound, WrongStatus, and Invalid while it has
// snapshots or, otherwise, volumes. Source: Cinder group API delete.
func (s *Service) DeleteGroup(ctx context.Context, c Caller, id string, withVolumes bool) error {
	if err := s.thawed(ctx); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		g, err := groupFor(tx, c, id)
		if err != nil {
			return err
		}
		if !withVolumes && g.Status != GroupAvailable && g.Status != GroupError {
			return invalidGroup(WrongStatus, "Group status must be available or error, but current status is: %s", g.Status)
		}
		if err := mayGo(tx, g); err != nil {
			return err
		}
		members, err := tx.VolumesOfGroup(id)
		if err != nil {
			return err
		}
		if len(members) > 0 && !withVolumes {
			return invalidGroup(Invalid, "Group %s still contains volumes. The delete-volumes flag is required to delete it.", id)
		}
		if g.Status != GroupDeleting {
			if err := g.moveTo(GroupDeleting); err != nil {
				return err
			}
			if err := tx.SaveGroup(g); err != nil {
				return err
			}
		}
		if err := tx.CancelJobs(id); err != nil {
			return err
		}
		for _, v := range members {
			if err := s.deleteMember(tx, v); err != nil {
				return err
			}
		}
		return settleGroup(tx, id)
	})
}

// mayGo refuses the deletion of a group that others stand on.
func mayGo(tx Tx, g *Group) error {
	if n, err := tx.CountGroupSnapshotsOf(g.ID); err != nil || n > 0 {
		if err == nil {
			err = invalidGroup(Invalid, "Group has existing snapshots.")
		}
		return err
	}
	if n, err := tx.CountGroupsFrom(g.ID); err != nil || n > 0 {
		if err == nil {
			err = invalidGroup(WrongStatus, "Cannot delete group %s: it is the source of a group that is being made.", g.ID)
		}
		return err
	}
	return nil
}

// resettableGroup are the statuses reset_status takes. Source: Cinder group_status.
var resettableGroup = []GroupStatus{
	GroupError, GroupAvailable, GroupCreating, GroupDeleting, GroupDeleted, GroupUpdating, GroupErrorDeleting,
}

// ResettableGroupStatuses are the statuses reset_status takes.
func ResettableGroupStatuses() []GroupStatus { return resettableGroup }

// ResetGroupStatus sets a status round groupMoves; for administrators.
// Status is one of ResettableGroupStatuses. Fails with NotFound.
func (s *Service) ResetGroupStatus(ctx context.Context, c Caller, id string, status GroupStatus) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		g, err := groupFor(tx, c, id)
		if err != nil {
			return err
		}
		g.Status = status
		return tx.SaveGroup(g)
	})
}

// RefuseReplication tells why a group is not replicated: its type does not ask for
// it, or its volumes' types do not, or the storage cannot. It never succeeds.
// Source: Cinder group API _check_type.
func (s *Service) RefuseReplication(ctx context.Context, c Caller, id string) error {
	g, err := s.Group(ctx, c, id)
	if err != nil {
		return err
	}
	t, err := s.store.GroupType(ctx, g.TypeID)
	if err != nil {
		return err
	}
	if !t.has(specReplicated) && !t.has(specReplicatedOneMoment) {
		return Errorf(Invalid, "Invalid group type: Group %s is not a replication group type.", id)
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return err
	}
	for _, v := range types {
		if slices.Contains(g.VolumeTypes, v.ID) && strings.TrimSpace(v.ExtraSpecs["replication_enabled"]) != isTrue {
			return Errorf(Invalid, "Invalid volume type: Volume type %s does not have 'replication_enabled' spec key set to '<is> True'.", v.ID)
		}
	}
	return invalidGroup(Invalid, "the storage of group %s has no second place to replicate to.", id)
}
