package block_test

import (
	"errors"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

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

func TestDamagedBackupIsFoundAndNeverRestored(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
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

func TestForceDeleteEndsARestoration(t *testing.T) {
	for name, end := range forcedDeletions {
		t.Run(name, func(t *testing.T) {
			onRig(t, nil, func(r *rig) {
				v := r.available()
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
