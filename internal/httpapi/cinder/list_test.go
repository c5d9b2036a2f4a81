package cinder

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// read reads a list's query as the handlers do.
func read(rules *listRules, api wire.Versions, mv wire.Microversion, query string, admin bool) (listQuery, error) {
	x, _ := exchange(wire.Cinder(), api, mv, "/list?"+query)
	values, err := queryOf(x)
	if err != nil {
		return listQuery{}, err
	}
	return readList(x, values, rules, admin)
}

// door makes a door that is asked about nothing but its zone.
func door() *API { return New(block.NewService(nil, nil, block.Parts{Zone: "az1"}), quiet()) }

func TestSnapshotFiltersByMicroversion(t *testing.T) {
	a := door()
	name := []block.Filter{{Field: block.FieldName, Value: "alpha"}}
	for _, tc := range []struct {
		query   string
		api     wire.Versions
		mv      wire.Microversion
		admin   bool
		want    []block.Filter
		none    bool
		refused string
	}{
		{query: "name=alpha", api: wire.V3, mv: 0, want: name},
		{query: "name=alpha", api: wire.V3, mv: 70, want: name},
		{query: "name=alpha", api: wire.V2, want: name},
		{query: "name=alpha&name=bravo", api: wire.V3, mv: 70, want: name, none: true},
		{query: "foo=bar", api: wire.V3, mv: 30},
		{query: "foo=bar", api: wire.V2},
		{query: "foo=bar", api: wire.V3, mv: 31, refused: "Invalid filters foo are found in query options."},
		{query: "foo=bar&id=x&bar=x", api: wire.V3, mv: 31, refused: "Invalid filters bar, foo, id are found in query options."},
		{query: "name~=a", api: wire.V3, mv: 30},
		{query: "name~=a", api: wire.V3, mv: 34, refused: "name~"},
		{query: "project_id=x", api: wire.V3, mv: 0},
		{query: "project_id=x", api: wire.V3, mv: 31, refused: "project_id"},
		{query: "project_id=x", api: wire.V3, mv: 31, admin: true, want: []block.Filter{{Field: block.FieldProjectID, Value: "x"}}},
		{query: "project_id=x", api: wire.V2, admin: true, want: []block.Filter{{Field: block.FieldProjectID, Value: "x"}}},
		{query: "consumes_quota=false", api: wire.V3, mv: 70, want: []block.Filter{{Field: block.FieldOrigin, Value: "backup"}}},
		{query: "consumes_quota=true", api: wire.V3, mv: 70, want: []block.Filter{{Field: block.FieldOrigin, Value: "user"}}},
		{query: "consumes_quota=x", api: wire.V3, mv: 70, refused: "not a boolean"},
		{query: "consumes_quota=false", api: wire.V3, mv: 64, refused: "consumes_quota"},
		{query: "availability_zone=az1", api: wire.V2},
		{query: "availability_zone=az2", api: wire.V2, none: true},
		{query: "availability_zone=az2", api: wire.V3, mv: 30},
		{query: "metadata=garbage", api: wire.V3, mv: 21},
		{query: "metadata=garbage", api: wire.V3, mv: 22, none: true},
		{query: "metadata=garbage", api: wire.V2},
		{query: "with_count=true", api: wire.V3, mv: 0},
		{query: "with_count=true", api: wire.V3, mv: 31, refused: "with_count"},
		{query: "with_count=true", api: wire.V3, mv: 44, refused: "with_count"},
		{query: "with_count=bogus", api: wire.V3, mv: 45, refused: "not a boolean"},
		{query: "with_count=", api: wire.V3, mv: 45, refused: "not a boolean"},
		{query: "all_tenants=x", api: wire.V3, mv: 70},
		{query: "all_tenants=x", api: wire.V3, mv: 70, admin: true, refused: "not a boolean"},
		{query: "name=%00", api: wire.V3, mv: 70, none: true},
		{query: "name=%ff", api: wire.V3, mv: 70, refused: "UTF-8"},
		{query: "%ff=x", api: wire.V3, mv: 0, refused: "UTF-8"},
		{query: "name=%zz", api: wire.V3, mv: 0, refused: "encoded"},
	} {
		q, err := read(a.snapshotList, tc.api, tc.mv, tc.query, tc.admin)
		at := fmt.Sprintf("%s at %d/3.%d admin %v", tc.query, tc.api, tc.mv, tc.admin)
		if tc.refused != "" {
			if block.KindOf(err) != block.Invalid || !strings.Contains(err.Error(), tc.refused) {
				t.Errorf("%s: got %v, want it refused with %q", at, err, tc.refused)
			}
			continue
		}
		if err != nil || !slices.Equal(q.Filters, tc.want) || q.none != tc.none {
			t.Errorf("%s: got %v none %v, %v; want %v none %v", at, q.Filters, q.none, err, tc.want, tc.none)
		}
	}
}

