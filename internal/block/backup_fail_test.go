package block_test

import (
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
		v := r.available()
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
		v := r.available()
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

// forcedDeletions are those of a backup and of its volume.
var forcedDeletions = map[string]func(r *rig, v, b string) error{
	"the backup's": func(r *rig, _, b string) error { return r.service.ForceDeleteBackup(r.t.Context(), admin, b) },
	"the volume's": func(r *rig, v, _ string) error { return r.service.ForceDeleteVolume(r.t.Context(), admin, v) },
}

func TestForceDeleteEndsABackupThatIsBeingMade(t *testing.T) {
	for name, end := range forcedDeletions {
		t.Run(name, func(t *testing.T) {
			onRig(t, nil, func(r *rig) {
				v := r.available()
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
