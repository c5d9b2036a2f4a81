package block_test

import (
	"errors"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// pair is a volume with a snapshot, both available.
func (r *rig) pair() (*block.Volume, *block.Snapshot) {
	r.t.Helper()
	v := r.available()
	s := r.snapshot(v.ID)
	r.settle(time.Second)
	r.snapshotIs(s.ID, block.SnapshotAvailable)
	return v, s
}

func (r *rig) rollBack(v *block.Volume, s *block.Snapshot, safety bool) *block.Snapshot {
	r.t.Helper()
	saved, err := r.service.RollBack(r.t.Context(), demo, block.Rollback{VolumeID: v.ID, SnapshotID: s.ID, Safety: safety})
	r.must(err)
	return saved
}

func TestRollbackThatFailsCanBeDoneAgain(t *testing.T) {
	onRig(t, hang(fake.Rollback, 1), func(r *rig) {
		v, s := r.pair()
		r.rollBack(v, s, false)
		r.settle(time.Minute)
		r.volumeIs(v.ID, block.VolumeRollbacking)
		r.snapshotIs(s.ID, block.SnapshotRollbacking)
		x, err := r.service.ExplainVolume(t.Context(), demo, v.ID)
		r.explains(x, err, "roll the volume back", "error_rollbacking")
		x, err = r.service.ExplainSnapshot(t.Context(), demo, s.ID)
		r.explains(x, err, "roll its volume back to it", "being done now")
		r.healthy()
		r.settle(5 * time.Minute)
		r.volumeIs(v.ID, block.VolumeErrorRollbacking)
		r.snapshotIs(s.ID, block.SnapshotAvailable)
		x, err = r.service.ExplainVolume(t.Context(), demo, v.ID)
		r.explains(x, err, "Its rollback failed", "roll it back again")
		r.rollBack(v, s, false)
		r.settle(time.Second)
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.snapshotIs(s.ID, block.SnapshotAvailable)
		r.healthy()
	})
}

func TestFailedRevertLeavesErrorAsCinderDoes(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Rollback, Err: errors.New("no")}}, func(r *rig) {
		v, s := r.pair()
		_, err := r.service.RevertVolume(t.Context(), demo, block.Rollback{VolumeID: v.ID, SnapshotID: s.ID})
		r.must(err)
		r.volumeIs(v.ID, block.VolumeReverting)
		r.snapshotIs(s.ID, block.SnapshotRestoring)
		r.settle(10 * time.Minute)
		r.volumeIs(v.ID, block.VolumeError)
		r.snapshotIs(s.ID, block.SnapshotAvailable)
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, true))
		r.settle(time.Second)
		r.empty()
	})
}

func TestNothingIsRolledBackUnlessItsSafetySnapshotIsTaken(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Snapshot, Nth: 2, Hang: true}, {Call: fake.Snapshot, Nth: 3, Err: errors.New("no")}}, func(r *rig) {
		v, s := r.pair()
		saved := r.rollBack(v, s, true)
		r.settle(time.Second)
		x, err := r.service.ExplainSnapshot(t.Context(), demo, saved.ID)
		r.explains(x, err, "take the snapshot", "being done now")
		err = r.service.UpdateSnapshotStatus(t.Context(), demo, saved.ID, block.SnapshotAvailable, 100)
		if block.KindOf(err) != block.WrongStatus {
			t.Errorf("a safety snapshot that holds nothing was called available: %v", err)
		}
		r.must(r.service.ForceDeleteSnapshot(t.Context(), admin, saved.ID))
		r.healthy()
		r.settle(6 * time.Minute)
		r.volumeIs(v.ID, block.VolumeErrorRollbacking)
		r.snapshotIs(saved.ID, "")
		if n := r.bytes.Count(fake.Rollback); n != 0 {
			t.Errorf("it was rolled back %d times", n)
		}
		r.healthy()
	})
}

// A rollback that is tried again must not take what it has just made for what was before.
func TestSafetySnapshotIsTakenOnce(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Rollback, Nth: 1, After: true, Err: errors.New("the answer was lost")}}, func(r *rig) {
		v, s := r.pair()
		saved := r.rollBack(v, s, true)
		r.settle(time.Minute)
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.snapshotIs(saved.ID, block.SnapshotAvailable)
		if n := r.bytes.Count(fake.Snapshot); n != 2 {
			t.Errorf("the driver was asked for %d snapshots, want 2", n)
		}
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, true))
		r.settle(time.Second)
		r.empty()
	})
}

func TestSafetySnapshotCountsInTheQuota(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v, s := r.pair()
		r.must(r.service.SetProjectQuota(t.Context(), "demo", block.Limits{"snapshots": 1}))
		_, err := r.service.RollBack(t.Context(), demo, block.Rollback{VolumeID: v.ID, SnapshotID: s.ID, Safety: true})
		if block.KindOf(err) != block.OverLimit {
			t.Errorf("got %v, want OverLimit", err)
		}
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.snapshotIs(s.ID, block.SnapshotAvailable)
		r.healthy()
	})
}

// An administrator who sets the status of a volume may have let somebody write to
// it: the rollback that was on its way does nothing, and holds nothing.
func TestRollbackThatWasOverruledLeavesTheVolumeAlone(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v, s := r.pair()
		r.stop()
		saved := r.rollBack(v, s, true)
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		again := r.snapshot(v.ID)
		r.start()
		r.settle(time.Minute)
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.snapshotIs(s.ID, block.SnapshotAvailable)
		r.snapshotIs(saved.ID, block.SnapshotError)
		r.snapshotIs(again.ID, block.SnapshotAvailable)
		if n := r.bytes.Count(fake.Rollback); n != 0 {
			t.Errorf("it was rolled back %d times", n)
		}
		r.healthy()
	})
}

// The newer of two rollbacks counts, and the one it cancelled frees only its own.
func TestRollbackIsOverruledByAnother(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v, first := r.pair()
		second := r.snapshot(v.ID)
		r.settle(time.Second)
		r.stop()
		saved := r.rollBack(v, first, true)
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		r.rollBack(v, second, false)
		r.healthy()
		r.start()
		r.settle(time.Minute)
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.snapshotIs(first.ID, block.SnapshotAvailable)
		r.snapshotIs(second.ID, block.SnapshotAvailable)
		r.snapshotIs(saved.ID, block.SnapshotError)
		if n := r.bytes.Count(fake.Rollback); n != 1 {
			t.Errorf("it was rolled back %d times, want once", n)
		}
		r.healthy()
	})
}

func TestStrangersRollNothingBack(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v, s := r.pair()
		stranger := block.Caller{UserID: "x", ProjectID: "other"}
		both := block.Rollback{VolumeID: v.ID, SnapshotID: s.ID}
		if _, err := r.service.RollBack(t.Context(), stranger, both); block.KindOf(err) != block.NotFound {
			t.Errorf("rollback: got %v, want NotFound", err)
		}
		if _, err := r.service.RevertVolume(t.Context(), stranger, both); block.KindOf(err) != block.NotFound {
			t.Errorf("revert: got %v, want NotFound", err)
		}
		r.volumeIs(v.ID, block.VolumeAvailable)
	})
}
