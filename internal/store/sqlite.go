package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// sqliteDB is the database of one machine: one writer, a few readers beside it,
// and a checkpointer.
type sqliteDB struct {
	path    string
	writer  *writer
	readers chan *liteConn
	keeper  *checkpointer
	once    sync.Once
	closed  chan struct{}
}

// pragmas of every connection. synchronous is FULL always: group commit makes it
// nearly free. The log is brought back by the checkpointer, never by a COMMIT.
var litePragmas = []string{
	"busy_timeout(5000)", "synchronous(FULL)", "wal_autocheckpoint(0)", "trusted_schema(0)", "temp_store(MEMORY)",
}

// Page caches, in KiB. The writer's outlives its transactions; a reader's is empty
// again after each commit, so it need only hold one list.
const (
	writerCacheKiB = 32 << 10
	readerCacheKiB = 4 << 10
	// maxLogBytes is what the log is cut down to when it starts again after a long reader.
	maxLogBytes = 64 << 20
)

// openSQLite starts the writer and readers of a database that is ready for use.
func openSQLite(s *Store, path string) (*sqliteDB, error) {
	pragmas := append([]string{fmt.Sprintf("cache_size(-%d)", writerCacheKiB),
		fmt.Sprintf("journal_size_limit(%d)", maxLogBytes)}, litePragmas...)
	conn, err := openLite(path, "mode=rw", pragmas...)
	if err != nil {
		return nil, err
	}
	db := &sqliteDB{path: path, closed: make(chan struct{})}
	if db.readers, err = openReaders(path, min(max(runtime.GOMAXPROCS(0), 2), 4)); err != nil {
		return nil, errors.Join(err, conn.close())
	}
	if db.keeper, err = startCheckpointer(s, path); err != nil {
		closeReaders(db.readers)
		return nil, errors.Join(err, conn.close())
	}
	db.writer = newWriter(s, conn, db.keeper.wrote, db.keeper.closeGap)
	return db, nil
}

func openReaders(path string, n int) (chan *liteConn, error) {
	pragmas := append([]string{fmt.Sprintf("cache_size(-%d)", readerCacheKiB), "query_only(1)"}, litePragmas...)
	readers := make(chan *liteConn, n)
	for range n {
		conn, err := openLite(path, "mode=rw", pragmas...)
		if err != nil {
			closeReaders(readers)
			return nil, err
		}
		readers <- conn
	}
	return readers, nil
}

// closeReaders waits for each reader to come back and closes it.
func closeReaders(readers chan *liteConn) {
	for range cap(readers) {
		select {
		case conn := <-readers:
			_ = conn.close() // it read only
		default:
			return
		}
	}
}

func (db *sqliteDB) write(ctx context.Context, work func(*Tx) error) error {
	return db.writer.write(ctx, work)
}

// read waits for a reader no longer than ctx lasts; once begun, a query runs to
// its end: watching ctx would cost more than a point read.
func (db *sqliteDB) read(ctx context.Context, query string, args []any, each func(row) error) error {
	var conn *liteConn
	select {
	case conn = <-db.readers:
	default:
		select {
		case conn = <-db.readers:
		case <-ctx.Done():
			return ended(ctx.Err())
		case <-db.closed:
			return errClosed()
		}
	}
	defer func() { db.readers <- conn }()
	return fault(conn.query(query, args, each))
}

func (db *sqliteDB) ping(ctx context.Context) error {
	return db.read(ctx, `SELECT value FROM counters WHERE name = 'fence'`, nil, func(row) error { return nil })
}

func (db *sqliteDB) check(ctx context.Context) error {
	var found string
	err := db.read(ctx, `SELECT quick_check FROM pragma_quick_check LIMIT 1`, nil, func(r row) error {
		return r.Scan(&found)
	})
	if err == nil && found != "ok" {
		return fmt.Errorf("%s is damaged: %s", db.path, found)
	}
	return err
}

func (db *sqliteDB) stats(s *Stats) {
	w := db.writer
	s.Commits, s.Closures, s.Failures = w.commits.Load(), w.closures.Load(), w.failures.Load()
	s.Reruns, s.LargestGroup = w.reruns.Load(), w.largest.Load()
	s.Queued = int64(len(w.queue))
	s.Checkpoints, s.LogPages = db.keeper.runs.Load(), db.keeper.logPages.Load()
}

// close leaves one file: the last connection brings the log home and removes it.
func (db *sqliteDB) close() error {
	var err error
	db.once.Do(func() {
		db.writer.stop()
		db.keeper.stop()
		close(db.closed)
		for range cap(db.readers) {
			conn := <-db.readers // each comes back after its query
			_ = conn.close()     // it read only
		}
		conn := db.writer.conn
		_, e := conn.checkpoint("TRUNCATE")
		err = errors.Join(e, conn.close())
	})
	return err
}
