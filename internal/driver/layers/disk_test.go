package layers

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/breezeblock/breezeblock/internal/driver"
)

var volA = driver.Ref{Volume: "a"}

func TestSecondProcessIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	p := openPool(t, dir, Options{})
	_, err := Open(dir, Options{byHand: true}) // a lock is of the opening, not of the process
	wants(t, "open twice", err, driver.ErrBusy, filepath.Join(dir, "lock"))
	must(t, p.Close())
	must(t, openPool(t, dir, Options{}).Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
}

// halted calls do once, when the next snapshot comes to the step.
type halted struct {
	at Step
	do func()
}

func (h *halted) step(s Step) {
	if h.do != nil && s == h.at {
		do := h.do
		h.do = nil
		do()
	}
}

// syncs notes which files were made durable, in order, between the steps.
type syncs struct{ log []string }

func (s *syncs) step(step Step) { s.log = append(s.log, string(step)) }

func (s *syncs) datasync(f *os.File) error {
	s.log = append(s.log, filepath.Base(f.Name()))
	return datasync(f)
}

// The window that a power cut seldom hits: between the switch and the record, a
// flush answers for writes to both layers.
func TestFlushDuringASnapshotSyncsBothLayers(t *testing.T) {
	for _, at := range []Step{StepSyncSealed, StepWriteMap, StepRecord} {
		t.Run(string(at), func(t *testing.T) {
			h, s := &halted{at: at}, &syncs{}
			p := openPool(t, t.TempDir(), Options{AtStep: h.step, datasync: s.datasync})
			must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
			dev := openDevice(t, p, volA, driver.ReadWrite)
			write(t, dev, 1, 0, 4096)
			h.do = func() {
				write(t, dev, 2, 4096, 100)
				s.log = nil
				must(t, dev.Flush(t.Context()))
				if !slices.Contains(s.log, "layer-000001.0") || !slices.Contains(s.log, "layer-000002.0") {
					t.Errorf("the flush synced %v, want both layers", s.log)
				}
			}
			must(t, p.Snapshot(t.Context(), "a", "s", 0))
			if h.do != nil {
				t.Fatal("the snapshot never came to the step")
			}
			want := append(fill(1, 4096), make([]byte, mib-4096)...)
			checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "s"}, want)
			copy(want[4096:], fill(2, 100))
			checkBytes(t, p, volA, want)
			s.log = nil
			must(t, dev.Flush(t.Context()))
			if !slices.Equal(s.log, []string{"layer-000002.0"}) {
				t.Errorf("a flush after the snapshot synced %v, want the head alone", s.log)
			}
		})
	}
}

func TestSnapshotSyncsTheSealedLayerBetweenSwitchAndRecord(t *testing.T) {
	s := &syncs{}
	p := openPool(t, t.TempDir(), Options{AtStep: s.step, datasync: s.datasync})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, 4096)
	s.log = nil
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	manifest := []string{string(StepManifestRename), string(StepManifestSync)}
	want := slices.Concat(
		[]string{string(StepSyncHead), "layer-000001.0", string(StepMakeHead), "layer-000002.zero", "layer-000002.0", string(StepNameHead)}, manifest,
		[]string{string(StepSwitch), string(StepSyncSealed), "layer-000001.0", string(StepWriteMap), string(StepRecord)}, manifest, []string{string(StepTakeOut)})
	if !slices.Equal(s.log, want) {
		t.Errorf("the order is\n%q, want\n%q", s.log, want)
	}
}

