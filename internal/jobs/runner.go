package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Handler carries out one kind of job.
type Handler struct {
	// Run does the work and finishes the job in the transaction that changes the
	// noun. It may run twice. An error means: try again later, or give up.
	Run func(ctx context.Context, job *Job) error
	// GiveUp moves the noun into a status with an exit and ends the job as Failed.
	GiveUp func(ctx context.Context, job *Job, cause error) error
}

// Config is how a Runner works. Zero values mean the defaults.
type Config struct {
	Workers     int           // jobs at a time; 16
	Lease       time.Duration // how long a silent worker keeps a job; 30 s
	Patience    time.Duration // from enqueue to giving up; 5 min
	MaxAttempts int           // claims before giving up; 8
	Poll        time.Duration // longest sleep without a wake-up; 10 s
	Keep        time.Duration // how long a finished job stays; 24 h
	Now         func() time.Time
	Jitter      func(most time.Duration) time.Duration // from 0 to most; random
	Log         *slog.Logger
	Done        func(kind string, took time.Duration, failed bool) // for metrics; may be nil
}

func (c Config) withDefaults() Config {
	if c.Workers == 0 {
		c.Workers = 16
	}
	if c.Lease == 0 {
		c.Lease = 30 * time.Second
	}
	if c.Patience == 0 {
		c.Patience = 5 * time.Minute
	}
	if c.MaxAttempts == 0 {
		c.MaxAttempts = 8
	}
	if c.Poll == 0 {
		c.Poll = 10 * time.Second
	}
	if c.Keep == 0 {
		c.Keep = 24 * time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.N[time.Duration]
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Done == nil {
		c.Done = func(string, time.Duration, bool) {}
	}
	return c
}

// Runner claims jobs and runs their handlers.
type Runner struct {
	store    Store
	handlers map[string]Handler
	config   Config
	wake     chan struct{}
}

// NewRunner makes a Runner; Run starts it.
func NewRunner(store Store, handlers map[string]Handler, config Config) *Runner {
	return &Runner{store: store, handlers: handlers, config: config.withDefaults(), wake: make(chan struct{}, 1)}
}

// Wake tells that there may be a job; it never waits.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, then lets the handlers in hand see the end of their
// context, waits for them, and gives their jobs back.
func (r *Runner) Run(ctx context.Context) {
	var hands sync.WaitGroup
	defer hands.Wait()
	free := make(chan struct{}, r.config.Workers)
	nextPurge := r.config.Now().Add(r.config.Poll)
	for ctx.Err() == nil {
		if now := r.config.Now(); now.After(nextPurge) {
			nextPurge = now.Add(time.Hour)
			if err := r.store.PurgeJobs(ctx, now.Add(-r.config.Keep)); err != nil && ctx.Err() == nil {
				r.config.Log.ErrorContext(ctx, "old jobs were not removed", "err", err)
			}
		}
		claimed := r.claim(ctx, cap(free)-len(free))
		for _, job := range claimed {
			free <- struct{}{}
			hands.Go(func() {
				defer func() { <-free; r.Wake() }()
				r.work(ctx, job)
			})
		}
		if len(claimed) == 0 {
			r.sleep(ctx)
		}
	}
}

func (r *Runner) claim(ctx context.Context, limit int) []*Job {
	if limit == 0 {
		return nil
	}
	claimed, err := r.store.ClaimJobs(ctx, r.config.Now(), r.config.Lease, limit)
	if err != nil && ctx.Err() == nil {
		r.config.Log.ErrorContext(ctx, "no job could be claimed", "err", err)
	}
	return claimed
}

// sleep waits for a wake-up, the next job's time, or the end of the poll.
func (r *Runner) sleep(ctx context.Context) {
	wait := r.config.Poll
	if at, err := r.store.NextJobAt(ctx); err == nil && !at.IsZero() {
		wait = min(max(at.Sub(r.config.Now()), time.Millisecond), r.config.Poll)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-r.wake:
	case <-timer.C:
	}
}

// work runs one claimed job to the end of this attempt.
func (r *Runner) work(ctx context.Context, job *Job) {
	start := r.config.Now()
	handler, known := r.handlers[job.Kind]
	if !known {
		handler.GiveUp = func(ctx context.Context, job *Job, _ error) error {
			job.RunAt = start.Add(r.config.Patience) // a newer server may know it
			return r.store.RetryJob(ctx, job)
		}
	}
	err := r.attempt(ctx, handler, job)
	r.config.Done(job.Kind, r.config.Now().Sub(start), err != nil)
	if err == nil || errors.Is(err, ErrFenced) {
		return
	}
	// What follows must be written although the server is stopping.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.Lease)
	defer cancel()
	job.Error = err.Error()
	if err := r.retryOrGiveUp(ctx, handler, job, err); err != nil && !errors.Is(err, ErrFenced) {
		r.config.Log.ErrorContext(ctx, "a job waits for its lease to end", "job", job.ID, "kind", job.Kind, "err", err)
	}
}

// attempt runs the handler while the lease is kept alive; losing it ends the handler's context.
func (r *Runner) attempt(ctx context.Context, handler Handler, job *Job) (err error) {
	if handler.Run == nil {
		return fmt.Errorf("no handler for jobs of kind %s", job.Kind)
	}
	deadline := job.CreatedAt.Add(r.config.Patience).Sub(r.config.Now())
	ctx, cancel := context.WithTimeout(ctx, max(deadline, r.config.Lease))
	defer cancel()
	var beat sync.WaitGroup
	beat.Go(func() { r.heartbeat(ctx, cancel, job) })
	defer beat.Wait()
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("the handler panicked: %v", p)
			}
		}()
		done <- handler.Run(ctx, job)
	}()
	select {
	case err = <-done:
		return err
	case <-ctx.Done():
	}
	// A driver that hangs for ever must not hold the job: it is left behind, and
	// its fence keeps whatever it still does from counting.
	select {
	case err = <-done:
		return err
	case <-time.After(leaveBehind):
		return fmt.Errorf("the handler did not end with its context: %w", ctx.Err())
	}
}

