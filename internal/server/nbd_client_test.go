package server_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"
	"time"
)

// bytesOf is a client of a volume's bytes: the least of NBD that does it.
// Source: NetworkBlockDevice/nbd doc/proto.md.
type bytesOf struct {
	net.Conn
	size     uint64
	readOnly bool
	cookie   uint64
}

var errRefused = errors.New("the server refuses the export")

// connect opens the export of a URI over its unix socket.
func connect(t testing.TB, uri string) (*bytesOf, error) {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "nbd+unix" {
		t.Fatalf("%s is no URI of a socket: %v", uri, err)
	}
	conn, err := net.Dial("unix", u.Query().Get("socket"))
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	c := &bytesOf{Conn: conn}
	return c, c.begin(u.Path[1:])
}

// begin asks for an export by GO.
func (c *bytesOf) begin(name string) error {
	hello := make([]byte, 18)
	if _, err := io.ReadFull(c, hello); err != nil {
		return err
	}
	be := binary.BigEndian
	ask := be.AppendUint32(nil, 3) // fixed newstyle, no zeroes
	ask = append(ask, "IHAVEOPT"...)
	ask = be.AppendUint32(ask, 7) // GO
	ask = be.AppendUint32(ask, uint32(len(name)+6))
	ask = be.AppendUint32(ask, uint32(len(name)))
	ask = append(append(ask, name...), 0, 0)
	if _, err := c.Write(ask); err != nil {
		return err
	}
	for {
		head := make([]byte, 20)
		if _, err := io.ReadFull(c, head); err != nil {
			return err
		}
		data := make([]byte, be.Uint32(head[16:]))
		if _, err := io.ReadFull(c, data); err != nil {
			return err
		}
		switch kind := be.Uint32(head[12:]); {
		case kind == 1:
			return nil
		case kind >= 1<<31:
			return fmt.Errorf("%w: %s", errRefused, data)
		case kind == 3 && be.Uint16(data) == 0:
			c.size, c.readOnly = be.Uint64(data[2:]), be.Uint16(data[10:])&2 != 0
		}
	}
}

// do sends one request and reads its simple reply.
func (c *bytesOf) do(kind uint16, off int64, payload []byte, n int) ([]byte, error) {
	c.cookie++
	be := binary.BigEndian
	ask := be.AppendUint32(nil, 0x25609513)
	ask = be.AppendUint16(ask, 0)
	ask = be.AppendUint16(ask, kind)
	ask = be.AppendUint64(ask, c.cookie)
	ask = be.AppendUint64(ask, uint64(off))
	ask = be.AppendUint32(ask, uint32(max(n, len(payload))))
	if _, err := c.Write(append(ask, payload...)); err != nil {
		return nil, err
	}
	head := make([]byte, 16)
	if _, err := io.ReadFull(c, head); err != nil {
		return nil, err
	}
	if be.Uint32(head) != 0x67446698 || be.Uint64(head[8:]) != c.cookie {
		return nil, fmt.Errorf("the reply begins with %x", head)
	}
	if code := be.Uint32(head[4:]); code != 0 {
		return nil, fmt.Errorf("NBD error %d", code)
	}
	data := make([]byte, n)
	_, err := io.ReadFull(c, data)
	return data, err
}

func (c *bytesOf) write(off int64, p []byte) error {
	_, err := c.do(1, off, p, 0)
	return err
}

func (c *bytesOf) flush() error {
	_, err := c.do(3, 0, nil, 0)
	return err
}

// holds fails unless p stands at off.
func (c *bytesOf) holds(t testing.TB, off int64, p []byte) {
	t.Helper()
	got, err := c.do(0, off, nil, len(p))
	if err != nil || !bytes.Equal(got, p) {
		t.Errorf("at %d: got %.40q (%v), want %.40q", off, got, err, p)
	}
}
