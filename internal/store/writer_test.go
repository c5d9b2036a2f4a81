package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

func openTest(t testing.TB, config Config) *Store {
	t.Helper()
	if config.URL == "" {
		config.URL = "sqlite:" + filepath.Join(t.TempDir(), "breezeblock.db")
	}
	s, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func testSnapshot(n int) *block.Snapshot {
	return &block.Snapshot{ID: fmt.Sprintf("snapshot-%06d", n), ProjectID: "p", VolumeID: "v", Status: block.SnapshotAvailable,
		CreatedAt: time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)}
}

// together runs each work from its own goroutine, all in one group: the writer is
// held until they wait.
func together(t *testing.T, s *Store, works ...func(*Tx) error) []error {
	t.Helper()
	release, held := make(chan struct{}), make(chan struct{})
	errs := make([]error, len(works))
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = s.write(t.Context(), func(*Tx) error {
			close(held)
			<-release
			return nil
		})
	})
	<-held
	for i, work := range works {
		wait.Go(func() { errs[i] = s.write(t.Context(), work) })
		for s.Stats().Queued <= int64(i) { // in their order
			runtime.Gosched()
		}
	}
	close(release)
	wait.Wait()
	return errs
}

func TestWorkThatWaitsTogetherSharesOneCommit(t *testing.T) {
	s := openTest(t, Config{})
	before := s.Stats()
	works := make([]func(*Tx) error, 100)
	for i := range works {
		works[i] = func(tx *Tx) error { return tx.AddSnapshot(testSnapshot(i)) }
	}
	for i, err := range together(t, s, works...) {
		if err != nil {
			t.Errorf("work %d: %v", i, err)
		}
	}
	if after := s.Stats(); after.Commits-before.Commits != 1 || after.LargestGroup != 100 {
		t.Errorf("%d commits, the largest of %d; want one of 100", after.Commits-before.Commits, after.LargestGroup)
	}
}