// leaveBehind is how long a handler has to notice that its context ended.
const leaveBehind = 5 * time.Second

func (r *Runner) heartbeat(ctx context.Context, lost context.CancelFunc, job *Job) {
	beat := time.NewTicker(r.config.Lease / 3)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		if err := r.store.RenewJob(ctx, job, r.config.Now().Add(r.config.Lease)); errors.Is(err, ErrFenced) {
			lost()
			return
		}
	}
}

func (r *Runner) retryOrGiveUp(ctx context.Context, handler Handler, job *Job, cause error) error {
	now := r.config.Now()
	if errors.Is(cause, context.Canceled) {
		job.RunAt = now // the server stops: the next one takes it at once
		return r.store.RetryJob(ctx, job)
	}
	if job.Attempt >= r.config.MaxAttempts || now.Sub(job.CreatedAt) >= r.config.Patience || Permanent(cause) {
		r.config.Log.WarnContext(ctx, "a job is given up", "job", job.ID, "kind", job.Kind,
			"object", job.ResourceID, "attempt", job.Attempt, "err", cause)
		return handler.GiveUp(ctx, job, cause)
	}
	wait := backoff(job.Attempt)
	job.RunAt = now.Add(wait - r.config.Jitter(wait/2))
	return r.store.RetryJob(ctx, job)
}

// backoff doubles from 200 ms after the first attempt to 30 s.
func backoff(attempt int) time.Duration {
	return min(100*time.Millisecond<<min(attempt, 10), 30*time.Second)
}

// permanent is an error that another attempt cannot mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// GiveUpNow marks an error that another attempt cannot mend.
func GiveUpNow(err error) error { return permanent{err} }

// Permanent tells whether err was marked by GiveUpNow.
func Permanent(err error) bool {
	_, is := errors.AsType[permanent](err)
	return is
}
