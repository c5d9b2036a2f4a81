package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/identity"
	"github.com/breezeblock/breezeblock/internal/server"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// settings are a server's, by name.
type settings map[string]string

// site is a running server with its logs, and a client of its own.
type site struct {
	*server.Server
	t      testing.TB
	local  string // scheme://host:port of the first listener
	client *http.Client
	log    *sink
	access *sink
	clock  *clock
}

// sink keeps what is written to it.
type sink struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// clock is the time of day, and what a test added to it.
type clock struct {
	mu    sync.Mutex
	added time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.added)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added += d
}

// load reads settings as the environment would give them.
func load(given settings) (*config.Config, error) {
	env := map[string]string{}
	for name, value := range given {
		env[config.Setting{Name: name}.Env()] = value
	}
	return config.Load(config.Sources{
		Flag: func(string) (string, bool) { return "", false },
		Env:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
}

// open starts a server that ends with the test.
func open(t testing.TB, given settings, changes ...func(*server.Parts)) *site {
	t.Helper()
	all := settings{
		"listen": "127.0.0.1:0", "data": filepath.Join(t.TempDir(), "data"),
		"admin-password": "admin-secret", "demo-password": "demo-secret",
	}
	for name, value := range given {
		all[name] = value
	}
	c, err := load(all)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, log: &sink{}, access: &sink{}, clock: &clock{}}
	parts := server.Parts{
		Now: s.clock.now, Access: s.access,
		Log:  slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Cost: identity.Cost{Memory: 64, Passes: 1, Threads: 1}, // a test's passwords need no strength
	}
	for _, change := range changes {
		change(&parts)
	}
	if s.Server, err = server.New(t.Context(), c, parts); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err, s.Server.Stop(context.Background()))
	}
	s.local = "http://" + s.Address()
	if c.TLSCert != "" {
		s.local = "https://" + s.Address()
	}
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: patience}
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(s.close)
	return s
}

// close stops the server; a second call does nothing.
func (s *site) close() {
	if s.Server == nil {
		return
	}
	s.client.CloseIdleConnections()
	if err := s.Stop(context.Background()); err != nil {
		s.t.Errorf("the server did not stop in order: %v", err)
	}
	s.Server = nil
}

// trust makes the client believe certificates that are signed by one of these.
func (s *site) trust(roots *x509.CertPool) {
	s.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
}

// user is a token and the project it is for; the zero user is nobody.
type user struct{ token, project string }

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

func (a answer) text(keys ...string) string {
	text, _ := a.at(keys...).(string)
	return text
}

func (a answer) String() string { return fmt.Sprintf("%d %.400s", a.status, a.body) }

// try sends a request; a path without a host goes to the first listener, and
// headers come in pairs.
func (s *site) try(u user, method, path, body string, headers ...string) (answer, error) {
	if strings.HasPrefix(path, "/") {
		path = s.local + path
	}
	r, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if u.token != "" {
		r.Header.Set("X-Auth-Token", u.token)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := s.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	return answer{got.StatusCode, got.Header, string(text)}, err
}

func (s *site) send(u user, method, path, body string, headers ...string) answer {
	s.t.Helper()
	a, err := s.try(u, method, path, body, headers...)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// want sends a request that has to be answered with status.
func (s *site) want(status int, u user, method, path, body string, headers ...string) answer {
	s.t.Helper()
	a := s.send(u, method, path, body, headers...)
	if a.status != status {
		s.t.Fatalf("%s %s: got %s, want %d; log: %s", method, path, a, status, s.log)
	}
	return a
}

// logInAt gets a token of the user's own project from an identity API.
func (s *site) logInAt(identityURL, name string) (user, answer) {
	s.t.Helper()
	const form = `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"password":%q,"domain":{"name":"Default"}}}},
		"scope":{"project":{"name":%q,"domain":{"name":"Default"}}}}}`
	a := s.want(http.StatusCreated, user{}, "POST", identityURL+"/auth/tokens", fmt.Sprintf(form, name, name+"-secret", name))
	return user{a.header.Get("X-Subject-Token"), a.text("token", "project", "id")}, a
}

func (s *site) logIn(name string) user {
	s.t.Helper()
	u, _ := s.logInAt(s.local+"/identity/v3", name)
	return u
}

// until asks again until the answer is as it must become.
func (s *site) until(what string, come func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !come(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("waited in vain: %s; log: %s", what, s.log)
		}
	}
}

// volume makes a volume and waits for it.
func (s *site) volume(u user) string {
	s.t.Helper()
	id := s.want(http.StatusAccepted, u, "POST", "/v3/"+u.project+"/volumes", `{"volume":{"size":1,"name":"v"}}`).text("volume", "id")
	s.untilStatus(u, "volume", id, "available")
	return id
}

// snapshot makes a snapshot and waits for it.
func (s *site) snapshot(u user, volume string) string {
	s.t.Helper()
	id := s.want(http.StatusAccepted, u, "POST", "/v3/"+u.project+"/snapshots",
		fmt.Sprintf(`{"snapshot":{"volume_id":%q,"name":"s"}}`, volume)).text("snapshot", "id")
	s.untilStatus(u, "snapshot", id, "available")
	return id
}

func (s *site) untilStatus(u user, noun, id, status string) {
	s.t.Helper()
	s.until(noun+" "+id+" becomes "+status, func() bool {
		return s.want(http.StatusOK, u, "GET", "/v3/"+u.project+"/"+noun+"s/"+id, "").text(noun, "status") == status
	})
}

// untilGone waits for a deletion.
func (s *site) untilGone(u user, noun, id string) {
	s.t.Helper()
	s.until(noun+" "+id+" is gone", func() bool {
		return s.send(u, "GET", "/v3/"+u.project+"/"+noun+"s/"+id, "").status == http.StatusNotFound
	})
}
