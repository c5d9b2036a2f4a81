package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/jobs"
	"github.com/breezeblock/breezeblock/internal/store"
)

// put adds a job as it is.
func put(t testing.TB, s *store.Store, job jobs.Job) {
	t.Helper()
	must(t, s, func(tx block.Tx) error { return tx.Enqueue(&job) })
}

// take claims and gives the ids' last digits, in order.
func take(t testing.TB, s *store.Store, claim jobs.Claim) (all []*jobs.Job, ids []string) {
	t.Helper()
	claim.Lease = time.Minute
	claimed, err := s.ClaimJobs(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range claimed {
		ids = append(ids, job.ID)
	}
	return claimed, ids
}

// testClaims are the promises on which jobs a worker gets.
func testClaims(t *testing.T, fresh func(testing.TB) string) {
	for name, test := range map[string]func(*testing.T, *store.Store, *Clock){
		"a project with many jobs does not keep the others waiting": testTurns,
		"projects have their turn one job at a time, too":           testSingleTurns,
		"jobs of one lane, and on one object, run one at a time":    testLanes,
		"a job is not overtaken in its lane":                        testOrderInLane,
		"nor where the clock went back or stood still":              testOrderByBadClocks,
		"kinds and projects that are full are passed over":          testFull,
		"a worker's own jobs are not claimed from under it":         testHeld,
		"times too far ahead are past: the clock went back":         testFarTimes,
		"cancelling reaches jobs that wait and jobs that run":       testCancel,
		"a job remembers its attempts, time, step and progress":     testMemory,
		"leases can be released, jobs ended and freed":              testRelease,
		"jobs are found by object and lane":                         testFindJobs,
		"failed jobs are kept longer than those that are done":      testKeepFailed,
	} {
		t.Run(name, func(t *testing.T) {
			s, clock := Open(t, fresh(t))
			test(t, s, clock)
		})
	}
	t.Run("claims at once keep lanes apart", func(t *testing.T) { testLanesAtOnce(t, fresh(t)) })
}

func testTurns(t *testing.T, s *store.Store, clock *Clock) {
	for n := range 40 {
		enqueueFor(t, s, n, "a-busy", time.Time{})
	}
	clock.Add(time.Second)
	for n := range 2 {
		enqueueFor(t, s, 100+n, "b", time.Time{})
		enqueueFor(t, s, 200+n, "c", time.Time{})
	}
	enqueueFor(t, s, 300, "", time.Time{}) // of no project
	of := map[string]int{}
	claimed, _ := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 8})
	for _, job := range claimed {
		of[job.ProjectID]++
	}
	if of["b"] != 2 || of["c"] != 2 || of[""] != 1 || of["a-busy"] < 2 {
		t.Errorf("claimed %v", of)
	}
	if rest, _ := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 8}); len(rest) != 8 {
		t.Errorf("then claimed %d, want 8: no room is left while jobs wait", len(rest))
	}
}

func testSingleTurns(t *testing.T, s *store.Store, clock *Clock) {
	for n := range 6 {
		enqueueFor(t, s, n, "a", time.Time{})
	}
	clock.Add(time.Second)
	for n := range 2 {
		enqueueFor(t, s, 100+n, "b", time.Time{})
		enqueueFor(t, s, 200+n, "c", time.Time{})
	}
	var turns []string
	for range 6 {
		claimed, _ := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 1})
		if len(claimed) != 1 {
			t.Fatalf("claimed %v after %v", claimed, turns)
		}
		turns = append(turns, claimed[0].ProjectID)
	}
	if got := fmt.Sprint(turns); got != "[a b c a b c]" {
		t.Errorf("the turns were %s", got)
	}
}

func testLanes(t *testing.T, s *store.Store, clock *Clock) {
	first := clock.Now()
	for n, job := range []jobs.Job{
		{ResourceID: "snap-1", Lane: "vol"},
		{ResourceID: "snap-2", Lane: "vol"},
		{ResourceID: "vol"}, // its own lane
		{ResourceID: "other"},
		{ResourceID: "other", Lane: "elsewhere"},
		{}, {}, // without object and lane: apart from all
	} {
		job.ID, job.Kind, job.ProjectID, job.RunAt = id(n), "k", project, first.Add(time.Duration(n-10)*time.Second)
		clock.Add(time.Millisecond) // the order in a lane is that of coming
		put(t, s, job)
	}
	running, ids := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 10})
	if want := []string{id(0), id(3), id(5), id(6)}; !slices.Equal(ids, want) {
		t.Fatalf("claimed %v, want %v", ids, want)
	}
	if _, more := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 10}); len(more) != 0 {
		t.Errorf("claimed %v beside jobs of their lane or object", more)
	}
	must(t, s, func(tx block.Tx) error { return errors.Join(tx.FinishJob(running[0]), tx.FinishJob(running[1])) })
	if _, ids = take(t, s, jobs.Claim{Now: clock.Now(), Limit: 10}); !slices.Equal(ids, []string{id(1), id(4)}) {
		t.Errorf("then claimed %v", ids)
	}
}

