package drivertest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// testRollback goes back, forth, and back again, with a clone and later snapshots
// looking on.
func testRollback(b *bench) {
	b.create(vol, mib)
	held := map[string][]byte{}
	now := make([]byte, mib)
	step := func(name string, seed byte, off, n int) {
		copy(now[off:], pattern(seed, n))
		b.write(vol, pattern(seed, n), int64(off))
		b.snapshot(vol, name)
		held[name] = bytes.Clone(now)
	}
	check := func() {
		b.Helper()
		b.compare(driver.Ref{Volume: vol}, now)
		for name, data := range held {
			b.compare(driver.Ref{Volume: vol, Snapshot: name}, data)
		}
		b.compareList()
	}
	back := func(name string) {
		b.Helper()
		b.rollback(vol, name)
		now = bytes.Clone(held[name])
		check()
	}
	b.snapshot(vol, "a0") // of nothing
	held["a0"] = bytes.Clone(now)
	step("a1", 1, 0, 300000)
	step("a2", 2, 200000, 300000)
	step("a3", 3, 100000, 50000)
	b.write(vol, pattern(4, mib), 0) // lost
	back("a1")
	step("b2", 5, 250000, 300000) // a branch
	back("a3")
	step("c4", 6, 0, 1000)
	b.clone(other, mib, driver.Ref{Volume: vol, Snapshot: "b2"})
	back("b2")
	back("a0")
	b.reopen()
	check()
	for _, name := range []string{"a1", "c4", "a0", "b2"} {
		b.deleteSnapshot(vol, name)
		delete(held, name)
		check()
	}
	back("a2")
	b.compare(driver.Ref{Volume: other}, b.read(driver.Ref{Volume: other}))
	b.delete(vol)
	want := append(pattern(1, 300000), make([]byte, mib-300000)...)
	copy(want[250000:], pattern(5, 300000))
	b.compare(driver.Ref{Volume: other}, want)
	b.wants("roll back to what is not there", b.d.Rollback(b.Context(), other, "a1", 0), driver.ErrNotFound)
	b.wants("roll back what is not there", b.d.Rollback(b.Context(), vol, "a1", 0), driver.ErrNotFound)
}

func (b *bench) read(ref driver.Ref) []byte {
	b.Helper()
	dev := b.openDevice(ref, driver.ReadOnly)
	got := make([]byte, dev.Size())
	if n, err := dev.ReadAt(got, 0); n != len(got) {
		b.Fatalf("read all of %v: %d, %v", ref, n, err)
	}
	b.must("close", dev.Close())
	return got
}

func testRollbackSize(b *bench) {
	size := mib - 512
	b.create(vol, int64(size))
	b.write(vol, pattern(1, size), 0)
	b.snapshot(vol, snap)
	b.extend(vol, 2*mib)
	b.write(vol, pattern(2, 2*mib), 0)
	b.snapshot(vol, later)
	b.rollback(vol, snap)
	want := append(pattern(1, size), make([]byte, 2*mib-size)...)
	b.compare(driver.Ref{Volume: vol}, want)
	b.extend(vol, 3*mib)
	want = append(want, make([]byte, mib)...)
	b.write(vol, pattern(3, 600), int64(size)-50)
	copy(want[size-50:], pattern(3, 600))
	b.compare(driver.Ref{Volume: vol}, want)
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, pattern(1, size))
	b.compare(driver.Ref{Volume: vol, Snapshot: later}, pattern(2, 2*mib))
}

