package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
	"github.com/breezeblock/breezeblock/internal/store"
)

// mishap is what happens to a worker at one point of its job.
type mishap string

const (
	noMishap   mishap = ""
	twice      mishap = "does it twice"
	failing    mishap = "fails"
	losing     mishap = "loses the answer"
	alwaysFail mishap = "fails from then on"
	dyingFirst mishap = "dies before"
	dyingAfter mishap = "dies after"
	frozen     mishap = "stands still before, while another takes over"
	frozenPast mishap = "stands still after, while another takes over"
)

// worker is a process that works on jobs: a Service and a Runner of its own over
// the same rows and bytes as all others. Each transaction and each mutating call
// of the driver is a point at which its mishap can come.
type worker struct {
	store *store.Store
	disk  driver.Driver

	mu      sync.Mutex
	passed  []string // the points, in order
	at      int      // which point has the mishap; -1: none
	mishap  mishap
	met     string        // the point at which it came
	name    string        // of what fails from then on
	stopped chan struct{} // closed when the worker dies or stands still
	thaw    chan struct{} // closed when it goes on
	refused []error       // what its driver calls got after that

	runner *jobs.Runner
	end    context.CancelFunc
	ended  chan struct{}
}

// hire starts a worker that tries so often; at tells at which of its points the
// mishap comes.
func hire(s *store.Store, disk driver.Driver, attempts, at int, m mishap) *worker {
	w := &worker{store: s, disk: disk, at: at, mishap: m, stopped: make(chan struct{}), thaw: make(chan struct{}), ended: make(chan struct{})}
	service := block.NewService(&workerStore{s, w}, &workerDriver{disk, w}, parts())
	w.runner = jobs.NewRunner(&workerStore{s, w}, service.Handlers(), jobs.Config{
		Workers: 1, // one that stands still claims nothing more
		Poll:    time.Hour, MaxAttempts: attempts, Unknown: service.GiveUpUnknown,
		Jitter: func(time.Duration) time.Duration { return 0 },
	})
	ctx, end := context.WithCancel(context.Background())
	w.end = end
	go func() {
		defer close(w.ended)
		w.runner.Run(ctx)
	}()
	return w
}

// goOn lets a worker that stands still go on.
func (w *worker) goOn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.thaw:
	default:
		close(w.thaw)
	}
}

// dismiss ends a worker, also one that is dead or stands still.
func (w *worker) dismiss() {
	w.goOn()
	w.end()
	<-w.ended
}

// tooLate are the answers to the driver calls that it made after it went on.
func (w *worker) tooLate() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.refused)
}

// points are what the worker has passed.
func (w *worker) points() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.passed)
}

// meet counts a point and tells its mishap.
func (w *worker) meet(name string) mishap {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.stopped:
		return "" // what comes after is not counted
	default:
	}
	w.passed = append(w.passed, name)
	switch {
	case len(w.passed)-1 == w.at:
		w.met, w.name = name, name
		return w.mishap
	case w.mishap == alwaysFail && name == w.name:
		return failing
	}
	return noMishap
}

// stop makes the worker die or stand still here; it returns when it goes on, and
// tells whether it is dead then.
func (w *worker) stop() (dead bool) {
	close(w.stopped)
	return w.wait()
}

// wait holds up everything that a stopped worker does.
func (w *worker) wait() (dead bool) {
	select {
	case <-w.stopped:
	default:
		return false
	}
	<-w.thaw
	return w.mishap == dyingFirst || w.mishap == dyingAfter
}

// point runs one call of the worker, with its mishap.
func (w *worker) point(name string, call func() error) error {
	if w.wait() {
		return errDead
	}
	m := w.meet(name)
	switch m {
	case failing, alwaysFail:
		return fmt.Errorf("%s: %w", name, errBroken)
	case dyingFirst:
		w.stop()
		return errDead
	case frozen:
		w.stop()
	case twice:
		if err := call(); err != nil {
			return err
		}
	}
	err := call()
	switch m {
	case losing:
		if err == nil {
			return fmt.Errorf("%s: %w", name, errBroken)
		}
	case dyingAfter:
		w.stop()
		return errDead
	case frozenPast:
		w.stop()
	}
	return err
}

// workerStore is the store as a worker reaches it.
type workerStore struct {
	*store.Store
	w *worker
}

var errAgain = errors.New("this run of the transaction is given up, and it runs again")