// A job that is tried again later is not overtaken by a younger one of its lane,
// also when both were made at the same moment or the clock went back between them.
func testOrderInLane(t *testing.T, s *store.Store, clock *Clock) {
	for i, later := range []time.Duration{time.Millisecond, 0, -time.Second} {
		now := clock.Now()
		lane := "vol" + later.String()
		var made []string
		for n, at := range []time.Duration{time.Minute, 0, 0, 0} { // four: ids are in no order
			job := jobs.Job{ID: id(10*i + n), Kind: "k", ProjectID: project, ResourceID: lane + id(n), Lane: lane, RunAt: now.Add(at)}
			put(t, s, job)
			made = append(made, job.ID)
			clock.Add(later)
		}
		if _, ids := take(t, s, jobs.Claim{Now: now.Add(time.Second), Limit: 10}); len(ids) != 0 {
			t.Errorf("%s apart: claimed %v before the oldest job of the lane", later, ids)
		}
		for _, want := range made {
			running, ids := take(t, s, jobs.Claim{Now: now.Add(2 * time.Minute), Limit: 10})
			if !slices.Equal(ids, []string{want}) {
				t.Fatalf("%s apart: claimed %v, want %s", later, ids, want)
			}
			must(t, s, func(tx block.Tx) error { return tx.FinishJob(running[0]) })
		}
	}
}

// Jobs of a lane are made at one moment, and after the clock went back.
func testOrderByBadClocks(t *testing.T, s *store.Store, clock *Clock) {
	now := clock.Now()
	for n := range 3 { // the first waits for its time, and its id is the last
		if n == 2 {
			clock.Add(-time.Hour)
		}
		put(t, s, jobs.Job{ID: id(9 - n), Kind: "k", ProjectID: project, ResourceID: id(9 - n), Lane: "vol", RunAt: now.Add(time.Duration(2-n) * time.Minute)})
	}
	for n := range 3 {
		if _, ids := take(t, s, jobs.Claim{Now: now.Add(time.Minute), Limit: 10}); len(ids) != 0 && n == 0 {
			t.Errorf("claimed %v before the oldest of the lane", ids)
		}
		running, ids := take(t, s, jobs.Claim{Now: now.Add(2*time.Minute + time.Second), Limit: 10})
		if !slices.Equal(ids, []string{id(9 - n)}) {
			t.Fatalf("claimed %v, want %s", ids, id(9-n))
		}
		must(t, s, func(tx block.Tx) error { return tx.FinishJob(running[0]) })
	}
}

func testFull(t *testing.T, s *store.Store, clock *Clock) {
	for n := range 20 {
		put(t, s, jobs.Job{ID: id(n), Kind: "slow", ProjectID: "a"})
	}
	clock.Add(time.Second)
	put(t, s, jobs.Job{ID: id(100), Kind: "slow", ProjectID: "b"})
	put(t, s, jobs.Job{ID: id(101), Kind: "slower", ProjectID: "a"})
	now := clock.Now()
	if _, ids := take(t, s, jobs.Claim{Now: now, Limit: 2, FullKinds: []string{"slow", "x"}}); !slices.Equal(ids, []string{id(101)}) {
		t.Errorf("without slow ones: claimed %v", ids)
	}
	if _, ids := take(t, s, jobs.Claim{Now: now, Limit: 2, FullProjects: []string{"a"}}); !slices.Equal(ids, []string{id(100)}) {
		t.Errorf("without project a: claimed %v", ids)
	}
}

func testHeld(t *testing.T, s *store.Store, clock *Clock) {
	enqueue(t, s, 1, time.Time{})
	enqueueFor(t, s, 7, project, time.Time{})
	_, held := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 10})
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		now := clock.Now().Add(jump)
		if _, ids := take(t, s, jobs.Claim{Now: now, Limit: 10, Held: held}); len(ids) != 0 {
			t.Errorf("the clock jumped by %v: claimed %v", jump, ids)
		}
	}
	one := []string{held[0]}
	if _, ids := take(t, s, jobs.Claim{Now: clock.Now().Add(time.Hour), Limit: 1, Held: one}); !slices.Equal(ids, held[1:]) {
		t.Errorf("another's job that expired: claimed %v, want %v", ids, held[1:])
	}
}

