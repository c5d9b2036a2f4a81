package suite

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

func listOperations() []Operation {
	var all []Operation
	for _, plural := range []string{"snapshots", "volumes"} {
		noun := plural[:len(plural)-1]
		for name, path := range map[string]string{"list": "/" + plural, "list_details": "/" + plural + "/detail"} {
			all = append(all, Operation{Name: noun + "." + name, Run: func(t T, e *Env) { listed(t, e, plural, path) }})
		}
	}
	slices.SortFunc(all, func(a, b Operation) int { return len(a.Name) - len(b.Name) })
	return all
}

// three makes three named objects, oldest first.
func (e *Env) three(t T, plural string) []string {
	t.Helper()
	var ids []string
	for _, name := range []string{"list-b", "list-a", "list-c"} {
		id := e.holder(t, plural)
		noun := plural[:len(plural)-1]
		status(t, e.do(t, "PUT", e.path("/"+plural+"/"+id), map[string]any{noun: map[string]any{"name": name}}), 200)
		ids = append(ids, id)
	}
	return ids
}

// listed tries paging, order, filters and count of one list.
func listed(t T, e *Env, plural, path string) {
	ids := e.three(t, plural)
	b, a, c := ids[0], ids[1], ids[2]
	page := func(query string, fields ...client.Field) *client.Answer {
		t.Helper()
		answer := e.do(t, "GET", e.path(path+query), nil, fields...)
		status(t, answer, 200)
		return answer
	}
	mine := func(answer *client.Answer) []string {
		return slices.DeleteFunc(idsIn(answer, plural), func(id string) bool { return !slices.Contains(ids, id) })
	}
	for _, tc := range []struct {
		name, query string
		want        []string
	}{
		{"newest first", "", []string{c, a, b}},
		{"oldest first", "?sort=created_at:asc", []string{b, a, c}},
		{"by two keys", "?sort=display_name:asc,created_at:desc", []string{a, b, c}},
		{"by the old way", "?sort_key=created_at&sort_dir=asc", []string{b, a, c}},
		{"one name", "?name=list-a", []string{a}},
		{"no such name", "?name=list-", []string{}},
		{"one status", "?status=available", []string{c, a, b}},
		{"no such status", "?status=error", []string{}},
		{"others' too, for a member", "?all_tenants=1", []string{c, a, b}},
		{"the first two", "?limit=2", []string{c, a}},
		{"after the newest", "?marker=" + c, []string{a, b}},
		{"all but the first", "?offset=1", []string{a, b}},
		{"after one and leaving one", "?marker=" + c + "&offset=1&limit=1", []string{b}},
		{"none", "?limit=0", []string{}},
	} {
		if got := mine(page(tc.query)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %s gave %v, want %v", tc.name, tc.query, got, tc.want)
		}
	}
	e.followed(t, plural, path, ids)
	e.counted(t, path, page)
	e.partsListed(t, path, page)
	e.othersListed(t, plural, path, c)
}

// followed walks the links of a filtered list, one row a page.
func (e *Env) followed(t T, plural, path string, ids []string) {
	t.Helper()
	var got []string
	next := e.path(path + "?limit=1&status=available&sort=created_at:desc")
	for range 1000 {
		a := e.do(t, "GET", next, nil)
		status(t, a, 200)
		got = append(got, idsIn(a, plural)...)
		link := linkOf(t, a, plural+"_links")
		if link == "" {
			break
		}
		next = link
	}
	if once := slices.Compact(slices.Sorted(slices.Values(got))); len(once) != len(got) {
		t.Errorf("a row came twice: %v", got)
	}
	for _, id := range ids {
		if !slices.Contains(got, id) {
			t.Errorf("the links did not lead to %s: %v", id, got)
		}
	}
}

// linkOf is the path of a page's next link; empty when there is none.
func linkOf(t T, a *client.Answer, key string) string {
	t.Helper()
	links, _ := a.Object()[key].([]any)
	if len(links) == 0 {
		return ""
	}
	link, _ := links[0].(map[string]any)
	href, _ := link["href"].(string)
	u, err := url.Parse(href)
	if err != nil || link["rel"] != "next" {
		t.Fatalf("%s: got %v, want a next link", key, links)
	}
	if q := u.Query(); q.Get("marker") == "" || q.Get("limit") != "1" || q.Get("status") != "available" {
		t.Errorf("the next link %s lost part of the query", href)
	}
	return u.RequestURI()
}

// counted checks with_count, which is of microversion 3.45.
func (e *Env) counted(t T, path string, page func(string, ...client.Field) *client.Answer) {
	t.Helper()
	if e.Version != "v3" {
		return
	}
	version := client.Field{"OpenStack-API-Version", "volume 3.45"}
	a := page("?with_count=true&limit=1&name=list-a", version)
	if got := fmt.Sprint(a.Object()["count"]); got != "1" {
		t.Errorf("count: got %s, want 1", got)
	}
	if _, there := page("?with_count=true").Object()["count"]; there {
		t.Errorf("count is there at 3.0")
	}
	bad := e.do(t, "GET", e.path(path+"?with_count=bogus"), nil, version)
	e.fault(t, bad, 400, "badRequest")
	bad = e.do(t, "GET", e.path(path+"?foo=bar"), nil, version)
	e.fault(t, bad, 400, "badRequest")
}

// partsListed checks the filters that look for parts of values. Source: EVS 3.6.
func (e *Env) partsListed(t T, path string, page func(string, ...client.Field) *client.Answer) {
	t.Helper()
	if e.Version != "v3" || !e.evs() || !strings.HasPrefix(path, "/snapshots") {
		return
	}
	version := client.Field{"OpenStack-API-Version", "volume 3.31"}
	all := page("?name=list-a", version)
	one, _ := all.Object()["snapshots"].([]any)
	if len(one) != 1 {
		t.Fatalf("got %s, want one snapshot", all)
	}
	row, _ := one[0].(map[string]any)
	volume, _ := row["volume_id"].(string)
	for query, want := range map[string]int{
		"?name~=ist-a": 1, "?name~=ist-a&status~=vail": 1, "?name~=ist-a&volume_id~=" + volume[3:20]: 1,
		"?name~=ist-zz": 0, "?name~=ist-a&status~=rror": 0, "?name~=ist-a&volume_id~=zz": 0,
	} {
		a := page(query, version)
		status(t, a, 200)
		if got := len(idsIn(a, "snapshots")); got != want {
			t.Errorf("%s: got %d snapshots, want %d", query, got, want)
		}
	}
}

// othersListed checks what other projects and an administrator see.
func (e *Env) othersListed(t T, plural, path, id string) {
	t.Helper()
	if e.Admin == nil {
		return
	}
	a := e.as(t, e.Other, "GET", "/"+e.Version+"/"+e.Other.ProjectID+path+"?all_tenants=1", nil)
	status(t, a, 200)
	if slices.Contains(idsIn(a, plural), id) {
		t.Errorf("another project lists %s", id)
	}
	base := "/" + e.Version + "/" + e.Admin.ProjectID + path
	if a := e.as(t, e.Admin, "GET", base, nil); slices.Contains(idsIn(a, plural), id) {
		t.Errorf("an administrator lists %s without all_tenants", id)
	}
	a = e.as(t, e.Admin, "GET", base+"?all_tenants=1&project_id="+e.Demo.ProjectID, nil)
	status(t, a, 200)
	if !slices.Contains(idsIn(a, plural), id) {
		t.Errorf("an administrator with all_tenants does not list %s: got %s", id, a)
	}
}
