package nbd_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/nbd"
)

// pipes is a listener in memory, for tests in a time of their own.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// inVirtualTime runs a test with a server that is reached by dial.
func inVirtualTime(t *testing.T, exports map[string]nbd.Export, limits nbd.Limits, test func(t *testing.T, dial func() net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		server := nbd.New(nbd.Config{Exports: &names{exports: exports}, Limits: limits, Log: slog.New(slog.NewJSONHandler(log, nil))})
		listener := newPipes()
		go func() { _ = server.Serve(context.Background(), listener) }()
		test(t, func() net.Conn {
			ours, theirs := net.Pipe()
			listener.conns <- theirs
			return ours
		})
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	})
}

// begun brings a connection to its transmission phase, without a deadline.
func begun(t *testing.T, conn net.Conn, name string) *client {
	c := newClient(t, conn)
	c.put(uint32(3))
	c.begin(name)
	_ = c.SetDeadline(time.Time{})
	return c
}

// endsAfter fails unless the server closes the connection so long after begin.
func endsAfter(t *testing.T, conn io.Reader, begin time.Time, from, to time.Duration) {
	t.Helper()
	_, err := io.Copy(io.Discard, conn)
	if took := time.Since(begin); took < from || took > to {
		t.Errorf("it took %v until the end (%v), want %v to %v", took, err, from, to)
	}
}

func TestASlowHandshakeIsCutOff(t *testing.T) {
	inVirtualTime(t, nil, nbd.Limits{Handshake: 7 * time.Second}, func(t *testing.T, dial func() net.Conn) {
		begin := time.Now()
		c := newClient(t, dial())
		_ = c.SetDeadline(time.Time{})
		c.put(uint32(3))
		for range 3 { // one byte in two seconds does not keep it alive
			c.put([]byte("I"))
			time.Sleep(2 * time.Second)
		}
		endsAfter(t, c, begin, 7*time.Second, 7*time.Second)
	})
}

func TestALookupThatHangsIsCutOff(t *testing.T) {
	hanging := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	exports := map[string]nbd.Export{"vol": {Open: func(ctx context.Context) (driver.Device, error) { return nil, hanging(ctx) }}}
	inVirtualTime(t, exports, nbd.Limits{Handshake: 7 * time.Second}, func(t *testing.T, dial func() net.Conn) {
		begin := time.Now()
		c := newClient(t, dial())
		_ = c.SetDeadline(time.Time{})
		c.put(uint32(3))
		c.sendOption(goOn, "vol", uint16(0))
		endsAfter(t, c, begin, 7*time.Second, 7*time.Second)
	})
}

func TestAnIdleConnectionLivesUnlessAskedOtherwise(t *testing.T) {
	d := newDisk(4096)
	inVirtualTime(t, one(t, d), nbd.Limits{}, func(t *testing.T, dial func() net.Conn) {
		c := begun(t, dial(), "vol")
		time.Sleep(1000 * time.Hour)
		c.want(0, read, 0, 0, 4096, nil)
		time.Sleep(1000 * time.Hour)
		c.want(0, write, 0, 0, 4, []byte("abcd"))
		late := command(write, 0, 9, 0, 4, []byte("abcd"))
		c.put(late[:10]) // a stall that ends in time leaves no time-out behind
		time.Sleep(30 * time.Second)
		c.put(late[10:])
		c.receive(func(uint64) (uint16, uint32) { return write, 0 })
		time.Sleep(1000 * time.Hour)
		c.want(0, read, 0, 0, 4096, nil)
	})
	again := newDisk(4096)
	inVirtualTime(t, one(t, again), nbd.Limits{Idle: time.Hour}, func(t *testing.T, dial func() net.Conn) {
		c := begun(t, dial(), "vol")
		time.Sleep(59 * time.Minute)
		c.want(0, read, 0, 0, 4096, nil)
		endsAfter(t, c, time.Now(), time.Hour, time.Hour)
	})
}

func TestAStallInTheMiddleOfARequestEndsTheConnection(t *testing.T) {
	for _, tc := range []struct {
		name string
		send []byte
	}{
		{"in a head", command(read, 0, 1, 0, 512, nil)[:20]},
		{"in a small payload", command(write, 0, 1, 0, 512, make([]byte, 500))},
		{"in a large payload", command(write, 0, 1, 0, 512<<10, make([]byte, 300<<10))},
		{"in a payload that is refused", command(write, 0, 1, 1<<40, 512<<10, make([]byte, 300<<10))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDisk(1 << 20)
			inVirtualTime(t, one(t, d), nbd.Limits{Transfer: 30 * time.Second}, func(t *testing.T, dial func() net.Conn) {
				c := begun(t, dial(), "vol")
				time.Sleep(time.Hour)
				begin := time.Now()
				c.put(tc.send)
				endsAfter(t, c, begin, 30*time.Second, 30*time.Second)
			})
		})
	}
}

