package block_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

func hang(call fake.Call, nth int) []fake.Fault {
	return []fake.Fault{{Call: call, Nth: nth, Hang: true}}
}

func TestHungDriverIsGivenUpAndTheObjectCanBeDeleted(t *testing.T) {
	onRig(t, hang(fake.Create, 1), func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1})
		r.settle(4 * time.Minute)
		r.volumeIs(v.ID, block.VolumeCreating)
		if err := r.service.DeleteVolume(t.Context(), demo, v.ID, false); block.KindOf(err) != block.WrongStatus {
			t.Errorf("delete in creating: got %v, want WrongStatus", err)
		}
		r.settle(2 * time.Minute)
		r.volumeIs(v.ID, block.VolumeError)
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, false))
		r.settle(time.Second)
		r.volumeIs(v.ID, "")
		r.empty()
	})
}

func TestHungSnapshotIsGivenUpAndCanBeDeleted(t *testing.T) {
	onRig(t, hang(fake.Snapshot, 1), func(r *rig) {
		v := r.available()
		s := r.snapshot(v.ID)
		r.settle(6 * time.Minute)
		r.snapshotIs(s.ID, block.SnapshotError)
		r.must(r.service.DeleteSnapshot(t.Context(), demo, s.ID))
		r.settle(time.Second)
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, false))
		r.settle(time.Second)
		r.empty()
	})
}

func TestForceDeleteEndsWhatIsBeingDone(t *testing.T) {
	for name, faults := range map[string][]fake.Fault{
		"while it runs":      hang(fake.Create, 0),
		"after it was done":  {{Call: fake.Create, After: true, Hang: true}},
		"between its trials": {{Call: fake.Create, Err: errors.New("not now")}},
		"before it begins":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, faults, func(r *rig) {
				if faults != nil {
					r.start()
				}
				v := r.volume(block.NewVolume{Size: 1})
				r.settle(900 * time.Millisecond)
				r.must(r.service.ForceDeleteVolume(t.Context(), admin, v.ID))
				r.must(r.service.ForceDeleteVolume(t.Context(), admin, v.ID)) // as a client that repeats it
				if faults == nil {
					r.start()
				}
				r.settle(40 * time.Second) // the trial that was set for later has its turn, too
				r.volumeIs(v.ID, "")
				r.empty()
			})
		})
	}
}

func TestForceDeleteOfSnapshotEndsItsCreation(t *testing.T) {
	onRig(t, hang(fake.Snapshot, 0), func(r *rig) {
		v := r.available()
		s := r.snapshot(v.ID)
		r.settle(time.Second)
		r.must(r.service.ForceDeleteSnapshot(t.Context(), admin, s.ID))
		r.settle(time.Second)
		r.snapshotIs(s.ID, "")
		r.healthy()
	})
}

func TestForceDeleteWhileExtendingFreesWhatWasReserved(t *testing.T) {
	onRig(t, hang(fake.Extend, 0), func(r *rig) {
		v := r.available()
		r.must(r.service.ExtendVolume(t.Context(), demo, v.ID, 9, false))
		r.settle(time.Second)
		if q, err := r.service.ProjectQuota(t.Context(), demo, "demo"); err != nil || q.Used[""].Gigabytes != 9 {
			t.Errorf("used %v, %v, want 9 GB", q.Used[""], err)
		}
		r.must(r.service.ForceDeleteVolume(t.Context(), admin, v.ID))
		r.settle(time.Second)
		r.empty()
	})
}

func TestCascadeEndsSnapshotsThatAreBeingMadeOrDeleted(t *testing.T) {
	faults := []fake.Fault{{Call: fake.Snapshot, Nth: 2, Hang: true}, {Call: fake.DeleteSnapshot, Err: errors.New("not now")}}
	onRig(t, faults, func(r *rig) {
		v := r.available()
		going := r.snapshot(v.ID)
		r.settle(time.Second)
		r.must(r.service.DeleteSnapshot(t.Context(), demo, going.ID)) // fails again and again
		r.settle(time.Second)
		coming := r.snapshot(v.ID)
		r.settle(10 * time.Second)
		r.snapshotIs(coming.ID, block.SnapshotCreating)
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, true))
		r.settle(time.Minute)
		r.empty()
	})
}

func TestCascadeThatFailsLeavesNoSnapshotStuck(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Delete, Err: errors.New("no")}}, func(r *rig) {
		v := r.available()
		s := r.snapshot(v.ID)
		r.settle(time.Second)
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, true))
		r.settle(10 * time.Minute)
		r.volumeIs(v.ID, block.VolumeErrorDeleting)
		r.snapshotIs(s.ID, block.SnapshotErrorDeleting)
		r.healthy()
	})
}

func TestVolumeMadeFromAnotherLeavesNothingInItWhenItFails(t *testing.T) {
	for name, faults := range map[string][]fake.Fault{
		"given up":  {{Call: fake.CreateFrom, Err: errors.New("no")}},
		"cancelled": hang(fake.CreateFrom, 0),
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, faults, func(r *rig) {
				r.start()
				source := r.volume(block.NewVolume{Size: 1})
				r.settle(time.Second)
				made := r.volume(block.NewVolume{SourceVolumeID: source.ID})
				r.settle(time.Second)
				if name == "cancelled" {
					r.must(r.service.ForceDeleteVolume(t.Context(), admin, made.ID))
				}
				r.settle(5 * time.Minute)
				if got := r.held(); len(got) != 1 {
					t.Errorf("the driver holds %v, want the source alone", got)
				}
				r.healthy()
			})
		})
	}
}

