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
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// diagnose gives each finding in a line.
func (r *rig) diagnose() (*block.Diagnosis, []string) {
	r.t.Helper()
	d, err := r.service.Diagnose(r.t.Context(), true)
	r.must(err)
	var found []string
	for _, f := range d.Findings {
		found = append(found, fmt.Sprintf("%s %s %s", f.Problem, f.Object, f.ID))
	}
	return d, found
}

// inTx changes rows behind the service's back.
func (r *rig) inTx(work func(block.Tx) error) {
	r.t.Helper()
	r.must(r.store.InTx(r.t.Context(), work))
}

// endJobs ends all jobs that wait, as if they had been lost.
func (r *rig) endJobs() {
	r.t.Helper()
	live, err := r.store.LiveJobs(r.t.Context(), "", 100)
	r.must(err)
	r.inTx(func(tx block.Tx) error {
		for _, job := range live {
			if err := tx.EndJob(job); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestDoctorFindsAndMends(t *testing.T) {
	const stray = "00000000-0000-4000-8000-00000000abcd"
	for _, tc := range []struct {
		name  string
		spoil func(r *rig, v *block.Volume, s *block.Snapshot) (want []string)
		after func(r *rig, v *block.Volume, s *block.Snapshot)
	}{
		{"a driver's volume without a row", func(r *rig, _ *block.Volume, _ *block.Snapshot) []string {
			r.must(r.bytes.Create(r.t.Context(), driver.VolumeSpec{ID: stray, Size: 1 << 30}, 0))
			r.must(r.bytes.Snapshot(r.t.Context(), stray, stray, 0))
			return []string{"orphan volume " + stray}
		}, nil},
		{"a driver's snapshot without a row", func(r *rig, v *block.Volume, _ *block.Snapshot) []string {
			r.must(r.bytes.Snapshot(r.t.Context(), v.ID, stray, 0))
			return []string{"orphan snapshot " + stray}
		}, nil},
		{"a volume without bytes", func(r *rig, v *block.Volume, s *block.Snapshot) []string {
			r.must(r.bytes.Delete(r.t.Context(), v.ID, 0))
			return []string{"missing snapshot " + s.ID, "missing volume " + v.ID}
		}, func(r *rig, v *block.Volume, s *block.Snapshot) {
			r.volumeIs(v.ID, block.VolumeError)
			r.snapshotIs(s.ID, block.SnapshotError)
		}},
		{"a snapshot without bytes", func(r *rig, v *block.Volume, s *block.Snapshot) []string {
			r.must(r.bytes.DeleteSnapshot(r.t.Context(), v.ID, s.ID, 0))
			return []string{"missing snapshot " + s.ID}
		}, func(r *rig, _ *block.Volume, s *block.Snapshot) { r.snapshotIs(s.ID, block.SnapshotError) }},
		{"statuses that wait for nothing", func(r *rig, v *block.Volume, _ *block.Snapshot) []string {
			taken, made := r.snapshot(v.ID), r.volume(block.NewVolume{Size: 1})
			r.endJobs()
			r.must(r.service.ResetVolumeStatus(r.t.Context(), admin, v.ID, block.VolumeExtending))
			return []string{"status snapshot " + taken.ID, "status volume " + v.ID, "status volume " + made.ID}
		}, nil},
		{"a deletion with cascade that was lost", func(r *rig, v *block.Volume, s *block.Snapshot) []string {
			r.must(r.service.DeleteVolume(r.t.Context(), demo, v.ID, true))
			r.endJobs()
			return []string{"status snapshot " + s.ID, "status volume " + v.ID}
		}, func(r *rig, v *block.Volume, s *block.Snapshot) {
			r.volumeIs(v.ID, block.VolumeErrorDeleting)
			r.snapshotIs(s.ID, block.SnapshotErrorDeleting)
		}},
		{"an extension that is over", func(r *rig, v *block.Volume, _ *block.Snapshot) []string {
			r.must(r.service.ExtendVolume(r.t.Context(), demo, v.ID, 5, false))
			r.must(r.service.ResetVolumeStatus(r.t.Context(), admin, v.ID, block.VolumeAvailable))
			r.endJobs()
			return []string{"reservation volume " + v.ID}
		}, func(r *rig, v *block.Volume, _ *block.Snapshot) {
			if q, err := r.service.ProjectQuota(r.t.Context(), demo, "demo"); err != nil || q.Used[""].Gigabytes != 2 {
				r.t.Errorf("used %v, %v, want 2 GB", q.Used[""], err)
			}
		}},
		{"a job whose object is gone", func(r *rig, _ *block.Volume, _ *block.Snapshot) []string {
			id := strings.Repeat("e", 32)
			r.inTx(func(tx block.Tx) error {
				return tx.Enqueue(&jobs.Job{ID: id, Kind: "volume.create", ResourceID: stray})
			})
			return []string{"job job " + id}
		}, nil},
		{"a lease of long ago", func(r *rig, _ *block.Volume, _ *block.Snapshot) []string {
			made := r.volume(block.NewVolume{Size: 1})
			claimed, err := r.store.ClaimJobs(r.t.Context(), jobs.Claim{Now: r.now(), Lease: time.Minute, Limit: 1})
			if err != nil || len(claimed) != 1 || claimed[0].ResourceID != made.ID {
				r.t.Fatal(claimed, err)
			}
			r.settle(2 * time.Hour)
			return []string{"lease job " + claimed[0].ID}
		}, nil},
		{"usage that drifted", func(r *rig, v *block.Volume, _ *block.Snapshot) []string {
			r.inTx(func(tx block.Tx) error {
				_, _, err := tx.AddUsage("demo", v.TypeID, block.Usage{Volumes: 3, Gigabytes: -1})
				return err
			})
			return []string{"usage project demo", "usage project demo"}
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onRig(t, nil, func(r *rig) {
				v := r.available()
				s := r.snapshot(v.ID)
				r.settle(time.Second)
				r.stop()
				r.healthy()
				want := tc.spoil(r, v, s)
				held := len(r.held())
				d, found := r.diagnose()
				slices.Sort(found)
				if !slices.Equal(found, want) {
					t.Fatalf("found %v, want %v", found, want)
				}
				for _, f := range d.Findings {
					if f.Plan == "" || f.Says == "" {
						t.Errorf("without words: %+v", f)
					}
				}
				if len(r.held()) != held {
					t.Error("looking changed the driver")
				}
				r.must(r.service.Repair(t.Context(), d))
				r.healthy()
				if tc.after != nil {
					tc.after(r, v, s)
				}
			})
		})
	}
}

func TestDoctorLeavesWorkThatIsQueuedAlone(t *testing.T) {
	faults := []fake.Fault{{Call: fake.CreateFrom, Err: errors.New("not now")}}
	onRig(t, faults, func(r *rig) {
		v := r.available()
		s := r.snapshot(v.ID)
		r.settle(time.Second)
		r.volume(block.NewVolume{SourceVolumeID: v.ID}) // fails with its passing snapshot in the driver
		r.settle(500 * time.Millisecond)
		r.stop()
		if got := len(r.held()); got != 3 {
			t.Fatalf("the driver holds %v, want the passing snapshot, too", r.held())
		}
		r.volume(block.NewVolume{Size: 1})
		r.snapshot(v.ID)
		r.must(r.service.DeleteSnapshot(t.Context(), demo, s.ID))
		r.healthy()
	})
}

func TestDoctorTellsOfDamageAndCannotMendIt(t *testing.T) {
	broken := errors.New("block 7 does not fit its checksum")
	onRig(t, []fake.Fault{{Call: fake.Delete, Err: broken}}, func(r *rig) {
		const stray = "00000000-0000-4000-8000-00000000abcd"
		r.must(r.bytes.Create(t.Context(), driver.VolumeSpec{ID: stray, Size: 1 << 30}, 0))
		d, _ := r.diagnose()
		if err := r.service.Repair(t.Context(), d); !errors.Is(err, broken) || !errors.Is(d.Findings[0].Err, broken) {
			t.Errorf("a repair that failed: %v, %v", err, d.Findings[0].Err)
		}
		if _, found := r.diagnose(); len(found) != 1 {
			t.Errorf("left are %v", found)
		}
	})
	onRig(t, []fake.Fault{{Call: fake.List, Err: broken}}, func(r *rig) {
		if _, err := r.service.Diagnose(t.Context(), false); !errors.Is(err, broken) {
			t.Errorf("a list that broke off: %v", err)
		}
	})
}
