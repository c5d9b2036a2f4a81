package block_test

import (
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

// days lets so many days pass for the service, and a second for its jobs.
func (r *rig) days(n int) {
	r.ahead.Add(int64(n) * int64(24*time.Hour))
	r.settle(time.Second)
}

// keepDeleted turns the recycle bin of demo on.
func (r *rig) keepDeleted(age, keep int) {
	on := true
	r.must(r.service.SetRecyclePolicy(r.t.Context(), demo, block.RecycleChange{On: &on, LeastAge: &age, Keep: &keep}))
}

// inBin checks that a volume is in the recycle bin, and nowhere else.
func (r *rig) inBin(id string) {
	r.t.Helper()
	ctx := r.t.Context()
	if v, err := r.service.RecycledVolume(ctx, demo, id); err != nil || v.Status != block.VolumeRecycled {
		r.t.Fatalf("the bin has %+v, %v", v, err)
	}
	if _, err := r.service.RecycledVolume(ctx, block.Caller{ProjectID: "other"}, id); block.KindOf(err) != block.NotFound {
		r.t.Errorf("a stranger reads it: %v", err)
	}
	if n, err := r.service.CountRecycledVolumes(ctx, demo, block.List{}, false); err != nil || n != 1 {
		r.t.Errorf("the bin counts %d, %v", n, err)
	}
	for name, err := range map[string]error{
		"show":     second(r.service.Volume(ctx, demo, id)),
		"by admin": second(r.service.Volume(ctx, admin, id)),
		"update":   second(r.service.UpdateVolume(ctx, demo, id, block.VolumeChange{})),
		"extend":   r.service.ExtendVolume(ctx, demo, id, 9, true),
		"delete":   r.service.DeleteVolume(ctx, demo, id, true),
		"force":    r.service.ForceDeleteVolume(ctx, admin, id),
		"snapshot": second(r.service.CreateSnapshot(ctx, demo, block.NewSnapshot{VolumeID: id})),
		"clone":    second(r.service.CreateVolume(ctx, demo, block.NewVolume{SourceVolumeID: id})),
		"attach":   second(r.service.CreateAttachment(ctx, demo, block.NewAttachment{VolumeID: id})),
	} {
		if block.KindOf(err) != block.NotFound {
			r.t.Errorf("%s of a recycled volume: %v", name, err)
		}
	}
	list, err := r.service.Volumes(ctx, demo, block.List{}, false)
	n, countErr := r.service.CountVolumes(ctx, demo, block.List{}, false)
	if err != nil || countErr != nil || len(list) != 0 || n != 0 {
		r.t.Errorf("lists show %d and count %d: %v, %v", len(list), n, err, countErr)
	}
}

func second[T any](_ T, err error) error { return err }

func TestDeletedVolumesAreKeptAndGivenBack(t *testing.T) {
	t.Parallel()
	onRig(t, nil, func(r *rig) {
		ctx := t.Context()
		r.start()
		v, err := r.service.CreateVolume(ctx, demo, block.NewVolume{Size: 1})
		r.must(err)
		r.settle(time.Second)
		snap, err := r.service.CreateSnapshot(ctx, demo, block.NewSnapshot{VolumeID: v.ID})
		r.must(err)
		r.settle(time.Second)
		r.keepDeleted(3, 2)
		r.days(3)
		if err := r.service.DeleteVolume(ctx, demo, v.ID, false); block.KindOf(err) != block.WrongStatus {
			t.Errorf("with snapshots and without cascade: %v", err)
		}
		r.must(r.service.DeleteVolume(ctx, demo, v.ID, true))
		r.settle(time.Second)
		r.inBin(v.ID)
		if _, err := r.service.Snapshot(ctx, demo, snap.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("its snapshot is still there: %v", err)
		}
		q, err := r.service.ProjectQuota(ctx, demo, "demo")
		if want := (block.Usage{Volumes: 1, Gigabytes: 1}); err != nil || q.Used[""] != want {
			t.Errorf("used %v, %v; want %v", q.Used[""], err, want)
		}
		r.must(r.service.SweepRecycled(ctx))
		r.healthy()
		r.must(r.service.RevertRecycled(ctx, demo, v.ID))
		r.volumeIs(v.ID, block.VolumeAvailable)
		for _, err := range []error{r.service.RevertRecycled(ctx, demo, v.ID), r.service.DestroyRecycled(ctx, demo, v.ID)} {
			if block.KindOf(err) != block.NotFound {
				t.Errorf("of one that was given back: %v", err)
			}
		}
		r.days(30)
		r.must(r.service.SweepRecycled(ctx))
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.must(r.service.DeleteVolume(ctx, demo, v.ID, false))
		r.must(r.service.DestroyRecycled(ctx, demo, v.ID))
		r.settle(time.Second)
		r.healthy()
		if q, err := r.service.ProjectQuota(ctx, demo, "demo"); err != nil || q.Used[""] != (block.Usage{}) {
			t.Errorf("used %v, %v; want nothing", q.Used[""], err)
		}
	})
}

func TestTheRecycleBinKeepsByAgeAndNoLongerThanItSays(t *testing.T) {
	t.Parallel()
	onRig(t, nil, func(r *rig) {
		ctx := t.Context()
		r.start()
		made := func() string {
			v, err := r.service.CreateVolume(ctx, demo, block.NewVolume{Size: 1})
			r.must(err)
			r.settle(time.Second)
			return v.ID
		}
		old := made()
		r.days(2)
		r.keepDeleted(2, 5)
		young := made()
		r.must(r.service.DeleteVolume(ctx, demo, young, false))
		r.settle(time.Second)
		if _, err := r.service.RecycledVolume(ctx, demo, young); block.KindOf(err) != block.NotFound {
			t.Errorf("a young one was kept: %v", err)
		}
		r.must(r.service.DeleteVolume(ctx, demo, old, false))
		r.days(4)
		r.must(r.service.SweepRecycled(ctx))
		r.settle(time.Second)
		r.inBin(old)
		r.days(1)
		r.must(r.service.SweepRecycled(ctx))
		r.settle(time.Second)
		if _, err := r.service.RecycledVolume(ctx, demo, old); block.KindOf(err) != block.NotFound {
			t.Errorf("one was kept for too long: %v", err)
		}
		r.healthy()
	})
}

func TestAPolicyOutsideItsLimitsIsRefused(t *testing.T) {
	t.Parallel()
	onRig(t, nil, func(r *rig) {
		for _, n := range []int{0, -1, block.MaxRecycleAge + 1} {
			if err := r.service.SetRecyclePolicy(t.Context(), demo, block.RecycleChange{LeastAge: &n}); block.KindOf(err) != block.Invalid {
				t.Errorf("least age %d: %v", n, err)
			}
			if err := r.service.SetRecyclePolicy(t.Context(), demo, block.RecycleChange{Keep: &n}); block.KindOf(err) != block.Invalid {
				t.Errorf("keep %d: %v", n, err)
			}
		}
		if p, err := r.service.RecyclePolicy(t.Context(), demo); err != nil || p != block.FirstRecyclePolicy {
			t.Errorf("the policy is %+v, %v", p, err)
		}
	})
}
