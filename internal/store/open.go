package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"

	"github.com/breezeblock/breezeblock/internal/block"
)

// applicationID marks a SQLite file as ours ("BRZB"). Source: sqlite.org/fileformat.html, offset 68.
const applicationID = 0x42525a42

// DefaultCacheBytes is the row cache of a Config that names none.
const DefaultCacheBytes = 64 << 20

// Config says which database to open. Its zero values are filled in by Open.
type Config struct {
	// URL is sqlite:PATH, or postgres://… as libpq writes it.
	URL string
	// Clock is what time it is; time.Now when nil.
	Clock func() time.Time
	// Log takes what no caller is told; discarded when nil.
	Log *slog.Logger
	// CacheBytes bounds the rows kept in memory (SQLite only): 0 is
	// DefaultCacheBytes, below 0 keeps none.
	CacheBytes int64
	// Connections bounds the pool (PostgreSQL only); 0 is four for each core.
	Connections int
}

// Open opens a database, makes it when it is not there yet, and brings its
// tables up to date. A file that is damaged, of another program or of a later
// version is refused and left as it is.
func Open(ctx context.Context, config Config) (*Store, error) {
	s := &Store{clock: config.Clock, log: config.Log, jobsAdded: make(chan struct{}, 1), inside: findNesting()}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if path, ok := strings.CutPrefix(config.URL, "sqlite:"); ok {
		s.sql = sqliteDialect
		s.snapshots, s.volumes = newCaches(config.CacheBytes)
		s.db, err = prepareSQLite(ctx, s, path)
	} else if isPostgres(config.URL) {
		s.sql = postgresDialect
		s.db, err = openPostgres(ctx, s, config)
	} else {
		err = errNoDatabase
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

var errNoDatabase = errors.New("the database URL begins with neither sqlite: nor postgres://")

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// newCaches gives each noun its half.
func newCaches(bytes int64) (*cache[block.Snapshot], *cache[block.Volume]) {
	if bytes == 0 {
		bytes = DefaultCacheBytes
	}
	return newCache(bytes/2, snapshotBytes), newCache(bytes/2, volumeBytes)
}

// prepareSQLite looks before it touches: only a file that is ours, whole and of
// a known version is opened for writing.
func prepareSQLite(ctx context.Context, s *Store, path string) (database, error) {
	if path == "" || strings.ContainsRune(path, 0) {
		return nil, errors.New("the database URL names no file after sqlite:")
	}
	newest, err := newestVersion()
	if err != nil {
		return nil, err
	}
	version, err := inspect(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := createSQLite(ctx, path); err != nil {
			return nil, fmt.Errorf("make database %s: %w", path, err)
		}
	case err != nil:
		return nil, err
	case version > newest:
		return nil, tooNew(path, version, newest)
	case version < newest:
		if err := migrateSQLite(ctx, path); err != nil {
			return nil, fmt.Errorf("database %s: %w", path, err)
		}
	}
	db, err := openSQLite(s, path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return db, nil
}

// createSQLite makes a new database beside path and moves it there when it is
// whole, so that a file at path is never half made.
func createSQLite(ctx context.Context, path string) error {
	if _, err := os.Stat(path + "-wal"); err == nil {
		return fmt.Errorf("%s-wal is there without its database; put the database back or remove the log", path)
	}
	fresh := path + ".new"
	for _, name := range []string{fresh, fresh + "-wal", fresh + "-shm", fresh + "-journal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err // left over from a start that was cut off
		}
	}
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := migrateSQLite(ctx, fresh, fmt.Sprintf("application_id(%d)", applicationID)); err != nil {
		return err
	}
	return publish(fresh, path)
}

// publish flushes fresh, gives it its name and flushes the folder.
func publish(fresh, path string) error {
	if err := syncFile(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// migrateSQLite ends with everything in the database file itself: inspect looks
// at nothing else.
func migrateSQLite(ctx context.Context, path string, pragmas ...string) error {
	pragmas = append(pragmas, "busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)")
	uri := liteURI(path, "mode=rw")
	for _, p := range pragmas {
		uri += "&_pragma=" + url.QueryEscape(p)
	}
	connector, err := sqlite.NewConnector(uri)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	err = sqliteDialect.migrate(ctx, db)
	if err == nil {
		_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return errors.Join(err, db.Close())
}
