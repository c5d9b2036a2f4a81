package drivertest

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// The suite's ids, in the forms that ours have.
const (
	vol   = "6f1c2d3e-0001-4a5b-8c6d-7e8f90a1b2c3"
	other = "6f1c2d3e00024a5b8c6d7e8f90a1b2c3"
	snap  = "0a1b2c3d-0001-4e5f-8a6b-7c8d9e0f1a2b"
	later = "0a1b2c3d-0002-4e5f-8a6b-7c8d9e0f1a2b"
)

var promises = []struct {
	name string
	test func(b *bench)
}{
	{"InfoNamesTheDriver", testInfo},
	{"NewVolumeIsZeroes", testNewVolumeIsZeroes},
	{"CreateOfATakenIDIsRefused", testCreateTaken},
	{"SizesOutOfRangeAreRefused", testSizes},
	{"WritesAreReadBack", testWrites},
	{"IOPastTheEndIsCutOrRefused", testPastTheEnd},
	{"ZeroesHideWhatWasThere", testZeroes},
	{"DiscardedBytesReadAsZeroesOrAsBefore", testDiscard},
	{"ZeroesPastTheEndAreRefused", testZeroesPastTheEnd},
	{"ExtentsTellWhatIsThere", testExtents},
	{"SnapshotKeepsWhatWasThere", testSnapshotKeeps},
	{"SnapshotWhileWriting", testSnapshotWhileWriting},
	{"NeighboursInOneGrainKeepTheirBytes", testNeighbours},
	{"SnapshotOfANeverWrittenVolume", testSnapshotOfEmpty},
	{"SnapshotDeviceIsReadOnly", testSnapshotReadOnly},
	{"DeleteSnapshotKeepsTheOthers", testDeleteSnapshot},
	{"RollbackGoesToAnySnapshot", testRollback},
	{"RollbackKeepsTheSize", testRollbackSize},
	{"RollbackOfAnOpenVolumeIsRefused", testRollbackBusy},
	{"ChangedTellsOfAllThatDiffers", testChanged},
	{"ChangedAnswersTheCallersError", testChangedStops},
	{"UsageCountsWhatIsThere", testUsage},
	{"CheckOfASoundVolumeFindsNothing", testCheck},
	{"CloneHoldsTheSnapshot", testClone},
	{"CloneOutlivesItsSource", testCloneOutlives},
	{"CloneIsNotSmaller", testCloneSmaller},
	{"ExtendGrowsWithZeroes", testExtend},
	{"ExtendWhileOpen", testExtendOpen},
	{"ExtendWhileWriting", testExtendWhileWriting},
	{"OneWriter", testOneWriter},
	{"OpenThingsAreNotDeleted", testDeleteOpen},
	{"WhatIsNotThereIsNotFound", testNotFound},
	{"OlderFenceIsRefused", testFence},
	{"CreateBehindADeleteIsRefused", testFenceOfDeleted},
	{"UnsafeIDsAreRefused", testUnsafeIDs},
	{"ReopeningKeepsEverything", testReopen},
	{"CloseWaitsForDevices", testCloseBusy},
	{"CallsAfterCloseFail", testAfterClose},
}

// Run holds the driver that fresh opens, each time on an empty place of its own, to every promise.
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.test(newBench(t, fresh(t))) })
	}
	runGroups(t, fresh)
	t.Run("RandomHistoriesMatchTheModel", func(t *testing.T) { Histories(t, fresh) })
}

func testInfo(b *bench) {
	info, err := b.d.Info(b.Context())
	b.must("info", err)
	if info.Name == "" || info.Place == "" || info.Free < 0 || info.Total < 0 {
		b.Errorf("info says %+v", info)
	}
}

func testNewVolumeIsZeroes(b *bench) {
	b.create(vol, 2*mib)
	b.compareList()
	b.compare(driver.Ref{Volume: vol}, make([]byte, 2*mib))
}

func testCreateTaken(b *bench) {
	ctx := b.Context()
	b.create(vol, mib)
	b.wants("create with another size", b.d.Create(ctx, driver.VolumeSpec{ID: vol, Size: 2 * mib}, 0), driver.ErrInvalid)
	b.snapshot(vol, snap)
	b.create(other, mib)
	from := driver.Ref{Volume: vol, Snapshot: snap}
	b.wants("clone onto an empty volume", b.d.CreateFrom(ctx, driver.VolumeSpec{ID: other, Size: mib}, from, 0), driver.ErrInvalid)
}