func testRollbackBusy(b *bench) {
	b.create(vol, mib)
	b.write(vol, pattern(1, mib), 0)
	b.snapshot(vol, snap)
	b.write(vol, pattern(2, mib), 0)
	for _, mode := range []driver.Mode{driver.ReadOnly, driver.ReadWrite} {
		dev := b.openDevice(driver.Ref{Volume: vol}, mode)
		b.wants("roll back an open volume", b.d.Rollback(b.Context(), vol, snap, 0), driver.ErrBusy)
		b.compareDevice(dev, pattern(2, mib))
		b.must("close", dev.Close())
	}
	reader := b.openDevice(driver.Ref{Volume: vol, Snapshot: snap}, driver.ReadOnly)
	b.rollback(vol, snap) // readers of snapshots do not mind
	b.write(vol, pattern(3, mib), 0)
	b.compareDevice(reader, pattern(1, mib))
	b.must("close", reader.Close())
	b.compare(driver.Ref{Volume: vol}, pattern(3, mib))
}

// testChanged compares every two snapshots of a small tree of them.
func testChanged(b *bench) {
	size := 5*mib + 512
	b.create(vol, int64(size))
	b.snapshot(vol, "s0")
	b.write(vol, pattern(1, 2*mib), mib)
	b.snapshot(vol, "s1")
	b.snapshot(vol, "s2") // the same
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	b.writeTo(dev, pattern(2, 4096), 5*mib-3584)
	b.must("write zeroes", dev.WriteZeroes(2*mib, mib/2, false))
	b.must("close", dev.Close())
	b.snapshot(vol, "s3")
	b.rollback(vol, "s1")
	b.write(vol, pattern(3, 10000), mib/2)
	b.snapshot(vol, "s4")
	b.extend(vol, 7*mib)
	b.write(vol, pattern(4, mib), 6*mib)
	b.snapshot(vol, "s5")
	names := []string{"s0", "s1", "s2", "s3", "s4", "s5"}
	for _, to := range names {
		for _, from := range append(names, "") {
			b.checkChanged(vol, from, to)
		}
	}
	if n := b.changed(vol, "s1", "s2"); n != 0 {
		b.Errorf("%d bytes changed between two snapshots of the same", n)
	}
	if n := b.changed(vol, "s1", "s3"); n > mib {
		b.Errorf("%d bytes are told to have changed, of 4 KiB and zeroes of half a MiB", n)
	}
	if n := b.changed(vol, "", "s1"); n < 2*mib || n > 3*mib {
		b.Errorf("%d bytes are told to be there, of 2 MiB", n)
	}
	for _, ref := range [][2]string{{"", "s9"}, {"s9", "s1"}} {
		err := b.d.Changed(b.Context(), vol, ref[0], ref[1], func(int64, int64, bool) error { return nil })
		b.wants("changes of what is not there", err, driver.ErrNotFound)
	}
	err := b.d.Changed(b.Context(), other, "", "s1", func(int64, int64, bool) error { return nil })
	b.wants("changes of no volume", err, driver.ErrNotFound)
	err = b.d.Changed(b.Context(), vol, "", "", func(int64, int64, bool) error { return nil })
	b.wants("changes up to now", err, driver.ErrInvalid)
}

// changed adds up the pieces.
func (b *bench) changed(id, from, to string) (total int64) {
	b.Helper()
	b.must("changed", b.d.Changed(b.Context(), id, from, to, func(_, n int64, _ bool) error {
		total += n
		return nil
	}))
	return total
}

// checkChanged compares all bytes of two snapshots with what Changed tells.
func (b *bench) checkChanged(id, from, to string) {
	b.Helper()
	is := b.read(driver.Ref{Volume: id, Snapshot: to})
	was := make([]byte, len(is))
	if from != "" {
		copy(was, b.read(driver.Ref{Volume: id, Snapshot: from}))
	}
	at := int64(0)
	same := func(end int64) {
		if !bytes.Equal(was[at:end], is[at:end]) {
			b.Fatalf("from %q to %q: bytes in %d..%d differ and are not told of", from, to, at, end)
		}
	}
	b.must("changed", b.d.Changed(b.Context(), id, from, to, func(off, n int64, zero bool) error {
		if off < at || n <= 0 || off+n > int64(len(is)) {
			return fmt.Errorf("a piece of %d bytes at %d, after %d", n, off, at)
		}
		same(off)
		at = off + n
		if zero && len(bytes.Trim(is[off:at], "\x00")) != 0 {
			return fmt.Errorf("%d bytes at %d are told as zeroes and are not", n, off)
		}
		return nil
	}))
	same(int64(len(is)))
}

