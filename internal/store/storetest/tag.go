package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
)

func testTags(t *testing.T, fresh func(testing.TB) string) {
	t.Run("they are written whole, told, and go with their object", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		vol, snap := NewVolume(1, clock.Now()), NewSnapshot(1, clock.Now()) // the same id: the kind tells them apart
		first := map[string]string{"env": "prod", "empty": "", "键": "值"}
		must(t, s, func(tx block.Tx) error {
			for _, err := range []error{
				tx.AddVolume(vol), tx.AddSnapshot(snap),
				tx.SaveTags(block.TagVolume, vol.ID, map[string]string{"old": "gone"}), tx.SaveTags(block.TagVolume, vol.ID, first),
				tx.SaveTags(block.TagSnapshot, snap.ID, map[string]string{"env": "test"}),
			} {
				if err != nil {
					return err
				}
			}
			got, err := tx.Tags(block.TagVolume, vol.ID)
			if diff := cmp.Diff(first, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
		wantTags := func(kind block.TagKind, want map[string]map[string]string) {
			t.Helper()
			got, err := s.Tags(t.Context(), kind, []string{id(1), id(2)})
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
		}
		wantTags(block.TagVolume, map[string]map[string]string{vol.ID: first})
		wantTags(block.TagSnapshot, map[string]map[string]string{snap.ID: {"env": "test"}})
		wantTags(block.TagBackup, map[string]map[string]string{})
		must(t, s, func(tx block.Tx) error { return tx.DropVolume(vol) })
		wantTags(block.TagVolume, map[string]map[string]string{})
		wantTags(block.TagSnapshot, map[string]map[string]string{snap.ID: {"env": "test"}})
		must(t, s, func(tx block.Tx) error { return tx.DropSnapshot(snap) })
		wantTags(block.TagSnapshot, map[string]map[string]string{})
		kept := newBackup(2, clock.Now())
		must(t, s, func(tx block.Tx) error {
			if err := tx.AddBackup(kept); err != nil {
				return err
			}
			return tx.SaveTags(block.TagBackup, kept.ID, first)
		})
		wantTags(block.TagBackup, map[string]map[string]string{kept.ID: first})
		must(t, s, func(tx block.Tx) error { return tx.DropBackup(kept) })
		wantTags(block.TagBackup, map[string]map[string]string{})
	})
	t.Run("a project's are told once each, and go where their object goes", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			for n, tags := range []map[string]string{{"a": "2", "b": "1"}, {"a": "1"}, {"a": "2"}} {
				v := NewVolume(n, clock.Now())
				if err := tx.AddVolume(v); err != nil {
					return err
				}
				if err := tx.SaveTags(block.TagVolume, v.ID, tags); err != nil {
					return err
				}
			}
			return nil
		})
		wantAll := func(kind block.TagKind, project string, limit int, want ...block.Tag) {
			t.Helper()
			got, err := s.ProjectTags(t.Context(), kind, project, limit)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
		}
		all := []block.Tag{{Key: "a", Value: "1"}, {Key: "a", Value: "2"}, {Key: "b", Value: "1"}}
		wantAll(block.TagVolume, project, 100, all...)
		wantAll(block.TagVolume, project, 2, all[:2]...)
		wantAll(block.TagVolume, other, 100)
		wantAll(block.TagSnapshot, project, 100)
		wantAll(block.TagBackup, project, 100)
		must(t, s, func(tx block.Tx) error {
			given, err := tx.Volume(id(1))
			if err != nil {
				return err
			}
			moved := *given
			moved.ProjectID = other
			return tx.GiveVolume(&moved)
		})
		wantAll(block.TagVolume, other, 100, block.Tag{Key: "a", Value: "1"})
		wantAll(block.TagVolume, project, 100, all[1:]...)
	})
	t.Run("lists keep what has them", func(t *testing.T) { testTagFilters(t, fresh) })
}

