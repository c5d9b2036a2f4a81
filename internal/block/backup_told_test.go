package block_test

import (
	"errors"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// toldOf checks that the newest message is of one event and one object, and removes it.
func (r *rig) toldOf(id, event, text string) {
	r.t.Helper()
	told := r.messages()
	if len(told) != 1 || told[0].ResourceID != id || told[0].EventID != event || told[0].Text() != text || told[0].ResourceType != "VOLUME_BACKUP" {
		r.t.Fatalf("got %d messages, want one of %s: %+v", len(told), event, told)
	}
	r.must(r.service.DeleteMessage(r.t.Context(), demo, told[0].ID))
}

func TestBackupsThatFailTellTheUsersAndExplain(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Snapshot, Nth: 2, Err: driver.ErrDamaged}}, func(r *rig) {
		v := r.available()
		r.write(v.ID, 0, []byte("right"))
		good := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		bad := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		r.toldOf(bad.ID, "VOLUME_VOLUME_BACKUP_013_020", "create backup:Backup driver failed to create backup.")
		x, err := r.service.ExplainBackup(t.Context(), demo, bad.ID)
		r.explains(x, err, "error", "could not be made", driver.ErrDamaged.Error(), "delete it")

		r.objects.Change(r.objects.Names("chunks/")[0], func(data []byte) []byte { data[60] ^= 1; return data })
		_, into, err := r.service.RestoreBackup(t.Context(), demo, good.ID, "", block.Text{})
		r.must(err)
		r.settle(time.Second)
		r.volumeIs(into.ID, block.VolumeErrorRestoring)
		r.toldOf(good.ID, "VOLUME_VOLUME_BACKUP_015_026", "restore backup:Backup driver failed to restore backup.")
		x, err = r.service.ExplainVolume(t.Context(), demo, into.ID)
		r.explains(x, err, "error_restoring", "the backup is damaged")

		r.objects.Before = func(call, _ string) error {
			if call == "delete" {
				return errors.New("not now")
			}
			return nil
		}
		r.must(r.service.DeleteBackup(t.Context(), demo, good.ID))
		r.settle(time.Hour)
		r.backupIs(good.ID, block.BackupErrorDeleting)
		r.toldOf(good.ID, "VOLUME_VOLUME_BACKUP_014_025", "delete backup:Backup driver failed to delete backup.")
	})
}

func TestExplanationOfABackupFollowsTheWork(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
		r.write(v.ID, 0, []byte("x"))
		release := r.hold("put", "chunks/")
		b := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		x, err := r.service.ExplainBackup(t.Context(), demo, b.ID)
		r.explains(x, err, "creating", "bytes to be copied", "being done now", "becomes available", "error")
		if x.HeldBy == nil || x.HeldBy.Kind != "backup.copy" || time.Until(x.Deadline) < 23*time.Hour || time.Until(x.Deadline) > 24*time.Hour {
			t.Errorf("held by %+v until %v at the latest; a copy may take a day", x.HeldBy, x.Deadline)
		}
		release()
		r.settle(time.Second)
		x, err = r.service.ExplainBackup(t.Context(), demo, b.ID)
		r.explains(x, err, "available", "restore it")
		release = r.hold("get", "chunks/")
		_, into, err := r.service.RestoreBackup(t.Context(), demo, b.ID, "", block.Text{})
		r.must(err)
		r.settle(time.Second)
		x, err = r.service.ExplainBackup(t.Context(), demo, b.ID)
		r.explains(x, err, "restoring", into.ID, "being done now")
		release()
		r.settle(time.Second)
		next := r.backup(block.NewBackup{VolumeID: v.ID, Incremental: true})
		r.settle(time.Second)
		x, err = r.service.ExplainBackup(t.Context(), demo, b.ID)
		r.explains(x, err, "once the incremental backups")
		r.backupIs(next.ID, block.BackupAvailable)
		if _, err := r.service.ExplainBackup(t.Context(), block.Caller{ProjectID: "strangers"}, b.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("a stranger: %v", err)
		}
	})
}

func TestDisabledServiceMakesNoBackups(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
		snap := r.snapshot(v.ID)
		r.settle(time.Second)
		r.must(r.service.SetDaemon(t.Context(), r.service.Node(), block.BinaryBackup, true, "repairs"))
		for _, n := range []block.NewBackup{{VolumeID: v.ID}, {VolumeID: v.ID, SnapshotID: snap.ID}} {
			b := r.backup(n)
			r.settle(time.Second)
			if got := r.backupIs(b.ID, block.BackupError); got.FailReason != "no new backups are made: the service cinder-backup is disabled" {
				t.Errorf("fail reason %q", got.FailReason)
			}
			r.toldOf(b.ID, "VOLUME_VOLUME_BACKUP_013_020", "create backup:Backup driver failed to create backup.")
		}
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.snapshotIs(snap.ID, block.SnapshotAvailable)
		r.must(r.service.SetDaemon(t.Context(), r.service.Node(), block.BinaryBackup, false, ""))
		b := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		r.backupIs(b.ID, block.BackupAvailable)
		r.healthy()
	})
}

func TestOfferedVolumeIsHealthyAndExplained(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
		_, _, err := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID})
		r.must(err)
		r.healthy()
		x, err := r.service.ExplainVolume(t.Context(), demo, v.ID)
		r.explains(x, err, "awaiting-transfer", "another project to accept", "delete the transfer")
	})
}
