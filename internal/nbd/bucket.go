package nbd

import (
	"sync"
	"time"
)

// QoS is what a device may do in a second; 0 is no limit. It counts reads, writes
// and zero writes; a burst of one second is allowed after a pause.
type QoS struct {
	IOPS           int64
	BytesPerSecond int64
}

// burst is how much of the future may be spent at once after a pause.
const burst = time.Second

// bucket hands out a device's share to all its connections, in the order they ask.
type bucket struct {
	mu    sync.Mutex
	ops   meter
	bytes meter
}

// meter is a token bucket kept as the time at which all that was taken is paid for.
type meter struct {
	rate int64 // units in a second; 0 is no limit
	paid time.Time
}

func (b *bucket) set(q QoS) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ops.rate, b.bytes.rate = max(q.IOPS, 0), max(q.BytesPerSecond, 0)
}

// take books one operation of n bytes and tells how long to wait before doing it.
// What is larger than the burst waits for its remainder.
func (b *bucket) take(now func() time.Time, n int64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ops.rate == 0 && b.bytes.rate == 0 {
		return 0
	}
	at := now()
	return max(b.ops.take(at, 1), b.bytes.take(at, n))
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
