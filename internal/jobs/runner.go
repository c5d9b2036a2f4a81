package jobs

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Handler carries out one kind of job. Each function gets a copy of the row.
type Handler struct {
	// Run does the work and finishes the job in the transaction that changes the
	// noun. It may run twice. An error means: try again later, or give up.
	Run func(ctx context.Context, job *Job) error
	// GiveUp moves the noun into a status with an exit and ends the job as Failed.
	// It is called alone when the job was cancelled before Run; cause is ErrCancelled.
	GiveUp func(ctx context.Context, job *Job, cause error) error
	// Report writes job.Step and job.Progress, and what the noun shows of them;
	// fails with ErrFenced. Nil: only the job's row is written.
	Report func(ctx context.Context, job *Job) error
	// Patience is what the attempts at one job of this kind may take together; zero:
	// Config.Patience.
	Patience time.Duration
}

// patience is how long the attempts at a job may take.
func (r *Runner) patience(handler Handler) time.Duration {
	if handler.Patience > 0 {
		return handler.Patience
	}
	return r.config.Patience
}

// Runner claims jobs and runs their handlers.
type Runner struct {
	store    Store
	handlers map[string]Handler
	config   Config
	wake     chan struct{}
	hands    hands
}

// NewRunner makes a Runner; Run starts it.
func NewRunner(store Store, handlers map[string]Handler, config Config) *Runner {
	return &Runner{store: store, handlers: handlers, config: config.withDefaults(),
		wake: make(chan struct{}, 1), hands: hands{busy: map[string]hand{}}}
}

// Wake tells that there may be a job, or one to cancel; it never waits.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// purgeEvery is how often old jobs are removed.
const purgeEvery = time.Hour

// Run works until ctx ends, then lets the handlers in hand see the end of their
// context, waits for them, and gives their jobs back.
func (r *Runner) Run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	released := !r.config.Alone
	purged := time.Now().Add(r.config.Poll - purgeEvery) // not while the server starts
	for ctx.Err() == nil {
		if !released {
			released = r.release(ctx)
		}
		if time.Since(purged) >= purgeEvery {
			purged = time.Now() // a stopwatch, whatever the service's clock does
			r.purge(ctx)
		}
		r.endCancelled(ctx)
		claimed := r.claim(ctx)
		for _, job := range claimed {
			jobCtx, end := context.WithCancelCause(ctx)
			r.hands.take(job, end)
			workers.Go(func() {
				defer r.Wake()
				defer r.hands.leave(job.ID)
				defer end(nil)
				r.work(jobCtx, job)
			})
		}
		if len(claimed) == 0 {
			r.sleep(ctx)
		}
	}
}

func (r *Runner) release(ctx context.Context) bool {
	err := r.store.ReleaseJobs(ctx, r.config.Now())
	if err != nil && ctx.Err() == nil {
		r.config.Log.ErrorContext(ctx, "the jobs that an earlier process left wait for their leases", "err", err)
	}
	return err == nil
}

func (r *Runner) purge(ctx context.Context) {
	now := r.config.Now()
	if err := r.store.PurgeJobs(ctx, now.Add(-r.config.Keep), now.Add(-r.config.KeepFailed)); err != nil && ctx.Err() == nil {
		r.config.Log.ErrorContext(ctx, "old jobs were not removed", "err", err)
	}
	if r.config.Tidy == nil || ctx.Err() != nil {
		return
	}
	if err := r.config.Tidy(ctx); err != nil && ctx.Err() == nil {
		r.config.Log.ErrorContext(ctx, "what is due was not tidied", "err", err)
	}
}

func (r *Runner) claim(ctx context.Context) []*Job {
	claim := Claim{Now: r.config.Now(), Lease: r.config.Lease}
	r.hands.fill(&claim, r.config)
	if claim.Limit <= 0 {
		return nil
	}
	claimed, err := r.store.ClaimJobs(ctx, claim)
	if err != nil && ctx.Err() == nil {
		r.config.Log.ErrorContext(ctx, "no job could be claimed", "err", err)
	}
	return claimed
}

// endCancelled ends the handlers whose jobs were cancelled. On other nodes the
// heartbeat finds it.
func (r *Runner) endCancelled(ctx context.Context) {
	if r.hands.idle() {
		return
	}
	ids, err := r.store.CancelledJobs(ctx)
	if err != nil && ctx.Err() == nil {
		r.config.Log.ErrorContext(ctx, "jobs to cancel could not be looked up", "err", err)
	}
	for _, id := range ids {
		r.hands.end(id, ErrCancelled)
	}
}

// sleep waits for a wake-up, the next job's time, or the end of the poll.
func (r *Runner) sleep(ctx context.Context) {
	wait, now := r.config.Poll, r.config.Now()
	if at, err := r.store.NextJobAt(ctx, now); err == nil && !at.IsZero() {
		wait = min(max(at.Sub(now), 0)+time.Millisecond, r.config.Poll)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-r.wake:
		runtime.Gosched() // workers whose jobs ended with the same commit are free a moment later
	case <-timer.C:
	}
}
