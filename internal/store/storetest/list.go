package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
)

func testLists(t *testing.T, fresh func(testing.TB) string) {
	t.Run("pages by marker and offset are slices of the sorted rows", func(t *testing.T) { testPages(t, fresh(t)) })
	t.Run("filters keep what is equal", func(t *testing.T) { testFilters(t, fresh(t)) })
	t.Run("metadata filters take any key as text", func(t *testing.T) { testMetadataFilters(t, fresh(t)) })
	t.Run("a marker that the list cannot hold is not found", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		theirs := NewSnapshot(1, clock.Now())
		theirs.ProjectID = other
		add(t, s, theirs)
		for _, marker := range []string{id(1), id(2), "x' OR 1=1 --"} {
			_, err := s.Snapshots(t.Context(), block.List{ProjectID: project, Marker: marker})
			wantKind(t, err, block.NotFound, "Snapshot "+marker+" could not be found.")
			_, err = s.Volumes(t.Context(), block.List{ProjectID: project, Marker: marker})
			wantKind(t, err, block.NotFound, "Volume "+marker+" could not be found.")
		}
	})
	t.Run("a field that the noun lacks is invalid", func(t *testing.T) {
		s, _ := Open(t, fresh(t))
		for _, list := range []block.List{
			{Sort: []block.SortKey{{Field: block.FieldBootable}}},
			{Sort: []block.SortKey{{Field: "id; DROP TABLE snapshots"}}},
			{Filters: []block.Filter{{Field: block.FieldBootable, Value: "true"}}},
			{Filters: []block.Filter{{Field: block.FieldSize, Value: "big"}}},
		} {
			_, err := s.Snapshots(t.Context(), list)
			wantKind(t, err, block.Invalid, "")
		}
		_, err := s.Volumes(t.Context(), block.List{Filters: []block.Filter{{Field: block.FieldBootable, Value: "1"}}})
		wantKind(t, err, block.Invalid, "")
		_, err = s.CountVolumes(t.Context(), block.List{Filters: []block.Filter{{Field: block.FieldVolumeID}}})
		wantKind(t, err, block.Invalid, "")
	})
	t.Run("a page is bounded", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		snaps := make([]*block.Snapshot, block.MaxPage+5)
		for n := range snaps {
			snaps[n] = NewSnapshot(n, clock.Now())
		}
		add(t, s, snaps...)
		for _, limit := range []int{0, block.MaxPage, block.MaxPage + 1} {
			page, err := s.Snapshots(t.Context(), block.List{Limit: limit})
			if len(page) != block.MaxPage || err != nil {
				t.Errorf("limit %d gave %d rows, %v", limit, len(page), err)
			}
		}
	})
}

// sortFields are what the model below can sort by.
var sortFields = []block.Field{
	block.FieldID, block.FieldName, block.FieldDescription, block.FieldStatus, block.FieldVolumeID,
	block.FieldProjectID, block.FieldSize, block.FieldCreatedAt, block.FieldUpdatedAt,
}

