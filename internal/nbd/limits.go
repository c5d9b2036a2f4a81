package nbd

import "time"

// Limits bound what peers can take. Zero values mean the defaults, except Idle.
type Limits struct {
	Connections int   // at a time; 256. More are closed at once
	Requests    int   // in hand of one connection; 128. The rest waits in its socket
	Bytes       int64 // of payload in hand of one connection; 64 MiB, not less than one request's 32 MiB
	Workers     int   // requests of one connection that a device sees at a time; 16
	OptionBytes int   // of one option of the handshake; 64 KiB
	Options     int   // in one handshake; 64

	Handshake time.Duration // from accept to the first command; 15 s
	// Transfer is how long a peer may stall in the middle of a request, or leave
	// replies unread; 60 s.
	Transfer time.Duration
	// Idle ends connections without requests; 0 never does. A disk may well be idle
	// for days, and most clients answer a lost connection with I/O errors, so dead
	// peers are rather found by TCP keep-alive.
	Idle time.Duration
}

func (l Limits) withDefaults() Limits {
	set := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	set(&l.Connections, 256)
	set(&l.Requests, 128)
	set(&l.Workers, 16)
	set(&l.OptionBytes, 64<<10)
	set(&l.Options, 64)
	if l.Bytes <= 0 {
		l.Bytes = 64 << 20
	}
	l.Bytes = max(l.Bytes, maxPayload)
	if l.Handshake <= 0 {
		l.Handshake = 15 * time.Second
	}
	if l.Transfer <= 0 {
		l.Transfer = 60 * time.Second
	}
	return l
}

const (
	// readAhead is how much of a peer's requests is read at once, in bytes.
	readAhead = 256 << 10
	// gather is how many bytes of replies wait at most for their common write.
	gather = 256 << 10
	// smallPayload is what is copied among gathered replies and may be served in the
	// connection's own goroutine; from here on, in bytes, it is written from where it lies.
	smallPayload = 64 << 10
	// transferPiece is what must move within Limits.Transfer, in bytes.
	transferPiece = 1 << 20
	// maxExtents bounds one answer about block status; the client asks on from there.
	maxExtents = 2048
	// maxListed bounds the answer to LIST, in names.
	maxListed = 1024
	// maxQueries bounds what one option asks about contexts.
	maxQueries = 64
)
