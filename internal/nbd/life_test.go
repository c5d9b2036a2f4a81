package nbd_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/nbd"
)

// gate stops operations of a device until it is opened.
type gate struct {
	reached chan string
	open    chan struct{}
}

func newGate() *gate { return &gate{reached: make(chan string, 1000), open: make(chan struct{})} }

func (g *gate) pass(what string) error {
	g.reached <- what
	<-g.open
	return nil
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// almostAtOnce is for what must not come about.
func almostAtOnce(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestADeviceIsOpenedOnceAndClosedAfterItsLastConnection(t *testing.T) {
	d := newDisk(4096)
	r := serve(t, one(t, d))
	first, second := attach(t, r, "vol"), attach(t, r, "vol")
	first.put(command(disc, 0, 0, 0, 0, nil))
	first.wantEnd()
	second.want(0, read, 0, 0, 4096, nil)
	if d.isClosed() || d.opened.Load() != 1 {
		t.Errorf("closed %v, opened %d times", d.isClosed(), d.opened.Load())
	}
	second.Close() // without a goodbye
	eventually(t, "the device is closed", d.isClosed)
	attach(t, r, "vol").want(0, read, 0, 0, 4096, nil)
	if d.opened.Load() != 2 {
		t.Errorf("opened %d times", d.opened.Load())
	}
}

func TestNamesOfOneKeyShareADevice(t *testing.T) {
	d := newDisk(4096)
	checked := one(t, d)["vol"]
	checked.Key = "volume-1"
	reader := checked
	reader.ReadOnly = true
	r := serve(t, map[string]nbd.Export{"a": checked, "b": reader})
	a, b := attach(t, r, "a"), attach(t, r, "b")
	a.want(0, write, 0, 0, 4, []byte("abcd"))
	if r := b.want(0, read, 0, 0, 4, nil); string(r.data) != "abcd" {
		t.Errorf("read %q", r.data)
	}
	b.want(eperm, write, 0, 0, 4, []byte("wxyz"))
	if d.opened.Load() != 1 {
		t.Errorf("opened %d times", d.opened.Load())
	}
	r.names.remove("a")
	if err := r.Revoke(soon(t), "a"); err != nil {
		t.Fatal(err)
	}
	a.wantEnd()
	b.want(0, read, 0, 0, 4, nil) // another attachment of the volume goes on
}

// slowOpener's device takes as long to open and to close as the test likes.
type slowOpener struct {
	*disk
	opening, closing *gate
}

func (s *slowOpener) open(ctx context.Context) (driver.Device, error) {
	if s.opening != nil {
		s.opening.reached <- "open"
		select {
		case <-s.opening.open:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if _, err := s.disk.open(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *slowOpener) Close() error {
	if s.closing != nil {
		_ = s.closing.pass("close")
	}
	return s.disk.Close()
}

func TestAnotherConnectionWaitsUntilTheDeviceIsClosed(t *testing.T) {
	d := &slowOpener{disk: newDisk(4096), closing: newGate()}
	one(t, d.disk)
	r := serve(t, map[string]nbd.Export{"vol": {Open: d.open}})
	attach(t, r, "vol").Close()
	<-d.closing.reached
	next := dial(t, r)
	next.sendOption(goOn, "vol", uint16(0))
	if err := next.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("answered before the device was closed: %v", err)
	}
	close(d.closing.open) // a device opened twice at once would fail with ErrBusy
	_ = next.SetReadDeadline(time.Now().Add(patience))
	next.take(20)
}

func TestWhoWaitsForADeviceOpensItWhenTheOpenerLeaves(t *testing.T) {
	d := &slowOpener{disk: newDisk(4096), opening: newGate()}
	one(t, d.disk)
	export := nbd.Export{Key: "one", Open: d.open}
	r := serve(t, map[string]nbd.Export{"a": export, "b": export})
	r.names.asked = make(chan string, 2)
	a, b := dial(t, r), dial(t, r)
	a.sendOption(goOn, "a", uint16(0))
	<-r.names.asked
	<-d.opening.reached
	b.sendOption(goOn, "b", uint16(0))
	<-r.names.asked
	if err := r.Revoke(soon(t), "a"); err != nil { // ends the context of its Open
		t.Fatal(err)
	}
	a.wantEnd()
	<-d.opening.reached
	close(d.opening.open)
	b.take(20)
}

func TestADeviceThatCannotBeOpenedIsRefusedAndTriedAgain(t *testing.T) {
	d, broken := newDisk(4096), true
	checked := one(t, d)["vol"]
	r := serve(t, map[string]nbd.Export{"vol": {Open: func(ctx context.Context) (driver.Device, error) {
		if broken {
			return nil, driver.ErrDamaged
		}
		return checked.Open(ctx)
	}}})
	c := dial(t, r)
	if kind := c.kindOf(goOn, "vol", uint16(0)); kind != policy {
		t.Errorf("answered with %#x", kind)
	}
	if len(r.log.with(`"ERROR"`)) != 1 {
		t.Error("the cause was not logged")
	}
	broken = false
	c.begin("vol")
}

func TestRevokeCutsConnectionsAtOnceAndWaitsForTheDevice(t *testing.T) {
	d, g := newDisk(1<<20), newGate()
	r := serve(t, one(t, d))
	writer, idle := attach(t, r, "vol"), attach(t, r, "vol")
	d.before = g.pass
	writer.put(command(write, 0, 1, 0, 128<<10, make([]byte, 128<<10)))
	<-g.reached // the device is writing
	writer.put(command(write, 0, 2, 0, 4, []byte("late")))
	r.names.remove("vol")
	if err := r.Revoke(almostAtOnce(t), "vol"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("revoked while the device was writing: %v", err)
	}
	writer.wantEnd()
	idle.wantEnd()
	if d.isClosed() {
		t.Error("the device was closed during a write")
	}
	close(g.open)
	if err := r.Revoke(soon(t), "vol"); err != nil {
		t.Fatal(err)
	}
	if !d.isClosed() {
		t.Error("the device is still open after Revoke")
	}
	again := dial(t, r)
	if kind := again.kindOf(goOn, "vol", uint16(0)); kind != unknown {
		t.Errorf("the name was answered with %#x", kind)
	}
}

func TestRevokeWaitsUntilTheDeviceIsClosed(t *testing.T) {
	d := &slowOpener{disk: newDisk(4096), closing: newGate()}
	one(t, d.disk)
	r := serve(t, map[string]nbd.Export{"vol": {Open: d.open}})
	c := attach(t, r, "vol")
	revoked := make(chan error, 1)
	go func() { revoked <- r.Revoke(soon(t), "vol") }()
	c.wantEnd()
	<-d.closing.reached
	select {
	case <-revoked:
		t.Error("Revoke did not wait")
	case <-almostAtOnce(t).Done():
	}
	close(d.closing.open)
	if err := <-revoked; err != nil {
		t.Error(err)
	}
}

func TestWhatWaitsBehindARevokedRequestNeverReachesTheDevice(t *testing.T) {
	d, g := newDisk(1<<20), newGate()
	r := serve(t, one(t, d), func(c *nbd.Config) { c.Limits.Workers = 1 })
	c := attach(t, r, "vol")
	d.before = g.pass
	for i := range uint64(4) {
		c.put(command(write, fua, i, i*4096, 4, []byte("late")))
	}
	c.put(command(read, 0, 9, 1<<30, 4, nil)) // is refused at once: so all before it wait
	c.receive(func(uint64) (uint16, uint32) { return read, 4 })
	<-g.reached // the worker has the first of them in hand
	if err := r.Revoke(almostAtOnce(t), "vol"); err == nil {
		t.Fatal("revoked while the device was writing")
	}
	close(g.open)
	if err := r.Revoke(soon(t), "vol"); err != nil {
		t.Fatal(err)
	}
	for at := 4096; at < 4*4096; at += 4096 {
		if string(d.data[at:at+4]) == "late" {
			t.Errorf("a write at %d came after Revoke", at)
		}
	}
}

func TestRevokeReachesAConnectionThatWasJustLookedUp(t *testing.T) {
	d := newDisk(4096)
	r := serve(t, one(t, d))
	r.names.asked, r.names.hold = make(chan string, 1), make(chan struct{})
	c := dial(t, r)
	c.sendOption(goOn, "vol", uint16(0))
	<-r.names.asked
	eventually(t, "the old answer is on its way", func() bool {
		r.names.mu.Lock()
		defer r.names.mu.Unlock()
		return len(r.names.peers) == 1
	})
	r.names.remove("vol") // too late for the answer that waits
	if err := r.Revoke(almostAtOnce(t), "vol"); err == nil {
		t.Error("Revoke did not wait for it")
	}
	close(r.names.hold)
	if err := r.Revoke(soon(t), "vol"); err != nil {
		t.Fatal(err)
	}
	c.wantEnd()
}

func TestTheEndOfAliveCutsItsConnections(t *testing.T) {
	d := newDisk(4096)
	exports := one(t, d)
	alive, revoke := context.WithCancel(context.Background())
	exports["vol"] = nbd.Export{Open: d.open, Alive: alive}
	r := serve(t, exports)
	c := attach(t, r, "vol")
	waiting := dial(t, r)
	waiting.option(info, "vol", uint16(0))
	revoke()
	c.wantEnd()
	waiting.wantEnd()
	late := dial(t, r) // Lookup still knows the name
	late.sendOption(goOn, "vol", uint16(0))
	head := make([]byte, 20)
	if n, _ := late.Read(head); n == 20 && head[15] != byte(unknown&0xff) {
		t.Errorf("a revoked export was answered with %x", head)
	}
	eventually(t, "the device is closed", d.isClosed)
}

func TestCloseLetsRequestsEndAndAnswersThem(t *testing.T) {
	d, g := newDisk(1<<20), newGate()
	r := serve(t, one(t, d))
	c := attach(t, r, "vol")
	shaking := dial(t, r)
	d.before = g.pass
	for i := range uint64(3) {
		c.put(command(write, fua, i, i*4096, 4096, make([]byte, 4096)))
		<-g.reached
	}
	closed := make(chan error, 1)
	go func() { closed <- r.Close(soon(t)) }()
	shaking.wantEnd()
	select {
	case err := <-closed:
		t.Fatalf("closed while the device was writing: %v", err)
	case <-almostAtOnce(t).Done():
	}
	close(g.open)
	for range 3 {
		if r := c.receive(func(uint64) (uint16, uint32) { return write, 0 }); r.code != 0 {
			t.Errorf("error %d", r.code)
		}
	}
	c.wantEnd()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if d.unflushed() != 0 || !d.isClosed() {
		t.Errorf("%d writes are not durable, closed %v", d.unflushed(), d.isClosed())
	}
}

func TestRequestsThatCameBeforeCloseButWereNotBegunAreRefused(t *testing.T) {
	d, g := newDisk(1<<20), newGate()
	r := serve(t, one(t, d), func(c *nbd.Config) { c.Limits.Idle = time.Hour }) // which must not be waited for
	c := attach(t, r, "vol")
	d.before = g.pass
	c.put(append(command(read, 0, 1, 0, 512, nil), command(read, 0, 2, 0, 512, nil)...)) // one after the other
	<-g.reached
	closed := make(chan error, 1)
	go func() { closed <- r.Close(soon(t)) }()
	eventually(t, "the server is closing", func() bool {
		conn, err := net.Dial(r.addr.Network(), r.addr.String())
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(g.open)
	for range 2 {
		r := c.receive(func(uint64) (uint16, uint32) { return read, 512 })
		if want := map[uint64]uint32{1: 0, 2: eshutdown}[r.cookie]; r.code != want {
			t.Errorf("request %d: error %d, want %d", r.cookie, r.code, want)
		}
	}
	c.wantEnd()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestCloseDoesNotWaitForADeviceForEver(t *testing.T) {
	d, g := newDisk(4096), newGate()
	r := serve(t, one(t, d))
	c := attach(t, r, "vol")
	d.before = g.pass
	c.put(command(flush, 0, 1, 0, 0, nil))
	<-g.reached
	if err := r.Close(almostAtOnce(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("closed: %v", err)
	}
	c.wantEnd()
	if d.isClosed() {
		t.Error("the device was closed while it was flushing")
	}
	close(g.open)
	eventually(t, "the device is closed", d.isClosed)
}

func TestServeEndsWithItsContext(t *testing.T) {
	d := newDisk(4096)
	checkLater := one(t, d)
	server := nbd.New(nbd.Config{Exports: &names{exports: checkLater}})
	dir, err := os.MkdirTemp("", "nbd")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	r := &rig{Server: server, addr: listener.Addr()}
	c := attach(t, r, "vol")
	cancel()
	if err := <-ended; !errors.Is(err, nbd.ErrClosed) {
		t.Errorf("ended with %v", err)
	}
	c.want(0, flush, 0, 0, 0, nil) // connections live until Close
	if err := server.Close(soon(t)); err != nil {
		t.Error(err)
	}
	if err := server.Serve(context.Background(), listener); !errors.Is(err, nbd.ErrClosed) {
		t.Errorf("a closed server serves: %v", err)
	}
}

func TestDisconnectWaitsForWhatIsUnderWay(t *testing.T) {
	d, g := newDisk(1<<20), newGate()
	r := serve(t, one(t, d))
	c := attach(t, r, "vol")
	d.before = g.pass
	c.put(append(command(write, fua, 7, 0, 4, []byte("abcd")), command(disc, 0, 8, 0, 0, nil)...))
	<-g.reached
	close(g.open)
	if r := c.receive(func(uint64) (uint16, uint32) { return write, 0 }); r.cookie != 7 || r.code != 0 {
		t.Errorf("answered with %+v", r)
	}
	c.wantEnd()
	eventually(t, "the device is closed", d.isClosed)
	if d.unflushed() != 0 {
		t.Error("the write is not durable")
	}
}

func TestConnectionsComeAndGoWhileTheyAreRevoked(t *testing.T) {
	d := newDisk(1 << 20)
	r := serve(t, one(t, d))
	var all sync.WaitGroup
	for i := range 6 {
		script := pack(uint32(3), []byte("IHAVEOPT"), uint32(goOn), uint32(9), "vol", uint16(0),
			command(write, fua, 1, uint64(i)*4096, 4096, make([]byte, 4096)), command(read, 0, 2, 0, 128<<10, nil))
		all.Go(func() {
			for round := range 30 {
				conn, err := net.Dial(r.addr.Network(), r.addr.String())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = conn.Write(script) // what comes of it is the others' doing
				switch (i + round) % 3 {
				case 0:
					_, _ = io.CopyN(io.Discard, conn, 200)
				case 1:
					if err := r.Revoke(soon(t), "vol"); err != nil {
						t.Error(err)
					}
				}
				conn.Close()
			}
		})
	}
	all.Wait()
	eventually(t, "the device is closed", d.isClosed)
	attach(t, r, "vol").want(0, read, 0, 0, 4096, nil)
}
