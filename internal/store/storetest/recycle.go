package storetest

import (
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

// testRecycle holds the recycle bin's rows to their promises.
func testRecycle(t *testing.T, fresh func(testing.TB) string) {
	s, clock := Open(t, fresh(t))
	policy := func(project string) *block.RecyclePolicy {
		t.Helper()
		p, err := s.RecyclePolicy(t.Context(), project)
		if err != nil {
			t.Fatal(err)
		}
		must(t, s, func(tx block.Tx) error {
			inside, err := tx.RecyclePolicy(project)
			if err == nil && (inside == nil) != (p == nil) || (p != nil && *inside != *p) {
				t.Errorf("a transaction reads %+v, others %+v", inside, p)
			}
			return err
		})
		return p
	}
	if p := policy(project); p != nil {
		t.Errorf("a project without a policy has %+v", p)
	}
	for _, want := range []block.RecyclePolicy{{On: true, LeastAge: 1, Keep: 365}, {LeastAge: 1000, Keep: 1}} {
		must(t, s, func(tx block.Tx) error { return tx.SetRecyclePolicy(project, want) })
		if p := policy(project); p == nil || *p != want {
			t.Errorf("got %+v, want %+v", p, want)
		}
	}
	if p := policy(other); p != nil {
		t.Errorf("another project has %+v", p)
	}
	due, later, never := NewVolume(1, clock.Now()), NewVolume(2, clock.Now()), NewVolume(3, clock.Now())
	due.RecycledUntil, later.RecycledUntil = clock.Now().Add(time.Hour), clock.Now().Add(time.Hour+time.Microsecond)
	never.RecycledAt, never.RecycledUntil = time.Time{}, time.Time{}
	must(t, s, func(tx block.Tx) error {
		for _, v := range []*block.Volume{due, later, never} {
			if err := tx.AddVolume(v); err != nil {
				return err
			}
		}
		return nil
	})
	found, err := s.Volumes(t.Context(), block.List{
		Filters: []block.Filter{{Field: block.FieldRecycledUntil, Op: block.LessOrEqual, Value: block.TimeValue(clock.Now().Add(time.Hour))}},
		Sort:    []block.SortKey{{Field: block.FieldRecycledUntil}},
	})
	if err != nil || len(found) != 1 || found[0].ID != due.ID || !found[0].RecycledAt.Equal(due.RecycledAt) {
		t.Errorf("what is due is %v, %v", found, err)
	}
	must(t, s, func(tx block.Tx) error {
		v, err := tx.Volume(later.ID)
		if err != nil {
			return err
		}
		back := *v
		back.RecycledAt, back.RecycledUntil = time.Time{}, time.Time{}
		return tx.SaveVolume(&back)
	})
	if v, err := s.Volume(t.Context(), later.ID); err != nil || !v.RecycledAt.IsZero() || !v.RecycledUntil.IsZero() {
		t.Errorf("one that was given back is %+v, %v", v, err)
	}
}