// InTx is a point. Done twice is what the store may do itself: the work runs, its
// transaction comes to nothing, and it runs again.
func (s *workerStore) InTx(ctx context.Context, work func(block.Tx) error) error {
	ran := 0
	return s.w.point("transaction", func() error {
		ctx, _ := s.w.late(ctx)
		if ran++; ran == 1 && s.w.twiceNow() {
			err := s.Store.InTx(ctx, func(tx block.Tx) error { return errors.Join(work(tx), errAgain) })
			if errors.Is(err, errAgain) {
				return nil
			}
			return err
		}
		return s.Store.InTx(ctx, work)
	})
}

// twiceNow tells whether the point that was passed last is done twice.
func (w *worker) twiceNow() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mishap == twice && len(w.passed)-1 == w.at
}

// RetryJob, RenewJob and ReportJob are held up with their worker, but no points:
// when they come depends on the clock.
func (s *workerStore) RetryJob(ctx context.Context, job *jobs.Job) error {
	if s.w.wait() {
		return errDead
	}
	return s.Store.RetryJob(ctx, job)
}

func (s *workerStore) RenewJob(ctx context.Context, job *jobs.Job, until time.Time) error {
	if s.w.wait() {
		return errDead
	}
	return s.Store.RenewJob(ctx, job, until)
}

func (s *workerStore) ReportJob(ctx context.Context, job *jobs.Job) error {
	if s.w.wait() {
		return errDead
	}
	return s.Store.ReportJob(ctx, job)
}

// workerDriver is the driver as a worker reaches it.
type workerDriver struct {
	driver.Driver
	w *worker
}

// late tells whether the worker has stood still, and gives it a context that
// never ends: nothing but the fence is to hold up what comes late.
func (w *worker) late(ctx context.Context) (context.Context, bool) {
	select {
	case <-w.thaw:
		return context.WithoutCancel(ctx), true
	default:
		return ctx, false
	}
}

// call is a point; what a worker that stood still does afterwards is noted.
func (d *workerDriver) call(ctx context.Context, name string, call func(context.Context) error) error {
	return d.w.point("driver: "+name, func() error {
		ctx, late := d.w.late(ctx)
		err := call(ctx)
		if late {
			d.w.mu.Lock()
			d.w.refused = append(d.w.refused, fmt.Errorf("%s: %w", name, orDone(err)))
			d.w.mu.Unlock()
		}
		return err
	})
}

// errDone stands for no error where an error was due.
var errDone = errors.New("it was done")

func orDone(err error) error {
	if err == nil {
		return errDone
	}
	return err
}

func (d *workerDriver) Create(ctx context.Context, v driver.VolumeSpec, fence driver.Fence) error {
	return d.call(ctx, "create", func(ctx context.Context) error { return d.Driver.Create(ctx, v, fence) })
}

func (d *workerDriver) CreateFrom(ctx context.Context, v driver.VolumeSpec, from driver.Ref, fence driver.Fence) error {
	return d.call(ctx, "create from", func(ctx context.Context) error { return d.Driver.CreateFrom(ctx, v, from, fence) })
}

func (d *workerDriver) Delete(ctx context.Context, id string, fence driver.Fence) error {
	return d.call(ctx, "delete", func(ctx context.Context) error { return d.Driver.Delete(ctx, id, fence) })
}

func (d *workerDriver) Extend(ctx context.Context, id string, size int64, fence driver.Fence) error {
	return d.call(ctx, "extend", func(ctx context.Context) error { return d.Driver.Extend(ctx, id, size, fence) })
}

func (d *workerDriver) Snapshot(ctx context.Context, id, snap string, fence driver.Fence) error {
	return d.call(ctx, "snapshot", func(ctx context.Context) error { return d.Driver.Snapshot(ctx, id, snap, fence) })
}

func (d *workerDriver) DeleteSnapshot(ctx context.Context, id, snap string, fence driver.Fence) error {
	return d.call(ctx, "delete snapshot", func(ctx context.Context) error { return d.Driver.DeleteSnapshot(ctx, id, snap, fence) })
}

func (d *workerDriver) Rollback(ctx context.Context, id, snap string, fence driver.Fence) error {
	return d.call(ctx, "rollback", func(ctx context.Context) error { return d.Driver.Rollback(ctx, id, snap, fence) })
}
