package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/httpapi/cinder"
	"github.com/breezeblock/breezeblock/internal/httpapi/evs"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

const evsCallsFile = "compat/evs-calls.tsv"

// evsCall is one line of compat/evs-calls.tsv.
type evsCall struct {
	version, method, path, action, source, note string
}

func (c evsCall) String() string {
	version := "/" + c.version
	if c.version == "none" {
		version = ""
	}
	return strings.TrimSpace(c.method + " " + version + c.path + " " + c.action)
}

// evsVersions are the versions of a path by their names in the list.
var evsVersions = map[string]wire.Versions{"none": wire.NoVersion, "v1": wire.V1, "v2": wire.V2, "v2.1": wire.V21, "v3": wire.V3, "v5": wire.V5}

func readEVSCalls(name string) ([]evsCall, error) {
	var calls []evsCall
	err := eachLine(name, func(line string) error {
		cells := strings.Split(line, "\t")
		if len(cells) == 5 {
			cells = append(cells, "")
		}
		if len(cells) != 6 || evsVersions[cells[0]] == 0 || cells[4] == "" {
			return fmt.Errorf("not five or six columns: %q", line)
		}
		calls = append(calls, evsCall{cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]})
		return nil
	})
	return calls, err
}

// rowOf finds the row that serves a call. A row without an action serves all that
// are told apart by a word of the body and not by its key.
func rowOf(c evsCall, rows []wire.Route) (wire.Route, bool) {
	if c.path == "/{api_version}" { // v2 and v3 have a row each
		c.version, c.path = "v3", "/"
	}
	path := placeholder.ReplaceAllString(c.path, "{}")
	i := slices.IndexFunc(rows, func(r wire.Route) bool {
		return r.Method == c.method && r.Versions&evsVersions[c.version] != 0 && placeholder.ReplaceAllString(r.Path, "{}") == path &&
			(r.Action == c.action || r.Action == "")
	})
	if i < 0 {
		return wire.Route{}, false
	}
	return rows[i], true
}

func evsRows() []wire.Route {
	return slices.Concat(cinder.New(nil, nil).Routes(), evs.New(nil, nil).Routes())
}

// evsCalls makes docs/evs-calls.md: each call of the EVS API, and whether it is
// served, refused as documented, or missing.
func evsCalls(p *page) error {
	calls, err := readEVSCalls(evsCallsFile)
	if err != nil {
		return err
	}
	p.title("Calls of the EVS API", "`"+evsCallsFile+"` and the route tables",
		"Every call of the EVS reference, in its order, and the row of [routes](routes.md) that serves it.")
	rows := evsRows()
	counts := map[string]int{}
	type line struct{ call, what, source string }
	var lines []line
	for _, c := range calls {
		row, is := rowOf(c, rows)
		what := "missing"
		why, refused := strings.CutPrefix(c.note, refusal)
		switch {
		case is && refused:
			what = "refused: " + why
			counts["refused"]++
		case is:
			what = code(row.Name)
			counts["served"]++
		default:
			counts["missing"]++
		}
		lines = append(lines, line{c.String(), what, c.source})
	}
	p.paragraph(fmt.Sprintf("Of %d calls %d are served, %d are answered with the documented refusal, %d are missing.",
		len(calls), counts["served"], counts["refused"], counts["missing"]))
	p.head("call", "served by", "known from")
	for _, l := range lines {
		p.row(code(l.call), l.what, l.source)
	}
	return nil
}
