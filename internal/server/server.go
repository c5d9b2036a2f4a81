package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/layers"
	"github.com/breezeblock/breezeblock/internal/httpapi"
	"github.com/breezeblock/breezeblock/internal/httpapi/cinder"
	"github.com/breezeblock/breezeblock/internal/httpapi/evs"
	"github.com/breezeblock/breezeblock/internal/httpapi/gateway"
	"github.com/breezeblock/breezeblock/internal/httpapi/image"
	"github.com/breezeblock/breezeblock/internal/httpapi/keystone"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
	"github.com/breezeblock/breezeblock/internal/jobs"
	"github.com/breezeblock/breezeblock/internal/store"
	"github.com/breezeblock/breezeblock/internal/telemetry"
)

// Parts are what tests put in place of the real thing; zero values are real.
type Parts struct {
	Driver driver.Driver // layers in the data folder
	Now    func() time.Time
	Random io.Reader    // crypto/rand
	Log    *slog.Logger // discarded
	// LogLevel is what Log is held to; nil: the log is held, beyond what it lets
	// through by itself, to a level of the server's own.
	LogLevel *slog.LevelVar
	Access   io.Writer     // where the access log goes; nowhere
	Cost     identity.Cost // of a password's hash
	Jobs     jobs.Config   // how jobs are run; the server fills in its own clock, log and metrics

	Listen func(network, address string) (net.Listener, error) // net.Listen
}

