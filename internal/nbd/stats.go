package nbd

import "sync/atomic"

// Stats are a server's figures since it was made.
type Stats struct {
	Connections int   // open now, and those that shake hands
	Accepted    int64 // connections that were let in
	TurnedAway  int64 // for want of room
	Refused     int64 // exports that were asked for and not given

	Reads, Writes, Flushes, Others int64 // requests that were answered
	Errors                         int64 // of them, those with an error
	BytesRead, BytesWritten        int64
}

// figures are the counters behind Stats.
type figures struct {
	accepted, turnedAway, refused   atomic.Int64
	reads, writes, flushes, others  atomic.Int64
	errors, bytesRead, bytesWritten atomic.Int64
}

// count notes the answer to a request.
func (f *figures) count(r *request, code uint32) {
	if code != ok {
		f.errors.Add(1)
	}
	switch r.kind {
	case cmdRead:
		f.reads.Add(1)
		if code == ok {
			f.bytesRead.Add(int64(r.n))
		}
	case cmdWrite:
		f.writes.Add(1)
		if code == ok {
			f.bytesWritten.Add(int64(r.n))
		}
	case cmdFlush:
		f.flushes.Add(1)
	default:
		f.others.Add(1)
	}
}

// Stats are the figures of now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	open := len(s.conns)
	s.mu.Unlock()
	f := &s.figures
	return Stats{
		Connections: open, Accepted: f.accepted.Load(), TurnedAway: f.turnedAway.Load(), Refused: f.refused.Load(),
		Reads: f.reads.Load(), Writes: f.writes.Load(), Flushes: f.flushes.Load(), Others: f.others.Load(),
		Errors: f.errors.Load(), BytesRead: f.bytesRead.Load(), BytesWritten: f.bytesWritten.Load(),
	}
}
