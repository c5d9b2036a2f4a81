package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/backup/backuptest"
)

const mib = backup.ChunkSize

// disk is a device in memory.
type disk struct {
	data    []byte
	flushes int
}

func (d *disk) Size() int64 { return int64(len(d.data)) }
func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(d.data).ReadAt(p, off)
}
func (d *disk) WriteAt(p []byte, off int64) (int, error) { return copy(d.data[off:], p), nil }
func (d *disk) Flush(context.Context) error              { d.flushes++; return nil }

// zeroingDisk makes zeroes by itself.
type zeroingDisk struct{ disk }

func (d *zeroingDisk) WriteZeroes(off, n int64, _ bool) error {
	clear(d.data[off : off+n])
	return nil
}

// kit is a repository over objects in memory, with a clock that a test moves.
type kit struct {
	objects *backuptest.Memory
	now     time.Time
	*backup.Repository
}

func secret() ([]byte, error) { return bytes.Repeat([]byte{7}, 32), nil }

func newKit() *kit {
	k := &kit{objects: &backuptest.Memory{}, now: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
	k.objects.Now = k.clock
	k.reopen()
	return k
}

func (k *kit) clock() time.Time { return k.now }

// reopen is a new process over the same objects.
func (k *kit) reopen() {
	k.Repository = backup.New(backup.Config{Objects: k.objects, Secret: secret, Random: rand.Reader, Now: k.clock})
}

// whole tells that all of a device may be other than zeroes.
func whole(size int64) func(context.Context, func(int64, int64, bool) error) error {
	return func(_ context.Context, fn func(off, n int64, zero bool) error) error { return fn(0, size, false) }
}

func sourceOf(id string, d *disk) backup.Source {
	return backup.Source{ID: id, From: d, Size: d.Size(), Pieces: whole(d.Size())}
}

// randomDisk has size bytes of which some chunks are zero, some compress and some do not.
func randomDisk(r *mathrand.Rand, size int) *disk {
	d := &disk{data: make([]byte, size)}
	for off := 0; off < size; off += mib {
		part := d.data[off:min(off+mib, size)]
		switch r.IntN(4) {
		case 0: // a hole
		case 1:
			copy(part, bytes.Repeat([]byte("breeze"), len(part)/6))
		case 2:
			part[r.IntN(len(part))] = 1
		default:
			fill(r, part)
		}
	}
	return d
}

func fill(r *mathrand.Rand, p []byte) {
	for i := range p {
		p[i] = byte(r.Uint32())
	}
}

func seeded(n uint64) *mathrand.Rand { return mathrand.New(mathrand.NewPCG(n, 5)) }

func TestObjectsKeepTheirContract(t *testing.T) {
	t.Run("Directory", func(t *testing.T) {
		backuptest.Run(t, func(t testing.TB) backup.Objects { return backup.NewDirectory(filepath.Join(t.TempDir(), "a", "b")) })
	})
	t.Run("Memory", func(t *testing.T) {
		backuptest.Run(t, func(testing.TB) backup.Objects { return &backuptest.Memory{} })
	})
}

func TestWhatIsBackedUpIsRestoredByteForByte(t *testing.T) {
	for name, size := range map[string]int{"one sector": 512, "one chunk": mib, "a bit more": mib + 512, "many chunks": 9*mib + 4096} {
		t.Run(name, func(t *testing.T) {
			k, d := newKit(), randomDisk(seeded(uint64(size)), size)
			d.data[size-1] = 9
			w, err := k.Write(t.Context(), sourceOf("b1", d))
			if err != nil || w.Chunks == 0 {
				t.Fatalf("%+v, %v", w, err)
			}
			for kind, into := range map[string]*disk{
				"a new one":     {data: make([]byte, size)},
				"a written one": {data: bytes.Repeat([]byte{0xff}, size)},
				"a larger one":  {data: bytes.Repeat([]byte{0xff}, size+2*mib)},
			} {
				var percents []int
				err := k.Restore(t.Context(), backup.Restoration{ID: "b1", Into: into, Fresh: kind == "a new one",
					Progress: func(p int) { percents = append(percents, p) }})
				want := append(slices.Clone(d.data), make([]byte, into.Size()-d.Size())...)
				if err != nil || !bytes.Equal(into.data, want) || into.flushes != 1 {
					t.Errorf("%s: %v; equal %v; flushed %d times", kind, err, bytes.Equal(into.data, want), into.flushes)
				}
				if len(percents) == 0 || percents[len(percents)-1] != 100 {
					t.Errorf("%s: progress %v", kind, percents)
				}
			}
			zeroing := &zeroingDisk{disk{data: bytes.Repeat([]byte{0xee}, size)}}
			if err := k.Restore(t.Context(), backup.Restoration{ID: "b1", Into: zeroing}); err != nil || !bytes.Equal(zeroing.data, d.data) {
				t.Errorf("a target that makes zeroes: %v", err)
			}
			small := &disk{data: make([]byte, size-1)}
			if err := k.Restore(t.Context(), backup.Restoration{ID: "b1", Into: small}); !errors.Is(err, backup.ErrInvalid) {
				t.Errorf("a smaller target: %v", err)
			}
			report, err := k.Verify(t.Context(), "b1")
			if err != nil || report.Chunks != w.Chunks || len(report.Faults) != 0 {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}

func TestIncrementalReadsOnlyWhatChangedAndRestoresAlone(t *testing.T) {
	k, d := newKit(), randomDisk(seeded(3), 16*mib)
	if _, err := k.Write(t.Context(), sourceOf("full", d)); err != nil {
		t.Fatal(err)
	}
	next := &disk{data: slices.Clone(d.data)}
	next.data[5*mib+7]++
	clear(next.data[8*mib : 10*mib])
	s := backup.Source{ID: "next", From: next, Size: next.Size(), Parent: "full", Note: []byte("a note"),
		Pieces: func(_ context.Context, fn func(int64, int64, bool) error) error {
			return errors.Join(fn(5*mib, 4096, false), fn(8*mib, 2*mib, true))
		}}
	w, err := k.Write(t.Context(), s)
	if err != nil || w.Read != mib {
		t.Fatalf("%+v, %v: it read other than the one chunk", w, err)
	}
	m, err := k.Manifest(t.Context(), "next")
	if err != nil || m.Parent != "full" || m.Size != next.Size() || string(m.Note) != "a note" || !m.Created.Equal(k.now) {
		t.Errorf("%+v, %v", m, err)
	}
	if err := k.Delete(t.Context(), "full"); err != nil {
		t.Fatal(err)
	}
	k.now = k.now.Add(48 * time.Hour)
	if _, err := k.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	into := &disk{data: make([]byte, 16*mib)}
	if err := k.Restore(t.Context(), backup.Restoration{ID: "next", Into: into}); err != nil || !bytes.Equal(into.data, next.data) {
		t.Errorf("restored without its parent: %v", err)
	}
}

func TestEqualChunksAreStoredOnce(t *testing.T) {
	k, d := newKit(), &disk{data: make([]byte, 8*mib)}
	fill(seeded(1), d.data[:mib])
	for c := 1; c < 7; c++ {
		copy(d.data[c*mib:], d.data[:mib])
	}
	if _, err := k.Write(t.Context(), sourceOf("one", d)); err != nil {
		t.Fatal(err)
	}
	if got := len(k.objects.Names("chunks/")); got != 1 {
		t.Errorf("%d chunks are stored, want 1", got)
	}
	again, err := k.Write(t.Context(), sourceOf("two", d))
	if err != nil || again.Stored > 4096 {
		t.Errorf("the same bytes again stored %d bytes, %v", again.Stored, err)
	}
	known, err := k.Write(t.Context(), sourceOf("two", d))
	if err != nil || known.Read != 0 || known.Chunks != 7 {
		t.Errorf("a backup that is there was read again: %+v, %v", known, err)
	}
}

// Each byte of each object is changed in turn, sampled: nothing wrong ever reaches
// the target, and verify finds it.
func TestDamageIsFoundAndNeverRestored(t *testing.T) {
	k, d := newKit(), randomDisk(seeded(8), 6*mib)
	fill(seeded(2), d.data[:mib])
	if _, err := k.Write(t.Context(), sourceOf("b", d)); err != nil {
		t.Fatal(err)
	}
	r := seeded(9)
	for _, object := range k.objects.Names("") {
		for range 6 {
			k.reopen()
			var intact []byte
			k.objects.Change(object, func(data []byte) []byte {
				intact = slices.Clone(data)
				switch r.IntN(4) {
				case 0:
					return data[:r.IntN(len(data))]
				case 1:
					return append(data, 1)
				}
				data[r.IntN(len(data))] ^= byte(1 + r.IntN(255))
				return data
			})
			into := &disk{data: bytes.Repeat([]byte{0xaa}, 6*mib)}
			err := k.Restore(t.Context(), backup.Restoration{ID: "b", Into: into})
			report, verr := k.Verify(t.Context(), "b")
			if object != "repository" { // text: white space in it does no harm
				if !errors.Is(err, backup.ErrDamaged) {
					t.Errorf("%s: restored with %v", object, err)
				}
				if verr == nil && len(report.Faults) == 0 {
					t.Errorf("%s: verify finds nothing", object)
				}
			}
			for off := 0; off < len(into.data); off += mib {
				part, right := into.data[off:off+mib], d.data[off:off+mib]
				untouched := bytes.Count(part, []byte{0xaa}) == mib
				if !untouched && !bytes.Equal(part, right) {
					t.Fatalf("%s: wrong bytes reached the target at %d", object, off)
				}
			}
			k.objects.Change(object, func([]byte) []byte { return intact })
		}
	}
	// Objects that change places do not open either.
	names := k.objects.Names("chunks/")
	var first []byte
	k.objects.Change(names[0], func(data []byte) []byte { first = data; return data })
	k.objects.Change(names[1], func([]byte) []byte { return first })
	if report, err := k.Verify(t.Context(), "b"); err != nil || len(report.Faults) == 0 {
		t.Errorf("a chunk under another's name: %+v, %v", report, err)
	}
}

func TestKeyOfAnotherServerOpensNothing(t *testing.T) {
	k, d := newKit(), randomDisk(seeded(4), 2*mib)
	if _, err := k.Write(t.Context(), sourceOf("b", d)); err != nil {
		t.Fatal(err)
	}
	other := backup.New(backup.Config{Objects: k.objects, Random: rand.Reader, Now: k.clock,
		Secret: func() ([]byte, error) { return make([]byte, 32), nil }})
	if _, err := other.Manifest(t.Context(), "b"); !errors.Is(err, backup.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	if err := k.objects.Delete(t.Context(), "repository"); err != nil {
		t.Fatal(err)
	}
	k.reopen()
	if _, err := k.Write(t.Context(), sourceOf("c", d)); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("a repository that has lost its key made a new one: %v", err)
	}
	for _, name := range k.objects.Names("") {
		if data, _ := k.objects.Get(t.Context(), name, 2*mib); bytes.Contains(data, []byte("breezebreeze")) {
			t.Errorf("%s shows what the device holds", name)
		}
	}
}

func TestSourcesThatCannotBeAreRefused(t *testing.T) {
	k, d := newKit(), &disk{data: make([]byte, mib)}
	for name, change := range map[string]func(*backup.Source){
		"no id":           func(s *backup.Source) { s.ID = "" },
		"a path as id":    func(s *backup.Source) { s.ID = "../x" },
		"no size":         func(s *backup.Source) { s.Size = 0 },
		"a huge size":     func(s *backup.Source) { s.Size = backup.MaxSize + 1 },
		"a huge note":     func(s *backup.Source) { s.Note = make([]byte, backup.MaxNote+1) },
		"a piece outside": func(s *backup.Source) { s.Pieces = whole(mib + 1) },
	} {
		s := sourceOf("b", d)
		change(&s)
		if _, err := k.Write(t.Context(), s); !errors.Is(err, backup.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	s := sourceOf("b", d)
	s.Parent = "gone"
	if _, err := k.Write(t.Context(), s); !errors.Is(err, backup.ErrNotFound) {
		t.Errorf("a parent that is not there: %v", err)
	}
	s = sourceOf("b", &disk{data: make([]byte, mib/2)})
	s.Size, s.Pieces = mib, whole(mib)
	if _, err := k.Write(t.Context(), s); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a device shorter than it says: %v", err)
	}
	if left := k.objects.Names("manifests/"); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

// A process dies at each call in turn, one that has no disk left stands for it as
// well: whatever was there stays whole, and the next attempt finishes the backup.
func TestWriteThatIsCutOffAnywhereIsDoneAnew(t *testing.T) {
	died, d := errors.New("the process died"), randomDisk(seeded(6), 5*mib)
	fill(seeded(3), d.data[:2*mib])
	for at := 1; ; at++ {
		k := newKit()
		if _, err := k.Write(t.Context(), sourceOf("before", &disk{data: bytes.Repeat([]byte{3}, mib)})); err != nil {
			t.Fatal(err)
		}
		var calls atomic.Int64 // chunks are stored several at a time
		k.objects.Before = func(string, string) error {
			if calls.Add(1) >= int64(at) {
				return died
			}
			return nil
		}
		_, err := k.Write(t.Context(), sourceOf("b", d))
		k.objects.Before = nil
		if err == nil && calls.Load() < int64(at) {
			if at < 15 {
				t.Fatalf("only %d calls: is that a whole write?", at)
			}
			return
		}
		k.reopen()
		k.now = k.now.Add(48 * time.Hour)
		if _, err := k.Sweep(t.Context()); err != nil {
			t.Fatalf("sweep after call %d: %v", at, err)
		}
		for id, err := range k.List(t.Context()) {
			report, verr := k.Verify(t.Context(), id)
			if err != nil || verr != nil || len(report.Faults) > 0 {
				t.Errorf("after call %d, %s: %v, %v, %+v", at, id, err, verr, report)
			}
		}
		if _, err := k.Write(t.Context(), sourceOf("b", d)); err != nil {
			t.Fatalf("again after call %d: %v", at, err)
		}
		into := &disk{data: make([]byte, 5*mib)}
		if err := k.Restore(t.Context(), backup.Restoration{ID: "b", Into: into}); err != nil || !bytes.Equal(into.data, d.data) {
			t.Errorf("after call %d: %v", at, err)
		}
	}
}

func TestSweepWaitsForWritersAndTheyForIt(t *testing.T) {
	k, d := newKit(), randomDisk(seeded(5), 4*mib)
	fill(seeded(1), d.data[:mib])
	if _, err := k.Write(t.Context(), sourceOf("old", d)); err != nil {
		t.Fatal(err)
	}
	stored := len(k.objects.Names("chunks/"))
	if err := k.Delete(t.Context(), "old"); err != nil {
		t.Fatal(err)
	}
	if s, err := k.Sweep(t.Context()); err != nil || s.Removed != 0 || len(k.objects.Names("chunks/")) != stored {
		t.Errorf("young chunks were removed: %+v, %v", s, err)
	}
	k.now = k.now.Add(48 * time.Hour)
	// A writer has found the old chunks there and is about to refer to them.
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := sourceOf("new", d)
	s.Pieces = func(ctx context.Context, fn func(int64, int64, bool) error) error {
		close(begun)
		<-goOn
		return fn(0, d.Size(), false)
	}
	result := make(chan error, 1)
	go func() { _, err := k.Write(t.Context(), s); result <- err }()
	<-begun
	if swept, err := k.Sweep(t.Context()); !errors.Is(err, backup.ErrBusy) || swept.Removed != 0 {
		t.Errorf("a sweep beside a writer: %+v, %v", swept, err)
	}
	close(goOn)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	if swept, err := k.Sweep(t.Context()); err != nil || swept.Removed != 0 || swept.Backups != 1 {
		t.Errorf("the sweep took what the new backup refers to: %+v, %v", swept, err)
	}
	// And a writer that begins during a sweep is told to come later.
	k.objects.Before = func(call, name string) error {
		if call == "list" && name == "chunks" {
			k.objects.Before = nil
			if _, err := k.Write(t.Context(), sourceOf("late", d)); !errors.Is(err, backup.ErrBusy) {
				t.Errorf("a writer beside a sweep: %v", err)
			}
			if _, err := k.Sweep(t.Context()); !errors.Is(err, backup.ErrBusy) {
				t.Errorf("a sweep beside a sweep: %v", err)
			}
		}
		return nil
	}
	if _, err := k.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := append(k.objects.Names("writers/"), k.objects.Names("sweep/")...); len(left) != 0 {
		t.Errorf("markers are left: %v", left)
	}
}

func TestMarkersOfTheDeadCountNoMore(t *testing.T) {
	k := newKit()
	if _, err := k.Write(t.Context(), sourceOf("b", randomDisk(seeded(2), mib))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"writers/dead", "sweep/lock"} {
		if err := k.objects.Put(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Sweep(t.Context()); !errors.Is(err, backup.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	k.now = k.now.Add(2 * time.Hour)
	if _, err := k.Sweep(t.Context()); !errors.Is(err, backup.ErrBusy) || !strings.Contains(err.Error(), "dead") {
		t.Errorf("got %v, want that it waits for the writer", err)
	}
	k.now = k.now.Add(23 * time.Hour)
	if _, err := k.Sweep(t.Context()); err != nil {
		t.Errorf("got %v, want a sweep", err)
	}
}

func TestSweepRemovesNothingWhenAManifestCannotBeRead(t *testing.T) {
	k := newKit()
	for _, id := range []string{"a", "b"} {
		if _, err := k.Write(t.Context(), sourceOf(id, randomDisk(seeded(uint64(id[0])), 4*mib))); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	k.now = k.now.Add(48 * time.Hour)
	before := k.objects.Names("")
	for _, object := range slices.Concat(k.objects.Names("manifests/"), k.objects.Names("indexes/")) {
		var intact []byte
		k.objects.Change(object, func(data []byte) []byte { intact = slices.Clone(data); data[50] ^= 1; return data })
		_, err := k.Sweep(t.Context())
		if used := errors.Is(err, backup.ErrDamaged); !used && !strings.HasPrefix(object, "indexes/") {
			t.Errorf("%s is damaged, and the sweep says %v", object, err)
		} else if used && !slices.Equal(before, k.objects.Names("")) {
			t.Errorf("%s is damaged, and the sweep removed something", object)
		}
		if err == nil {
			break // the index was the deleted backup's: it is gone, as it should be
		}
		k.objects.Change(object, func([]byte) []byte { return intact })
	}
}

func TestFullDiskLeavesNoPartOfABackup(t *testing.T) {
	k, d := newKit(), randomDisk(seeded(7), 4*mib)
	fill(seeded(1), d.data)
	k.objects.Before = func(call, name string) error {
		if call == "put" && strings.HasPrefix(name, "chunks/") {
			return backup.ErrNoSpace
		}
		return nil
	}
	if _, err := k.Write(t.Context(), sourceOf("b", d)); !errors.Is(err, backup.ErrNoSpace) {
		t.Errorf("got %v, want ErrNoSpace", err)
	}
	if _, err := k.Manifest(t.Context(), "b"); !errors.Is(err, backup.ErrNotFound) {
		t.Errorf("there is a manifest, or %v", err)
	}
}

func TestDirectoryLeavesNoTemporaryFilesAndIsItsOwnersAlone(t *testing.T) {
	root := filepath.Join(t.TempDir(), "backups")
	k := backup.New(backup.Config{Objects: backup.NewDirectory(root), Secret: secret, Random: rand.Reader, Now: time.Now})
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder is made before it is used")
	}
	d := randomDisk(seeded(11), 6*mib)
	if _, err := k.Write(t.Context(), sourceOf("b", d)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if strings.Contains(path, "/tmp/") && strings.HasPrefix(path, filepath.Join(root, "tmp")+"/") {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	into := &disk{data: make([]byte, 6*mib)}
	if err := k.Restore(t.Context(), backup.Restoration{ID: "b", Into: into, Fresh: true}); err != nil || !bytes.Equal(into.data, d.data) {
		t.Error(err)
	}
	cut := filepath.Join(root, "tmp", "1-1")
	if err := os.WriteFile(cut, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(cut, time.Now(), time.Now().Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cut); !errors.Is(err, os.ErrNotExist) {
		t.Error("what a dead writer left is still there")
	}
}

// A random history of writes to a device, full and incremental backups, deletions
// and sweeps: every backup that is there always restores to what the device held.
func TestHistoriesOfBackups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 4*mib + 512
		k, d := newKit(), &disk{data: make([]byte, size)}
		held := map[string][]byte{}
		var ids []string
		changed := map[string]map[int]bool{} // since each backup: chunks
		for step := range rapid.IntRange(1, 25).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1:
				off := rapid.IntRange(0, size-512).Draw(t, "off")
				n := rapid.IntRange(1, min(2*mib, size-off)).Draw(t, "n")
				value := byte(rapid.IntRange(0, 3).Draw(t, "value"))
				for i := range n {
					d.data[off+i] = value
				}
				for c := off / mib; c <= (off+n-1)/mib; c++ {
					for _, set := range changed {
						set[c] = true
					}
				}
			case 2, 3:
				id := "b" + string(rune('a'+step))
				s := sourceOf(id, &disk{data: slices.Clone(d.data)})
				if len(ids) > 0 && rapid.Bool().Draw(t, "incremental") {
					s.Parent = rapid.SampledFrom(ids).Draw(t, "parent")
					set := changed[s.Parent]
					s.Pieces = func(_ context.Context, fn func(int64, int64, bool) error) error {
						for c := range set {
							off := c * mib
							n := min(mib, size-off)
							if err := fn(int64(off), int64(n), bytes.Count(d.data[off:off+n], []byte{0}) == n); err != nil {
								return err
							}
						}
						return nil
					}
				}
				if _, err := k.Write(context.Background(), s); err != nil {
					t.Fatal(err)
				}
				ids, held[id], changed[id] = append(ids, id), slices.Clone(d.data), map[int]bool{}
			case 4:
				if len(ids) > 0 {
					id := rapid.SampledFrom(ids).Draw(t, "gone")
					if err := k.Delete(context.Background(), id); err != nil {
						t.Fatal(err)
					}
					ids = slices.DeleteFunc(ids, func(other string) bool { return other == id })
					delete(held, id)
					delete(changed, id)
				}
			case 5:
				k.now = k.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "hours")) * time.Hour)
				if _, err := k.Sweep(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}
		for id, want := range held {
			into := &disk{data: bytes.Repeat([]byte{0xcc}, size)}
			if err := k.Restore(context.Background(), backup.Restoration{ID: id, Into: into}); err != nil || !bytes.Equal(into.data, want) {
				t.Fatalf("%s: %v", id, err)
			}
		}
		for _, id := range ids {
			if err := k.Delete(context.Background(), id); err != nil {
				t.Fatal(err)
			}
		}
		k.now = k.now.Add(48 * time.Hour)
		if _, err := k.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
		if left := k.objects.Names(""); len(left) > 1 || (len(left) == 1 && left[0] != "repository") {
			t.Fatalf("left are %v", left)
		}
	})
}
