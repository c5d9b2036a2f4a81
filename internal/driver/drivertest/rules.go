package drivertest

import (
	"bytes"
	"runtime"
	"sync"

	"github.com/breezeblock/breezeblock/internal/driver"
)

func testClone(b *bench) {
	b.create(vol, mib)
	was := pattern(1, mib)
	b.write(vol, was, 0)
	b.snapshot(vol, snap)
	b.write(vol, pattern(2, mib), 0)
	b.clone(other, mib+mib/2, driver.Ref{Volume: vol, Snapshot: snap})
	want := append(was, make([]byte, mib/2)...)
	b.compare(driver.Ref{Volume: other}, want)

	copy(want[mib-100:], pattern(3, 200))
	b.write(other, pattern(3, 200), mib-100)
	b.compare(driver.Ref{Volume: other}, want)
	b.compare(driver.Ref{Volume: vol}, pattern(2, mib))
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, pattern(1, mib))
}

func testCloneOutlives(b *bench) {
	const third = "c3"
	b.create(vol, mib)
	b.write(vol, pattern(1, mib), 0)
	b.snapshot(vol, snap)
	b.clone(other, mib, driver.Ref{Volume: vol, Snapshot: snap})
	b.write(other, pattern(2, 5000), 3000)
	b.snapshot(other, snap)
	b.clone(third, mib, driver.Ref{Volume: other, Snapshot: snap})
	b.deleteSnapshot(vol, snap)
	b.delete(vol)
	want := pattern(1, mib)
	copy(want[3000:], pattern(2, 5000))
	b.compare(driver.Ref{Volume: other}, want)
	b.delete(other)
	b.reopen()
	b.compareList()
	b.compare(driver.Ref{Volume: third}, want)
	// A worker that lost its answer asks again, after the source has gone.
	spec := driver.VolumeSpec{ID: third, Size: mib}
	b.must("clone again", b.d.CreateFrom(b.Context(), spec, driver.Ref{Volume: other, Snapshot: snap}, 0))
}

func testCloneSmaller(b *bench) {
	b.create(vol, 2*mib)
	b.snapshot(vol, snap)
	from := driver.Ref{Volume: vol, Snapshot: snap}
	b.wants("a smaller clone", b.d.CreateFrom(b.Context(), driver.VolumeSpec{ID: other, Size: mib}, from, 0), driver.ErrInvalid)
	b.wants("a clone of a volume", b.d.CreateFrom(b.Context(), driver.VolumeSpec{ID: other, Size: 2 * mib}, driver.Ref{Volume: vol}, 0), driver.ErrInvalid)
	b.wants("a clone of itself", b.d.CreateFrom(b.Context(), driver.VolumeSpec{ID: vol, Size: 2 * mib}, from, 0), driver.ErrInvalid)
}

func testExtend(b *bench) {
	size := mib + 512 // ends within a grain
	b.create(vol, int64(size))
	want := pattern(1, size)
	b.write(vol, want, 0)
	b.snapshot(vol, snap)
	b.extend(vol, 2*mib)
	want = append(want, make([]byte, 2*mib-size)...)
	b.compare(driver.Ref{Volume: vol}, want)
	b.wants("shrink", b.d.Extend(b.Context(), vol, mib, 0), driver.ErrInvalid)
	b.wants("extend by a byte", b.d.Extend(b.Context(), vol, 2*mib+1, 0), driver.ErrInvalid)
	copy(want[size-1:], pattern(2, 3))
	b.write(vol, pattern(2, 3), int64(size)-1)
	b.compare(driver.Ref{Volume: vol}, want)
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, pattern(1, size))
	b.reopen()
	b.compare(driver.Ref{Volume: vol}, want)
}

func testExtendOpen(b *bench) {
	b.create(vol, mib)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	b.writeTo(dev, pattern(1, mib), 0)
	b.extend(vol, 3*mib)
	b.writeTo(dev, pattern(2, mib), 2*mib)
	want := append(append(pattern(1, mib), make([]byte, mib)...), pattern(2, mib)...)
	b.compareDevice(dev, want)
	b.snapshot(vol, snap)
	b.extend(vol, 4*mib)
	b.writeTo(dev, pattern(3, mib), 3*mib)
	b.must("flush", dev.Flush(b.Context()))
	b.must("close", dev.Close())
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, want)
	b.compare(driver.Ref{Volume: vol}, append(want, pattern(3, mib)...))
}