func testChangedStops(b *bench) {
	b.create(vol, 4*mib)
	b.write(vol, pattern(1, 4096), 0)
	b.write(vol, pattern(1, 4096), 2*mib)
	b.snapshot(vol, snap)
	enough, calls := errors.New("enough"), 0
	err := b.d.Changed(b.Context(), vol, "", snap, func(int64, int64, bool) error { calls++; return enough })
	b.wants("changed", err, enough)
	if calls != 1 {
		b.Errorf("called %d times after an error", calls)
	}
}

// slack is what a driver's grains and files may add to what was written, in bytes.
const slack = mib

func testUsage(b *bench) {
	between := func(what string, n, least, most int64) {
		b.Helper()
		if n < least || n > most {
			b.Errorf("%s is %d bytes, want %d to %d", what, n, least, most)
		}
	}
	usage := func(id string) driver.Usage {
		b.Helper()
		u, err := b.d.Usage(b.Context(), id)
		b.must("usage", err)
		return u
	}
	b.create(vol, 64*mib)
	u := usage(vol)
	between("an empty volume's data", u.Mapped, 0, 0)
	between("an empty volume", u.Exclusive, 0, slack)
	between("its size", u.Logical, 64*mib, 64*mib)
	b.write(vol, pattern(1, 8*mib), 0)
	b.snapshot(vol, snap)
	u = usage(vol)
	between("the data", u.Mapped, 8*mib, 8*mib+slack)
	between("the volume", u.Exclusive, 8*mib, 8*mib+slack)
	between("a snapshot of the same", u.Snapshots[snap], 0, 0)
	b.write(vol, pattern(2, 4*mib), 2*mib)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	b.must("write zeroes", dev.WriteZeroes(6*mib, 2*mib, false))
	b.must("flush", dev.Flush(b.Context()))
	u = usage(vol)
	between("the data", u.Mapped, 6*mib, 6*mib+slack)
	between("the volume", u.Exclusive, 12*mib, 12*mib+slack)
	between("the snapshot", u.Snapshots[snap], 6*mib, 6*mib)
	b.must("close", dev.Close())
	if again := usage(vol); again.Mapped != u.Mapped || again.Snapshots[snap] != u.Snapshots[snap] {
		b.Errorf("the usage is %+v when open and %+v when not", u, again)
	}
	b.clone(other, 64*mib, driver.Ref{Volume: vol, Snapshot: snap})
	between("a clone's data", usage(other).Mapped, 8*mib, 8*mib+slack)
	between("a clone by itself", usage(other).Exclusive, 0, slack)
	between("the shared snapshot", usage(vol).Snapshots[snap], 0, 0)
	_, err := b.d.Usage(b.Context(), "none")
	b.wants("usage of no volume", err, driver.ErrNotFound)
}

func testCheck(b *bench) {
	b.create(vol, mib)
	b.write(vol, pattern(1, mib), 0)
	b.snapshot(vol, snap)
	dev := b.openDevice(driver.Ref{Volume: vol}, driver.ReadWrite)
	b.writeTo(dev, pattern(2, mib/2), 0)
	for _, repair := range []bool{false, true} {
		r, err := b.d.Check(b.Context(), vol, repair)
		b.must("check", err)
		if len(r.Findings) > 0 || r.More > 0 {
			b.Errorf("found %+v", r)
		}
	}
	b.must("close", dev.Close())
	_, err := b.d.Check(b.Context(), other, true)
	b.wants("check of no volume", err, driver.ErrNotFound)
	b.compare(driver.Ref{Volume: vol, Snapshot: snap}, pattern(1, mib))
}
