package drivertest

import (
	"bytes"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Disk is a place of some 64 MiB or more that can be filled up.
type Disk struct {
	Open Opener
	Fill func() // nothing more goes onto it
	Free func() // what Fill took is there again
}

// Full: on a full disk writes fail and nothing is lost; reads, flushes and deletions
// go on, and once there is space again so does everything.
func Full(t *testing.T, fresh func(t *testing.T) Disk) {
	t.Run("OutOfSpace", func(t *testing.T) {
		disk := fresh(t)
		testFull(newBench(t, disk.Open), disk)
	})
}

func testFull(b *bench, disk Disk) {
	const size = 16 * mib
	b.create(vol, size)
	b.create(other, mib)
	was := pattern(1, size)
	b.write(vol, was, 0)
	b.snapshot(vol, snap)
	b.write(vol, pattern(2, size/2), 0)
	b.snapshot(vol, later)
	want := append(pattern(2, size/2), was[size/2:]...)
	kept := bytes.Clone(want)

	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	disk.Fill()
	full := false
	for off := 0; off < size && !full; off += mib / 2 {
		p := pattern(3, mib/2)
		n, err := dev.WriteAt(p, int64(off))
		copy(want[off:], p[:n])
		if full = err != nil; full {
			b.wants("a write to a full disk", err, driver.ErrNoSpace)
		}
	}
	if !full {
		b.Fatalf("%d bytes went onto a full disk", size)
	}
	b.compareDevice(dev, want)
	b.must("flush on a full disk", dev.Flush(b.Context()))
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, was)
	b.must("delete a snapshot on a full disk", b.d.DeleteSnapshot(b.Context(), vol, snap, 0))
	delete(b.held, driver.Ref{Volume: vol, Snapshot: snap})
	b.delete(other)
	b.compareList()
	b.compareDevice(dev, want)
	b.compare(driver.Ref{Volume: vol, Snapshot: later}, kept)

	disk.Free()
	copy(want[size/4:], pattern(4, size/2))
	b.writeTo(dev, pattern(4, size/2), size/4)
	b.must("flush", dev.Flush(b.Context()))
	b.must("close", dev.Close())
	b.reopen()
	b.compare(driver.Ref{Volume: vol}, want)
	b.compare(driver.Ref{Volume: vol, Snapshot: later}, kept)
}
