package jobs

import (
	"context"
	"sync"
	"time"
)

// reportEvery is how often a run's progress is written at most.
const reportEvery = time.Second

// Run is one attempt at a job, by which its handler tells how far it has come.
// The zero Run tells nobody.
type Run struct {
	mu     sync.Mutex
	job    Job // a copy: the handler has another
	tell   func(ctx context.Context, job *Job) error
	told   time.Time
	latest int
	later  *time.Timer // tells what came too soon after the last
	ended  bool
}

type runKey struct{}

// RunOf is the run that a handler's context belongs to; a handler that was called
// by something else than a Runner gets one that tells nobody.
func RunOf(ctx context.Context) *Run {
	if r, ok := ctx.Value(runKey{}).(*Run); ok {
		return r
	}
	return &Run{}
}

// Progress notes that so much is done, in percent. It is written at most once a
// second and never goes back; that a write failed is of no consequence.
func (r *Run) Progress(ctx context.Context, percent int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = max(r.latest, min(percent, 100))
	if r.tell == nil || r.ended || r.latest <= r.job.Progress || r.later != nil {
		return
	}
	if wait := reportEvery - time.Since(r.told); wait > 0 { // a stopwatch, whatever the service's clock does
		r.later = time.AfterFunc(wait, func() { r.catchUp(ctx) })
		return
	}
	r.report(ctx)
}

func (r *Run) catchUp(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.later = nil; !r.ended {
		r.report(ctx)
	}
}

func (r *Run) report(ctx context.Context) {
	r.told, r.job.Progress = time.Now(), r.latest
	_ = r.tell(ctx, &r.job)
}

// Step notes at once that a step is done, so that the next attempt finds it in
// Job.Step. Fails with ErrFenced when the lease was lost: the handler must end.
func (r *Run) Step(ctx context.Context, step string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tell == nil {
		return nil
	}
	if r.ended {
		return ErrFenced
	}
	r.told, r.job.Step, r.job.Progress = time.Now(), step, max(r.latest, r.job.Progress)
	return r.tell(ctx, &r.job)
}

// end keeps whoever is left behind from telling anything more.
func (r *Run) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended = true; r.later != nil {
		r.later.Stop()
	}
}