func TestCommitsPerUpdateStayFewWith64Callers(t *testing.T) {
	s := openTest(t, Config{})
	for n := range 64 {
		if err := s.write(t.Context(), func(tx *Tx) error { return tx.AddSnapshot(testSnapshot(n)) }); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Stats()
	const each = 40
	var wait sync.WaitGroup
	for n := range 64 {
		wait.Go(func() {
			for range each {
				err := s.InTx(t.Context(), func(tx block.Tx) error {
					snap, err := tx.Snapshot(testSnapshot(n).ID)
					if err != nil {
						return err
					}
					changed := *snap
					return tx.SaveSnapshot(&changed)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	after := s.Stats()
	if rate := float64(after.Commits-before.Commits) / (64 * each); rate > 0.1 {
		t.Errorf("%.3f commits for each update, want 0.1 at most", rate)
	}
}

func TestWorkSeesWhatItsGroupWrote(t *testing.T) {
	s := openTest(t, Config{})
	snap := testSnapshot(1)
	errs := together(t, s,
		func(tx *Tx) error { return tx.AddSnapshot(snap) },
		func(tx *Tx) error {
			got, err := tx.Snapshot(snap.ID)
			if err != nil {
				return err
			}
			changed := *got
			changed.Progress = 50
			if err := tx.SaveSnapshot(&changed); err != nil {
				return err
			}
			return errors.New("undone")
		},
		func(tx *Tx) error {
			got, err := tx.Snapshot(snap.ID)
			if err == nil && (got.Progress != 0 || got.Version != 1) {
				t.Errorf("saw an undone write: %+v", got)
			}
			return tx.DropSnapshot(snap)
		},
		func(tx *Tx) error {
			if _, err := tx.Snapshot(snap.ID); block.KindOf(err) != block.NotFound {
				t.Errorf("a row dropped in the group is there: %v", err)
			}
			return nil
		},
	)
	for i, err := range errs {
		if (err == nil) != (i != 1) {
			t.Errorf("work %d: %v", i, err)
		}
	}
	if _, err := s.Snapshot(t.Context(), snap.ID); block.KindOf(err) != block.NotFound {
		t.Error(err)
	}
}

func ignore(row) error { return nil }

// lite is the writer's connection; use it only inside work.
func lite(tx *Tx) *liteConn { return tx.on.(*savepoint).w.conn }

func limitPages(t *testing.T, s *Store, more int64) {
	t.Helper()
	err := s.write(t.Context(), func(tx *Tx) error {
		var pages int64
		if err := lite(tx).one("SELECT page_count FROM pragma_page_count", &pages); err != nil {
			return err
		}
		return lite(tx).query(fmt.Sprintf("PRAGMA max_page_count = %d", pages+more), nil, func(row) error { return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFullDiskRefusesOneAndKeepsTheOthers(t *testing.T) {
	s := openTest(t, Config{})
	huge := func(tx *Tx) error {
		snap := testSnapshot(999)
		snap.Description = block.SetText(strings.Repeat("x", 1<<20))
		return tx.AddSnapshot(snap)
	}
	hidden := func(tx *Tx) error {
		_ = huge(tx)
		return tx.AddSnapshot(testSnapshot(998)) // must not slip into a transaction of its own
	}
	limitPages(t, s, 20)
	works := []func(*Tx) error{}
	for i := range 6 {
		works = append(works, func(tx *Tx) error { return tx.AddSnapshot(testSnapshot(i)) })
	}
	works = append(works[:3], append([]func(*Tx) error{huge, hidden}, works[3:]...)...)
	before := s.Stats()
	for i, err := range together(t, s, works...) {
		if i == 3 || i == 4 {
			if block.KindOf(err) != block.Unavailable {
				t.Errorf("work %d: got %v, want Unavailable", i, err)
			}
		} else if err != nil {
			t.Errorf("work %d: %v", i, err)
		}
	}
	after := s.Stats()
	if after.Commits-before.Commits != 1 || after.Reruns-before.Reruns != 2 {
		t.Errorf("%d commits and %d reruns, want 1 and 2", after.Commits-before.Commits, after.Reruns-before.Reruns)
	}
	if n, err := s.CountSnapshots(t.Context(), block.List{}); n != 6 || err != nil {
		t.Errorf("%d rows, %v; want 6", n, err)
	}
	limitPages(t, s, 1000) // space returns
	if err := s.write(t.Context(), huge); err != nil {
		t.Errorf("after space returned: %v", err)
	}
}

func TestFailedCommitFailsItsCallersAndTheWriterGoesOn(t *testing.T) {
	s := openTest(t, Config{})
	snap := testSnapshot(1)
	if err := s.write(t.Context(), func(tx *Tx) error { return tx.AddSnapshot(snap) }); err != nil {
		t.Fatal(err)
	}
	update := func(tx *Tx) error {
		changed := *snap
		changed.Progress = 50
		return tx.SaveSnapshot(&changed)
	}
	own := errors.New("its own")
	conn := s.db.(*sqliteDB).writer.conn // idle, and seen by the writer at the next request
	for _, text := range []string{"PRAGMA foreign_keys = 1", "CREATE TABLE parent (id TEXT PRIMARY KEY)",
		"CREATE TABLE child (parent TEXT REFERENCES parent)"} {
		if err := conn.query(text, nil, ignore); err != nil {
			t.Fatal(err)
		}
	}
	errs := together(t, s,
		func(tx *Tx) error {
			if err := lite(tx).query("PRAGMA defer_foreign_keys = 1", nil, ignore); err != nil {
				return err
			}
			if _, err := tx.exec("INSERT INTO child VALUES ('no parent')"); err != nil {
				return err // the COMMIT is what fails
			}
			return update(tx)
		},
		func(tx *Tx) error { return own },
		func(tx *Tx) error { return tx.AddSnapshot(testSnapshot(2)) },
	)
	if errs[0] == nil || !errors.Is(errs[1], own) || errs[2] == nil {
		t.Errorf("got %v", errs)
	}
	if got, err := s.Snapshot(t.Context(), snap.ID); err != nil || got.Progress != 0 {
		t.Errorf("a rolled back row was served: %+v, %v", got, err)
	}
	if err := s.write(t.Context(), update); err != nil {
		t.Errorf("the next commit: %v", err)
	}
	if got, err := s.Snapshot(t.Context(), snap.ID); err != nil || got.Progress != 50 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWorkThatEndsTheWritersGoroutineIsSurvived(t *testing.T) {
	s := openTest(t, Config{})
	errs := together(t, s,
		func(tx *Tx) error { return tx.AddSnapshot(testSnapshot(1)) },
		func(tx *Tx) error {
			if err := tx.AddSnapshot(testSnapshot(2)); err != nil {
				return err
			}
			runtime.Goexit() // what t.FailNow does
			return nil
		},
	)
	if errs[0] == nil || errs[1] == nil {
		t.Errorf("got %v, want errors: nothing was committed", errs)
	}
	if err := s.write(t.Context(), func(tx *Tx) error { return tx.AddSnapshot(testSnapshot(1)) }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestWorkWhoseCallerLeftBeforeItsTurnDoesNotRun(t *testing.T) {
	s := openTest(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	release, held := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = s.write(t.Context(), func(*Tx) error { close(held); <-release; return nil })
	})
	<-held
	wait.Go(func() {
		err := s.write(ctx, func(*Tx) error { t.Error("it ran"); return nil })
		if block.KindOf(err) != block.Unavailable || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	for s.Stats().Queued < 1 {
		runtime.Gosched()
	}
	cancel()
	close(release)
	wait.Wait()
}

func TestFullQueueIsUnavailable(t *testing.T) {
	s := openTest(t, Config{})
	release, held := make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = s.write(t.Context(), func(*Tx) error { close(held); <-release; return nil })
	})
	<-held
	for range writeQueue {
		wait.Go(func() {
			if err := s.write(t.Context(), func(*Tx) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for s.Stats().Queued < writeQueue {
		runtime.Gosched()
	}
	err := s.write(t.Context(), func(*Tx) error { return nil })
	if block.KindOf(err) != block.Unavailable {
		t.Errorf("got %v, want Unavailable", err)
	}
	close(release)
	wait.Wait()
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	s := openTest(t, Config{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.write(t.Context(), func(*Tx) error { return nil }); block.KindOf(err) != block.Unavailable {
		t.Errorf("a write got %v", err)
	}
	if _, err := s.Snapshots(t.Context(), block.List{}); block.KindOf(err) != block.Unavailable {
		t.Errorf("a read got %v", err)
	}
}

func TestLogOfAStoreUnderLoadStartsAgain(t *testing.T) {
	s := openTest(t, Config{})
	keeper := s.db.(*sqliteDB).keeper
	add := func(from int) {
		err := s.write(t.Context(), func(tx *Tx) error {
			for n := range 200 {
				snap := testSnapshot(from + n)
				snap.Description = block.SetText(strings.Repeat("x", 4000))
				if err := tx.AddSnapshot(snap); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		add(1000 * n)
	}
	keeper.gap.Store(true) // as the checkpointer says when the log is long
	conn, err := openLite(s.db.(*sqliteDB).path, "mode=rw")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.close()
	var p progress
	for n := range 20 { // the writer closes the gap after one of these, and the next starts the log again
		add(20000 + 1000*n)
		if p, err = conn.checkpoint("PASSIVE"); err != nil || (!p.busy && p.log <= 1000) {
			break
		}
	}
	if err != nil || p.log > 1000 {
		t.Errorf("the log has %d pages, %v; it was not started again", p.log, err)
	}
}
