package block

import "context"

// GroupSnapshot reads one group snapshot. Fails with NotFound.
func (s *Service) GroupSnapshot(ctx context.Context, c Caller, id string) (*GroupSnapshot, error) {
	snap, err := s.store.GroupSnapshot(ctx, id)
	if err != nil {
		return nil, err
	}
	return snap, reach(c, snap.ProjectID, "GroupSnapshot", id)
}

// GroupSnapshots is one page of a list; allProjects counts for administrators only.
// Fails with NotFound when the marker is unknown.
func (s *Service) GroupSnapshots(ctx context.Context, c Caller, list List, allProjects bool) ([]*GroupSnapshot, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return nil, err
	}
	return s.store.GroupSnapshots(ctx, list)
}

// CountGroupSnapshots counts what the list's filters keep, whatever its page.
func (s *Service) CountGroupSnapshots(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return 0, err
	}
	return s.store.CountGroupSnapshots(ctx, list)
}

// groupSnapshotFor is a row that the caller may change.
func groupSnapshotFor(tx Tx, c Caller, id string) (*GroupSnapshot, error) {
	snap, err := tx.GroupSnapshot(id)
	if err != nil {
		return nil, err
	}
	return snap, reach(c, snap.ProjectID, "GroupSnapshot", id)
}

// NewGroupSnapshot is what a request to make a group snapshot says.
type NewGroupSnapshot struct {
	GroupID     string
	Name        Text
	Description Text
}

