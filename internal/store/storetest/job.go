package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/jobs"
	"github.com/breezeblock/breezeblock/internal/store"
)

// enqueue adds a job that may run from then on.
func enqueue(t testing.TB, s *store.Store, n int, runAt time.Time) {
	t.Helper()
	must(t, s, func(tx block.Tx) error {
		return tx.Enqueue(&jobs.Job{ID: id(n), Kind: "snapshot.create", ResourceID: id(n + 1), ProjectID: project,
			Args: `{"a":1}`, RunAt: runAt})
	})
}

// enqueueFor is enqueue for a project, each job on an object and of a lane of its own.
func enqueueFor(t testing.TB, s *store.Store, n int, project string, runAt time.Time) {
	t.Helper()
	must(t, s, func(tx block.Tx) error {
		return tx.Enqueue(&jobs.Job{ID: id(n), Kind: "snapshot.create", ResourceID: id(n + 500), ProjectID: project, RunAt: runAt})
	})
}

func claim(t testing.TB, s *store.Store, now time.Time, limit int) []*jobs.Job {
	t.Helper()
	claimed, err := s.ClaimJobs(t.Context(), jobs.Claim{Now: now, Lease: time.Minute, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func testJobs(t *testing.T, fresh func(testing.TB) string) {
	t.Run("a claim leases the job and takes a fence", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		enqueue(t, s, 1, time.Time{})
		now := clock.Now()
		got := claim(t, s, now, 10)
		want := []*jobs.Job{{ID: id(1), Kind: "snapshot.create", ResourceID: id(2), Lane: id(2), LaneOrder: 1, ProjectID: project, Args: `{"a":1}`,
			State: jobs.Running, Attempt: 1, RunAt: now, ClaimedAt: now, LeaseUntil: now.Add(time.Minute), Fence: 1, CreatedAt: now}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if again := claim(t, s, now, 10); len(again) != 0 {
			t.Errorf("a leased job was claimed again: %v", again)
		}
	})
	t.Run("jobs are found by their own id and by their batch's", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		for n := range 3 {
			batch := ""
			if n > 0 {
				batch = id(900)
			}
			must(t, s, func(tx block.Tx) error {
				return tx.Enqueue(&jobs.Job{ID: id(n), Kind: "volume.create", ResourceID: id(100 + n), ProjectID: project, Batch: batch})
			})
		}
		for under, want := range map[string][]string{id(0): {id(0)}, id(1): {id(1)}, id(900): {id(1), id(2)}, id(7): nil, "": nil, "\x00": nil} {
			found, err := s.JobsUnder(t.Context(), under)
			var got []string
			for _, job := range found {
				got = append(got, job.ID)
			}
			slices.Sort(got) // made at the same moment
			slices.Sort(want)
			if err != nil || !cmp.Equal(got, want) {
				t.Errorf("under %q: %v, %v; want %v", under, got, err, want)
			}
		}
	})
	t.Run("all jobs that one call queues are found under it", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			for n := range block.MaxGroupVolumes {
				if err := tx.Enqueue(&jobs.Job{ID: id(n), Kind: "snapshot.delete", ResourceID: id(1000 + n), ProjectID: project, Batch: id(900)}); err != nil {
					return err
				}
			}
			return nil
		})
		if found, err := s.JobsUnder(t.Context(), id(900)); len(found) != block.MaxGroupVolumes || err != nil {
			t.Errorf("found %d, %v, want %d", len(found), err, block.MaxGroupVolumes)
		}
	})
	t.Run("claims take the oldest first, as many as asked, and nothing too early", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		now := clock.Now()
		for n, at := range []time.Duration{-1, -3, -2, +1} {
			enqueue(t, s, n, now.Add(at*time.Second))
		}
		first, rest := claim(t, s, now, 2), claim(t, s, now, 2)
		if len(first) != 2 || len(rest) != 1 || first[0].ID != id(1) || first[1].ID != id(2) || rest[0].ID != id(0) {
			t.Fatalf("claimed %v, then %v", first, rest)
		}
		if first[0].Fence >= first[1].Fence || first[1].Fence >= rest[0].Fence {
			t.Error("fences do not grow")
		}
	})
	t.Run("a lease that ran out is claimed anew, and its old holder is fenced off", func(t *testing.T) { testFences(t, fresh(t)) })
	t.Run("a renewed lease holds", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		enqueue(t, s, 1, time.Time{})
		now := clock.Now()
		job := claim(t, s, now, 1)[0]
		if err := s.RenewJob(t.Context(), job, now.Add(2*time.Minute)); err != nil || !job.LeaseUntil.Equal(now.Add(2*time.Minute)) {
			t.Fatal(job, err)
		}
		if again := claim(t, s, now.Add(90*time.Second), 1); len(again) != 0 {
			t.Error("claimed in spite of its lease")
		}
	})
	t.Run("a job that is given back runs again later", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		enqueue(t, s, 1, time.Time{})
		now := clock.Now()
		job := claim(t, s, now, 1)[0]
		job.RunAt, job.Error = now.Add(time.Minute), "it broke"
		if err := s.RetryJob(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		if early := claim(t, s, now, 1); len(early) != 0 {
			t.Error("claimed before its time")
		}
		late := claim(t, s, now.Add(time.Minute), 1)
		if len(late) != 1 || late[0].Attempt != 2 || late[0].Error != "it broke" || late[0].Fence <= job.Fence {
			t.Errorf("claimed %+v", late)
		}
	})
	t.Run("the next job's time is known", func(t *testing.T) { testNextJob(t, fresh(t)) })
	t.Run("finished jobs are purged, others stay", func(t *testing.T) { testPurge(t, fresh(t)) })
	t.Run("a commit that added jobs wakes the worker, a refused one does not", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		_ = s.InTx(t.Context(), func(tx block.Tx) error {
			_ = tx.Enqueue(&jobs.Job{ID: id(1), Kind: "k"})
			return errRefused
		})
		add(t, s, NewSnapshot(1, clock.Now()))
		select {
		case <-s.JobsAdded():
			t.Error("woken for nothing")
		default:
		}
		enqueue(t, s, 2, time.Time{})
		select {
		case <-s.JobsAdded():
		case <-time.After(10 * time.Second):
			t.Error("not woken")
		}
	})
	t.Run("no job is claimed twice at once", func(t *testing.T) { testClaimsAtOnce(t, fresh(t)) })
}