func TestFailedFlushIsFinalUntilTheVolumeIsOpenedAnew(t *testing.T) {
	var failing atomic.Bool
	o := Options{datasync: func(f *os.File) error {
		if failing.Swap(false) { // once: the kernel forgets
			return pathError("fdatasync", f, unix.EIO)
		}
		return datasync(f)
	}}
	p := openPool(t, t.TempDir(), o)
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, 4096)
	failing.Store(true)
	for range 2 {
		wants(t, "flush", dev.Flush(t.Context()), unix.EIO, "layer-000001.0")
	}
	_, err := dev.WriteAt(fill(2, 512), 0)
	wants(t, "write", err, unix.EIO)
	wants(t, "snapshot", p.Snapshot(t.Context(), "a", "s", 0), unix.EIO)
	got := make([]byte, 512)
	if _, err := dev.ReadAt(got, 0); err != nil || got[0] != 1 {
		t.Errorf("a read after it: %v", err)
	}
	must(t, dev.Close())
	dev = openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 2, 0, 4096)
	must(t, dev.Flush(t.Context()))
}

func TestFailedSyncOfTheSealedLayerIsFinalToo(t *testing.T) {
	var failing atomic.Bool
	h := &halted{at: StepSyncSealed, do: func() { failing.Store(true) }}
	o := Options{AtStep: h.step, datasync: func(f *os.File) error {
		if failing.Swap(false) {
			return pathError("fdatasync", f, unix.EIO)
		}
		return datasync(f)
	}}
	p := openPool(t, t.TempDir(), o)
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, 4096)
	wants(t, "snapshot", p.Snapshot(t.Context(), "a", "s", 0), unix.EIO)
	wants(t, "flush", dev.Flush(t.Context()), unix.EIO)
	_, err := p.Open(t.Context(), driver.Ref{Volume: "a", Snapshot: "s"}, driver.ReadOnly)
	wants(t, "open the snapshot", err, driver.ErrNotFound)
	must(t, dev.Close())
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "s"}, append(fill(1, 4096), make([]byte, mib-4096)...))
}

// fullDisk lets so many bytes through and then none.
type fullDisk struct{ left atomic.Int64 }

func (d *fullDisk) write(f *os.File, p []byte, off int64) (int, error) {
	n := min(int64(len(p)), max(0, d.left.Load()))
	d.left.Add(-n)
	done, err := f.WriteAt(p[:n], off)
	if err == nil && done < len(p) {
		err = pathError("write", f, unix.ENOSPC)
	}
	return done, err
}

func TestFullDiskLosesNothingThatWasThere(t *testing.T) {
	disk := &fullDisk{}
	disk.left.Store(1 << 40)
	dir := t.TempDir()
	p := openPool(t, dir, Options{write: disk.write})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, mib)
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	want := fill(1, mib)

	disk.left.Store(0) // not even a part of a grain
	_, err := dev.WriteAt(fill(2, 512), 8192)
	wants(t, "write to a full disk", err, driver.ErrNoSpace)
	disk.left.Store(1000) // a grain that ends too early
	_, err = dev.WriteAt(fill(2, 512), 8192)
	wants(t, "write to a full disk", err, driver.ErrNoSpace)
	disk.left.Store(2*4096 + 500) // two grains of four, and a part
	n, err := dev.WriteAt(fill(2, 4*4096), 16384)
	wants(t, "write to a full disk", err, driver.ErrNoSpace)
	if n != 2*4096 {
		t.Errorf("told of %d bytes written, want two grains", n)
	}
	copy(want[16384:], fill(2, n))
	checkBytes(t, p, volA, want)
	must(t, dev.Flush(t.Context()))
	must(t, p.DeleteSnapshot(t.Context(), "a", "s", 0))

	must(t, dev.Close()) // what the file system calls data is the truth now
	checkBytes(t, p, volA, want)
	disk.left.Store(1 << 40)
	dev = openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 3, 8192, 512)
	copy(want[8192:], fill(3, 512))
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "s"}, want)
}

