package server_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// A storage that stays full: after minutes of trying, what could not be made is in
// a status from which it can be deleted, and counts no more after that.
func TestWhatFindsNoSpaceEndsInAStatusWithAnExit(t *testing.T) {
	t.Parallel()
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
			demo, admin := s.logIn("demo"), s.logIn("admin")
			s.want(http.StatusOK, admin, "PUT", "/v3/"+admin.project+"/os-quota-sets/"+demo.project, `{"quota_set":{"volumes":1000,"gigabytes":-1}}`)
			id := tc.begin(s, demo)
			path := "/v3/" + demo.project + "/" + tc.noun + "s/" + id
			s.until(tc.noun+" "+id+" becomes "+tc.ends, func() bool {
				if s.want(http.StatusOK, demo, "GET", path, "").text(tc.noun, "status") == tc.ends {
					return true
				}
				s.clock.advance(time.Minute)
				s.want(http.StatusAccepted, demo, "POST", "/v3/"+demo.project+"/volumes", `{"volume":{"size":1}}`) // wakes the runner
				return false
			})
			used := s.gigabytes(demo)
			s.want(http.StatusAccepted, demo, "DELETE", path, "")
			s.untilGone(demo, tc.noun, id)
			if freed := used - s.gigabytes(demo); freed != 1 {
				t.Errorf("the deletion gave back %v GB, want 1", freed)
			}
		})
	}
}

// gigabytes are what a project uses.
func (s *site) gigabytes(u user) float64 {
	s.t.Helper()
	used, _ := s.want(http.StatusOK, u, "GET", "/v3/"+u.project+"/limits", "").at("limits", "absolute", "totalGigabytesUsed").(float64)
	return used
}
