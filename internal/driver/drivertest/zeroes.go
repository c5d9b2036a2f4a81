package drivertest

import (
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// ranges that begin and end at, within and across whatever a driver's parts may be.
var ranges = []struct{ off, n int }{
	{0, 4096}, {65536, 65536}, {100, 300}, {8192 - 1, 2}, {200000, 300001}, {mib - 512, 512}, {mib - 70000, 70000}, {5, 0},
}

// testZeroes: over data of the volume itself, over data of a snapshot beneath, and
// over nothing; later writes into the zeroes count.
func testZeroes(b *bench) {
	b.create(vol, mib)
	want := pattern(1, mib)
	b.write(vol, want, 0)
	for i, snapID := range []string{snap, later, ""} {
		dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
		for j, r := range ranges {
			keep := (i+j)%2 == 0
			b.must("write zeroes", dev.WriteZeroes(int64(r.off), int64(r.n), keep))
			clear(want[r.off : r.off+r.n])
			b.compareDevice(dev, want)
		}
		copy(want[66000:], pattern(2, 5000))
		b.writeTo(dev, pattern(2, 5000), 66000)
		b.compareDevice(dev, want)
		b.must("flush", dev.Flush(b.Context()))
		b.must("close", dev.Close())
		b.compare(driver.Ref{Volume: vol}, want)
		if snapID != "" {
			b.snapshot(vol, snapID)
			copy(want[300000:], pattern(3, 400000))
			b.write(vol, pattern(3, 400000), 300000)
		}
	}
	b.reopen()
	b.compare(driver.Ref{Volume: vol}, want)
	b.clone(other, 2*mib, driver.Ref{Volume: vol, Snapshot: later})
	b.delete(vol)
	dev := b.openDevice(driver.Ref{Volume: other}, driver.ReadWrite)
	b.must("write zeroes", dev.WriteZeroes(0, 2*mib, false))
	b.compareDevice(dev, make([]byte, 2*mib))
	b.must("close", dev.Close())
	b.compare(driver.Ref{Volume: other}, make([]byte, 2*mib))
}

func testDiscard(b *bench) {
	b.create(vol, mib)
	want := pattern(1, mib)
	b.write(vol, want, 0)
	b.snapshot(vol, snap)
	b.write(vol, pattern(2, mib/2), 0)
	copy(want, pattern(2, mib/2))
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	for _, r := range ranges {
		b.must("discard", dev.Discard(int64(r.off), int64(r.n)))
		b.discarded(dev, want, r.off, r.n)
		b.compareDevice(dev, want) // the same again
	}
	b.must("flush", dev.Flush(b.Context()))
	b.must("close", dev.Close())
	b.compare(driver.Ref{Volume: vol}, want)
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, pattern(1, mib))
	b.snapshot(vol, later)
	b.reopen()
	b.compare(driver.Ref{Volume: vol}, want)
	b.compare(driver.Ref{Volume: vol, Snapshot: later}, want)
}

// discarded reads a discarded range and puts into want what is there: each byte
// zero or as before.
func (b *bench) discarded(dev device, want []byte, off, n int) {
	b.Helper()
	got := make([]byte, n)
	if k, err := dev.ReadAt(got, int64(off)); k != n {
		b.Fatalf("read %d bytes at %d: %d, %v", n, off, k, err)
	}
	for i, c := range got {
		if c != 0 && c != want[off+i] {
			b.Fatalf("a discarded byte at %d is %#x, want %#x or 0", off+i, c, want[off+i])
		}
	}
	copy(want[off:], got)
}

