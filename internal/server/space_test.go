package server_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// A storage that stays full: after five minutes of trying, what could not be made
// is in a status from which it can be deleted, and counts no more after that.
func TestWhatFindsNoSpaceEndsInAStatusWithAnExit(t *testing.T) {
	full := fmt.Errorf("a test: %w", driver.ErrNoSpace)
	for _, tc := range []struct {
		name  string
		call  fake.Call
		noun  string
		begin func(s *site, u user) string // gives the id of what will fail
		ends  string
	}{
		{"a volume", fake.Create, "volume", func(s *site, u user) string {
			return s.want(http.StatusAccepted, u, "POST", "/v3/"+u.project+"/volumes", `{"volume":{"size":1}}`).text("volume", "id")
		}, "error"},
		{"a snapshot", fake.Snapshot, "snapshot", func(s *site, u user) string {
			return s.want(http.StatusAccepted, u, "POST", "/v3/"+u.project+"/snapshots",
				fmt.Sprintf(`{"snapshot":{"volume_id":%q}}`, s.volume(u))).text("snapshot", "id")
		}, "error"},
		{"an extension", fake.Extend, "volume", func(s *site, u user) string {
			id := s.volume(u)
			s.want(http.StatusAccepted, u, "POST", "/v3/"+u.project+"/volumes/"+id+"/action", `{"os-extend":{"new_size":2}}`)
			return id
		}, "error_extending"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bytes := fake.New(fake.Fault{Call: tc.call, Err: full})
			s := open(t, nil, withFake(bytes))
			demo := s.logIn("demo")
			id := tc.begin(s, demo)
			s.until("the driver was asked", func() bool { return bytes.Count(tc.call) > 0 })
			s.clock.advance(6 * time.Minute)
			s.untilStatus(demo, tc.noun, id, tc.ends)
			s.want(http.StatusAccepted, demo, "DELETE", "/v3/"+demo.project+"/"+tc.noun+"s/"+id, "")
			s.untilGone(demo, tc.noun, id)
			used := s.want(http.StatusOK, demo, "GET", "/v3/"+demo.project+"/limits", "")
			left := 0.0
			if tc.noun == "snapshot" {
				left = 1 // its volume
			}
			if got := used.at("limits", "absolute", "totalGigabytesUsed"); got != left {
				t.Errorf("%v GB are counted, want %v", got, left)
			}
		})
	}
}
