package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pages are the pages made, by their name in docs/, and what makes each.
var pages = []struct {
	name string
	make func(*page) error
}{
	{"routes.md", routes},
	{"states.md", states},
	{"faults.md", faults},
	{"limits.md", limits},
	{"settings.md", settings},
	{"metrics.md", metrics},
	{"evs-calls.md", evsCalls},
	{"evs-openapi.yaml", openAPI},
	{"evs-errors.md", evsErrors},
	{"compatibility.md", compatibility},
}

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a page is not what would be written")
	flag.Parse()
	if err := generate(*check); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

// generate makes every page below docs/ in the working directory, which is the
// root of the tree.
func generate(check bool) error {
	var stale []string
	for _, p := range pages {
		made := &page{}
		if err := p.make(made); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		path := filepath.Join("docs", p.name)
		there, err := os.ReadFile(path)
		if err == nil && bytes.Equal(there, made.text.Bytes()) {
			continue
		}
		if check {
			stale = append(stale, path)
			continue
		}
		if err := os.WriteFile(path, made.text.Bytes(), 0o644); err != nil {
			return err
		}
		fmt.Println("wrote", path)
	}
	if len(stale) > 0 {
		return fmt.Errorf("not up to date, run make gen: %s", strings.Join(stale, ", "))
	}
	return nil
}

// page is one page being made.
type page struct{ text bytes.Buffer }

// title begins the page and says what it is made from.
func (p *page) title(title, from, intro string) {
	fmt.Fprintf(&p.text, "# %s\n\n*Made by `make gen` from %s. Do not edit.*\n\n%s\n", title, from, intro)
}

func (p *page) heading(text string) { fmt.Fprintf(&p.text, "\n## %s\n\n", text) }

func (p *page) paragraph(text string) { fmt.Fprintf(&p.text, "%s\n\n", text) }

// head begins a table.
func (p *page) head(columns ...string) {
	p.row(columns...)
	fmt.Fprintf(&p.text, "|%s\n", strings.Repeat(" --- |", len(columns)))
}

// row adds a row to a table.
func (p *page) row(cells ...string) {
	p.text.WriteByte('|')
	for _, cell := range cells {
		cell = strings.Join(strings.Fields(cell), " ")
		fmt.Fprintf(&p.text, " %s |", strings.ReplaceAll(cell, "|", `\|`))
	}
	p.text.WriteByte('\n')
}

// code shows text in the type of code; nothing for nothing.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}
