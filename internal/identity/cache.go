package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
	"time"
)

const (
	cacheSets = 1024
	cacheWays = 4
	// cacheFor is how long a validated token is believed without looking again; what
	// another process changes in the same database is seen after that at the latest.
	cacheFor = time.Minute
)

// cache remembers validated tokens by the SHA-256 of their text, so that no token
// lies about in memory as a key. It holds cacheSets × cacheWays entries at most and
// takes no lock: each place is one pointer, and the oldest of a set gives way.
type cache struct {
	generation atomic.Uint64 // moves when entries made so far are void
	sets       [cacheSets][cacheWays]atomic.Pointer[remembered]
}

type remembered struct {
	key        [sha256.Size]byte
	generation uint64
	until      int64 // Unix nanoseconds: the token's expiry or cacheFor, whichever is first
	token      *Token
}

// digest is the cache's key. A token has MaxToken bytes at most.
func digest(token string) [sha256.Size]byte {
	var buf [MaxToken]byte // on the stack: the hit path allocates nothing
	return sha256.Sum256(buf[:copy(buf[:], token)])
}

func (c *cache) set(key *[sha256.Size]byte) *[cacheWays]atomic.Pointer[remembered] {
	return &c.sets[binary.LittleEndian.Uint32(key[:])%cacheSets]
}

// get finds a token that is still believed at now.
func (c *cache) get(key *[sha256.Size]byte, now time.Time) *Token {
	set := c.set(key)
	for i := range set {
		e := set[i].Load()
		if e == nil || e.key != *key {
			continue
		}
		if e.generation != c.generation.Load() || now.UnixNano() >= e.until {
			return nil
		}
		return e.token
	}
	return nil
}

// put remembers a token that was looked up when the generation was as given.
func (c *cache) put(key *[sha256.Size]byte, token *Token, generation uint64, now time.Time) {
	until := now.Add(cacheFor)
	if token.ExpiresAt.Before(until) {
		until = token.ExpiresAt
	}
	fresh := &remembered{key: *key, generation: generation, until: until.UnixNano(), token: token}
	set := c.set(key)
	place := &set[0]
	oldest := int64(1<<63 - 1)
	for i := range set {
		e := set[i].Load()
		if e == nil || e.key == *key || e.generation != generation {
			place = &set[i]
			break
		}
		if e.until < oldest {
			oldest, place = e.until, &set[i]
		}
	}
	place.Store(fresh)
}

// forget voids every entry.
func (c *cache) forget() { c.generation.Add(1) }
