package keystone_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/breezeblock/breezeblock/internal/httpapi"
	"github.com/breezeblock/breezeblock/internal/httpapi/keystone"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
	"github.com/breezeblock/breezeblock/internal/identity/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is the identity API behind the hall, as a server has it: below
// /identity, and at the root of a listener of its own.
type service struct {
	t      testing.TB
	main   *httpapi.Hall
	root   *httpapi.Hall
	porter *identity.Service
	store  *fake.Store
	admin  string // a token of project admin
	demo   string // a token of project demo
}

func newService(t testing.TB) *service {
	t.Helper()
	s := &service{t: t, store: fake.New()}
	quiet := slog.New(slog.DiscardHandler)
	keys, err := identity.OpenKeys(t.TempDir(), rand.Reader, time.Now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	s.porter, err = identity.New(identity.Config{
		Store: s.store, Keys: keys, Clock: time.Now, Random: rand.Reader, Log: quiet,
		Region: "RegionOne", Cost: identity.Cost{Memory: 8, Passes: 1, Threads: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.porter.Close)
	if _, err := s.porter.EnsureFirst(context.Background(), identity.First{AdminPassword: "admin's", DemoPassword: "demo's"}); err != nil {
		t.Fatal(err)
	}
	config := httpapi.Config{
		Dialect: wire.EVS(), Tokens: s.porter.Validate, NewRequestID: func() string { return "req-1" },
		Log: quiet, Now: time.Now,
	}
	config.Mounts = []httpapi.Mount{{Prefix: "/identity", Faults: []string{"/identity"}, Door: keystone.New(s.porter, quiet, "/identity")}}
	s.main = httpapi.New(config)
	config.Unversioned = true
	config.Mounts = []httpapi.Mount{{Door: keystone.New(s.porter, quiet, "").ServedAt(keystone.OnPort("8776"))}}
	s.root = httpapi.New(config)
	s.admin, s.demo = s.token("admin", "admin's"), s.token("demo", "demo's")
	return s
}

// login is the body that a client sends for a project-scoped token, by names.
func login(user, password string) string {
	return `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"` + user +
		`","domain":{"name":"Default"},"password":"` + password + `"}}},"scope":{"project":{"name":"` + user + `","domain":{"name":"Default"}}}}}`
}

func (s *service) token(user, password string) string {
	s.t.Helper()
	a := s.call("POST", "/v3/auth/tokens", "", login(user, password))
	if a.status != http.StatusCreated {
		s.t.Fatalf("log in as %s: %d %s", user, a.status, a.body)
	}
	return a.header.Get("X-Subject-Token")
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// call asks below /identity; headers are pairs of name and value.
func (s *service) call(method, path, token, body string, headers ...string) answer {
	s.t.Helper()
	return s.ask(s.main, method, "http://cloud.example:8776/identity"+path, token, body, headers...)
}

// callRoot asks the listener of its own.
func (s *service) callRoot(method, path, token, body string) answer {
	s.t.Helper()
	return s.ask(s.root, method, "http://cloud.example:5000"+path, token, body)
}

func (s *service) ask(h http.Handler, method, url, token, body string, headers ...string) answer {
	s.t.Helper()
	var sent io.Reader
	if body != "" {
		sent = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, url, sent)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{s.t, w.Code, w.Header(), w.Body.String()}
}

// at digs into the body: "token.project.id", "domains.0.id".
func (a answer) at(path string) any {
	a.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.t.Fatalf("%d %q is no JSON: %v", a.status, a.body, err)
	}
	for key := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[key]
		case []any:
			n := 0
			for _, c := range key {
				n = n*10 + int(c-'0')
			}
			if n >= len(in) {
				return nil
			}
			v = in[n]
		default:
			return nil
		}
	}
	return v
}

func (a answer) text(path string) string {
	a.t.Helper()
	s, _ := a.at(path).(string)
	return s
}

// names are those of the objects of a list, sorted.
func (a answer) names(key string) (names []string) {
	a.want(http.StatusOK)
	rows, _ := a.at(key).([]any)
	for _, row := range rows {
		object, _ := row.(map[string]any)
		name, _ := object["name"].(string)
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// want holds the answer to a status, and hands it on.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("got %d %s, want %d", a.status, a.body, status)
	}
	return a
}

// wantFault holds the answer to the shape of a failure that says text.
func (a answer) wantFault(status int, text string) {
	a.t.Helper()
	if a.status != status || a.at("error.code") != float64(status) || a.text("error.title") != http.StatusText(status) {
		a.t.Errorf("got %d %s, want a fault of %d", a.status, a.body, status)
	}
	if !strings.Contains(a.text("error.message"), text) {
		a.t.Errorf("message %q does not say %q", a.text("error.message"), text)
	}
}
