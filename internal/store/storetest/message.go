package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

func newMessage(n int, created time.Time) *block.Message {
	return &block.Message{ID: id(n), ProjectID: project, RequestID: "req-1", ResourceType: "VOLUME", ResourceID: id(100 + n),
		EventID: "VOLUME_VOLUME_008_012", ActionID: "008", DetailID: "012", Level: "ERROR",
		CreatedAt: created, ExpiresAt: created.Add(block.MessageTTL)}
}

func testMessages(t *testing.T, fresh func(testing.TB) string) {
	t.Run("what is added comes back whole, is listed, and goes", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		older, newer := newMessage(1, clock.Now()), newMessage(2, clock.Now().Add(time.Second))
		for _, m := range []*block.Message{older, newer} {
			must(t, s, func(tx block.Tx) error { return tx.AddMessage(m) })
		}
		got, err := s.Message(t.Context(), older.ID)
		if diff := cmp.Diff(older, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		for name, tc := range map[string]struct {
			list block.List
			want []*block.Message
		}{
			"all":           {block.List{ProjectID: project}, []*block.Message{newer, older}},
			"another's":     {block.List{ProjectID: other}, []*block.Message{}},
			"of a resource": {block.List{Filters: []block.Filter{{Field: block.FieldResourceID, Value: older.ResourceID}}}, []*block.Message{older}},
			"alive": {block.List{Filters: []block.Filter{{Field: block.FieldExpiresAt, Op: block.Greater, Value: block.TimeValue(older.ExpiresAt)}}},
				[]*block.Message{newer}},
			"after a marker": {block.List{Marker: newer.ID}, []*block.Message{older}},
		} {
			got, err := s.Messages(t.Context(), tc.list)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v: %s", name, err, diff)
			}
			tc.list.Marker = ""
			if n, err := s.CountMessages(t.Context(), tc.list); err != nil || (n != len(tc.want) && name != "after a marker") {
				t.Errorf("%s: counted %d, %v", name, n, err)
			}
		}
		must(t, s, func(tx block.Tx) error { return tx.DropMessage(older.ID) })
		_, err = s.Message(t.Context(), older.ID)
		wantKind(t, err, block.NotFound, "")
		_, err = s.Message(t.Context(), "\x00")
		wantKind(t, err, block.NotFound, "")
		wantKind(t, s.InTx(t.Context(), func(tx block.Tx) error { return tx.DropMessage(older.ID) }), block.NotFound, "")
	})
	t.Run("the expired and the surplus are swept", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			for n := range 5 {
				m := newMessage(n, clock.Now().Add(time.Duration(n)*time.Second))
				if n == 4 {
					m.ProjectID = other
				}
				if n == 3 {
					m.ExpiresAt = clock.Now().Add(-time.Second)
				}
				if err := tx.AddMessage(m); err != nil {
					return err
				}
			}
			return tx.SweepMessages(project, 2)
		})
		left, err := s.Messages(t.Context(), block.List{})
		var ids []string
		for _, m := range left {
			ids = append(ids, m.ID)
		}
		if diff := cmp.Diff([]string{id(4), id(2), id(1)}, ids); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	})
}

func testBackend(t *testing.T, fresh func(testing.TB) string) {
	s, clock := Open(t, fresh(t))
	mine, theirs := NewVolume(1, clock.Now()), NewVolume(2, clock.Now())
	mine.Metadata, theirs.Metadata = map[string]string{"a": "2", "b": "x"}, map[string]string{"a": "1"}
	theirs.ProjectID, theirs.Size = other, 5
	must(t, s, func(tx block.Tx) error {
		if err := tx.AddVolume(mine); err != nil {
			return err
		}
		return tx.AddVolume(theirs)
	})
	add(t, s, NewSnapshot(3, clock.Now()))
	held, err := s.HeldBy(t.Context())
	want := map[string]block.Held{project: {Volumes: 1, Snapshots: 1, VolumeSize: 40, SnapshotSize: 40}, other: {Volumes: 1, VolumeSize: 5}}
	if diff := cmp.Diff(want, held); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	sum, err := s.SumVolumes(t.Context(), block.List{})
	all := block.VolumeSum{Count: 2, Size: 45, Metadata: map[string][]string{"a": {"1", "2"}, "b": {"x"}}}
	if diff := cmp.Diff(all, sum); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	sum, err = s.SumVolumes(t.Context(), block.List{ProjectID: other})
	if sum.Count != 1 || sum.Size != 5 || err != nil {
		t.Errorf("got %+v, %v", sum, err)
	}
}

