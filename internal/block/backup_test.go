package block_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
)

// write puts bytes into a volume as a client would.
func (r *rig) write(id string, off int64, data []byte) {
	r.t.Helper()
	dev, err := r.bytes.Open(r.t.Context(), driver.Ref{Volume: id}, driver.ReadWrite)
	r.must(err)
	_, err = dev.WriteAt(data, off)
	r.must(errors.Join(err, dev.Flush(r.t.Context()), dev.Close()))
}

// holds checks some bytes of a volume.
func (r *rig) holds(id string, off int64, want []byte) {
	r.t.Helper()
	dev, err := r.bytes.Open(r.t.Context(), driver.Ref{Volume: id}, driver.ReadOnly)
	r.must(err)
	got := make([]byte, len(want))
	_, err = dev.ReadAt(got, off)
	r.must(errors.Join(err, dev.Close()))
	if !bytes.Equal(got, want) {
		r.t.Errorf("volume %s at %d: got %.16q, want %.16q", id, off, got, want)
	}
}

func (r *rig) backup(n block.NewBackup) *block.Backup {
	r.t.Helper()
	b, err := r.service.CreateBackup(r.t.Context(), demo, n)
	r.must(err)
	return b
}

// backupIs checks a status and gives the row; "" means gone.
func (r *rig) backupIs(id string, want block.BackupStatus) *block.Backup {
	r.t.Helper()
	b, err := r.service.Backup(r.t.Context(), demo, id)
	got := block.BackupStatus("")
	if err == nil {
		got = b.Status
	}
	if got != want {
		r.t.Errorf("the backup is %q (%v), want %q; %+v", got, err, want, b)
	}
	return b
}

// kept are the snapshots that backups of a volume made.
func (r *rig) kept(volumeID string) []*block.Snapshot {
	r.t.Helper()
	all, err := r.service.Snapshots(r.t.Context(), demo, block.List{Filters: []block.Filter{
		{Field: block.FieldVolumeID, Value: volumeID}, {Field: block.FieldOrigin, Value: "backup"}}}, false)
	r.must(err)
	return all
}

const far = 700 << 20 // in another chunk than 0, at its beginning

func TestBackupsOfAVolumeAreIncrementalAndEachRestores(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1, Name: block.SetText("v"), Metadata: map[string]string{"env": "prod"}})
		r.settle(time.Second)
		r.write(v.ID, 0, []byte("first"))
		full := r.backup(block.NewBackup{VolumeID: v.ID, Name: block.SetText("full")})
		r.volumeIs(v.ID, block.VolumeBackingUp)
		if kept := r.kept(v.ID); len(kept) != 1 || !strings.HasPrefix(kept[0].Name.Value, "autobk_snapshot_") {
			t.Errorf("kept: %+v", kept)
		}
		r.settle(time.Second)
		r.volumeIs(v.ID, block.VolumeAvailable)
		if b := r.backupIs(full.ID, block.BackupAvailable); b.ObjectCount != 1 || b.ParentID != "" {
			t.Errorf("%+v", b)
		}
		r.write(v.ID, far, []byte("second"))
		next := r.backup(block.NewBackup{VolumeID: v.ID, Incremental: true})
		r.settle(time.Second)
		if b := r.backupIs(next.ID, block.BackupAvailable); b.ObjectCount != 2 || b.ParentID != full.ID {
			t.Errorf("%+v", b)
		}
		if b := r.backupIs(full.ID, block.BackupAvailable); b.Dependents != 1 {
			t.Errorf("the full one has %d dependents", b.Dependents)
		}
		if kept := r.kept(v.ID); len(kept) != 1 || kept[0].ID != next.BaseID || kept[0].Status != block.SnapshotAvailable {
			t.Errorf("kept is not only the latest: %+v", kept)
		}
		q, err := r.service.ProjectQuota(r.t.Context(), demo, "demo")
		if want := (block.Usage{Volumes: 1, Gigabytes: 1, Backups: 2, BackupGigabytes: 2}); err != nil || q.Used[""] != want {
			t.Errorf("used %v, %v; want %v", q.Used[""], err, want)
		}
		for _, id := range []string{full.ID, next.ID} {
			_, into, err := r.service.RestoreBackup(r.t.Context(), demo, id, "", block.Text{})
			r.must(err)
			r.backupIs(id, block.BackupRestoring)
			r.settle(time.Second)
			r.backupIs(id, block.BackupAvailable)
			r.volumeIs(into.ID, block.VolumeAvailable)
			r.holds(into.ID, 0, []byte("first"))
			second := []byte("second")
			if id == full.ID {
				second = make([]byte, 6)
			}
			r.holds(into.ID, far, second)
			got, err := r.service.Volume(r.t.Context(), demo, into.ID)
			if err != nil || got.Metadata["env"] != "prod" || got.Metadata["src_backup_id"] != id || got.Name.Value != "restore_backup_"+id {
				t.Errorf("%+v, %v", got, err)
			}
			r.must(r.service.DeleteVolume(r.t.Context(), demo, into.ID, false))
			r.settle(time.Second)
		}
		if err := r.service.DeleteBackup(r.t.Context(), demo, full.ID); block.KindOf(err) != block.Invalid {
			t.Errorf("one with dependents was deleted: %v", err)
		}
		r.settle(time.Second) // the doctor looks when nothing is being deleted
		r.healthy()
		r.must(r.service.DeleteVolume(r.t.Context(), demo, v.ID, false)) // the kept snapshot goes along
		r.must(r.service.DeleteBackup(r.t.Context(), demo, next.ID))
		r.settle(time.Second)
		r.must(r.service.DeleteBackup(r.t.Context(), demo, full.ID))
		r.settle(time.Second)
		r.empty()
		r.ahead.Add(int64(48 * time.Hour))
		if _, err := r.service.SweepBackups(r.t.Context()); err != nil || len(r.objects.Names("")) != 1 {
			t.Errorf("%v; left are %v", err, r.objects.Names(""))
		}
	})
}