// CreateGroupSnapshot makes the row and one of a snapshot for each volume of the
// group, in status creating, and queues the work; of a group without volumes the
// snapshot is available at once. Fails with NotFound (the group), WrongStatus, OverLimit.
// Assumed: the group must be available; Cinder does not look at its status.
func (s *Service) CreateGroupSnapshot(ctx context.Context, c Caller, n NewGroupSnapshot) (*GroupSnapshot, error) {
	if err := s.thawed(ctx); err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	made := &GroupSnapshot{ID: s.parts.NewUUID(), UserID: c.UserID, GroupID: n.GroupID, Name: n.Name, Description: n.Description}
	err = s.store.InTx(ctx, func(tx Tx) error {
		g, err := groupFor(tx, c, n.GroupID)
		if err != nil {
			return err
		}
		if g.Status != GroupAvailable {
			return invalidGroup(WrongStatus, "Group %s status must be available, but current status is: %s.", g.ID, g.Status)
		}
		made.ProjectID, made.TypeID, made.Legacy, made.CreatedAt = g.ProjectID, g.TypeID, g.Legacy, tx.Now()
		made.Status = GroupSnapshotCreating
		members, err := tx.VolumesOfGroup(g.ID)
		if err != nil {
			return err
		}
		err = s.addSnapshots(tx, types, legacySnapshot, members, Snapshot{UserID: c.UserID, Name: n.Name, Description: n.Description, GroupSnapshotID: made.ID})
		if err != nil {
			return err
		}
		if len(members) == 0 {
			if err := made.moveTo(GroupSnapshotAvailable); err != nil {
				return err
			}
			return tx.AddGroupSnapshot(made)
		}
		if err := tx.AddGroupSnapshot(made); err != nil {
			return err
		}
		return s.enqueue(tx, jobSnapshotGroup, g.ID, made.ID, made.ProjectID)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// addSnapshots adds one snapshot like the pattern for each volume, in status
// creating, and counts them against the quotas of the volumes' projects: all, or
// none when one cannot be. Who calls it queues the work, on all of them together.
// Fails with WrongStatus, OverLimit.
func (s *Service) addSnapshots(tx Tx, types []*VolumeType, model snapshotModel, volumes []*Volume, pattern Snapshot) error {
	const force = true // attached volumes, too. Source: Cinder create_snapshots_in_db
	for _, v := range volumes {
		if err := canSnapshot(v, force); err != nil {
			return err
		}
		limits, err := limitsOf(tx, v.ProjectID)
		if err != nil {
			return err
		}
		if err := s.parts.Rules.boundChain(tx, limits, v.ID, model); err != nil {
			return err
		}
		if err := s.reserve(tx, limits, types, v.ProjectID, v.TypeID, Usage{Snapshots: 1, Gigabytes: int64(v.Size)}); err != nil {
			return err
		}
		snap := pattern
		snap.ID, snap.ProjectID, snap.VolumeID, snap.TypeID, snap.Size = s.parts.NewUUID(), v.ProjectID, v.ID, v.TypeID, v.Size
		snap.Status, snap.CreatedAt, snap.EnterpriseProjectID = SnapshotCreating, tx.Now(), v.EnterpriseProjectID
		if err := tx.AddSnapshot(&snap); err != nil {
			return err
		}
	}
	return nil
}

// staysInGroup refuses to do alone to a snapshot what is done to its group snapshot.
// Source: Cinder volume API delete_snapshot.
func (s *Snapshot) staysInGroup() error {
	if s.GroupSnapshotID == "" {
		return nil
	}
	return Errorf(WrongStatus, "Invalid snapshot: Snapshot %s must not be part of a group; it is in group snapshot %s.", s.ID, s.GroupSnapshotID)
}

// UpdateGroupSnapshot changes name and description, in every status. Fails with NotFound.
func (s *Service) UpdateGroupSnapshot(ctx context.Context, c Caller, id string, change SnapshotChange) (*GroupSnapshot, error) {
	return s.changeGroupSnapshot(ctx, c, id, func(snap *GroupSnapshot) {
		if change.Name.Given {
			snap.Name = change.Name.To
		}
		if change.Description.Given {
			snap.Description = change.Description.To
		}
	})
}

func (s *Service) changeGroupSnapshot(ctx context.Context, c Caller, id string, change func(*GroupSnapshot)) (saved *GroupSnapshot, err error) {
	err = s.store.InTx(ctx, func(tx Tx) error {
		if saved, err = groupSnapshotFor(tx, c, id); err != nil {
			return err
		}
		change(saved)
		return tx.SaveGroupSnapshot(saved)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// DeleteGroupSnapshot moves the group snapshot and its snapshots to deleting and
// queues the work on each; it goes with the last of them. Fails with NotFound, and
// with WrongStatus unless it is available or error, while a group is being made from
// it, or while a volume is rolled back to one of its snapshots or that is backed up. Assumed: error_deleting is taken, too; Cinder leaves it to administrators.
func (s *Service) DeleteGroupSnapshot(ctx context.Context, c Caller, id string) error {
	_, err := s.DeleteSnapshotGroup(ctx, c, id)
	return err
}

// DeleteSnapshotGroup is DeleteGroupSnapshot that tells the id of all its jobs together.
func (s *Service) DeleteSnapshotGroup(ctx context.Context, c Caller, id string) (string, error) {
	if err := s.thawed(ctx); err != nil {
		return "", err
	}
	batch := s.parts.NewHex()
	return batch, s.store.InTx(ctx, func(tx Tx) error {
		snap, err := groupSnapshotFor(tx, c, id)
		if err != nil {
			return err
		}
		making, err := tx.CountGroupsFrom(id)
		if err != nil {
			return err
		}
		if snap.moveTo(GroupSnapshotDeleting) != nil || making > 0 {
			return Errorf(WrongStatus, "Invalid GroupSnapshot: GroupSnapshot status must be available or error, and no Group can be currently using it as source for its creation; it is %s.", snap.Status)
		}
		if err := tx.SaveGroupSnapshot(snap); err != nil {
			return err
		}
		if err := tx.CancelJobs(id); err != nil {
			return err
		}
		members, err := tx.SnapshotsOfGroup(id)
		if err != nil {
			return err
		}
		for _, member := range members {
			if err := s.deleteWithGroup(tx, batch, member); err != nil {
				return err
			}
		}
		if len(members) == 0 { // a note of what is done already
			if err := s.enqueueIn(tx, batch, jobDeleteGroupSnapshot, id, id, snap.ProjectID); err != nil {
				return err
			}
		}
		return settleGroupSnapshot(tx, id)
	})
}

// deleteWithGroup moves a snapshot to deleting with its group snapshot and queues the
// work, unless something is being done with it.
func (s *Service) deleteWithGroup(tx Tx, batch string, member *Snapshot) error {
	if member.rolls() || member.Status == SnapshotBackingUp {
		return Errorf(WrongStatus, "Invalid snapshot: Snapshot %s of the group snapshot is %s and cannot be deleted now.", member.ID, member.Status)
	}
	if member.Status != SnapshotDeleting {
		if err := member.moveTo(SnapshotDeleting); err != nil {
			return err
		}
		if err := tx.SaveSnapshot(member); err != nil {
			return err
		}
	}
	if err := tx.CancelJobs(member.ID); err != nil {
		return err
	}
	return s.enqueueIn(tx, batch, jobDeleteSnapshot, member.VolumeID, member.ID, member.ProjectID)
}

// resettableGroupSnapshot are the statuses reset_status takes. Source: Cinder
// group_snapshot_status.
var resettableGroupSnapshot = []GroupSnapshotStatus{
	GroupSnapshotError, GroupSnapshotAvailable, GroupSnapshotCreating, GroupSnapshotDeleting,
	GroupSnapshotDeleted, GroupSnapshotUpdating, GroupSnapshotErrorDeleting,
}

// ResettableGroupSnapshotStatuses are the statuses reset_status takes.
func ResettableGroupSnapshotStatuses() []GroupSnapshotStatus { return resettableGroupSnapshot }

// ResetGroupSnapshotStatus sets a status round groupSnapshotMoves; for
// administrators. Status is one of ResettableGroupSnapshotStatuses. Fails with NotFound.
func (s *Service) ResetGroupSnapshotStatus(ctx context.Context, c Caller, id string, status GroupSnapshotStatus) error {
	_, err := s.changeGroupSnapshot(ctx, c, id, func(snap *GroupSnapshot) { snap.Status = status })
	return err
}
