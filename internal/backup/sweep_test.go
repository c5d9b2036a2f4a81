package backup_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
)

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