// testExtendWhileWriting: a writer that always fills up to the end it sees loses
// nothing while the end moves.
func testExtendWhileWriting(b *bench) {
	const block, steps = 24 << 10, 20 // ends within a grain at times
	b.create(vol, block)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for at := int64(0); ; {
			n := dev.Size() - at
			if n == 0 {
				select {
				case <-stop:
					if dev.Size() > at { // it grew since the look
						continue
					}
					stopped <- nil
					return
				default:
					runtime.Gosched()
					continue
				}
			}
			if _, err := dev.WriteAt(pattern(byte(at/512), int(n)), at); err != nil {
				stopped <- err
				return
			}
			at += n
		}
	}()
	size := int64(block)
	for i := range int64(steps) {
		size += block + (i%3)*512
		b.extend(vol, size)
		if i%5 == 0 {
			b.snapshot(vol, string(rune('a'+i)))
		}
	}
	close(stop)
	b.must("the writer", <-stopped)
	got := b.read(driver.Ref{Volume: vol})
	if at := bytes.IndexByte(got, 0); at >= 0 || int64(len(got)) != size {
		b.Errorf("of %d bytes, %d, the one at %d is not what was written", size, len(got), at)
	}
	b.must("close", dev.Close())
	b.reopen()
	b.compare(driver.Ref{Volume: vol}, got)
}

func testOneWriter(b *bench) {
	b.create(vol, mib)
	ref := driver.Ref{Volume: vol}
	dev := b.openDevice(ref, driver.ReadWrite)
	_, err := b.d.Open(b.Context(), ref, driver.ReadWrite)
	b.wants("a second writer", err, driver.ErrBusy)
	reader := b.openDevice(ref, driver.ReadOnly)
	b.writeTo(dev, pattern(1, mib), 0)
	b.compareDevice(reader, pattern(1, mib))
	b.must("close the writer", dev.Close())
	next := b.openDevice(ref, driver.ReadWrite)
	b.writeTo(next, pattern(2, mib), 0)
	b.compareDevice(reader, pattern(2, mib))
	b.must("close the reader", reader.Close())
	b.must("close the next writer", next.Close())
	if _, err := next.WriteAt(make([]byte, 512), 0); err == nil {
		b.Error("a closed device took a write")
	}
	if _, err := next.ReadAt(make([]byte, 512), 0); err == nil {
		b.Error("a closed device gave bytes")
	}
}

func testDeleteOpen(b *bench) {
	ctx := b.Context()
	b.create(vol, mib)
	b.snapshot(vol, snap)
	for _, ref := range []driver.Ref{{Volume: vol}, {Volume: vol, Snapshot: snap}} {
		dev := b.openDevice(ref, driver.ReadOnly)
		b.wants("delete an open volume", b.d.Delete(ctx, vol, 0), driver.ErrBusy)
		if ref.Snapshot != "" {
			b.wants("delete an open snapshot", b.d.DeleteSnapshot(ctx, vol, snap, 0), driver.ErrBusy)
		}
		b.must("close", dev.Close())
	}
	b.compareList()
	b.deleteSnapshot(vol, snap)
}

func testNotFound(b *bench) {
	ctx := b.Context()
	b.must("delete", b.d.Delete(ctx, vol, 0))
	b.wants("extend", b.d.Extend(ctx, vol, mib, 0), driver.ErrNotFound)
	b.wants("snapshot", b.d.Snapshot(ctx, vol, snap, 0), driver.ErrNotFound)
	b.must("delete a snapshot of nothing", b.d.DeleteSnapshot(ctx, vol, snap, 0))
	_, err := b.d.Open(ctx, driver.Ref{Volume: vol}, driver.ReadOnly)
	b.wants("open", err, driver.ErrNotFound)
	from := driver.Ref{Volume: vol, Snapshot: snap}
	b.wants("clone of nothing", b.d.CreateFrom(ctx, driver.VolumeSpec{ID: other, Size: mib}, from, 0), driver.ErrNotFound)
	b.create(vol, mib)
	_, err = b.d.Open(ctx, from, driver.ReadOnly)
	b.wants("open no snapshot", err, driver.ErrNotFound)
	b.wants("clone of no snapshot", b.d.CreateFrom(ctx, driver.VolumeSpec{ID: other, Size: mib}, from, 0), driver.ErrNotFound)
	b.compareList()
}

