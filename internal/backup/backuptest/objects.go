package backuptest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/breezeblock/breezeblock/internal/backup"
)

// Run holds a store of objects to its contract; fresh makes an empty one.
func Run(t *testing.T, fresh func(testing.TB) backup.Objects) {
	t.Run("what is put comes back", func(t *testing.T) { testPut(t, fresh(t)) })
	t.Run("names that are none are refused", func(t *testing.T) {
		o := fresh(t)
		for _, name := range []string{"", "/", "a/", "/a", "a//b", "../a", "a/../b", ".a", "A", "a b", "-a", "a/-b", string(make([]byte, 200))} {
			_, got := o.Get(t.Context(), name, 10)
			_, stat := o.Stat(t.Context(), name)
			for _, err := range []error{o.Put(t.Context(), name, nil), o.Create(t.Context(), name, nil), got, stat, o.Delete(t.Context(), name)} {
				if !errors.Is(err, backup.ErrInvalid) {
					t.Errorf("%q: got %v, want ErrInvalid", name, err)
				}
			}
		}
	})
	t.Run("of many that create one name, one does", func(t *testing.T) {
		o := fresh(t)
		var mu sync.Mutex
		var made [][]byte
		var working sync.WaitGroup
		for i := range 16 {
			working.Go(func() {
				mine := bytes.Repeat([]byte{byte(i)}, 1000)
				err := o.Create(t.Context(), "a/b", mine)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made = append(made, mine)
				} else if !errors.Is(err, backup.ErrExists) {
					t.Error(err)
				}
			})
		}
		working.Wait()
		got, err := o.Get(t.Context(), "a/b", 1000)
		if len(made) != 1 || err != nil || !bytes.Equal(got, made[0]) {
			t.Errorf("%d created it; it holds %d bytes, %v", len(made), len(got), err)
		}
	})
	t.Run("a list has a folder's objects, each once", func(t *testing.T) { testList(t, fresh(t)) })
}

func testPut(t *testing.T, o backup.Objects) {
	ctx := t.Context()
	if _, err := o.Get(ctx, "a/b", 10); !errors.Is(err, backup.ErrNotFound) {
		t.Errorf("get of nothing: %v", err)
	}
	if _, err := o.Stat(ctx, "a/b"); !errors.Is(err, backup.ErrNotFound) {
		t.Errorf("stat of nothing: %v", err)
	}
	for _, data := range [][]byte{[]byte("one"), []byte("another, longer"), {}} {
		if err := errors.Join(o.Put(ctx, "a/b", data), o.Flush(ctx)); err != nil {
			t.Fatal(err)
		}
		got, err := o.Get(ctx, "a/b", int64(len(data)))
		info, statErr := o.Stat(ctx, "a/b")
		if !bytes.Equal(got, data) || err != nil || statErr != nil || info.Size != int64(len(data)) || info.Modified.IsZero() || info.Name != "a/b" {
			t.Errorf("got %q, %v, %+v, %v", got, err, info, statErr)
		}
	}
	if err := o.Put(ctx, "a/b", []byte("four")); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Get(ctx, "a/b", 3); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("an object longer than the limit: %v", err)
	}
	for range 2 {
		if err := errors.Join(o.Delete(ctx, "a/b"), o.Flush(ctx)); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := o.Get(ctx, "a/b", 10); !errors.Is(err, backup.ErrNotFound) {
		t.Errorf("get of what is gone: %v", err)
	}
}

func testList(t *testing.T, o backup.Objects) {
	var want []string
	for i := range 20 {
		name := fmt.Sprintf("a/%d/x%d", i%3, i)
		want = append(want, name)
		if err := o.Put(t.Context(), name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Put(t.Context(), "ab/1", nil); err != nil {
		t.Fatal(err)
	}
	var got []string
	for info, err := range o.List(t.Context(), "a/") {
		if err != nil || info.Size != int64(len(info.Name)) {
			t.Errorf("%+v, %v", info, err)
		}
		got = append(got, info.Name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range o.List(t.Context(), "nothing/") {
		t.Error("a folder that is not there has an object")
	}
	for range o.List(t.Context(), "a/") {
		break // a reader that has seen enough
	}
}
