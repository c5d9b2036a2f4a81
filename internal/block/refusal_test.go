package block_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

func TestWhatAGroupStandsOnStays(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.CreateFrom, Nth: 1, Hang: true}}, func(r *rig) {
		r.start()
		g := r.group()
		r.member(g)
		r.settle(time.Second)
		s := r.groupSnapshot(g)
		r.settle(time.Second)
		r.refused("a group with snapshots", r.service.DeleteGroup(t.Context(), demo, g.ID, true), block.Invalid, "existing snapshots")
		copied := r.copyOf(block.NewGroupFrom{GroupSnapshotID: s.ID})
		r.refused("what a group is made from", r.service.DeleteGroupSnapshot(t.Context(), demo, s.ID), block.WrongStatus, "using it as source")
		r.groupIs(g.ID, block.GroupAvailable)
		r.groupSnapshotIs(s.ID, block.GroupSnapshotAvailable)
		r.settle(10 * time.Minute)
		r.groupIs(copied.ID, block.GroupError) // it hung for too long: nothing stands on the snapshot any more
		r.clear([]*block.GroupSnapshot{s}, g, copied)
	})
}

func TestGroupTypesThatAreHiddenServeAdministratorsAlone(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		kind, err := r.service.CreateGroupType(t.Context(), block.NewGroupType{Name: "hidden"})
		r.must(err)
		for _, named := range []string{kind.ID, "hidden"} {
			r.refused("a group of type "+named, second(r.service.CreateGroup(t.Context(), demo, block.NewGroup{Type: named, VolumeTypes: []string{"SSD"}})), block.NotFound, "")
		}
		_, err = r.service.CreateGroup(t.Context(), admin, block.NewGroup{Type: "hidden", VolumeTypes: []string{"SSD"}})
		r.must(err)
	})
}

func TestVolumesRollBackToTheirOwnSnapshotsAlone(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v, old := r.pair()
		newest := r.snapshot(v.ID)
		other := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		b := r.backup(block.NewBackup{VolumeID: other.ID})
		r.settle(time.Minute)
		r.backupIs(b.ID, block.BackupAvailable)
		rollBack := func(volume, snap string) error {
			return second(r.service.RollBack(t.Context(), demo, block.Rollback{VolumeID: volume, SnapshotID: snap}))
		}
		revert := func(snap string) error {
			return second(r.service.RevertVolume(t.Context(), demo, block.Rollback{VolumeID: v.ID, SnapshotID: snap}))
		}
		r.refused("another volume", rollBack(other.ID, old.ID), block.Invalid, "goes to no other")
		r.refused("what a backup made", rollBack(other.ID, r.kept(other.ID)[0].ID), block.WrongStatus, "made by a backup")
		r.refused("revert to an older one", revert(old.ID), block.Invalid, "not the latest one")
		r.refused("revert to none", revert(""), block.Invalid, "not the latest one")
		for _, id := range []string{v.ID, other.ID} {
			r.volumeIs(id, block.VolumeAvailable)
		}
		r.must(revert(newest.ID))
		r.settle(time.Second)
		r.volumeIs(v.ID, block.VolumeAvailable)
	})
}

// What is public everybody reads and its owner alone changes; only administrators
// make it so.
func TestPublicImagesAreReadByAllAndChangedByTheirOwner(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		i := r.image(demo)
		publish := func(i *block.Image) error { i.Visibility = block.ImagePublic; return nil }
		r.refused("publish", second(r.service.UpdateImage(t.Context(), demo, i.ID, publish)), block.Forbidden, "publicize")
		r.refused("make a public one", second(r.service.CreateImage(t.Context(), demo, block.Image{Visibility: block.ImagePublic})), block.Forbidden, "publicize")
		r.must(second(r.service.UpdateImage(t.Context(), admin, i.ID, publish)))
		who := block.Caller{UserID: "s", ProjectID: "elsewhere"}
		r.must(second(r.service.Image(t.Context(), who, i.ID)))
		rename := func(i *block.Image) error { i.Name = block.SetText("theirs"); return nil }
		r.refused("change", second(r.service.UpdateImage(t.Context(), who, i.ID, rename)), block.Forbidden, "another project")
		r.refused("delete", r.service.DeleteImage(t.Context(), who, i.ID), block.Forbidden, "another project")
		r.refused("upload", r.service.UploadImage(t.Context(), who, i.ID, bytes.NewReader(nil), -1), block.Forbidden, "another project")
		r.refused("deactivate", r.service.SetImageActive(t.Context(), who, i.ID, false), block.Forbidden, "")
		r.imageIs(i.ID, block.ImageQueued)
	})
}
