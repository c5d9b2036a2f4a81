package jobs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// table is a job table in memory. The real ones are held to the same promises by
// storetest.
type table struct {
	mu      sync.Mutex
	jobs    map[string]*Job
	fence   int64
	reports int
	deaf    bool // tells nobody of cancelled jobs, like the table of another node
}

func newTable(jobs ...*Job) *table {
	t := &table{jobs: map[string]*Job{}}
	for _, j := range jobs {
		t.jobs[j.ID] = j
	}
	return t
}

func (t *table) ClaimJobs(_ context.Context, claim Claim) ([]*Job, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var claimed []*Job
	for _, id := range slices.Sorted(maps.Keys(t.jobs)) {
		j := t.jobs[id]
		free := j.State == Ready && !j.RunAt.After(claim.Now) && !slices.Contains(claim.FullKinds, j.Kind) && !slices.Contains(claim.FullProjects, j.ProjectID) ||
			j.State == Running && j.LeaseUntil.Before(claim.Now) && !slices.Contains(claim.Held, id)
		if !free || len(claimed) == claim.Limit {
			continue
		}
		t.fence++
		j.State, j.Fence, j.LeaseUntil, j.Attempt = Running, t.fence, claim.Now.Add(claim.Lease), j.Attempt+1
		copied := *j
		claimed = append(claimed, &copied)
	}
	return claimed, nil
}

func (t *table) held(job *Job, change func(*Job)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.jobs[job.ID]
	if j.State != Running || j.Fence != job.Fence {
		return ErrFenced
	}
	change(j)
	return nil
}

func (t *table) RenewJob(_ context.Context, job *Job, until time.Time) error {
	cancelled := false
	err := t.held(job, func(j *Job) { j.LeaseUntil, cancelled = until, j.Cancelled })
	if err == nil && cancelled {
		err = ErrCancelled
	}
	return err
}

func (t *table) ReportJob(_ context.Context, job *Job) error {
	return t.held(job, func(j *Job) {
		j.Step, j.Progress = job.Step, job.Progress
		t.reports++
	})
}

func (t *table) RetryJob(_ context.Context, job *Job) error {
	return t.held(job, func(j *Job) {
		j.State, j.RunAt, j.Error, j.Attempt, j.Spent = Ready, job.RunAt, job.Error, job.Attempt, job.Spent
	})
}

func (t *table) CancelledJobs(context.Context) (ids []string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, j := range t.jobs {
		if j.State == Running && j.Cancelled && !t.deaf {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (t *table) NextJobAt(_ context.Context, after time.Time) (at time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.jobs {
		next := j.RunAt
		if j.State == Running {
			next = j.LeaseUntil
		}
		if (j.State == Ready || j.State == Running) && next.After(after) && (at.IsZero() || next.Before(at)) {
			at = next
		}
	}
	return at, nil
}

func (t *table) ReleaseJobs(_ context.Context, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.jobs {
		if j.State == Running {
			j.LeaseUntil = now.Add(-1)
		}
	}
	return nil
}

func (t *table) PurgeJobs(context.Context, time.Time, time.Time) error { return nil }

func (t *table) cancel(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.jobs[id].Cancelled = true
}

func (t *table) finish(job *Job, state State) error {
	return t.held(job, func(j *Job) { j.State = state })
}

func (t *table) state(id string) Job {
	t.mu.Lock()
	defer t.mu.Unlock()
	return *t.jobs[id]
}

// run lets a runner work for a while of virtual time, then stops it.
func run(t *testing.T, store *table, handlers map[string]Handler, config Config, work time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var runner sync.WaitGroup
	runner.Go(func() { NewRunner(store, handlers, config).Run(ctx) })
	time.Sleep(work) // virtual
	stop()
	runner.Wait()
}

func job(id string) *Job {
	return &Job{ID: id, Kind: "k", State: Ready, RunAt: time.Now(), CreatedAt: time.Now()}
}

func TestFailedJobIsTriedAgainLaterEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		var at []time.Duration
		start := time.Now()
		handler := Handler{Run: func(_ context.Context, j *Job) error {
			at = append(at, time.Since(start))
			if len(at) < 4 {
				return errors.New("not yet")
			}
			return store.finish(j, Done)
		}}
		run(t, store, map[string]Handler{"k": handler}, Config{Jitter: func(time.Duration) time.Duration { return 0 }}, time.Minute)
		if len(at) != 4 || store.state("j").State != Done {
			t.Fatalf("ran at %v, is %s", at, store.state("j").State)
		}
		if !slices.IsSorted([]time.Duration{at[1] - at[0], at[2] - at[1], at[3] - at[2]}) || at[1] == at[0] {
			t.Errorf("did not wait longer each time: %v", at)
		}
	})
}

func TestJobIsGivenUpAfterItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		ran, cause := 0, errors.New("broken")
		var told error
		handler := Handler{
			Run:    func(context.Context, *Job) error { ran++; return cause },
			GiveUp: func(_ context.Context, j *Job, err error) error { told = err; return store.finish(j, Failed) },
		}
		run(t, store, map[string]Handler{"k": handler}, Config{MaxAttempts: 3}, 10*time.Minute)
		if ran != 3 || store.state("j").State != Failed || !errors.Is(told, cause) {
			t.Errorf("ran %d times, is %s, was told %v", ran, store.state("j").State, told)
		}
	})
}

func TestPermanentFailureIsGivenUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		ran := 0
		handler := Handler{
			Run:    func(context.Context, *Job) error { ran++; return GiveUpNow(errors.New("no source")) },
			GiveUp: func(_ context.Context, j *Job, _ error) error { return store.finish(j, Failed) },
		}
		run(t, store, map[string]Handler{"k": handler}, Config{}, time.Minute)
		if ran != 1 || store.state("j").State != Failed {
			t.Errorf("ran %d times, is %s", ran, store.state("j").State)
		}
	})
}

func TestLongJobKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		ran := 0
		handler := Handler{Run: func(ctx context.Context, j *Job) error {
			ran++
			select {
			case <-time.After(2 * time.Minute):
				return store.finish(j, Done)
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		run(t, store, map[string]Handler{"k": handler}, Config{Lease: 10 * time.Second}, 3*time.Minute)
		if got := store.state("j"); ran != 1 || got.State != Done || got.Attempt != 1 {
			t.Errorf("ran %d times: %+v", ran, got)
		}
	})
}

func TestLostLeaseEndsTheHandlersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		ended := false
		handler := Handler{Run: func(ctx context.Context, j *Job) error {
			store.mu.Lock()
			store.jobs["j"].Fence, store.jobs["j"].LeaseUntil = 99, time.Now().Add(time.Hour) // another worker
			store.mu.Unlock()
			<-ctx.Done()
			ended = true
			return ctx.Err()
		}}
		run(t, store, map[string]Handler{"k": handler}, Config{Lease: 9 * time.Second}, time.Minute)
		if got := store.state("j"); !ended || got.Fence != 99 || got.State != Running {
			t.Errorf("ended %v, %+v", ended, got)
		}
	})
}

func TestDeadWorkersJobIsTakenByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := job("j")
		dead.State, dead.Fence, dead.Attempt, dead.LeaseUntil = Running, 7, 1, time.Now().Add(20*time.Second)
		store := newTable(dead)
		store.fence = 7
		var fence int64
		handler := Handler{Run: func(_ context.Context, j *Job) error { fence = j.Fence; return store.finish(j, Done) }}
		run(t, store, map[string]Handler{"k": handler}, Config{}, time.Minute)
		if fence <= 7 || store.state("j").State != Done {
			t.Errorf("fence %d, %+v", fence, store.state("j"))
		}
	})
}

func TestStoppingGivesJobsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		handler := Handler{Run: func(ctx context.Context, _ *Job) error { <-ctx.Done(); return ctx.Err() }}
		run(t, store, map[string]Handler{"k": handler}, Config{}, time.Second)
		if got := store.state("j"); got.State != Ready || got.RunAt.After(time.Now()) || got.Attempt != 0 {
			t.Errorf("got %+v, want it to wait as if it had not been tried", got)
		}
	})
}

func TestPanicIsAFailureOfThatJobAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("a"), job("b"))
		handler := Handler{
			Run: func(_ context.Context, j *Job) error {
				if j.ID == "a" {
					panic("boom")
				}
				return store.finish(j, Done)
			},
			GiveUp: func(_ context.Context, j *Job, _ error) error { return store.finish(j, Failed) },
		}
		run(t, store, map[string]Handler{"k": handler}, Config{MaxAttempts: 2}, time.Minute)
		if store.state("a").State != Failed || store.state("b").State != Done {
			t.Errorf("a %s, b %s", store.state("a").State, store.state("b").State)
		}
	})
}

func TestHandlerThatHangsForEverIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		hang := make(chan struct{})
		handler := Handler{
			Run:    func(context.Context, *Job) error { <-hang; return nil },
			GiveUp: func(_ context.Context, j *Job, _ error) error { return store.finish(j, Failed) },
		}
		run(t, store, map[string]Handler{"k": handler}, Config{Patience: time.Minute}, 2*time.Minute)
		if got := store.state("j"); got.State != Failed || got.Attempt != 1 {
			t.Errorf("got %+v", got)
		}
		close(hang)
	})
}
