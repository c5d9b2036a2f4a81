package server_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// The promise of ARCHITECTURE.md: a PUT changes a row. A driver on which every
// call fails is not even asked, and no job is left behind.
func TestUpdateSnapshotCallsNoDriverAndQueuesNoJob(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	working := fake.New()
	first := open(t, settings{"data": data}, withFake(working))
	demo := first.logIn("demo")
	snap := first.snapshot(demo, first.volume(demo))
	first.close()

	broken := fake.Failing(errors.New("this driver fails"))
	s := open(t, settings{"data": data}, withFake(broken))
	jobs := jobsIn(rowsOf(t, data))
	for i, path := range []string{
		"/v3/" + demo.project + "/snapshots/", "/v3/snapshots/",
		"/v2/" + demo.project + "/snapshots/", "/v2/" + demo.project + "/cloudsnapshots/",
	} {
		name := strings.Repeat("n", i+1)
		a := s.want(http.StatusOK, demo, "PUT", path+snap, `{"snapshot":{"name":"`+name+`","description":"d"}}`)
		if a.text("snapshot", "name") != name {
			t.Errorf("PUT %s: %s", path, a)
		}
		if got := s.want(http.StatusOK, demo, "GET", path+snap, ""); got.text("snapshot", "name") != name {
			t.Errorf("GET %s: %s", path, got)
		}
	}
	if n := broken.Count(fake.Any); n != 0 {
		t.Errorf("the driver was called %d times", n)
	}
	if after := jobsIn(rowsOf(t, data)); after != jobs {
		t.Errorf("jobs before:\n%s\nafter:\n%s", jobs, after)
	}
}

// jobsIn cuts the table of jobs out of all rows.
func jobsIn(rows string) string {
	_, rest, _ := strings.Cut("\n"+rows, "\njobs\n")
	var jobs []string
	for line := range strings.Lines(rest) {
		if !strings.Contains(line, "|") {
			break // the next table's name
		}
		jobs = append(jobs, line)
	}
	return strings.Join(jobs, "")
}
