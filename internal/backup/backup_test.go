package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
)

const mib = backup.ChunkSize

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
