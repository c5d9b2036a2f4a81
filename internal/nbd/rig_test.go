package nbd_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/nbd"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childSocket); path != "" {
		serveChild(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// disk is a device in memory that has what every device has, and counts.
type disk struct {
	mu      sync.Mutex
	data    []byte
	closed  bool
	dirty   int                 // writes since the last flush
	before  func(string) error  // runs before each operation, outside mu; may be nil
	opened  atomic.Int32        // times
	busy    atomic.Int32        // operations under way
	most    atomic.Int32        // that were, at one time
	flushes atomic.Int32        // times
	wrong   atomic.Pointer[any] // an operation out of range or after Close
}

func newDisk(size int) *disk { return &disk{data: make([]byte, size)} }

func (d *disk) begin(what string) (func(), error) {
	busy := d.busy.Add(1)
	for most := d.most.Load(); busy > most && !d.most.CompareAndSwap(most, busy); most = d.most.Load() {
	}
	if d.before != nil {
		if err := d.before(what); err != nil {
			d.busy.Add(-1)
			return nil, err
		}
	}
	d.mu.Lock()
	if d.closed {
		d.blame("an operation after Close")
	}
	return func() { d.mu.Unlock(); d.busy.Add(-1) }, nil
}

func (d *disk) blame(what any) { d.wrong.CompareAndSwap(nil, &what) }

func (d *disk) inside(off, n int64) error {
	if off < 0 || n < 0 || off > int64(len(d.data))-n {
		d.blame("an operation out of range")
		return driver.ErrInvalid
	}
	return nil
}

func (d *disk) Size() int64 { return int64(len(d.data)) }

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	end, err := d.begin("read")
	if err != nil {
		return 0, err
	}
	defer end()
	if err := d.inside(off, int64(len(p))); err != nil {
		return 0, err
	}
	return copy(p, d.data[off:]), nil
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) {
	end, err := d.begin("write")
	if err != nil {
		return 0, err
	}
	defer end()
	if err := d.inside(off, int64(len(p))); err != nil {
		return 0, err
	}
	d.dirty++
	return copy(d.data[off:], p), nil
}

func (d *disk) Flush(context.Context) error {
	end, err := d.begin("flush")
	if err != nil {
		return err
	}
	defer end()
	d.flushes.Add(1)
	d.dirty = 0
	return nil
}

func (d *disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		d.blame("Close twice")
		return fs.ErrClosed
	}
	if d.busy.Load() != 0 {
		d.blame("Close during an operation")
	}
	d.closed = true
	return nil
}

func (d *disk) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

func (d *disk) unflushed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dirty
}

// open is Export.Open: the same bytes each time.
func (d *disk) open(context.Context) (driver.Device, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened.Add(1) > 1 && !d.closed {
		return nil, driver.ErrBusy
	}
	d.closed = false
	return d, nil
}

// richDisk can zero, discard and tell extents, in blocks of 4 KiB.
type richDisk struct {
	*disk
	kept   atomic.Int32 // zero writes that keep their space
	states map[int64]nbd.ExtentKind
}

const block = 4096

func newRichDisk(size int) *richDisk {
	d := &richDisk{disk: newDisk(size), states: map[int64]nbd.ExtentKind{}}
	return d
}

func (d *richDisk) open(ctx context.Context) (driver.Device, error) {
	_, err := d.disk.open(ctx)
	return d, err
}

func (d *richDisk) WriteZeroes(off, n int64, keepAllocated bool) error {
	end, err := d.begin("zero")
	if err != nil {
		return err
	}
	defer end()
	if err := d.inside(off, n); err != nil {
		return err
	}
	d.dirty++
	clear(d.data[off : off+n])
	kind := nbd.ExtentHole
	if keepAllocated {
		d.kept.Add(1)
		kind = nbd.ExtentZero
	}
	for at := (off + block - 1) / block; (at+1)*block <= off+n; at++ {
		d.states[at] = kind
	}
	return nil
}

func (d *richDisk) Discard(off, n int64) error { return d.WriteZeroes(off, n, false) }

func (d *richDisk) Extents(off, n int64, fn func(n int64, kind nbd.ExtentKind) bool) error {
	end, err := d.begin("extents")
	if err != nil {
		return err
	}
	defer end()
	if err := d.inside(off, n); err != nil {
		return err
	}
	for n > 0 {
		piece := min(n, block-off%block)
		if !fn(piece, d.states[off/block]) {
			return nil
		}
		off, n = off+piece, n-piece
	}
	return nil
}

// names is an Exports from a map; what is taken out is refused from then on.
type names struct {
	mu      sync.Mutex
	exports map[string]nbd.Export
	listed  []string      // to who shows a certificate
	peers   []nbd.Peer    // who asked
	hold    chan struct{} // Lookup waits here; nil: it does not
	asked   chan string   // gets each name; nil: none
}

func (n *names) Lookup(ctx context.Context, name string, peer nbd.Peer) (nbd.Export, error) {
	if n.asked != nil {
		n.asked <- name
	}
	n.mu.Lock()
	n.peers = append(n.peers, peer)
	e, known := n.exports[name]
	n.mu.Unlock()
	if n.hold != nil {
		<-n.hold
	}
	if !known {
		return e, nbd.ErrNoExport
	}
	return e, nil
}

func (n *names) List(_ context.Context, peer nbd.Peer) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if peer.ClientCert == nil {
		return nil
	}
	return n.listed
}

func (n *names) list(names ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listed = names
}

func (n *names) remove(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.exports, name)
}

// rig is a running server, and what to reach it by.
type rig struct {
	*nbd.Server
	names  *names
	socket string
	addr   net.Addr
	log    *lines
}

func (r *rig) connect(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial(r.addr.Network(), r.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// serve runs a server on a unix socket until the test ends.
func serve(t testing.TB, exports map[string]nbd.Export, change ...func(*nbd.Config)) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "nbd") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return serveOn(t, "unix", filepath.Join(dir, "s"), exports, change...)
}

func serveOn(t testing.TB, network, address string, exports map[string]nbd.Export, change ...func(*nbd.Config)) *rig {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{names: &names{exports: exports}, socket: address, addr: listener.Addr(), log: &lines{}}
	config := nbd.Config{Exports: r.names, Log: slog.New(slog.NewJSONHandler(r.log, nil))}
	for _, f := range change {
		f(&config)
	}
	r.Server = nbd.New(config)
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(context.Background(), listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-ended; !errors.Is(err, nbd.ErrClosed) {
			t.Errorf("Serve ended with %v", err)
		}
	})
	return r
}

// one is a single export named "vol" of a disk.
func one(t testing.TB, d *disk) map[string]nbd.Export {
	t.Cleanup(func() { checkDisk(t, d) })
	return map[string]nbd.Export{"vol": {Open: d.open}}
}

func oneRich(t testing.TB, d *richDisk) map[string]nbd.Export {
	t.Cleanup(func() { checkDisk(t, d.disk) })
	return map[string]nbd.Export{"vol": {Open: d.open}}
}

// checkDisk runs after the server was closed.
func checkDisk(t testing.TB, d *disk) {
	if wrong := d.wrong.Load(); wrong != nil {
		t.Errorf("the device saw %v", *wrong)
	}
	if d.opened.Load() > 0 && !d.isClosed() {
		t.Error("the device was left open")
	}
}

// lines is what was logged.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// with gives the lines that hold text.
func (l *lines) with(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(strings.Split(l.buf.String(), "\n"), func(line string) bool {
		return line == "" || !strings.Contains(line, text)
	})
}

// eventually waits for what other goroutines bring about.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come about that %s", what)
		}
	}
}
