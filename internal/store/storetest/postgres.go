package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named pgx
)

// SkipVariable is the environment variable whose value "skip" leaves the
// PostgreSQL tests out; a missing PostgreSQL fails them otherwise.
const SkipVariable = "BREEZEBLOCK_TEST_POSTGRES"

// cluster is the one PostgreSQL server of a test binary, started by the first
// test that wants it. It is the package's only state, as the process is what it belongs to.
var cluster struct {
	sync.Mutex
	server *postgresServer
	err    error
}

// Main runs a test binary's tests and stops the PostgreSQL that they started.
// A package that calls Postgres has func TestMain(m *testing.M) { storetest.Main(m) }.
// The checks run after the tests, when all have passed.
func Main(m *testing.M, checks ...func() error) {
	code := m.Run()
	cluster.Lock()
	if cluster.server != nil {
		if err := cluster.server.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
			code = max(code, 1)
		}
		cluster.server = nil
	}
	cluster.Unlock()
	for _, check := range checks {
		if code == 0 {
			if err := check(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// Postgres makes a fresh database for t on a server of this process's own and
// tells its URL; both go away at the end. It is a schema of its own: all that a
// store sees, and a hundred times faster to make than a database.
func Postgres(t testing.TB) string {
	t.Helper()
	if os.Getenv(SkipVariable) == "skip" {
		t.Skipf("%s=skip: nothing was tested on PostgreSQL", SkipVariable)
	}
	cluster.Lock()
	if cluster.server == nil && cluster.err == nil {
		cluster.server, cluster.err = startPostgres()
	}
	server, err := cluster.server, cluster.err
	cluster.Unlock()
	if err != nil {
		t.Fatalf("PostgreSQL could not be started (%s=skip leaves its tests out): %v", SkipVariable, err)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	if err := server.admin("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.admin("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
	})
	return server.url(schema)
}

// postgresServer listens on a unix socket in a folder of its own and nowhere else.
type postgresServer struct {
	programs string
	folder   string
	account  *syscall.Credential // nil: our own
	lifeline io.Closer           // the server is stopped when this is closed
	keeper   *exec.Cmd
}

// startPostgres makes and starts a server. PostgreSQL refuses to run as root;
// then it is the user nobody's.
func startPostgres() (*postgresServer, error) {
	programs, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("/tmp", "bb-pg") // a socket's path must be short
	if err != nil {
		return nil, err
	}
	s := &postgresServer{programs: programs, folder: folder}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return s, nil
}

func (s *postgresServer) start() error {
	if os.Geteuid() == 0 {
		if err := s.giveToNobody(); err != nil {
			return err
		}
	}
	data := filepath.Join(s.folder, "data")
	if err := s.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return err
	}
	options := "-k " + s.folder + " -c listen_addresses='' -c max_connections=200 -c fsync=off -c shared_buffers=32MB"
	if err := s.run("pg_ctl", "-D", data, "-l", filepath.Join(s.folder, "log"), "-o", options, "-w", "-t", "60", "start"); err != nil {
		return err
	}
	return s.keep(data)
}

// keep starts a shell that stops the server when this process closes its end of
// a pipe or dies, by whatever death.
func (s *postgresServer) keep(data string) error {
	s.keeper = exec.Command("/bin/sh", "-c", `cat >/dev/null; "$0" -D "$1" -m immediate -w stop >/dev/null 2>&1; rm -rf "$2"`,
		filepath.Join(s.programs, "pg_ctl"), data, s.folder)
	s.keeper.Dir = "/"
	s.keeper.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Setpgid: true} // ^C is not for it
	lifeline, err := s.keeper.StdinPipe()
	if err != nil {
		return err
	}
	s.lifeline = lifeline
	return s.keeper.Start()
}

func (s *postgresServer) giveToNobody() error {
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.folder, int(uid), int(gid))
}

func (s *postgresServer) stop() error {
	err := s.lifeline.Close()
	_ = s.keeper.Wait() // RemoveAll tells what it left over
	return errors.Join(err, os.RemoveAll(s.folder))
}

// run runs one of PostgreSQL's programs. Its output goes to a file: a pipe would
// stay open in the server that pg_ctl leaves behind.
func (s *postgresServer) run(program string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := os.CreateTemp("", "bb-pg-out")
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(out.Close(), os.Remove(out.Name())) }() // only this test's own report
	cmd := exec.CommandContext(ctx, filepath.Join(s.programs, program), args...)
	cmd.Dir = s.folder
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if s.account != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account}
	}
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name()) // empty if it cannot be read
		return fmt.Errorf("%s: %w\n%s", program, err, said)
	}
	return nil
}

// postgresPrograms finds initdb: on the path, or where Debian puts it.
func postgresPrograms() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("initdb is neither on the path nor in /usr/lib/postgresql/*/bin")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func (s *postgresServer) url(schema string) string {
	query := url.Values{"host": {s.folder}, "user": {"postgres"}, "search_path": {schema}}
	return "postgres:///postgres?" + query.Encode()
}

// admin runs one statement beside the tests' databases.
func (s *postgresServer) admin(statement string) error {
	db, err := sql.Open("pgx", s.url("public"))
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}
