package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// extensions of ours, and calls that only EVS or the health check has, need no line.
var ownSources = []string{"Breezeblock extension", "EVS "}

// TestRouteTableAndListOfCallsAgree: every call of the API is served from its
// microversion on or named as missing with the reason; nothing served is called
// missing; and every row is a call of the API, or says that it is not.
func TestRouteTableAndListOfCallsAgree(t *testing.T) {
	calls, err := readCalls("../../" + callsFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(calls) < 200 {
		t.Fatalf("the list has %d calls", len(calls))
	}
	rows := served()
	known := map[string]bool{}
	for _, c := range calls {
		if known[c.key()] {
			t.Errorf("%s stands twice in the list", c)
		}
		known[c.key()] = true
		row, is := rows[c.key()]
		since := ""
		if row.Since > 0 {
			since = row.Since.String()
		}
		switch {
		case !is && (c.note == "" || strings.HasPrefix(c.note, refusal)):
			t.Errorf("%s: nothing serves it, and its line has the note %q", c, c.note)
		case is && c.note != "" && !strings.HasPrefix(c.note, refusal):
			t.Errorf("%s is served; its line still says: %s", c, c.note)
		case is && since != c.since:
			t.Errorf("%s is served since %q; the API has it since %q (%s)", c, since, c.since, c.source)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		own := slices.ContainsFunc(ownSources, func(s string) bool { return strings.HasPrefix(rows[key].Source, s) })
		if !known[key] && !own {
			t.Errorf("%s is served (%s, from %s), but it is not in the list of the API's calls", key, rows[key].Name, rows[key].Source)
		}
	}
}

func TestServedFindsRows(t *testing.T) {
	rows := served()
	for key, name := range map[string]string{
		"GET (root) ": "version.list", "GET / ": "version.v3_slash", "PUT /snapshots/{} ": "snapshot.update",
		"POST /volumes/{}/action os-extend": "volume.extend",
	} {
		if rows[key].Name != name {
			t.Errorf("%q is the row %q, want %q", key, rows[key].Name, name)
		}
	}
	for key, row := range rows {
		if row.Versions&wire.V3 == 0 && row.Path != "/" {
			t.Errorf("%s is not served on /v3", key)
		}
	}
}