func (p Parts) withDefaults() Parts {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Random == nil {
		p.Random = rand.Reader
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.LogLevel == nil {
		p.Log, p.LogLevel = gated(p.Log)
	}
	if p.Listen == nil {
		p.Listen = net.Listen
	}
	return p
}

// Server is one whole service.
type Server struct {
	config   *config.Config
	parts    Parts
	lock     *os.File
	store    *store.Store
	driver   driver.Driver
	identity *identity.Service
	gate     *gateway.Gate
	blocks   *block.Service
	runner   *jobs.Runner
	metrics  *telemetry.Metrics
	access   *telemetry.AccessLog
	faces    []*face // listeners and what they serve
	data     *dataPath

	stopJobs context.CancelFunc
	work     sync.WaitGroup // job runner, wake-ups, listeners
}

// New opens the data folder, which it makes on first start, and builds every
// room. It fails, and has changed nothing, when another server uses the folder
// or the database is not ours or damaged.
func New(ctx context.Context, c *config.Config, parts Parts) (*Server, error) {
	s := &Server{config: c, parts: parts.withDefaults(), metrics: telemetry.NewMetrics()}
	if err := s.build(ctx); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// build opens and joins the rooms; what it opened before it failed is for release.
func (s *Server) build(ctx context.Context) (err error) {
	if s.lock, err = lockFolder(s.config.Data); err != nil {
		return err
	}
	if s.store, err = store.Open(ctx, store.Config{URL: databaseURL(s.config), Clock: s.parts.Now, Log: s.parts.Log}); err != nil {
		return err
	}
	if err = s.openDriver(); err != nil {
		return err
	}
	if err = s.openIdentity(ctx); err != nil {
		return err
	}
	if err = s.openDataPath(); err != nil {
		return err
	}
	if err = s.openBlocks(ctx); err != nil {
		return err
	}
	if err = s.openGate(); err != nil {
		return err
	}
	s.watch()
	noteHolder(s.config.Data)
	return nil
}

// databaseURL is where the rows are: as configured, or SQLite in the data folder.
func databaseURL(c *config.Config) string {
	if c.Database != "" {
		return c.Database
	}
	return "sqlite:" + filepath.Join(c.Data, "breezeblock.db")
}

func (s *Server) openDriver() (err error) {
	if s.driver = s.parts.Driver; s.driver != nil {
		return nil
	}
	pool, err := layers.Open(s.config.Data, layers.Options{})
	if err == nil { // a nil *Pool in the interface would not be nil
		s.driver = pool
	}
	return err
}

func (s *Server) openIdentity(ctx context.Context) error {
	keys, err := identity.OpenKeys(filepath.Join(s.config.Data, "keys"), s.parts.Random, s.parts.Now, s.parts.Log)
	if err != nil {
		return err
	}
	s.identity, err = identity.New(identity.Config{
		Store: s.store.Identity(), Keys: keys, Clock: s.parts.Now, Random: s.parts.Random, Log: s.parts.Log,
		Region: s.config.Region, Lifetime: s.config.TokenLifetime, Cost: s.parts.Cost,
	})
	return err
}

func (s *Server) openBlocks(ctx context.Context) error {
	serviceID, err := s.serviceID(ctx)
	if err != nil {
		return err
	}
	s.blocks = block.NewService(s.store, s.driver, block.Parts{
		NewUUID: s.newUUID, NewHex: s.newHex, Now: s.parts.Now,
		Zone: "az1", Host: "breezeblock@layers#layers", ServiceID: serviceID, Patience: s.parts.Jobs.Patience,
		DataPath: s.data,
		Backups:  s.backups(),
		Rules:    s.rules(),
	})
	s.data.blocks = s.blocks
	if err := s.blocks.EnsureFirst(ctx); err != nil {
		return err
	}
	run := s.parts.Jobs
	run.Tidy = s.blocks.SweepRecycled
	run.KindLimits = block.HeavyJobs()
	run.Now, run.Log, run.Done, run.Unknown = s.parts.Now, s.parts.Log, s.metrics.Job, s.blocks.GiveUpUnknown
	run.Alone = s.config.Database == "" // the lock on the data folder keeps others out
	run.KindLimits = block.KindLimits()
	s.runner = jobs.NewRunner(s.store, s.blocks.Handlers(), run)
	return nil
}

// rules are those of volumes and snapshots that the settings choose.
func (s *Server) rules() block.Rules {
	c := s.config
	dialect, _ := wire.DialectNamed(c.Dialect)
	return block.Rules{
		StrictSizes: c.StrictSizes, DiskClasses: dialect.DiskClasses, SnapshotsPerVolume: cmp.Or(c.SnapshotsPerVolume, dialect.SnapshotsPerVolume),
		StandardSnapshotsPerVolume: c.StandardSnapshotsPerVolume, InstantSnapshotsPerVolume: c.InstantSnapshotsPerVolume,
	}
}

// serviceID is the id of this backend, the same on every start.
func (s *Server) serviceID(ctx context.Context) (string, error) {
	const name = "service_id"
	id, err := s.store.Setting(ctx, name)
	if err != nil || id != "" {
		return id, err
	}
	id = s.newUUID()
	return id, s.store.SetSetting(ctx, name, id)
}

// hall builds what the first listener serves.
func (s *Server) hall() (http.Handler, []wire.Route) {
	c := s.hallConfig()
	c.Mounts = []httpapi.Mount{
		{Door: cinder.New(s.blocks, s.parts.Log).WithLevel(s.parts.LogLevel)},
		{Door: evs.New(s.blocks, s.parts.Log), Faults: evs.Faults},
		{Prefix: "/identity", Faults: []string{"/identity"}, Door: keystone.New(s.identity, s.parts.Log, "/identity")},
		{Prefix: "/image", Faults: []string{"/image"}, Door: image.New(s.blocks, s.parts.Log)},
	}
	hall := httpapi.New(c)
	return hall, hall.Rows()
}

// identityHall builds what the identity listener serves: identity at its root,
// with a catalog that leads to the first listener.
func (s *Server) identityHall() http.Handler {
	served := keystone.OnPort(s.port())
	if public := s.config.PublicURL; public != "" {
		served = func(string) string { return public }
	}
	c := s.hallConfig()
	c.PublicURL, c.Unversioned = "", true // its own address is the one the client used
	c.Mounts = []httpapi.Mount{{Door: keystone.New(s.identity, s.parts.Log, "").ServedAt(served)}}
	return httpapi.New(c)
}

func (s *Server) hallConfig() httpapi.Config {
	dialect, _ := wire.DialectNamed(s.config.Dialect)
	return httpapi.Config{
		Dialect: dialect, Tokens: s.identity.Validate, Gate: s.gate, NewRequestID: s.newRequestID,
		PublicURL: s.config.PublicURL, TrustedProxies: s.config.TrustedProxies,
		Observe: s.observe, Log: s.parts.Log, Now: s.parts.Now,
	}
}

// Rows are the rows of the route table.
func (s *Server) Rows() []wire.Route {
	_, rows := s.hall()
	return rows
}

// release closes what New opened, in the order opposite to its own.
func (s *Server) release() error {
	var failed []error
	note := func(what string, err error) {
		if err != nil {
			failed = append(failed, fmt.Errorf("close %s: %w", what, err))
		}
	}
	if s.identity != nil {
		s.identity.Close()
	}
	if s.driver != nil {
		note("the driver", s.driver.Close())
	}
	if s.store != nil {
		note("the database", s.store.Close())
	}
	if s.access != nil {
		s.access.Close()
	}
	if s.lock != nil {
		note("the lock", s.lock.Close())
	}
	return errors.Join(failed...)
}
