package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// bytesOf is a device that holds one byte everywhere.
type bytesOf byte

func (b bytesOf) ReadAt(p []byte, _ int64) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

func repositoryAt(root string) *Repository {
	return New(Config{Objects: NewDirectory(root), Random: rand.Reader, Now: time.Now,
		Secret: func() ([]byte, error) { return make([]byte, 32), nil }})
}

// sourceAt is a backup of two chunks; while is called when it is about to read them.
func sourceAt(id string, b bytesOf, while func() error) Source {
	return Source{ID: id, From: b, Size: 2 * ChunkSize, Pieces: func(_ context.Context, fn func(int64, int64, bool) error) error {
		return errors.Join(while(), fn(0, 2*ChunkSize, false))
	}}
}

func nothing() error { return nil }

// Several nodes share a folder, and their processes may have one number: what one
// writes never comes to lie in another's file.
func TestNodesThatShareAFolderKeepOutOfEachOthersFiles(t *testing.T) {
	root := t.TempDir()
	nodes := []*Directory{NewDirectory(root), NewDirectory(root)}
	var working sync.WaitGroup
	for n, d := range nodes {
		working.Go(func() {
			for i := range 100 {
				if err := d.Put(t.Context(), fmt.Sprintf("chunks/%d-%d", n, i), bytes.Repeat([]byte{byte(n + 1)}, 100_000)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	working.Wait()
	for n := range nodes {
		for i := range 100 {
			got, err := nodes[0].Get(t.Context(), fmt.Sprintf("chunks/%d-%d", n, i), 1<<20)
			if err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(n + 1)}, 100_000)) {
				t.Fatalf("object %d of node %d: %d bytes, %v: not what was put", i, n, len(got), err)
			}
		}
	}
}

// A chunk that a killed process put and never flushed is found and not put again:
// its name must be durable before the manifest that refers to it.
func TestWhatIsFoundIsFlushedToo(t *testing.T) {
	root := filepath.Join(t.TempDir(), "backups")
	if err := NewDirectory(root).Put(t.Context(), "chunks/ab/cd", nil); err != nil {
		t.Fatal(err)
	}
	later := NewDirectory(root)
	if _, err := later.Stat(t.Context(), "chunks/ab/cd"); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{root, filepath.Join(root, "chunks"), filepath.Join(root, "chunks", "ab")} {
		if !later.unsynced[folder] {
			t.Errorf("%s is taken for durable", folder)
		}
	}
	if err := later.Flush(t.Context()); err != nil || len(later.unsynced) != 0 {
		t.Errorf("after the flush: %v, %v", later.unsynced, err)
	}
}

// A writer whose marker is another's, or is gone, wrote what a sweep may have taken:
// it leaves no manifest, and does not take the other's marker away.
func TestWriterThatLostItsMarkerLeavesNoBackup(t *testing.T) {
	root := t.TempDir()
	r, other := repositoryAt(root), repositoryAt(root)
	_, err := r.Write(t.Context(), sourceAt("b", 1, func() error {
		_, err := other.begin(t.Context(), "b") // took the job over, and is at work
		return err
	}))
	if !errors.Is(err, ErrBusy) {
		t.Errorf("with another's marker: %v, want ErrBusy", err)
	}
	if _, err := r.Sweep(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("a sweep beside the other: %v, want ErrBusy", err)
	}
	_, err = r.Write(t.Context(), sourceAt("c", 1, func() error { return r.objects.Delete(t.Context(), writers+"c") }))
	if !errors.Is(err, ErrBusy) {
		t.Errorf("without a marker: %v, want ErrBusy", err)
	}
	for id, err := range r.List(t.Context()) {
		t.Errorf("there is a backup: %s, %v", id, err)
	}
	if _, err := r.Write(t.Context(), sourceAt("b", 1, nothing)); err != nil {
		t.Errorf("done anew: %v", err)
	}
}

// A full backup reads what it finds stored: a chunk that was damaged on disk, in any
// way, is put again, and every backup that refers to it is whole again.
func TestFullBackupMendsWhatWasDamaged(t *testing.T) {
	for name, damage := range map[string]func(box []byte) []byte{
		"cut short":        func(b []byte) []byte { return b[:len(b)/2] },
		"empty":            func([]byte) []byte { return nil },
		"a flipped bit":    func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"too long":         func(b []byte) []byte { return append(b, make([]byte, maxBox)...) },
		"another's header": func(b []byte) []byte { b[4] = byte(manifestKind); return b },
	} {
		t.Run(name, func(t *testing.T) {
			r := repositoryAt(t.TempDir())
			first, err := r.Write(t.Context(), sourceAt("first", 1, nothing))
			if err != nil || first.Mended != 0 {
				t.Fatal(first, err)
			}
			for _, folder := range []string{chunkFolder, indexFolder} {
				for info, err := range r.objects.List(t.Context(), folder) {
					box, errGet := r.objects.Get(t.Context(), info.Name, maxBox)
					if err := errors.Join(err, errGet, r.objects.Put(t.Context(), info.Name, damage(box))); err != nil {
						t.Fatal(err)
					}
				}
			}
			if report, err := r.Verify(t.Context(), "first"); err == nil && len(report.Faults) == 0 {
				t.Fatal("verify finds nothing")
			}
			second, err := r.Write(t.Context(), sourceAt("second", 1, nothing))
			if err != nil || second.Mended < 2 { // both chunks are one, met twice; and the index
				t.Errorf("%+v, %v", second, err)
			}
			for _, id := range []string{"first", "second"} {
				if report, err := r.Verify(t.Context(), id); err != nil || len(report.Faults) != 0 || report.Chunks != 2 {
					t.Errorf("%s: %+v, %v", id, report, err)
				}
			}
		})
	}
}
