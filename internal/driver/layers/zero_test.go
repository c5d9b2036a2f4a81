package layers

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// overSnapshot makes volume a: a MiB of 1 in a snapshot, half a MiB of 2 above it.
func overSnapshot(t *testing.T, p *Pool) *device {
	t.Helper()
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite).(*device)
	write(t, dev, 1, 0, mib)
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	write(t, dev, 2, 0, mib/2)
	must(t, dev.Flush(t.Context()))
	return dev
}

// killed opens the pool of p as after kill -9.
func killed(t *testing.T, p *Pool, o Options) *Pool {
	t.Helper()
	p.abandon(t)
	return openPool(t, p.root, o)
}

// A power cut between a discard and the next flush may bring back what was flushed
// last, never what lies beneath it.
func TestDiscardThatWasNotFlushedNeverBringsBackOlderBytes(t *testing.T) {
	for name, flush := range map[string]bool{"flushed": true, "not flushed": false} {
		t.Run(name, func(t *testing.T) {
			p, err := Open(t.TempDir(), Options{byHand: true})
			must(t, err)
			dev := overSnapshot(t, p)
			must(t, dev.Discard(0, mib))
			checkOpen(t, dev, make([]byte, mib))
			if flush {
				must(t, dev.Flush(t.Context()))
			}
			p = killed(t, p, Options{})
			got := contents(t, p, volA)
			for i, b := range got {
				if b != 0 && (flush || i < mib/2 && b != 2) {
					t.Fatalf("byte %d is %d", i, b)
				}
			}
		})
	}
}

func checkOpen(t *testing.T, dev driver.Device, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := dev.ReadAt(got, 0); n != len(want) || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes, %v, that are not what they ought to be", n, err)
	}
}

// The log is durable before the head's bytes go; a flush does both, then syncs the head.
func TestFlushSyncsTheLogBeforeItErases(t *testing.T) {
	s := &syncs{}
	p := openPool(t, t.TempDir(), Options{datasync: s.datasync})
	dev := overSnapshot(t, p)
	s.log = nil
	must(t, dev.Discard(0, mib))
	if len(s.log) != 0 {
		t.Errorf("the discard synced %v", s.log)
	}
	if u, err := p.Usage(t.Context(), "a"); err != nil || u.Exclusive < mib+mib/2 {
		t.Errorf("bytes went before the log was durable: %+v, %v", u, err)
	}
	must(t, dev.Flush(t.Context()))
	if want := []string{"layer-000002.zero", "layer-000002.0"}; !slices.Equal(s.log, want) {
		t.Errorf("the flush synced %v, want %v", s.log, want)
	}
	s.log = nil
	must(t, dev.Discard(0, mib)) // nothing is there any more
	must(t, dev.Flush(t.Context()))
	if want := []string{"layer-000002.0"}; !slices.Equal(s.log, want) {
		t.Errorf("the second flush synced %v, want %v", s.log, want)
	}
}

// Grains that are written and discarded again and again have one record.
func TestLogDoesNotGrowWithRepetition(t *testing.T) {
	p := openPool(t, memory(t), Options{})
	dev := overSnapshot(t, p)
	for range 100 {
		must(t, dev.Discard(0, mib))
		write(t, dev, 3, 8192, 4096)
		must(t, dev.Flush(t.Context()))
	}
	info, err := os.Stat(filepath.Join(p.volumeDir("a"), zeroName(2)))
	must(t, err)
	if info.Size() > 4*zeroRecord {
		t.Errorf("the log has %d bytes", info.Size())
	}
	want := make([]byte, mib)
	copy(want[8192:], fill(3, 4096))
	checkOpen(t, dev, want)
	must(t, p.Snapshot(t.Context(), "a", "t", 0))
	must(t, dev.Close())
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "t"}, want)
	checkFiles(t, p)
}

// With nothing beneath the head a hole is enough, and a filled volume that is
// discarded gives all of its space back at once: nothing is logged.
func TestDiscardOverNothingLeavesNothing(t *testing.T) {
	p := openPool(t, t.TempDir(), Options{})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 8 * mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite).(*device)
	for range 3 { // as mkfs and fstrim do
		write(t, dev, 1, 0, 8*mib)
		must(t, dev.Discard(0, 8*mib))
	}
	must(t, dev.Flush(t.Context()))
	u, err := p.Usage(t.Context(), "a")
	must(t, err)
	if u.Exclusive > mib || u.Mapped != 0 {
		t.Errorf("it takes %+v", u)
	}
}

