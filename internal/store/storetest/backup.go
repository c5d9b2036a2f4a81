package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

// newBackup is a backup with every column set.
func newBackup(n int, created time.Time) *block.Backup {
	return &block.Backup{
		ID: id(n), ProjectID: project, UserID: "user-1", VolumeID: id(1000000), SnapshotID: id(2000), ParentID: id(3000),
		Name: block.SetText("backup-001"), Description: block.SetText("d"), Status: block.BackupAvailable, FailReason: "it failed",
		Size: 40, ObjectCount: 1 << 40, Container: block.SetText("c"), AvailabilityZone: "az1", Metadata: map[string]string{"key": "value"},
		Manifest: id(n), BaseID: id(4000), RestoreVolumeID: id(5000), DataTimestamp: created.Add(-time.Hour), CreatedAt: created,
	}
}

func testBackups(t *testing.T, fresh func(testing.TB) string) {
	t.Run("what is added and saved comes back whole", func(t *testing.T) { testSaveBackup(t, fresh(t)) })
	t.Run("one that is not there is not found", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		for _, id := range []string{id(1), "\x00", "\xff"} {
			_, err := s.Backup(t.Context(), id)
			wantKind(t, err, block.NotFound, "")
			err = s.InTx(t.Context(), func(tx block.Tx) error { _, err := tx.Backup(id); return err })
			wantKind(t, err, block.NotFound, "")
		}
	})
	t.Run("the parent counts its dependents, and lists page", func(t *testing.T) { testBackupLists(t, fresh(t)) })
	t.Run("the last of a volume is the newest that is available", func(t *testing.T) { testLastBackup(t, fresh(t)) })
	t.Run("those busy with a volume or snapshot are found", func(t *testing.T) { testBusyBackups(t, fresh(t)) })
	t.Run("usage counts backups in all, and no snapshot that one made", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		must(t, s, func(tx block.Tx) error {
			kept := NewSnapshot(5, clock.Now())
			kept.Origin = block.OriginBackup
			theirs := newBackup(2, clock.Now())
			theirs.ProjectID, theirs.Size = other, 1
			if err := tx.AddSnapshot(kept); err != nil {
				return err
			}
			if err := tx.AddSnapshot(NewSnapshot(6, clock.Now())); err != nil {
				return err
			}
			for _, b := range []*block.Backup{newBackup(1, clock.Now()), theirs} {
				if err := tx.AddBackup(b); err != nil {
					return err
				}
			}
			return tx.RecountUsages()
		})
		want := map[block.UsageOf]block.Usage{
			{ProjectID: project}:                   {Snapshots: 1, Gigabytes: 40, Backups: 1, BackupGigabytes: 40},
			{ProjectID: project, TypeID: "type-1"}: {Snapshots: 1, Gigabytes: 40},
			{ProjectID: other}:                     {Backups: 1, BackupGigabytes: 1},
		}
		kept, err := s.AllUsages(t.Context())
		if diff := cmp.Diff(want, kept); diff != "" || err != nil {
			t.Errorf("kept: %v: %s", err, diff)
		}
		counted, err := s.CountUsages(t.Context())
		if diff := cmp.Diff(want, counted); diff != "" || err != nil {
			t.Errorf("counted: %v: %s", err, diff)
		}
		got, err := s.Snapshot(t.Context(), id(5))
		if err != nil || got.Origin != block.OriginBackup {
			t.Errorf("%+v, %v", got, err)
		}
		mine, err := s.Snapshots(t.Context(), block.List{Filters: []block.Filter{{Field: block.FieldOrigin, Value: "user"}}})
		if err != nil || len(mine) != 1 || mine[0].ID != id(6) {
			t.Errorf("%+v, %v", mine, err)
		}
	})
}

func testSaveBackup(t *testing.T, url string) {
	s, clock := Open(t, url)
	full := newBackup(1, clock.Now())
	bare := &block.Backup{ID: id(2), ProjectID: project, VolumeID: id(5), Status: block.BackupCreating, Metadata: map[string]string{},
		Manifest: id(2), DataTimestamp: clock.Now(), CreatedAt: clock.Now()}
	must(t, s, func(tx block.Tx) error {
		if err := tx.AddBackup(full); err != nil {
			return err
		}
		return tx.AddBackup(bare)
	})
	for _, want := range []*block.Backup{full, bare} {
		got, err := s.Backup(t.Context(), want.ID)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	}
	clock.Add(time.Minute)
	want := *full
	want.Name, want.Description, want.Status, want.FailReason = block.Text{}, block.SetText("new"), block.BackupRestoring, ""
	want.ObjectCount, want.Metadata, want.RestoreVolumeID, want.SnapshotID = 3, map[string]string{}, "", ""
	saved := want
	must(t, s, func(tx block.Tx) error {
		saved = want
		if err := tx.SaveBackup(&saved); err != nil {
			return err
		}
		got, err := tx.Backup(want.ID)
		if diff := cmp.Diff(&saved, got); diff != "" {
			t.Errorf("the transaction does not see its own write: %s", diff)
		}
		return err
	})
	want.UpdatedAt, want.Version = clock.Now(), 2
	got, err := s.Backup(t.Context(), want.ID)
	if diff := cmp.Diff(&want, got); diff != "" || err != nil || !cmp.Equal(want, saved) {
		t.Errorf("%v: %s", err, diff)
	}
	stale := *full
	for _, change := range []func(block.Tx) error{
		func(tx block.Tx) error { return tx.SaveBackup(&stale) }, func(tx block.Tx) error { return tx.DropBackup(&stale) },
		func(tx block.Tx) error { return tx.AddBackup(newBackup(2, clock.Now())) },
	} {
		wantKind(t, s.InTx(t.Context(), change), block.Conflict, "")
	}
	must(t, s, func(tx block.Tx) error { return tx.DropBackup(&saved) })
	_, err = s.Backup(t.Context(), full.ID)
	wantKind(t, err, block.NotFound, "Backup "+full.ID+" could not be found.")
}

