package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

func testVolumes(t *testing.T, fresh func(testing.TB) string) {
	t.Run("what is added comes back whole", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		full := NewVolume(1, clock.Now())
		bare := &block.Volume{ID: id(2), ProjectID: project, Status: block.VolumeCreating, Size: 1,
			Metadata: map[string]string{}, ImageMetadata: map[string]string{}, CreatedAt: clock.Now()}
		must(t, s, func(tx block.Tx) error {
			if err := tx.AddVolume(full); err != nil {
				return err
			}
			return tx.AddVolume(bare)
		})
		for _, want := range []*block.Volume{full, bare} {
			got, err := s.Volume(t.Context(), want.ID)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
			listed, err := s.Volumes(t.Context(), block.List{Filters: []block.Filter{{Field: block.FieldID, Value: want.ID}}})
			if diff := cmp.Diff([]*block.Volume{want}, listed); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
		}
	})
	t.Run("one that is not there is not found", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		_, err := s.Volume(t.Context(), id(1))
		wantKind(t, err, block.NotFound, "Volume "+id(1)+" could not be found.")
		must(t, s, func(tx block.Tx) error {
			_, err := tx.Volume(id(1))
			wantKind(t, err, block.NotFound, "Volume "+id(1)+" could not be found.")
			return nil
		})
	})
	t.Run("saving writes every field that may change, and the time", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		v := NewVolume(1, clock.Now())
		must(t, s, func(tx block.Tx) error { return tx.AddVolume(v) })
		clock.Add(time.Minute)
		want := *v
		want.Name, want.Description = block.SetText("new"), block.Text{}
		want.Status, want.Size, want.TypeID = block.VolumeExtending, 41, "type-2"
		want.Metadata, want.Attachments = map[string]string{}, nil
		want.Bootable, want.Multiattach = false, false
		saved := want
		must(t, s, func(tx block.Tx) error {
			saved = want
			return tx.SaveVolume(&saved)
		})
		want.UpdatedAt, want.Version = clock.Now(), 2
		if diff := cmp.Diff(want, saved); diff != "" {
			t.Error(diff)
		}
		got, err := s.Volume(t.Context(), want.ID)
		if diff := cmp.Diff(&want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		listed, err := s.Volumes(t.Context(), block.List{})
		if diff := cmp.Diff([]*block.Volume{&want}, listed); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	})
	t.Run("changed meanwhile is a conflict, dropped is gone", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		v := NewVolume(1, clock.Now())
		must(t, s, func(tx block.Tx) error { return tx.AddVolume(v) })
		stale := *v
		must(t, s, func(tx block.Tx) error { return tx.SaveVolume(v) })
		err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.SaveVolume(&stale) })
		wantKind(t, err, block.Conflict, "")
		err = s.InTx(t.Context(), func(tx block.Tx) error { return tx.DropVolume(&stale) })
		wantKind(t, err, block.Conflict, "")
		must(t, s, func(tx block.Tx) error { return tx.DropVolume(v) })
		_, err = s.Volume(t.Context(), v.ID)
		wantKind(t, err, block.NotFound, "")
	})
}
