package store

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// Store keeps all rows of one database. Its methods run at the same time.
type Store struct {
	db        database
	sql       dialect
	clock     func() time.Time
	log       *slog.Logger
	snapshots *cache[block.Snapshot] // nil on PostgreSQL, where several nodes write
	volumes   *cache[block.Volume]
	jobsAdded chan struct{}
	turn      turn
	inside    nesting
}

var (
	_ block.Store = (*Store)(nil)
	_ block.Tx    = (*Tx)(nil)
	_ jobs.Store  = (*Store)(nil)
)

// database is one of the two ways to keep rows.
type database interface {
	// write runs work in one transaction and returns once it is durable.
	write(ctx context.Context, work func(*Tx) error) error
	// read runs a query beside the writer and hands over each row.
	read(ctx context.Context, query string, args []any, each func(row) error) error
	ping(ctx context.Context) error
	check(ctx context.Context) error
	stats(*Stats)
	close() error
}

// session is one open transaction, or one reader.
type session interface {
	// exec tells how many rows it changed.
	exec(query string, args []any) (int64, error)
	query(query string, args []any, each func(row) error) error
}

// InTx runs work in one transaction and returns once it is durable, or not done
// at all. A statement that fails makes the whole work fail, even if work returns nil.
func (s *Store) InTx(ctx context.Context, work func(block.Tx) error) error {
	return s.write(ctx, func(t *Tx) error { return work(t) })
}

// write is InTx for this package: work sees the whole *Tx.
func (s *Store) write(ctx context.Context, work func(*Tx) error) error {
	return s.db.write(ctx, work)
}

// readRow reads one row into dest beside the writer; fails with sql.ErrNoRows.
func (s *Store) readRow(ctx context.Context, query string, args []any, dest ...any) error {
	found := false
	err := s.db.read(ctx, query, args, func(r row) error {
		found = true
		return r.Scan(dest...)
	})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// readRows hands each row of a query to each, beside the writer.
func (s *Store) readRows(ctx context.Context, query string, args []any, each func(row) error) error {
	return s.db.read(ctx, query, args, each)
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.ping(ctx) }

// Check looks through the whole database for damage; it takes time in
// proportion to its size.
func (s *Store) Check(ctx context.Context) error { return s.db.check(ctx) }

// JobsAdded receives after a commit that added jobs; one receive may stand for many commits.
func (s *Store) JobsAdded() <-chan struct{} { return s.jobsAdded }

// wakeJobs never waits: a wake-up that nobody took yet stands for this one too.
func (s *Store) wakeJobs() {
	select {
	case s.jobsAdded <- struct{}{}:
	default:
	}
}

// Close finishes what is queued, brings the database file up to date and closes it.
// No method may be called after it.
func (s *Store) Close() error { return s.db.close() }

// now is the clock in what the database can hold: UTC, whole microseconds.
func (s *Store) now() time.Time { return stored(s.clock()) }
