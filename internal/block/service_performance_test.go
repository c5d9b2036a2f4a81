package block_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

// TestWhatIsBoughtReachesTheClients: by the job of the purchase, by that of a change of
// type, and by that of an extension; a refused purchase reaches nobody.
func TestWhatIsBoughtReachesTheClients(t *testing.T) {
	onWires(t, false, func(r *rig, w *wires, _ *block.Volume) {
		for _, class := range []string{"ESSD2", "SATA"} {
			_, err := r.service.CreateVolumeType(t.Context(), block.NewVolumeType{Name: "a " + class, Public: true, ExtraSpecs: map[string]string{"evs:performance": class}})
			r.must(err)
		}
		v := r.volume(block.NewVolume{Size: 10, TypeName: "a ESSD2", Performance: block.Performance{IOPS: 100}})
		r.settle(time.Second)
		_, err := r.service.BuyPerformance(t.Context(), demo, v.ID, block.Performance{IOPS: 10001})
		if block.KindOf(err) != block.Invalid {
			t.Errorf("too many IOPS: got %v", err)
		}
		r.settle(time.Second)
		_, err = r.service.BuyPerformance(t.Context(), demo, v.ID, block.Performance{IOPS: 10000})
		r.must(err)
		r.settle(time.Second)
		_, err = r.service.BuyType(t.Context(), demo, v.ID, "a SATA", block.Performance{})
		r.must(err)
		r.settle(time.Second)
		const inUse = false
		r.must(r.service.ExtendVolume(t.Context(), demo, v.ID, 100, inUse))
		r.settle(time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		if want := []string{v.ID + " 10000", v.ID + " 520", v.ID + " 700"}; !slices.Equal(w.adjusted, want) {
			t.Errorf("the clients were told %s, want %s", fmt.Sprint(w.adjusted), fmt.Sprint(want))
		}
	})
}
