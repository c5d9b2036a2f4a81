package cinder_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/testserver"
)

// site is a running server and the two who use it.
type site struct {
	*testserver.Server
	t           testing.TB
	demo, admin user
}

// user is a token and the project it is of.
type user struct{ token, project string }

// newSite starts a server that speaks dialect and keeps its bytes in memory.
func newSite(t *testing.T, dialect string) *site {
	t.Helper()
	return newSiteOn(t, dialect, fake.New())
}

// newSiteOn starts a server whose bytes the driver keeps.
func newSiteOn(t *testing.T, dialect string, bytes driver.Driver) *site {
	t.Helper()
	s := &site{Server: testserver.New(t, testserver.Dialect(dialect), testserver.Driver(bytes)), t: t}
	s.demo, s.admin = s.logIn("demo", s.DemoPassword), s.logIn("admin", s.AdminPassword)
	return s
}

func (s *site) logIn(name, password string) user {
	s.t.Helper()
	const form = `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"password":%q,"domain":{"name":"Default"}}}},
		"scope":{"project":{"name":%q,"domain":{"name":"Default"}}}}}`
	a := s.send(user{}, "POST", s.IdentityURL+"/auth/tokens", fmt.Sprintf(form, name, password, name))
	if a.status != http.StatusCreated {
		s.t.Fatalf("log in as %s: %d %s", name, a.status, a.body)
	}
	return user{a.header.Get("X-Subject-Token"), a.at("token", "project", "id").(string)}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// at is what stands at a path of keys in the body; nil if it is not there.
func (a answer) at(keys ...string) any {
	var value any
	_ = json.Unmarshal([]byte(a.body), &value) // no JSON is nil, too
	for _, key := range keys {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

// text is at as a string; "" if it is none.
func (a answer) text(keys ...string) string {
	text, _ := a.at(keys...).(string)
	return text
}

// names are the names of a list's items, null as "".
func (a answer) names(key string) string {
	items, _ := a.at(key).([]any)
	var names []string
	for _, item := range items {
		name, _ := item.(map[string]any)["name"].(string)
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// do sends a request. In path, {p} is the user's project; a path without a version is of v3.
func (s *site) do(u user, method, path, body string, headers ...string) answer {
	s.t.Helper()
	if strings.HasPrefix(path, "/snapshots") || strings.HasPrefix(path, "/volumes") {
		path = "/v3/{p}" + path
	}
	return s.send(u, method, s.URL+strings.ReplaceAll(path, "{p}", u.project), body, headers...)
}

// at70 sends the highest microversion of dialect cinder.
const at70 = "volume 3.70"

func (s *site) send(u user, method, url, body string, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewBufferString(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if u.token != "" {
		req.Header.Set("X-Auth-Token", u.token)
	}
	for _, version := range headers {
		req.Header.Set("OpenStack-API-Version", version)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // no redirect is followed
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(got)}
}

// want fails the test unless the answer has the status and holds the text.
func (s *site) want(a answer, status int, has string) answer {
	s.t.Helper()
	if a.status != status || !strings.Contains(a.body, has) {
		s.t.Errorf("got %d %s, want %d with %s", a.status, a.body, status, has)
	}
	return a
}

// until asks for path until the text at keys is as wanted; gone is status 404.
func (s *site) until(u user, path, wanted string, keys ...string) {
	s.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		a := s.do(u, "GET", path, "")
		if (wanted == "gone" && a.status == http.StatusNotFound) || (a.status == http.StatusOK && a.text(keys...) == wanted) {
			return
		}
	}
	s.t.Fatalf("%s is not %s: %s", path, wanted, s.do(u, "GET", path, "").body)
}

// volume makes one of demo's that is available.
func (s *site) volume(body string) string {
	s.t.Helper()
	a := s.do(s.demo, "POST", "/volumes", `{"volume":`+body+`}`)
	id := a.text("volume", "id")
	if a.status != http.StatusAccepted || id == "" {
		s.t.Fatalf("make a volume: %d %s", a.status, a.body)
	}
	s.until(s.demo, "/volumes/"+id, "available", "volume", "status")
	return id
}

// snapshot makes one of demo's that is available.
func (s *site) snapshot(volume, rest string) string {
	s.t.Helper()
	a := s.do(s.demo, "POST", "/snapshots", `{"snapshot":{"volume_id":"`+volume+`"`+rest+`}}`)
	id := a.text("snapshot", "id")
	if a.status != http.StatusAccepted || id == "" {
		s.t.Fatalf("make a snapshot: %d %s", a.status, a.body)
	}
	s.until(s.demo, "/snapshots/"+id, "available", "snapshot", "status")
	return id
}
