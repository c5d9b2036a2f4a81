package layers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// flipBit flips one bit of a file.
func flipBit(t testing.TB, path string, off int64, bit int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, off)
	must(t, err)
	b[0] ^= 1 << bit
	_, err = f.WriteAt(b, off)
	must(t, errors.Join(err, f.Close()))
}

// summed makes volume a of 3 MiB and a bit, with two sealed layers whose sums are counted.
func summed(t testing.TB, dir string) (*Pool, []byte) {
	t.Helper()
	p := openPool(t, dir, Options{})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 3*mib + 1024}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	random := rand.New(rand.NewPCG(3, 4))
	want := make([]byte, 3*mib+1024)
	for i := range want {
		want[i] = byte(random.Uint32())
	}
	clear(want[mib/2 : mib])
	for _, r := range [][2]int{{0, mib / 2}, {mib, len(want)}} {
		_, err := dev.WriteAt(want[r[0]:r[1]], int64(r[0]))
		must(t, err)
	}
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	copy(want[2*mib:], want[:100000])
	_, err := dev.WriteAt(want[:100000], 2*mib)
	must(t, err)
	must(t, p.Snapshot(t.Context(), "a", "t", 0))
	must(t, dev.Close())
	tidyUp(t, p)
	return p, want
}

// Any flipped bit of a sealed layer is found by a check, which tells where, and is an
// error to whoever reads it, never wrong bytes.
func TestEveryFlippedBitIsFound(t *testing.T) {
	p, want := summed(t, memory(t))
	soundly(t, p)
	path := segmentPath(p.volumeDir("a"), 1, 0)
	random := rand.New(rand.NewPCG(5, 6))
	places := []int64{0, mib/2 - 1, mib, 3*mib + 1023} // the ends of what was written
	for len(places) < 60 {
		off := random.Int64N(3*mib + 1024)
		if (off < mib/2 || off >= mib) && (off < 2*mib || off >= 2*mib+102400) {
			places = append(places, off)
		}
	}
	for i, off := range places {
		flipBit(t, path, off, i%8)
		r, err := p.Check(t.Context(), "a", i%2 == 0)
		must(t, err)
		if len(r.Findings) != 1 || !r.Damaged() {
			t.Fatalf("a flipped bit at %d: the check found %+v", off, r)
		}
		f := r.Findings[0]
		if f.Offset > off || f.Offset+f.Length <= off || f.Length > 4096 || f.Place != fmt.Sprintf("%s at %d", path, f.Offset) {
			t.Errorf("a flipped bit at %d is told to be in %+v", off, f)
		}
		checkDamaged(t, p, off, want)
		flipBit(t, path, off, i%8)
	}
	checkBytes(t, p, volA, want)
}

// checkDamaged reads around a damaged byte, in several lengths.
func checkDamaged(t *testing.T, p *Pool, off int64, want []byte) {
	t.Helper()
	page := off / sumPage * sumPage
	for _, ref := range []driver.Ref{volA, {Volume: "a", Snapshot: "t"}} {
		dev := openDevice(t, p, ref, driver.ReadOnly)
		for _, r := range [][2]int64{{page, 4096}, {off, 1}, {0, int64(len(want))}, {max(0, off-5000), 6000}} {
			buf := make([]byte, min(r[1], int64(len(want))-r[0]))
			if n, err := dev.ReadAt(buf, r[0]); n != 0 || !errors.Is(err, driver.ErrDamaged) {
				t.Fatalf("a read of %d bytes at %d with a flipped bit at %d: %d, %v", len(buf), r[0], off, n, err)
			}
		}
		if page > 0 {
			buf := make([]byte, min(page, 8192))
			if _, err := dev.ReadAt(buf, page-int64(len(buf))); err != nil || !bytes.Equal(buf, want[page-int64(len(buf)):page]) {
				t.Fatalf("a read beside it: %v", err)
			}
		}
		must(t, dev.Close())
	}
}

// Damage can be written over: the bytes that matter are the new ones. A part of a
// damaged page cannot: the rest would be made up.
func TestDamagedBytesCanBeWrittenAnew(t *testing.T) {
	p, want := summed(t, memory(t))
	flipBit(t, segmentPath(p.volumeDir("a"), 1, 0), 5000, 3)
	dev := openDevice(t, p, volA, driver.ReadWrite)
	_, err := dev.WriteAt(fill(1, 100), 4200)
	wants(t, "write a part", err, driver.ErrDamaged)
	write(t, dev, 1, 4096, 4096)
	copy(want[4096:], fill(1, 4096))
	checkOpen(t, dev, want)
}

