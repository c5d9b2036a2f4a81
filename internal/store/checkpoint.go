package store

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// checkpointEvery is how often the log is copied home while there is something new.
	checkpointEvery = 200 * time.Millisecond
	// gapPages is the length of the log, in pages, from which the writer waits for
	// the last part to be copied, so that the log starts again from its beginning:
	// writing over a file is faster than growing it.
	gapPages = 2048
	// hugePages is the length at which a reader must be holding the log (256 MiB).
	hugePages = 65536
)

// checkpointer copies the write-ahead log into the database beside the writer.
// It sleeps while nothing is written.
type checkpointer struct {
	store *Store
	conn  *liteConn
	kick  chan struct{}
	quit  chan struct{}
	done  chan struct{}

	gap            atomic.Bool // the writer shall finish the next checkpoint
	runs, logPages atomic.Int64
}

// progress is what a checkpoint found, in pages: the log's length and how much is home.
type progress struct {
	log, home int64
	busy      bool // another connection was at it; nothing was done
}

func startCheckpointer(s *Store, path string) (*checkpointer, error) {
	conn, err := openLite(path, "mode=rw", append([]string{"cache_size(-64)"}, litePragmas...)...)
	if err != nil {
		return nil, err
	}
	k := &checkpointer{store: s, conn: conn, kick: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{})}
	go k.run()
	return k, nil
}

// wrote is called after each commit.
func (k *checkpointer) wrote() {
	select {
	case k.kick <- struct{}{}:
	default:
	}
}

func (k *checkpointer) run() {
	defer close(k.done)
	timer := time.NewTimer(checkpointEvery)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-k.quit:
			return
		case <-k.kick:
		}
		timer.Reset(checkpointEvery)
		select {
		case <-k.quit:
			return
		case <-timer.C:
		}
		k.bringHome()
	}
}

// bringHome copies what it can without hindering anyone. Under load the writer
// adds pages meanwhile, so the log never becomes empty by this alone: from a
// certain length on the writer does the small rest between two groups.
func (k *checkpointer) bringHome() {
	p, err := k.conn.checkpoint("PASSIVE")
	k.runs.Add(1)
	if err != nil {
		k.store.log.Error("a checkpoint failed; it is tried again after the next commit", "err", err)
		return
	}
	k.logPages.Store(p.log)
	if p.log >= gapPages {
		k.gap.Store(true)
	}
	if p.log >= hugePages && p.home < p.log {
		k.store.log.Warn("the database's log is very long; a reader holds it", "pages", p.log, "home", p.home)
		if _, err := k.conn.checkpoint("RESTART"); err != nil {
			k.store.log.Error("the database's log could not be restarted", "err", err)
		}
	}
}

// closeGap runs on the writer, between two groups: with no page added meanwhile
// the checkpoint is whole, and the next group starts the log from its beginning.
func (k *checkpointer) closeGap(writer *liteConn) {
	if !k.gap.Load() {
		return
	}
	p, err := writer.checkpoint("PASSIVE")
	if err != nil {
		k.store.log.Error("a checkpoint failed; it is tried again after the next commit", "err", err)
	}
	k.gap.Store(err == nil && p.busy) // the checkpointer is at it right now: after the next group
}

func (k *checkpointer) stop() {
	close(k.quit)
	<-k.done
	if err := k.conn.close(); err != nil {
		k.store.log.ErrorContext(context.Background(), "closing the checkpointer", "err", err)
	}
}

// checkpoint runs in one of SQLite's modes. Source: sqlite.org/pragma.html#pragma_wal_checkpoint.
func (c *liteConn) checkpoint(mode string) (progress, error) {
	var p progress
	var busy int64
	err := c.query("PRAGMA wal_checkpoint("+mode+")", nil, func(r row) error {
		return r.Scan(&busy, &p.log, &p.home)
	})
	p.busy = busy != 0
	return p, err
}
