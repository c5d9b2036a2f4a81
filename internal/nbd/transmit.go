package nbd

import (
	"bufio"
	"context"
	"io"
	"sync"
	"time"
)

// session is the transmission phase of a connection. Its own goroutine reads
// requests and serves the quick ones; workers serve the rest.
type session struct {
	*conn
	agreed
	can     *abilities
	base    context.Context // never ends: a flush that is cut off would end its device
	in      *bufio.Reader
	limit   time.Duration // that the read deadline stands for; 0 is none
	out     replies
	room    *room
	pace    pace
	req     request // the one that was read last
	scratch *buffer // for small reads
	timer   *time.Timer
	work    chan *request
	workers int
	crew    sync.WaitGroup
	failed  sync.Once // logs the first failure of the device
	full    sync.Once // logs the first want of space
}

// transmit serves requests until the client leaves, breaks the protocol, or is cut
// off. When it returns, no request of this connection is under way.
func (c *conn) transmit(a agreed) error {
	limits, pools := &c.server.limits, &c.server.pools
	s := &session{
		conn: c, agreed: a, can: &c.held.can, base: context.WithoutCancel(c.ctx),
		in: pools.reader(), room: newRoom(limits.Requests, limits.Bytes),
		work: make(chan *request, limits.Requests), scratch: pools.buffer(smallPayload),
	}
	gathered := pools.buffer(gather)
	s.out.net, s.out.timeout, s.out.buf = c.net, limits.Transfer, gathered.b[:0]
	s.in.Reset(c.net)
	c.setReadDeadline(time.Time{})
	err := s.serve()
	close(s.work)
	s.crew.Wait()
	if failed := s.out.flush(); err == nil {
		err = failed
	}
	pools.giveReader(s.in)
	pools.giveBuffer(s.scratch)
	pools.giveBuffer(gathered)
	return err
}

func (s *session) serve() error {
	for {
		if err := s.next(); err != nil {
			return err
		}
		if s.req.kind == cmdDisc {
			return errLeft
		}
		code := s.check(&s.req)
		if code == ok {
			if err := s.pay(); err != nil {
				return err
			}
			if s.stopping.Load() {
				code = errShutdown
			}
		}
		var err error
		switch {
		case code != ok:
			err = s.refuse(code)
		case s.small() && s.pace.quick():
			err = s.serveHere()
		default:
			err = s.handOver()
		}
		if err != nil {
			return err
		}
	}
}

// next reads the head of a request into s.req.
func (s *session) next() error {
	if s.in.Buffered() == 0 {
		if err := s.before(s.server.limits.Idle); err != nil {
			return err
		}
		if _, err := s.in.Peek(1); err != nil {
			return err
		}
	}
	head, err := s.peek(requestHead)
	if err != nil {
		return err
	}
	if !s.req.parse(head) {
		return protocolError("not a request")
	}
	_, _ = s.in.Discard(requestHead) // they were just seen
	if s.req.room() > maxPayload {
		return protocolError("a request is larger than 32 MiB")
	}
	return nil
}

// peek shows the next n bytes, at most readAhead, and waits for them if it must.
func (s *session) peek(n int) ([]byte, error) {
	if s.in.Buffered() < n {
		if err := s.before(s.server.limits.Transfer); err != nil {
			return nil, err
		}
	}
	return s.in.Peek(n)
}

// fill reads a payload.
func (s *session) fill(p []byte) error {
	for len(p) > 0 {
		piece := p[:min(len(p), transferPiece)]
		if s.in.Buffered() < len(piece) {
			if err := s.before(s.server.limits.Transfer); err != nil {
				return err
			}
		}
		if _, err := io.ReadFull(s.in, piece); err != nil {
			return err
		}
		p = p[len(piece):]
	}
	return nil
}

// before prepares to wait for the client, at most limit: it may itself be waiting
// for replies that were gathered.
func (s *session) before(limit time.Duration) error {
	if err := s.out.flush(); err != nil {
		return err
	}
	switch {
	case limit > 0:
		s.setReadDeadline(time.Now().Add(limit))
	case s.limit > 0:
		s.setReadDeadline(time.Time{})
	}
	s.limit = limit
	return nil
}

