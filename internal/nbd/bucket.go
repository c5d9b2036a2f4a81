package nbd

import (
	"sync"
	"time"
)

// QoS is what a device may do in a second; 0 is no limit. It counts reads, writes
// and zero writes; a burst of one second is allowed after a pause.
type QoS struct {
	IOPS           int64 // of reads and writes together
	BytesPerSecond int64

	ReadIOPS, WriteIOPS                     int64
	ReadBytesPerSecond, WriteBytesPerSecond int64
}

// burst is how much of the future may be spent at once after a pause.
const burst = time.Second

// bucket hands out a budget to all connections that spend of it, in the order they ask.
type bucket struct {
	budget  string
	devices int // that are open; Server.mu guards it

	mu    sync.Mutex
	off   bool // there is no limit
	all   share
	kinds [2]share // of reads, of writes
}

// share is what may be done in a second of one kind of request, or of all.
type share struct{ ops, bytes meter }

func (s *share) set(ops, bytes int64) bool {
	s.ops.rate, s.bytes.rate = max(ops, 0), max(bytes, 0)
	return s.ops.rate == 0 && s.bytes.rate == 0
}

func (s *share) take(now time.Time, n int64) time.Duration {
	return max(s.ops.take(now, 1), s.bytes.take(now, n))
}

// meter is a token bucket kept as the time at which all that was taken is paid for.
type meter struct {
	rate int64 // units in a second; 0 is no limit
	paid time.Time
}

func (b *bucket) set(q QoS) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.all.set(q.IOPS, q.BytesPerSecond)
	reads := b.kinds[0].set(q.ReadIOPS, q.ReadBytesPerSecond)
	writes := b.kinds[1].set(q.WriteIOPS, q.WriteBytesPerSecond)
	b.off = all && reads && writes
}

// take books one read or write of n bytes and tells how long to wait before doing it.
// What is larger than the burst waits for its remainder.
func (b *bucket) take(now func() time.Time, n int64, write bool) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.off {
		return 0
	}
	at, kind := now(), &b.kinds[0]
	if write {
		kind = &b.kinds[1]
	}
	return max(b.all.take(at, n), kind.take(at, n))
}

func (m *meter) take(now time.Time, n int64) time.Duration {
	if m.rate == 0 {
		return 0
	}
	if full := now.Add(-burst); m.paid.Before(full) {
		m.paid = full
	}
	// n is at most 2^32, so that the product stays below 2^63.
	m.paid = m.paid.Add(time.Duration(n * int64(time.Second) / m.rate))
	return max(m.paid.Sub(now), 0)
}