func testFence(b *bench) {
	ctx := b.Context()
	spec := driver.VolumeSpec{ID: vol, Size: mib}
	b.must("create", b.d.Create(ctx, spec, 5))
	b.held[driver.Ref{Volume: vol}] = true
	b.must("the same fence", b.d.Snapshot(ctx, vol, snap, 5))
	b.held[driver.Ref{Volume: vol, Snapshot: snap}] = true
	b.must("a newer fence", b.d.Snapshot(ctx, vol, snap, 8)) // changes nothing but the fence
	b.reopen()
	for name, call := range map[string]func(f driver.Fence) error{
		"create": func(f driver.Fence) error { return b.d.Create(ctx, spec, f) },
		"create from": func(f driver.Fence) error {
			return b.d.CreateFrom(ctx, spec, driver.Ref{Volume: other, Snapshot: snap}, f)
		},
		"delete":          func(f driver.Fence) error { return b.d.Delete(ctx, vol, f) },
		"extend":          func(f driver.Fence) error { return b.d.Extend(ctx, vol, 2*mib, f) },
		"snapshot":        func(f driver.Fence) error { return b.d.Snapshot(ctx, vol, later, f) },
		"delete snapshot": func(f driver.Fence) error { return b.d.DeleteSnapshot(ctx, vol, snap, f) },
		"roll back":       func(f driver.Fence) error { return b.d.Rollback(ctx, vol, snap, f) },
	} {
		b.wants(name, call(7), driver.ErrFenced)
	}
	b.compareList()
	b.compare(driver.Ref{Volume: vol}, make([]byte, mib))
	b.must("no fence", b.d.Extend(ctx, vol, 2*mib, 0))
	b.must("the same fence", b.d.Extend(ctx, vol, 3*mib, 8))
	b.wants("the older fence still", b.d.Extend(ctx, vol, 4*mib, 7), driver.ErrFenced)
}

func testFenceOfDeleted(b *bench) {
	ctx := b.Context()
	spec := driver.VolumeSpec{ID: vol, Size: mib}
	b.must("create", b.d.Create(ctx, spec, 5))
	b.must("delete", b.d.Delete(ctx, vol, 6))
	b.wants("create by the older worker", b.d.Create(ctx, spec, 5), driver.ErrFenced)
	b.must("delete what never was", b.d.Delete(ctx, other, 6))
	b.wants("create by the older worker", b.d.Create(ctx, driver.VolumeSpec{ID: other, Size: mib}, 5), driver.ErrFenced)
	b.compareList()
	b.must("create by a newer worker", b.d.Create(ctx, spec, 7))
	b.held[driver.Ref{Volume: vol}] = true
}

func testUnsafeIDs(b *bench) {
	ctx := b.Context()
	b.create(vol, mib)
	b.snapshot(vol, snap)
	long := "a123456789012345678901234567890123456789012345678901234567890123x"
	for _, id := range []string{"", ".", "..", "../x", "a/b", "a\\b", "/etc", "a\x00b", "-a", "A", "a b", "a.b", "ü", "a\n", "%2e", long} {
		spec := driver.VolumeSpec{ID: id, Size: mib}
		b.wants("create", b.d.Create(ctx, spec, 0), driver.ErrInvalid)
		b.wants("create from", b.d.CreateFrom(ctx, spec, driver.Ref{Volume: vol, Snapshot: snap}, 0), driver.ErrInvalid)
		b.wants("create from it", b.d.CreateFrom(ctx, driver.VolumeSpec{ID: other, Size: mib}, driver.Ref{Volume: id, Snapshot: snap}, 0), driver.ErrInvalid)
		b.wants("create from its snapshot", b.d.CreateFrom(ctx, driver.VolumeSpec{ID: other, Size: mib}, driver.Ref{Volume: vol, Snapshot: id}, 0), driver.ErrInvalid)
		b.wants("delete", b.d.Delete(ctx, id, 0), driver.ErrInvalid)
		b.wants("extend", b.d.Extend(ctx, id, 2*mib, 0), driver.ErrInvalid)
		b.wants("snapshot", b.d.Snapshot(ctx, id, snap, 0), driver.ErrInvalid)
		b.wants("snapshot named so", b.d.Snapshot(ctx, vol, id, 0), driver.ErrInvalid)
		b.wants("delete snapshot", b.d.DeleteSnapshot(ctx, vol, id, 0), driver.ErrInvalid)
		b.wants("roll back", b.d.Rollback(ctx, id, snap, 0), driver.ErrInvalid)
		b.wants("roll back to", b.d.Rollback(ctx, vol, id, 0), driver.ErrInvalid)
		_, err := b.d.Usage(ctx, id)
		b.wants("usage", err, driver.ErrInvalid)
		_, err = b.d.Check(ctx, id, true)
		b.wants("check", err, driver.ErrInvalid)
		nothing := func(int64, int64, bool) error { return nil }
		b.wants("changed", b.d.Changed(ctx, id, "", snap, nothing), driver.ErrInvalid)
		b.wants("changed to", b.d.Changed(ctx, vol, "", id, nothing), driver.ErrInvalid)
		if id != "" { // nothing: all that is there
			b.wants("changed from", b.d.Changed(ctx, vol, id, snap, nothing), driver.ErrInvalid)
		}
		_, err = b.d.Open(ctx, driver.Ref{Volume: id}, driver.ReadOnly)
		b.wants("open", err, driver.ErrInvalid)
		if id != "" { // an empty snapshot is the volume itself
			_, err = b.d.Open(ctx, driver.Ref{Volume: vol, Snapshot: id}, driver.ReadOnly)
			b.wants("open snapshot", err, driver.ErrInvalid)
		}
	}
	b.compareList()
}

