package block_test

import (
	"testing"
	"testing/synctest"

	"github.com/breezeblock/breezeblock/internal/block"
)

// newType makes a type and tells its id.
func (r *rig) newType(n block.NewVolumeType) string {
	r.t.Helper()
	t, err := r.service.CreateVolumeType(r.t.Context(), n)
	r.must(err)
	return t.ID
}

// A volume's speed follows the QoS specs of its type, whichever type that is now.
func TestIOLimitsAreThoseOfTheTypeAndTheSize(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		ctx := r.t.Context()
		fast := r.newType(block.NewVolumeType{Name: "fast", Public: true})
		q, err := r.service.CreateQoS(ctx, "q", "", map[string]string{"read_iops_sec_per_gb": "10", "total_bytes_sec": "4096"})
		r.must(err)
		r.must(r.service.AssociateQoS(ctx, q.ID, fast))
		r.start()
		v := r.volume(block.NewVolume{Size: 3})
		synctest.Wait()
		limits := func(want block.IOLimits) {
			r.t.Helper()
			if got, err := r.service.IOLimits(ctx, v.ID); err != nil || got != want {
				r.t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		}
		limits(block.IOLimits{})
		r.must(r.service.RetypeVolume(ctx, demo, v.ID, "fast"))
		limits(block.IOLimits{ReadIOPS: 30, TotalBytes: 4096})
		r.must(r.service.SetQoS(ctx, q.ID, "front-end", map[string]string{"total_bytes_sec": "512"}))
		limits(block.IOLimits{ReadIOPS: 30, TotalBytes: 512})
		r.must(r.service.DisassociateQoS(ctx, q.ID, ""))
		limits(block.IOLimits{})
		if _, err := r.service.IOLimits(ctx, "nope"); block.KindOf(err) != block.NotFound {
			r.t.Errorf("of no volume: got %v", err)
		}
	})
}

// Usage of both types and the sum stay what the rows say, also when a retype is refused.
func TestRetypeMovesUsageFromTypeToType(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		ctx := r.t.Context()
		to, full := r.newType(block.NewVolumeType{Name: "to", Public: true}), r.newType(block.NewVolumeType{Name: "full", Public: true})
		r.must(r.service.SetProjectQuota(ctx, demo.ProjectID, block.Limits{"gigabytes_full": 2}))
		r.start()
		v := r.volume(block.NewVolume{Size: 3})
		synctest.Wait()
		r.must(r.service.RetypeVolume(ctx, demo, v.ID, to))
		if err := r.service.RetypeVolume(ctx, demo, v.ID, full); block.KindOf(err) != block.OverLimit {
			r.t.Errorf("over the new type's quota: got %v", err)
		}
		quota, err := r.service.ProjectQuota(ctx, demo, demo.ProjectID)
		r.must(err)
		want := block.Usage{Volumes: 1, Gigabytes: 3}
		if quota.Used[to] != want || quota.Used[""] != want || quota.Used[v.TypeID] != (block.Usage{}) || quota.Used[full] != (block.Usage{}) {
			r.t.Errorf("usage is %v", quota.Used)
		}
		counted, err := r.store.CountUsages(ctx)
		r.must(err)
		kept, err := r.store.AllUsages(ctx)
		r.must(err)
		if len(counted) != len(kept) {
			r.t.Errorf("counted %v, kept %v", counted, kept)
		}
		for of, used := range counted {
			if kept[of] != used {
				r.t.Errorf("%v: counted %v, kept %v", of, used, kept[of])
			}
		}
	})
}

// A snapshot keeps the type that it was taken with, so that type stays.
func TestATypeStaysAsLongAsSomethingIsOfIt(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		ctx := r.t.Context()
		old := r.newType(block.NewVolumeType{Name: "old", Public: true})
		r.start()
		v := r.volume(block.NewVolume{Size: 1, TypeName: "old"})
		synctest.Wait()
		snap, err := r.service.CreateSnapshot(ctx, demo, block.NewSnapshot{VolumeID: v.ID})
		r.must(err)
		synctest.Wait()
		r.must(r.service.RetypeVolume(ctx, demo, v.ID, "SSD"))
		if err := r.service.DeleteVolumeType(ctx, old); block.KindOf(err) != block.WrongStatus {
			r.t.Errorf("with a snapshot of it: got %v", err)
		}
		clone := r.volume(block.NewVolume{SnapshotID: snap.ID})
		if clone.TypeID != old {
			r.t.Errorf("a volume of the snapshot is of %s, want %s", clone.TypeID, old)
		}
		synctest.Wait()
		r.must(r.service.DeleteVolume(ctx, demo, clone.ID, false))
		synctest.Wait()
		r.must(r.service.DeleteSnapshot(ctx, demo, snap.ID))
		synctest.Wait()
		r.must(r.service.DeleteVolumeType(ctx, old))
	})
}

// The default type can be neither renamed nor deleted: volumes are made of it.
func TestTheDefaultTypeStays(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		ctx := r.t.Context()
		standard, err := r.service.DefaultVolumeType(ctx, demo)
		r.must(err)
		name, private := "mine", false
		if _, err := r.service.UpdateVolumeType(ctx, standard.ID, block.TypeChange{Name: &name}); block.KindOf(err) != block.Invalid {
			r.t.Errorf("renamed: %v", err)
		}
		if err := r.service.DeleteVolumeType(ctx, standard.ID); block.KindOf(err) != block.WrongStatus {
			r.t.Errorf("deleted: %v", err)
		}
		_, err = r.service.UpdateVolumeType(ctx, standard.ID, block.TypeChange{Public: &private})
		r.must(err)
		if v := r.volume(block.NewVolume{Size: 1}); v.TypeID != standard.ID {
			r.t.Errorf("a volume without a type is of %s", v.TypeID)
		}
		if _, err := r.service.CreateVolume(ctx, demo, block.NewVolume{Size: 1, TypeName: block.DefaultTypeName}); block.KindOf(err) != block.NotFound {
			r.t.Errorf("a private type by its name: %v", err)
		}
	})
}

func TestAQuotaIsNotSetBelowWhatIsUsedUnlessForced(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		ctx := r.t.Context()
		r.volume(block.NewVolume{Size: 3, TypeName: "SSD"})
		for _, below := range []block.Limits{{"volumes": 0}, {"gigabytes": 2}, {"gigabytes_SSD": 2}, {"volumes": 5, "volumes_SSD": 0}} {
			if err := r.service.SetProjectQuota(ctx, demo.ProjectID, below); block.KindOf(err) != block.Invalid {
				r.t.Errorf("%v: got %v", below, err)
			}
		}
		if set, err := r.store.QuotaLimits(ctx, demo.ProjectID); len(set) != 0 || err != nil {
			r.t.Errorf("refused limits were set: %v, %v", set, err)
		}
		r.must(r.service.SetProjectQuota(ctx, demo.ProjectID, block.Limits{"volumes": 1, "gigabytes": -1, "gigabytes_SSD": 3}))
		r.must(r.service.ForceProjectQuota(ctx, demo.ProjectID, block.Limits{"volumes": 0}))
	})
}
