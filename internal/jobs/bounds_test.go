package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// clock is a service's clock that jumps.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) jump(d time.Duration) { c.ahead.Add(int64(d)) }

func TestOneKindAndOneProjectCannotTakeAllWorkers(t *testing.T) {
	ofManyProjects := func(n int, j *Job) { j.ProjectID = fmt.Sprint(n) }
	ofTwoKinds := func(n int, j *Job) { j.Kind = []string{"k", "other"}[n%2] }
	for name, tc := range map[string]struct {
		config Config
		of     func(n int, j *Job)
		most   int64
	}{
		"a kind":               {Config{Workers: 8}, ofManyProjects, 6},
		"a kind with a limit":  {Config{Workers: 8, KindLimits: map[string]int{"k": 2}}, ofManyProjects, 2},
		"a project":            {Config{Workers: 8, KindLimits: map[string]int{"k": 8, "other": 8}}, ofTwoKinds, 6},
		"with a single worker": {Config{Workers: 1}, ofManyProjects, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newTable()
				for n := range 20 {
					one := job(fmt.Sprintf("j%02d", n))
					tc.of(n, one)
					store.jobs[one.ID] = one
				}
				var busy, most int64 // guarded by store.mu
				count := func(by int64) {
					store.mu.Lock()
					defer store.mu.Unlock()
					busy += by
					most = max(most, busy)
				}
				handler := Handler{Run: func(_ context.Context, j *Job) error {
					count(1)
					time.Sleep(time.Second)
					count(-1)
					return store.finish(j, Done)
				}}
				run(t, store, map[string]Handler{"k": handler, "other": handler}, tc.config, time.Minute)
				if most != tc.most {
					t.Errorf("%d ran at once, want %d", most, tc.most)
				}
				for id := range store.jobs {
					if store.state(id).State != Done {
						t.Errorf("%s is %s", id, store.state(id).State)
					}
				}
			})
		})
	}
}

func TestHangingKindLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable()
		for n := range 30 {
			one := job(fmt.Sprintf("a%02d", n))
			one.ProjectID = fmt.Sprint(n)
			store.jobs[one.ID] = one
		}
		quick := job("z")
		quick.Kind, quick.ProjectID = "quick", "p"
		store.jobs["z"] = quick
		hang := Handler{Run: func(ctx context.Context, _ *Job) error { <-ctx.Done(); return ctx.Err() },
			GiveUp: func(_ context.Context, j *Job, _ error) error { return store.finish(j, Failed) }}
		done := Handler{Run: func(_ context.Context, j *Job) error { return store.finish(j, Done) }}
		run(t, store, map[string]Handler{"k": hang, "quick": done}, Config{}, time.Second)
		if got := store.state("z"); got.State != Done {
			t.Errorf("the quick job is %s", got.State)
		}
	})
}

func TestCancelledJobEndsAtOnceWithoutItsWork(t *testing.T) {
	for name, tc := range map[string]struct {
		deaf   bool
		within time.Duration
	}{
		"by a wake-up":                      {false, time.Second},
		"by the heartbeat, on another node": {true, 11 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newTable(job("j"))
				store.deaf = tc.deaf
				var cause error
				var after time.Duration
				start := time.Now()
				handler := Handler{
					Run: func(ctx context.Context, _ *Job) error { <-ctx.Done(); return ctx.Err() },
					GiveUp: func(_ context.Context, j *Job, err error) error {
						cause, after = err, time.Since(start)
						return store.finish(j, Failed)
					},
				}
				ctx, stop := context.WithCancel(t.Context())
				runner := NewRunner(store, map[string]Handler{"k": handler}, Config{})
				var wait sync.WaitGroup
				wait.Go(func() { runner.Run(ctx) })
				time.Sleep(500 * time.Millisecond)
				store.cancel("j")
				runner.Wake()
				time.Sleep(time.Minute)
				stop()
				wait.Wait()
				if !errors.Is(cause, ErrCancelled) || after > tc.within || store.state("j").State != Failed {
					t.Errorf("told %v after %v; it is %s", cause, after, store.state("j").State)
				}
			})
		})
	}
}

func TestJobThatWasCancelledBeforeItRanIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := job("j")
		waiting.Cancelled = true
		store := newTable(waiting)
		ran := false
		handler := Handler{
			Run:    func(context.Context, *Job) error { ran = true; return nil },
			GiveUp: func(_ context.Context, j *Job, _ error) error { return store.finish(j, Failed) },
		}
		run(t, store, map[string]Handler{"k": handler}, Config{}, time.Second)
		if ran || store.state("j").State != Failed {
			t.Errorf("ran %v, is %s", ran, store.state("j").State)
		}
	})
}

