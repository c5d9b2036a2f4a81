package gateway

import (
	"strconv"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// maxCounted is how many pairs of limit and project are counted.
const maxCounted = 4096

// Limit is how often one project may make a call: Count at once, then one more
// each Per/Count. Of the limits that fit a call the first with both names decides,
// then the one with the call's, then the one with the project's, then the one with
// neither.
type Limit struct {
	Call    string // a row's name in docs/routes.md; empty: all calls without one of their own, together
	Project string // id; empty: each project by itself
	Count   int
	Per     time.Duration
}

// throttle counts calls. Its state is bounded: a project that has not called for as
// long as its limit takes to wear off is forgotten first, then any one.
type throttle struct {
	limits map[[2]string]Limit // by call and project

	mu   sync.Mutex
	full map[counted]time.Time // when all of the count is there again
}

type counted struct {
	limit   [2]string
	project string
}

func newThrottle(limits []Limit) *throttle {
	t := &throttle{limits: map[[2]string]Limit{}, full: map[counted]time.Time{}}
	for _, l := range limits {
		key := [2]string{l.Call, l.Project}
		if _, there := t.limits[key]; !there {
			t.limits[key] = l
		}
	}
	return t
}

// Admit counts a call whose row and caller are known, or refuses it. Calls without a
// project count together by the caller's address.
func (g *Gate) Admit(x *wire.Exchange) error {
	if len(g.throttle.limits) == 0 || x.Route == nil {
		return nil
	}
	project := x.Remote
	if x.Token != nil && x.Token.ProjectID != "" {
		project = x.Token.ProjectID
	}
	limit, wait := g.throttle.take(x.Route.Name, project, g.config.Now())
	if wait <= 0 {
		return nil
	}
	g.config.Log.InfoContext(x.Context(), "a call is over its limit", "request_id", x.RequestID,
		"call", x.Route.Name, "project", project, "limit", limit.Count, "per", limit.Per.String())
	return &Refusal{Kind: Throttled, After: wait, Message: "The throttling threshold has been reached: " +
		x.Route.Name + " may be called " + countText(limit) + " by one project."}
}

// take counts one call, or tells how long to wait for the next.
func (t *throttle) take(call, project string, now time.Time) (Limit, time.Duration) {
	for _, key := range [...][2]string{{call, project}, {call, ""}, {"", project}, {"", ""}} {
		limit, there := t.limits[key]
		if !there {
			continue
		}
		return limit, t.count(counted{key, project}, limit, now)
	}
	return Limit{}, 0
}

// count is the generic cell rate algorithm: one time is all there is to keep.
func (t *throttle) count(key counted, limit Limit, now time.Time) time.Duration {
	each := limit.Per / time.Duration(limit.Count)
	t.mu.Lock()
	defer t.mu.Unlock()
	full := t.full[key]
	if full.Before(now) {
		full = now
	}
	full = full.Add(each)
	if wait := full.Sub(now) - limit.Per; wait > 0 {
		return wait
	}
	if _, there := t.full[key]; !there {
		t.makeRoom(now)
	}
	t.full[key] = full
	return 0
}

func (t *throttle) makeRoom(now time.Time) {
	if len(t.full) < maxCounted {
		return
	}
	for key, full := range t.full {
		if !full.After(now) {
			delete(t.full, key)
		}
	}
	if len(t.full) < maxCounted {
		return
	}
	for key := range t.full { // the map's order is random enough
		delete(t.full, key)
		return
	}
}

func countText(l Limit) string { return strconv.Itoa(l.Count) + " times in " + l.Per.String() }