func testReopen(b *bench) {
	b.create(vol, mib)
	b.write(vol, pattern(1, 5000), 77)
	b.snapshot(vol, snap)
	b.write(vol, pattern(2, 5000), 7777)
	b.extend(vol, mib+512)
	b.reopen()
	b.compareList()
	was := make([]byte, mib)
	copy(was[77:], pattern(1, 5000))
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, was)
	now := append(append([]byte(nil), was...), make([]byte, 512)...)
	copy(now[7777:], pattern(2, 5000))
	b.compare(driver.Ref{Volume: vol}, now)
	b.snapshot(vol, snap) // done before: it keeps the old bytes
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, was)
}

func testCloseBusy(b *bench) {
	b.create(vol, mib)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	b.wants("close with a device open", b.d.Close(), driver.ErrBusy)
	b.writeTo(dev, pattern(1, mib), 0)
	b.compareDevice(dev, pattern(1, mib))
	b.must("close the device", dev.Close())
	b.reopen()
	b.compare(driver.Ref{Volume: vol}, pattern(1, mib))
}

func testAfterClose(b *bench) {
	ctx := b.Context()
	b.create(vol, mib)
	old := b.d
	b.reopen()
	for name, err := range map[string]error{
		"create":   old.Create(ctx, driver.VolumeSpec{ID: other, Size: mib}, 0),
		"delete":   old.Delete(ctx, vol, 0),
		"snapshot": old.Snapshot(ctx, vol, snap, 0),
	} {
		if err == nil {
			b.Errorf("%s went through on a closed driver", name)
		}
	}
	b.compareList()
}

// testNeighbours: writers whose sectors lie side by side, while snapshots make
// every grain be copied again, never lose each other's bytes.
func testNeighbours(b *bench) {
	const writers, sector, rounds, snapshots = 4, 512, 6, 5
	b.create(vol, mib/2)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	errs := make(chan error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for round := range rounds {
				for at := w * sector; at < mib/2; at += writers * sector {
					if _, err := dev.WriteAt(pattern(byte(round*writers+w), sector), int64(at)); err != nil {
						errs <- err
						return
					}
				}
			}
			errs <- nil
		})
	}
	for i := range snapshots {
		id := string(rune('a' + i))
		b.must("snapshot", b.d.Snapshot(b.Context(), vol, id, 0))
		b.held[driver.Ref{Volume: vol, Snapshot: id}] = true
	}
	wg.Wait()
	for range writers {
		b.must("a writer", <-errs)
	}
	want := make([]byte, 0, mib/2)
	for i := range mib / 2 / sector {
		want = append(want, pattern(byte((rounds-1)*writers+i%writers), sector)...)
	}
	b.compareDevice(dev, want)
	b.must("close", dev.Close())
	b.reopen()
	b.compare(driver.Ref{Volume: vol}, want)
}
