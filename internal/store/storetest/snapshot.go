package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

func testSnapshots(t *testing.T, fresh func(testing.TB) string) {
	t.Run("what is added comes back whole", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		full := NewSnapshot(1, clock.Now())
		bare := &block.Snapshot{ID: id(2), ProjectID: project, VolumeID: id(5), Status: block.SnapshotCreating,
			Metadata: map[string]string{}, CreatedAt: clock.Now()}
		empty := NewSnapshot(3, clock.Now())
		empty.Name, empty.Description = block.SetText(""), block.SetText("")
		add(t, s, full, bare, empty)
		for _, want := range []*block.Snapshot{full, bare, empty} {
			for range 2 { // from the database, then perhaps from memory
				got, err := s.Snapshot(t.Context(), want.ID)
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("%v: %s", err, diff)
				}
			}
			must(t, s, func(tx block.Tx) error {
				got, err := tx.Snapshot(want.ID)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("in a transaction: %s", diff)
				}
				return err
			})
		}
		listed, err := s.Snapshots(t.Context(), block.List{Sort: []block.SortKey{{Field: block.FieldName}}})
		if diff := cmp.Diff([]*block.Snapshot{bare, empty, full}, listed); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	})
	t.Run("one that is not there is not found", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		_, err := s.Snapshot(t.Context(), id(1))
		wantKind(t, err, block.NotFound, "Snapshot "+id(1)+" could not be found.")
	})
	t.Run("an id that is taken is a conflict", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		add(t, s, NewSnapshot(1, clock.Now()))
		err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.AddSnapshot(NewSnapshot(1, clock.Now())) })
		wantKind(t, err, block.Conflict, "")
	})
	t.Run("saving writes every field that may change, and the time", func(t *testing.T) { testSaveSnapshot(t, fresh(t)) })
	t.Run("saving a row that changed meanwhile is a conflict", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		old := NewSnapshot(1, clock.Now())
		add(t, s, old)
		changed := *old
		must(t, s, func(tx block.Tx) error { return tx.SaveSnapshot(&changed) })
		stale := *old
		err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.SaveSnapshot(&stale) })
		wantKind(t, err, block.Conflict, "")
		err = s.InTx(t.Context(), func(tx block.Tx) error { return tx.DropSnapshot(&stale) })
		wantKind(t, err, block.Conflict, "")
		if got, err := s.Snapshot(t.Context(), id(1)); err != nil || got.Version != 2 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("a dropped row is gone", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		snap := NewSnapshot(1, clock.Now())
		add(t, s, snap)
		must(t, s, func(tx block.Tx) error {
			if err := tx.DropSnapshot(snap); err != nil {
				return err
			}
			_, err := tx.Snapshot(snap.ID)
			wantKind(t, err, block.NotFound, "")
			return nil
		})
		_, err := s.Snapshot(t.Context(), snap.ID)
		wantKind(t, err, block.NotFound, "")
	})
	t.Run("those of a volume come oldest first", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		older, newer, elsewhere := NewSnapshot(2, clock.Now().Add(-time.Second)), NewSnapshot(1, clock.Now()), NewSnapshot(3, clock.Now())
		elsewhere.VolumeID = id(77)
		add(t, s, older, newer, elsewhere)
		must(t, s, func(tx block.Tx) error {
			of, err := tx.SnapshotsOf(newer.VolumeID)
			if diff := cmp.Diff([]*block.Snapshot{older, newer}, of); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
			n, err := tx.CountSnapshotsOf(newer.VolumeID)
			if n != 2 || err != nil {
				t.Errorf("counted %d, %v", n, err)
			}
			return nil
		})
	})
	t.Run("the newest of a volume is the one that was made last, whatever the clock says", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		first, atOnce, back := NewSnapshot(3, clock.Now()), NewSnapshot(2, clock.Now()), NewSnapshot(1, clock.Now().Add(-time.Hour))
		elsewhere := NewSnapshot(4, clock.Now().Add(-time.Hour))
		elsewhere.VolumeID = id(77)
		add(t, s, first, atOnce, back, elsewhere)
		must(t, s, func(tx block.Tx) error {
			of, err := tx.SnapshotsOf(first.VolumeID)
			if diff := cmp.Diff([]*block.Snapshot{first, atOnce, back}, of); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
			return nil
		})
		if !elsewhere.CreatedAt.Equal(clock.Now().Add(-time.Hour)) {
			t.Errorf("another volume's was made at %v", elsewhere.CreatedAt)
		}
	})
}

func testSaveSnapshot(t *testing.T, url string) {
	s, clock := Open(t, url)
	snap := NewSnapshot(1, clock.Now())
	add(t, s, snap)
	clock.Add(time.Minute)
	want := *snap
	want.Name, want.Description = block.Text{}, block.SetText("new")
	want.Status, want.Progress = block.SnapshotError, 7
	want.Metadata = map[string]string{"other": "item"}
	saved := want
	must(t, s, func(tx block.Tx) error {
		saved = want
		if err := tx.SaveSnapshot(&saved); err != nil {
			return err
		}
		if got, err := tx.Snapshot(want.ID); err != nil || !cmp.Equal(&saved, got) {
			t.Errorf("the transaction does not see its own write: %v, %s", err, cmp.Diff(&saved, got))
		}
		return nil
	})
	want.UpdatedAt, want.Version = clock.Now(), 2
	if diff := cmp.Diff(want, saved); diff != "" {
		t.Errorf("the saved row was not brought up to date: %s", diff)
	}
	got, err := s.Snapshot(t.Context(), want.ID)
	if diff := cmp.Diff(&want, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	saved.Name = block.SetText("changed after the transaction")
	listed, err := s.Snapshots(t.Context(), block.List{})
	if diff := cmp.Diff([]*block.Snapshot{&want}, listed); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	if again, _ := s.Snapshot(t.Context(), want.ID); !cmp.Equal(&want, again) {
		t.Error("the store shares memory with the row that was saved")
	}
}
