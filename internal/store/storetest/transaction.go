package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

func testTransactions(t *testing.T, fresh func(testing.TB) string) {
	t.Run("an error of the work undoes all of it and comes back unchanged", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		err := s.InTx(t.Context(), func(tx block.Tx) error {
			if err := tx.AddSnapshot(NewSnapshot(1, clock.Now())); err != nil {
				return err
			}
			return errRefused
		})
		if !errors.Is(err, errRefused) {
			t.Errorf("got %v, want the work's own error", err)
		}
		_, err = s.Snapshot(t.Context(), id(1))
		wantKind(t, err, block.NotFound, "")
	})
	t.Run("a statement that failed fails the work even when it hides the error", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		err := s.InTx(t.Context(), func(tx block.Tx) error {
			_ = tx.AddSnapshot(NewSnapshot(1, clock.Now()))
			_ = tx.AddSnapshot(NewSnapshot(1, clock.Now())) // the id is taken
			_ = tx.AddSnapshot(NewSnapshot(2, clock.Now()))
			return nil
		})
		wantKind(t, err, block.Conflict, "")
		for n := 1; n <= 2; n++ {
			_, err := s.Snapshot(t.Context(), id(n))
			wantKind(t, err, block.NotFound, "")
		}
	})
	t.Run("not found leaves the transaction whole", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			_, err := tx.Snapshot(id(1))
			wantKind(t, err, block.NotFound, "Snapshot "+id(1)+" could not be found.")
			return tx.AddSnapshot(NewSnapshot(1, clock.Now()))
		})
		if _, err := s.Snapshot(t.Context(), id(1)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a panic is its caller's error alone", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		err := s.InTx(t.Context(), func(tx block.Tx) error {
			if err := tx.AddSnapshot(NewSnapshot(1, clock.Now())); err != nil {
				return err
			}
			panic("oh")
		})
		wantKind(t, err, block.Internal, "")
		_, err = s.Snapshot(t.Context(), id(1))
		wantKind(t, err, block.NotFound, "")
		add(t, s, NewSnapshot(1, clock.Now()))
	})
	t.Run("a context that ended keeps the work from starting", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := s.InTx(ctx, func(block.Tx) error {
			t.Error("the work ran")
			return nil
		})
		wantKind(t, err, block.Unavailable, "")
	})
	t.Run("a context that ends inside the work changes nothing", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		ctx, cancel := context.WithCancel(t.Context())
		err := s.InTx(ctx, func(tx block.Tx) error {
			cancel()
			return tx.AddSnapshot(NewSnapshot(1, clock.Now()))
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Snapshot(t.Context(), id(1)); err != nil {
			t.Error(err)
		}
	})
	t.Run("InTx inside InTx is refused", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		var inner error
		must(t, s, func(tx block.Tx) error {
			inner = s.InTx(t.Context(), func(block.Tx) error { return nil })
			return tx.AddSnapshot(NewSnapshot(1, clock.Now()))
		})
		wantKind(t, inner, block.Internal, "")
	})
	t.Run("reads see committed rows only, and run beside the work", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			if err := tx.AddSnapshot(NewSnapshot(1, clock.Now())); err != nil {
				return err
			}
			_, err := s.Snapshot(t.Context(), id(1))
			wantKind(t, err, block.NotFound, "")
			n, err := s.CountSnapshots(t.Context(), block.List{})
			if n != 0 || err != nil {
				t.Errorf("counted %d, %v", n, err)
			}
			return nil
		})
	})
	t.Run("Now is UTC in whole microseconds", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		clock.Add(789)
		must(t, s, func(tx block.Tx) error {
			want := clock.Now().Truncate(time.Microsecond)
			if diff := cmp.Diff(want, tx.Now()); diff != "" || tx.Now().Location() != time.UTC {
				t.Errorf("Now: %s", diff)
			}
			return nil
		})
	})
	t.Run("neighbours of failing work are not hurt", func(t *testing.T) { testNeighbours(t, fresh(t)) })
	t.Run("no update is lost", func(t *testing.T) { testNoUpdateIsLost(t, fresh(t)) })
}

// testNeighbours runs work that succeeds, that fails, that breaks a statement and
// that panics at the same time, all after writing.
func testNeighbours(t *testing.T, url string) {
	s, clock := Open(t, url)
	add(t, s, NewSnapshot(0, clock.Now()))
	var wait sync.WaitGroup
	const each = 40
	for n := 1; n <= 4*each; n++ {
		wait.Go(func() {
			err := s.InTx(t.Context(), func(tx block.Tx) error {
				if err := tx.AddSnapshot(NewSnapshot(n, clock.Now())); err != nil {
					return err
				}
				switch n % 4 {
				case 1:
					return errRefused
				case 2:
					return tx.AddSnapshot(NewSnapshot(0, clock.Now())) // taken
				case 3:
					panic("oh")
				}
				return nil
			})
			if (err == nil) != (n%4 == 0) {
				t.Errorf("work %d ended with %v", n, err)
			}
		})
	}
	wait.Wait()
	for n := 1; n <= 4*each; n++ {
		if _, err := s.Snapshot(t.Context(), id(n)); (err == nil) != (n%4 == 0) {
			t.Errorf("snapshot %d: %v", n, err)
		}
	}
	if n, err := s.CountSnapshots(t.Context(), block.List{}); n != each+1 || err != nil {
		t.Errorf("%d snapshots are stored, %v; want %d", n, err, each+1)
	}
}

// testNoUpdateIsLost adds to one row from many callers.
func testNoUpdateIsLost(t *testing.T, url string) {
	s, clock := Open(t, url)
	first := NewSnapshot(1, clock.Now())
	first.Progress = 0
	add(t, s, first)
	const callers, times = 8, 10
	var wait sync.WaitGroup
	for range callers {
		wait.Go(func() {
			for range times {
				err := s.InTx(t.Context(), func(tx block.Tx) error {
					snap, err := tx.Snapshot(id(1))
					if err != nil {
						return err
					}
					changed := *snap
					changed.Progress++
					return tx.SaveSnapshot(&changed)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	snap, err := s.Snapshot(t.Context(), id(1))
	if err != nil || snap.Progress != callers*times || snap.Version != callers*times+1 {
		t.Errorf("got %+v, %v; want progress %d", snap, err, callers*times)
	}
}
