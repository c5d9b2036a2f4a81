package cinder_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// shelf is a site with five snapshots of two volumes, made in this order:
// bravo (env: prod, k: 1) and alpha of a, charlie, one without a name and alpha of b.
func shelf(t *testing.T, dialect string) (s *site, a, b string, ids []string) {
	s = newSite(t, dialect)
	a, b = s.volume(`{"size":1,"name":"va"}`), s.volume(`{"size":1,"name":"vb"}`)
	for _, of := range []struct{ volume, rest string }{
		{a, `,"name":"bravo","metadata":{"env":"prod","k":"1"}`}, {a, `,"name":"alpha","metadata":{"env":"test"}`},
		{b, `,"name":"charlie"`}, {b, ``}, {b, `,"name":"alpha"`},
	} {
		ids = append(ids, s.snapshot(of.volume, of.rest))
	}
	return s, a, b, ids
}

func TestSnapshotListsAreNewestFirstAndFiltered(t *testing.T) {
	s, a, b, ids := shelf(t, "cinder")
	for _, tc := range []struct{ query, version, want string }{
		{"", "volume 3.0", "alpha  charlie alpha bravo"},
		{"sort=display_name:asc", "volume 3.0", " alpha alpha bravo charlie"},
		{"sort=name:asc", at70, " alpha alpha bravo charlie"},
		{"sort_key=created_at&sort_dir=asc", at70, "bravo alpha charlie  alpha"},
		{"name=alpha", at70, "alpha alpha"},
		{"name=alpha&volume_id=" + a, at70, "alpha"},
		{"name=alpha&name=bravo", at70, ""},
		{"volume_id=" + b, "volume 3.0", "alpha  charlie"},
		{"status=error", at70, ""},
		{"metadata=" + url.QueryEscape("{'env': 'prod', 'k': '1'}"), at70, "bravo"},
		{"metadata=" + url.QueryEscape("{'env': 'prod'}"), "volume 3.21", "alpha  charlie alpha bravo"},
		{"metadata=garbage", at70, ""},
		{"foo=bar", "volume 3.30", "alpha  charlie alpha bravo"},
		{"offset=3", at70, "alpha bravo"},
		{"offset=100", at70, ""},
		{"limit=0", at70, ""},
		{"marker=" + ids[2], at70, "alpha bravo"},
		{"marker=" + ids[2] + "&offset=1", at70, "bravo"},
		{"limit=2&offset=1", at70, " charlie"},
		{"all_tenants=1", at70, "alpha  charlie alpha bravo"},
	} {
		for _, path := range []string{"/snapshots", "/snapshots/detail"} {
			got := s.do(s.demo, "GET", path+"?"+tc.query, "", tc.version)
			if got.status != 200 || got.names("snapshots") != tc.want {
				t.Errorf("%s?%s at %s: got %d %q, want %q", path, tc.query, tc.version, got.status, got.names("snapshots"), tc.want)
			}
		}
	}
}

func TestSnapshotListRefusesWhatItCannotRead(t *testing.T) {
	s := newSite(t, "cinder")
	for _, tc := range []struct {
		query, version string
		status         int
		has            string
	}{
		{"foo=bar", "volume 3.31", 400, "Invalid filters foo"},
		{"name~=a", at70, 400, "Invalid filters name~"},
		{"with_count=true", "volume 3.44", 400, "Invalid filters with_count"},
		{"with_count=bogus", "volume 3.45", 400, "not a boolean"},
		{"limit=-1", at70, 400, "limit"},
		{"limit=", at70, 400, "limit"},
		{"limit=1.5", at70, 400, "limit"},
		{"offset=9223372036854775808", at70, 400, "offset"},
		{"marker=", at70, 404, "could not be found"},
		{"marker=abc", at70, 404, "could not be found"},
		{"marker=00000000-0000-0000-0000-000000000001", at70, 404, "could not be found"},
		{"sort=bogus", at70, 400, "sort key"},
		{"sort=created_at&sort_key=created_at", at70, 400, "sort"},
		{"name=%ff", at70, 400, "UTF-8"},
	} {
		s.want(s.do(s.demo, "GET", "/snapshots?"+tc.query, "", tc.version), tc.status, tc.has)
	}
}

