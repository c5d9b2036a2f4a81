package main

import (
	"cmp"
	"go/ast"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// metric is one figure that /metrics shows.
type metric struct{ name, kind, labels, help string }

// metrics makes docs/metrics.md from the options in internal/telemetry and from
// every call of its Gauge and Counter with a name in the source.
func metrics(p *page) error {
	p.title("Metrics", "`internal/telemetry` and the calls of its `Gauge` and `Counter`",
		"`GET /metrics` shows these in Prometheus' text form, beside the usual figures of the Go runtime (`go_…`) and the process (`process_…`).\n"+
			"Times are in seconds.")
	var found []metric
	for _, dir := range []string{"internal/telemetry", "internal/server"} {
		f, err := parseFolder(dir)
		if err != nil {
			return err
		}
		found = append(found, f.metrics()...)
	}
	slices.SortFunc(found, func(a, b metric) int { return cmp.Compare(a.name, b.name) })
	p.heading("Breezeblock's own")
	p.head("name", "kind", "labels", "what it counts")
	for _, m := range found {
		p.row(code(m.name), m.kind, m.labels, m.help)
	}
	return nil
}

// metrics finds New…Vec(…Opts{Name, Help}, labels) and Gauge/Counter(name, help, …).
func (f *folder) metrics() []metric {
	names := map[string]string{}
	for _, c := range f.values(token.CONST) {
		if value, is := text(c.value); is {
			names[c.name] = value
		}
	}
	word := func(e ast.Expr) string {
		if value, is := text(e); is {
			return value
		}
		return names[selected(e)]
	}
	var found []metric
	for _, file := range f.files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is || len(call.Args) < 2 {
				return true
			}
			called := selected(call.Fun)
			kind, isNew := strings.CutPrefix(called, "New")
			options, hasOptions := call.Args[0].(*ast.CompositeLit)
			m := metric{kind: strings.ToLower(strings.TrimSuffix(kind, "Vec"))}
			switch {
			case isNew && hasOptions:
				m.name, m.help = word(field(options, "Name")), word(field(options, "Help"))
				m.labels = labels(call.Args[1])
			case called == "Gauge" || called == "Counter":
				m.name, m.help = word(call.Args[0]), word(call.Args[1])
			}
			if m.name != "" {
				found = append(found, m)
			}
			return true
		})
	}
	return found
}

// field is the value of a key in a composite literal.
func field(literal *ast.CompositeLit, name string) ast.Expr {
	for _, e := range literal.Elts {
		if pair, is := e.(*ast.KeyValueExpr); is && selected(pair.Key) == name {
			return pair.Value
		}
	}
	return &ast.BadExpr{}
}

// labels are the names in a slice of strings.
func labels(e ast.Expr) string {
	slice, is := e.(*ast.CompositeLit)
	if !is {
		return ""
	}
	var names []string
	for _, element := range slice.Elts {
		if name, is := text(element); is {
			names = append(names, code(name))
		}
	}
	return strings.Join(names, ", ")
}

// relative is a file's name below the root, with slashes.
func relative(name string) string { return filepath.ToSlash(filepath.Clean(name)) }
