package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
)

func newGroup(n int, created time.Time) *block.Group {
	return &block.Group{
		ID: id(n), ProjectID: project, UserID: "user-1", Name: block.SetText("g"), Description: block.SetText("d"),
		Status: block.GroupAvailable, TypeID: id(500), AvailabilityZone: "az1", VolumeTypes: []string{id(600), id(601)},
		GroupSnapshotID: id(700), SourceGroupID: id(701), Legacy: true, CreatedAt: created,
	}
}

func newGroupSnapshot(n int, created time.Time) *block.GroupSnapshot {
	return &block.GroupSnapshot{
		ID: id(n), ProjectID: project, UserID: "user-1", GroupID: id(1), TypeID: id(500), ServerID: id(800), Name: block.SetText("gs"),
		Description: block.SetText("d"), Status: block.GroupSnapshotAvailable, Legacy: true, CreatedAt: created, EnterpriseProjectID: id(11),
	}
}

func newGroupType(n int, name string, created time.Time) *block.GroupType {
	return &block.GroupType{
		ID: id(n), Name: name, Description: block.SetText("d"), Public: true, CreatedAt: created,
		Specs: map[string]block.Text{"a": block.SetText("<is> True"), "none": {}, "empty": block.SetText("")},
	}
}

// whole checks one read against what was written.
func whole[T any](t *testing.T, want *T, got *T, err error) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}

func testGroups(t *testing.T, fresh func(testing.TB) string) {
	t.Run("what is added comes back whole", func(t *testing.T) { testGroupsWhole(t, fresh(t)) })
	t.Run("saving guards by the version", func(t *testing.T) { testSaveGroups(t, fresh(t)) })
	t.Run("members are found by their group", func(t *testing.T) { testGroupMembers(t, fresh(t)) })
	t.Run("counts and lists", func(t *testing.T) { testGroupLists(t, fresh(t)) })
	t.Run("snapshot groups of no group", func(t *testing.T) { testSnapshotGroups(t, fresh(t)) })
	t.Run("names of group types are unique", func(t *testing.T) { testGroupTypeNames(t, fresh(t)) })
	t.Run("what is not there is not found", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		for _, unknown := range []string{id(1), "", "a\x00b", "\xff"} {
			_, err := s.Group(t.Context(), unknown)
			wantKind(t, err, block.NotFound, "")
			_, err = s.GroupSnapshot(t.Context(), unknown)
			wantKind(t, err, block.NotFound, "")
			_, err = s.GroupType(t.Context(), unknown)
			wantKind(t, err, block.NotFound, "")
			_ = s.InTx(t.Context(), func(tx block.Tx) error {
				_, err := tx.GroupTypeNamed(unknown)
				wantKind(t, err, block.NotFound, "")
				return nil
			})
		}
	})
}

