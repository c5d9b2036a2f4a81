package block

// freeStuckGroup is freeStuck for a group or a group snapshot: what it waits for is
// given up with each of its volumes or snapshots that has no work of its own.
func freeStuckGroup(tx Tx, id string) error {
	g, err := tx.Group(id)
	if err == nil {
		return stuckGroup(tx, g)
	}
	if !isGone(err) {
		return err
	}
	snap, err := tx.GroupSnapshot(id)
	if err != nil {
		return err
	}
	return stuckGroupSnapshot(tx, snap)
}

// stuckGroup gives up what a group waits for. A status that no table knows was
// written by another version.
func stuckGroup(tx Tx, g *Group) error {
	if len(groupMoves[g.Status]) == 0 {
		g.Status = GroupError
		if err := tx.SaveGroup(g); err != nil {
			return err
		}
	}
	return failGroup(tx, g.ID)
}

func stuckGroupSnapshot(tx Tx, s *GroupSnapshot) error {
	if len(groupSnapshotMoves[s.Status]) == 0 {
		s.Status = GroupSnapshotError
		if err := tx.SaveGroupSnapshot(s); err != nil {
			return err
		}
	}
	return failGroupSnapshot(tx, s.ID)
}