func TestUnknownKindIsTriedForAWhileAndThenGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strange, known := job("j"), job("k")
		strange.Kind = "of.tomorrow"
		store := newTable(strange, known)
		var told error
		config := Config{Unknown: func(_ context.Context, j *Job, cause error) error {
			told = cause
			return store.finish(j, Failed)
		}}
		ran := Handler{Run: func(_ context.Context, j *Job) error { return store.finish(j, Done) }}
		run(t, store, map[string]Handler{"k": ran}, config, 2*time.Minute)
		if got := store.state("j"); got.State != Ready || got.Attempt < 3 || store.state("k").State != Done {
			t.Errorf("after two minutes: %+v; the other is %s", got, store.state("k").State)
		}
		run(t, store, map[string]Handler{"k": ran}, config, 3*time.Minute)
		if got := store.state("j"); got.State != Failed || !errors.Is(told, errNoHandler) {
			t.Errorf("after five minutes: %+v, told %v", got, told)
		}
	})
}

func TestJumpingClockTakesNoJobFromItsWorker(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newTable(job("j"))
				var c clock
				runs := 0
				handler := Handler{Run: func(ctx context.Context, j *Job) error {
					runs++
					time.AfterFunc(time.Second, func() { c.jump(by) })
					select {
					case <-time.After(2 * time.Minute):
						return store.finish(j, Done)
					case <-ctx.Done():
						return ctx.Err()
					}
				}}
				run(t, store, map[string]Handler{"k": handler}, Config{Now: c.now}, 3*time.Minute)
				if got := store.state("j"); runs != 1 || got.State != Done {
					t.Errorf("ran %d times: %+v", runs, got)
				}
			})
		})
	}
}

func TestJumpingClockDoesNotEatAJobsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		var c clock
		runs := 0
		handler := Handler{
			Run: func(_ context.Context, j *Job) error {
				if runs++; runs < 4 {
					c.jump(time.Hour)
					return errors.New("not yet")
				}
				return store.finish(j, Done)
			},
			GiveUp: func(_ context.Context, j *Job, _ error) error { return store.finish(j, Failed) },
		}
		run(t, store, map[string]Handler{"k": handler}, Config{Now: c.now}, time.Minute)
		if got := store.state("j"); runs != 4 || got.State != Done {
			t.Errorf("ran %d times: %+v", runs, got)
		}
	})
}

func TestLoneServerTakesUpWhatItsPredecessorLeftAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := job("j")
		left.State, left.Fence, left.Attempt, left.LeaseUntil = Running, 7, 1, time.Now().Add(29*time.Second)
		store := newTable(left)
		store.fence = 7
		handler := Handler{Run: func(_ context.Context, j *Job) error { return store.finish(j, Done) }}
		run(t, store, map[string]Handler{"k": handler}, Config{Alone: true}, time.Second)
		if got := store.state("j"); got.State != Done || got.Fence <= 7 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestProgressIsWrittenAtMostOnceASecondAndNeverBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		handler := Handler{Run: func(ctx context.Context, j *Job) error {
			run := RunOf(ctx)
			for n := range 100 {
				run.Progress(ctx, n)
				time.Sleep(50 * time.Millisecond)
			}
			run.Progress(ctx, 3)
			return store.finish(j, Done)
		}}
		run(t, store, map[string]Handler{"k": handler}, Config{}, time.Minute)
		if got := store.state("j"); store.reports < 4 || store.reports > 6 || got.Progress < 80 || got.Progress > 100 {
			t.Errorf("%d reports in five seconds, the last of %d %%", store.reports, got.Progress)
		}
	})
}

func TestStepIsThereForTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("j"))
		var found []string
		handler := Handler{Run: func(ctx context.Context, j *Job) error {
			found = append(found, j.Step)
			if j.Step == "" {
				if err := RunOf(ctx).Step(ctx, "copied"); err != nil {
					return err
				}
				return errors.New("it broke behind the first step")
			}
			return store.finish(j, Done)
		}}
		run(t, store, map[string]Handler{"k": handler}, Config{}, time.Minute)
		if fmt.Sprint(found) != "[ copied]" || store.state("j").State != Done {
			t.Errorf("found %q, is %s", found, store.state("j").State)
		}
	})
}

func TestStepOfALostLeaseIsRefused(t *testing.T) {
	store := newTable(job("j"))
	held := &Job{ID: "j", Fence: 1}
	r := &Run{job: *held, tell: store.ReportJob}
	if err := r.Step(t.Context(), "x"); !errors.Is(err, ErrFenced) {
		t.Errorf("got %v", err)
	}
	nobody := RunOf(t.Context())
	nobody.Progress(t.Context(), 50)
	if err := nobody.Step(t.Context(), "x"); err != nil {
		t.Errorf("outside of a Runner: %v", err)
	}
}

func TestPanicWhileGivingUpLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newTable(job("a"), job("b"))
		handler := Handler{
			Run: func(_ context.Context, j *Job) error {
				if j.ID == "a" {
					return GiveUpNow(errors.New("no"))
				}
				return store.finish(j, Done)
			},
			GiveUp: func(context.Context, *Job, error) error { panic("boom") },
		}
		run(t, store, map[string]Handler{"k": handler}, Config{}, time.Second)
		if store.state("a").State != Running || store.state("b").State != Done {
			t.Errorf("a is %s, b is %s", store.state("a").State, store.state("b").State)
		}
	})
}
