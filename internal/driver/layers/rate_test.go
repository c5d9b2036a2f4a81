package layers

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// What is read and copied in the background keeps to its rate, and guests do not wait
// for it.
func TestBackgroundWorkKeepsToItsRate(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := openPool(t, dir, Options{MergeRate: mib})
		must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 16 * mib}, 0))
		dev := openDevice(t, p, volA, driver.ReadWrite)
		write(t, dev, 1, 0, 8*mib)
		must(t, p.Snapshot(t.Context(), "a", "s", 0))
		write(t, dev, 2, 8*mib, 4*mib)
		must(t, p.Snapshot(t.Context(), "a", "t", 0))
		must(t, p.DeleteSnapshot(t.Context(), "a", "s", 0))
		begun, done := time.Now(), make(chan error)
		go func() { done <- p.tidy(t.Context(), "a") }()
		for range 10 { // a write each second of the bubble's time, which none of them takes
			time.Sleep(time.Second)
			before := time.Now()
			write(t, dev, 3, 15*mib, 4096)
			must(t, dev.Flush(t.Context()))
			if took := time.Since(before); took > 0 {
				t.Errorf("a guest waited %v for the background", took)
			}
		}
		must(t, <-done)
		// 12 MiB are read for their sums, and the smaller 4 are copied.
		if took := time.Since(begun); took < 15*time.Second || took > 20*time.Second {
			t.Errorf("16 MiB at 1 MiB/s took %v", took)
		}
		if got := layersOf(t, p); len(got) != 2 {
			t.Errorf("the layers are %+v", got)
		}
	})
}

// Where files can share blocks a merge copies no bytes.
func TestMergeSharesBlocksWhereItCan(t *testing.T) {
	m := mount(t, "xfs", 512*mib)
	h := &halted{at: StepMergeSync}
	p := openPool(t, filepath.Join(m.root, "pool"), Options{AtStep: h.step})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 128 * mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, 64*mib)
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	write(t, dev, 2, 64*mib, 48*mib)
	must(t, p.Snapshot(t.Context(), "a", "t", 0))
	want := append(append(fill(1, 64*mib), fill(2, 48*mib)...), make([]byte, 16*mib)...)
	tidyUp(t, p)
	must(t, p.DeleteSnapshot(t.Context(), "a", "s", 0))
	_, before, err := space(m.root)
	must(t, err)
	copied := int64(128 * mib)
	h.do = func() {
		_, now, err := space(m.root)
		must(t, err)
		copied = before - now
	}
	tidyUp(t, p)
	if copied > 8*mib {
		t.Errorf("a merge of 48 MiB took %d bytes", copied)
	}
	checkOpen(t, dev, want)
	must(t, dev.Close())
	soundly(t, p)
}
