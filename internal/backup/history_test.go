package backup_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/breezeblock/breezeblock/internal/backup"
)

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
