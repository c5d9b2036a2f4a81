package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// noun is one table of moves and how its constants begin.
type noun struct{ title, table, prefix string }

var nouns = []noun{
	{"Snapshot", "snapshotMoves", "Snapshot"},
	{"Volume", "volumeMoves", "Volume"},
	{"Image", "imageMoves", "Image"},
	{"Group", "groupMoves", "Group"},
	{"Group snapshot", "groupSnapshotMoves", "GroupSnapshot"},
	{"Attachment", "attachmentMoves", "Attachment"},
	{"Backup", "backupMoves", "Backup"},
}

// states makes docs/states.md from the tables of moves in internal/block, and
// finds in the same source which function makes each move.
func states(p *page) error {
	heart, err := parseFolder("internal/block")
	if err != nil {
		return err
	}
	p.title("States", "the tables of moves in `internal/block`", "A status changes only along these arrows, "+
		"in the transaction that queues the work or ends it. `os-reset_status` is the one way round them, for administrators only.\n"+
		"Each is made by a function of `internal/block`; those named run… and giveUp… are jobs.")
	texts := map[string]string{}
	for _, c := range heart.values(token.CONST) {
		if value, is := text(c.value); is && strings.HasSuffix(c.typ, "Status") {
			texts[c.name] = value
		}
	}
	movers := heart.movers()
	for _, n := range nouns {
		table := heart.table(n.table)
		if table == nil {
			return fmt.Errorf("internal/block has no table %s", n.table)
		}
		p.heading(n.title)
		p.graph(table, texts)
		p.head("from", "may become")
		into := map[string]bool{}
		for _, element := range table.Elts {
			move := element.(*ast.KeyValueExpr)
			var next []string
			for _, to := range move.Value.(*ast.CompositeLit).Elts {
				next = append(next, code(texts[selected(to)]))
				into[selected(to)] = true
			}
			p.row(code(texts[selected(move.Key)]), strings.Join(next, ", "))
		}
		p.paragraph("")
		p.head("moved into", "by")
		for _, c := range heart.values(token.CONST) {
			if into[c.name] {
				p.row(code(texts[c.name]), strings.Join(movers[c.name], ", "))
			}
		}
		var outside []string
		for _, c := range heart.values(token.CONST) {
			if c.typ == n.prefix+"Status" && !appears(table, c.name) {
				outside = append(outside, code(texts[c.name]))
			}
		}
		if len(outside) > 0 {
			p.paragraph("\nOnly `os-reset_status` leads to: " + strings.Join(outside, ", ") + ".")
		}
	}
	return nil
}

// graph draws a table of moves.
func (p *page) graph(table *ast.CompositeLit, texts map[string]string) {
	p.text.WriteString("```mermaid\nstateDiagram-v2\n")
	for _, element := range table.Elts {
		move := element.(*ast.KeyValueExpr)
		for _, to := range move.Value.(*ast.CompositeLit).Elts {
			from, next := texts[selected(move.Key)], texts[selected(to)]
			if next == "deleted" {
				next = "[*]"
			}
			fmt.Fprintf(&p.text, "    %s --> %s\n", stateName(from), stateName(next))
		}
	}
	p.text.WriteString("```\n\n")
}

// stateName makes a status a name that a diagram takes.
func stateName(status string) string { return strings.ReplaceAll(status, "-", "_") }

// table finds a variable that is a composite literal.
func (f *folder) table(name string) *ast.CompositeLit {
	for _, v := range f.values(token.VAR) {
		if literal, is := v.value.(*ast.CompositeLit); is && v.name == name {
			return literal
		}
	}
	return nil
}

// appears tells whether a name is used anywhere below a node.
func appears(node ast.Node, name string) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		if ident, is := n.(*ast.Ident); is && ident.Name == name {
			found = true
		}
		return !found
	})
	return found
}

// movers are, for each status constant, the functions that name it as the
// argument of moveTo or of a function whose name begins with giveUp.
func (f *folder) movers() map[string][]string {
	found := map[string][]string{}
	note := func(status, function string) {
		if status != "" && !slices.Contains(found[status], function) {
			found[status] = append(found[status], function)
		}
	}
	for _, file := range f.files {
		for _, decl := range file.Decls {
			function, is := decl.(*ast.FuncDecl)
			if !is {
				continue
			}
			ast.Inspect(function, func(n ast.Node) bool {
				call, is := n.(*ast.CallExpr)
				if !is || len(call.Args) == 0 {
					return true
				}
				called := selected(call.Fun)
				switch {
				case called == "moveTo":
					note(selected(call.Args[0]), function.Name.Name)
				case strings.HasPrefix(called, "giveUp"):
					note(selected(call.Args[0]), called)
				}
				return true
			})
		}
	}
	return found
}
