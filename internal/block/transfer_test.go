package block_test

import (
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

var taker = block.Caller{UserID: "t", ProjectID: "taker"}

// offered is an available volume with one snapshot, and a transfer of it.
func (r *rig) offered(noSnapshots bool) (v *block.Volume, snap *block.Snapshot, t *block.Transfer, key string) {
	r.t.Helper()
	v = r.volume(block.NewVolume{Size: 3})
	r.settle(time.Second)
	snap = r.snapshot(v.ID)
	r.settle(time.Second)
	t, key, err := r.service.CreateTransfer(r.t.Context(), demo, block.NewTransfer{VolumeID: v.ID, Name: block.SetText("gift"), NoSnapshots: noSnapshots})
	r.must(err)
	r.volumeIs(v.ID, block.VolumeAwaiting)
	return v, snap, t, key
}

// uses checks what a project uses in all.
func (r *rig) uses(project string, want block.Usage) {
	r.t.Helper()
	used, err := r.store.Usages(r.t.Context(), project)
	r.must(err)
	if used[""] != want {
		r.t.Errorf("%s uses %v, want %v", project, used[""], want)
	}
}

func TestAcceptedTransferMovesVolumeSnapshotsAndUsage(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v, snap, offer, key := r.offered(false)
		r.uses("demo", block.Usage{Volumes: 1, Snapshots: 1, Gigabytes: 6})
		_, err := r.service.AcceptTransfer(t.Context(), taker, offer.ID, key)
		r.must(err)
		r.uses("demo", block.Usage{})
		r.uses("taker", block.Usage{Volumes: 1, Snapshots: 1, Gigabytes: 6})
		if _, err := r.service.Volume(t.Context(), demo, v.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("the giver still reaches the volume: %v", err)
		}
		got, err := r.service.Volume(t.Context(), taker, v.ID)
		if err != nil || got.Status != block.VolumeAvailable || got.UserID != "t" {
			t.Errorf("got %+v, %v", got, err)
		}
		if got, err := r.service.Snapshot(t.Context(), taker, snap.ID); err != nil || got.ProjectID != "taker" {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := r.service.AcceptTransfer(t.Context(), taker, offer.ID, key); block.KindOf(err) != block.NotFound {
			t.Errorf("a second acceptance: %v, want NotFound", err)
		}
		r.healthy()
		r.must(r.service.DeleteVolume(t.Context(), taker, v.ID, true))
		r.settle(time.Second)
		r.empty()
	})
}

func TestSnapshotsThatStayBelongToTheGiver(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v, snap, offer, key := r.offered(true)
		_, err := r.service.AcceptTransfer(t.Context(), taker, offer.ID, key)
		r.must(err)
		r.uses("demo", block.Usage{Snapshots: 1, Gigabytes: 3})
		r.uses("taker", block.Usage{Volumes: 1, Gigabytes: 3})
		r.snapshotIs(snap.ID, block.SnapshotAvailable)
		for _, cascade := range []bool{false, true} {
			if err := r.service.DeleteVolume(t.Context(), taker, v.ID, cascade); block.KindOf(err) != block.WrongStatus {
				t.Errorf("deletion with the giver's snapshot, cascade %v: %v, want WrongStatus", cascade, err)
			}
		}
		r.must(r.service.DeleteSnapshot(t.Context(), demo, snap.ID))
		r.settle(time.Second)
		r.must(r.service.DeleteVolume(t.Context(), taker, v.ID, false))
		r.settle(time.Second)
		r.empty()
	})
}

func TestRefusedAcceptanceChangesNothing(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v, _, offer, key := r.offered(false)
		refuse := func(what string, want block.Kind, id, key string) {
			t.Helper()
			if _, err := r.service.AcceptTransfer(t.Context(), taker, id, key); block.KindOf(err) != want {
				t.Errorf("%s: got %v, want kind %d", what, err, want)
			}
			r.volumeIs(v.ID, block.VolumeAwaiting)
			r.uses("demo", block.Usage{Volumes: 1, Snapshots: 1, Gigabytes: 6})
			r.uses("taker", block.Usage{})
		}
		refuse("a wrong key", block.Invalid, offer.ID, key[1:]+"x")
		refuse("no key", block.Invalid, offer.ID, "")
		refuse("its hash", block.Invalid, offer.ID, offer.KeyHash)
		refuse("an unknown id", block.NotFound, v.ID, key)
		for limit, most := range map[string]int64{"volumes": 0, "snapshots": 0, "gigabytes": 5, "per_volume_gigabytes": 2, "gigabytes_" + block.DefaultTypeName: 5} {
			r.must(r.service.SetProjectQuota(t.Context(), "taker", block.Limits{limit: most}))
			refuse("over "+limit, block.OverLimit, offer.ID, key)
			r.must(r.service.ResetProjectQuota(t.Context(), "taker"))
		}
		if _, err := r.service.Transfer(t.Context(), taker, offer.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("a stranger reads the transfer: %v", err)
		}
		if err := r.service.DeleteTransfer(t.Context(), taker, offer.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("a stranger deletes the transfer: %v", err)
		}
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeError))
		if _, err := r.service.AcceptTransfer(t.Context(), taker, offer.ID, key); block.KindOf(err) != block.WrongStatus {
			t.Errorf("of a volume in error: %v, want WrongStatus", err)
		}
	})
}

