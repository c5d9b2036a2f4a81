package testserver

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/identity"
	"github.com/breezeblock/breezeblock/internal/server"
)

// Server is a running server. It stops with its test.
type Server struct {
	URL           string // of block storage, without a slash at the end
	IdentityURL   string // …/identity/v3
	AdminPassword string
	DemoPassword  string
	DataDir       string

	t      testing.TB
	server *server.Server
}

// Option changes a server before it starts.
type Option func(*setup)

type setup struct {
	env   map[string]string
	parts server.Parts
}

// Set gives a setting its value, by its name in docs/settings.md.
func Set(name, value string) Option {
	return func(s *setup) { s.env[config.Setting{Name: name}.Env()] = value }
}

// Dialect is evs or cinder.
func Dialect(name string) Option { return Set("dialect", name) }

// Database keeps the rows elsewhere than in SQLite.
func Database(url string) Option { return Set("database", url) }

// ReadTimeout is how long a client may take to send a request.
func ReadTimeout(d time.Duration) Option { return Set("read-timeout", d.String()) }

// DataDir uses a data folder that is there.
func DataDir(dir string) Option { return Set("data", dir) }

// Driver puts another driver in place of layers.
func Driver(d driver.Driver) Option { return func(s *setup) { s.parts.Driver = d } }

// Now is the clock of everything that the server does.
func Now(now func() time.Time) Option { return func(s *setup) { s.parts.Now = now } }

// Patience is how long the attempts at a job may take together, and its lease.
func Patience(d time.Duration) Option {
	return func(s *setup) { s.parts.Jobs.Patience, s.parts.Jobs.Lease, s.parts.Jobs.LeaveBehind = d, d, d }
}

// Passwords of the first users.
const (
	adminPassword = "admin-password-of-a-test"
	demoPassword  = "demo-password-of-a-test"
)

// New starts a server for a test.
func New(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{AdminPassword: adminPassword, DemoPassword: demoPassword, t: t}
	setup := setup{env: map[string]string{}}
	for _, option := range append([]Option{
		Set("listen", "127.0.0.1:0"), DataDir(filepath.Join(t.TempDir(), "data")),
		Set("admin-password", adminPassword), Set("demo-password", demoPassword),
	}, options...) {
		option(&setup)
	}
	setup.parts.Cost = identity.Cost{Memory: 64, Passes: 1, Threads: 1} // a test's passwords need no strength
	c, err := config.Load(config.Sources{
		Flag: func(string) (string, bool) { return "", false },
		Env:  func(name string) (string, bool) { v, ok := setup.env[name]; return v, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if s.server, err = server.New(ctx, c, setup.parts); err != nil {
		t.Fatal(err)
	}
	if err := s.server.Start(ctx); err != nil {
		_ = s.server.Stop(ctx)
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	s.URL, s.IdentityURL, s.DataDir = s.server.URL(), s.server.URL()+"/identity/v3", c.Data
	return s
}

// Stop ends the server in order; a second call does nothing.
func (s *Server) Stop() {
	if s.server == nil {
		return
	}
	if err := s.server.Stop(context.Background()); err != nil {
		s.t.Errorf("the server did not stop in order: %v", err)
	}
	s.server = nil
}
