package nbd

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// ErrNoExport is a name that is not there, or not for this peer.
var ErrNoExport = errors.New("no such export")

// Peer is who connects.
type Peer struct {
	// ClientCert is the certificate that TLS verified against the configured
	// authorities; nil without one.
	ClientCert *x509.Certificate
	TLS        bool   // what is said is encrypted
	Remote     string // address, for logs
}

// Exports knows the names. Both methods run for many connections at once.
type Exports interface {
	// Lookup tells what peer may use under name; ErrNoExport when nothing. It is
	// asked once for each connection, so that rights are those of now.
	Lookup(ctx context.Context, name string, peer Peer) (Export, error)
	// List gives the names that peer may see; at most 1024 are sent. Names are
	// secrets: none, unless a client certificate says otherwise.
	List(ctx context.Context, peer Peer) []string
}

// Export is what one connection may use.
type Export struct {
	// Key names the device: connections with the same key share one, opened for the
	// first and closed after the last. Empty: the export's name. What is opened for
	// reading needs another key than what is opened for writing.
	Key  string
	Open func(ctx context.Context) (driver.Device, error)

	Size     int64 // bytes to show; 0 or too many: what the device has when the connection begins
	ReadOnly bool
	QoS      QoS // the newest connection's holds for all of the budget
	// Budget names what the QoS is of: connections with the same budget spend of one.
	// Empty: those with the same key.
	Budget string
	// Alive ends when the export is revoked, and its connections with it; nil never
	// does. To know that nothing of theirs is under way any more, use Server.Revoke.
	Alive context.Context
}

// LogName is what logs call an export: a hash, because the name itself opens it.
func LogName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:4])
}

// shared is an open device and its users. Server.mu guards users and closing.
type shared struct {
	key     string
	users   int
	closing bool
	opened  chan struct{} // closed when can, or err, is set
	closed  chan struct{} // closed when the device is
	can     abilities
	err     error
	bucket  *bucket
}

// addDevice begins the device of e. The caller holds mu.
func (s *Server) addDevice(e Export) *shared {
	budget := cmp.Or(e.Budget, e.Key)
	b := s.buckets[budget]
	if b == nil {
		b = &bucket{budget: budget}
		s.buckets[budget] = b
	}
	b.devices++
	d := &shared{key: e.Key, users: 1, bucket: b, opened: make(chan struct{}), closed: make(chan struct{})}
	s.devices[e.Key] = d
	return d
}

// dropDevice ends what addDevice began.
func (s *Server) dropDevice(d *shared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.devices, d.key)
	if d.bucket.devices--; d.bucket.devices == 0 {
		delete(s.buckets, d.bucket.budget)
	}
}

// SetQoS is what the connections of a budget may do in a second from now on. It does
// nothing when there are none: the next one brings its own.
func (s *Server) SetQoS(budget string, q QoS) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[budget]; b != nil {
		b.set(q)
	}
}

// acquire gives the device of e, opened if it is not; release gives it back.
func (s *Server) acquire(ctx context.Context, e Export) (*shared, error) {
	for {
		s.mu.Lock()
		d := s.devices[e.Key]
		switch {
		case d == nil:
			d = s.addDevice(e)
			s.mu.Unlock()
			if err := s.openDevice(ctx, d, e); err != nil {
				return nil, err
			}
			return d, nil
		case d.closing:
			s.mu.Unlock()
			if err := wait(ctx, d.closed); err != nil {
				return nil, err
			}
			continue
		}
		d.users++
		s.mu.Unlock()
		if err := wait(ctx, d.opened); err != nil {
			s.release(d)
			return nil, err
		}
		switch {
		case d.err == nil:
			d.bucket.set(e.QoS)
			return d, nil
		case !errors.Is(d.err, context.Canceled) && !errors.Is(d.err, context.DeadlineExceeded):
			return nil, d.err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		} // the one who opened it went away meanwhile: open it anew
	}
}

func (s *Server) openDevice(ctx context.Context, d *shared, e Export) error {
	dev, err := e.Open(ctx)
	if err == nil && dev == nil {
		err = errors.New("the export has no device")
	}
	if err != nil {
		d.err = err
		s.dropDevice(d)
	} else {
		d.can = abilitiesOf(dev)
		d.bucket.set(e.QoS)
	}
	close(d.opened)
	return err
}

// release gives back what acquire gave; the last one closes the device.
func (s *Server) release(d *shared) {
	s.mu.Lock()
	d.users--
	last := d.users == 0 && s.devices[d.key] == d
	d.closing = d.closing || last
	s.mu.Unlock()
	if !last {
		return
	}
	if err := d.can.Close(); err != nil { // whoever opened it was a user until it was open
		s.log.Error("nbd: closing a device failed", "err", err)
	}
	s.dropDevice(d)
	close(d.closed)
}

// wait returns when done is closed, or fails when ctx ends first.
func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for a device: %w", ctx.Err())
	}
}
