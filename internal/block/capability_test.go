package block_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

// A type asks for capabilities by its extra specs: a volume of it ends in error, with
// a message, when the backend is another.
func TestVolumesNeedTheCapabilitiesThatTheirTypeAsksFor(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		moved := r.volume(block.NewVolume{Size: 1})
		r.settle(time.Second)
		for i, tc := range []struct {
			key, value string
			fits       bool
		}{
			{"storage_protocol", "NBD", true},
			{"storage_protocol", "iSCSI", false},
			{"storage_protocol", "", false},
			{"capabilities:vendor_name", "Breezeblock", true},
			{"capabilities:vendor_name", "another", false},
			{"vendor:thing", "whatever", true}, // of another scope: not asked of the backend
			{"nothing", "v", false},
			{"multiattach", "<is> True", true},
			{"multiattach", "<is> yes", true},
			{"multiattach", "<is> False", false},
			{"multiattach", "<is>", false},
			{"multiattach", "True", false}, // a text is no truth
			{"filter_function", "<is> False", false},
			{"replication_enabled", "<is> True", false},
			{"vendor_name", "<in> reeze", true},
			{"vendor_name", "<in> tree", false},
			{"multiattach", "<in> True", false},
			{"vendor_name", "<or> x <or> Breezeblock", true},
			{"vendor_name", "<or> x <or> y", false},
			{"vendor_name", "s== Breezeblock", true},
			{"vendor_name", "s!= Breezeblock", false},
			{"vendor_name", "s> A", true},
			{"vendor_name", "s<= A", false},
			{"max_over_subscription_ratio", "= 19.5", true}, // at least
			{"max_over_subscription_ratio", "= 20.5", false},
			{"max_over_subscription_ratio", "== 20", true},
			{"max_over_subscription_ratio", "!= 20", false},
			{"reserved_percentage", ">= 0", true},
			{"reserved_percentage", "<= -1", false},
			{"reserved_percentage", "<= many", false},
			{"vendor_name", ">= 1", false},
			{"reserved_percentage", "==", false},
		} {
			name := fmt.Sprintf("kind-%d", i)
			r.newType(block.NewVolumeType{Name: name, Public: true, ExtraSpecs: map[string]string{tc.key: tc.value}})
			v := r.volume(block.NewVolume{Size: 1, TypeName: name})
			r.settle(time.Second)
			got, err := r.service.Volume(t.Context(), demo, v.ID)
			r.must(err)
			if fits := got.Status == block.VolumeAvailable; fits != tc.fits || (!fits && got.Status != block.VolumeError) {
				t.Errorf("%s %q: it became %s", tc.key, tc.value, got.Status)
			}
			if told := r.messages(); (len(told) == 0) != tc.fits || (len(told) > 0 && told[0].EventID != "VOLUME_VOLUME_001_003") {
				t.Errorf("%s %q: got the messages %+v", tc.key, tc.value, told)
			}
			if err := r.service.RetypeVolume(t.Context(), demo, moved.ID, name); (err == nil) != tc.fits || (!tc.fits && block.KindOf(err) != block.Invalid) {
				t.Errorf("%s %q: a change of type gives %v", tc.key, tc.value, err)
			}
			for _, m := range r.messages() {
				r.must(r.service.DeleteMessage(t.Context(), demo, m.ID))
			}
			r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, false))
			r.settle(time.Second)
		}
	})
}

func TestFrozenBackendIsNotChanged(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
		snap := r.snapshot(v.ID)
		r.settle(time.Second)
		host := r.service.BackendHost()
		r.must(r.service.Freeze(t.Context(), host))
		_, created := r.service.CreateSnapshot(t.Context(), demo, block.NewSnapshot{VolumeID: v.ID})
		for what, err := range map[string]error{
			"freeze twice":             r.service.Freeze(t.Context(), host),
			"another host":             r.service.Thaw(t.Context(), "elsewhere"),
			"delete a volume":          r.service.DeleteVolume(t.Context(), demo, v.ID, true),
			"delete a volume by force": r.service.ForceDeleteVolume(t.Context(), admin, v.ID),
			"create a snapshot":        created,
			"delete a snapshot":        r.service.DeleteSnapshot(t.Context(), demo, snap.ID),
			"the same by force":        r.service.ForceDeleteSnapshot(t.Context(), admin, snap.ID),
		} {
			if block.KindOf(err) != block.Invalid {
				t.Errorf("%s: got %v, want Invalid", what, err)
			}
		}
		if all, err := r.service.Daemons(t.Context()); err != nil || !all[1].Frozen || !all[1].Disabled || all[1].Reason != "frozen" || all[0].Disabled {
			t.Errorf("got %+v, %v", all, err)
		}
		r.must(r.service.Thaw(t.Context(), host))
		if err := r.service.Thaw(t.Context(), host); block.KindOf(err) != block.Invalid {
			t.Errorf("thaw twice: got %v, want Invalid", err)
		}
		r.must(r.service.DeleteVolume(t.Context(), demo, v.ID, true))
		r.settle(time.Second)
		r.empty()
	})
}
