package store

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/crash"
)

const (
	// maxGroup is how many transactions share one commit. Measured: no gain beyond 256–512.
	maxGroup = 512
	// writeQueue is how many transactions may wait for the writer; one more gets Unavailable.
	writeQueue = 4096
)

var (
	// errStopped ends the work of a group whose transaction is gone; it never leaves the writer.
	errStopped = errors.New("the transaction of the group has ended")
	// errEnded is a Tx that was used after its work returned.
	errEnded = errors.New("the transaction has ended")
)

// writer owns SQLite's one writing connection. Transactions that wait together
// run one after another, each in a savepoint, and share one COMMIT, hence one
// fsync; none is answered before it.
type writer struct {
	store *Store
	conn  *liteConn
	after func()          // called after each COMMIT that wrote
	gap   func(*liteConn) // called between groups; closes the log's gap (checkpoint.go)

	queue   chan *request
	closing sync.RWMutex // held for reading while a request goes into the queue
	closed  bool
	stopped chan struct{}
	running atomic.Bool // a transaction's work is running: InTx looks for nesting

	requests sync.Pool // of *request

	group   []*request
	overlay *overlay
	lost    bool // SQLite ended the group's transaction by itself
	dirty   bool // the group has written

	commits, closures, failures, reruns, largest atomic.Int64
}

// request is one call of InTx. Requests are used again: their channel is the dear part.
type request struct {
	ctx       context.Context
	work      func(*Tx) error
	err       error
	ended     bool // has its answer already; a rerun leaves it out
	addedJobs bool
	done      chan error
}

func newWriter(s *Store, conn *liteConn, after func(), gap func(*liteConn)) *writer {
	w := &writer{store: s, conn: conn, after: after, gap: gap,
		queue: make(chan *request, writeQueue), stopped: make(chan struct{}), overlay: newOverlay()}
	w.requests.New = func() any { return &request{done: make(chan error, 1)} }
	go w.run()
	return w
}

func (w *writer) write(ctx context.Context, work func(*Tx) error) error {
	if w.running.Load() && w.store.inside.work() {
		return errNested
	}
	if err := ctx.Err(); err != nil {
		return ended(err)
	}
	r := w.requests.Get().(*request)
	r.ctx, r.work = ctx, work
	if err := w.enqueue(r); err != nil {
		return err
	}
	err := <-r.done
	*r = request{done: r.done}
	w.requests.Put(r)
	return err
}

func (w *writer) enqueue(r *request) error {
	w.closing.RLock()
	defer w.closing.RUnlock()
	if w.closed {
		return errClosed()
	}
	select {
	case w.queue <- r:
		return nil
	default:
		return block.Errorf(block.Unavailable, "Too many changes are waiting.")
	}
}

// stop lets what is queued finish and refuses the rest.
func (w *writer) stop() {
	w.closing.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.closing.Unlock()
	<-w.stopped
}

func (w *writer) run() {
	defer w.outlive()
	for first := range w.queue {
		w.group = append(w.group[:0], first)
		w.gather()
		w.commitGroup()
		w.gap(w.conn)
	}
	close(w.stopped)
}

// outlive keeps the writer alive when a transaction's work ends its goroutine
// (runtime.Goexit, which t.FailNow calls): the group is undone and told so.
func (w *writer) outlive() {
	select {
	case <-w.stopped:
		return
	default:
	}
	w.running.Store(false)
	w.rollback()
	for _, r := range w.group {
		if r.err == nil {
			r.err = errors.New("a transaction's work ended the writer's goroutine")
		}
	}
	w.answer()
	go w.run()
}

// gather fills the group. Those who were answered just now come back while the
// writer stands aside; it does so as long as more come, which needs no timer.
func (w *writer) gather() {
	for have := 0; have < len(w.group); {
		have = len(w.group)
		runtime.Gosched()
		w.drain()
	}
}

func (w *writer) drain() {
	for len(w.group) < maxGroup {
		select {
		case r, open := <-w.queue:
			if !open {
				return
			}
			w.group = append(w.group, r)
		default:
			return
		}
	}
}

// commitGroup runs the group until one run of it could be committed; each rerun
// leaves out the request that broke the one before.
func (w *writer) commitGroup() {
	for again := true; again; {
		again = w.tryGroup()
		if again {
			w.reruns.Add(1)
		}
	}
	w.answer()
}

// tryGroup tells whether the group must run again.
func (w *writer) tryGroup() (again bool) {
	w.overlay.clear()
	w.lost, w.dirty = false, false
	if w.conn.inTransaction() {
		w.rollback() // none is left open by any path known
	}
	if _, err := w.conn.exec("BEGIN IMMEDIATE", nil); err != nil {
		w.failAll(fault(err))
		return false
	}
	for _, r := range w.group {
		if r.ended {
			continue
		}
		w.runOne(r)
		if w.lost { // nobody knows what the others left: they run again
			r.ended = true
			return true
		}
	}
	w.withhold()
	crash.At(crash.BeforeCommit)
	if _, err := w.conn.exec("COMMIT", nil); err != nil {
		w.rollback()
		w.settle(false)
		w.failAll(fault(err))
		w.overwriteLeftovers(err)
		return false
	}
	crash.At(crash.AfterCommit)
	w.settle(true)
	return false
}

