package layers

import (
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// writeHook calls do before each write of a layer; nil is none.
type writeHook struct {
	do atomic.Pointer[func(off int64)]
}

func (h *writeHook) write(f *os.File, p []byte, off int64) (int, error) {
	if do := h.do.Load(); do != nil {
		(*do)(off)
	}
	return f.WriteAt(p, off)
}

// Two writers to the two halves of a grain that lies in a lower layer: the second
// copies up only when the first is through, so that it copies the first one's half.
func TestSecondWriterOfAGrainWaitsForTheFirst(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := &writeHook{}
		p := openPool(t, dir, Options{write: h.write})
		must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
		dev := openDevice(t, p, volA, driver.ReadWrite)
		write(t, dev, 1, 0, 4096)
		must(t, p.Snapshot(t.Context(), "a", "s", 0))

		arrived, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 2)
		first := func(int64) {
			h.do.Store(nil) // the second writer is not held up here
			close(arrived)
			<-goOn
		}
		h.do.Store(&first)
		writer := func(b byte, off int64) {
			_, err := dev.WriteAt(fill(b, 2048), off)
			done <- err
		}
		go writer(2, 0)
		<-arrived
		go writer(3, 2048)
		synctest.Wait() // until the second one waits, or is through
		close(goOn)
		must(t, <-done)
		must(t, <-done)
		want := append(append(fill(2, 2048), fill(3, 2048)...), make([]byte, mib-4096)...)
		checkBytes(t, p, volA, want)
	})
}

// A reader beside a copy-up sees the grain as it was, never a hole of the head.
func TestReaderSeesTheOldGrainUntilTheNewOneIsThere(t *testing.T) {
	h := &writeHook{}
	p := openPool(t, t.TempDir(), Options{write: h.write})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, 3*4096)
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	seen := 0
	look := func(int64) {
		got := make([]byte, 3*4096)
		if _, err := dev.ReadAt(got, 0); err != nil {
			t.Error(err)
		}
		for i, b := range got {
			if b == 0 {
				t.Fatalf("byte %d is from a hole", i)
			}
		}
		seen++
	}
	h.do.Store(&look)
	write(t, dev, 2, 100, 2*4096+200) // a part, a whole one and a part
	if seen != 3 {
		t.Errorf("looked %d times, want 3", seen)
	}
}

// A request of several writes that is on its way at the switch is in the snapshot
// as a whole: the switch waits for it.
func TestSnapshotNeverTearsARequest(t *testing.T) {
	const off, n = 11*4096 - 100, 4196 // a part of one grain and the whole next
	steps, writes := &halted{at: StepSwitch}, &writeHook{}
	p := openPool(t, t.TempDir(), Options{AtStep: steps.step, write: writes.write})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, 4096)

	turn := &p.vols["a"].core.turn
	second, snapped, written := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	count := 0
	hook := func(int64) {
		if count++; count < 2 {
			return
		}
		close(second)
		// Until the snapshot waits for this request, or is made without waiting.
		for turn.TryRLock() {
			turn.RUnlock()
			select {
			case <-snapped:
				return
			default:
				runtime.Gosched()
			}
		}
	}
	steps.do = func() {
		writes.do.Store(&hook)
		go func() {
			_, err := dev.WriteAt(fill(2, n), off)
			written <- err
		}()
		<-second
	}
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	close(snapped)
	must(t, <-written)
	want := append(fill(1, 4096), make([]byte, mib-4096)...)
	copy(want[off:], fill(2, n))
	checkBytes(t, p, volA, want)
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "s"}, want)
}
