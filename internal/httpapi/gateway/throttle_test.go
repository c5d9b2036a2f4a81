package gateway

import (
	"fmt"
	"testing"
	"time"
)

var morning = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// COUNT calls come through at once, then one more for each PERIOD/COUNT.
func TestCallsComeThroughAsTheLimitSays(t *testing.T) {
	th := newThrottle([]Limit{{Call: "a", Count: 3, Per: 30 * time.Second}})
	for at, want := range map[time.Duration][]time.Duration{ // in order within one moment; 0 comes through
		0: {0, 0, 0, 10 * time.Second, 10 * time.Second},
	} {
		for i, wait := range want {
			if _, got := th.take("a", "p", morning.Add(at)); got != wait {
				t.Errorf("call %d: wait %s, want %s", i, got, wait)
			}
		}
	}
	for _, step := range []struct{ at, wait time.Duration }{
		{9 * time.Second, time.Second}, {10 * time.Second, 0}, {10 * time.Second, 10 * time.Second}, {20 * time.Second, 0},
		{time.Hour, 0}, {time.Hour, 0}, {time.Hour, 0}, {time.Hour, 10 * time.Second}, // rested: all of the count, and no more
	} {
		if _, got := th.take("a", "p", morning.Add(step.at)); got != step.wait {
			t.Errorf("after %s: wait %s, want %s", step.at, got, step.wait)
		}
	}
	if _, got := th.take("b", "p", morning); got != 0 {
		t.Errorf("a call without a limit waits %s", got)
	}
}

// The most exact limit that fits decides, alone; each project counts by itself.
func TestTheMostExactLimitDecides(t *testing.T) {
	th := newThrottle([]Limit{
		{Count: 4, Per: time.Hour}, {Project: "p", Count: 3, Per: time.Hour}, {Call: "a", Count: 2, Per: time.Hour}, {Call: "a", Project: "p", Count: 1, Per: time.Hour},
	})
	for i, tc := range []struct {
		call, project string
		count         int
	}{{"a", "p", 1}, {"a", "q", 2}, {"b", "p", 3}, {"b", "q", 4}, {"a", "r", 2}, {"c", "r", 4}} {
		for n := range tc.count + 1 {
			limit, wait := th.take(tc.call, tc.project, morning)
			if (wait == 0) != (n < tc.count) || limit.Count != tc.count {
				t.Errorf("%d: call %d of %s by %s: wait %s under the limit %+v", i, n, tc.call, tc.project, wait, limit)
			}
		}
	}
	if _, wait := th.take("d", "r", morning); wait == 0 {
		t.Error("calls without a limit of their own count together")
	}
}

// What is counted is bounded; those that have rested are forgotten first.
func TestCountsAreBounded(t *testing.T) {
	th := newThrottle([]Limit{{Count: 1, Per: time.Minute}})
	for n := range maxCounted {
		th.take("a", fmt.Sprintf("old%d", n), morning)
	}
	later := morning.Add(time.Hour)
	th.take("a", "fresh", later)
	if len(th.full) != 1 {
		t.Errorf("%d are counted after all but one have rested", len(th.full))
	}
	for n := range 2 * maxCounted {
		th.take("a", fmt.Sprintf("new%d", n), later)
	}
	if len(th.full) > maxCounted {
		t.Errorf("%d are counted, more than %d", len(th.full), maxCounted)
	}
}
