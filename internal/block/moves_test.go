package block

import (
	"slices"
	"testing"
)

// Every pair of statuses is tried: the table allows it, or moveTo refuses and
// leaves the status alone.
func TestStatusesMoveAlongTheTablesOnly(t *testing.T) {
	snapshots := []SnapshotStatus{SnapshotCreating, SnapshotAvailable, SnapshotDeleting, SnapshotDeleted, SnapshotError, SnapshotErrorDeleting, SnapshotRollbacking, SnapshotRestoring, "backing-up"}
	for _, from := range snapshots {
		for _, to := range snapshots {
			s := Snapshot{ID: "s", Status: from}
			err := s.moveTo(to)
			if allowed := slices.Contains(snapshotMoves[from], to); allowed != (err == nil) {
				t.Errorf("snapshot %s to %s: %v", from, to, err)
			}
			if err != nil && (s.Status != from || KindOf(err) != WrongStatus) {
				t.Errorf("snapshot %s to %s: refused, but is %s (%v)", from, to, s.Status, KindOf(err))
			}
		}
	}
	volumes := []VolumeStatus{
		VolumeCreating, VolumeAvailable, VolumeReserved, VolumeAttaching, VolumeInUse, VolumeDetaching, VolumeExtending,
		VolumeDeleting, VolumeDeleted, VolumeError, VolumeErrorDeleting, VolumeErrorExtending, VolumeMaintenance,
		VolumeRollbacking, VolumeErrorRollbacking, VolumeReverting,
	}
	for _, from := range volumes {
		for _, to := range volumes {
			v := Volume{ID: "v", Status: from}
			err := v.moveTo(to)
			if allowed := slices.Contains(volumeMoves[from], to); allowed != (err == nil) {
				t.Errorf("volume %s to %s: %v", from, to, err)
			}
			if err != nil && v.Status != from {
				t.Errorf("volume %s to %s: refused, but is %s", from, to, v.Status)
			}
		}
	}
}

func TestGroupsMoveAlongTheTablesOnly(t *testing.T) {
	for _, from := range resettableGroup {
		for _, to := range resettableGroup {
			g := Group{ID: "g", Status: from}
			err := g.moveTo(to)
			if allowed := slices.Contains(groupMoves[from], to); allowed != (err == nil) || (err != nil && g.Status != from) {
				t.Errorf("group %s to %s: %v, and is %s", from, to, err, g.Status)
			}
		}
		if len(groupMoves[from]) == 0 {
			t.Errorf("a group that is %s has no way out", from)
		}
	}
	for _, from := range resettableGroupSnapshot {
		for _, to := range resettableGroupSnapshot {
			s := GroupSnapshot{ID: "s", Status: from}
			err := s.moveTo(to)
			if allowed := slices.Contains(groupSnapshotMoves[from], to); allowed != (err == nil) || (err != nil && s.Status != from) {
				t.Errorf("group snapshot %s to %s: %v, and is %s", from, to, err, s.Status)
			}
		}
	}
	for from, to := range groupSnapshotMoves {
		for _, next := range to {
			if next != GroupSnapshotDeleted && len(groupSnapshotMoves[next]) == 0 {
				t.Errorf("group snapshot: %s leads to %s, which leads nowhere", from, next)
			}
		}
	}
}

// A status that a job can leave an object in must have a way out.
func TestEveryStatusOfTheTablesHasAnExit(t *testing.T) {
	for from, to := range snapshotMoves {
		for _, next := range to {
			if next != SnapshotDeleted && len(snapshotMoves[next]) == 0 {
				t.Errorf("snapshot: %s leads to %s, which leads nowhere", from, next)
			}
		}
	}
	for from, to := range volumeMoves {
		for _, next := range to {
			if next != VolumeDeleted && len(volumeMoves[next]) == 0 {
				t.Errorf("volume: %s leads to %s, which leads nowhere", from, next)
			}
		}
	}
}
