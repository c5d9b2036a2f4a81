package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/crash"
)

// unknownKind is the name in metrics of all kinds without handler: rows of another
// version must not make labels.
const unknownKind = "unknown"

// errNoHandler is a job of a kind that this server does not know.
var errNoHandler = errors.New("this server has no handler for jobs of this kind")

// work runs one claimed job to the end of this attempt. Ctx ends when the server
// stops, or with ErrCancelled.
func (r *Runner) work(ctx context.Context, job *Job) {
	handler, known := r.handlers[job.Kind]
	label := job.Kind
	if !known {
		label, handler = unknownKind, r.handlerOfUnknown()
	}
	crash.At(crash.JobClaimed)
	start := time.Now() // a stopwatch: the service's clock may jump
	var err error
	if job.Cancelled {
		err = ErrCancelled
	} else {
		err = r.attempt(ctx, handler, *job)
	}
	crash.At(crash.JobHandled)
	took := time.Since(start)
	r.config.Done(label, took, err != nil)
	if err == nil || errors.Is(err, ErrFenced) {
		return
	}
	ended := context.Cause(ctx)
	// What follows must be written although the server is stopping.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.Lease)
	defer cancel()
	job.Error, job.Spent = err.Error(), job.Spent+took
	if err := r.retryOrGiveUp(ctx, handler, job, err, ended); err != nil && !errors.Is(err, ErrFenced) {
		r.config.Log.ErrorContext(ctx, "a job waits for its lease to end", "job", job.ID, "kind", job.Kind, "err", err)
	}
}

func (r *Runner) handlerOfUnknown() Handler {
	return Handler{
		Run:    func(_ context.Context, job *Job) error { return fmt.Errorf("%w: %s", errNoHandler, job.Kind) },
		GiveUp: r.config.Unknown,
	}
}

// attempt runs the handler while the lease is kept alive; losing it ends the handler's context.
func (r *Runner) attempt(ctx context.Context, handler Handler, job Job) error {
	ctx, cancel := context.WithTimeout(ctx, max(r.patience(handler)-job.Spent, r.config.Lease))
	defer cancel()
	var beat sync.WaitGroup
	defer beat.Wait()
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	beat.Go(func() { r.heartbeat(ctx, lost, job) })
	tell := handler.Report
	if tell == nil {
		tell = r.store.ReportJob
	}
	run := &Run{job: job, tell: tell}
	defer run.end()
	held := context.WithValue(ctx, runKey{}, run)
	done := make(chan error, 1)
	own := job // whoever is left behind has a row of his own
	go func() { done <- safely(func() error { return handler.Run(held, &own) }) }()
	select {
	case err := <-done:
		return orEnd(ctx, err)
	case <-ctx.Done():
	}
	// A driver that hangs for ever must not hold the job: it is left behind, and
	// its fence keeps whatever it still does from counting.
	behind := time.NewTimer(r.config.LeaveBehind)
	defer behind.Stop()
	select {
	case err := <-done:
		return orEnd(ctx, err)
	case <-behind.C:
		return orEnd(ctx, fmt.Errorf("the handler did not end with its context: %w", ctx.Err()))
	}
}

// orEnd is why a handler's context ended, if that is why it failed.
func orEnd(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && (errors.Is(cause, ErrFenced) || errors.Is(cause, ErrCancelled)) {
		return cause
	}
	return err
}

// safely turns a panic into an error of this job alone.
func safely(run func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler panicked: %v", p)
		}
	}()
	return run()
}

func (r *Runner) heartbeat(ctx context.Context, lost context.CancelCauseFunc, job Job) {
	beat := time.NewTicker(r.config.Lease / 3)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		err := r.store.RenewJob(ctx, &job, r.config.Now().Add(r.config.Lease))
		if errors.Is(err, ErrFenced) || errors.Is(err, ErrCancelled) {
			lost(err)
			return
		}
	}
}

// retryOrGiveUp decides what becomes of a job whose attempt failed with cause;
// ended is what had ended its context, if anything.
func (r *Runner) retryOrGiveUp(ctx context.Context, handler Handler, job *Job, cause, ended error) error {
	now := r.config.Now()
	switch {
	case errors.Is(cause, ErrCancelled):
	case ended != nil: // the server stops: the next one takes it at once, and this attempt does not count
		job.RunAt, job.Attempt = now, job.Attempt-1
		return r.store.RetryJob(ctx, job)
	case job.Attempt < r.config.MaxAttempts && job.Spent < r.patience(handler) && !Permanent(cause), handler.GiveUp == nil:
		wait := backoff(job.Attempt)
		if errors.Is(cause, errNoHandler) {
			wait = MaxDelay / 2 // a server that knows it may be on its way
		}
		job.RunAt = now.Add(wait - r.config.Jitter(wait/2))
		return r.store.RetryJob(ctx, job)
	}
	if handler.GiveUp == nil {
		return cause
	}
	r.config.Log.WarnContext(ctx, "a job is given up", "job", job.ID, "kind", job.Kind,
		"object", job.ResourceID, "attempt", job.Attempt, "err", cause)
	own := *job
	return safely(func() error { return handler.GiveUp(ctx, &own, cause) })
}

// backoff doubles from 200 ms after the first attempt to 30 s.
func backoff(attempt int) time.Duration {
	return min(100*time.Millisecond<<min(max(attempt, 0), 10), 30*time.Second)
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
