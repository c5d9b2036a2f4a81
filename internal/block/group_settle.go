package block

import "slices"

// settleGroup lets a group in motion follow its volumes: one that is being made is
// available, or error, when the last of them is; one that is being deleted goes with
// the last of them, or stays with those whose deletion failed. Whoever ends work on
// a volume of a group calls it in the same transaction. An empty id is no group.
func settleGroup(tx Tx, id string) error {
	if id == "" {
		return nil
	}
	g, err := tx.Group(id)
	if isGone(err) {
		return nil
	}
	if err != nil || (g.Status != GroupCreating && g.Status != GroupDeleting) {
		return err
	}
	members, err := tx.VolumeStatusesOf(id)
	if err != nil {
		return err
	}
	next := GroupStatus("")
	switch {
	case g.Status == GroupCreating && slices.Contains(members, VolumeCreating):
	case g.Status == GroupCreating && slices.Contains(members, VolumeError):
		next = GroupError
	case g.Status == GroupCreating:
		next = GroupAvailable
	case len(members) == 0:
		if err := g.moveTo(GroupDeleted); err != nil {
			return err
		}
		return tx.DropGroup(g)
	case !slices.Contains(members, VolumeDeleting):
		next = GroupErrorDeleting
	}
	if next == "" {
		return nil
	}
	if err := g.moveTo(next); err != nil {
		return err
	}
	return tx.SaveGroup(g)
}

// settleGroupSnapshot is settleGroup for a group snapshot and its snapshots. One of
// no group goes with the last of them in any case, as its volumes may be deleted.
func settleGroupSnapshot(tx Tx, id string) error {
	if id == "" {
		return nil
	}
	s, err := tx.GroupSnapshot(id)
	if isGone(err) {
		return nil
	}
	if err != nil || (s.Status != GroupSnapshotCreating && s.Status != GroupSnapshotDeleting && !s.ofNoGroup()) {
		return err
	}
	members, err := tx.SnapshotStatusesOf(id)
	if err != nil {
		return err
	}
	if len(members) == 0 && s.ofNoGroup() {
		return dropEmpty(tx, s)
	}
	next := GroupSnapshotStatus("")
	switch {
	case s.Status == GroupSnapshotCreating && slices.Contains(members, SnapshotCreating):
	case s.Status == GroupSnapshotCreating && slices.Contains(members, SnapshotError):
		next = GroupSnapshotError
	case s.Status == GroupSnapshotCreating:
		next = GroupSnapshotAvailable
	case s.Status == GroupSnapshotDeleting && len(members) == 0:
		return dropEmpty(tx, s)
	case s.Status == GroupSnapshotDeleting && !slices.Contains(members, SnapshotDeleting):
		next = GroupSnapshotErrorDeleting
	}
	if next == "" {
		return nil
	}
	if err := s.moveTo(next); err != nil {
		return err
	}
	return tx.SaveGroupSnapshot(s)
}

// dropEmpty removes the row of a group snapshot that holds nothing any more. One that
// an administrator gave a status by hand waits for another.
func dropEmpty(tx Tx, s *GroupSnapshot) error {
	if s.moveTo(GroupSnapshotDeleted) != nil {
		return nil
	}
	return tx.DropGroupSnapshot(s)
}
