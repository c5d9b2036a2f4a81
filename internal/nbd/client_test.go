package nbd_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// The numbers of the protocol once more, so that the server's are checked and not
// only compared with themselves. Source: NetworkBlockDevice/nbd doc/proto.md.
const (
	exportName, abort, list, startTLS, info, goOn         = 1, 2, 3, 5, 6, 7
	structuredReply, listMeta, setMeta                    = 8, 9, 10
	ack, repServer, repInfo, repMeta                      = 1, 2, 3, 4
	unsup, policy, invalid, tlsReqd, unknown              = 0x80000001, 0x80000002, 0x80000003, 0x80000005, 0x80000006
	read, write, disc, flush, trim, cache, zeroes, status = 0, 1, 2, 3, 4, 5, 6, 7
	fua, noHole, df, reqOne, fastZero                     = 1, 2, 4, 8, 16
	eperm, eio, einval, enospc, eshutdown                 = 1, 5, 22, 28, 108
)

// client is the least that speaks NBD.
type client struct {
	t testing.TB
	net.Conn
	size       uint64
	flags      uint16
	structured bool
}

// reply is the answer to an option or to a command.
type reply struct {
	kind   uint32
	cookie uint64
	code   uint32
	off    uint64
	data   []byte
}

const patience = 20 * time.Second

func newClient(t testing.TB, conn net.Conn) *client {
	t.Helper()
	c := &client{t: t, Conn: conn}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	hello := c.take(18)
	if string(hello) != "NBDMAGICIHAVEOPT\x00\x03" {
		t.Fatalf("the server says %q", hello)
	}
	return c
}

// dial is a client that has said its flags.
func dial(t testing.TB, r *rig) *client {
	t.Helper()
	c := newClient(t, r.connect(t))
	c.put(uint32(3))
	return c
}

// attach is a client in the transmission phase, with structured replies and block status.
func attach(t testing.TB, r *rig, name string) *client {
	t.Helper()
	c := dial(t, r)
	c.option(structuredReply)
	c.option(setMeta, name, uint32(1), "base:allocation")
	c.begin(name)
	return c
}

// attachSimple is one that knows simple replies only.
func attachSimple(t testing.TB, r *rig, name string) *client {
	t.Helper()
	c := dial(t, r)
	c.begin(name)
	return c
}

func (c *client) begin(name string) {
	c.t.Helper()
	all := c.option(goOn, name, uint16(0))
	if last := all[len(all)-1]; last.kind != ack {
		c.t.Fatalf("GO was answered with %#x %s", last.kind, last.data)
	}
	c.size, c.flags = binary.BigEndian.Uint64(all[0].data[2:]), binary.BigEndian.Uint16(all[0].data[10:])
}

// pack writes numbers as they are, strings with their length in front, bytes bare.
func pack(parts ...any) (b []byte) {
	for _, part := range parts {
		switch v := part.(type) {
		case string:
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		case []byte:
			b = append(b, v...)
		default:
			var err error
			if b, err = binary.Append(b, binary.BigEndian, v); err != nil {
				panic(err)
			}
		}
	}
	return b
}

func (c *client) put(parts ...any) {
	c.t.Helper()
	if _, err := c.Write(pack(parts...)); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

func (c *client) take(n int) []byte {
	c.t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c.Conn, b); err != nil {
		c.t.Fatalf("read %d bytes: %v", n, err)
	}
	return b
}

// option sends an option and gives all replies up to the last.
func (c *client) option(option uint32, parts ...any) (all []reply) {
	c.t.Helper()
	c.sendOption(option, parts...)
	for {
		head := c.take(20)
		be := binary.BigEndian
		if be.Uint64(head) != 0x3e889045565a9 || be.Uint32(head[8:]) != option {
			c.t.Fatalf("the reply to option %d begins with %x", option, head)
		}
		r := reply{kind: be.Uint32(head[12:]), data: c.take(int(be.Uint32(head[16:])))}
		all = append(all, r)
		if r.kind == ack || r.kind >= 1<<31 {
			c.structured = c.structured || (option == structuredReply && r.kind == ack)
			return all
		}
	}
}