func testFarTimes(t *testing.T, s *store.Store, clock *Clock) {
	now := clock.Now()
	enqueueFor(t, s, 1, project, now.Add(jobs.MaxDelay))
	enqueueFor(t, s, 2, project, now.Add(jobs.MaxDelay+time.Microsecond))
	leased, ids := take(t, s, jobs.Claim{Now: now, Limit: 10})
	if !slices.Equal(ids, []string{id(2)}) {
		t.Fatalf("claimed %v, want the one that lies too far ahead", ids)
	}
	back := leased[0].LeaseUntil.Add(-2 * time.Minute) // a lease never ends later than this
	if _, ids = take(t, s, jobs.Claim{Now: back, Limit: 10}); slices.Contains(ids, id(2)) {
		t.Error("a lease of two lengths was taken for one that is too long")
	}
	if _, ids = take(t, s, jobs.Claim{Now: back.Add(-time.Second), Limit: 10}); !slices.Contains(ids, id(2)) {
		t.Errorf("claimed %v, want the one whose lease ends too far ahead", ids)
	}
}

func testCancel(t *testing.T, s *store.Store, clock *Clock) {
	put(t, s, jobs.Job{ID: id(1), Kind: "k", ProjectID: project, ResourceID: "vol"})
	running, _ := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 1})
	put(t, s, jobs.Job{ID: id(2), Kind: "k", ProjectID: project, ResourceID: "vol", RunAt: clock.Now().Add(time.Minute)})
	put(t, s, jobs.Job{ID: id(3), Kind: "k", ProjectID: project, ResourceID: "else"})
	cancelled := func() []string {
		ids, err := s.CancelledJobs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if ids := cancelled(); len(ids) != 0 {
		t.Errorf("cancelled are %v", ids)
	}
	<-s.JobsAdded()
	must(t, s, func(tx block.Tx) error { return tx.CancelJobs("vol") })
	select {
	case <-s.JobsAdded():
	case <-time.After(10 * time.Second):
		t.Error("nobody was woken")
	}
	if ids := cancelled(); !slices.Equal(ids, []string{id(1)}) {
		t.Errorf("cancelled and running are %v", ids)
	}
	until := clock.Now().Add(90 * time.Second)
	if err := s.RenewJob(t.Context(), running[0], until); !errors.Is(err, jobs.ErrCancelled) || !running[0].LeaseUntil.Equal(until) {
		t.Errorf("renewed until %v: %v", running[0].LeaseUntil, err)
	}
	running[0].State = jobs.Failed
	must(t, s, func(tx block.Tx) error { return tx.FinishJob(running[0]) })
	next, ids := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 10})
	if len(next) != 2 || !slices.Contains(ids, id(2)) {
		t.Fatalf("claimed %v, want the cancelled one at once", ids)
	}
	for _, job := range next {
		if job.Cancelled != (job.ID == id(2)) {
			t.Errorf("%+v", job)
		}
	}
}

func testMemory(t *testing.T, s *store.Store, clock *Clock) {
	enqueue(t, s, 1, time.Time{})
	claimed, _ := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 1})
	job := claimed[0]
	report := *job
	report.Step, report.Progress = "copied", 40
	if err := s.ReportJob(t.Context(), &report); err != nil {
		t.Fatal(err)
	}
	job.Attempt, job.Spent, job.Error, job.RunAt = 0, 1500*time.Millisecond, "stopped", clock.Now()
	if err := s.RetryJob(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if err := s.ReportJob(t.Context(), &report); !errors.Is(err, jobs.ErrFenced) {
		t.Errorf("a report without a lease: %v", err)
	}
	claimed, _ = take(t, s, jobs.Claim{Now: clock.Now(), Limit: 1})
	if got := claimed[0]; got.Attempt != 1 || got.Spent != 1500*time.Millisecond || got.Step != "copied" || got.Progress != 40 || got.Error != "stopped" {
		t.Errorf("got %+v", got)
	}
}

func testRelease(t *testing.T, s *store.Store, clock *Clock) {
	for n := range 3 {
		enqueueFor(t, s, n, project, time.Time{})
	}
	held, _ := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 3})
	must(t, s, func(tx block.Tx) error {
		held[0].Error = "by hand"
		return errors.Join(tx.EndJob(held[0]), tx.FreeJob(held[1]))
	})
	if _, ids := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 3}); !slices.Equal(ids, []string{held[1].ID}) {
		t.Errorf("claimed %v, want the one that was freed", ids)
	}
	if err := s.ReleaseJobs(t.Context(), clock.Now()); err != nil {
		t.Fatal(err)
	}
	again, ids := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 3})
	if len(ids) != 2 || slices.Contains(ids, held[0].ID) || again[0].Fence <= held[2].Fence {
		t.Errorf("claimed %v", ids)
	}
}

