package nbd

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// errGone ends what was begun for a connection that is no more.
var errGone = errors.New("the connection was cut")

// perform does what r asks; p is what it writes, or where it reads to.
func (s *session) perform(r *request, p []byte) uint32 {
	var err error
	done, off, n := len(p), int64(r.off), int64(r.n)
	switch r.kind {
	case cmdRead:
		if done, err = s.can.ReadAt(p, off); done == len(p) {
			err = nil // io.EOF at the very end
		}
	case cmdWrite:
		done, err = s.can.WriteAt(p, off)
	case cmdTrim:
		err = s.can.trims.Discard(off, n)
	case cmdWriteZeroes:
		err = s.can.writeZeroes(off, n, r.flags&flagNoHole != 0, s.server.zeroes, s.goOn)
	}
	if err == nil && done < len(p) {
		err = io.ErrUnexpectedEOF // the device broke its contract, or became smaller
	}
	flush := r.kind == cmdFlush || (r.flags&flagFUA != 0 && r.kind != cmdRead)
	if err == nil && flush && !s.export.ReadOnly {
		err = s.can.Flush(s.base)
	}
	if err == nil {
		return ok
	}
	return s.codeOf(err)
}

func (s *session) goOn() error {
	if s.gone.Load() {
		return errGone
	}
	return nil
}

// codeOf is what the client is told of a device's error. The first failure and the
// first want of space of a connection are logged, without what was read or written.
func (s *session) codeOf(err error) uint32 {
	switch {
	case errors.Is(err, driver.ErrNoSpace):
		s.full.Do(func() {
			s.server.log.Warn("nbd: a write found no space", "export", LogName(s.name), "err", err)
		})
		return errNoSpace
	case errors.Is(err, driver.ErrReadOnly):
		return errPerm
	case errors.Is(err, errGone), errors.Is(err, fs.ErrClosed):
		return errShutdown
	}
	s.failed.Do(func() {
		s.server.log.Error("nbd: a device failed; further failures on this connection are not logged", "export", LogName(s.name), "err", err)
	})
	return errIO
}

// answer replies to r with code and, for a read that went well, p. With now set the
// reply is written at once, by this caller or by the worker behind it.
func (s *session) answer(r *request, code uint32, p []byte, now bool) error {
	s.server.figures.count(r, code)
	if r.kind != cmdRead || code != ok {
		p = nil
	}
	w := &s.out
	if err := w.lock(now, len(p)); err != nil {
		return w.unlock(now, nil)
	}
	switch {
	case !s.structured || (r.kind != cmdRead && r.kind != cmdBlockStatus):
		w.buf = appendSimple(w.buf, r.cookie, code)
	case code != ok:
		w.buf = appendChunkError(w.buf, r.cookie, code)
	default:
		w.buf = appendChunk(w.buf, chunkOffsetData, r.cookie, 8+r.n)
		w.buf = binary.BigEndian.AppendUint64(w.buf, r.off)
	}
	return w.unlock(now, p)
}

// blockStatus answers what a stretch of the device holds.
func (s *session) blockStatus(r *request) error {
	room := s.server.pools.buffer(4 + 8*maxExtents)
	defer s.server.pools.giveBuffer(room)
	p := binary.BigEndian.AppendUint32(room.b[:0], allocationContextID)
	p, err := s.appendExtents(p, r)
	if err != nil {
		return s.answer(r, s.codeOf(err), nil, true)
	}
	s.server.figures.count(r, ok)
	w := &s.out
	if w.lock(true, len(p)) == nil {
		w.buf = appendChunk(w.buf, chunkBlockStatus, r.cookie, uint32(len(p)))
	}
	return w.unlock(true, p)
}

// appendExtents adds length and state of each extent, neighbours of one state
// joined, until the end of the request or as many as an answer may have.
func (s *session) appendExtents(p []byte, r *request) ([]byte, error) {
	most := maxExtents
	if r.flags&flagReqOne != 0 {
		most = 1
	}
	left, run, state, count := int64(r.n), int64(0), uint32(0), 0
	put := func() {
		if run > 0 && count < most {
			p = binary.BigEndian.AppendUint32(p, uint32(run))
			p = binary.BigEndian.AppendUint32(p, state)
			count++
		}
		run = 0
	}
	err := s.can.walk(int64(r.off), left, func(n int64, kind ExtentKind) bool {
		n = min(n, left)
		if n <= 0 {
			return left > 0
		}
		left -= n
		next := stateOf(kind)
		if next != state {
			put()
		}
		run, state = run+n, next
		return left > 0 && count < most
	})
	put()
	if err == nil && count == 0 {
		err = io.ErrUnexpectedEOF // the device broke its contract: an answer has one extent at least
	}
	return p, err
}

// stateOf is the state in base:allocation. Source: doc/proto.md, "Metadata contexts".
func stateOf(kind ExtentKind) uint32 {
	switch kind {
	case ExtentHole:
		return stateHole | stateZero
	case ExtentZero:
		return stateZero
	}
	return 0
}
