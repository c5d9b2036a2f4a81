package drivertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Opener opens the driver on one place, again on the same bytes after each Close.
type Opener func() (driver.Driver, error)

// mib is the size the suite's volumes are counted in: small, so that they can be
// compared byte by byte.
const mib = 1 << 20

// bench is a driver under test with the list of what it ought to hold.
type bench struct {
	tester
	open Opener
	d    driver.Driver
	held map[driver.Ref]bool
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	rapid.TB
	Cleanup(func())
}

// Context outlives the test, so that cleaning up can use it.
func (b *bench) Context() context.Context { return context.Background() }

// newBench opens the driver; the test's end compares, deletes and compares again.
func newBench(t tester, open Opener) *bench {
	t.Helper()
	b := &bench{tester: t, open: open, held: map[driver.Ref]bool{}}
	b.reopen()
	t.Cleanup(func() {
		if !t.Failed() {
			b.end()
		}
		if err := b.d.Close(); err != nil && !t.Failed() {
			t.Errorf("close at the end: %v", err)
		}
	})
	return b
}

// end is the leak check.
func (b *bench) end() {
	b.Helper()
	b.compareList()
	for ref := range b.held {
		if ref.Snapshot == "" {
			b.delete(ref.Volume)
		}
	}
	b.compareList()
	if len(b.held) != 0 {
		b.Fatalf("the suite forgot a volume: %v", b.held)
	}
}

// reopen closes the driver, if it is open, and opens it anew.
func (b *bench) reopen() {
	b.Helper()
	if b.d != nil {
		b.must("close", b.d.Close())
	}
	d, err := b.open()
	b.must("open the driver", err)
	b.d = d
}

func (b *bench) must(what string, err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("%s: %v", what, err)
	}
}

func (b *bench) wants(what string, err, target error) {
	b.Helper()
	if !errors.Is(err, target) {
		b.Fatalf("%s: got %v, want %v", what, err, target)
	}
}

// twice makes a call two times, as a worker does that lost its answer.
func (b *bench) twice(what string, call func() error) {
	b.Helper()
	b.must(what, call())
	b.must(what+" again", call())
}

func (b *bench) create(id string, size int64) {
	b.Helper()
	b.twice("create", func() error { return b.d.Create(b.Context(), driver.VolumeSpec{ID: id, Size: size}, 0) })
	b.held[driver.Ref{Volume: id}] = true
}

func (b *bench) clone(id string, size int64, from driver.Ref) {
	b.Helper()
	b.twice("create from", func() error {
		return b.d.CreateFrom(b.Context(), driver.VolumeSpec{ID: id, Size: size}, from, 0)
	})
	b.held[driver.Ref{Volume: id}] = true
}

func (b *bench) delete(id string) {
	b.Helper()
	b.twice("delete", func() error { return b.d.Delete(b.Context(), id, 0) })
	maps.DeleteFunc(b.held, func(ref driver.Ref, _ bool) bool { return ref.Volume == id })
}

func (b *bench) extend(id string, size int64) {
	b.Helper()
	b.twice("extend", func() error { return b.d.Extend(b.Context(), id, size, 0) })
}

func (b *bench) snapshot(id, snap string) {
	b.Helper()
	b.twice("snapshot", func() error { return b.d.Snapshot(b.Context(), id, snap, 0) })
	b.held[driver.Ref{Volume: id, Snapshot: snap}] = true
}

func (b *bench) deleteSnapshot(id, snap string) {
	b.Helper()
	b.twice("delete snapshot", func() error { return b.d.DeleteSnapshot(b.Context(), id, snap, 0) })
	delete(b.held, driver.Ref{Volume: id, Snapshot: snap})
}

func (b *bench) rollback(id, snap string) {
	b.Helper()
	b.twice("roll back", func() error { return b.d.Rollback(b.Context(), id, snap, 0) })
}

// device is a whole device.
type device interface {
	driver.Device
	driver.Space
}

func (b *bench) openDevice(ref driver.Ref, mode driver.Mode) device {
	b.Helper()
	dev, err := b.d.Open(b.Context(), ref, mode)
	b.must("open a device", err)
	whole, ok := dev.(device)
	if !ok {
		b.Fatalf("%T is not a whole device", dev)
	}
	return whole
}

// write opens the volume, writes, flushes and closes.
func (b *bench) write(id string, p []byte, off int64) {
	b.Helper()
	dev := b.openDevice(driver.Ref{Volume: id}, driver.ReadWrite)
	b.writeTo(dev, p, off)
	b.must("flush", dev.Flush(b.Context()))
	b.must("close a device", dev.Close())
}

func (b *bench) writeTo(dev device, p []byte, off int64) {
	b.Helper()
	if n, err := dev.WriteAt(p, off); err != nil || n != len(p) {
		b.Fatalf("write %d bytes at %d: %d, %v", len(p), off, n, err)
	}
}

// compare opens ref and compares every byte and the size.
func (b *bench) compare(ref driver.Ref, want []byte) {
	b.Helper()
	dev := b.openDevice(ref, driver.ReadOnly)
	b.compareDevice(dev, want)
	b.must("close a device", dev.Close())
}

func (b *bench) compareDevice(dev device, want []byte) {
	b.Helper()
	if dev.Size() != int64(len(want)) {
		b.Fatalf("size is %d, want %d", dev.Size(), len(want))
	}
	got := make([]byte, len(want))
	if n, err := dev.ReadAt(got, 0); n != len(got) || (err != nil && !errors.Is(err, io.EOF)) {
		b.Fatalf("read all: %d of %d bytes, %v", n, len(got), err)
	}
	if !bytes.Equal(got, want) {
		at := 0
		for got[at] == want[at] {
			at++
		}
		b.Fatalf("byte %d is %#x, want %#x", at, got[at], want[at])
	}
}

// compareList fails unless List and the suite agree.
func (b *bench) compareList() {
	b.Helper()
	left := maps.Clone(b.held)
	for ref, err := range b.d.List(b.Context()) {
		b.must("list", err)
		if !left[ref] {
			b.Fatalf("list has %v, which ought not to be there, or twice", ref)
		}
		delete(left, ref)
	}
	if len(left) > 0 {
		b.Fatalf("list lacks %v", slices.Collect(maps.Keys(left)))
	}
}

// pattern makes n bytes that differ by seed and place, none of them zero.
func pattern(seed byte, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = 1 + (seed*31+byte(i)+byte(i>>9)*7)%255
	}
	return p
}
