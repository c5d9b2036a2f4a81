package proof

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/identity"
	"github.com/breezeblock/breezeblock/internal/jobs"
	"github.com/breezeblock/breezeblock/internal/server"
)

// site is a whole server in this process whose data folder, driver and clock
// outlive it: it can be restarted, and killed as kill -9 would. In a synctest
// bubble its time is virtual: it listens on pipes.
type site struct {
	dir      string // of all its data folders
	folders  int
	database string // empty: SQLite in the data folder
	disk     *fake.Driver
	random   *chance
	jump     atomic.Int64 // what the clock is wrong by, in nanoseconds

	log     bytes.Buffer // warnings and errors; read it when the server has stopped
	logging sync.Mutex

	server *server.Server
	driver *meddler
	pipes  *pipes
	door
}

// newSite makes a site in an empty folder and starts its server, with a second
// member and project beside demo and admin.
func newSite(dir, database string) (*site, error) {
	s := &site{dir: dir, database: database, disk: fake.New(), door: door{url: "http://127.0.0.1:8776"}, random: &chance{source: rand.NewChaCha8([32]byte{})}}
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, s.letIn()
}

func (s *site) folder() string { return fmt.Sprintf("%s/data-%d", s.dir, s.folders) }

const secret = "a-password-of-a-test"

func (s *site) start() error {
	env := map[string]string{"BREEZEBLOCK_DATA": s.folder(), "BREEZEBLOCK_ADMIN_PASSWORD": secret, "BREEZEBLOCK_DEMO_PASSWORD": secret, "BREEZEBLOCK_DATABASE": s.database,
		"BREEZEBLOCK_SNAPSHOTS_PER_VOLUME": "256"} // the model has no limit on one volume
	c, err := config.Load(config.Sources{
		Flag: func(string) (string, bool) { return "", false },
		Env:  func(name string) (string, bool) { v, ok := env[name]; return v, ok && v != "" },
	})
	if err != nil {
		return err
	}
	s.pipes = newPipes()
	s.driver = newMeddler(s.disk.Reopen())
	s.client = &http.Client{Transport: &http.Transport{DialContext: s.pipes.dial, MaxIdleConnsPerHost: 8}}
	ctx := context.Background()
	s.server, err = server.New(ctx, c, server.Parts{
		Log:    slog.New(slog.NewTextHandler((*logWriter)(s), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Driver: s.driver, Random: s.random, Cost: identity.Cost{Memory: 64, Passes: 1, Threads: 1},
		Jobs: jobs.Config{Jitter: func(most time.Duration) time.Duration { return most / 3 }}, // the same in every run
		Now:  func() time.Time { return time.Now().Add(time.Duration(s.jump.Load())) },
		Listen: func(network, _ string) (net.Listener, error) {
			if network == "unix" { // for the volumes' bytes: nobody comes
				return newPipes(), nil
			}
			return s.pipes, nil
		},
	})
	if err != nil {
		return err
	}
	return s.server.Start(ctx)
}

// stop ends the server in order; one that did not start has nothing to end.
func (s *site) stop() error {
	s.client.CloseIdleConnections()
	if s.server == nil {
		return nil
	}
	server := s.server
	s.server = nil
	return server.Stop(context.Background())
}

// restart ends the server in order and starts it again.
func (s *site) restart() error {
	if err := s.stop(); err != nil {
		return err
	}
	return s.start()
}

// kill leaves the server as it is, a ghost that can do nothing any more, and
// starts another on a copy of its folder: what a process that was killed now would
// have left. Nothing may be in hand but calls that wait in the driver.
func (s *site) kill() error {
	from := s.folder()
	s.folders++
	if err := copyFolder(from, s.folder()); err != nil {
		return err
	}
	s.driver.die()
	if err := s.stop(); err != nil {
		return fmt.Errorf("the ghost: %w", err)
	}
	return s.start()
}

// copyFolder copies a folder for its owner's eyes only.
func copyFolder(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	})
}

// chance is the same randomness in every run.
type chance struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func (c *chance) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.source.Read(p)
}

// logWriter keeps what the server logs.
type logWriter site

func (w *logWriter) Write(p []byte) (int, error) {
	w.logging.Lock()
	defer w.logging.Unlock()
	return w.log.Write(p)
}

// pipes is a listener without a network.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	shut  atomic.Bool
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	if p.shut.CompareAndSwap(false, true) {
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8776} }
