package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// faults makes docs/faults.md from the fault table of each door: every variable
// of a file fault.go below internal/httpapi that maps to composite literals.
func faults(p *page) error {
	p.title("Faults", "the `fault.go` of each door in `internal/httpapi`", "Why did I get this status? Find the kind or reason, then the request id "+
		"(`X-Openstack-Request-Id`) of the answer in the log.\nThe message of an answer names the field and the limit; its words may change.")
	meanings, err := meanings("internal/block", "internal/httpapi/wire", "internal/identity")
	if err != nil {
		return err
	}
	files, err := filepath.Glob("internal/httpapi/*/fault*.go")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, file := range files {
		dir := filepath.ToSlash(filepath.Dir(file))
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if err := p.doorFaults(dir, meanings); err != nil {
			return err
		}
	}
	return nil
}

// doorFaults shows the tables of one door: every map in a variable whose name
// speaks of faults or refusals.
func (p *page) doorFaults(dir string, meanings map[string]string) error {
	door, err := parseFolder(dir)
	if err != nil {
		return err
	}
	p.heading("Door " + filepath.Base(dir))
	for _, v := range door.values(token.VAR) {
		name := strings.ToLower(v.name)
		if !strings.Contains(name, "fault") && !strings.Contains(name, "refusal") {
			continue
		}
		says, from := sources(about(v.name, v.comment))
		says, _, _ = strings.Cut(says, "; docs/faults.md")
		says, _, _ = strings.Cut(says, " docs/faults.md")
		tables := mapsIn(v.value)
		if len(tables) == 0 {
			continue
		}
		p.paragraph(strings.TrimSpace(fmt.Sprintf("`%s` %s. %s", v.name, strings.TrimSuffix(says, "."), from)))
		p.head("when", "status", "answer", "meaning", "remark")
		for _, table := range tables {
			for _, element := range table.Elts {
				entry := element.(*ast.KeyValueExpr)
				status, rest := faultCells(door, entry.Value)
				key := door.print(entry.Key)
				p.row(code(key), status, rest, meanings[key], door.behind(entry))
			}
		}
		p.paragraph("")
	}
	return nil
}

// mapsIn are the composite literals of map type in a value, in order.
func mapsIn(value ast.Expr) []*ast.CompositeLit {
	var found []*ast.CompositeLit
	if value == nil {
		return nil
	}
	ast.Inspect(value, func(n ast.Node) bool {
		literal, is := n.(*ast.CompositeLit)
		if is {
			if _, isMap := literal.Type.(*ast.MapType); isMap {
				found = append(found, literal)
				return false
			}
		}
		return true
	})
	return found
}

// faultCells parts a fault into its status and the rest of what it says.
func faultCells(f *folder, value ast.Expr) (status, rest string) {
	literal, is := value.(*ast.CompositeLit)
	if !is {
		return statusNumber(f.print(value)), ""
	}
	var cells []string
	for _, e := range literal.Elts {
		if pair, is := e.(*ast.KeyValueExpr); is {
			e = pair.Value
		}
		if s, is := text(e); is {
			cells = append(cells, code(s))
			continue
		}
		cells = append(cells, statusNumber(f.print(e)))
	}
	if len(cells) == 0 {
		return "", ""
	}
	return cells[0], strings.Join(cells[1:], ", ")
}

// statusNumber makes http.StatusNotFound 404, and leaves anything else.
func statusNumber(expression string) string {
	name, is := strings.CutPrefix(expression, "http.Status")
	for status := 100; is && status < 600; status++ {
		if strings.ReplaceAll(http.StatusText(status), " ", "") == name {
			return strconv.Itoa(status)
		}
	}
	return expression
}

// statusFirst is a status that begins a comment; the table shows the door's own.
var statusFirst = regexp.MustCompile(`^\d{3},? ?`)

// meanings are the comments of the constants of some packages, as package.Name.
func meanings(dirs ...string) (map[string]string, error) {
	found := map[string]string{}
	for _, dir := range dirs {
		f, err := parseFolder(dir)
		if err != nil {
			return nil, err
		}
		for _, c := range f.values(token.CONST) {
			found[filepath.Base(dir)+"."+c.name] = strings.TrimSuffix(statusFirst.ReplaceAllString(about(c.name, c.comment), ""), ".")
		}
	}
	return found, nil
}
