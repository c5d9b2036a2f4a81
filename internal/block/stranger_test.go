package block_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

// estate is one of each noun, all of the project demo.
type estate struct {
	volume        *block.Volume
	snapshot      *block.Snapshot
	backup        *block.Backup
	group         *block.Group
	groupSnapshot *block.GroupSnapshot
	image         *block.Image
}

func (r *rig) estate() (e estate) {
	r.t.Helper()
	e.volume = r.volume(block.NewVolume{Size: 1})
	r.settle(time.Second)
	e.snapshot = r.snapshot(e.volume.ID)
	r.settle(time.Second)
	e.backup = r.backup(block.NewBackup{VolumeID: e.volume.ID})
	r.settle(time.Minute)
	e.group = r.group()
	r.member(e.group)
	r.settle(time.Second)
	e.groupSnapshot = r.groupSnapshot(e.group)
	e.image = r.image(demo)
	r.must(r.service.UploadImage(r.t.Context(), demo, e.image.ID, bytes.NewReader(content(1<<20)), -1))
	r.settle(time.Minute)
	r.backupIs(e.backup.ID, block.BackupAvailable)
	return e
}

func TestObjectsOfAnotherProjectAreNotThere(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		e, ctx, s := r.estate(), t.Context(), r.service
		who := block.Caller{UserID: "s", ProjectID: "elsewhere"}
		own, err := s.CreateVolume(ctx, who, block.NewVolume{Size: 1})
		r.must(err)
		r.settle(time.Second)
		_, _, restored := s.RestoreBackup(ctx, who, e.backup.ID, "", block.Text{})
		_, _, restoredOver := s.RestoreBackup(ctx, who, e.backup.ID, own.ID, block.Text{})
		_, _, uploaded := s.UploadVolume(ctx, who, e.volume.ID, block.VolumeUpload{Name: "n", DiskFormat: block.DiskRaw, Container: block.ContainerBare, Visibility: block.ImagePrivate})
		_, _, offered := s.CreateTransfer(ctx, who, block.NewTransfer{VolumeID: e.volume.ID})
		for what, err := range map[string]error{
			"show a backup": second(s.Backup(ctx, who, e.backup.ID)), "explain it": second(s.ExplainBackup(ctx, who, e.backup.ID)),
			"rename it": second(s.UpdateBackup(ctx, who, e.backup.ID, block.BackupChange{})), "delete it": s.DeleteBackup(ctx, who, e.backup.ID),
			"restore it": restored, "restore it over an own volume": restoredOver,
			"make a volume of it": second(s.CreateVolume(ctx, who, block.NewVolume{Size: 1, BackupID: e.backup.ID})),
			"back up a volume":    second(s.CreateBackup(ctx, who, block.NewBackup{VolumeID: e.volume.ID})),
			"back up a snapshot":  second(s.CreateBackup(ctx, who, block.NewBackup{VolumeID: own.ID, SnapshotID: e.snapshot.ID})),
			"show a group":        second(s.Group(ctx, who, e.group.ID)), "explain a group": second(s.ExplainGroup(ctx, who, e.group.ID)),
			"change it":         s.UpdateGroup(ctx, who, e.group.ID, block.GroupChange{Name: block.TextChange{Given: true, To: block.SetText("theirs")}}),
			"delete a group":    s.DeleteGroup(ctx, who, e.group.ID, true),
			"snapshot a group":  second(s.CreateGroupSnapshot(ctx, who, block.NewGroupSnapshot{GroupID: e.group.ID})),
			"copy a group":      second(s.CreateGroupFrom(ctx, who, block.NewGroupFrom{SourceGroupID: e.group.ID})),
			"copy its snapshot": second(s.CreateGroupFrom(ctx, who, block.NewGroupFrom{GroupSnapshotID: e.groupSnapshot.ID})),
			"put a volume in":   second(s.CreateVolume(ctx, who, block.NewVolume{Size: 1, TypeName: "SSD", GroupID: e.group.ID})),
			"show its snapshot": second(s.GroupSnapshot(ctx, who, e.groupSnapshot.ID)), "explain its snapshot": second(s.ExplainGroupSnapshot(ctx, who, e.groupSnapshot.ID)),
			"rename its snapshot": second(s.UpdateGroupSnapshot(ctx, who, e.groupSnapshot.ID, block.SnapshotChange{})),
			"delete its snapshot": s.DeleteGroupSnapshot(ctx, who, e.groupSnapshot.ID),
			"show an image":       second(s.Image(ctx, who, e.image.ID)), "read it": second(s.OpenImage(ctx, who, e.image.ID)),
			"change an image": second(s.UpdateImage(ctx, who, e.image.ID, func(*block.Image) error { return nil })),
			"delete an image": s.DeleteImage(ctx, who, e.image.ID), "deactivate it": s.SetImageActive(ctx, who, e.image.ID, false),
			"upload": s.UploadImage(ctx, who, e.image.ID, bytes.NewReader(nil), -1), "upload a volume": uploaded,
			"image metadata": second(s.SetImageMetadata(ctx, who, e.volume.ID, map[string]string{"k": "v"})),
			"verify":         second(s.VerifyVolume(ctx, who, e.volume.ID, false)), "its verification": second(s.VolumeVerification(ctx, who, e.volume.ID)),
			"what it takes": second(s.VolumeTaken(ctx, who, e.volume.ID)), "read a snapshot": second(s.OpenSnapshot(ctx, who, e.snapshot.ID)),
			"roll back": second(s.RollBack(ctx, who, block.Rollback{SnapshotID: e.snapshot.ID, VolumeID: e.volume.ID})),
			"revert":    second(s.RevertVolume(ctx, who, block.Rollback{SnapshotID: e.snapshot.ID, VolumeID: e.volume.ID})),
			"retype":    s.RetypeVolume(ctx, who, e.volume.ID, "SSD"), "offer": offered,
		} {
			r.refused(what, err, block.NotFound, "")
		}
		// An image may be named by anybody; that another's is not there is no 404 of the volume.
		r.refused("reimage with it", s.ReimageVolume(ctx, who, own.ID, e.image.ID, false), block.Invalid, "")
		r.refused("roll another volume back to it", second(s.RollBack(ctx, demo, block.Rollback{SnapshotID: e.snapshot.ID, VolumeID: own.ID})), block.Invalid, "goes to no other")
		r.settle(time.Minute)
		r.volumeIs(e.volume.ID, block.VolumeAvailable)
		r.snapshotIs(e.snapshot.ID, block.SnapshotAvailable)
		r.groupIs(e.group.ID, block.GroupAvailable)
		r.groupSnapshotIs(e.groupSnapshot.ID, block.GroupSnapshotAvailable)
		r.imageIs(e.image.ID, block.ImageActive)
		for what, n := range map[string]int{
			"backups":         rowsOf(s.Backups(ctx, who, block.List{}, true)),
			"groups":          rowsOf(s.Groups(ctx, who, block.List{}, true)),
			"group snapshots": rowsOf(s.GroupSnapshots(ctx, who, block.List{}, true)),
			"transfers":       rowsOf(s.Transfers(ctx, who, block.List{}, true)),
			"images":          rowsOf(s.Images(ctx, who, block.ImageQuery{})),
			"snapshots":       rowsOf(s.Snapshots(ctx, who, block.List{}, true)),
		} {
			if n != 0 {
				t.Errorf("a stranger who asks for all projects lists %d %s", n, what)
			}
		}
	})
}