func testSizes(b *bench) {
	for _, size := range []int64{0, -1, 511, mib + 1, driver.MaxSize + driver.SizeUnit} {
		b.wants("create", b.d.Create(b.Context(), driver.VolumeSpec{ID: vol, Size: size}, 0), driver.ErrInvalid)
	}
	b.create(vol, driver.MaxSize)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	b.writeTo(dev, pattern(1, 4096), driver.MaxSize-4096)
	got := make([]byte, 4096)
	if n, err := dev.ReadAt(got, driver.MaxSize-4096); n != 4096 || string(got) != string(pattern(1, 4096)) {
		b.Errorf("the last bytes of the largest volume: %d, %v", n, err)
	}
	b.must("close", dev.Close())
}

func testWrites(b *bench) {
	want := make([]byte, mib)
	b.create(vol, mib)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	for i, at := range []struct{ off, n int }{
		{0, 512}, {4096, 4096}, {4095, 2}, {8191, 8194}, {100, 70000}, {mib - 1, 1}, {mib - 5000, 5000}, {0, mib / 2}, {3, 0},
	} {
		p := pattern(byte(i), at.n)
		copy(want[at.off:], p)
		b.writeTo(dev, p, int64(at.off))
		b.compareDevice(dev, want)
	}
	b.must("flush", dev.Flush(b.Context()))
	b.must("close", dev.Close())
	b.compare(driver.Ref{Volume: vol}, want)
}

func testPastTheEnd(b *bench) {
	b.create(vol, mib)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	p := make([]byte, 1024)
	if n, err := dev.ReadAt(p, mib-512); n != 512 || !errors.Is(err, io.EOF) {
		b.Errorf("a read over the end: %d, %v; want 512, EOF", n, err)
	}
	for _, off := range []int64{mib - 512, mib, -1, 1<<63 - 513} {
		if n, err := dev.WriteAt(p, off); n != 0 || !errors.Is(err, driver.ErrInvalid) {
			b.Errorf("a write at %d: %d, %v; want ErrInvalid", off, n, err)
		}
	}
	if _, err := dev.ReadAt(p, -1); err == nil {
		b.Error("a read at -1 went through")
	}
	b.must("close", dev.Close())
	b.compare(driver.Ref{Volume: vol}, make([]byte, mib))
}

func testSnapshotKeeps(b *bench) {
	b.create(vol, mib)
	first, second := make([]byte, mib), make([]byte, mib)
	copy(first[1000:], pattern(1, 300000))
	b.write(vol, first[1000:301000], 1000)
	b.snapshot(vol, snap)
	copy(second, first)
	copy(second[200000:], pattern(2, 400000))
	b.write(vol, second[200000:600000], 200000)
	b.snapshot(vol, later)
	b.write(vol, make([]byte, mib), 0)
	b.compareList()
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, first)
	b.compare(driver.Ref{Volume: vol, Snapshot: later}, second)
	b.compare(driver.Ref{Volume: vol}, make([]byte, mib))
	b.reopen()
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, first)
	b.compare(driver.Ref{Volume: vol, Snapshot: later}, second)
	b.compare(driver.Ref{Volume: vol}, make([]byte, mib))
}

// testSnapshotWhileWriting: of a writer that counts up through the blocks, a
// snapshot holds a prefix: all that was answered before the call and nothing that
// was begun after it.
func testSnapshotWhileWriting(b *bench) {
	const block, blocks, rounds = 4096, 256, 6
	b.create(vol, block*blocks)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	var (
		mu            sync.Mutex
		begun, ended  int
		stop, stopped = make(chan struct{}), make(chan error, 1)
	)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			mu.Lock()
			begun = i + 1
			mu.Unlock()
			p := make([]byte, 1024) // a quarter of a grain: each first one copies the rest up
			for j := 0; j < len(p); j += 4 {
				binary.LittleEndian.PutUint32(p[j:], uint32(1+i/blocks))
			}
			if _, err := dev.WriteAt(p, int64(i%blocks)*block+512); err != nil {
				stopped <- err
				return
			}
			mu.Lock()
			ended = i + 1
			mu.Unlock()
		}
	}()
	ids := []string{"a0", "a1", "a2", "a3", "a4", "a5"}
	for _, id := range ids[:rounds] {
		mu.Lock()
		least := ended
		mu.Unlock()
		b.must("snapshot", b.d.Snapshot(b.Context(), vol, id, 0))
		b.held[driver.Ref{Volume: vol, Snapshot: id}] = true
		mu.Lock()
		most := begun
		mu.Unlock()
		b.checkPrefix(driver.Ref{Volume: vol, Snapshot: id}, block, blocks, least, most)
	}
	close(stop)
	b.must("the writer", <-stopped)
	b.must("close", dev.Close())
}