// compare is what block.SortKey says: null is the smallest, text without ASCII case.
func compare(a, b *block.Snapshot, f block.Field) int {
	text := func(a, b block.Text) int {
		if a.Valid != b.Valid {
			if a.Valid {
				return 1
			}
			return -1
		}
		return strings.Compare(lowerASCII(a.Value), lowerASCII(b.Value))
	}
	switch f {
	case block.FieldID:
		return strings.Compare(a.ID, b.ID)
	case block.FieldName:
		return text(a.Name, b.Name)
	case block.FieldDescription:
		return text(a.Description, b.Description)
	case block.FieldStatus:
		return cmp.Compare(a.Status, b.Status)
	case block.FieldVolumeID:
		return strings.Compare(a.VolumeID, b.VolumeID)
	case block.FieldProjectID:
		return strings.Compare(a.ProjectID, b.ProjectID)
	case block.FieldSize:
		return cmp.Compare(a.Size, b.Size)
	case block.FieldCreatedAt:
		return a.CreatedAt.Compare(b.CreatedAt)
	case block.FieldUpdatedAt:
		return a.UpdatedAt.Compare(b.UpdatedAt)
	}
	panic("no model for " + f)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// sorted is the model of a list without paging.
func sorted(all []*block.Snapshot, list block.List) []*block.Snapshot {
	keys := list.Sort
	if len(keys) == 0 {
		keys = []block.SortKey{{Field: block.FieldCreatedAt, Desc: true}}
	}
	keys = append(slices.Clone(keys), block.SortKey{Field: block.FieldID, Desc: keys[len(keys)-1].Desc})
	kept := slices.DeleteFunc(slices.Clone(all), func(s *block.Snapshot) bool {
		return list.ProjectID != "" && s.ProjectID != list.ProjectID
	})
	slices.SortFunc(kept, func(a, b *block.Snapshot) int {
		for _, k := range keys {
			c := compare(a, b, k.Field)
			if k.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return kept
}

// manySnapshots have few different values, so that every key has ties and nulls.
func manySnapshots(t testing.TB, s *store.Store, clock *Clock, random *rand.Rand) []*block.Snapshot {
	names := []block.Text{{}, block.SetText(""), block.SetText("a"), block.SetText("A"), block.SetText("b"), block.SetText("É"), block.SetText("é"), block.SetText("_"), block.SetText("Z")}
	statuses := []block.SnapshotStatus{block.SnapshotAvailable, block.SnapshotError, block.SnapshotCreating}
	all := make([]*block.Snapshot, 120)
	for n := range all {
		snap := NewSnapshot(n, clock.Now().Add(time.Duration(random.IntN(6))*time.Second))
		snap.ProjectID = []string{project, project, other}[random.IntN(3)]
		snap.VolumeID, snap.Size = id(random.IntN(3)), block.Size(random.IntN(4)+1)
		snap.Name, snap.Description = names[random.IntN(len(names))], names[random.IntN(len(names))]
		snap.Status, snap.Metadata = statuses[random.IntN(len(statuses))], map[string]string{}
		all[n] = snap
	}
	add(t, s, all...)
	for range 40 {
		clock.Add(time.Duration(random.IntN(2)) * time.Second)
		snap := all[random.IntN(len(all))]
		must(t, s, func(tx block.Tx) error { return tx.SaveSnapshot(snap) })
	}
	return all
}

func testPages(t *testing.T, url string) {
	s, clock := Open(t, url)
	random := rand.New(rand.NewPCG(1, 2))
	all := manySnapshots(t, s, clock, random)
	for range 150 {
		list := block.List{ProjectID: []string{"", project, other}[random.IntN(3)]}
		for range random.IntN(4) {
			list.Sort = append(list.Sort, block.SortKey{Field: sortFields[random.IntN(len(sortFields))], Desc: random.IntN(2) == 0})
		}
		want := sorted(all, list)
		if n, err := s.CountSnapshots(t.Context(), list); n != len(want) || err != nil {
			t.Fatalf("%+v: counted %d, %v; want %d", list, n, err, len(want))
		}
		list.Limit = 1 + random.IntN(60)
		from := 0
		if at := random.IntN(len(want) + 1); at > 0 {
			list.Marker = want[at-1].ID
			from = at
		}
		if random.IntN(3) == 0 {
			list.Offset = random.IntN(10)
			from = min(from+list.Offset, len(want))
		}
		want = want[from:min(from+list.Limit, len(want))]
		got, err := s.Snapshots(t.Context(), list)
		if err != nil {
			t.Fatalf("%+v: %v", list, err)
		}
		if diff := gocmp.Diff(ids(want), ids(got)); diff != "" {
			t.Fatalf("%+v: %s", list, diff)
		}
	}
}

func ids(snaps []*block.Snapshot) []string {
	all := make([]string, len(snaps))
	for i, s := range snaps {
		all[i] = fmt.Sprintf("%s %q %v %s", s.ID, s.Name.Value, s.Name.Valid, s.Status)
	}
	return all
}

func testFilters(t *testing.T, url string) {
	s, clock := Open(t, url)
	one, two := NewSnapshot(1, clock.Now()), NewSnapshot(2, clock.Now().Add(time.Second))
	two.Name, two.Status, two.Size, two.VolumeID, two.EnterpriseProjectID = block.Text{}, block.SnapshotError, 41, id(50), ""
	add(t, s, one, two)
	for _, tc := range []struct {
		field block.Field
		value string
		want  []*block.Snapshot
	}{
		{block.FieldName, "snap-001", []*block.Snapshot{one}},
		{block.FieldName, "SNAP-001", nil},
		{block.FieldName, "", nil},
		{block.FieldName, "%", nil},
		{block.FieldStatus, "error", []*block.Snapshot{two}},
		{block.FieldSize, "41", []*block.Snapshot{two}},
		{block.FieldVolumeID, id(50), []*block.Snapshot{two}},
		{block.FieldID, id(1), []*block.Snapshot{one}},
		{block.FieldEnterprise, id(11), []*block.Snapshot{one}},
		{block.FieldEnterprise, block.DefaultEnterpriseProject, []*block.Snapshot{two}},
		{block.FieldEnterprise, "", nil},
		{block.FieldUserID, "user-1", []*block.Snapshot{two, one}},
	} {
		list := block.List{ProjectID: project, Filters: []block.Filter{{Field: tc.field, Value: tc.value}}}
		got, err := s.Snapshots(t.Context(), list)
		if diff := gocmp.Diff(ids(tc.want), ids(got)); diff != "" || err != nil {
			t.Errorf("%s=%q: %v %s", tc.field, tc.value, err, diff)
		}
		if n, err := s.CountSnapshots(t.Context(), list); n != len(tc.want) || err != nil {
			t.Errorf("%s=%q: counted %d, %v", tc.field, tc.value, n, err)
		}
	}
	bootable, plain := NewVolume(3, clock.Now()), NewVolume(4, clock.Now())
	plain.Bootable, plain.SnapshotID, plain.EnterpriseProjectID = false, "", ""
	must(t, s, func(tx block.Tx) error {
		if err := tx.AddVolume(bootable); err != nil {
			return err
		}
		return tx.AddVolume(plain)
	})
	for value, want := range map[string]string{id(11): bootable.ID, block.DefaultEnterpriseProject: plain.ID} {
		list := block.List{Filters: []block.Filter{{Field: block.FieldEnterprise, Value: value}}}
		got, err := s.Volumes(t.Context(), list)
		if n, countErr := s.CountVolumes(t.Context(), list); err != nil || countErr != nil || n != 1 || len(got) != 1 || got[0].ID != want {
			t.Errorf("of the enterprise project %s: got %v, %v, counted %d, %v", value, got, err, n, countErr)
		}
	}
	for value, want := range map[string]string{"true": bootable.ID, "false": plain.ID} {
		got, err := s.Volumes(t.Context(), block.List{Filters: []block.Filter{{Field: block.FieldBootable, Value: value}, {Field: block.FieldMultiattach, Value: "true"}}})
		if err != nil || len(got) != 1 || got[0].ID != want {
			t.Errorf("bootable=%s: got %v, %v", value, got, err)
		}
	}
}

func testMetadataFilters(t *testing.T, url string) {
	s, clock := Open(t, url)
	keys := []string{"plain", "1", "0", "$", "$.a", "a.b", `quo"ted`, "it's", "[0]", "#-1", `back\slash`, "Ünï", "new\nline", "", "<&>", "😀"}
	for n, key := range keys {
		snap := NewSnapshot(n, clock.Now())
		snap.Metadata = map[string]string{key: "v" + key, "shared": "yes", "flag": "true"}
		add(t, s, snap)
	}
	for n, key := range keys {
		for _, tc := range []struct {
			items map[string]string
			want  int
		}{
			{map[string]string{key: "v" + key}, 1},
			{map[string]string{key: "v" + key, "shared": "yes"}, 1},
			{map[string]string{key: "v" + key, "shared": "no"}, 0},
			{map[string]string{key: "V" + key}, 0},
		} {
			got, err := s.Snapshots(t.Context(), block.List{Metadata: tc.items})
			if err != nil || len(got) != tc.want || (tc.want == 1 && got[0].ID != id(n)) {
				t.Errorf("%q: got %d rows, %v; want %d", tc.items, len(got), err, tc.want)
			}
		}
	}
	for want, items := range map[int]map[string]string{len(keys): {"flag": "true"}, 0: {"flag": "1"}} {
		if n, err := s.CountSnapshots(t.Context(), block.List{Metadata: items}); n != want || err != nil {
			t.Errorf("%v: counted %d, %v; want %d", items, n, err, want)
		}
	}
}
