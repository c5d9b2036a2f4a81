package nbd_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/nbd"
)

// script is a connection whose client has said all it ever will.
type script struct {
	in     *bytes.Reader
	mu     sync.Mutex
	out    bytes.Buffer
	closed chan struct{}
	once   sync.Once
}

func (s *script) Read(p []byte) (int, error) { return s.in.Read(p) }

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *script) Close() error { s.once.Do(func() { close(s.closed) }); return nil }

func (s *script) LocalAddr() net.Addr              { return pipeAddr{} }
func (s *script) RemoteAddr() net.Addr             { return pipeAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// play lets a server answer a script, and gives what it said.
func play(t *testing.T, exports map[string]nbd.Export, said []byte) []byte {
	s := &script{in: bytes.NewReader(said), closed: make(chan struct{})}
	server := nbd.New(nbd.Config{Exports: &names{exports: exports}})
	listener := newPipes()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(context.Background(), listener) }()
	listener.conns <- s
	<-s.closed
	if err := server.Close(soon(t)); err != nil {
		t.Fatal(err)
	}
	<-ended
	return s.out.Bytes()
}

func FuzzHandshake(f *testing.F) {
	option := func(n uint32, parts ...any) []byte {
		data := pack(parts...)
		return pack([]byte("IHAVEOPT"), n, uint32(len(data)), data)
	}
	f.Add(pack(uint32(3), option(structuredReply), option(setMeta, "vol", uint32(1), "base:allocation"), option(goOn, "vol", uint16(1), uint16(3)), command(read, 0, 1, 0, 512, nil)))
	f.Add(pack(uint32(1), option(exportName, []byte("vol")), command(disc, 0, 1, 0, 0, nil)))
	f.Add(pack(uint32(3), option(list), option(listMeta, "vol", uint32(0)), option(info, "vol", uint16(0)), option(abort)))
	f.Add(pack(uint32(3), option(startTLS), option(4), option(goOn, "other", uint16(0)), option(goOn, uint32(1<<32-1), []byte("vol"))))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		d := newDisk(4096)
		out := play(t, map[string]nbd.Export{"vol": {Open: d.open}}, said)
		checkDisk(t, d)
		if !bytes.HasPrefix(out, []byte("NBDMAGICIHAVEOPT\x00\x03")) {
			t.Errorf("the server said %x", out)
		}
		if opened := d.opened.Load() > 0; opened && !bytes.Contains(said, []byte("vol")) {
			t.Error("a device was opened for a name that was not said")
		}
	})
}

// scripted is a handshake that ends in GO, for FuzzRequests.
func scripted(structured bool) []byte {
	said := pack(uint32(3))
	if structured {
		said = pack(said, []byte("IHAVEOPT"), uint32(structuredReply), uint32(0),
			[]byte("IHAVEOPT"), uint32(setMeta), uint32(4+3+4+4+15), "vol", uint32(1), "base:allocation")
	}
	return pack(said, []byte("IHAVEOPT"), uint32(goOn), uint32(9), "vol", uint16(0))
}

// told is what a request means to whoever reads it after the protocol.
type told struct {
	kind uint16
	n    uint32
}

// readRequests gives the requests of a stream up to its end, garbage or DISC.
func readRequests(said []byte) (all map[uint64]told, distinct bool) {
	all = map[uint64]told{}
	be := binary.BigEndian
	for len(said) >= 28 && be.Uint32(said) == 0x25609513 {
		kind, cookie, n := be.Uint16(said[6:]), be.Uint64(said[8:]), be.Uint32(said[24:])
		said = said[28:]
		if kind == disc || ((kind == read || kind == write) && n > 32<<20) {
			return all, true
		}
		if kind == write {
			if int64(len(said)) < int64(n) {
				return all, true
			}
			said = said[n:]
		}
		if _, twice := all[cookie]; twice {
			return all, false
		}
		all[cookie] = told{kind, n}
	}
	return all, true
}

func FuzzRequests(f *testing.F) {
	f.Add(true, pack(command(write, fua, 1, 0, 5, []byte("hello")), command(read, df, 2, 0, 5, nil), command(status, reqOne, 3, 0, 4096, nil),
		command(zeroes, noHole, 4, 4096, 8192, nil), command(trim, 0, 5, 0, 4096, nil), command(flush, 0, 6, 0, 0, nil), command(disc, 0, 7, 0, 0, nil)))
	f.Add(false, pack(command(read, 0, 1, 1<<63, 1<<20, nil), command(write, 0, 2, 1<<64-1, 4, []byte("abcd")), command(77, 0xffff, 3, 0, 1<<32-1, nil)))
	f.Add(true, pack(command(status, 0, 1, 0, 1<<20, nil), command(read, 0, 2, 0, 1<<17, nil), command(write, 0, 3, 0, 1<<32-1, nil)))
	f.Add(false, []byte("no request at all, but long enough for one"))
	f.Fuzz(func(t *testing.T, structured bool, said []byte) {
		d := newRichDisk(1 << 20)
		exports := map[string]nbd.Export{"vol": {Open: d.open}}
		greeting := play(t, exports, scripted(structured)) // the same each time
		out := play(t, exports, append(scripted(structured), said...))
		checkDisk(t, d.disk)
		replies, found := bytes.CutPrefix(out, greeting)
		if !found {
			t.Fatalf("the handshake is answered with %x, then with %x", greeting, out)
		}
		all, distinct := readRequests(said)
		if !distinct {
			return // whose reply is whose cannot be told
		}
		from := bytes.NewReader(replies)
		for from.Len() > 0 {
			r, err := readReply(from, structured, func(cookie uint64) (uint16, uint32) { return all[cookie].kind, all[cookie].n })
			if err != nil {
				t.Fatalf("reply: %v", err)
			}
			if _, asked := all[r.cookie]; !asked {
				t.Fatalf("cookie %#x is answered, but was not asked, or twice", r.cookie)
			}
			delete(all, r.cookie)
		}
		if len(all) != 0 {
			t.Errorf("not answered: %v", all)
		}
	})
}