// checkPrefix fails unless ref holds the writer's first n blocks, least <= n <= most.
func (b *bench) checkPrefix(ref driver.Ref, block, blocks, least, most int) {
	b.Helper()
	dev := b.openDevice(ref, driver.ReadOnly)
	defer func() { b.must("close", dev.Close()) }()
	all := make([]byte, block*blocks)
	if n, err := dev.ReadAt(all, 0); n != len(all) {
		b.Fatalf("read the snapshot: %d, %v", n, err)
	}
	round := func(at int) int { return int(binary.LittleEndian.Uint32(all[at:])) }
	total, ended, newest := 0, false, round(512)
	for i := range blocks {
		this := round(i*block + 512)
		for j := 0; j < block; j += 4 {
			if in := j >= 512 && j < 1536; (in && round(i*block+j) != this) || (!in && round(i*block+j) != 0) {
				b.Fatalf("block %d is torn at byte %d", i, j)
			}
		}
		switch {
		case this == newest && ended:
			b.Fatalf("block %d was written after the snapshot", i)
		case this == newest-1:
			ended = true
		case this != newest:
			b.Fatalf("block %d is of round %d, the first of round %d", i, this, newest)
		}
		total += this
	}
	if total < least || total > most {
		b.Fatalf("the snapshot holds %d writes, want %d to %d", total, least, most)
	}
}

func testSnapshotOfEmpty(b *bench) {
	b.create(vol, mib)
	b.snapshot(vol, snap)
	b.extend(vol, 2*mib)
	b.snapshot(vol, later)
	b.write(vol, pattern(1, 2*mib), 0)
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, make([]byte, mib))
	b.compare(driver.Ref{Volume: vol, Snapshot: later}, make([]byte, 2*mib))
	b.clone(other, mib, driver.Ref{Volume: vol, Snapshot: snap})
	b.compare(driver.Ref{Volume: other}, make([]byte, mib))
}

func testSnapshotReadOnly(b *bench) {
	b.create(vol, mib)
	b.snapshot(vol, snap)
	ref := driver.Ref{Volume: vol, Snapshot: snap}
	_, err := b.d.Open(b.Context(), ref, driver.ReadWrite)
	b.wants("open a snapshot for writing", err, driver.ErrReadOnly)
	for _, ref := range []driver.Ref{ref, {Volume: vol}} {
		dev := b.openDevice(ref, driver.ReadOnly)
		n, err := dev.WriteAt(pattern(1, 512), 0)
		b.wants("write to a reader", err, driver.ErrReadOnly)
		if n != 0 {
			b.Errorf("a refused write wrote %d bytes", n)
		}
		b.must("flush of a reader", dev.Flush(b.Context()))
		b.must("close", dev.Close())
		b.compare(ref, make([]byte, mib))
	}
}

func testDeleteSnapshot(b *bench) {
	b.create(vol, mib)
	var want [4][]byte
	names := []string{"b0", "b1", "b2", "b3"}
	now := make([]byte, mib)
	for i, name := range names {
		p := pattern(byte(i), 200000)
		copy(now[i*150001:], p)
		b.write(vol, p, int64(i*150001))
		b.snapshot(vol, name)
		want[i] = append([]byte(nil), now...)
	}
	for _, gone := range []int{1, 3, 0} {
		b.deleteSnapshot(vol, names[gone])
		want[gone] = nil
		b.compareList()
		for i, w := range want {
			if w != nil {
				b.compare(driver.Ref{Volume: vol, Snapshot: names[i]}, w)
			}
		}
		b.compare(driver.Ref{Volume: vol}, now)
	}
	_, err := b.d.Open(b.Context(), driver.Ref{Volume: vol, Snapshot: names[1]}, driver.ReadOnly)
	b.wants("open a deleted snapshot", err, driver.ErrNotFound)
	b.snapshot(vol, names[1])
	b.compare(driver.Ref{Volume: vol, Snapshot: names[1]}, now)
}
