package block_test

import (
	"errors"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// messages are those of demo, newest first.
func (r *rig) messages() []*block.Message {
	r.t.Helper()
	all, err := r.service.Messages(r.t.Context(), demo, block.List{}, false)
	r.must(err)
	return all
}

func TestJobThatGivesUpTellsTheUsers(t *testing.T) {
	for name, tc := range map[string]struct {
		call        fake.Call
		err         error
		work        func(*rig, *block.Volume) string
		event, text string
	}{
		"create a volume": {fake.Create, driver.ErrInvalid, func(r *rig, _ *block.Volume) string { return r.volume(block.NewVolume{Size: 2}).ID },
			"VOLUME_VOLUME_008_012", "create volume from backend storage:Driver failed to create the volume."},
		"extend a volume": {fake.Extend, driver.ErrInvalid, func(r *rig, v *block.Volume) string {
			r.must(r.service.ExtendVolume(r.t.Context(), demo, v.ID, 3, false))
			return v.ID
		}, "VOLUME_VOLUME_007_010", "extend volume:Volume Driver failed to extend volume."},
		"create a snapshot": {fake.Snapshot, driver.ErrDamaged, func(r *rig, v *block.Volume) string { return r.snapshot(v.ID).ID },
			"VOLUME_VOLUME_SNAPSHOT_009_013", "create snapshot:Snapshot failed to create."},
	} {
		t.Run(name, func(t *testing.T) {
			nth := 1
			if tc.call == fake.Create {
				nth = 2 // the first is the volume that the others work on
			}
			onRig(t, []fake.Fault{{Call: tc.call, Nth: nth, Err: tc.err}}, func(r *rig) {
				v := r.available()
				id := tc.work(r, v)
				r.settle(time.Minute)
				told := r.messages()
				if len(told) != 1 {
					t.Fatalf("got %d messages, want one", len(told))
				}
				m := told[0]
				if m.EventID != tc.event || m.Text() != tc.text || m.ResourceID != id || m.Level != "ERROR" || m.ProjectID != "demo" || len(m.RequestID) != 40 {
					t.Errorf("got %+v %q", m, m.Text())
				}
				if m.ExpiresAt.Sub(m.CreatedAt) != block.MessageTTL {
					t.Errorf("it lives from %v to %v", m.CreatedAt, m.ExpiresAt)
				}
				if _, err := r.service.Message(t.Context(), taker, m.ID); block.KindOf(err) != block.NotFound {
					t.Errorf("another project reads it: %v", err)
				}
				if err := r.service.DeleteMessage(t.Context(), taker, m.ID); block.KindOf(err) != block.NotFound {
					t.Errorf("another project deletes it: %v", err)
				}
				r.must(r.service.DeleteMessage(t.Context(), demo, m.ID))
				if left := r.messages(); len(left) != 0 {
					t.Errorf("left are %v", left)
				}
			})
		})
	}
}

func TestCancelledJobTellsNothing(t *testing.T) {
	onRig(t, hang(fake.Create, 1), func(r *rig) {
		v := r.available()
		r.must(r.service.ForceDeleteVolume(t.Context(), admin, v.ID))
		r.settle(time.Minute)
		if told := r.messages(); len(told) != 0 {
			t.Errorf("got %+v", told[0])
		}
	})
}

func TestMessagesExpireAndAreSwept(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Create, Err: driver.ErrInvalid}}, func(r *rig) {
		r.start()
		r.volume(block.NewVolume{Size: 1})
		r.settle(time.Minute)
		old := r.messages()[0]
		r.ahead.Store(int64(block.MessageTTL + time.Hour))
		if left := r.messages(); len(left) != 0 {
			t.Errorf("an expired message is listed: %+v", left[0])
		}
		if _, err := r.service.Message(t.Context(), demo, old.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("an expired message is shown: %v", err)
		}
		if _, err := r.store.Message(t.Context(), old.ID); err != nil {
			t.Fatalf("it went before anything swept: %v", err)
		}
		r.volume(block.NewVolume{Size: 1})
		r.settle(time.Minute)
		if _, err := r.store.Message(t.Context(), old.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("it was not swept: %v", err)
		}
		if left := r.messages(); len(left) != 1 {
			t.Errorf("got %d messages, want the new one", len(left))
		}
	})
}

func TestDisabledBackendTakesNoNewVolumes(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		kept := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		host := r.service.BackendHost()
		r.must(r.service.SetDaemon(t.Context(), host, block.BinaryVolume, true, "repairs"))
		v := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Minute)
		r.volumeIs(v.ID, block.VolumeError)
		told := r.messages()
		if len(told) != 1 || told[0].EventID != "VOLUME_VOLUME_001_003" {
			t.Errorf("got %+v, want VOLUME_VOLUME_001_003", told)
		}
		snap := r.snapshot(kept.ID) // what is there goes on
		r.settle(time.Second)
		r.snapshotIs(snap.ID, block.SnapshotAvailable)
		r.must(r.service.SetDaemon(t.Context(), host, block.BinaryVolume, false, ""))
		again := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		r.volumeIs(again.ID, block.VolumeAvailable)
		if err := r.service.SetDaemon(t.Context(), "elsewhere", block.BinaryVolume, true, ""); block.KindOf(err) != block.NotFound {
			t.Errorf("another host: %v, want NotFound", err)
		}
		if all, err := r.service.Daemons(t.Context()); err != nil || len(all) != 3 || all[0].Disabled || all[1].Disabled || all[2].Disabled {
			t.Errorf("got %+v, %v", all, err)
		}
	})
}

func TestBackendFiguresAreTheRows(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 3})
		r.settle(time.Second)
		r.snapshot(v.ID)
		r.settle(time.Second)
		b, err := r.service.Backend(t.Context())
		want := block.Held{Volumes: 1, Snapshots: 1, VolumeSize: 3, SnapshotSize: 3}
		if err != nil || b.Held["demo"] != want || b.Sum() != want || b.Driver.Name != "fake" {
			t.Errorf("got %+v, %v", b, err)
		}
		r.bytes.Close()
		if _, err := r.service.Backend(t.Context()); block.KindOf(err) != block.Unavailable {
			t.Errorf("of a driver that is closed: %v, want Unavailable", errors.Unwrap(err))
		}
	})
}