func testBackupLists(t *testing.T, url string) {
	s, clock := Open(t, url)
	parent := newBackup(1, clock.Now())
	parent.ParentID = ""
	must(t, s, func(tx block.Tx) error {
		if err := tx.AddBackup(parent); err != nil {
			return err
		}
		for n := 2; n <= 4; n++ {
			child := newBackup(n, clock.Now().Add(time.Duration(n)*time.Second))
			child.ParentID = parent.ID
			if n == 4 {
				child.ProjectID = other
			}
			if err := tx.AddBackup(child); err != nil {
				return err
			}
		}
		return nil
	})
	got, err := s.Backup(t.Context(), parent.ID)
	if err != nil || got.Dependents != 3 {
		t.Errorf("%d dependents, %v", got.Dependents, err)
	}
	for _, tc := range []struct {
		list block.List
		want []string
	}{
		{block.List{ProjectID: project}, []string{id(3), id(2), id(1)}},
		{block.List{ProjectID: project, Marker: id(3), Limit: 1}, []string{id(2)}},
		{block.List{Filters: []block.Filter{{Field: block.FieldParentID, Value: parent.ID}}, Sort: []block.SortKey{{Field: block.FieldCreatedAt}}}, []string{id(2), id(3), id(4)}},
		{block.List{ProjectID: project, Sort: []block.SortKey{{Field: block.FieldName}, {Field: block.FieldDataTimestamp, Desc: true}}}, []string{id(3), id(2), id(1)}},
	} {
		page, err := s.Backups(t.Context(), tc.list)
		var ids []string
		for _, b := range page {
			ids = append(ids, b.ID)
		}
		if diff := cmp.Diff(tc.want, ids); diff != "" || err != nil {
			t.Errorf("%+v: %v: %s", tc.list, err, diff)
		}
	}
	if n, err := s.CountBackups(t.Context(), block.List{ProjectID: project}); n != 3 || err != nil {
		t.Errorf("counted %d, %v", n, err)
	}
	_, err = s.Backups(t.Context(), block.List{ProjectID: other, Marker: id(1)})
	wantKind(t, err, block.NotFound, "")
}

func testLastBackup(t *testing.T, url string) {
	s, clock := Open(t, url)
	must(t, s, func(tx block.Tx) error {
		for n := 1; n <= 5; n++ {
			b := newBackup(n, clock.Now())
			b.DataTimestamp = clock.Now().Add(time.Duration(n) * time.Second)
			switch n {
			case 3:
				b.ProjectID = other
			case 4:
				b.VolumeID = id(77)
			case 5:
				b.Status = block.BackupError
			}
			if err := tx.AddBackup(b); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, s, func(tx block.Tx) error {
		for before, want := range map[time.Time]string{
			{}: id(2), clock.Now().Add(2 * time.Second): id(1), clock.Now().Add(2*time.Second + time.Microsecond): id(2), clock.Now(): "",
		} {
			last, err := tx.LastBackup(id(1000000), project, before)
			if err != nil {
				return err
			}
			if got := last; (got == nil && want != "") || (got != nil && got.ID != want) {
				t.Errorf("before %v: got %+v, want %q", before, got, want)
			}
		}
		return nil
	})
}

func testBusyBackups(t *testing.T, url string) {
	s, clock := Open(t, url)
	must(t, s, func(tx block.Tx) error {
		for n, status := range []block.BackupStatus{block.BackupCreating, block.BackupRestoring, block.BackupAvailable, block.BackupError} {
			b := newBackup(n+1, clock.Now().Add(time.Duration(n)))
			b.Status, b.Manifest = status, "shared"
			if err := tx.AddBackup(b); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, s, func(tx block.Tx) error {
		for of, want := range map[string]string{id(1000000): id(1), id(4000): id(1), id(5000): id(2), id(6000): ""} {
			busy, err := tx.BackupsBusyWith(of)
			if err != nil {
				return err
			}
			if (want == "") != (len(busy) == 0) || (want != "" && (len(busy) != 1 || busy[0].ID != want)) {
				t.Errorf("with %s: %+v", of, busy)
			}
		}
		for manifest, want := range map[string]int{"shared": 4, "none": 0} {
			if n, err := tx.CountManifestUsers(manifest); n != want || err != nil {
				t.Errorf("%s has %d users, %v", manifest, n, err)
			}
		}
		return nil
	})
}