// A head in which nothing was left is sealed by nobody: it is dropped.
func TestLayerWithoutDataIsDropped(t *testing.T) {
	disk := &fullDisk{}
	disk.left.Store(1 << 40)
	p := openPool(t, t.TempDir(), Options{write: disk.write})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, 4096)
	must(t, p.Snapshot(t.Context(), "a", "one", 0))
	disk.left.Store(0)
	_, err := dev.WriteAt(fill(2, 4096), 0)
	wants(t, "write to a full disk", err, driver.ErrNoSpace)
	disk.left.Store(1 << 40)
	must(t, p.Snapshot(t.Context(), "a", "two", 0))
	must(t, p.Snapshot(t.Context(), "a", "three", 0))
	m, err := p.readManifest("a")
	must(t, err)
	if len(m.Layers) != 2 {
		t.Errorf("the chain has %d layers, want the one with data and the head", len(m.Layers))
	}
	write(t, dev, 3, 0, 512)
	want := append(fill(1, 4096), make([]byte, mib-4096)...)
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "two"}, want)
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "three"}, want)
	copy(want, fill(3, 512))
	checkBytes(t, p, volA, want)
	checkFiles(t, p)
}

func TestDeletedSourceGivesItsSpaceBackWithTheLastClone(t *testing.T) {
	p := openPool(t, t.TempDir(), Options{})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, mib)
	must(t, dev.Close())
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	must(t, p.CreateFrom(t.Context(), driver.VolumeSpec{ID: "b", Size: mib}, driver.Ref{Volume: "a", Snapshot: "s"}, 0))
	for _, want := range []uint64{2, 1} {
		var s unix.Stat_t
		must(t, unix.Stat(segmentPath(p.volumeDir("b"), 1, 0), &s))
		if uint64(s.Nlink) != want {
			t.Errorf("the shared layer has %d links, want %d", s.Nlink, want)
		}
		must(t, p.Delete(t.Context(), "a", 0))
	}
}

func TestCallWaitsForItsTurnNoLongerThanItsContext(t *testing.T) {
	waiting, stop := context.WithCancel(t.Context())
	h := &halted{at: StepRecord}
	p := openPool(t, t.TempDir(), Options{AtStep: h.step})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	h.do = func() { // the volume is locked now
		stop()
		wants(t, "extend", p.Extend(waiting, "a", 2*mib, 0), context.Canceled)
		must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "b", Size: mib}, 0)) // others are not
	}
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	must(t, p.Extend(t.Context(), "a", 2*mib, 0))
}

func TestFenceOfAFailedCallIsStillNoted(t *testing.T) {
	p := openPool(t, t.TempDir(), Options{})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 2 * mib}, 1))
	wants(t, "shrink", p.Extend(t.Context(), "a", mib, 7), driver.ErrInvalid)
	wants(t, "older", p.Extend(t.Context(), "a", 3*mib, 6), driver.ErrFenced)
}

func TestHolesFilledByACopyDoNotHideTheLayerBelow(t *testing.T) {
	p := openPool(t, t.TempDir(), Options{})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, mib)
	must(t, p.Snapshot(t.Context(), "a", "one", 0))
	write(t, dev, 2, 4096, 4096)
	must(t, p.Snapshot(t.Context(), "a", "two", 0))
	must(t, dev.Close())
	path := segmentPath(p.volumeDir("a"), 2, 0)
	text, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, text, 0o600)) // the holes are zeroes now
	want := bytes.Clone(fill(1, mib))
	copy(want[4096:], fill(2, 4096))
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "two"}, want)
	checkBytes(t, p, volA, want)
}

// A rename whose durability is not known: the volume is refused, and can be deleted.
func TestVolumeOfUncertainDurabilityIsRefused(t *testing.T) {
	h := &halted{at: StepManifestSync}
	p := openPool(t, t.TempDir(), Options{AtStep: h.step})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	away := p.volumeDir("a") + "-away"
	h.do = func() { must(t, os.Rename(p.volumeDir("a"), away)) } // its folder cannot be synced now
	wants(t, "snapshot", p.Snapshot(t.Context(), "a", "s", 0), errUncertain)
	must(t, os.Rename(away, p.volumeDir("a")))
	wants(t, "snapshot again", p.Snapshot(t.Context(), "a", "s", 0), errUncertain)
	_, err := p.Open(t.Context(), volA, driver.ReadOnly)
	wants(t, "open", err, errUncertain)
	must(t, p.Delete(t.Context(), "a", 0))
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
}
