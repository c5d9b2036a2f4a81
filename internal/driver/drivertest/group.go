package drivertest

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// groupPromises hold a driver that is a GroupSnapshotter to what that says.
var groupPromises = []struct {
	name string
	test func(b *bench, g func() driver.GroupSnapshotter)
}{
	{"GroupSnapshotKeepsEveryVolume", testGroupKeeps},
	{"GroupSnapshotIsOfOneMoment", testGroupMoment},
	{"GroupSnapshotTakesAllAnewWhenSomeAreLeft", testGroupAnew},
	{"GroupSnapshotRefusesWhatItCannot", testGroupRefuses},
}

// runGroups is called by Run.
func runGroups(t *testing.T, fresh func(t *testing.T) Opener) {
	for _, p := range groupPromises {
		t.Run(p.name, func(t *testing.T) {
			b := newBench(t, fresh(t))
			if _, can := b.d.(driver.GroupSnapshotter); !can {
				t.Skip("this driver snapshots one volume at a time, and says so by having no SnapshotGroup")
			}
			p.test(b, func() driver.GroupSnapshotter { return b.d.(driver.GroupSnapshotter) })
		})
	}
}

// together snapshots volumes, twice, under one name.
func (b *bench) together(g driver.GroupSnapshotter, snap string, vols ...string) {
	b.Helper()
	var refs []driver.Ref
	for _, id := range vols {
		refs = append(refs, driver.Ref{Volume: id, Snapshot: snap})
	}
	b.twice("snapshot group", func() error { return g.SnapshotGroup(b.Context(), refs, 0) })
	for _, ref := range refs {
		b.held[ref] = true
	}
}

func testGroupKeeps(b *bench, g func() driver.GroupSnapshotter) {
	const third = "c3"
	b.create(vol, mib)
	b.create(other, 2*mib)
	b.create(third, mib)
	b.write(vol, pattern(1, mib), 0)
	dev := b.openDevice(driver.Ref{Volume: other}, driver.ReadWrite)
	b.writeTo(dev, pattern(2, mib), mib)
	b.together(g(), snap, other, third, vol)
	b.writeTo(dev, pattern(3, mib), 0)
	b.write(vol, pattern(4, mib), 0)
	b.write(third, pattern(5, mib), 0)
	b.together(g(), later, vol, other)
	b.writeTo(dev, pattern(6, 2*mib), 0)
	b.must("close", dev.Close())
	check := func() {
		b.Helper()
		b.compareList()
		b.compare(driver.Ref{Volume: vol, Snapshot: snap}, pattern(1, mib))
		b.compare(driver.Ref{Volume: other, Snapshot: snap}, append(make([]byte, mib), pattern(2, mib)...))
		b.compare(driver.Ref{Volume: third, Snapshot: snap}, make([]byte, mib))
		b.compare(driver.Ref{Volume: vol, Snapshot: later}, pattern(4, mib))
		b.compare(driver.Ref{Volume: other, Snapshot: later}, append(pattern(3, mib), pattern(2, mib)...))
		b.compare(driver.Ref{Volume: vol}, pattern(4, mib))
		b.compare(driver.Ref{Volume: other}, pattern(6, 2*mib))
		b.compare(driver.Ref{Volume: third}, pattern(5, mib))
	}
	check()
	b.reopen()
	check()
	b.must("snapshot of nothing", g().SnapshotGroup(b.Context(), nil, 0))
}

// testGroupMoment: one writer counts up, each number to the first volume, then to the
// second, then to the third. What a snapshot holds falls by one at most along the way,
// and never rises, in whichever order the volumes are named.
func testGroupMoment(b *bench, g func() driver.GroupSnapshotter) {
	ids := []string{other, vol, "c3"}
	var devices []driver.Device
	for _, id := range ids {
		b.create(id, mib)
		devices = append(devices, b.openDevice(driver.Ref{Volume: id}, driver.ReadWrite))
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		p := make([]byte, 512)
		for n := uint64(1); ; n++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			binary.LittleEndian.PutUint64(p, n)
			for _, dev := range devices {
				if _, err := dev.WriteAt(p, 0); err != nil {
					stopped <- err
					return
				}
			}
			if n == 1 {
				close(begun)
			}
		}
	}()
	<-begun
	names := []string{"g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7"}
	for i, name := range names {
		order := slices.Clone(ids)
		if i%2 == 1 {
			slices.Reverse(order)
		}
		b.together(g(), name, order...)
	}
	close(stop)
	b.must("the writer", <-stopped)
	for _, dev := range devices {
		b.must("close", dev.Close())
	}
	last := uint64(0)
	for _, name := range names {
		var held []uint64
		for _, id := range ids {
			held = append(held, binary.LittleEndian.Uint64(b.read(driver.Ref{Volume: id, Snapshot: name})))
		}
		if held[0] < held[1] || held[1] < held[2] || held[0] > held[2]+1 || held[0] < last {
			b.Errorf("snapshot %s holds %v, after %d: not of one moment", name, held, last)
		}
		last = held[0]
	}
}

// testGroupAnew: what a cut call left is of another moment than what is still to come.
func testGroupAnew(b *bench, g func() driver.GroupSnapshotter) {
	b.create(vol, mib)
	b.create(other, mib)
	b.write(vol, pattern(1, mib), 0)
	b.snapshot(vol, snap)
	b.write(vol, pattern(2, mib), 0)
	b.write(other, pattern(3, mib), 0)
	b.together(g(), snap, vol, other)
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, pattern(2, mib))
	b.compare(driver.Ref{Volume: other, Snapshot: snap}, pattern(3, mib))
	b.write(vol, pattern(4, mib), 0)
	b.together(g(), snap, vol, other) // all are there: it was done
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, pattern(2, mib))
}

func testGroupRefuses(b *bench, g func() driver.GroupSnapshotter) {
	b.create(vol, mib)
	b.create(other, mib)
	call := func(fence driver.Fence, refs ...driver.Ref) error {
		return g().SnapshotGroup(b.Context(), refs, fence)
	}
	one, two := driver.Ref{Volume: vol, Snapshot: snap}, driver.Ref{Volume: other, Snapshot: snap}
	b.wants("a volume that is not there", call(0, one, driver.Ref{Volume: "zz", Snapshot: snap}), driver.ErrNotFound)
	b.wants("a volume twice", call(0, one, two, driver.Ref{Volume: vol, Snapshot: later}), driver.ErrInvalid)
	b.wants("an unsafe id", call(0, one, driver.Ref{Volume: other, Snapshot: "../x"}), driver.ErrInvalid)
	b.compareList()
	b.must("a newer fence on one", b.d.Extend(b.Context(), other, 2*mib, 7))
	b.wants("an older fence", call(6, one, two), driver.ErrFenced)
	b.compareList()
	b.must("the same fence", call(7, one, two))
	b.held[one], b.held[two] = true, true
	if err := b.d.DeleteSnapshot(b.Context(), vol, snap, 6); !errors.Is(err, driver.ErrFenced) {
		b.Errorf("an older fence after the group's: got %v, want ErrFenced", err)
	}
	dev := b.openDevice(one, driver.ReadOnly)
	b.deleteSnapshot(other, snap)
	b.wants("one left and open", call(8, one, two), driver.ErrBusy)
	b.must("close", dev.Close())
	b.compareList()
}
