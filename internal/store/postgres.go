package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	// postgresTries is how often a transaction runs that others keep getting in the way of.
	postgresTries = 8
	// postgresWaiting is how many transactions may wait for a connection.
	postgresWaiting = 4096
)

// postgresDB is the database of many nodes: each transaction is its own, and its
// rows are locked as they are read.
type postgresDB struct {
	store *Store
	pool  *sql.DB

	waiting, running                    atomic.Int64
	commits, closures, failures, reruns atomic.Int64
}

func openPostgres(ctx context.Context, s *Store, config Config) (database, error) {
	connections := config.Connections
	if connections <= 0 {
		connections = max(8, 4*runtime.GOMAXPROCS(0))
	}
	pool, err := postgresPool(config.URL, connections)
	if err != nil {
		return nil, err
	}
	if err := preparePostgres(ctx, pool, databaseName(config.URL)); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &postgresDB{store: s, pool: pool}, nil
}

// postgresPool is a pool of at most so many connections, none of them made yet.
func postgresPool(url string, connections int) (*sql.DB, error) {
	settings, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database URL: %w", err) // pgx leaves the password out
	}
	if settings.RuntimeParams["application_name"] == "" {
		settings.RuntimeParams["application_name"] = "breezeblock"
	}
	if settings.ConnectTimeout == 0 {
		settings.ConnectTimeout = 10 * time.Second
	}
	pool := stdlib.OpenDB(*settings)
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool, nil
}

// databaseName is the URL without its password.
func databaseName(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "the PostgreSQL database"
	}
	return u.Redacted()
}

// preparePostgres refuses a database that is another program's or too new, and
// brings the tables up to date. One node at a time does this.
func preparePostgres(ctx context.Context, pool *sql.DB, name string) error {
	newest, err := newestVersion()
	if err != nil {
		return err
	}
	if version, err := inspectPostgres(ctx, pool, name, newest); err != nil || version == newest {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	if err := postgresDialect.migrate(ctx, pool, goose.WithSessionLocker(locker)); err != nil {
		return fmt.Errorf("database %s: %w", name, err)
	}
	return nil
}

// inspectPostgres tells the schema version of a database, 0 when it is empty, or
// why it must not be used.
func inspectPostgres(ctx context.Context, pool *sql.DB, name string, newest int64) (version int64, err error) {
	var ours, others int64
	const tables = `SELECT count(*) FILTER (WHERE tablename = 'goose_db_version'), count(*)
		FROM pg_tables WHERE schemaname = current_schema()`
	if err := pool.QueryRowContext(ctx, tables).Scan(&ours, &others); err != nil {
		return 0, fmt.Errorf("open database %s: %w", name, err)
	}
	switch {
	case ours == 0 && others > 0:
		return 0, fmt.Errorf("%s holds tables of another program; it is left as it is", name)
	case ours == 0:
		return 0, nil
	}
	if err := pool.QueryRowContext(ctx, versionQuery).Scan(&version); err != nil {
		return 0, fmt.Errorf("open database %s: %w", name, err)
	}
	if version > newest {
		return version, tooNew(name, version, newest)
	}
	return version, nil
}

// write runs work in a transaction of its own, again when another one got in its way.
func (db *postgresDB) write(ctx context.Context, work func(*Tx) error) error {
	if db.running.Load() > 0 && db.store.inside.work() {
		return errNested
	}
	if db.waiting.Add(1) > postgresWaiting {
		db.waiting.Add(-1)
		return block.Errorf(block.Unavailable, "Too many changes are waiting.")
	}
	var err error
	for try := range postgresTries {
		if try > 0 {
			db.reruns.Add(1)
		}
		if err = db.tryWrite(ctx, work); !collided(err) {
			break
		}
	}
	db.waiting.Add(-1)
	db.closures.Add(1)
	if err != nil {
		db.failures.Add(1)
	}
	return err
}

// collided tells an error after which the same work may succeed.
func collided(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == pgSerialization || e.Code == pgDeadlock)
}

func (db *postgresDB) tryWrite(ctx context.Context, work func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return ended(err)
	}
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return fault(err)
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	ctx = context.WithoutCancel(ctx)
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}) // rows are locked as they are read
	if err != nil {
		return fault(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	t := &Tx{store: db.store, on: postgresSession{ctx, tx}, now: db.store.now()}
	err = db.runCounted(t, work)
	t.failed = errEnded // for work that keeps its Tx
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fault(err)
	}
	db.commits.Add(1)
	if t.addedJobs {
		db.store.wakeJobs()
	}
	return nil
}

func (db *postgresDB) runCounted(t *Tx, work func(*Tx) error) error {
	db.running.Add(1)
	defer db.running.Add(-1)
	return runWork(t, work)
}

// postgresSession is a session on a pool, a connection or a transaction.
type postgresSession struct {
	ctx context.Context
	on  interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	}
}

func (s postgresSession) exec(query string, args []any) (int64, error) {
	values, err := postgresValues(args)
	if err != nil {
		return 0, err
	}
	result, err := s.on.ExecContext(s.ctx, query, values...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s postgresSession) query(query string, args []any, each func(row) error) (err error) {
	values, err := postgresValues(args)
	if err != nil {
		return err
	}
	rows, err := s.on.QueryContext(s.ctx, query, values...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	r := newPostgresRow(rows, len(names))
	for rows.Next() {
		if err := each(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

func postgresValues(args []any) ([]any, error) {
	values := make([]any, len(args))
	for i, a := range args {
		v, err := value(a)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// postgresRow takes columns as they come, so that assign serves both databases.
type postgresRow struct {
	rows    *sql.Rows
	columns []any
	into    []any // pointers to columns
}

func newPostgresRow(rows *sql.Rows, n int) *postgresRow {
	r := &postgresRow{rows: rows, columns: make([]any, n), into: make([]any, n)}
	for i := range r.columns {
		r.into[i] = &r.columns[i]
	}
	return r
}

func (r *postgresRow) Scan(dest ...any) error {
	if len(dest) != len(r.columns) {
		return fmt.Errorf("a row of %d columns was scanned into %d", len(r.columns), len(dest))
	}
	if err := r.rows.Scan(r.into...); err != nil {
		return err
	}
	for i, d := range dest {
		if err := assign(d, r.columns[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (db *postgresDB) read(ctx context.Context, query string, args []any, each func(row) error) error {
	return fault(postgresSession{ctx, db.pool}.query(query, args, each))
}

func (db *postgresDB) ping(ctx context.Context) error { return fault(db.pool.PingContext(ctx)) }

// check is PostgreSQL's own affair; that it answers is what can be seen from here.
func (db *postgresDB) check(ctx context.Context) error { return db.ping(ctx) }

func (db *postgresDB) stats(s *Stats) {
	s.Commits, s.Closures, s.Failures = db.commits.Load(), db.closures.Load(), db.failures.Load()
	s.Reruns, s.LargestGroup = db.reruns.Load(), min(1, db.commits.Load())
	s.Queued = int64(db.waiting.Load())
}

func (db *postgresDB) close() error { return db.pool.Close() }