func TestDamagedSumsAreCountedAnewByARepair(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"no file":        os.Remove,
		"short":          func(path string) error { return os.Truncate(path, 100) },
		"empty":          func(path string) error { return os.Truncate(path, 0) },
		"flipped record": func(path string) error { flipBit(t, path, 100, 1); return nil },
		"flipped magic":  func(path string) error { flipBit(t, path, 3, 1); return nil },
		"flipped tail":   func(path string) error { info, _ := os.Stat(path); flipBit(t, path, info.Size()-5, 1); return nil },
		"another layer's": func(path string) error {
			return replaceWith(path, filepath.Join(filepath.Dir(path), "layer-000002.sums"))
		},
		"a block's of two": func(path string) error { flipBit(t, path, 2000, 7); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			p, want := summed(t, memory(t))
			path := filepath.Join(p.volumeDir("a"), "layer-000001.sums")
			must(t, spoil(path))
			dev, err := p.Open(t.Context(), volA, driver.ReadOnly)
			if err == nil { // a record is read when it is needed
				_, err = dev.ReadAt(make([]byte, len(want)), 0)
				must(t, dev.Close())
			}
			wants(t, "read", err, driver.ErrDamaged, path)
			for _, repair := range []bool{false, true} {
				r, err := p.Check(t.Context(), "a", repair)
				must(t, err)
				if len(r.Findings) != 1 || r.Findings[0].Place != path || r.Findings[0].Repaired != repair {
					t.Fatalf("the check found %+v", r.Findings)
				}
			}
			checkBytes(t, p, volA, want)
			tidyUp(t, p)
			soundly(t, p)
			checkFiles(t, p)
		})
	}
}

func replaceWith(path, other string) error {
	text, err := os.ReadFile(other)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// A merge neither hides damage by new sums nor spreads it: it is not made, or, where
// files share blocks, the damage is still found.
func TestMergeNeverHidesDamage(t *testing.T) {
	for _, kind := range []string{"memory", "xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			dir := memory(t)
			if kind != "memory" {
				dir = filepath.Join(mount(t, kind, 512*mib).root, "pool")
			}
			p, want := summed(t, dir)
			dev := openDevice(t, p, volA, driver.ReadWrite)
			write(t, dev, 1, 0, 4096)
			copy(want, fill(1, 4096))
			must(t, dev.Close())
			flipBit(t, segmentPath(p.volumeDir("a"), 2, 0), 2*mib+70000, 0)
			must(t, p.DeleteSnapshot(t.Context(), "a", "s", 0))
			err := p.tidy(t.Context(), "a")
			if err != nil {
				wants(t, "merge", err, driver.ErrDamaged)
			}
			r, err := p.Check(t.Context(), "a", true)
			must(t, err)
			if len(r.Findings) != 1 || r.Findings[0].Offset != 2*mib+69632 {
				t.Fatalf("the check found %+v", r.Findings)
			}
			must(t, p.CreateFrom(t.Context(), driver.VolumeSpec{ID: "b", Size: 4 * mib}, driver.Ref{Volume: "a", Snapshot: "t"}, 0))
			dev = openDevice(t, p, driver.Ref{Volume: "b"}, driver.ReadOnly)
			_, err = dev.ReadAt(make([]byte, 4096), 2*mib+69632)
			wants(t, "read", err, driver.ErrDamaged)
			got := make([]byte, 2*mib)
			if _, err := dev.ReadAt(got[4096:], 4096); err != nil || !bytes.Equal(got[4096:], want[4096:2*mib]) {
				t.Errorf("what is not damaged: %v", err)
			}
		})
	}
}

// Bytes without sums are given out, and counted as not verified.
func TestBytesWithoutSumsAreToldApart(t *testing.T) {
	p := openPool(t, memory(t), Options{})
	chain(t, p, 1)
	r, err := p.Check(t.Context(), "a", false)
	must(t, err)
	if r.Verified != 0 || r.Unverified < mib/2 || len(r.Findings) > 0 {
		t.Errorf("before the sums were counted the check says %+v", r)
	}
	tidyUp(t, p)
	r, err = p.Check(t.Context(), "a", false)
	must(t, err)
	if r.Unverified != 0 || r.Verified < mib/2 {
		t.Errorf("after the sums were counted the check says %+v", r)
	}
}

// What a cut left behind goes; what an old manifest does not know stays.
func TestCheckRemovesWhatIsLeftOver(t *testing.T) {
	p, want := summed(t, memory(t))
	dir := p.volumeDir("a")
	leave := func(name string, n int) {
		must(t, os.WriteFile(filepath.Join(dir, name), fill(1, n), 0o600))
	}
	leave("layer-000002.map.1", 100)
	leave("layer-000001.1", 100)
	leave("manifest.new", 10)
	leave("layer-000009.0", 4096)
	leave("notes.txt", 5)
	must(t, os.Link(filepath.Join(dir, "layer-000001.0"), filepath.Join(dir, "layer-000001.0.old")))
	r, err := p.Check(t.Context(), "a", true)
	must(t, err)
	if len(r.Findings) != 6 || r.Damaged() {
		t.Errorf("the check found %+v", r.Findings)
	}
	left := 0
	for _, f := range r.Findings {
		if !f.Repaired {
			left++
		}
	}
	if left != 2 {
		t.Errorf("%d findings are left, want the layer of a newer manifest and the notes: %+v", left, r.Findings)
	}
	for _, name := range []string{"layer-000009.0", "notes.txt"} {
		must(t, os.Remove(filepath.Join(dir, name)))
	}
	checkFiles(t, p)
	soundly(t, p)
	checkBytes(t, p, volA, want)
}

