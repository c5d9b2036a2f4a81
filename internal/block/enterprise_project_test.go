package block_test

import (
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

const enterprise = "6b9f0c1e-3a5d-4c4e-8f5a-2d1f7c0a9e11"

// TestSnapshotsAreOfTheEnterpriseProjectOfTheirDisk: whoever makes them, a call, a
// backup, a rollback or an administrator; what is made from them is of the default one.
func TestSnapshotsAreOfTheEnterpriseProjectOfTheirDisk(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1, EnterpriseProjectID: enterprise})
		r.settle(time.Second)
		taken := r.snapshot(v.ID)
		r.settle(time.Second)
		r.must(r.service.UnmanageSnapshot(t.Context(), admin, taken.ID))
		managed, err := r.service.ManageSnapshot(t.Context(), admin, taken.ID, block.NewManaged{VolumeID: v.ID})
		r.must(err)
		safety := r.rollBack(v, managed, true)
		r.settle(time.Second)
		backup := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		g := r.together(block.NewSnapshotGroup{VolumeIDs: []string{v.ID}})
		r.settle(time.Second)
		all, err := r.service.Snapshots(t.Context(), demo, block.List{Filters: []block.Filter{{Field: block.FieldVolumeID, Value: v.ID}}}, false)
		r.must(err)
		found := map[string]bool{taken.ID: false, safety.ID: false, backup.BaseID: false, r.membersAre(g.ID, 1, block.SnapshotAvailable)[0].ID: false}
		for _, s := range all {
			if s.EnterpriseProjectID != enterprise {
				t.Errorf("snapshot %q is of %q", s.Name.Value, s.EnterpriseProjectID)
			}
			delete(found, s.ID)
		}
		if len(found) != 0 || len(all) != 4 {
			t.Errorf("of %d snapshots these are not there: %v", len(all), found)
		}
		made := r.volume(block.NewVolume{SnapshotID: managed.ID})
		if made.EnterpriseProjectID != block.DefaultEnterpriseProject || g.EnterpriseProjectID != block.DefaultEnterpriseProject {
			t.Errorf("a disk from a snapshot is of %q, a group of %q", made.EnterpriseProjectID, g.EnterpriseProjectID)
		}
		r.settle(time.Second)
	})
}
