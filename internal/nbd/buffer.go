package nbd

import (
	"bufio"
	"math/bits"
	"sync"
)

// buffer is memory for one payload; its capacity is that of its class.
type buffer struct {
	b     []byte
	class int
}

const (
	smallestClass = 12 // 4 KiB
	largestClass  = 25 // maxPayload
)

// pools keep what connections use again, so that a request in the common path
// allocates nothing.
type pools struct {
	payloads [largestClass - smallestClass + 1]sync.Pool // of *buffer
	requests sync.Pool                                   // of *request
	readers  sync.Pool                                   // of *bufio.Reader with readAhead bytes
}

func (p *pools) request() *request {
	if r, is := p.requests.Get().(*request); is {
		return r
	}
	return new(request)
}

// buffer gives n bytes, at most maxPayload; they hold what an earlier user left.
func (p *pools) buffer(n int) *buffer {
	class := max(bits.Len(uint(max(n, 1)-1)), smallestClass)
	if b, is := p.payloads[class-smallestClass].Get().(*buffer); is {
		b.b = b.b[:n]
		return b
	}
	return &buffer{b: make([]byte, n, 1<<class), class: class}
}

// give takes back a request and its payload.
func (p *pools) give(r *request) {
	p.giveBuffer(r.payload)
	r.payload = nil
	p.requests.Put(r)
}

func (p *pools) giveBuffer(b *buffer) {
	if b != nil {
		p.payloads[b.class-smallestClass].Put(b)
	}
}

func (p *pools) reader() *bufio.Reader {
	if r, is := p.readers.Get().(*bufio.Reader); is {
		return r
	}
	return bufio.NewReaderSize(nil, readAhead)
}

func (p *pools) giveReader(r *bufio.Reader) {
	r.Reset(nil) // lets go of the connection
	p.readers.Put(r)
}
