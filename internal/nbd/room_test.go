package nbd

import (
	"testing"
	"testing/synctest"
)

// What one connection has in hand is bounded by requests and by bytes; one request
// that is larger than all of it is let in alone.
func TestARoomBoundsRequestsAndBytes(t *testing.T) {
	for name, tc := range map[string]struct {
		inside []int64
		next   int64
		waits  bool
	}{
		"too many requests":  {[]int64{1, 1, 1}, 1, true},
		"too many bytes":     {[]int64{60}, 50, true},
		"as many as may be":  {[]int64{60}, 40, false},
		"a large one alone":  {nil, 500, false},
		"one beside a large": {[]int64{500}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRoom(3, 100)
				waited := false
				before := func() error { waited = true; return nil }
				for _, n := range tc.inside {
					if err := r.enter(n, before); err != nil || waited {
						t.Fatalf("%d bytes: %v, waited %v", n, err, waited)
					}
				}
				entered := false
				go func() {
					_ = r.enter(tc.next, before) // fails only as before does
					entered = true
				}()
				synctest.Wait()
				if waited != tc.waits || entered == tc.waits {
					t.Errorf("waited %v, entered %v; want it to wait: %v", waited, entered, tc.waits)
				}
				for _, n := range tc.inside {
					r.leave(n)
				}
				synctest.Wait()
				if !entered {
					t.Error("it waits though there is room")
				}
			})
		})
	}
}