func testFences(t *testing.T, url string) {
	s, clock := Open(t, url)
	enqueue(t, s, 1, time.Time{})
	now := clock.Now()
	old := claim(t, s, now, 1)[0]
	if early := claim(t, s, now.Add(time.Minute), 1); len(early) != 0 {
		t.Error("claimed at the last moment of its lease")
	}
	young := claim(t, s, now.Add(time.Minute+time.Microsecond), 1)
	if len(young) != 1 || young[0].Fence <= old.Fence || young[0].Attempt != 2 {
		t.Fatalf("claimed %+v", young)
	}
	finish := func(job *jobs.Job) error {
		return s.InTx(t.Context(), func(tx block.Tx) error { return tx.FinishJob(job) })
	}
	for name, err := range map[string]error{
		"renew":  s.RenewJob(t.Context(), old, now.Add(time.Hour)),
		"retry":  s.RetryJob(t.Context(), old),
		"finish": finish(old),
	} {
		if !errors.Is(err, jobs.ErrFenced) {
			t.Errorf("%s by the old holder: got %v, want ErrFenced", name, err)
		}
	}
	young[0].State, young[0].Error = jobs.Failed, "gave up"
	if err := finish(young[0]); err != nil {
		t.Fatal(err)
	}
	if err := finish(young[0]); !errors.Is(err, jobs.ErrFenced) {
		t.Errorf("finished twice: %v", err)
	}
	if left := claim(t, s, now.Add(24*time.Hour), 1); len(left) != 0 {
		t.Errorf("a finished job was claimed: %+v", left[0])
	}
}

func testNextJob(t *testing.T, url string) {
	s, clock := Open(t, url)
	now := clock.Now()
	next := func(after time.Time) time.Time {
		at, err := s.NextJobAt(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := next(now); !at.IsZero() {
		t.Errorf("no job, but %v", at)
	}
	second := time.Second
	enqueue(t, s, 1, now.Add(second))
	enqueue(t, s, 2, now.Add(30*second))
	enqueueFor(t, s, 3, other, now.Add(20*second))
	for after, want := range map[time.Duration]time.Duration{0: second, second: 20 * second, 20 * second: 30 * second} {
		if at := next(now.Add(after)); !at.Equal(now.Add(want)) {
			t.Errorf("after %v: got %v, want %v", after, at, now.Add(want))
		}
	}
	if at := next(now.Add(30 * second)); !at.IsZero() {
		t.Errorf("after the last: got %v", at)
	}
	claim(t, s, now.Add(second), 1)
	if at := next(now.Add(40 * second)); !at.Equal(now.Add(61 * second)) {
		t.Errorf("got %v, want the lease's end", at)
	}
}

func testPurge(t *testing.T, url string) {
	s, clock := Open(t, url)
	for n := range 3 {
		enqueue(t, s, n, time.Time{})
	}
	for _, job := range claim(t, s, clock.Now(), 2) {
		must(t, s, func(tx block.Tx) error { return tx.FinishJob(job) })
		if job.State != jobs.Done || !job.FinishedAt.Equal(clock.Now()) {
			t.Errorf("finished as %+v", job)
		}
		clock.Add(time.Hour)
	}
	if err := s.PurgeJobs(t.Context(), clock.Now().Add(-time.Hour), clock.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	// One finished before then, one at that moment, one waits: its id alone is still taken.
	taken := 0
	for n := range 3 {
		err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.Enqueue(&jobs.Job{ID: id(n), Kind: "k"}) })
		if block.KindOf(err) == block.Conflict {
			taken++
		}
	}
	if taken != 2 {
		t.Errorf("%d jobs were left, want 2", taken)
	}
}

func testClaimsAtOnce(t *testing.T, url string) {
	s, clock := Open(t, url)
	const all = 40
	for n := range all {
		enqueue(t, s, n, time.Time{})
	}
	var mu sync.Mutex
	holders, fences := map[string]int{}, map[int64]int{}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range all {
				claimed, err := s.ClaimJobs(t.Context(), jobs.Claim{Now: clock.Now(), Lease: time.Minute, Limit: 3})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, job := range claimed {
					holders[job.ID]++
					fences[job.Fence]++
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if len(holders) != all || len(fences) != all {
		t.Errorf("%d jobs claimed with %d fences, want %d of each, once", len(holders), len(fences), all)
	}
}