func (c *client) sendOption(option uint32, parts ...any) {
	c.t.Helper()
	data := pack(parts...)
	c.put([]byte("IHAVEOPT"), option, uint32(len(data)), data)
}

// kindOf is what the last reply to an option says.
func (c *client) kindOf(option uint32, parts ...any) uint32 {
	c.t.Helper()
	all := c.option(option, parts...)
	return all[len(all)-1].kind
}

func command(kind, flags uint16, cookie, off uint64, n uint32, payload []byte) []byte {
	return pack(uint32(0x25609513), flags, kind, cookie, off, n, payload)
}

// do sends a command and waits for its reply.
func (c *client) do(kind, flags uint16, off uint64, n uint32, payload []byte) reply {
	c.t.Helper()
	const cookie = 0x1122334455667788
	c.put(command(kind, flags, cookie, off, n, payload))
	r := c.receive(func(uint64) (uint16, uint32) { return kind, n })
	if r.cookie != cookie {
		c.t.Fatalf("cookie %#x came back", r.cookie)
	}
	return r
}

// receive reads one reply; of tells the command and length that a cookie stands for.
func (c *client) receive(of func(cookie uint64) (kind uint16, n uint32)) reply {
	c.t.Helper()
	r, err := readReply(c.Conn, c.structured, of)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// readReply reads a reply and checks all of its form.
func readReply(from io.Reader, structured bool, of func(cookie uint64) (uint16, uint32)) (r reply, err error) {
	be := binary.BigEndian
	head := make([]byte, 16, 20)
	if _, err := io.ReadFull(from, head); err != nil {
		return r, err
	}
	r.cookie = be.Uint64(head[8:])
	kind, n := of(r.cookie)
	switch be.Uint32(head) {
	case 0x67446698:
		r.code = be.Uint32(head[4:])
		if structured && kind == read {
			return r, fmt.Errorf("a read was answered by a simple reply")
		}
		if kind == read && r.code == 0 {
			r.data = make([]byte, n)
			_, err = io.ReadFull(from, r.data)
		}
		return r, err
	case 0x668e33ef:
	default:
		return r, fmt.Errorf("a reply begins with %x", head)
	}
	head = head[:20]
	if _, err := io.ReadFull(from, head[16:]); err != nil {
		return r, err
	}
	flags, chunk, length := be.Uint16(head[4:]), be.Uint16(head[6:]), be.Uint32(head[16:])
	if !structured || flags != 1 {
		return r, fmt.Errorf("a chunk with flags %d, structured replies are %v", flags, structured)
	}
	r.kind, r.data = uint32(chunk), make([]byte, length)
	if _, err := io.ReadFull(from, r.data); err != nil {
		return r, err
	}
	switch {
	case chunk == 1 && kind == read && length == n+8:
		r.off, r.data = be.Uint64(r.data), r.data[8:]
	case chunk == 5 && kind == status && length >= 12 && length%8 == 4 && be.Uint32(r.data) == 1:
		r.data = r.data[4:]
	case chunk == 0x8001 && length == 6 && (kind == read || kind == status):
		r.code, r.data = be.Uint32(r.data), nil
	default:
		return r, fmt.Errorf("chunk %d of %d bytes answers command %d", chunk, length, kind)
	}
	return r, nil
}

// want fails unless the command is answered with this code.
func (c *client) want(code uint32, kind, flags uint16, off uint64, n uint32, payload []byte) reply {
	c.t.Helper()
	r := c.do(kind, flags, off, n, payload)
	if r.code != code {
		c.t.Errorf("command %d flags %d at %d of %d bytes: error %d, want %d", kind, flags, off, n, r.code, code)
	}
	return r
}

// wantEnd fails unless the server has closed, having said nothing more.
func (c *client) wantEnd() {
	c.t.Helper()
	var b [1]byte
	n, err := c.Read(b[:])
	if n != 0 || err == nil {
		c.t.Errorf("the server still speaks: %x", b[:n])
	}
	if wrong, is := err.(net.Error); is && wrong.Timeout() {
		c.t.Error("the server did not close the connection")
	}
}