// What was discarded gives its space to the next write, without a flush between.
func TestFullDiskTakesBackWhatWasDiscarded(t *testing.T) {
	disk := &fullDisk{}
	disk.left.Store(1 << 40)
	p := openPool(t, t.TempDir(), Options{write: disk.write})
	dev := overSnapshot(t, p)
	must(t, dev.Discard(0, mib/2))
	disk.left.Store(100)
	_, err := dev.WriteAt(fill(3, 4096), mib/2)
	wants(t, "write to a full disk", err, driver.ErrNoSpace)
	z := dev.core.headFile().zeros
	if z.waiting() {
		t.Error("the discarded space still waits for a flush")
	}
	disk.left.Store(1 << 40)
	checkOpen(t, dev, append(make([]byte, mib/2), fill(1, mib/2)...))
}

// A write that fails into what was just discarded leaves zeroes, also after a cut.
func TestFailedWriteIntoDiscardedBytesLeavesZeroes(t *testing.T) {
	disk := &fullDisk{}
	disk.left.Store(1 << 40)
	p, err := Open(t.TempDir(), Options{write: disk.write, byHand: true})
	must(t, err)
	dev := overSnapshot(t, p)
	must(t, dev.Discard(0, mib/2))
	disk.left.Store(1000)
	_, err = dev.WriteAt(fill(3, 8192), 0)
	wants(t, "write to a full disk", err, driver.ErrNoSpace)
	want := append(make([]byte, mib/2), fill(1, mib/2)...)
	checkOpen(t, dev, want)
	p = killed(t, p, Options{})
	if got := contents(t, p, volA); !bytes.Equal(got[:8192], want[:8192]) {
		t.Error("after a cut the bytes beneath are back")
	}
}

func TestFailedSyncOfTheLogIsFinal(t *testing.T) {
	failing := false
	p := openPool(t, t.TempDir(), Options{datasync: func(f *os.File) error {
		if failing && filepath.Ext(f.Name()) == ".zero" {
			return errors.New("broken disk")
		}
		return datasync(f)
	}})
	dev := overSnapshot(t, p)
	must(t, dev.Discard(0, 4096))
	failing = true
	if dev.Flush(t.Context()) == nil || dev.Discard(4096, 4096) == nil {
		t.Error("a flush or a discard went through")
	}
	failing = false
	if dev.Flush(t.Context()) == nil {
		t.Error("a later flush went through")
	}
	must(t, dev.Close())
}

// What a power cut leaves at the log's end is cut off; anything else is damage.
func TestEndOfALog(t *testing.T) {
	for _, tc := range []struct {
		name string
		tail []byte
		good bool
	}{
		{"nothing", nil, true},
		{"half a record", fill(7, 20), true},
		{"zeroes", make([]byte, 3*zeroRecord), true},
		{"something", fill(7, zeroRecord), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := openPool(t, t.TempDir(), Options{})
			dev := overSnapshot(t, p)
			must(t, dev.Discard(0, 4096))
			must(t, dev.Close())
			path := filepath.Join(p.volumeDir("a"), zeroName(2))
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			must(t, err)
			_, err = f.Write(tc.tail)
			must(t, errors.Join(err, f.Close()))
			if !tc.good {
				_, err := p.Open(t.Context(), volA, driver.ReadOnly)
				wants(t, "open", err, driver.ErrDamaged, path)
				return
			}
			dev = openDevice(t, p, volA, driver.ReadWrite).(*device)
			must(t, dev.Discard(8192, 4096))
			must(t, dev.Close())
			got := contents(t, p, volA)
			if !allZero(got[:4096]) || got[4096] != 2 || !allZero(got[8192:12288]) {
				t.Error("the log was not read as it was written")
			}
		})
	}
}

// FuzzZeroLog: whatever the bytes are, they are refused or tell of grains that are there.
func FuzzZeroLog(f *testing.F) {
	const grains = 1024
	m := goodManifest()
	z := newZeroLog(nil, m, layer{Number: 5, Size: 3 * mib}, nil)
	good := z.encode(z.encode(nil, span{zeroMagic, zeroMagic}, 0), span{3, 9}, 1)
	f.Add(good)
	f.Add(append(slices.Clone(good), make([]byte, 64)...))
	f.Add(good[:40])
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(memory(t), "log")
		must(t, os.WriteFile(path, text, 0o600))
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		must(t, err)
		defer file.Close()
		z := newZeroLog(nil, m, layer{Number: 5, Size: grains * 4096}, file)
		if err := z.read(grains); err != nil && !errors.Is(err, errFormat) {
			t.Fatal(err)
		}
		z.logged.each(func(first, n int64, _ uint16) {
			if first < 0 || first+n > grains {
				t.Fatalf("%d grains at %d", n, first)
			}
		})
	})
}
