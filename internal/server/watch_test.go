package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

func TestMetricsAskForTheirToken(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		given   settings
		headers []string
		status  int
	}{
		{"loopback, no token set", nil, nil, 200},
		{"loopback, an identity token", nil, []string{"Authorization", "Bearer x"}, 200},
		{"token set, none given", settings{"metrics-token": "watch me"}, nil, 401},
		{"token set, another given", settings{"metrics-token": "watch me"}, []string{"Authorization", "Bearer watch mf"}, 401},
		{"token set, given as the password", settings{"metrics-token": "watch me"}, []string{"Authorization", "Basic watch me"}, 401},
		{"token set and given", settings{"metrics-token": "watch me"}, []string{"Authorization", "Bearer watch me"}, 200},
		{"off loopback, no token set", settings{"listen": ":0", "insecure-http": "true"}, nil, 401},
		{"off loopback, an empty token given", settings{"listen": ":0", "insecure-http": "true"}, []string{"Authorization", "Bearer "}, 401},
		{"off loopback, token set and given", settings{"listen": ":0", "insecure-http": "true", "metrics-token": "t"}, []string{"Authorization", "Bearer t"}, 200},
		{"through a trusted proxy, no token set", settings{"trusted-proxy": "127.0.0.0/8"}, nil, 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, tc.given, withFake(fake.New()))
			a := s.send(user{}, "GET", s.URL()+"/metrics", "", tc.headers...)
			if a.status != tc.status || strings.Contains(a.body, "breezeblock_store_commits_total") != (tc.status == 200) {
				t.Errorf("got %s, want %d", a, tc.status)
			}
		})
	}
}

func TestMetricsCarryTheRouteAndNeverAPath(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	snap := s.snapshot(demo, s.volume(demo))
	for _, path := range []string{"/v3/" + demo.project + "/snapshots/" + snap, "/v3/snapshots/never-seen", "/v3/strange-path", "/stranger-path", "/v4/odd-path"} {
		s.send(demo, "GET", path, "")
	}
	s.send(demo, "ODDMETHOD", "/v3/snapshots/"+snap, "")
	s.send(demo, "PUT", "/v3/snapshots/"+snap, "{no JSON")
	s.send(demo, "POST", "/v3/snapshots/"+snap+"/action", "{no JSON")
	a := s.want(http.StatusOK, user{}, "GET", "/metrics", "")
	for _, want := range []string{
		`breezeblock_request_duration_seconds_count{route="snapshot.show",status="200"}`,
		`breezeblock_request_duration_seconds_count{route="snapshot.show",status="404"} 1`,
		`breezeblock_request_duration_seconds_count{route="snapshot.update",status="400"} 1`,
		`breezeblock_request_duration_seconds_count{route="none",status="400"} 1`,
		`breezeblock_request_duration_seconds_count{route="none",status="404"} 3`,
		`breezeblock_request_duration_seconds_count{route="none",status="405"} 1`,
		`breezeblock_job_duration_seconds_count{kind="snapshot.create",outcome="done"} 1`,
		"breezeblock_store_queue_length 0",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
	for _, never := range []string{snap, demo.project, demo.token, "never-seen", "-path", "ODDMETHOD", "/v3"} {
		if strings.Contains(a.body, never) {
			t.Errorf("the metrics tell %s", never)
		}
	}
}

// line is one of the access log.
type line struct {
	RequestID string `json:"request_id"`
	Method    string
	Path      string
	Route     string
	Status    int
	Bytes     int
	Project   string
}

// lines are the access log by request id.
func (s *site) lines() map[string]line {
	s.t.Helper()
	all := map[string]line{}
	for text := range strings.Lines(s.access.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			s.t.Fatalf("access log: %v in %s", err, text)
		}
		if _, twice := all[l.RequestID]; twice {
			s.t.Errorf("two requests have the id %s", l.RequestID)
		}
		all[l.RequestID] = l
	}
	return all
}

func TestEveryAnswerHasAnIdOfItsOwnThatTheAccessLogHas(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	volumes := "/v3/" + demo.project + "/volumes"
	want := map[string]line{}
	var mu sync.Mutex
	var clients sync.WaitGroup
	ask := func(u user, method, path string, expect line) {
		a, err := s.try(u, method, path, "", "X-Openstack-Request-Id", "req-of-the-client")
		if err != nil {
			t.Error(err)
			return
		}
		id := a.header.Get("X-Openstack-Request-Id")
		if len(id) != 40 || !strings.HasPrefix(id, "req-") || a.header.Get("X-Compute-Request-Id") != id || a.header.Get("X-Request-Id") != id {
			t.Errorf("%s %s: ids %v", method, path, a.header)
		}
		expect.RequestID, expect.Method, expect.Path, expect.Bytes = id, method, strings.SplitN(path, "?", 2)[0], len(a.body)
		mu.Lock()
		defer mu.Unlock()
		if _, twice := want[id]; twice {
			t.Errorf("the id %s was given twice", id)
		}
		want[id] = expect
	}
	for range 16 {
		clients.Go(func() {
			for range 10 {
				ask(demo, "GET", volumes+"?name=secret-query", line{Route: "volume.list", Status: 200, Project: demo.project})
				ask(user{}, "GET", volumes, line{Status: 401})
				ask(demo, "PATCH", volumes, line{Status: 405, Project: demo.project})
				ask(user{}, "GET", "/no\"where", line{Status: 404})
				ask(user{}, "OPTIONS", volumes, line{Status: 200})
			}
		})
	}
	clients.Wait()
	s.close() // writes what is left of the log
	got := s.lines()
	for id, expect := range want {
		if got[id] != expect {
			t.Errorf("%s: logged %+v, want %+v", id, got[id], expect)
		}
	}
	for _, never := range []string{"secret-query", demo.token, "demo-secret"} {
		if strings.Contains(s.access.String()+s.log.String(), never) {
			t.Errorf("the logs tell %s", never)
		}
	}
}
