package nbd

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// conn is one connection: handshake, transmission, end.
type conn struct {
	server *Server
	raw    net.Conn // the socket
	net    net.Conn // what is spoken through: raw, or TLS over it
	peer   Peer
	ctx    context.Context // ends when the connection is drained or cut
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing of this connection is left

	stopping atomic.Bool // no new requests: it was drained or cut
	gone     atomic.Bool // nor those that wait: nobody is there to be answered
	mu       sync.Mutex  // read deadlines against stopping

	// What it claimed; Server.mu guards name and claimed.
	name    string
	claimed bool
	held    *shared // nil: nothing yet
	export  Export
	unwatch func() bool // of Export.Alive
}

func newConn(ctx context.Context, s *Server, raw net.Conn) *conn {
	c := &conn{server: s, raw: raw, net: raw, done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(ctx)
	if addr := raw.RemoteAddr(); addr != nil {
		c.peer.Remote = addr.Network() + ":" + addr.String()
	}
	_ = raw.SetDeadline(time.Now().Add(s.limits.Handshake)) // a socket that fails here fails again where it is read
	return c
}

// protocolError is a peer that does not speak NBD, or not to us.
type protocolError string

func (e protocolError) Error() string { return string(e) }

// errLeft is a peer that said goodbye.
var errLeft = errors.New("the client left")

// live is the connection from accept to end.
func (c *conn) live() {
	defer c.end()
	begun := time.Now()
	limit := time.AfterFunc(c.server.limits.Handshake, c.cancel) // for what waits on no socket: Lookup, Open
	agreed, err := c.negotiate()
	if !limit.Stop() && err == nil {
		err = os.ErrDeadlineExceeded
	}
	if err == nil {
		c.server.log.Info("nbd: attached", "export", LogName(c.name), "remote", c.peer.Remote, "tls", c.peer.TLS, "read_only", c.export.ReadOnly)
		err = c.transmit(agreed)
	}
	c.report(err, time.Since(begun))
}

// report logs once how the connection ended, never what came over it.
func (c *conn) report(err error, took time.Duration) {
	log := c.server.log.With("remote", c.peer.Remote, "seconds", took.Seconds())
	if c.held != nil {
		log = log.With("export", LogName(c.name))
	}
	var wrong protocolError
	switch {
	case errors.As(err, &wrong):
		log.Warn("nbd: closed a connection that broke the protocol", "err", wrong)
	case c.stopping.Load():
		log.Info("nbd: connection ended by the server")
	case errors.Is(err, os.ErrDeadlineExceeded):
		log.Info("nbd: connection ended after a time-out")
	case err == nil, errors.Is(err, errLeft), errors.Is(err, io.EOF):
		log.Info("nbd: connection ended")
	default:
		log.Info("nbd: connection lost", "err", err)
	}
}

// end leaves nothing behind; only then do Revoke and Close go on.
func (c *conn) end() {
	c.cancel()
	if c.gone.Load() {
		_ = c.raw.Close()
	} else {
		_ = c.net.Close() // says goodbye when it is TLS
	}
	c.unclaim()
	c.server.mu.Lock()
	delete(c.server.conns, c)
	c.server.mu.Unlock()
	close(c.done)
}

// drain lets what was begun end, and takes nothing new.
func (c *conn) drain() {
	c.mu.Lock()
	c.stopping.Store(true)
	_ = c.raw.SetReadDeadline(time.Unix(1, 0)) // wakes whoever reads
	c.mu.Unlock()
	c.cancel()
}

// cut ends the connection at once. What a device works on at this moment ends by
// itself; done tells when.
func (c *conn) cut() {
	c.gone.Store(true)
	c.stopping.Store(true)
	c.cancel()
	_ = c.raw.Close()
}

// lose gives up a connection whose peer cannot be answered any more.
func (c *conn) lose() {
	c.gone.Store(true)
	_ = c.raw.Close()
}

// setReadDeadline is the socket's, unless drain has set the last one.
func (c *conn) setReadDeadline(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopping.Load() {
		_ = c.raw.SetReadDeadline(at)
	}
}

// claim makes the export of that name this connection's. It is on record before
// Lookup is asked, so that a Revoke misses no one.
func (c *conn) claim(name string) error {
	if c.held != nil && c.name == name {
		return nil
	}
	c.unclaim()
	c.record(name, true)
	export, err := c.server.exports.Lookup(c.ctx, name, c.peer)
	if err != nil {
		return err
	}
	if export.Key == "" {
		export.Key = name
	}
	held, err := c.server.acquire(c.ctx, export)
	if err != nil {
		return err
	}
	c.held, c.export = held, export
	if export.Alive != nil {
		c.unwatch = context.AfterFunc(export.Alive, c.cut)
		if export.Alive.Err() != nil {
			return ErrNoExport
		}
	}
	if c.stopping.Load() {
		return c.ctx.Err()
	}
	return nil
}

func (c *conn) unclaim() {
	if c.unwatch != nil {
		c.unwatch()
	}
	if c.held != nil {
		c.server.release(c.held)
	}
	c.held, c.export, c.unwatch = nil, Export{}, nil
	c.record("", false)
}

func (c *conn) record(name string, claimed bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.name, c.claimed = name, claimed
}
