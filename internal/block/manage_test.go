package block_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
)

var anyPage = block.ManageablePage{Limit: 10}

func TestUnmanagedBytesAreLetBeAndManagedAgain(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		v := r.volume(block.NewVolume{Size: 2})
		r.settle(time.Second)
		snap := r.snapshot(v.ID)
		r.settle(time.Second)
		if err := r.service.UnmanageVolume(t.Context(), admin, v.ID); block.KindOf(err) != block.WrongStatus {
			t.Errorf("a volume with a snapshot: %v, want WrongStatus", err)
		}
		r.must(r.service.UnmanageSnapshot(t.Context(), admin, snap.ID))
		r.uses("demo", block.Usage{Volumes: 1, Gigabytes: 2})
		r.healthy() // the doctor would take it away otherwise
		got, err := r.service.ManageSnapshot(t.Context(), admin, snap.ID, block.NewManaged{VolumeID: v.ID, Name: block.SetText("back")})
		if err != nil || got.ProjectID != "demo" || got.Size != 2 || got.Status != block.SnapshotAvailable || got.Progress != 100 {
			t.Errorf("got %+v, %v", got, err)
		}
		r.uses("demo", block.Usage{Volumes: 1, Snapshots: 1, Gigabytes: 4})
		r.must(r.service.UnmanageSnapshot(t.Context(), admin, snap.ID))
		r.must(r.service.UnmanageVolume(t.Context(), admin, v.ID))
		r.forgotten(driver.Ref{Volume: v.ID}, driver.Ref{Volume: v.ID, Snapshot: snap.ID})
		back, err := r.service.ManageVolume(t.Context(), demo, v.ID, block.NewManaged{Host: r.service.Host(), Name: block.SetText("back")})
		if err != nil || back.Size != 2 || back.Status != block.VolumeAvailable || back.ProjectID != "demo" {
			t.Errorf("got %+v, %v", back, err)
		}
		r.uses("demo", block.Usage{Volumes: 1, Gigabytes: 2})
		r.healthy()
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, false))
		r.settle(time.Second)
		r.empty()
		if left, err := r.store.Unmanaged(t.Context()); err != nil || len(left) != 0 {
			t.Errorf("still noted are %v, %v", left, err)
		}
	})
}

// forgotten checks that no row is left, nothing used, and that the driver holds these.
func (r *rig) forgotten(want ...driver.Ref) {
	r.t.Helper()
	r.healthy()
	d, err := r.service.Diagnose(r.t.Context(), false)
	r.must(err)
	if d.Volumes+d.Snapshots+d.Jobs != 0 {
		r.t.Errorf("left are %+v", d)
	}
	r.uses("demo", block.Usage{})
	held := r.held()
	for _, ref := range want {
		if !slices.Contains(held, ref) {
			r.t.Errorf("the driver holds %v, want %v", held, ref)
		}
	}
}

func TestWhatCannotBeManagedIsRefused(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
		const odd = "00000000-0000-4000-8000-0000000000aa"
		r.must(r.bytes.Create(t.Context(), driver.VolumeSpec{ID: odd, Size: 1<<30 + 4096}, 0))
		r.must(r.bytes.Create(t.Context(), driver.VolumeSpec{ID: "by-hand", Size: 1 << 30}, 0))
		host := r.service.Host()
		for name, tc := range map[string]struct {
			id, host string
			want     block.Kind
		}{
			"one that is managed":     {v.ID, host, block.Invalid},
			"one that is not there":   {"00000000-0000-4000-8000-0000000000bb", host, block.Invalid},
			"one of an odd size":      {odd, host, block.Invalid},
			"one without a UUID":      {"by-hand", host, block.Invalid},
			"one on another host":     {odd, "elsewhere", block.Invalid},
			"a name that is unsafe":   {"../../etc", host, block.Invalid},
			"a name of nothing":       {"", host, block.Invalid},
			"a name with a character": {"\x00", host, block.Invalid},
		} {
			if _, err := r.service.ManageVolume(t.Context(), demo, tc.id, block.NewManaged{Host: tc.host}); block.KindOf(err) != tc.want {
				t.Errorf("%s: got %v, want kind %d", name, err, tc.want)
			}
			if _, err := r.service.ManageSnapshot(t.Context(), demo, tc.id, block.NewManaged{VolumeID: v.ID}); block.KindOf(err) != tc.want {
				t.Errorf("%s, as a snapshot: got %v, want kind %d", name, err, tc.want)
			}
		}
		r.uses("demo", block.Usage{Volumes: 1, Gigabytes: 1})
		r.must(r.service.ForceProjectQuota(t.Context(), "demo", block.Limits{"volumes": 0}))
		whole := "00000000-0000-4000-8000-0000000000cc"
		r.must(r.bytes.Create(t.Context(), driver.VolumeSpec{ID: whole, Size: 1 << 30}, 0))
		if _, err := r.service.ManageVolume(t.Context(), demo, whole, block.NewManaged{Host: host}); block.KindOf(err) != block.OverLimit {
			t.Errorf("over quota: %v", err)
		}
		r.uses("demo", block.Usage{Volumes: 1, Gigabytes: 1})
	})
}

func TestManageableListsArePaged(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		for i, id := range []string{"b", "a", "c"} {
			r.must(r.bytes.Create(context.Background(), driver.VolumeSpec{ID: id, Size: int64(3-i) << 30}, 0))
		}
		for name, tc := range map[string]struct {
			page block.ManageablePage
			want []string
		}{
			"by id":         {anyPage, []string{"a", "b", "c"}},
			"descending":    {block.ManageablePage{Desc: true, Limit: 2}, []string{"c", "b"}},
			"marker":        {block.ManageablePage{Marker: "a", Limit: 9}, []string{"b", "c"}},
			"offset":        {block.ManageablePage{Marker: "a", Offset: 1, Limit: 9}, []string{"c"}},
			"past the end":  {block.ManageablePage{Offset: 7, Limit: 9}, nil},
			"by size":       {block.ManageablePage{BySize: true, Limit: 9}, []string{"c", "a", "b"}},
			"largest first": {block.ManageablePage{BySize: true, Desc: true, Limit: 1}, []string{"b"}},
		} {
			found, err := r.service.ManageableVolumes(t.Context(), tc.page)
			var ids []string
			for _, m := range found {
				ids = append(ids, m.ID)
			}
			if err != nil || !slices.Equal(ids, tc.want) {
				t.Errorf("%s: got %v, %v, want %v", name, ids, err, tc.want)
			}
		}
		if _, err := r.service.ManageableVolumes(t.Context(), block.ManageablePage{Marker: "x", Limit: 1}); block.KindOf(err) != block.Invalid {
			t.Errorf("an unknown marker: %v, want Invalid", err)
		}
	})
}