// check tells what is wrong with a request, or ok.
func (s *session) check(r *request) uint32 {
	allowed, writes, ranged := uint16(flagFUA), false, true // every command may carry FUA
	switch r.kind {
	case cmdRead:
		if s.structured {
			allowed |= flagDF // one chunk is all we send
		}
	case cmdWrite:
		writes = true
	case cmdTrim:
		if writes = true; s.can.trims == nil {
			return errInvalid
		}
	case cmdWriteZeroes:
		allowed, writes = allowed|flagNoHole, true
	case cmdBlockStatus:
		if allowed |= flagReqOne; !s.status {
			return errInvalid
		}
	case cmdFlush:
		ranged = false
	default:
		return errInvalid
	}
	size := uint64(s.size)
	switch {
	case s.stopping.Load():
		return errShutdown
	case r.flags&^allowed != 0:
		return errInvalid
	case writes && s.export.ReadOnly:
		return errPerm
	case ranged && r.n == 0:
		return errInvalid
	case ranged && (uint64(r.n) > size || r.off > size-uint64(r.n)):
		if r.kind == cmdWrite || r.kind == cmdWriteZeroes {
			return errNoSpace // Source: doc/proto.md, "Error values"
		}
		return errInvalid
	}
	return ok
}

// pay waits until the device's share allows the request. Only this connection
// waits; what it handed to workers goes on.
func (s *session) pay() error {
	var n int64
	switch s.req.kind {
	case cmdRead, cmdWrite:
		n = int64(s.req.n)
	case cmdWriteZeroes:
		if s.can.zeroes == nil {
			n = int64(s.req.n)
		}
	default:
		return nil
	}
	d := s.held.bucket.take(time.Now, n, s.req.kind != cmdRead)
	if d <= 0 {
		return nil
	}
	if err := s.out.flush(); err != nil {
		return err
	}
	if s.timer == nil {
		s.timer = time.NewTimer(d)
	} else {
		s.timer.Reset(d)
	}
	defer s.timer.Stop()
	select {
	case <-s.timer.C:
	case <-s.ctx.Done():
	}
	return nil
}

// refuse answers with an error, after reading over what a write brought.
func (s *session) refuse(code uint32) error {
	if s.req.kind == cmdWrite {
		for left := int(s.req.n); left > 0; {
			n := min(left, readAhead)
			if _, err := s.peek(n); err != nil {
				return err
			}
			_, _ = s.in.Discard(n) // they were just seen
			left -= n
		}
	}
	return s.answer(&s.req, code, nil, false)
}

// small tells whether the request may be served by the connection's own goroutine.
func (s *session) small() bool {
	r := &s.req
	return r.n < smallPayload && (r.kind == cmdRead || (r.kind == cmdWrite && r.flags&flagFUA == 0))
}

// serveHere serves a small read or write; a write from where it was received.
func (s *session) serveHere() error {
	r, n := &s.req, int(s.req.n)
	if r.kind == cmdWrite {
		p, err := s.peek(n)
		if err != nil {
			return err
		}
		begun := time.Now()
		code := s.perform(r, p)
		s.pace.took(time.Since(begun))
		_, _ = s.in.Discard(n) // they were just seen
		return s.answer(r, code, nil, false)
	}
	p := s.scratch.b[:n]
	if s.can.nowait != nil {
		if s.can.nowait.ReadNowait(p, int64(r.off)) != nil {
			return s.handOver()
		}
		return s.answer(r, ok, p, false)
	}
	begun := time.Now()
	code := s.perform(r, p)
	s.pace.took(time.Since(begun))
	return s.answer(r, code, p, false)
}

// handOver gives the request to a worker, with its payload.
func (s *session) handOver() error {
	room := s.req.room()
	if err := s.room.enter(room, s.out.flush); err != nil {
		return err
	}
	r := s.server.pools.request()
	*r = s.req
	if room > 0 {
		r.payload = s.server.pools.buffer(int(r.n))
	}
	if r.kind == cmdWrite {
		if err := s.fill(r.payload.b); err != nil {
			s.server.pools.give(r)
			s.room.leave(room)
			return err
		}
	}
	if s.workers < s.server.limits.Workers && s.room.taken() > s.workers {
		s.workers++
		s.crew.Go(s.labour)
	}
	s.work <- r // never waits: it holds as many as there is room for
	return nil
}

// labour serves what was handed over, until there will be no more.
func (s *session) labour() {
	for r := range s.work {
		var p []byte
		if r.payload != nil {
			p = r.payload.b
		}
		var err error
		switch {
		case s.gone.Load():
		case r.kind == cmdBlockStatus:
			err = s.blockStatus(r)
		default:
			err = s.answer(r, s.perform(r, p), p, true)
		}
		if err != nil {
			s.lose()
		}
		room := r.room()
		s.server.pools.give(r)
		s.room.leave(room)
	}
}