// Lists that had no pages once do not look at what a client of that time sends.
func TestListsHavePagesSinceTheirMicroversion(t *testing.T) {
	for _, tc := range []struct {
		noun  string
		rules *listRules
		since wire.Microversion
	}{{"messages", messageRules(), 5}, {"group snapshots", groupSnapshotRules(), 29}} {
		if q, err := read(tc.rules, wire.V3, tc.since-1, "limit=-1&sort=colour&x=y&marker=m", false); err != nil || q.marked || len(q.Sort) != 0 {
			t.Errorf("%s before 3.%d: %+v, %v", tc.noun, tc.since, q, err)
		}
		if _, err := read(tc.rules, wire.V3, tc.since, "limit=-1", false); block.KindOf(err) != block.Invalid {
			t.Errorf("%s from 3.%d: got %v", tc.noun, tc.since, err)
		}
	}
	if _, err := read(lenient(groupSnapshotRules()), wire.V3, 0, "limit=-1", false); block.KindOf(err) != block.Invalid {
		t.Errorf("the older call always had pages: got %v", err)
	}
}

// What only administrators filter by is unknown to everybody else.
func TestFiltersOfAdministratorsAreUnknownToOthers(t *testing.T) {
	for noun, rules := range map[string]*listRules{
		"volumes": volumeRules(), "snapshots": door().snapshotList, "backups": backupRules(), "attachments": attachmentRules(), "groups": groupRules(),
	} {
		for _, key := range []string{"project_id", "user_id", "name~"} {
			rule := rules.find(&wire.Exchange{API: wire.V3, Version: 70, Dialect: &wire.Dialect{}}, key, true)
			if rule == nil {
				continue
			}
			if _, err := read(rules, wire.V3, 70, key+"=x", false); block.KindOf(err) != block.Invalid {
				t.Errorf("%s by %s: a member gets %v, want Invalid", noun, key, err)
			}
		}
	}
}

func TestMetadataFilterMeansAllItems(t *testing.T) {
	a := door()
	filter := func(text ...string) string { return url.Values{"metadata": text}.Encode() }
	q, err := read(a.snapshotList, wire.V3, 22, filter("{'env': 'prod', 'k': '1'}", "{'x': 'y'}"), false)
	if want := map[string]string{"env": "prod", "k": "1", "x": "y"}; err != nil || q.none || !maps.Equal(q.Metadata, want) {
		t.Errorf("got %v none %v, %v; want %v", q.Metadata, q.none, err, want)
	}
	if q, err = read(a.snapshotList, wire.V3, 22, filter("{'k': '1'}", "{'k': '2'}"), false); err != nil || !q.none {
		t.Errorf("two values of one key: got none %v, %v; want nothing to match", q.none, err)
	}
	var many strings.Builder
	for i := range maxFilterItems + 1 {
		fmt.Fprintf(&many, "'k%d': 'v',", i)
	}
	if _, err = read(a.snapshotList, wire.V3, 22, filter("{"+many.String()+"}"), false); block.KindOf(err) != block.Invalid {
		t.Errorf("%d items: got %v, want them refused", maxFilterItems+1, err)
	}
}

