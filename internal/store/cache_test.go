package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/breezeblock/breezeblock/internal/block"
)

func sized(bytes int64) func(*int64) int64 { return func(*int64) int64 { return bytes } }

func TestCacheAgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCache(cacheShards*10*(entryBytes+100), sized(100))
		committed := map[string]*int64{} // the database
		withheld := map[string]bool{}
		begun := map[string]uint64{} // reads that are under way
		read := map[string]*int64{}  // and what they found
		ids := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"})
		next := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"get": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				if row := c.get(id); row != nil && (row != committed[id] || withheld[id]) {
					t.Fatalf("%s: served %d", id, *row)
				}
			},
			"begin to read": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				begun[id], read[id] = c.begin(id), committed[id]
			},
			"fill": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				if read[id] != nil {
					c.fill(id, read[id], begun[id])
				}
			},
			"withhold": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				if !withheld[id] {
					withheld[id] = true
					c.withhold(id)
				}
			},
			"settle": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				if !withheld[id] {
					return
				}
				withheld[id] = false
				switch rapid.IntRange(0, 2).Draw(t, "outcome") {
				case 0: // committed
					next++
					row := next
					committed[id] = &row
					c.settle(id, &row)
				case 1: // committed: gone
					committed[id] = nil
					c.settle(id, nil)
				case 2: // rolled back
					c.settle(id, nil)
				}
			},
			"": func(t *rapid.T) {
				for i := range c.shards {
					s := &c.shards[i]
					sum := int64(0)
					for place, e := range s.ring {
						if e.place != place || s.rows[e.id] != e {
							t.Fatalf("the ring is torn at %d", place)
						}
						sum += e.bytes
					}
					if sum != s.bytes || len(s.rows) != len(s.ring) {
						t.Fatalf("counted %d bytes, there are %d", s.bytes, sum)
					}
				}
			},
		})
	})
}

func TestCacheStaysWithinItsBytes(t *testing.T) {
	const limit = 1 << 20
	c := newCache(limit, sized(1000))
	for n := range 10000 {
		id := fmt.Sprint(n)
		row := int64(n)
		if n%2 == 0 {
			c.fill(id, &row, c.begin(id))
		} else {
			c.withhold(id)
			c.settle(id, &row)
		}
		c.get(fmt.Sprint(n / 2))
	}
	var stats Stats
	c.count(&stats)
	if stats.CacheBytes > limit || stats.CacheBytes < limit/2 {
		t.Errorf("it holds %d bytes, want %d at most and not much less", stats.CacheBytes, limit)
	}
	huge := newCache(limit, sized(limit))
	row := int64(1)
	huge.fill("a", &row, huge.begin("a"))
	if huge.get("a") != nil {
		t.Error("a row larger than its share was kept")
	}
}

func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := newCache(cacheShards*20*(entryBytes+100), sized(100))
	row := int64(1)
	for n := range 5000 {
		c.get("hot")
		id := fmt.Sprint(n)
		c.fill(id, &row, c.begin(id))
		if c.get("hot") == nil {
			c.fill("hot", &row, c.begin("hot"))
		}
	}
	if hits := c.shard("hot").hits.Load(); hits < 5000 {
		t.Errorf("only %d hits on a row that is used all the time", hits)
	}
}

func TestHitAllocatesNothing(t *testing.T) {
	s := openTest(t, Config{})
	if err := s.write(t.Context(), func(tx *Tx) error { return tx.AddSnapshot(testSnapshot(1)) }); err != nil {
		t.Fatal(err)
	}
	id, ctx := testSnapshot(1).ID, t.Context()
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := s.Snapshot(ctx, id); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for each hit", allocs)
	}
}

// TestReadsNeverGoBack has writers, some of whose work fails, and readers that go
// by row and by list, over a cache that is too small: no read may see an older
// version than a read or an acknowledged write before it, nor one that was undone.
func TestReadsNeverGoBack(t *testing.T) {
	const rows, writers, readers, rounds = 12, 4, 4, 150
	s := openTest(t, Config{CacheBytes: 2 * cacheShards * 2 * 700})
	var seen [rows]atomic.Int64 // the newest version that anyone knows of
	for n := range rows {
		if err := s.write(t.Context(), func(tx *Tx) error { return tx.AddSnapshot(testSnapshot(n)) }); err != nil {
			t.Fatal(err)
		}
		seen[n].Store(1)
	}
	raise := func(n int, version int64) {
		for old := seen[n].Load(); old < version && !seen[n].CompareAndSwap(old, version); old = seen[n].Load() {
		}
	}
	var writing, reading sync.WaitGroup
	stop := make(chan struct{})
	for w := range writers {
		random := rand.New(rand.NewPCG(1, uint64(w)))
		writing.Go(func() {
			for range rounds {
				writeOrFail(t, s, random, rows, raise)
			}
		})
	}
	for r := range readers {
		random := rand.New(rand.NewPCG(2, uint64(r)))
		reading.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				n := random.IntN(rows)
				least := seen[n].Load()
				snap, err := readEitherWay(s, testSnapshot(n).ID, random.IntN(3) == 0)
				if err != nil || snap.Version < least || snap.Progress < 0 {
					t.Errorf("row %d: %+v, %v; version %d had been seen", n, snap, err, least)
					return
				}
				raise(n, snap.Version)
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
}

// writeOrFail changes one row, or writes a mark that it then undoes by failing.
func writeOrFail(t *testing.T, s *Store, random *rand.Rand, rows int, raise func(int, int64)) {
	n, fails := random.IntN(rows), random.IntN(3) == 0
	undone := errors.New("undone")
	var version int64
	err := s.write(context.Background(), func(tx *Tx) error {
		snap, err := tx.Snapshot(testSnapshot(n).ID)
		if err != nil {
			return err
		}
		changed := *snap
		if fails {
			changed.Progress = -1
		}
		if err := tx.SaveSnapshot(&changed); err != nil {
			return err
		}
		version = changed.Version
		if fails {
			return undone
		}
		return nil
	})
	switch {
	case fails && !errors.Is(err, undone), !fails && err != nil:
		t.Errorf("got %v", err)
	case !fails:
		raise(n, version)
	}
}

func readEitherWay(s *Store, id string, list bool) (*block.Snapshot, error) {
	if !list {
		return s.Snapshot(context.Background(), id)
	}
	page, err := s.Snapshots(context.Background(), block.List{Filters: []block.Filter{{Field: block.FieldID, Value: id}}})
	if err != nil || len(page) != 1 {
		return nil, fmt.Errorf("listed %d rows: %w", len(page), err)
	}
	return page[0], nil
}