func TestAClientThatDoesNotReadRepliesIsCutOff(t *testing.T) {
	for _, n := range []uint32{512, 1 << 20} {
		d := newDisk(1 << 20)
		inVirtualTime(t, one(t, d), nbd.Limits{Transfer: 60 * time.Second}, func(t *testing.T, dial func() net.Conn) {
			c := begun(t, dial(), "vol")
			time.Sleep(time.Hour)
			begin := time.Now()
			c.put(command(read, 0, 1, 0, n, nil))
			time.Sleep(61 * time.Second) // the deadline is moved on by quarters: it comes after 45 to 60 s
			endsAfter(t, c, begin, 0, 61*time.Second)
		})
	}
}

func TestAConnectionHasOnlySoMuchInHand(t *testing.T) {
	d, g := newDisk(1<<20), newGate()
	inVirtualTime(t, one(t, d), nbd.Limits{Requests: 8, Workers: 3}, func(t *testing.T, dial func() net.Conn) {
		g.reached, g.open = make(chan string, 1000), make(chan struct{}) // of this bubble
		c := begun(t, dial(), "vol")
		d.before = g.pass
		sent := 0
		go func() {
			for i := range uint64(50) {
				if _, err := c.Write(command(write, fua, i, 0, 512, make([]byte, 512))); err != nil {
					return
				}
				sent++
			}
		}()
		synctest.Wait()
		if busy := d.busy.Load(); busy != 3 {
			t.Errorf("the device works on %d requests, want 3", busy)
		}
		if len(g.reached) != 3 {
			t.Errorf("%d requests reached the device", len(g.reached))
		}
		// Eight are in hand, the ninth is at the door, and a pipe holds nothing.
		if sent < 8 || sent > 10 {
			t.Errorf("%d requests were taken", sent)
		}
		close(g.open)
		for range 50 {
			c.receive(func(uint64) (uint16, uint32) { return write, 0 })
		}
		if most := d.most.Load(); most != 3 {
			t.Errorf("the device worked on %d requests at a time, want 3", most)
		}
	})
}

func TestSmallReadsOfASlowDeviceDoNotWaitForEachOther(t *testing.T) {
	d := newDisk(1 << 20)
	inVirtualTime(t, one(t, d), nbd.Limits{Workers: 16}, func(t *testing.T, dial func() net.Conn) {
		c := begun(t, dial(), "vol")
		d.before = func(string) error { time.Sleep(time.Millisecond); return nil }
		const count = 1600
		go func() {
			var all []byte
			for i := range uint64(count) {
				all = append(all, command(read, 0, i, 0, 512, nil)...)
			}
			_, _ = c.Write(all) // what is missing shows below
		}()
		begin := time.Now()
		for range count {
			c.receive(func(uint64) (uint16, uint32) { return read, 512 })
		}
		if took := time.Since(begin); took > 150*time.Millisecond { // 100 with 16 at a time, 1600 one by one
			t.Errorf("%d reads took %v", count, took)
		}
	})
}