func testTagFilters(t *testing.T, fresh func(testing.TB) string) {
	s, clock := Open(t, fresh(t))
	must(t, s, func(tx block.Tx) error {
		for n, tags := range []map[string]string{{}, {"a": "1", "b": "1"}, {"a": "2"}, {"b": "1"}} {
			snap := NewSnapshot(n, clock.Now())
			if err := tx.AddSnapshot(snap); err != nil {
				return err
			}
			if err := tx.SaveTags(block.TagSnapshot, snap.ID, tags); err != nil {
				return err
			}
		}
		// a volume's tags are no snapshot's, even under the same id
		return tx.SaveTags(block.TagVolume, id(0), map[string]string{"a": "1"})
	})
	a1, a, b := block.TagMatch{Key: "a", Values: []string{"1", "3"}}, block.TagMatch{Key: "a"}, block.TagMatch{Key: "b", Values: []string{"1"}}
	both := []block.TagMatch{a1, b}
	for name, tc := range map[string]struct {
		tags []block.TagCondition
		want []int
	}{
		"none":           {nil, []int{0, 1, 2, 3}},
		"asks nothing":   {[]block.TagCondition{{}}, []int{0, 1, 2, 3}},
		"one value of":   {[]block.TagCondition{{Matches: []block.TagMatch{a1}}}, []int{1}},
		"any value":      {[]block.TagCondition{{Matches: []block.TagMatch{a}}}, []int{1, 2}},
		"all keys":       {[]block.TagCondition{{Matches: both}}, []int{1}},
		"any key":        {[]block.TagCondition{{Matches: both, Any: true}}, []int{1, 3}},
		"not all keys":   {[]block.TagCondition{{Matches: both, Not: true}}, []int{0, 2, 3}},
		"none of keys":   {[]block.TagCondition{{Matches: both, Any: true, Not: true}}, []int{0, 2}},
		"two conditions": {[]block.TagCondition{{Matches: []block.TagMatch{a}}, {Matches: []block.TagMatch{b}, Not: true}}, []int{2}},
	} {
		list := block.List{ProjectID: project, Tags: tc.tags, Sort: []block.SortKey{{Field: block.FieldID}}}
		rows, err := s.Snapshots(t.Context(), list)
		got, want := map[string]bool{}, map[string]bool{}
		for _, row := range rows {
			got[row.ID] = true
		}
		for _, n := range tc.want {
			want[id(n)] = true
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v: %s", name, err, diff)
		}
		if n, err := s.CountSnapshots(t.Context(), list); n != len(tc.want) || err != nil {
			t.Errorf("%s: counted %d, %v", name, n, err)
		}
	}
	wantChains(t, s)
	many := block.TagCondition{Matches: make([]block.TagMatch, 101)}
	_, err := s.Snapshots(t.Context(), block.List{Tags: []block.TagCondition{many}})
	wantKind(t, err, block.Invalid, "")
	_, err = s.Transfers(t.Context(), block.List{Tags: []block.TagCondition{{Matches: both}}})
	wantKind(t, err, block.Invalid, "")
}

// wantChains checks the chain of the four snapshots, all of one volume.
func wantChains(t *testing.T, s *store.Store) {
	t.Helper()
	volume := id(1000000)
	for _, tc := range []struct {
		project, volume, after string
		want                   int64
	}{
		{project, "", "", 4}, {project, volume, "", 4}, {project, id(7), "", 0}, {project, "", volume, 0}, {other, "", "", 0},
	} {
		got, err := s.SnapshotChains(t.Context(), tc.project, tc.volume, tc.after, 10)
		switch {
		case err != nil, (len(got) == 0) != (tc.want == 0):
			t.Errorf("%+v: got %v, %v", tc, got, err)
		case len(got) == 1 && (got[0].Snapshots != tc.want || got[0].Capacity != 4*40 || got[0].VolumeID != volume || got[0].CreatedAt.IsZero()):
			t.Errorf("%+v: got %+v", tc, got[0])
		}
	}
}