func testFindJobs(t *testing.T, s *store.Store, clock *Clock) {
	for n := range 3 {
		put(t, s, jobs.Job{ID: id(n), Kind: "k", ProjectID: project, ResourceID: "vol", Lane: "lane"})
		clock.Add(time.Second)
	}
	ids := func(found []*jobs.Job, err error) (ids []string) {
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range found {
			ids = append(ids, job.ID)
		}
		return ids
	}
	if got := ids(s.JobsOf(t.Context(), "vol", 2)); !slices.Equal(got, []string{id(2), id(1)}) {
		t.Errorf("the newest two are %v", got)
	}
	if job, err := s.JobOfLane(t.Context(), "lane"); job != nil || err != nil {
		t.Errorf("nothing runs, but %v, %v", job, err)
	}
	claimed, _ := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 3})
	if job, err := s.JobOfLane(t.Context(), "lane"); err != nil || job == nil || job.ID != claimed[0].ID {
		t.Errorf("in the lane runs %v, %v", job, err)
	}
	must(t, s, func(tx block.Tx) error { return tx.FinishJob(claimed[0]) })
	must(t, s, func(tx block.Tx) error {
		if got := ids(tx.LiveJobsOf("vol")); !slices.Equal(got, []string{id(1), id(2)}) {
			t.Errorf("live are %v", got)
		}
		return nil
	})
	sorted := []string{id(1), id(2)}
	slices.Sort(sorted)
	if got := ids(s.LiveJobs(t.Context(), "", 10)); !slices.Equal(got, sorted) {
		t.Errorf("all live are %v", got)
	}
	if got := ids(s.LiveJobs(t.Context(), sorted[0], 10)); !slices.Equal(got, sorted[1:]) {
		t.Errorf("behind the first: %v", got)
	}
}

func testKeepFailed(t *testing.T, s *store.Store, clock *Clock) {
	for n := range 2 {
		put(t, s, jobs.Job{ID: id(n), Kind: "k", ProjectID: project, ResourceID: "vol", Lane: id(n)})
	}
	both, _ := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 1})
	both[0].State = jobs.Failed
	must(t, s, func(tx block.Tx) error { return tx.FinishJob(both[0]) })
	done, _ := take(t, s, jobs.Claim{Now: clock.Now(), Limit: 1})
	must(t, s, func(tx block.Tx) error { return tx.FinishJob(done[0]) })
	clock.Add(time.Hour)
	for _, step := range []struct {
		failed time.Time
		left   int
	}{{clock.Now().Add(-2 * time.Hour), 1}, {clock.Now(), 0}} {
		if err := s.PurgeJobs(t.Context(), clock.Now(), step.failed); err != nil {
			t.Fatal(err)
		}
		left, err := s.JobsOf(t.Context(), "vol", 10)
		if len(left) != step.left || err != nil {
			t.Errorf("left are %v, %v; want %d", left, err, step.left)
		}
	}
}

func testLanesAtOnce(t *testing.T, url string) {
	s, clock := Open(t, url)
	const all, lanes = 60, 4
	for n := range all {
		put(t, s, jobs.Job{ID: id(n), Kind: "k", ProjectID: fmt.Sprint(n % 3), Lane: fmt.Sprint("lane ", n%lanes)})
	}
	var mu sync.Mutex
	busy, done := map[string]bool{}, 0
	left := func() bool { mu.Lock(); defer mu.Unlock(); return done < all }
	deadline := time.Now().Add(time.Minute)
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			for left() && time.Now().Before(deadline) {
				claimed, err := s.ClaimJobs(t.Context(), jobs.Claim{Now: clock.Now(), Lease: time.Hour, Limit: 3})
				if err != nil {
					t.Error(err)
					return
				}
				for _, job := range claimed {
					mu.Lock()
					if busy[job.Lane] {
						t.Errorf("%s runs twice", job.Lane)
					}
					busy[job.Lane] = true
					mu.Unlock()
				}
				for _, job := range claimed {
					mu.Lock()
					busy[job.Lane] = false
					done++
					mu.Unlock()
					if err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.FinishJob(job) }); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wait.Wait()
	if left() {
		t.Errorf("%d of %d jobs were done in a minute", done, all)
	}
}
