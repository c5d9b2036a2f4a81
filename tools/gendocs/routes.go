package main

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/httpapi/cinder"
	"github.com/breezeblock/breezeblock/internal/httpapi/evs"
	"github.com/breezeblock/breezeblock/internal/httpapi/image"
	"github.com/breezeblock/breezeblock/internal/httpapi/keystone"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// doors are the doors and the prefix that each is mounted below. Their rows need
// no service to be read.
var doors = []struct {
	title, prefix string
	door          wire.Door
}{
	{"Block storage, the Cinder families", "", cinder.New(nil, nil)},
	{"Block storage, EVS's own calls", "", evs.New(nil, nil)},
	{"Identity (at the root of --identity-listen as well)", "/identity", keystone.New(nil, nil, "/identity")},
	{"The small image face", "/image", image.New(nil, nil)},
}

// routes makes docs/routes.md from the rows of every door.
func routes(p *page) error {
	p.title("Routes", "the `routes.go` of each door in `internal/httpapi`", "Every call that is served. A path not listed here is 404; on a listed path another method is 405 "+
		"(404 in dialect `cinder`).\nPaths stand below the version and the project: `/v3/{project_id}/snapshots`; on `/v3` the project may be left out. "+
		"\"Needs\" is the least role on the token's project.\n`HEAD` is served only where it has a row.")
	for _, d := range doors {
		p.heading(d.title)
		p.head("name", "call", "served at", "needs", "since", "success", "source")
		rows := d.door.Routes()
		slices.SortStableFunc(rows, func(a, b wire.Route) int { return cmp.Compare(a.Name, b.Name) })
		for _, r := range rows {
			call := r.Method + " " + cmp.Or(d.prefix+r.Path, "(the version alone)")
			since := ""
			if r.Since > 0 {
				since = r.Since.String()
			}
			action := ""
			if r.Action != "" {
				action = " with " + code(r.Action)
			}
			p.row(code(r.Name), code(call)+action, versions(r.Versions), r.Permission.String(), since, okText(r.OK), r.Source)
		}
	}
	return nil
}

// versions are the prefixes that serve a row.
func versions(v wire.Versions) string {
	var served []string
	for _, known := range []struct {
		bit  wire.Versions
		text string
	}{{wire.V1, "/v1"}, {wire.V2, "/v2"}, {wire.V21, "/v2.1"}, {wire.V3, "/v3"}, {wire.V5, "/v5"}, {wire.NoVersion, "as written"}} {
		if v&known.bit != 0 {
			served = append(served, known.text)
		}
	}
	return strings.Join(served, ", ")
}

func okText(status int) string {
	return strconv.Itoa(status) + " " + http.StatusText(status)
}
