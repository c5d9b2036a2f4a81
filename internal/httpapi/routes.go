package httpapi

import (
	"cmp"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// place is one pattern of the mux and the rows behind it: one, or several that
// the body's action tells apart.
type place struct{ rows []wire.Route }

// Rows are all rows of the table, by name; their paths begin with the doors' prefixes.
func (h *Hall) Rows() []wire.Route {
	rows := slices.Clone(h.rows)
	slices.SortStableFunc(rows, func(a, b wire.Route) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// mount registers a door's rows: one pattern for each version and path.
func (h *Hall) mount(m Mount) {
	places := map[string]*place{}
	for _, row := range m.Door.Routes() {
		listed := row
		listed.Path = m.Prefix + row.Path
		h.rows = append(h.rows, listed)
		h.served |= row.Versions &^ wire.NoVersion
		for _, prefix := range prefixesOf(row.Versions) {
			path := m.Prefix + prefix + row.Path
			if row.Permission == wire.Public {
				h.public[path] = append(h.public[path], row.Method)
			}
			pattern := row.Method + " " + path
			if strings.HasSuffix(path, "/") {
				pattern += "{$}"
			}
			if places[pattern] == nil {
				places[pattern] = &place{}
				h.mux.Handle(pattern, places[pattern])
			} else if row.Action == "" {
				panic("two rows claim " + pattern)
			}
			places[pattern].rows = append(places[pattern].rows, row)
		}
	}
}

func prefixesOf(served wire.Versions) []string {
	var prefixes []string
	if served&wire.NoVersion != 0 {
		prefixes = append(prefixes, "")
	}
	for _, v := range versions {
		if served&v.api != 0 {
			prefixes = append(prefixes, v.prefix)
		}
	}
	return prefixes
}

// passage carries an exchange through the mux and keeps what the mux would
// write of its own accord.
type passage struct {
	hall   *Hall
	x      *wire.Exchange
	found  bool
	err    error
	header http.Header
}

// ServeHTTP is called by the mux for the pattern that fits.
func (p *place) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	via := w.(*passage)
	via.found = true
	via.err = via.hall.call(via.x, p)
}

func (v *passage) Header() http.Header {
	if v.header == nil {
		v.header = http.Header{}
	}
	return v.header
}
func (v *passage) Write(p []byte) (int, error) { return len(p), nil }
func (v *passage) WriteHeader(int)             {}

// outcome tells what came of the passage; the mux's own 404 and 405 become refusals.
func (v *passage) outcome() error {
	if v.found {
		return v.err
	}
	if v.header.Get("Allow") != "" {
		return v.hall.errNoMethod(v.x)
	}
	return errNoRoute()
}

// errNoMethod names the methods that have a row at the exchange's path. The mux
// would add HEAD wherever GET is; the table does not.
func (h *Hall) errNoMethod(x *wire.Exchange) error {
	probe := *x.Request
	var methods []string
	for _, method := range []string{"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"} {
		probe.Method = method
		if _, pattern := h.mux.Handler(&probe); strings.HasPrefix(pattern, method+" ") {
			methods = append(methods, method)
		}
	}
	allow := strings.Join(methods, ", ")
	return &wire.Refusal{Reason: wire.NoMethod, Message: "The method is not allowed here; allowed: " + allow + ".", Allow: allow}
}

// row finds the row an exchange means.
func (p *place) row(x *wire.Exchange) (*wire.Route, error) {
	first := &p.rows[0]
	if first.Action == "" {
		return first, nil
	}
	if !x.Body.Given {
		return nil, wire.Refuse(wire.NoAction, "There is no such action: none. Verify the request body and Content-Type header and try again.")
	}
	top, err := x.Top()
	if err == nil {
		for i := range p.rows {
			if p.rows[i].Named(top) {
				return &p.rows[i], nil
			}
		}
	}
	if len(top) != 1 {
		return nil, wire.Refuse(wire.Malformed, "Malformed request body: it must be an object with one key, the action.")
	}
	return nil, wire.Refuse(wire.Malformed, "There is no such action: %.64q. Verify the request body and Content-Type header and try again.", top[0].Name)
}

// options answers OPTIONS as recorded: 200, empty, without a token.
func (h *Hall) options(x *wire.Exchange, _ address) error {
	return x.WriteEmpty(http.StatusOK)
}

// doorOf is the door that words the failures of a path. Where recorded bodies
// are wanted, a version that is not served is nobody's.
func (h *Hall) doorOf(a address) wire.Door {
	best, length := h.config.Mounts[0].Door, -1
	if h.config.Dialect.RecordedBodies && h.served&a.api == 0 && a.api != wire.NoVersion {
		return best
	}
	for _, m := range h.config.Mounts {
		for _, prefix := range m.Faults {
			if len(prefix) > length && (strings.HasPrefix(a.path, prefix) || matches(prefix, a.path)) {
				best, length = m.Door, len(prefix)
			}
		}
	}
	return best
}

// matches tells whether a beginning of paths that has a * stands for the path: such a
// one is the whole path, with any segment in that place.
func matches(pattern, of string) bool {
	ok, err := path.Match(pattern, of)
	return ok && err == nil && strings.Contains(pattern, "*")
}