func TestSnapshotPagesLeadToTheEnd(t *testing.T) {
	s, _, _, _ := shelf(t, "cinder")
	for _, path := range []string{"/snapshots?limit=2", "/snapshots/detail?limit=2&sort=name:asc", "/snapshots?name=alpha&limit=1"} {
		all := s.do(s.demo, "GET", strings.NewReplacer("limit=2", "", "limit=1", "").Replace(path), "", at70).names("snapshots")
		var pages []string
		next := s.URL + "/v3/" + s.demo.project + path
		for range 9 { // bounded: a link that leads round would never end
			page := s.send(s.demo, "GET", next, "", at70)
			if items, _ := page.at("snapshots").([]any); len(items) > 0 {
				pages = append(pages, page.names("snapshots"))
			}
			links, _ := page.at("snapshots_links").([]any)
			if len(links) == 0 {
				break
			}
			next = links[0].(map[string]any)["href"].(string)
		}
		if got := strings.Join(pages, " "); got != all || len(pages) < 2 {
			t.Errorf("%s: got %q in %d pages, want %q", path, got, len(pages), all)
		}
	}
}

func TestSnapshotListCounts(t *testing.T) {
	s, _, _, ids := shelf(t, "cinder")
	for query, want := range map[string]string{
		"with_count=true": `"count":5`, "with_count=1&limit=2": `"count":5`, "with_count=true&name=alpha": `"count":2`,
		"with_count=true&marker=" + ids[1]: `"count":5`, "with_count=true&offset=4": `"count":5`, "with_count=true&limit=0": `"count":5`,
	} {
		s.want(s.do(s.demo, "GET", "/snapshots?"+query, "", "volume 3.45"), 200, want)
	}
	for _, quiet := range []string{"volume 3.0", "volume 3.30"} {
		if a := s.do(s.demo, "GET", "/snapshots?with_count=true", "", quiet); a.status != 200 || a.at("count") != nil {
			t.Errorf("at %s: got %d %s, want no count", quiet, a.status, a.body)
		}
	}
}

func TestOnlyAdministratorsListAllProjects(t *testing.T) {
	s, _, b, _ := shelf(t, "cinder")
	for query, want := range map[string]string{
		"":                                   "",
		"all_tenants=0":                      "",
		"all_tenants=1&volume_id=" + b:       "alpha  charlie",
		"all_tenants=1&project_id={demo}":    "alpha  charlie alpha bravo",
		"all_tenants=1&project_id=" + "none": "",
	} {
		query = strings.ReplaceAll(query, "{demo}", s.demo.project)
		if a := s.do(s.admin, "GET", "/snapshots?"+query, ""); a.status != 200 || a.names("snapshots") != want {
			t.Errorf("%s: got %d %q, want %q", query, a.status, a.names("snapshots"), want)
		}
	}
	s.want(s.do(s.admin, "GET", "/snapshots?all_tenants=maybe", ""), 400, "all_tenants")
}

func TestSnapshotListItemsHaveNineFieldsAndDetailsAll(t *testing.T) {
	s, _, _, _ := shelf(t, "cinder")
	fields := func(path, version string) int {
		items := s.do(s.demo, "GET", path, "", version).at("snapshots").([]any)
		return len(items[0].(map[string]any))
	}
	for _, tc := range []struct {
		path, version string
		want          int
	}{
		{"/snapshots", "volume 3.0", 9}, {"/snapshots", at70, 9},
		{"/snapshots/detail", "volume 3.0", 11}, {"/snapshots/detail", "volume 3.14", 12}, {"/snapshots/detail", at70, 14},
	} {
		if got := fields(tc.path, tc.version); got != tc.want {
			t.Errorf("%s at %s: got %d fields, want %d", tc.path, tc.version, got, tc.want)
		}
	}
}

func TestSnapshotListsOfV2(t *testing.T) {
	s, a, _, _ := shelf(t, "evs")
	for query, want := range map[string]string{
		"": "alpha  charlie alpha bravo", "foo=bar": "alpha  charlie alpha bravo", "sort_key=name&sort_dir=asc": " alpha alpha bravo charlie",
		"availability_zone=az1&volume_id=" + a: "alpha bravo", "availability_zone=elsewhere": "", "with_count=true": "alpha  charlie alpha bravo",
	} {
		got := s.do(s.demo, "GET", "/v2/{p}/snapshots/detail?"+query, "")
		if got.status != 200 || got.names("snapshots") != want || got.at("count") != nil {
			t.Errorf("%s: got %d %q, want %q", query, got.status, got.names("snapshots"), want)
		}
	}
	link := s.do(s.demo, "GET", "/v2/{p}/snapshots?limit=5", "").at("snapshots_links")
	if want := fmt.Sprintf("%s/v2/%s/snapshots?limit=5&marker=", s.URL, s.demo.project); !strings.Contains(fmt.Sprint(link), want) {
		t.Errorf("got %v, want a link to %s", link, want)
	}
}