func TestTransferIsWithdrawn(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v, _, offer, key := r.offered(false)
		if _, _, err := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID}); block.KindOf(err) != block.WrongStatus {
			t.Errorf("a second offer: %v, want WrongStatus", err)
		}
		r.must(r.service.DeleteTransfer(t.Context(), demo, offer.ID))
		r.volumeIs(v.ID, block.VolumeAvailable)
		if _, err := r.service.AcceptTransfer(t.Context(), taker, offer.ID, key); block.KindOf(err) != block.NotFound {
			t.Errorf("after it was withdrawn: %v, want NotFound", err)
		}
		// A reset leaves an offer that means nothing: the next one takes its place.
		stale, _, err := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID})
		r.must(err)
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		_, _, err = r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID})
		r.must(err)
		if _, err := r.service.Transfer(t.Context(), demo, stale.ID); block.KindOf(err) != block.NotFound {
			t.Errorf("the stale offer: %v, want NotFound", err)
		}
		// A forced deletion takes the offer with it.
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, true))
		r.settle(time.Second)
		r.empty()
		if left, err := r.store.Transfers(t.Context(), block.List{}); err != nil || len(left) != 0 {
			t.Errorf("left are %v, %v", left, err)
		}
	})
}

func TestOnlyWhatRestsIsOffered(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
		snap := r.snapshot(v.ID)
		r.settle(time.Second)
		for _, status := range block.ResettableVolumeStatuses() {
			if status == block.VolumeAvailable || status == block.VolumeInUse {
				continue
			}
			r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, status))
			if _, _, err := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID, NoSnapshots: true}); block.KindOf(err) != block.WrongStatus {
				t.Errorf("a volume that is %s: %v, want WrongStatus", status, err)
			}
		}
		r.must(r.service.ResetVolumeStatus(t.Context(), admin, v.ID, block.VolumeAvailable))
		r.must(r.service.ResetSnapshotStatus(t.Context(), admin, snap.ID, block.SnapshotError))
		if _, _, err := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID}); block.KindOf(err) != block.WrongStatus {
			t.Errorf("with a snapshot in error: %v, want WrongStatus", err)
		}
		_, _, err := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID, NoSnapshots: true})
		r.must(err)
	})
}

func TestEncryptedVolumesAreGivenWholeOrNotAtAll(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		kind := r.newType(block.NewVolumeType{Name: "secret", Public: true})
		provider, location := "luks", "front-end"
		_, err := r.service.CreateEncryption(t.Context(), kind, block.EncryptionChange{Provider: &provider, ControlLocation: &location})
		r.must(err)
		v := r.volume(block.NewVolume{Size: 1, TypeName: kind})
		r.settle(time.Second)
		for what, n := range map[string]block.NewTransfer{
			"as older clients ask":  {VolumeID: v.ID},
			"without its snapshots": {VolumeID: v.ID, Encrypted: true, NoSnapshots: true},
		} {
			if _, _, err := r.service.CreateTransfer(t.Context(), demo, n); block.KindOf(err) != block.Invalid {
				t.Errorf("%s: got %v, want Invalid", what, err)
			}
		}
		offer, key, err := r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID, Encrypted: true})
		r.must(err)
		_, err = r.service.AcceptTransfer(t.Context(), taker, offer.ID, key)
		r.must(err)
	})
}

// What EVS lets nobody give away stays; Cinder's callers may. Source: EVS 10.
func TestCallersOfEVSKeepSystemDisksAndThoseWithSnapshotsOrBackups(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		vendor := demo
		vendor.Vendor = true
		for what, change := range map[string]func(v *block.Volume){
			"a system disk": func(v *block.Volume) {
				r.must(second(r.service.SetImageMetadata(t.Context(), demo, v.ID, map[string]string{"image_id": "i"})))
			},
			"one with a snapshot": func(v *block.Volume) { r.snapshot(v.ID) },
			"one with a backup, whose snapshot is gone": func(v *block.Volume) {
				r.backup(block.NewBackup{VolumeID: v.ID})
				r.settle(time.Minute)
				for _, snap := range r.kept(v.ID) {
					r.must(r.service.DeleteSnapshot(t.Context(), demo, snap.ID))
				}
			},
			"one with neither": nil,
		} {
			v := r.available()
			if change != nil {
				change(v)
			}
			r.settle(time.Minute)
			_, _, err := r.service.CreateTransfer(t.Context(), vendor, block.NewTransfer{VolumeID: v.ID})
			if change != nil && block.KindOf(err) != block.Invalid {
				t.Errorf("%s: got %v, want Invalid", what, err)
			}
			if change != nil {
				_, _, err = r.service.CreateTransfer(t.Context(), demo, block.NewTransfer{VolumeID: v.ID})
			}
			if err != nil {
				t.Errorf("%s: got %v, want it to be offered", what, err)
			}
		}
	})
}
