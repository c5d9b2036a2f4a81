package block

import (
	"context"
	"fmt"
)

// lookAtGroups reads the groups and group snapshots.
func (s *Service) lookAtGroups(ctx context.Context, w *ward, d *Diagnosis) error {
	list := List{Sort: []SortKey{{Field: FieldID}}, Limit: MaxPage}
	for {
		page, err := s.store.Groups(ctx, list)
		if err != nil {
			return err
		}
		for _, g := range page {
			w.groups[g.ID] = g
			list.Marker = g.ID
		}
		if d.Groups += len(page); len(page) < MaxPage {
			break
		}
	}
	list.Marker = ""
	for {
		page, err := s.store.GroupSnapshots(ctx, list)
		if err != nil {
			return err
		}
		for _, snap := range page {
			w.groupSnapshots[snap.ID] = snap
			list.Marker = snap.ID
		}
		if d.Groups += len(page); len(page) < MaxPage {
			return nil
		}
	}
}

// judgeGroups finds groups and group snapshots that wait for what does not come.
func (s *Service) judgeGroups(w *ward, d *Diagnosis) {
	busy := map[string]bool{} // groups and group snapshots with a volume or snapshot in motion
	for id, v := range w.volumes {
		busy[v.GroupID] = busy[v.GroupID] || w.awaits(id)
	}
	for id, snap := range w.snapshots {
		busy[snap.GroupSnapshotID] = busy[snap.GroupSnapshotID] || w.awaits(id)
	}
	stuck := func(noun, id, status string, mend func(Tx) error) {
		d.add(&Finding{Problem: StatusProblem, Object: noun, ID: id,
			Says: fmt.Sprintf("it is %s, and no job is queued for it or what is in it", status),
			Plan: "let its status follow what is in it",
			mend: func(ctx context.Context) error { return s.store.InTx(ctx, mend) }})
	}
	for _, id := range sorted(w.groups) {
		if g := w.groups[id]; g.inMotion() && !w.awaits(id) && !busy[id] {
			stuck("group", id, string(g.Status), func(tx Tx) error { return freeStuckGroup(tx, id) })
		}
	}
	for _, id := range sorted(w.groupSnapshots) {
		if g := w.groupSnapshots[id]; g.inMotion() && !w.awaits(id) && !busy[id] {
			stuck("group snapshot", id, string(g.Status), func(tx Tx) error { return freeStuckGroup(tx, id) })
		}
	}
}

// inMotion tells whether a group waits for its volumes. A status that no table knows
// was written by another version.
func (g *Group) inMotion() bool {
	return g.Status == GroupCreating || g.Status == GroupDeleting || len(groupMoves[g.Status]) == 0
}

// inMotion is Group.inMotion for a group snapshot; administrators can set updating
// and deleted, in which it rests.
func (s *GroupSnapshot) inMotion() bool {
	switch s.Status {
	case GroupSnapshotAvailable, GroupSnapshotError, GroupSnapshotErrorDeleting, GroupSnapshotUpdating, GroupSnapshotDeleted:
		return false
	}
	return true
}
