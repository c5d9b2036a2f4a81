package storetest

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

func testQuotas(t *testing.T, fresh func(testing.TB) string) {
	t.Run("usage adds up by type and in all", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		var ofType, ofAll block.Usage
		for _, change := range []struct {
			typeID string
			by     block.Usage
		}{
			{"a", block.Usage{Volumes: 1, Gigabytes: 10}},
			{"b", block.Usage{Volumes: 1, Gigabytes: 5}},
			{"a", block.Usage{Snapshots: 2, Gigabytes: 20}},
			{"a", block.Usage{Snapshots: -1, Gigabytes: -10}},
		} {
			must(t, s, func(tx block.Tx) (err error) {
				ofType, ofAll, err = tx.AddUsage(project, change.typeID, change.by)
				return err
			})
		}
		wantType, wantAll := block.Usage{Volumes: 1, Snapshots: 1, Gigabytes: 20}, block.Usage{Volumes: 2, Snapshots: 1, Gigabytes: 25}
		if ofType != wantType || ofAll != wantAll {
			t.Errorf("got %v and %v, want %v and %v", ofType, ofAll, wantType, wantAll)
		}
		got, err := s.Usages(t.Context(), project)
		want := map[string]block.Usage{"": wantAll, "a": wantType, "b": {Volumes: 1, Gigabytes: 5}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		if none, err := s.Usages(t.Context(), other); len(none) != 0 || err != nil {
			t.Errorf("another project has %v, %v", none, err)
		}
	})
	testQuotaClasses(t, fresh)
	t.Run("usage of many at once loses nothing", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		var wait sync.WaitGroup
		for n := range 24 {
			wait.Go(func() {
				err := s.InTx(t.Context(), func(tx block.Tx) error {
					_, _, err := tx.AddUsage(project, []string{"a", "b"}[n%2], block.Usage{Volumes: 1, Gigabytes: 2})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		got, err := s.Usages(t.Context(), project)
		want := map[string]block.Usage{"": {Volumes: 24, Gigabytes: 48}, "a": {Volumes: 12, Gigabytes: 24}, "b": {Volumes: 12, Gigabytes: 24}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	})
	t.Run("limits are set one by one", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			return tx.SetQuotaLimits(project, block.Limits{"volumes": 5, "gigabytes": -1})
		})
		must(t, s, func(tx block.Tx) error {
			if err := tx.SetQuotaLimits(project, block.Limits{"volumes": 6, "volumes_SSD": 0}); err != nil {
				return err
			}
			return tx.SetQuotaLimits(other, block.Limits{"volumes": 1})
		})
		want := block.Limits{"volumes": 6, "gigabytes": -1, "volumes_SSD": 0}
		got, err := s.QuotaLimits(t.Context(), project)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		must(t, s, func(tx block.Tx) error {
			got, err := tx.QuotaLimits(project)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
	})
}

func testQuotaClasses(t *testing.T, fresh func(testing.TB) string) {
	t.Run("limits of a class are set one by one, apart from the projects'", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			if err := tx.SetClassLimits("default", block.Limits{"volumes": 5, "snapshots": 3}); err != nil {
				return err
			}
			return tx.SetClassLimits("default", block.Limits{"volumes": 6})
		})
		must(t, s, func(tx block.Tx) error { return tx.SetQuotaLimits("default", block.Limits{"gigabytes": 1}) })
		want := block.Limits{"volumes": 6, "snapshots": 3}
		got, err := s.ClassLimits(t.Context(), "default")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		must(t, s, func(tx block.Tx) error {
			got, err := tx.ClassLimits("default")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
		if got, err := s.ClassLimits(t.Context(), "gold"); len(got) != 0 || err != nil {
			t.Errorf("another class has %v, %v", got, err)
		}
	})
	t.Run("limits that are dropped are the defaults again", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			if err := tx.SetQuotaLimits(project, block.Limits{"volumes": 5, "gigabytes": 7}); err != nil {
				return err
			}
			return tx.SetQuotaLimits(other, block.Limits{"volumes": 1})
		})
		must(t, s, func(tx block.Tx) error { return tx.DropQuotaLimits(project) })
		for of, want := range map[string]block.Limits{project: {}, other: {"volumes": 1}} {
			got, err := s.QuotaLimits(t.Context(), of)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
		}
	})
	t.Run("usage is counted from the rows, and written anew", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			v, theirs, resting := NewVolume(1, clock.Now()), NewVolume(2, clock.Now()), NewVolume(3, clock.Now())
			theirs.ProjectID, resting.ExtendTo, resting.TypeID = other, 0, "type-2"
			for _, vol := range []*block.Volume{v, theirs, resting} {
				if err := tx.AddVolume(vol); err != nil {
					return err
				}
			}
			_, _, err := tx.AddUsage(project, "gone", block.Usage{Volumes: 7})
			return err
		})
		add(t, s, NewSnapshot(4, clock.Now()))
		want := map[block.UsageOf]block.Usage{
			{ProjectID: project}:                   {Volumes: 2, Snapshots: 1, Gigabytes: 130},
			{ProjectID: project, TypeID: "type-1"}: {Volumes: 1, Snapshots: 1, Gigabytes: 90},
			{ProjectID: project, TypeID: "type-2"}: {Volumes: 1, Gigabytes: 40},
			{ProjectID: other}:                     {Volumes: 1, Gigabytes: 50},
			{ProjectID: other, TypeID: "type-1"}:   {Volumes: 1, Gigabytes: 50},
		}
		counted, err := s.CountUsages(t.Context())
		if diff := cmp.Diff(want, counted); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		drifted, err := s.AllUsages(t.Context())
		if len(drifted) != 2 || err != nil {
			t.Errorf("kept are %v, %v", drifted, err)
		}
		must(t, s, block.Tx.RecountUsages)
		kept, err := s.AllUsages(t.Context())
		if diff := cmp.Diff(want, kept); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	})
}

func testSettings(t *testing.T, fresh func(testing.TB) string) {
	t.Run("a setting is empty until it is set, and keeps its last value", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		if got, err := s.Setting(t.Context(), "server_id"); got != "" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		for _, want := range []string{"one", "two"} {
			if err := s.SetSetting(t.Context(), "server_id", want); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Setting(t.Context(), "server_id"); got != want || err != nil {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		}
	})
	t.Run("the database answers and is whole", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("what was stored is there after closing and opening", func(t *testing.T) {
		url := fresh(t)
		for round := range 3 {
			t.Run("", func(t *testing.T) {
				s, clock := Open(t, url)
				add(t, s, NewSnapshot(round, clock.Now()))
				if n, err := s.CountSnapshots(t.Context(), block.List{}); n != round+1 || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
			})
		}
	})
}
