package cinder

import (
	"slices"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

func TestTimesAndPartsAreComparedByMicroversion(t *testing.T) {
	const day, later = "2026-01-31T12:00:00.000000", "2026-02-01T00:00:00.500000"
	since := []block.Filter{{Field: block.FieldCreatedAt, Op: block.GreaterOrEqual, Value: day}}
	part := []block.Filter{{Field: block.FieldName, Op: block.Contains, Value: "a"}}
	for _, tc := range []struct {
		query   string
		mv      wire.Microversion
		admin   bool
		want    []block.Filter
		refused string
	}{
		{query: "created_at=gte:2026-01-31T12:00:00Z", mv: 60, want: since},
		{query: "created_at=gte:2026-01-31T12:00:00", mv: 60, want: since},
		{query: "created_at=gte:2026-01-31T14:00:00%2B02:00", mv: 60, want: since},
		{query: "created_at=gte:2026-01-31T14:00:00+02:00", mv: 60, want: since},
		{query: "created_at=gte:2026-01-31+12:00:00", mv: 60, want: since},
		{query: "created_at=gte:2026-01-31T12:00:00,lt:2026-02-01T00:00:00.5", mv: 70,
			want: append(slices.Clone(since), block.Filter{Field: block.FieldCreatedAt, Op: block.Less, Value: later})},
		{query: "updated_at=neq:2026-01-31T12:00", mv: 60, want: []block.Filter{{Field: block.FieldUpdatedAt, Op: block.NotEqual, Value: day}}},
		{query: "created_at=eq:2026-01-31", mv: 60, want: []block.Filter{{Field: block.FieldCreatedAt, Value: "2026-01-31T00:00:00.000000"}}},
		{query: "created_at=after:2026-01-31", mv: 60, refused: "operator"},
		{query: "created_at=2026-01-31", mv: 60, refused: "operator"},
		{query: "created_at=", mv: 60, refused: "operator"},
		{query: "created_at=gt:", mv: 60, refused: "value"},
		{query: "created_at=gt:noon", mv: 60, refused: "value"},
		{query: "created_at=gt:noon", mv: 59}, // known, and without meaning yet
		{query: "created_at=gt:noon", mv: 30}, // unknown, and ignored
		{query: "name~=a", mv: 34, admin: true, want: part},
		{query: "name~=a", mv: 34, refused: "name~"},
		{query: "name~=a", mv: 33, admin: true, refused: "name~"},
	} {
		got, err := read(volumeRules(), wire.V3, tc.mv, tc.query, tc.admin)
		if tc.refused != "" {
			if block.KindOf(err) != block.Invalid || !strings.Contains(block.MessageOf(err), tc.refused) {
				t.Errorf("%s at 3.%d: got %v, want a refusal with %q", tc.query, tc.mv, err, tc.refused)
			}
			continue
		}
		if err != nil || !slices.Equal(got.Filters, tc.want) || got.none {
			t.Errorf("%s at 3.%d: got %+v, %v, want %+v", tc.query, tc.mv, got.Filters, err, tc.want)
		}
	}
}

// The filters that resource_filters tells of are those that the lists take of users.
func TestResourceFiltersAreThoseOfTheLists(t *testing.T) {
	for resource, rules := range map[string]*listRules{"volume": volumeRules(), "snapshot": door().snapshotList, "message": messageRules()} {
		i := slices.IndexFunc(resourceFilters, func(f resourceFilter) bool { return f.Resource == resource })
		var takes []string
		for _, rule := range rules.filters {
			if !rule.admin && !slices.Contains(takes, rule.key) {
				takes = append(takes, rule.key)
			}
		}
		slices.Sort(takes)
		if told := slices.Sorted(slices.Values(resourceFilters[i].Filters)); !slices.Equal(takes, told) {
			t.Errorf("%s: the list takes %v, and %v is told", resource, takes, told)
		}
	}
}
