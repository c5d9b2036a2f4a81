package block_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// explains checks that words stand in an explanation.
func (r *rig) explains(x *block.Explanation, err error, words ...string) *block.Explanation {
	r.t.Helper()
	r.must(err)
	text := fmt.Sprintf("%s | waits %s | next %s | can %s | error %s", x.Status, x.WaitsFor, x.Next, strings.Join(x.YouCan, ", "), x.LastError)
	for _, word := range words {
		if !strings.Contains(text, word) {
			r.t.Errorf("%q is not in: %s", word, text)
		}
	}
	return x
}

func TestExplanationFollowsTheWork(t *testing.T) {
	secret := fmt.Errorf("open /srv/secret/pool: %w", driver.ErrNoSpace)
	faults := []fake.Fault{{Call: fake.Create, Nth: 1, Err: secret}, {Call: fake.Create, Nth: 2, Hang: true}, {Call: fake.Snapshot, Nth: 1, Hang: true}}
	onRig(t, faults, func(r *rig) {
		ctx := t.Context()
		v := r.volume(block.NewVolume{Size: 1})
		x, err := r.service.ExplainVolume(ctx, demo, v.ID)
		r.explains(x, err, "creating", "waits for a free worker", "becomes available", "error")
		if x.HeldBy != nil || x.Attempt != 0 || !x.Since.Equal(v.CreatedAt) {
			t.Errorf("before it begins: %+v", x)
		}
		r.start()
		r.settle(10 * time.Millisecond)
		x, err = r.service.ExplainVolume(ctx, demo, v.ID)
		r.explains(x, err, "which failed and is tried again at", driver.ErrNoSpace.Error())
		if strings.Contains(x.LastError, "secret") {
			t.Errorf("a member reads %q", x.LastError)
		}
		x, err = r.service.ExplainVolume(ctx, admin, v.ID)
		r.explains(x, err, "/srv/secret/pool", "os-force_delete")

		r.settle(10 * time.Second)
		x, err = r.service.ExplainVolume(ctx, demo, v.ID)
		r.explains(x, err, "which is being done now")
		if x.HeldBy == nil || x.HeldBy.Attempt != 2 || x.HeldBy.LeaseUntil.Before(r.now()) || len(x.HeldBy.JobID) != 32 || x.Attempt != 2 {
			t.Errorf("while it runs: %+v, held by %+v", x, x.HeldBy)
		}
		left := x.Deadline.Sub(r.now())
		if left < 4*time.Minute || left > 5*time.Minute {
			t.Errorf("the deadline is %v away", left)
		}
		r.settle(left + 10*time.Second)
		x, err = r.service.ExplainVolume(ctx, demo, v.ID)
		r.explains(x, err, "error |", "Its creation failed", "delete it", "context deadline exceeded")
		if x.HeldBy != nil || !x.Deadline.IsZero() {
			t.Errorf("given up: %+v", x)
		}

		ready := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		x, err = r.service.ExplainVolume(ctx, demo, ready.ID)
		r.explains(x, err, "available |", "waits  |", "next  |", "take a snapshot")
		first := r.snapshot(ready.ID)
		r.settle(time.Second)
		second := r.snapshot(ready.ID)
		r.settle(time.Second)
		held, err := r.service.ExplainSnapshot(ctx, demo, first.ID)
		r.explains(held, err, "creating", "being done now")
		x, err = r.service.ExplainSnapshot(ctx, demo, second.ID)
		r.explains(x, err, "waits until other work on the same volume has ended")
		if x.HeldBy == nil || x.HeldBy.JobID != held.HeldBy.JobID {
			t.Errorf("the second is held by %+v, the first by %+v", x.HeldBy, held.HeldBy)
		}
	})
}

func TestSnapshotThatGoesWithItsVolumeSaysSo(t *testing.T) {
	onRig(t, hang(fake.Delete, 0), func(r *rig) {
		v := r.available()
		s := r.snapshot(v.ID)
		r.settle(time.Second)
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, true))
		r.settle(time.Second)
		x, err := r.service.ExplainSnapshot(t.Context(), demo, s.ID)
		r.explains(x, err, "deleting", "being done now")
		if x.HeldBy == nil || x.HeldBy.Kind != "volume.delete" {
			t.Errorf("held by %+v", x.HeldBy)
		}
	})
}

func TestEveryStatusIsExplainedAndLeftAndForceDeleted(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.must(r.service.SetProjectQuota(t.Context(), "demo", block.Limits{"volumes": -1, "snapshots": -1}))
		r.start()
		home := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		for _, status := range block.ResettableVolumeStatuses() {
			v := r.volume(block.NewVolume{Size: 1})
			r.settle(time.Second)
			if status == block.VolumeInUse {
				r.must(r.service.AttachVolume(t.Context(), demo, v.ID, block.Attached{ServerID: "s"}))
			} else {
				r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, status))
			}
			x, err := r.service.ExplainVolume(t.Context(), admin, v.ID)
			r.explains(x, err, string(status))
			if len(x.YouCan) < 2 || (x.WaitsFor == "" && x.Next == "" && status != block.VolumeAvailable && status != block.VolumeInUse) {
				t.Errorf("%s is not explained: %+v", status, x)
			}
			r.must(r.service.ForceDeleteVolume(t.Context(), admin, v.ID))
			r.settle(time.Second)
			r.volumeIs(v.ID, "")
		}
		for _, status := range block.ResettableSnapshotStatuses() {
			s := r.snapshot(home.ID)
			r.settle(time.Second)
			r.must(r.service.ResetSnapshotStatus(t.Context(), admin, s.ID, status))
			x, err := r.service.ExplainSnapshot(t.Context(), admin, s.ID)
			r.explains(x, err, string(status))
			if !slices.Contains(x.YouCan, "delete it whatever is being done to it (os-force_delete)") && status != block.SnapshotDeleting {
				t.Errorf("%s is not explained: %+v", status, x)
			}
			r.must(r.service.ForceDeleteSnapshot(t.Context(), admin, s.ID))
			r.settle(time.Second)
			r.snapshotIs(s.ID, "")
		}
		r.healthy()
	})
}

func TestExplanationIsForOwnersAlone(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.volume(block.NewVolume{Size: 1})
		_, err := r.service.ExplainVolume(t.Context(), block.Caller{ProjectID: "other"}, v.ID)
		_, errSnap := r.service.ExplainSnapshot(t.Context(), demo, v.ID)
		if block.KindOf(err) != block.NotFound || block.KindOf(errSnap) != block.NotFound {
			t.Errorf("got %v and %v, want NotFound", err, errSnap)
		}
	})
}

func TestErrorThatWasMendedIsNotTold(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Create, Nth: 1, Err: errors.New("once")}}, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Minute)
		x, err := r.service.ExplainVolume(t.Context(), admin, v.ID)
		if err != nil || x.LastError != "" {
			t.Errorf("got %+v, %v", x, err)
		}
	})
}