func TestBackupOfASnapshotLeavesTheVolumeAlone(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
		r.write(v.ID, 0, []byte("then"))
		s := r.snapshot(v.ID)
		r.settle(time.Second)
		r.write(v.ID, 0, []byte("now!"))
		b := r.backup(block.NewBackup{VolumeID: v.ID, SnapshotID: s.ID})
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.snapshotIs(s.ID, block.SnapshotBackingUp)
		if err := r.service.DeleteVolume(r.t.Context(), demo, v.ID, true); block.KindOf(err) != block.WrongStatus {
			t.Errorf("the volume was deleted meanwhile: %v", err)
		}
		r.settle(time.Second)
		r.snapshotIs(s.ID, block.SnapshotAvailable)
		got := r.backupIs(b.ID, block.BackupAvailable)
		if got.SnapshotID != s.ID || !got.DataTimestamp.Equal(s.CreatedAt) || len(r.kept(v.ID)) != 0 {
			t.Errorf("%+v", got)
		}
		_, into, err := r.service.RestoreBackup(r.t.Context(), demo, b.ID, "", block.SetText("mine"))
		r.must(err)
		r.settle(time.Second)
		r.holds(into.ID, 0, []byte("then"))
		r.must(r.service.DeleteBackup(r.t.Context(), demo, b.ID))
		r.settle(time.Second)
		r.snapshotIs(s.ID, block.SnapshotAvailable) // it is the user's
		// An incremental one after a later backup of the volume has an older parent only.
		if _, err := r.service.CreateBackup(r.t.Context(), demo, block.NewBackup{VolumeID: v.ID, SnapshotID: s.ID, Incremental: true}); block.KindOf(err) != block.Invalid {
			t.Errorf("an incremental one without a parent: %v", err)
		}
		r.healthy()
	})
}

func TestBackupsThatCannotBeMadeAreRefusedAndChangeNothing(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v, other := r.volume(block.NewVolume{Size: 1}), r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		s := r.snapshot(other.ID)
		r.settle(time.Second)
		r.must(r.service.AttachVolume(r.t.Context(), demo, other.ID, block.Attached{HostName: "h", Device: "/dev/vdb"}))
		for name, tc := range map[string]struct {
			n    block.NewBackup
			kind block.Kind
		}{
			"no such volume":     {block.NewBackup{VolumeID: "x"}, block.NotFound},
			"no such snapshot":   {block.NewBackup{VolumeID: v.ID, SnapshotID: "x"}, block.NotFound},
			"another's snapshot": {block.NewBackup{VolumeID: v.ID, SnapshotID: s.ID}, block.Invalid},
			"attached":           {block.NewBackup{VolumeID: other.ID}, block.WrongStatus},
			"nothing before":     {block.NewBackup{VolumeID: v.ID, Incremental: true}, block.Invalid},
			"another zone":       {block.NewBackup{VolumeID: v.ID, Zone: "az9"}, block.Invalid},
		} {
			if _, err := r.service.CreateBackup(r.t.Context(), demo, tc.n); block.KindOf(err) != tc.kind {
				t.Errorf("%s: got %v", name, err)
			}
		}
		stranger := block.Caller{UserID: "s", ProjectID: "strangers"}
		if _, err := r.service.CreateBackup(r.t.Context(), stranger, block.NewBackup{VolumeID: v.ID}); block.KindOf(err) != block.NotFound {
			t.Errorf("a stranger: %v", err)
		}
		forced := r.backup(block.NewBackup{VolumeID: other.ID, Force: true})
		r.settle(time.Second)
		r.volumeIs(other.ID, block.VolumeInUse)
		if _, err := r.service.Backup(r.t.Context(), stranger, forced.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("a stranger sees the backup: %v", err)
		}
		r.must(r.service.SetProjectQuota(r.t.Context(), "demo", block.Limits{"backups": 1}))
		if _, err := r.service.CreateBackup(r.t.Context(), demo, block.NewBackup{VolumeID: v.ID}); block.KindOf(err) != block.OverLimit {
			t.Errorf("over quota: %v", err)
		}
		r.must(r.service.SetProjectQuota(r.t.Context(), "demo", block.Limits{"backups": 5, "backup_gigabytes": 1}))
		if _, err := r.service.CreateBackup(r.t.Context(), demo, block.NewBackup{VolumeID: v.ID}); block.KindOf(err) != block.OverLimit {
			t.Errorf("over the quota of gigabytes: %v", err)
		}
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.healthy()
	})
}