// testFilterOps holds the relations of filters against the rows.
func testFilterOps(t *testing.T, fresh func(testing.TB) string) {
	s, clock := Open(t, fresh(t))
	names := []string{"Alpha_1", "alphaX1", "100%", ""}
	for n, name := range names {
		v := NewVolume(n+1, clock.Now().Add(time.Duration(n)*time.Second))
		v.Name = block.SetText(name)
		if name == "" {
			v.Name = block.Text{}
		}
		must(t, s, func(tx block.Tx) error { return tx.AddVolume(v) })
	}
	at := func(n int) string { return block.TimeValue(clock.Now().Add(time.Duration(n) * time.Second)) }
	for _, tc := range []struct {
		filter block.Filter
		want   []string
	}{
		{block.Filter{Field: block.FieldCreatedAt, Op: block.Greater, Value: at(1)}, []string{id(4), id(3)}},
		{block.Filter{Field: block.FieldCreatedAt, Op: block.GreaterOrEqual, Value: at(1)}, []string{id(4), id(3), id(2)}},
		{block.Filter{Field: block.FieldCreatedAt, Op: block.Less, Value: at(1)}, []string{id(1)}},
		{block.Filter{Field: block.FieldCreatedAt, Op: block.LessOrEqual, Value: at(1)}, []string{id(2), id(1)}},
		{block.Filter{Field: block.FieldCreatedAt, Value: at(1)}, []string{id(2)}},
		{block.Filter{Field: block.FieldCreatedAt, Op: block.NotEqual, Value: at(1)}, []string{id(4), id(3), id(1)}},
		{block.Filter{Field: block.FieldUpdatedAt, Op: block.Less, Value: at(1)}, nil}, // all are null
		{block.Filter{Field: block.FieldName, Op: block.Contains, Value: "ALPHA"}, []string{id(2), id(1)}},
		{block.Filter{Field: block.FieldName, Op: block.Contains, Value: "a_1"}, []string{id(1)}},
		{block.Filter{Field: block.FieldName, Op: block.Contains, Value: "%"}, []string{id(3)}},
		{block.Filter{Field: block.FieldName, Op: block.Contains, Value: "!"}, nil},
		{block.Filter{Field: block.FieldName, Op: block.Contains, Value: ""}, []string{id(3), id(2), id(1)}},
		{block.Filter{Field: block.FieldID, Op: block.OneOf, Value: id(3) + "," + id(1)}, []string{id(3), id(1)}},
		{block.Filter{Field: block.FieldID, Op: block.OneOf, Value: id(2) + ",'"}, []string{id(2)}},
	} {
		rows, err := s.Volumes(t.Context(), block.List{Filters: []block.Filter{tc.filter}})
		var got []string
		for _, v := range rows {
			got = append(got, v.ID)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v: %s", tc.filter, err, diff)
		}
	}
}

func testUnmanaged(t *testing.T, fresh func(testing.TB) string) {
	s, _ := Open(t, fresh(t))
	vol, snap, elsewhere := block.Unmanaged{VolumeID: id(1)}, block.Unmanaged{VolumeID: id(1), SnapshotID: id(2)}, block.Unmanaged{VolumeID: id(3)}
	want := func(all ...block.Unmanaged) {
		t.Helper()
		set := map[block.Unmanaged]bool{}
		for _, u := range all {
			set[u] = true
		}
		got, err := s.Unmanaged(t.Context())
		if diff := cmp.Diff(set, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	}
	must(t, s, func(tx block.Tx) error {
		for _, u := range []block.Unmanaged{vol, snap, elsewhere, vol} { // twice is done before
			if err := tx.NoteUnmanaged(u); err != nil {
				return err
			}
		}
		return nil
	})
	want(vol, snap, elsewhere)
	must(t, s, func(tx block.Tx) error { return tx.ForgetUnmanaged(vol) })
	must(t, s, func(tx block.Tx) error { return tx.ForgetUnmanaged(vol) })
	want(snap, elsewhere)
	must(t, s, func(tx block.Tx) error { return tx.ForgetUnmanagedOf(snap.VolumeID) })
	want(elsewhere)
}