func TestManySnapshotsOfOneVolumeDoNotFenceEachOther(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.must(r.service.SetProjectQuota(t.Context(), "demo", block.Limits{"snapshots": -1}))
		v := r.available()
		for range 100 {
			r.snapshot(v.ID)
		}
		r.settle(time.Second)
		n, err := r.service.CountSnapshots(t.Context(), demo, block.List{Filters: []block.Filter{{Field: block.FieldStatus, Value: "available"}}}, false)
		if n != 100 || err != nil {
			t.Errorf("%d are available, %v", n, err)
		}
		if got := r.bytes.Count(fake.Snapshot); got != 100 {
			t.Errorf("the driver was asked %d times for 100 snapshots", got)
		}
	})
}

func TestProgressIsSeenWhileASnapshotIsMade(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Snapshot, Progress: []int{10, 40}, Hang: true, Nth: 1}}, func(r *rig) {
		v := r.available()
		s := r.snapshot(v.ID)
		r.settle(10 * time.Second)
		got, err := r.service.Snapshot(t.Context(), demo, s.ID)
		r.must(err)
		if got.Progress != 40 || got.Status != block.SnapshotCreating {
			t.Errorf("it is %s at %d %%, want creating at 40", got.Status, got.Progress)
		}
		err = r.service.UpdateSnapshotStatus(t.Context(), demo, s.ID, block.SnapshotAvailable, 100)
		if block.KindOf(err) != block.WrongStatus {
			t.Errorf("a snapshot at 40 %% was called available: %v", err)
		}
	})
}

func TestJobOfAnotherVersionEndsInAStatusWithAnExit(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.volume(block.NewVolume{Size: 1})
		r.must(r.store.InTx(t.Context(), func(tx block.Tx) error {
			live, err := tx.LiveJobsOf(v.ID)
			if err != nil {
				return err
			}
			live[0].Error = "replaced"
			if err := tx.EndJob(live[0]); err != nil {
				return err
			}
			return tx.Enqueue(&jobs.Job{ID: strings.Repeat("f", 32), Kind: "volume.create.v9", ResourceID: v.ID, ProjectID: "demo", Args: "\x01 no JSON"})
		}))
		r.start()
		other := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		r.volumeIs(other.ID, block.VolumeAvailable) // the queue goes on
		r.settle(6 * time.Minute)
		r.volumeIs(v.ID, block.VolumeError)
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, false))
		r.settle(time.Second)
		r.volumeIs(v.ID, "")
	})
}

func TestClockThatJumpsHurtsNothing(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			onRig(t, []fake.Fault{{Call: fake.Create, Nth: 1, Err: errors.New("not yet")}}, func(r *rig) {
				r.start()
				retried := r.volume(block.NewVolume{Size: 1})
				r.settle(10 * time.Millisecond) // it failed once and waits
				r.stop()
				queued := r.volume(block.NewVolume{Size: 1})
				r.ahead.Store(int64(by))
				r.start()
				r.settle(time.Second)
				r.volumeIs(retried.ID, block.VolumeAvailable)
				r.volumeIs(queued.ID, block.VolumeAvailable)
			})
		})
	}
}

func TestCrashedServersJobIsTakenUpThoughTheClockWentBack(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.volume(block.NewVolume{Size: 1})
		claimed, err := r.store.ClaimJobs(t.Context(), jobs.Claim{Now: r.now(), Lease: 30 * time.Second, Limit: 1})
		if err != nil || len(claimed) != 1 {
			t.Fatal(claimed, err)
		}
		r.ahead.Store(int64(-time.Hour))
		other, err := r.store.ClaimJobs(t.Context(), jobs.Claim{Now: r.now(), Lease: 30 * time.Second, Limit: 1})
		if err != nil || len(other) != 1 || other[0].Fence <= claimed[0].Fence {
			t.Errorf("another node claimed %v, %v", other, err)
		}
		r.start()
		r.settle(time.Second)
		r.volumeIs(v.ID, block.VolumeAvailable)
	})
}

func TestExtensionThatWasResetKeepsUsageRight(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Extend, Nth: 1, Err: errors.New("not yet")}}, func(r *rig) {
		v := r.available()
		r.must(r.service.ExtendVolume(t.Context(), demo, v.ID, 5, false))
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		r.must(r.service.ExtendVolume(t.Context(), demo, v.ID, 3, false))
		r.settle(time.Minute)
		r.volumeIs(v.ID, block.VolumeAvailable)
		got, err := r.service.Volume(t.Context(), demo, v.ID)
		if err != nil || got.Size != 3 || got.ExtendTo != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
		r.healthy()
	})
}

func TestWhatNoAttemptCanMendIsGivenUpAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		cause error
		after block.VolumeStatus
	}{
		"damaged": {driver.ErrDamaged, block.VolumeError},
		"invalid": {driver.ErrInvalid, block.VolumeError},
		"full":    {driver.ErrNoSpace, block.VolumeAvailable}, // space came back
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, []fake.Fault{{Call: fake.Create, Nth: 1, Err: tc.cause}}, func(r *rig) {
				r.start()
				v := r.volume(block.NewVolume{Size: 1})
				r.settle(10 * time.Second)
				r.volumeIs(v.ID, tc.after)
			})
		})
	}
}
