package block_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
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

func TestRestoreOverAVolumeLeavesNothingOfWhatItHeld(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1})
		larger := r.volume(block.NewVolume{Size: 2})
		r.settle(time.Second)
		r.write(v.ID, far, []byte("kept"))
		b := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		r.write(v.ID, 0, []byte("later"))
		r.write(larger.ID, 0, []byte("other"))
		r.write(larger.ID, 3<<29, []byte("past the end"))
		for _, into := range []string{v.ID, larger.ID} {
			_, _, err := r.service.RestoreBackup(r.t.Context(), demo, b.ID, into, block.Text{})
			r.must(err)
			r.volumeIs(into, block.VolumeRestoringBackup)
			r.settle(time.Second)
			r.volumeIs(into, block.VolumeAvailable)
			r.holds(into, 0, make([]byte, 5))
			r.holds(into, far, []byte("kept"))
		}
		r.holds(larger.ID, 3<<29, make([]byte, 12))
		made, err := r.service.CreateVolume(r.t.Context(), demo, block.NewVolume{BackupID: b.ID, Size: 3})
		r.must(err)
		r.volumeIs(made.ID, block.VolumeCreating)
		r.settle(time.Second)
		r.volumeIs(made.ID, block.VolumeAvailable)
		r.holds(made.ID, far, []byte("kept"))
		r.healthy()
	})
}

func TestBackupOfASnapshotLeavesTheVolumeAlone(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
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

// Each call of the store of objects and of the driver fails once, in turn, or is the
// last of its process: the backup is made and restored all the same.
func TestBackupAndRestoreSurviveAFailureAtEachCall(t *testing.T) {
	failed := errors.New("not now")
	for at := 1; ; at++ {
		calls := 0
		onRig(t, nil, func(r *rig) {
			v := r.volume(block.NewVolume{Size: 1})
			r.start()
			r.settle(time.Second)
			r.write(v.ID, far, []byte("kept"))
			r.objects.Before = func(string, string) error {
				if calls++; calls == at {
					return failed
				}
				return nil
			}
			b := r.backup(block.NewBackup{VolumeID: v.ID})
			r.settle(10 * time.Second)
			r.backupIs(b.ID, block.BackupAvailable)
			_, into, err := r.service.RestoreBackup(r.t.Context(), demo, b.ID, "", block.Text{})
			r.must(err)
			r.settle(10 * time.Second)
			r.volumeIs(into.ID, block.VolumeAvailable)
			r.holds(into.ID, far, []byte("kept"))
			r.must(r.service.DeleteBackup(r.t.Context(), demo, b.ID))
			r.settle(10 * time.Second)
			r.backupIs(b.ID, "")
			r.objects.Before = nil
			r.healthy()
		})
		if calls < at {
			if at < 15 {
				t.Errorf("only %d calls: is that all?", calls)
			}
			return
		}
	}
}

func TestBackupSurvivesWorkersThatDieAtEachStep(t *testing.T) {
	for _, call := range []fake.Call{fake.Snapshot, fake.Open, fake.Changed, fake.ReadAt, fake.Create, fake.WriteAt, fake.Flush, fake.DeleteSnapshot} {
		for _, after := range []bool{false, true} {
			if after && call == fake.Open {
				continue // nobody would close what it opened
			}
			t.Run(string(call), func(t *testing.T) {
				onRig(t, []fake.Fault{{Call: call, Nth: 1, After: after, Err: errors.New("not now")}}, func(r *rig) {
					r.start()
					v := r.volume(block.NewVolume{Size: 1})
					r.settle(5 * time.Second)
					dev, err := r.bytes.Open(r.t.Context(), driver.Ref{Volume: v.ID}, driver.ReadWrite)
					if err != nil { // the fault is met here
						dev, err = r.bytes.Open(r.t.Context(), driver.Ref{Volume: v.ID}, driver.ReadWrite)
					}
					r.must(err)
					_, _ = dev.WriteAt([]byte("kept"), far) // or here
					_, err = dev.WriteAt([]byte("kept"), far)
					r.must(errors.Join(err, dev.Close()))
					b := r.backup(block.NewBackup{VolumeID: v.ID})
					r.settle(time.Minute)
					r.backupIs(b.ID, block.BackupAvailable)
					again := r.backup(block.NewBackup{VolumeID: v.ID, Incremental: true})
					r.settle(time.Minute)
					r.backupIs(again.ID, block.BackupAvailable)
					_, into, err := r.service.RestoreBackup(r.t.Context(), demo, again.ID, "", block.Text{})
					r.must(err)
					r.settle(time.Minute)
					r.volumeIs(into.ID, block.VolumeAvailable)
					r.holds(into.ID, far, []byte("kept"))
					if kept := r.kept(v.ID); len(kept) != 1 {
						t.Errorf("kept are %+v", kept)
					}
					r.healthy()
				})
			})
		}
	}
}

func TestBackupThatFailsForGoodLeavesEverythingAnExit(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Changed, Err: driver.ErrDamaged}}, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		b := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		got := r.backupIs(b.ID, block.BackupError)
		if got.FailReason != driver.ErrDamaged.Error() {
			t.Errorf("fail reason %q", got.FailReason)
		}
		r.volumeIs(v.ID, block.VolumeAvailable)
		if kept := r.kept(v.ID); len(kept) != 0 {
			t.Errorf("kept are %+v", kept)
		}
		r.must(r.service.DeleteBackup(r.t.Context(), demo, b.ID))
		r.must(r.service.DeleteVolume(r.t.Context(), demo, v.ID, false))
		r.settle(time.Second)
		r.empty()
	})
}

