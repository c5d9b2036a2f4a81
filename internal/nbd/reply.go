package nbd

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// replies gathers what goes back to the client. The connection's goroutine leaves
// its replies here until it has no whole request at hand; workers write at once,
// or leave it to the one who waits behind them.
type replies struct {
	net     net.Conn
	timeout time.Duration // for a piece to be taken
	waiting atomic.Int32  // workers that will write after whoever holds mu

	mu    sync.Mutex
	buf   []byte      // capacity gather
	pair  [2][]byte   // what vec is made of
	vec   net.Buffers // the buffered and a payload, for one writev
	renew time.Time   // when the write deadline is next moved on
	err   error       // the first failure; nothing is written after it
}

// replyHead is the largest head, with the offset of a structured read.
const replyHead = chunkHead + 8

// lock begins a reply of n payload bytes and makes room for it.
func (w *replies) lock(now bool, n int) error {
	if now {
		w.waiting.Add(1)
		w.mu.Lock()
		w.waiting.Add(-1)
	} else {
		w.mu.Lock()
	}
	if n >= smallPayload {
		n = 0
	}
	if w.err == nil && len(w.buf)+replyHead+n > cap(w.buf) {
		w.write(nil)
	}
	return w.err
}

// unlock ends a reply: p is its payload.
func (w *replies) unlock(now bool, p []byte) error {
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
	case len(p) >= smallPayload:
		w.write(p)
	default:
		w.buf = append(w.buf, p...)
		if now && w.waiting.Load() == 0 {
			w.write(nil)
		}
	}
	return w.err
}

// flush writes what was gathered.
func (w *replies) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && len(w.buf) > 0 {
		w.write(nil)
	}
	return w.err
}

// write writes what was gathered and then p. Under mu.
func (w *replies) write(p []byte) {
	first := p[:min(len(p), transferPiece)]
	w.extend()
	if len(first) == 0 {
		_, w.err = w.net.Write(w.buf)
	} else {
		w.pair[0], w.pair[1] = w.buf, first
		w.vec = w.pair[:]
		_, w.err = w.vec.WriteTo(w.net)
		w.pair = [2][]byte{}
	}
	w.buf = w.buf[:0]
	for p = p[len(first):]; w.err == nil && len(p) > 0; {
		piece := p[:min(len(p), transferPiece)]
		w.extend()
		_, w.err = w.net.Write(piece)
		p = p[len(piece):]
	}
}

// extend moves the deadline on when a quarter of it has gone by: moving it for
// each reply would cost as much as a small read.
func (w *replies) extend() {
	if now := time.Now(); now.After(w.renew) {
		_ = w.net.SetWriteDeadline(now.Add(w.timeout))
		w.renew = now.Add(w.timeout / 4)
	}
}