// On a disk that is full to the last block, writes fail, bytes stay, and deleting a
// snapshot or a volume works and gives the space back.
func TestDeletingWorksOnAFullDisk(t *testing.T) {
	for _, kind := range []string{"ext4", "xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			m := mount(t, kind, 512*mib)
			p := openPool(t, filepath.Join(m.root, "pool"), Options{})
			ctx := t.Context()
			must(t, p.Create(ctx, driver.VolumeSpec{ID: "a", Size: 64 * mib}, 0))
			must(t, p.Create(ctx, driver.VolumeSpec{ID: "c", Size: 8 * mib}, 0))
			dev := openDevice(t, p, volA, driver.ReadWrite)
			write(t, dev, 1, 0, 64*mib)
			must(t, p.Snapshot(ctx, "a", "one", 0))
			write(t, dev, 2, 0, 32*mib)
			must(t, p.Snapshot(ctx, "a", "two", 0))
			must(t, dev.Flush(ctx))
			tidyUp(t, p)
			stuff(t, filepath.Join(m.root, "stuff"))

			want := append(fill(2, 32*mib), fill(1, 32*mib)...)
			failed := false
			for off := 0; off < 64*mib && !failed; off += mib {
				n, err := dev.WriteAt(fill(3, mib), int64(off))
				copy(want[off:], fill(3, n))
				if err != nil {
					wants(t, "write to a full disk", err, driver.ErrNoSpace)
					failed = true
				}
			}
			if err := dev.Flush(ctx); err != nil && !failed {
				t.Fatal(err)
			}
			checkOpen(t, dev, want)
			wants(t, "a new snapshot", errors.Join(p.Snapshot(ctx, "a", "three", 0), p.Snapshot(ctx, "a", "four", 0), driver.ErrNoSpace), driver.ErrNoSpace)
			must(t, p.DeleteSnapshot(ctx, "a", "one", 0))
			if err := p.tidy(ctx, "a"); kind == "btrfs" && errors.Is(err, driver.ErrNoSpace) {
				must(t, os.Remove(filepath.Join(m.root, "stuff"))) // it overwrites nothing in place, so a merge needs room
				tidyUp(t, p)
			} else {
				must(t, err)
			}
			checkOpen(t, dev, want)
			must(t, dev.Flush(ctx))
			for off := range 8 { // into space that came back
				write(t, dev, 4, int64(40+off)*mib, mib)
			}
			must(t, dev.Flush(ctx))
			copy(want[40*mib:], fill(4, 8*mib))
			must(t, dev.Close())
			must(t, p.Delete(ctx, "c", 0))
			checkBytes(t, p, volA, want)
			_, err := p.Check(ctx, "a", true) // the snapshots that failed left empty files
			must(t, err)
			soundly(t, p)
		})
	}
}

// stuff fills the file system to the last byte.
func stuff(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	for _, n := range []int{mib, 65536, 4096, 512, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, n))
			if err == nil && n < 4096 {
				err = f.Sync()
			}
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil && !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	must(t, f.Close())
}

// FuzzSums: whatever the bytes are, the reader refuses them or finds sums in them.
func FuzzSums(f *testing.F) {
	path := filepath.Join(memory(f), "sums")
	w, err := createSums(path, 3*mib)
	must(f, err)
	for page := range int64(700) {
		if page%3 != 0 {
			w.put(page, uint32(page))
		}
	}
	sum, err := w.finish()
	must(f, err)
	text, err := os.ReadFile(path)
	must(f, err)
	f.Add(text)
	f.Add(text[:len(text)-1])
	f.Add([]byte{})
	d := &disk{cache: &sumCache{}}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := memory(t)
		rec := layer{Number: 1, Size: 3 * mib, Sums: sum}
		must(t, os.WriteFile(filepath.Join(dir, sumsName(rec)), text, 0o600))
		s, err := openSums(d, dir, rec)
		if err != nil {
			if !errors.Is(err, driver.ErrDamaged) && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			return
		}
		for page := range int64(768) {
			if got, err := s.sum(page); err == nil && got != uint32(page) {
				t.Fatalf("page %d has the sum %d", page, got)
			}
		}
		must(t, s.f.Close())
	})
}