func TestFullBackupStoreIsToldToTheOwner(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		r.write(v.ID, 0, []byte("x"))
		r.objects.Before = func(call, _ string) error {
			if call == "put" {
				return backup.ErrNoSpace
			}
			return nil
		}
		b := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(10 * time.Minute)
		if got := r.backupIs(b.ID, block.BackupError); got.FailReason != backup.ErrNoSpace.Error() {
			t.Errorf("fail reason %q", got.FailReason)
		}
		r.volumeIs(v.ID, block.VolumeAvailable)
		r.healthy()
	})
}

func TestDamagedBackupIsFoundAndNeverRestored(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		r.write(v.ID, 0, []byte("right"))
		b := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		r.healthy()
		r.objects.Change(r.objects.Names("chunks/")[0], func(data []byte) []byte { data[60] ^= 1; return data })
		d, err := r.service.Diagnose(r.t.Context(), true)
		if err != nil || len(d.Findings) != 1 || d.Findings[0].Problem != block.DamagedProblem || d.Findings[0].ID != b.ID {
			t.Errorf("the doctor says %+v, %v", d, err)
		}
		_, _, err = r.service.RestoreBackup(r.t.Context(), demo, b.ID, v.ID, block.Text{})
		r.must(err)
		_, into, err := r.service.RestoreBackup(r.t.Context(), demo, b.ID, "", block.Text{})
		if block.KindOf(err) != block.WrongStatus {
			t.Errorf("a second restoration at once: %v", err)
		}
		r.settle(time.Second)
		r.volumeIs(v.ID, block.VolumeErrorRestoring)
		r.holds(v.ID, 0, []byte("right")) // what it held: nothing wrong was written
		r.backupIs(b.ID, block.BackupAvailable)
		_, into, err = r.service.RestoreBackup(r.t.Context(), demo, b.ID, "", block.Text{})
		r.must(err)
		r.settle(time.Second)
		r.volumeIs(into.ID, block.VolumeErrorRestoring)
		made, err := r.service.CreateVolume(r.t.Context(), demo, block.NewVolume{BackupID: b.ID})
		r.must(err)
		r.settle(time.Second)
		r.volumeIs(made.ID, block.VolumeError)
		for _, id := range []string{v.ID, into.ID, made.ID} {
			r.must(r.service.DeleteVolume(r.t.Context(), demo, id, false))
		}
		r.must(r.service.DeleteBackup(r.t.Context(), demo, b.ID))
		r.settle(time.Second)
		r.empty()
	})
}

// hold lets one call of the store of objects wait until release.
func (r *rig) hold(call, prefix string) (release func()) {
	gate := make(chan struct{})
	r.objects.Before = func(c, name string) error {
		if c == call && strings.HasPrefix(name, prefix) {
			<-gate
		}
		return nil
	}
	return func() { close(gate) }
}