func testZeroesPastTheEnd(b *bench) {
	b.create(vol, mib)
	b.write(vol, pattern(1, mib), 0)
	b.snapshot(vol, snap)
	writer := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	nothing := func(int64, driver.ExtentKind) bool { return true }
	for _, r := range []struct{ off, n int64 }{{mib - 512, 1024}, {mib, 1}, {-1, 512}, {0, -1}, {1<<63 - 512, 1024}, {0, 1<<63 - 1}} {
		b.wants("write zeroes", writer.WriteZeroes(r.off, r.n, false), driver.ErrInvalid)
		b.wants("write zeroes", writer.WriteZeroes(r.off, r.n, true), driver.ErrInvalid)
		b.wants("discard", writer.Discard(r.off, r.n), driver.ErrInvalid)
		b.wants("extents", writer.Extents(r.off, r.n, nothing), driver.ErrInvalid)
	}
	b.compareDevice(writer, pattern(1, mib))
	for _, ref := range []driver.Ref{{Volume: vol}, {Volume: vol, Snapshot: snap}} {
		reader := b.openDevice(ref, driver.ReadOnly)
		b.wants("write zeroes", reader.WriteZeroes(0, 512, false), driver.ErrReadOnly)
		b.wants("discard", reader.Discard(0, 4096), driver.ErrReadOnly)
		b.compareDevice(reader, pattern(1, mib))
		b.must("close", reader.Close())
	}
	b.must("close", writer.Close())
	if writer.WriteZeroes(0, 512, false) == nil || writer.Discard(0, 512) == nil || writer.Extents(0, 512, nothing) == nil {
		b.Error("a closed device answered")
	}
}

func testExtents(b *bench) {
	b.create(vol, 8*mib)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	b.checkExtents(dev, make([]byte, 8*mib))
	want := make([]byte, 8*mib)
	put := func(seed byte, off, n int) {
		copy(want[off:], pattern(seed, n))
		b.writeTo(dev, pattern(seed, n), int64(off))
	}
	put(1, mib, 2*mib)
	put(2, 5*mib, 512)
	b.checkExtents(dev, want)
	if kinds := b.extents(dev, 6*mib, mib); len(kinds) != 1 || kinds[0].kind != driver.ExtentHole {
		b.Errorf("what was never written is told as %v", kinds)
	}
	b.snapshot(vol, snap)
	b.must("write zeroes", dev.WriteZeroes(mib, mib, false))
	b.must("write zeroes", dev.WriteZeroes(6*mib, mib, true))
	clear(want[mib : 2*mib])
	b.checkExtents(dev, want)
	if kinds := b.extents(dev, mib, mib); len(kinds) != 1 || kinds[0].kind != driver.ExtentHole {
		b.Errorf("zeroes without space are told as %v", kinds)
	}
	if kinds := b.extents(dev, 6*mib, mib); slices.ContainsFunc(kinds, func(e extent) bool { return e.kind == driver.ExtentHole }) {
		b.Errorf("zeroes with space are told as %v", kinds)
	}
	calls := 0
	b.must("extents", dev.Extents(0, 8*mib, func(int64, driver.ExtentKind) bool { calls++; return false }))
	if calls != 1 {
		b.Errorf("called %d times after it said no", calls)
	}
	b.must("close", dev.Close())
	reader := b.openDevice(driver.Ref{Volume: vol, Snapshot: snap}, driver.ReadOnly)
	copy(want[mib:2*mib], pattern(1, 2*mib))
	b.checkExtents(reader, want)
	b.must("close", reader.Close())
}

type extent struct {
	n    int64
	kind driver.ExtentKind
}

// extents gathers them and fails unless they fill the range.
func (b *bench) extents(dev device, off, n int64) (all []extent) {
	b.Helper()
	total := int64(0)
	b.must("extents", dev.Extents(off, n, func(n int64, kind driver.ExtentKind) bool {
		if n <= 0 {
			b.Fatalf("an extent of %d bytes", n)
		}
		all, total = append(all, extent{n, kind}), total+n
		return true
	}))
	if total != n {
		b.Fatalf("extents of %d bytes, asked for %d", total, n)
	}
	return all
}

// checkExtents: all but data is zeroes, told from several beginnings.
func (b *bench) checkExtents(dev device, want []byte) {
	b.Helper()
	for _, start := range []int{0, 511, mib + 4096, len(want) / 2} {
		if start >= len(want) {
			continue
		}
		at := start
		for _, e := range b.extents(dev, int64(start), int64(len(want)-start)) {
			piece := want[at : at+int(e.n)]
			if i := slices.IndexFunc(piece, func(c byte) bool { return c != 0 }); e.kind != driver.ExtentData && i >= 0 {
				b.Fatalf("byte %d is told as zero and is not", at+i)
			}
			at += int(e.n)
		}
	}
}