func TestSortKeysByMicroversion(t *testing.T) {
	a := door()
	asc := func(fields ...block.Field) (keys []block.SortKey) {
		for _, f := range fields {
			keys = append(keys, block.SortKey{Field: f})
		}
		return keys
	}
	for _, tc := range []struct {
		query string
		api   wire.Versions
		mv    wire.Microversion
		want  []block.SortKey
		bad   bool
	}{
		{query: "", api: wire.V3},
		{query: "sort=name:asc", api: wire.V3, mv: 29, bad: true},
		{query: "sort=name:asc", api: wire.V3, mv: 30, want: asc(block.FieldName, block.FieldCreatedAt)},
		{query: "sort=name:asc", api: wire.V2, want: asc(block.FieldName, block.FieldCreatedAt)},
		{query: "sort=display_name:asc", api: wire.V3, mv: 0, want: asc(block.FieldName, block.FieldCreatedAt)},
		{query: "sort_dir=asc", api: wire.V3, mv: 70, want: asc(block.FieldCreatedAt)},
		{query: "sort=id:asc", api: wire.V3, mv: 70, want: asc(block.FieldID)},
		{query: "sort=deleted:asc", api: wire.V3, mv: 70, want: asc(block.FieldCreatedAt)},
		{query: "sort=status:asc,name:desc", api: wire.V3, mv: 70, want: []block.SortKey{
			{Field: block.FieldStatus}, {Field: block.FieldName, Desc: true}, {Field: block.FieldCreatedAt}}},
		{query: "sort=size", api: wire.V3, mv: 70, bad: true},
		{query: "sort=metadata", api: wire.V3, mv: 70, bad: true},
		{query: "sort=description", api: wire.V3, mv: 70, bad: true},
		{query: "sort=created_at:ASC", api: wire.V3, mv: 70, bad: true},
		{query: "sort=", api: wire.V3, mv: 70, bad: true},
	} {
		q, err := read(a.snapshotList, tc.api, tc.mv, tc.query, false)
		if bad := err != nil; bad != tc.bad || (!bad && !slices.Equal(q.Sort, tc.want)) {
			t.Errorf("%q at 3.%d: got %v, %v; want %v, bad %v", tc.query, tc.mv, q.Sort, err, tc.want, tc.bad)
		}
	}
}

func TestVolumeFilters(t *testing.T) {
	rules := volumeRules()
	for _, tc := range []struct {
		query string
		mv    wire.Microversion
		want  []block.Filter
		none  bool
		bad   bool
	}{
		{query: "bootable=True", want: []block.Filter{{Field: block.FieldBootable, Value: "true"}}},
		{query: "bootable=maybe", bad: true},
		{query: "availability_zone=az1", want: []block.Filter{{Field: block.FieldAvailabilityZone, Value: "az1"}}},
		{query: "size=007", mv: 31, want: []block.Filter{{Field: block.FieldSize, Value: "7"}}},
		{query: "size=abc", mv: 31, none: true},
		{query: "size=abc", mv: 30},
		{query: "group_id=x", mv: 31, want: []block.Filter{{Field: block.FieldGroupID, Value: "x"}}},
		{query: "metadata=garbage", none: true},
		{query: "multiattach=true", mv: 30},
		{query: "multiattach=true", mv: 31, bad: true},
		{query: "deleted_at=gt:2000-01-01T00:00:00", mv: 70, bad: true},
	} {
		q, err := read(rules, wire.V3, tc.mv, tc.query, false)
		if bad := err != nil; bad != tc.bad || (!bad && (!slices.Equal(q.Filters, tc.want) || q.none != tc.none)) {
			t.Errorf("%q at 3.%d: got %v none %v, %v", tc.query, tc.mv, q.Filters, q.none, err)
		}
	}
}
