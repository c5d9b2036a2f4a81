package nbd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Config is how a Server works.
type Config struct {
	Exports Exports
	// TLS is offered by STARTTLS; nil does not offer it. With ClientCAs and
	// ClientAuth set, Exports learn the verified certificate.
	TLS *tls.Config
	// RequireTLS refuses all but STARTTLS in plain text, except over unix sockets,
	// which the rights of their folder protect.
	RequireTLS bool
	Log        *slog.Logger // nil: none
	Limits     Limits
}

// Server serves exports on any number of listeners.
type Server struct {
	exports    Exports
	tls        *tls.Config
	requireTLS bool
	log        *slog.Logger
	limits     Limits
	pools      pools
	figures    figures
	zeroes     func() []byte // what devices that cannot zero are given; never written to

	mu        sync.Mutex
	closing   bool
	full      bool // the last connection was turned away, and that was logged
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	devices   map[string]*shared // by key
	buckets   map[string]*bucket // by budget
}

// New makes a Server; Serve starts it.
func New(config Config) *Server {
	s := &Server{
		exports: config.Exports, tls: config.TLS, requireTLS: config.RequireTLS,
		log: config.Log, limits: config.Limits.withDefaults(), zeroes: sync.OnceValue(func() []byte { return make([]byte, zeroPiece) }),
		listeners: map[net.Listener]struct{}{}, conns: map[*conn]struct{}{}, devices: map[string]*shared{}, buckets: map[string]*bucket{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// ErrClosed is what Serve returns after Close.
var ErrClosed = errors.New("the NBD server is closed")

// Pauses after an accept that failed for want of something, as of file descriptors.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = time.Second
)

// Serve accepts connections until ctx ends or Close is called, then closes l and
// returns ErrClosed. Connections outlive it: Close ends them.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if !s.addListener(l) {
		_ = l.Close()
		return ErrClosed
	}
	defer s.removeListener(l)
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	base := context.WithoutCancel(ctx)
	pause := firstPause
	for {
		raw, err := l.Accept()
		switch {
		case err == nil:
			pause = firstPause
			s.start(base, raw)
		case s.isClosing() || ctx.Err() != nil:
			return ErrClosed
		case !passes(err):
			return fmt.Errorf("accept NBD connections on %s: %w", l.Addr(), err)
		default:
			s.log.Warn("nbd: accept failed, trying again", "err", err, "pause", pause)
			sleep(ctx, pause)
			pause = min(2*pause, longestPause)
		}
	}
}

// passes tells whether an error of accept is of one peer, or of a want that passes.
func passes(err error) bool {
	return slices.ContainsFunc([]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR},
		func(known error) bool { return errors.Is(err, known) })
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// start begins a connection's life, or turns it away.
func (s *Server) start(ctx context.Context, raw net.Conn) {
	c := newConn(ctx, s, raw)
	s.mu.Lock()
	room := !s.closing && len(s.conns) < s.limits.Connections
	if room {
		s.conns[c] = struct{}{}
	}
	tell := !room && !s.closing && !s.full
	s.full = !room
	s.mu.Unlock()
	if !room {
		s.figures.turnedAway.Add(1)
		c.cancel()
		_ = raw.Close()
		if tell {
			s.log.Warn("nbd: all connections are taken, turning new ones away", "limit", s.limits.Connections)
		}
		return
	}
	s.figures.accepted.Add(1)
	go c.live()
}

func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.listeners[l] = struct{}{}
	}
	return !s.closing
}

func (s *Server) removeListener(l net.Listener) {
	_ = l.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// Revoke cuts every connection on the export of that name at once and returns when
// none of their requests is under way and, where they were its last users, the device
// is closed. Exports.Lookup must refuse the name before: then nobody can come back.
// When ctx ends first, a device still works on something: do not hand it on.
func (s *Server) Revoke(ctx context.Context, name string) error {
	var ending []*conn
	s.mu.Lock()
	for c := range s.conns {
		if c.claimed && c.name == name {
			ending = append(ending, c)
		}
	}
	s.mu.Unlock()
	for _, c := range ending {
		c.cut()
	}
	for _, c := range ending {
		if err := wait(ctx, c.done); err != nil {
			return fmt.Errorf("revoke export %s: %w", LogName(name), err)
		}
	}
	return nil
}

// afterCut is how long Close waits for connections that it cut off.
const afterCut = time.Second

// Close accepts no more, lets requests in hand end, answers them, and closes the
// devices. When ctx ends first it cuts the connections; a device that still works
// on something then stays open, and Close fails.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	for l := range s.listeners {
		_ = l.Close() // its Serve returns
	}
	var ending []*conn
	for c := range s.conns {
		ending = append(ending, c)
	}
	s.mu.Unlock()
	for _, c := range ending {
		c.drain()
	}
	for i, c := range ending {
		if wait(ctx, c.done) != nil {
			return s.cutAll(ctx, ending[i:])
		}
	}
	return nil
}

func (s *Server) cutAll(ctx context.Context, ending []*conn) error {
	for _, c := range ending {
		c.cut()
	}
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), afterCut)
	defer stop()
	for _, c := range ending {
		if wait(last, c.done) != nil {
			return fmt.Errorf("close the NBD server: a device still works on requests: %w", ctx.Err())
		}
	}
	return nil
}
