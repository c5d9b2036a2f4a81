package client

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
)

// Bytes is a client of a volume's bytes: the least of NBD that does it, one request
// at a time. Source: NetworkBlockDevice/nbd doc/proto.md.
type Bytes struct {
	net.Conn
	Size     uint64
	ReadOnly bool
	cookie   uint64
}

// ErrRefused is an export that the server does not give.
var ErrRefused = errors.New("the server refuses the export")

// OpenBytes opens the export of a URI, over its unix socket or plain TCP; the
// context's end ends the connection's deadline, too.
func OpenBytes(ctx context.Context, uri string) (*Bytes, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, errors.New("an NBD URI cannot be parsed") // its text is a secret
	}
	network, address := "tcp", u.Host
	switch {
	case u.Scheme == "nbd+unix":
		network, address = "unix", u.Query().Get("socket")
	case u.Scheme != "nbd":
		return nil, fmt.Errorf("NBD over %s is none of this client's", u.Scheme)
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if until, limited := ctx.Deadline(); limited {
		if err := conn.SetDeadline(until); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	c := &Bytes{Conn: conn}
	name := ""
	if u.Path != "" {
		name = u.Path[1:]
	}
	if err := c.begin(name); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

// begin asks for an export by GO.
func (c *Bytes) begin(name string) error {
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
			return fmt.Errorf("%w: %s", ErrRefused, data)
		case kind == 3 && be.Uint16(data) == 0:
			c.Size, c.ReadOnly = be.Uint64(data[2:]), be.Uint16(data[10:])&2 != 0
		}
	}
}

// do sends one request and reads its simple reply.
func (c *Bytes) do(kind uint16, off int64, payload []byte, n int) ([]byte, error) {
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

// WriteBytes writes p at off.
func (c *Bytes) WriteBytes(off int64, p []byte) error {
	_, err := c.do(1, off, p, 0)
	return err
}

// ReadBytes reads n bytes at off.
func (c *Bytes) ReadBytes(off int64, n int) ([]byte, error) { return c.do(0, off, nil, n) }

// Flush makes what was written durable.
func (c *Bytes) Flush() error {
	_, err := c.do(3, 0, nil, 0)
	return err
}
