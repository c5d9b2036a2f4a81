//go:build linux

package layers

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// mutants are drivers that lack one guard of the order of steps, and where a cut
// shows it. TestPowerCuts is worth something only as long as it notices each.
var mutants = []struct {
	name string
	mutant
	cuts []plan
}{
	{"the seal does not sync the layer", mutant{
		unasked: true,
		atStep: func(r *rig, s Step) {
			if s == StepSyncSealed || s == StepWriteMap {
				r.sealing.Store(s == StepSyncSealed)
			}
		},
		datasync: func(r *rig, f *os.File) error {
			if r.sealing.Load() {
				return nil
			}
			return datasync(f)
		},
	}, []plan{{at: acknowledged, nth: 1}, {at: acknowledged, nth: 2}, {at: acknowledged, nth: 3}}},
	{"a flush does nothing", mutant{flush: func(driver.Device) error { return nil }},
		[]plan{{at: StepSyncHead, nth: 1}, {at: StepSyncHead, nth: 2}, {at: StepNameHead, nth: 1}}},
	{"a flush during the switch forgets the layer that was the head", mutant{flush: func(dev driver.Device) error {
		c := dev.(*device).core
		return c.flushLayer(c.headFileNow())
	}}, []plan{{at: StepSyncSealed, nth: 1}, {at: StepSyncSealed, nth: 2}, {at: StepSyncSealed, nth: 3}}},
	{"the log of zeroes is not durable before bytes are erased", mutant{datasync: func(_ *rig, f *os.File) error {
		if info, err := f.Stat(); err != nil || (filepath.Ext(f.Name()) == ".zero" && info.Size() > zeroRecord) {
			return err
		}
		return datasync(f)
	}}, []plan{{at: StepTakeOut, nth: 3}, {at: StepTakeOut, nth: 4}, {at: StepGrow, nth: 2}, {at: StepForget, nth: 2}}},
	{"a merge does not sync what it copied", mutant{
		atStep: func(r *rig, s Step) {
			if s == StepMergeSync || s == StepMergeMap {
				r.sealing.Store(s == StepMergeSync)
			}
		},
		datasync: func(r *rig, f *os.File) error {
			if r.sealing.Load() && strings.Contains(f.Name(), "layer-") {
				return nil
			}
			return datasync(f)
		},
	}, []plan{{at: StepTakeOut, nth: 6}, {at: StepTakeOut, nth: 8}, {at: StepTakeOut, nth: 10}, {at: StepTakeOut, nth: 12}}},
}

// A test of the test: each guard that is taken out is noticed.
func TestPowerCutsNoticeEachMutant(t *testing.T) {
	for _, kind := range []string{"ext4", "xfs"} {
		for _, m := range mutants {
			t.Run(kind+"/"+m.name, func(t *testing.T) {
				for range 4 {
					for i, c := range m.cuts {
						r := newRig(t, kind, rand.Uint64(), 0, m.mutant)
						if !r.run(c) {
							t.Logf("noticed at cut %d: %s", i+1, r.faults[0])
							return
						}
					}
				}
				t.Errorf("%d cuts, and nothing was noticed", 4*len(m.cuts))
			})
		}
	}
}
