package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/httpapi/cinder"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

const callsFile = "compat/calls.tsv"

// refusal begins the note of a call that is served, by saying why it cannot be meant.
const refusal = "refused: "

// apiCall is one line of compat/calls.tsv: a call of the API, whoever serves it.
type apiCall struct {
	method, path, action, since, source, note string
}

func (c apiCall) String() string {
	return strings.TrimSpace(c.method + " " + c.path + " " + c.action)
}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// key is the call without what a path calls its variables.
func (c apiCall) key() string {
	path := placeholder.ReplaceAllString(c.path, "{}")
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	return c.method + " " + path + " " + c.action
}

func readCalls(name string) ([]apiCall, error) {
	var calls []apiCall
	err := eachLine(name, func(line string) error {
		cells := strings.Split(line, "\t")
		if len(cells) == 5 {
			cells = append(cells, "")
		}
		if len(cells) != 6 || cells[4] == "" {
			return fmt.Errorf("not five or six columns: %q", line)
		}
		calls = append(calls, apiCall{cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]})
		return nil
	})
	return calls, err
}

// served are the rows of the Cinder door on /v3, as calls, and the list of versions.
func served() map[string]wire.Route {
	rows := map[string]wire.Route{}
	for _, row := range cinder.New(nil, nil).Routes() {
		path := row.Path
		switch {
		case row.Versions&wire.V3 != 0 && path == "": // GET /v3 and GET /v3/ are one call
			continue
		case row.Versions == wire.NoVersion && path == "/":
			path = "(root)"
		case row.Versions&wire.V3 == 0:
			continue
		}
		rows[apiCall{method: row.Method, path: path, action: row.Action}.key()] = row
	}
	return rows
}

// missingCalls shows the calls of the API that are not served, or only refused.
// A call that nothing serves and nothing explains fails.
func (p *page) missingCalls() error {
	calls, err := readCalls(callsFile)
	if err != nil {
		return err
	}
	rows := served()
	type line struct{ call, what, source string }
	var lines []line
	refused := 0
	for _, c := range calls {
		_, is := rows[c.key()]
		why, isRefusal := strings.CutPrefix(c.note, refusal)
		switch {
		case is && isRefusal:
			refused++
			lines = append(lines, line{c.String(), "refused: " + why, c.source})
		case !is && c.note == "":
			return fmt.Errorf("%s: nothing serves %s, and its line does not say why", callsFile, c)
		case !is:
			lines = append(lines, line{c.String(), why, c.source})
		}
	}
	p.heading("Calls of the API that are not served")
	p.paragraph(fmt.Sprintf("The Block Storage API v3 has %d calls up to microversion 3.70 (`%s`, with sources). %d are served; "+
		"%d are answered with a refusal that says why; %d are missing:", len(calls), callsFile, len(calls)-len(lines), refused, len(lines)-refused))
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.what, b.what) })
	p.head("call", "why", "known from")
	for _, l := range lines {
		p.row(code(l.call), l.what, l.source)
	}
	return nil
}