// runOne runs one request inside the group's transaction.
func (w *writer) runOne(r *request) {
	if err := r.ctx.Err(); err != nil {
		r.err, r.ended = ended(err), true
		return
	}
	in := savepoint{w: w}
	t := &Tx{store: w.store, on: &in, now: w.store.now(), group: w.overlay}
	w.running.Store(true)
	r.err = runWork(t, r.work)
	w.running.Store(false)
	t.failed = errEnded // for work that keeps its Tx
	w.lost = w.lost || !w.conn.inTransaction()
	if err := in.end(r.err == nil); err != nil && r.err == nil {
		r.err = fault(err)
	}
	if w.lost && !isUnavailable(r.err) {
		r.err = block.Because(r.err, block.Unavailable, "The database could not take the change.")
	}
	if r.err == nil {
		w.overlay.take(t.changed)
	}
	r.addedJobs = r.err == nil && t.addedJobs
}

// savepoint is the session of one request: opened at its first write, so that
// work which only reads, or is refused early, costs nothing.
type savepoint struct {
	w    *writer
	open bool
}

func (s *savepoint) exec(query string, args []any) (int64, error) {
	if err := s.ready(query); err != nil {
		return 0, err
	}
	return s.w.conn.exec(query, args)
}

func (s *savepoint) query(query string, args []any, each func(row) error) error {
	if err := s.ready(query); err != nil {
		return err
	}
	return s.w.conn.query(query, args, each)
}

// ready keeps statements out of a transaction that SQLite has ended: they would
// be committed one by one.
func (s *savepoint) ready(query string) error {
	if !s.w.conn.inTransaction() {
		s.w.lost = true
		return errStopped
	}
	if s.open || isRead(query) {
		return nil
	}
	_, err := s.w.conn.exec("SAVEPOINT work", nil)
	s.open = err == nil
	return err
}

// end keeps or undoes what the request wrote.
func (s *savepoint) end(keep bool) error {
	if !s.open || s.w.lost {
		return nil
	}
	if !keep {
		if _, err := s.w.conn.exec("ROLLBACK TO work", nil); err != nil {
			s.w.giveUp(err)
			return err
		}
	}
	if _, err := s.w.conn.exec("RELEASE work", nil); err != nil {
		s.w.giveUp(err)
		return err
	}
	s.w.dirty = s.w.dirty || keep
	return nil
}

// isRead goes by the first word: all texts are ours and begin with it.
func isRead(query string) bool { return query[0] == 'S' }

// giveUp ends a transaction whose savepoints cannot be trusted any more.
func (w *writer) giveUp(err error) {
	w.store.log.Error("a savepoint could not be closed; its group runs again without it", "err", err)
	w.rollback()
	w.lost = true
}

// rollback ends the transaction if SQLite has not done so.
func (w *writer) rollback() {
	_, _ = w.conn.exec("ROLLBACK", nil) // fails when there is none, which is what we want
}

// overwriteLeftovers makes sure that a commit which failed is not found after a
// crash. When the log was written but could not be flushed, its frames lie in the
// file, whole, behind the last good commit; SQLite has forgotten them, and the next
// commit overwrites the first of them, which cuts the rest off. It need not wait
// for a caller.
func (w *writer) overwriteLeftovers(cause error) {
	w.store.log.Error("a commit failed; its callers were told", "callers", len(w.group), "err", cause)
	const touch = `UPDATE counters SET value = value WHERE name = 'fence'`
	if _, err := w.conn.exec(touch, nil); err != nil {
		w.store.log.Error("the database takes no changes for now", "err", err)
	}
}

// withhold takes the changed rows out of the cache while the commit may become visible.
func (w *writer) withhold() {
	for id := range w.overlay.snapshots {
		w.store.snapshots.withhold(id)
	}
	for id := range w.overlay.volumes {
		w.store.volumes.withhold(id)
	}
}

// settle puts the committed rows into the cache, or nothing when the commit failed.
func (w *writer) settle(committed bool) {
	for id, row := range w.overlay.snapshots {
		if !committed {
			row = nil
		}
		w.store.snapshots.settle(id, row)
	}
	for id, row := range w.overlay.volumes {
		if !committed {
			row = nil
		}
		w.store.volumes.settle(id, row)
	}
	if committed && w.dirty {
		w.commits.Add(1)
		if n := int64(len(w.group)); n > w.largest.Load() {
			w.largest.Store(n)
		}
		w.after()
	}
}

func (w *writer) failAll(err error) {
	for _, r := range w.group {
		if !r.ended && r.err == nil {
			r.err = err
		}
	}
}

// answer tells every caller how its transaction ended.
func (w *writer) answer() {
	wake := false
	for i, r := range w.group {
		w.closures.Add(1)
		if r.err != nil {
			w.failures.Add(1)
		}
		wake = wake || (r.err == nil && r.addedJobs)
		w.group[i] = nil
		r.done <- r.err
	}
	w.group = w.group[:0]
	if wake {
		w.store.wakeJobs()
	}
}
