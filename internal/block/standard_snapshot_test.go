package block_test

import (
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

func TestOnlyOneStandardSnapshotOfAVolumeIsMadeAtATime(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		v := r.available()
		r.stop() // what is queued stays so
		alone := block.NewSnapshot{VolumeID: v.ID, Standard: true}
		_, err := r.service.CreateSnapshot(t.Context(), demo, alone)
		r.must(err)
		_, err = r.service.CreateSnapshot(t.Context(), demo, alone)
		if block.KindOf(err) != block.Conflict || block.AboutOf(err) != block.AboutSnapshotBusy {
			t.Errorf("got %v about %q, want Conflict about %s", err, block.AboutOf(err), block.AboutSnapshotBusy)
		}
		r.start()
		r.settle(time.Second)
		_, err = r.service.CreateSnapshot(t.Context(), demo, alone)
		r.must(err)
	})
}