func TestForceDeleteEndsABackupThatIsBeingMade(t *testing.T) {
	for name, end := range map[string]func(r *rig, v, b string) error{
		"the backup's": func(r *rig, _, b string) error { return r.service.ForceDeleteBackup(r.t.Context(), admin, b) },
		"the volume's": func(r *rig, v, _ string) error { return r.service.ForceDeleteVolume(r.t.Context(), admin, v) },
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, nil, func(r *rig) {
				r.start()
				v := r.volume(block.NewVolume{Size: 1})
				r.settle(time.Second)
				r.write(v.ID, 0, []byte("x"))
				release := r.hold("put", "chunks/")
				b := r.backup(block.NewBackup{VolumeID: v.ID})
				r.settle(time.Second)
				r.volumeIs(v.ID, block.VolumeBackingUp)
				r.must(end(r, v.ID, b.ID))
				r.healthy()
				r.settle(time.Second)
				release()
				r.settle(time.Minute)
				if name == "the backup's" {
					r.backupIs(b.ID, "")
					r.volumeIs(v.ID, block.VolumeAvailable)
					r.must(r.service.DeleteVolume(r.t.Context(), demo, v.ID, false))
				} else {
					r.volumeIs(v.ID, "")
					r.backupIs(b.ID, block.BackupError)
					r.must(r.service.DeleteBackup(r.t.Context(), demo, b.ID))
				}
				r.settle(time.Minute)
				r.empty()
			})
		})
	}
}

func TestForceDeleteEndsARestoration(t *testing.T) {
	for name, end := range map[string]func(r *rig, v, b string) error{
		"the backup's": func(r *rig, _, b string) error { return r.service.ForceDeleteBackup(r.t.Context(), admin, b) },
		"the volume's": func(r *rig, v, _ string) error { return r.service.ForceDeleteVolume(r.t.Context(), admin, v) },
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, nil, func(r *rig) {
				r.start()
				v := r.volume(block.NewVolume{Size: 1})
				r.settle(time.Second)
				r.write(v.ID, 0, []byte("x"))
				b := r.backup(block.NewBackup{VolumeID: v.ID})
				r.settle(time.Second)
				release := r.hold("get", "chunks/")
				_, into, err := r.service.RestoreBackup(r.t.Context(), demo, b.ID, "", block.Text{})
				r.must(err)
				r.settle(time.Second)
				r.must(end(r, into.ID, b.ID))
				release()
				r.settle(time.Minute)
				if name == "the backup's" {
					r.volumeIs(into.ID, block.VolumeErrorRestoring)
					r.must(r.service.DeleteVolume(r.t.Context(), demo, into.ID, false))
				} else {
					r.backupIs(b.ID, block.BackupAvailable)
					r.must(r.service.DeleteBackup(r.t.Context(), demo, b.ID))
				}
				r.must(r.service.DeleteVolume(r.t.Context(), demo, v.ID, false))
				r.settle(time.Minute)
				r.empty()
			})
		})
	}
}