// rowsOf is how long a list is; -1 when it failed.
func rowsOf[T any](rows []T, err error) int {
	if err != nil {
		return -1
	}
	return len(rows)
}

// Of a volume that was given away without its snapshots they stay with the first
// giver, whoever gives it on.
func TestSnapshotsOfAnEarlierGiverStayTheirs(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v, snap, offer, key := r.offered(true)
		_, err := r.service.AcceptTransfer(t.Context(), taker, offer.ID, key)
		r.must(err)
		last := block.Caller{UserID: "l", ProjectID: "last"}
		offer, key, err = r.service.CreateTransfer(t.Context(), taker, block.NewTransfer{VolumeID: v.ID})
		r.must(err)
		_, err = r.service.AcceptTransfer(t.Context(), last, offer.ID, key)
		r.must(err)
		if got, err := r.service.Snapshot(t.Context(), demo, snap.ID); err != nil || got.ProjectID != demo.ProjectID {
			t.Errorf("the first giver's snapshot: %+v, %v", got, err)
		}
		r.uses("demo", block.Usage{Snapshots: 1, Gigabytes: 3})
		r.uses("taker", block.Usage{})
		r.uses("last", block.Usage{Volumes: 1, Gigabytes: 3})
		r.healthy()
	})
}

func TestAVolumeInAGroupIsNotOffered(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.member(r.group())
		r.settle(time.Second)
		_, _, err := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID})
		r.refused("a volume of a group", err, block.WrongStatus, "group")
		r.volumeIs(v.ID, block.VolumeAvailable)
	})
}

func TestABackupIsNotRestoredToASmallerVolume(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		large, small := r.volume(block.NewVolume{Size: 2}), r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		b := r.backup(block.NewBackup{VolumeID: large.ID})
		r.settle(time.Minute)
		_, _, err := r.service.RestoreBackup(t.Context(), demo, b.ID, small.ID, block.Text{})
		r.refused("a smaller volume", err, block.Invalid, "too small")
		r.volumeIs(small.ID, block.VolumeAvailable)
		r.backupIs(b.ID, block.BackupAvailable)
	})
}

// A connection that was made to write only reads once its volume may only be read.
func TestTheReadonlyFlagHoldsConnectionsThatWereThereBefore(t *testing.T) {
	onWires(t, false, func(r *rig, _ *wires, v *block.Volume) {
		a := r.attach(v, "one")
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		r.must(r.service.SetVolumeReadonly(t.Context(), demo, v.ID, true))
		if x, err := r.service.Export(t.Context(), a.ConnectionID); err != nil || !x.ReadOnly {
			t.Errorf("got %+v, %v, want it read-only", x, err)
		}
		shown, err := r.service.Attachment(t.Context(), demo, a.ID)
		r.must(err)
		if info, err := r.service.AttachmentInfo(t.Context(), shown); err != nil || !info.ReadOnly {
			t.Errorf("the client is told %+v, %v, want it read-only", info, err)
		}
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeInUse))
		_, err = r.service.DeleteAttachment(t.Context(), demo, a.ID)
		r.must(err)
	})
}