func testGroupsWhole(t *testing.T, url string) {
	s, clock := Open(t, url)
	group, bare := newGroup(1, clock.Now()), &block.Group{ID: id(2), ProjectID: project, Status: block.GroupCreating, CreatedAt: clock.Now()}
	snap, kind := newGroupSnapshot(3, clock.Now()), newGroupType(4, "k", clock.Now())
	vol, member := NewVolume(5, clock.Now()), NewSnapshot(6, clock.Now())
	vol.GroupID, vol.GroupLegacy, member.GroupSnapshotID = group.ID, true, snap.ID
	must(t, s, func(tx block.Tx) error {
		for _, err := range []error{tx.AddGroup(group), tx.AddGroup(bare), tx.AddGroupSnapshot(snap), tx.AddGroupType(kind), tx.AddVolume(vol), tx.AddSnapshot(member)} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, want := range []*block.Group{group, bare} {
		got, err := s.Group(t.Context(), want.ID)
		whole(t, want, got, err)
	}
	gotSnap, err := s.GroupSnapshot(t.Context(), snap.ID)
	whole(t, snap, gotSnap, err)
	gotKind, err := s.GroupType(t.Context(), kind.ID)
	whole(t, kind, gotKind, err)
	listed, err := s.Volumes(t.Context(), block.List{Filters: []block.Filter{{Field: block.FieldGroupID, Value: group.ID}}})
	if diff := cmp.Diff([]*block.Volume{vol}, listed); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	must(t, s, func(tx block.Tx) error {
		got, err := tx.Group(group.ID)
		whole(t, group, got, err)
		gotSnap, err := tx.GroupSnapshot(snap.ID)
		whole(t, snap, gotSnap, err)
		gotKind, err := tx.GroupType(kind.ID)
		whole(t, kind, gotKind, err)
		named, err := tx.GroupTypeNamed("k")
		whole(t, kind, named, err)
		members, err := tx.SnapshotsOfGroup(snap.ID)
		if diff := cmp.Diff([]*block.Snapshot{member}, members); diff != "" {
			t.Error(diff)
		}
		return err
	})
}

// testSnapshotGroups: those of EVS v5 have no group; their server and tags find them,
// and their tags go with them.
func testSnapshotGroups(t *testing.T, url string) {
	s, clock := Open(t, url)
	bare, served := newGroupSnapshot(1, clock.Now()), newGroupSnapshot(2, clock.Now().Add(time.Second))
	bare.GroupID, bare.TypeID, bare.ServerID, bare.Legacy, bare.EnterpriseProjectID = "", "", "", false, ""
	served.GroupID, served.TypeID, served.Legacy = "", "", false
	tags := map[string]string{"k": "v"}
	must(t, s, func(tx block.Tx) error {
		for _, err := range []error{tx.AddGroupSnapshot(bare), tx.AddGroupSnapshot(served), tx.SaveTags(block.TagSnapshotGroup, bare.ID, tags)} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	got, err := s.GroupSnapshot(t.Context(), bare.ID)
	whole(t, bare, got, err)
	for name, tc := range map[string]struct {
		list block.List
		want *block.GroupSnapshot
	}{
		"of an enterprise project": {block.List{Filters: []block.Filter{{Field: block.FieldEnterprise, Value: id(11)}}}, served},
		"of the default one":       {block.List{Filters: []block.Filter{{Field: block.FieldEnterprise, Value: block.DefaultEnterpriseProject}}}, bare},

		"of a server": {block.List{Filters: []block.Filter{{Field: block.FieldServerID, Value: id(800)}}}, served},
		"with a tag":  {block.List{Tags: []block.TagCondition{{Matches: []block.TagMatch{{Key: "k", Values: []string{"v"}}}}}}, bare},
	} {
		found, err := s.GroupSnapshots(t.Context(), tc.list)
		if diff := cmp.Diff([]*block.GroupSnapshot{tc.want}, found); diff != "" || err != nil {
			t.Errorf("%s: %v: %s", name, err, diff)
		}
		if n, err := s.CountGroupSnapshots(t.Context(), tc.list); n != 1 || err != nil {
			t.Errorf("%s: counted %d, %v", name, n, err)
		}
	}
	all, err := s.ProjectTags(t.Context(), block.TagSnapshotGroup, project, 10)
	if diff := cmp.Diff([]block.Tag{{Key: "k", Value: "v"}}, all); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	must(t, s, func(tx block.Tx) error { return tx.DropGroupSnapshot(bare) })
	if left, err := s.Tags(t.Context(), block.TagSnapshotGroup, []string{bare.ID}); len(left) != 0 || err != nil {
		t.Errorf("left are %v, %v", left, err)
	}
}

func testSaveGroups(t *testing.T, url string) {
	s, clock := Open(t, url)
	group, snap, kind := newGroup(1, clock.Now()), newGroupSnapshot(2, clock.Now()), newGroupType(3, "k", clock.Now())
	must(t, s, func(tx block.Tx) error {
		if err := tx.AddGroup(group); err != nil {
			return err
		}
		if err := tx.AddGroupSnapshot(snap); err != nil {
			return err
		}
		return tx.AddGroupType(kind)
	})
	staleGroup, staleSnap, staleKind := *group, *snap, *kind
	clock.Add(time.Minute)
	group.Name, group.Description, group.Status = block.Text{}, block.SetText("e"), block.GroupError
	snap.Name, snap.Description, snap.Status = block.Text{}, block.SetText("e"), block.GroupSnapshotError
	kind.Name, kind.Description, kind.Public, kind.Specs = "k2", block.Text{}, false, map[string]block.Text{}
	must(t, s, func(tx block.Tx) error {
		if err := tx.SaveGroup(group); err != nil {
			return err
		}
		if err := tx.SaveGroupSnapshot(snap); err != nil {
			return err
		}
		return tx.SaveGroupType(kind)
	})
	if group.Version != 2 || group.UpdatedAt != clock.Now() || snap.Version != 2 || kind.Version != 2 {
		t.Errorf("saved rows are not brought up to date: %+v %+v %+v", group, snap, kind)
	}
	got, err := s.Group(t.Context(), group.ID)
	whole(t, group, got, err)
	gotSnap, err := s.GroupSnapshot(t.Context(), snap.ID)
	whole(t, snap, gotSnap, err)
	gotKind, err := s.GroupType(t.Context(), kind.ID)
	whole(t, kind, gotKind, err)
	for name, work := range map[string]func(block.Tx) error{
		"save a stale group":          func(tx block.Tx) error { stale := staleGroup; return tx.SaveGroup(&stale) },
		"drop a stale group":          func(tx block.Tx) error { return tx.DropGroup(&staleGroup) },
		"save a stale group snapshot": func(tx block.Tx) error { stale := staleSnap; return tx.SaveGroupSnapshot(&stale) },
		"drop a stale group snapshot": func(tx block.Tx) error { return tx.DropGroupSnapshot(&staleSnap) },
		"save a stale group type":     func(tx block.Tx) error { stale := staleKind; return tx.SaveGroupType(&stale) },
		"drop a stale group type":     func(tx block.Tx) error { return tx.DropGroupType(&staleKind) },
	} {
		if err := s.InTx(t.Context(), work); block.KindOf(err) != block.Conflict {
			t.Errorf("%s: got %v, want Conflict", name, err)
		}
	}
	must(t, s, func(tx block.Tx) error {
		if err := tx.DropGroup(group); err != nil {
			return err
		}
		if err := tx.DropGroupSnapshot(snap); err != nil {
			return err
		}
		return tx.DropGroupType(kind)
	})
	_, err = s.Group(t.Context(), group.ID)
	wantKind(t, err, block.NotFound, "Group "+group.ID+" could not be found.")
	_, err = s.GroupSnapshot(t.Context(), snap.ID)
	wantKind(t, err, block.NotFound, "GroupSnapshot "+snap.ID+" could not be found.")
	_, err = s.GroupType(t.Context(), kind.ID)
	wantKind(t, err, block.NotFound, "Group type "+kind.ID+" could not be found.")
}

func testGroupMembers(t *testing.T, url string) {
	s, clock := Open(t, url)
	older, newer, alone := NewVolume(1, clock.Now().Add(-time.Second)), NewVolume(2, clock.Now()), NewVolume(3, clock.Now())
	older.GroupID, newer.GroupID = id(50), id(50)
	must(t, s, func(tx block.Tx) error {
		for _, v := range []*block.Volume{newer, older, alone} {
			if err := tx.AddVolume(v); err != nil {
				return err
			}
		}
		return nil
	})
	of, err := s.VolumesOfGroups(t.Context(), []string{id(50), id(51)})
	if diff := cmp.Diff(map[string][]string{id(50): {older.ID, newer.ID}}, of); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	if none, err := s.VolumesOfGroups(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("of no groups: %v, %v", none, err)
	}
	must(t, s, func(tx block.Tx) error {
		left := *newer
		left.GroupID, left.GroupLegacy = "", false
		if err := tx.SaveVolume(&left); err != nil {
			return err
		}
		members, err := tx.VolumesOfGroup(id(50))
		if diff := cmp.Diff([]*block.Volume{older}, members); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		got, err := tx.VolumeStatusesOf(id(50))
		if diff := cmp.Diff([]block.VolumeStatus{older.Status}, got); diff != "" {
			t.Error(diff)
		}
		return err
	})
}

func testGroupLists(t *testing.T, url string) {
	s, clock := Open(t, url)
	groups := []*block.Group{newGroup(1, clock.Now()), newGroup(2, clock.Now().Add(time.Second)), newGroup(3, clock.Now().Add(2*time.Second))}
	groups[1].Legacy, groups[1].Status, groups[1].SourceGroupID = false, block.GroupCreating, id(1)
	groups[2].ProjectID, groups[2].GroupSnapshotID = other, ""
	must(t, s, func(tx block.Tx) error {
		for i, g := range groups {
			if err := tx.AddGroup(g); err != nil {
				return err
			}
			if err := tx.AddGroupSnapshot(newGroupSnapshot(10+i, clock.Now().Add(time.Duration(i)*time.Second))); err != nil {
				return err
			}
		}
		for name, count := range map[string]struct {
			n    func() (int, error)
			want int
		}{
			"groups of a project":   {func() (int, error) { return tx.CountGroupsOf(project) }, 2},
			"groups of a type":      {func() (int, error) { return tx.CountGroupsOfType(id(500)) }, 3},
			"groups with a type":    {func() (int, error) { return tx.CountGroupsWithVolumeType(id(601)) }, 3},
			"with no such type":     {func() (int, error) { return tx.CountGroupsWithVolumeType(id(602)) }, 0},
			"groups from a group":   {func() (int, error) { return tx.CountGroupsFrom(id(1)) }, 1},
			"groups from another":   {func() (int, error) { return tx.CountGroupsFrom(id(701)) }, 0}, // they are made
			"snapshots of a group":  {func() (int, error) { return tx.CountGroupSnapshotsOf(id(1)) }, 3},
			"snapshots of no group": {func() (int, error) { return tx.CountGroupSnapshotsOf(id(2)) }, 0},
		} {
			if got, err := count.n(); err != nil || got != count.want {
				t.Errorf("%s: got %d, %v, want %d", name, got, err, count.want)
			}
		}
		return nil
	})
	pageOfGroups(t, s, block.List{ProjectID: project}, groups[1], groups[0])
	pageOfGroups(t, s, block.List{Sort: []block.SortKey{{Field: block.FieldGroupSnapshotID}, {Field: block.FieldCreatedAt}}}, groups[2], groups[0], groups[1])
	pageOfGroups(t, s, block.List{Filters: []block.Filter{{Field: block.FieldLegacy, Value: "false"}}}, groups[1])
	pageOfGroups(t, s, block.List{Marker: groups[2].ID, Limit: 1}, groups[1])
	if n, err := s.CountGroups(t.Context(), block.List{ProjectID: project}); err != nil || n != 2 {
		t.Errorf("counted %d, %v", n, err)
	}
	if snaps, err := s.GroupSnapshots(t.Context(), block.List{Limit: 2}); err != nil || len(snaps) != 2 || snaps[0].ID != id(12) {
		t.Errorf("a page of group snapshots: %v, %v", snaps, err)
	}
	if n, err := s.CountGroupSnapshots(t.Context(), block.List{Filters: []block.Filter{{Field: block.FieldGroupID, Value: id(1)}}}); err != nil || n != 3 {
		t.Errorf("counted %d, %v", n, err)
	}
	_, err := s.Groups(t.Context(), block.List{Marker: id(99)})
	wantKind(t, err, block.NotFound, "")
	_, err = s.GroupSnapshots(t.Context(), block.List{Marker: id(99)})
	wantKind(t, err, block.NotFound, "")
}

func pageOfGroups(t *testing.T, s *store.Store, list block.List, want ...*block.Group) {
	t.Helper()
	got, err := s.Groups(t.Context(), list)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%+v: %v: %s", list, err, diff)
	}
}

func testGroupTypeNames(t *testing.T, url string) {
	s, clock := Open(t, url)
	first, second := newGroupType(1, "one", clock.Now()), newGroupType(2, "two", clock.Now().Add(time.Second))
	second.Public = false
	for _, kind := range []*block.GroupType{first, second} {
		must(t, s, func(tx block.Tx) error { return tx.AddGroupType(kind) })
	}
	err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.AddGroupType(newGroupType(3, "one", clock.Now())) })
	wantKind(t, err, block.Conflict, "Group Type one already exists.")
	renamed := *second
	renamed.Name = "one"
	err = s.InTx(t.Context(), func(tx block.Tx) error { return tx.SaveGroupType(&renamed) })
	wantKind(t, err, block.Conflict, "Group Type one already exists.")
	all, err := s.GroupTypes(t.Context(), block.List{})
	if diff := cmp.Diff([]*block.GroupType{second, first}, all); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	n, err := s.CountGroupTypes(t.Context(), block.List{Filters: []block.Filter{{Field: block.FieldPublic, Value: "true"}}})
	if n != 1 || err != nil {
		t.Errorf("counted %d public ones, %v", n, err)
	}
}
