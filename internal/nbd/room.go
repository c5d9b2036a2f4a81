package nbd

import (
	"sync"
	"time"
)

// room bounds what one connection has in hand.
type room struct {
	maxRequests int
	maxBytes    int64

	mu       sync.Mutex
	freed    sync.Cond
	requests int
	bytes    int64
}

func newRoom(requests int, bytes int64) *room {
	r := &room{maxRequests: requests, maxBytes: bytes}
	r.freed.L = &r.mu
	return r
}

// enter takes room for a request of n bytes. It calls before once if it has to wait.
func (r *room) enter(n int64, before func() error) error {
	r.mu.Lock()
	if r.full(n) {
		r.mu.Unlock()
		if err := before(); err != nil {
			return err
		}
		r.mu.Lock()
	}
	for r.full(n) {
		r.freed.Wait()
	}
	r.requests++
	r.bytes += n
	r.mu.Unlock()
	return nil
}

func (r *room) full(n int64) bool {
	return r.requests >= r.maxRequests || (r.requests > 0 && r.bytes+n > r.maxBytes)
}

func (r *room) leave(n int64) {
	r.mu.Lock()
	r.requests--
	r.bytes -= n
	r.mu.Unlock()
	r.freed.Signal() // the connection's goroutine is the only one that waits
}

// taken is how many requests are in hand.
func (r *room) taken() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

const (
	// slow is a mean time of small requests at which others should not wait behind
	// them: more than copying from memory takes, less than a fast disk.
	slow = 40 * time.Microsecond
	// detour is how many requests go to workers while they are slow, before one tries again.
	detour = 64
)

// pace finds out whether small requests are served from memory: then the
// connection's own goroutine serves them, which costs least. Where they wait for a
// disk, workers do, many at a time.
type pace struct {
	mean time.Duration // of the last eight or so
	skip int
}

func (p *pace) quick() bool {
	if p.skip > 0 {
		p.skip--
		return false
	}
	return true
}

// took counts a request. One that lost its processor for a while must not weigh
// as much as a slow disk does: it counts four times slow at most.
func (p *pace) took(d time.Duration) {
	p.mean += (min(d, 4*slow) - p.mean) / 8
	if p.mean > slow {
		p.skip = detour
	}
}