func TestConnectionsHaveALimit(t *testing.T) {
	d := newDisk(4096)
	r := serve(t, one(t, d), func(c *nbd.Config) { c.Limits.Connections = 2 })
	first, _ := attach(t, r, "vol"), attach(t, r, "vol")
	for range 3 {
		conn := r.connect(t)
		if _, err := io.ReadFull(conn, make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
			t.Errorf("a third connection: %v", err)
		}
		conn.Close()
	}
	if n := len(r.log.with("all connections are taken")); n != 1 {
		t.Errorf("%d lines were logged", n)
	}
	first.put(command(disc, 0, 0, 0, 0, nil))
	first.wantEnd()
	eventually(t, "there is room again", func() bool {
		conn := r.connect(t)
		defer conn.Close()
		_, err := io.ReadFull(conn, make([]byte, 18))
		return err == nil
	})
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

func TestShareOfADeviceIsKept(t *testing.T) {
	for _, tc := range []struct {
		name        string
		qos         nbd.QoS
		kind, flags uint16
		n           uint32
		times       int
		want        time.Duration
	}{
		{"reads by count", nbd.QoS{IOPS: 100}, read, 0, 512, 300, 2 * time.Second},
		{"writes by count", nbd.QoS{IOPS: 100}, write, fua, 512, 300, 2 * time.Second},
		{"reads by bytes", nbd.QoS{BytesPerSecond: 1 << 20}, read, 0, 256 << 10, 20, 4 * time.Second},
		{"writes by bytes", nbd.QoS{BytesPerSecond: 1 << 20, IOPS: 1000}, write, 0, 256 << 10, 20, 4 * time.Second},
		{"more than a burst", nbd.QoS{BytesPerSecond: 64 << 10}, read, 0, 256 << 10, 2, 7 * time.Second},
		{"zeroes count as writes where they are written", nbd.QoS{BytesPerSecond: 1 << 20}, zeroes, 0, 1 << 20, 6, 5 * time.Second},
		{"reads by their own count", nbd.QoS{ReadIOPS: 100, WriteIOPS: 1}, read, 0, 512, 300, 2 * time.Second},
		{"writes by their own bytes", nbd.QoS{WriteBytesPerSecond: 1 << 20, ReadBytesPerSecond: 1}, write, 0, 256 << 10, 20, 4 * time.Second},
		{"reads are not held to the share of writes", nbd.QoS{WriteIOPS: 1, WriteBytesPerSecond: 1}, read, 0, 512, 100, 0},
		{"flushes do not count", nbd.QoS{IOPS: 1}, flush, 0, 0, 100, 0},
		{"no limit", nbd.QoS{}, read, 0, 512, 100, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, free := newDisk(1<<20), newDisk(1<<20)
			exports := one(t, d)
			exports["vol"] = nbd.Export{Open: d.open, QoS: tc.qos}
			exports["free"] = one(t, free)["vol"]
			inVirtualTime(t, exports, nbd.Limits{}, func(t *testing.T, dial func() net.Conn) {
				a, b, other := begun(t, dial(), "vol"), begun(t, dial(), "vol"), begun(t, dial(), "free")
				var payload []byte
				if tc.kind == write {
					payload = make([]byte, tc.n)
				}
				begin := time.Now()
				for range tc.times / 2 { // both connections spend of one share
					a.want(0, tc.kind, tc.flags, 0, tc.n, payload)
					b.want(0, tc.kind, tc.flags, 0, tc.n, payload)
				}
				if took := time.Since(begin); took < tc.want-50*time.Millisecond || took > tc.want+50*time.Millisecond {
					t.Errorf("it took %v, want %v", took, tc.want)
				}
				begin = time.Now()
				for range 200 {
					other.want(0, read, 0, 0, 512, nil)
				}
				if took := time.Since(begin); took != 0 {
					t.Errorf("another export waited %v", took)
				}
			})
		})
	}
}

// A volume that is attached to be read and to be written has two devices and one budget.
func TestDevicesOfOneBudgetSpendOfIt(t *testing.T) {
	written, shown := newDisk(1<<20), newDisk(1<<20)
	qos := nbd.QoS{IOPS: 100}
	exports := map[string]nbd.Export{
		"writer": {Key: "vol rw", Budget: "vol", Open: written.open, QoS: qos},
		"reader": {Key: "vol ro", Budget: "vol", Open: shown.open, QoS: qos, ReadOnly: true},
		"late":   {Key: "vol ro", Budget: "vol", Open: shown.open, QoS: nbd.QoS{IOPS: 50}, ReadOnly: true},
	}
	inVirtualTime(t, exports, nbd.Limits{}, func(t *testing.T, dial func() net.Conn) {
		a, b := begun(t, dial(), "writer"), begun(t, dial(), "reader")
		spend := func(times int, want time.Duration) {
			t.Helper()
			begin := time.Now()
			for range times / 2 {
				a.want(0, write, 0, 0, 512, make([]byte, 512))
				b.want(0, read, 0, 0, 512, nil)
			}
			if took := time.Since(begin); took < want-50*time.Millisecond || took > want+50*time.Millisecond {
				t.Errorf("%d requests took %v, want %v", times, took, want)
			}
		}
		spend(300, 2*time.Second)
		begun(t, dial(), "late") // the newest connection's limit holds for all
		spend(100, 2*time.Second)
	})
}

func TestWaitingForAShareEndsWithTheServer(t *testing.T) {
	d := newDisk(1 << 20)
	exports := one(t, d)
	exports["vol"] = nbd.Export{Open: d.open, QoS: nbd.QoS{BytesPerSecond: 1}}
	r := serve(t, exports)
	c := attach(t, r, "vol")
	c.put(append(command(flush, 0, 2, 0, 0, nil), command(read, 0, 1, 0, 1<<20, nil)...)) // the read is due in twelve days
	c.receive(func(uint64) (uint16, uint32) { return flush, 0 })                          // so the server has both
	closed := make(chan error, 1)
	go func() { closed <- r.Close(soon(t)) }()
	if r := c.receive(func(uint64) (uint16, uint32) { return read, 1 << 20 }); r.code != eshutdown {
		t.Errorf("error %d", r.code)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
