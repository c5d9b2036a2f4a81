package store

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// cacheShards keeps readers on different rows from meeting at one lock.
const cacheShards = 16

// cache holds committed rows by id, at most so many bytes of them. The writer
// alone changes it: before COMMIT it withholds the rows that change, after COMMIT
// it puts the new ones in, then it answers its callers. So a hit is never older
// than what a read of the database would give. A reader that missed may fill in
// what it read, unless the writer has touched the shard since it began to read.
//
// A nil cache holds nothing.
type cache[T any] struct {
	seed   maphash.Seed
	size   func(*T) int64
	limit  int64 // bytes for each shard
	shards [cacheShards]cacheShard[T]
}

type cacheShard[T any] struct {
	mu    sync.RWMutex
	rows  map[string]*cacheEntry[T]
	ring  []*cacheEntry[T] // for the clock hand
	hand  int
	bytes int64
	moves uint64 // raised by each change of the writer

	hits, misses atomic.Int64
	_            [64]byte // keeps neighbours off this cache line
}

type cacheEntry[T any] struct {
	id       string
	row      *T
	bytes    int64
	place    int // in the ring
	withheld bool
	used     atomic.Bool // since the clock hand came by
}

// entryBytes is what an entry costs beside its row: the entry, the map's and the ring's slots.
const entryBytes = 160

func newCache[T any](limit int64, size func(*T) int64) *cache[T] {
	if limit <= 0 {
		return nil
	}
	c := &cache[T]{seed: maphash.MakeSeed(), size: size, limit: limit / cacheShards}
	for i := range c.shards {
		c.shards[i].rows = map[string]*cacheEntry[T]{}
	}
	return c
}

func (c *cache[T]) shard(id string) *cacheShard[T] {
	return &c.shards[maphash.String(c.seed, id)%cacheShards]
}

// get is the row, or nil. It allocates nothing.
func (c *cache[T]) get(id string) *T {
	if c == nil {
		return nil
	}
	s := c.shard(id)
	s.mu.RLock()
	e := s.rows[id]
	if e == nil || e.withheld {
		s.mu.RUnlock()
		s.misses.Add(1)
		return nil
	}
	row := e.row
	s.mu.RUnlock()
	if !e.used.Load() {
		e.used.Store(true)
	}
	s.hits.Add(1)
	return row
}

// begin is called before reading a row that get did not have; fill wants its answer.
func (c *cache[T]) begin(id string) uint64 {
	if c == nil {
		return 0
	}
	s := c.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.moves
}

// fill puts in what was read since begin, unless the writer moved meanwhile.
func (c *cache[T]) fill(id string, row *T, begun uint64) {
	if c == nil {
		return
	}
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves == begun && s.rows[id] == nil {
		c.put(s, id, row)
	}
}

// withhold makes readers of id go to the database until settle; the writer calls
// it before COMMIT.
func (c *cache[T]) withhold(id string) {
	if c == nil {
		return
	}
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moves++
	if e := s.rows[id]; e != nil {
		e.withheld = true
		return
	}
	c.add(s, &cacheEntry[T]{id: id, withheld: true, bytes: entryBytes})
}

// settle ends withhold: row is what the commit left, nil when the row is gone or
// when nobody knows, which is after a COMMIT that failed.
func (c *cache[T]) settle(id string, row *T) {
	if c == nil {
		return
	}
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moves++
	e := s.rows[id]
	switch {
	case row == nil:
		if e != nil {
			s.remove(e)
		}
	case e == nil:
		c.put(s, id, row)
	default: // the usual one: the entry that withhold left
		bytes := entryBytes + c.size(row)
		if bytes > c.limit {
			s.remove(e)
			return
		}
		s.bytes += bytes - e.bytes
		e.row, e.bytes, e.withheld = row, bytes, false
		c.makeRoom(s, e)
	}
}

// put adds a row and makes room for it. The shard is locked.
func (c *cache[T]) put(s *cacheShard[T], id string, row *T) {
	bytes := entryBytes + c.size(row)
	if bytes > c.limit {
		return
	}
	e := &cacheEntry[T]{id: id, row: row, bytes: bytes}
	c.add(s, e)
	c.makeRoom(s, e)
}

// makeRoom removes rows that were not used lately, never kept. Each entry is
// passed twice at most: once to take its mark, once to go.
func (c *cache[T]) makeRoom(s *cacheShard[T], kept *cacheEntry[T]) {
	for steps := 2 * len(s.ring); s.bytes > c.limit && steps > 0; steps-- {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		switch e := s.ring[s.hand]; {
		case e.withheld, e == kept, e.used.Swap(false):
			s.hand++
		default:
			s.remove(e) // the last one comes to its place: the hand stays
		}
	}
}

func (c *cache[T]) add(s *cacheShard[T], e *cacheEntry[T]) {
	e.place = len(s.ring)
	s.ring = append(s.ring, e)
	s.rows[e.id] = e
	s.bytes += e.bytes
}

func (s *cacheShard[T]) remove(e *cacheEntry[T]) {
	last := s.ring[len(s.ring)-1]
	s.ring[e.place], last.place = last, e.place
	s.ring[len(s.ring)-1] = nil
	s.ring = s.ring[:len(s.ring)-1]
	delete(s.rows, e.id)
	s.bytes -= e.bytes
}

// count adds the cache's figures to stats.
func (c *cache[T]) count(stats *Stats) {
	if c == nil {
		return
	}
	for i := range c.shards {
		s := &c.shards[i]
		stats.CacheHits += s.hits.Load()
		stats.CacheMisses += s.misses.Load()
		s.mu.RLock()
		stats.CacheBytes += s.bytes
		stats.CacheRows += int64(len(s.rows))
		s.mu.RUnlock()
	}
}