func TestExportedRecordBringsABackupBack(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		r.write(v.ID, far, []byte("kept"))
		b := r.backup(block.NewBackup{VolumeID: v.ID, Name: block.SetText("n"), Metadata: map[string]string{"a": "b"}})
		r.settle(time.Second)
		service, url, err := r.service.ExportBackup(r.t.Context(), admin, b.ID)
		r.must(err)
		owner := block.Caller{UserID: "u", ProjectID: "demo", Admin: true}
		if _, err := r.service.ImportBackup(r.t.Context(), owner, service, url); block.KindOf(err) != block.Invalid {
			t.Errorf("a record of a backup that is there was imported: %v", err)
		}
		text, err := base64.StdEncoding.DecodeString(url)
		r.must(err)
		var record map[string]any
		r.must(json.Unmarshal(text, &record))
		again := func(changes map[string]any) string {
			other := map[string]any{}
			for key, value := range record {
				other[key] = value
			}
			for key, value := range changes {
				if other[key] = value; value == nil {
					delete(other, key)
				}
			}
			text, err := json.Marshal(other)
			r.must(err)
			return base64.StdEncoding.EncodeToString(text)
		}
		const id = "11111111-2222-4333-8444-555555555555"
		for name, bad := range map[string]string{
			"no base64": "%%%", "no JSON": base64.StdEncoding.EncodeToString([]byte("{")), "null": base64.StdEncoding.EncodeToString([]byte("null")),
			"no id": again(map[string]any{"id": nil}), "no size": again(map[string]any{"id": id, "size": nil}),
			"a huge size": again(map[string]any{"id": id, "size": 1 << 40}), "a size below 1": again(map[string]any{"id": id, "size": 0}),
			"a path": again(map[string]any{"id": id, "service_metadata": "../../etc/passwd"}), "a bad id": again(map[string]any{"id": "x"}),
			"a bad time": again(map[string]any{"id": id, "data_timestamp": "yesterday"}), "a bad parent": again(map[string]any{"id": id, "parent_id": "x"}),
			"a long name": again(map[string]any{"id": id, "display_name": strings.Repeat("x", 256)}), "a wrong type": again(map[string]any{"id": 5}),
		} {
			if _, err := r.service.ImportBackup(r.t.Context(), owner, service, bad); block.KindOf(err) != block.Invalid {
				t.Errorf("%s: got %v, want Invalid", name, err)
			}
		}
		if _, err := r.service.ImportBackup(r.t.Context(), owner, "swift", url); block.KindOf(err) != block.Invalid {
			t.Errorf("another service: %v", err)
		}
		made, err := r.service.ImportBackup(r.t.Context(), owner, service, again(map[string]any{"id": id}))
		r.must(err)
		lost, err := r.service.ImportBackup(r.t.Context(), owner, service, again(map[string]any{"id": "99999999-2222-4333-8444-555555555555", "service_metadata": "gone"}))
		r.must(err)
		r.settle(time.Second)
		r.backupIs(lost.ID, block.BackupError)
		if got := r.backupIs(made.ID, block.BackupAvailable); got.Name.Value != "n" || got.Metadata["a"] != "b" || got.VolumeID != v.ID || got.ObjectCount != 1 {
			t.Errorf("%+v", got)
		}
		r.must(r.service.DeleteBackup(r.t.Context(), demo, b.ID)) // both stand on one manifest
		r.settle(time.Second)
		_, into, err := r.service.RestoreBackup(r.t.Context(), demo, made.ID, "", block.Text{})
		r.must(err)
		r.settle(time.Second)
		r.holds(into.ID, far, []byte("kept"))
		for _, one := range []string{made.ID, lost.ID} {
			r.must(r.service.DeleteBackup(r.t.Context(), demo, one))
		}
		r.settle(time.Second)
		if left := r.objects.Names("manifests/"); len(left) != 0 {
			t.Errorf("left are %v", left)
		}
		r.healthy()
	})
}

func TestDoctorKnowsBackups(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.volume(block.NewVolume{Size: 1})
		r.start()
		r.settle(time.Second)
		b := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		lost := r.backup(block.NewBackup{VolumeID: v.ID})
		r.settle(time.Second)
		r.stop()
		r.must(r.objects.Delete(r.t.Context(), "manifests/"+lost.ID))
		r.must(r.store.InTx(r.t.Context(), func(tx block.Tx) error {
			stored, err := tx.Backup(b.ID)
			if err != nil {
				return err
			}
			stuck := *stored
			stuck.Status = block.BackupRestoring
			return tx.SaveBackup(&stuck)
		}))
		d, err := r.service.Diagnose(r.t.Context(), false)
		r.must(err)
		var found []string
		for _, f := range d.Findings {
			found = append(found, string(f.Problem)+" "+f.ID)
		}
		slices.Sort(found)
		want := []string{"missing " + lost.ID, "status " + b.ID}
		if !slices.Equal(found, want) {
			t.Fatalf("found %v, want %v", found, want)
		}
		r.must(r.service.Repair(r.t.Context(), d))
		r.backupIs(b.ID, block.BackupAvailable)
		r.backupIs(lost.ID, block.BackupError)
		r.healthy()
	})
}
