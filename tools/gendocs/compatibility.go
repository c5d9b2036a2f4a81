package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// compatibility makes docs/compatibility.md from the dialects' switches, the
// accepted differences, the clients' counts and every comment that says Assumed.
func compatibility(p *page) error {
	p.title("Compatibility", "`internal/httpapi/wire/dialect.go`, `compat/accepted.json`, `compat/fidelity.tsv`, `compat/calls.tsv`, `compat/gaps.tsv`, the files of `compat/clients` and every `Assumed:` in the code",
		"What differs between the dialects, what differs from recorded Cinder on purpose, and what no source told us. What is served at all: [routes](routes.md).")
	if err := p.clients(); err != nil {
		return err
	}
	if err := p.missingCalls(); err != nil {
		return err
	}
	if err := p.gaps(); err != nil {
		return err
	}
	if err := p.dialects(); err != nil {
		return err
	}
	if err := p.accepted(); err != nil {
		return err
	}
	return p.assumed()
}

// gaps shows what clients may expect and do not find.
func (p *page) gaps() error {
	p.heading("Known gaps")
	p.paragraph("What clients of Cinder, EVS or Glance may expect of a call that is served, and do not find.")
	p.head("where", "what", "instead")
	return eachLine("compat/gaps.tsv", func(line string) error {
		cells := strings.Split(line, "\t")
		if len(cells) == 2 {
			cells = append(cells, "")
		}
		if len(cells) != 3 {
			return fmt.Errorf("not two or three columns: %q", line)
		}
		p.row(cells...)
		return nil
	})
}

// dialects shows each switch with its value in both dialects.
func (p *page) dialects() error {
	f, err := parseFolder("internal/httpapi/wire")
	if err != nil {
		return err
	}
	p.heading("Switches of the dialects")
	p.paragraph("`--dialect evs` (the default) follows the EVS documents, `--dialect cinder` follows recorded Cinder 21.3.1.")
	p.head("switch", "evs", "cinder")
	evs, cinder := reflect.ValueOf(wire.EVS()), reflect.ValueOf(wire.Cinder())
	for _, field := range f.structFields("Dialect") {
		name := field.Names[0].Name
		if name == "Name" {
			continue
		}
		p.row(about(name, commentOf(field.Doc, field.Comment)), switchText(evs.FieldByName(name)), switchText(cinder.FieldByName(name)))
	}
	return nil
}

// structFields are the fields of a struct type.
func (f *folder) structFields(name string) []*ast.Field {
	var fields []*ast.Field
	for _, file := range f.files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, is := n.(*ast.TypeSpec)
			if is && spec.Name.Name == name {
				fields = spec.Type.(*ast.StructType).Fields.List
			}
			return !is
		})
	}
	return fields
}

func switchText(v reflect.Value) string {
	if v.Kind() == reflect.Bool {
		if v.Bool() {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprint(v.Interface())
}

// accepted shows each difference from a recording that is meant.
func (p *page) accepted() error {
	raw, err := os.ReadFile("compat/accepted.json")
	if err != nil {
		return err
	}
	var entries []struct{ Row, Where, At, Reason, Source string }
	if err := json.Unmarshal(raw, &entries); err != nil {
		return fmt.Errorf("compat/accepted.json: %w", err)
	}
	p.heading("Fidelity to the recordings")
	p.paragraph("How each exchange recorded from a real Cinder 21.3.1 (`compat/recordings`) comes out when it is played against a server in dialect `cinder`. " +
		"Waiting are calls that are not built; not taken are rows that the recorder could not run either.")
	p.head("recording", "same", "accepted with a reason", "wrong", "waiting", "not taken")
	err = eachLine("compat/fidelity.tsv", func(line string) error {
		p.row(strings.Split(line, "\t")...)
		return nil
	})
	if err != nil {
		return err
	}
	p.heading("Differences from the recordings that are meant")
	p.paragraph("The rows are those of `compat/recordings`; every other row is answered as recorded, or the tests fail.")
	p.head("row", "where", "why", "decided in")
	for _, e := range entries {
		where := strings.ReplaceAll(e.Where, "|", ", ")
		if e.At != "" {
			where += ": " + e.At
		}
		p.row(code(e.Row), where, e.Reason, e.Source)
	}
	return nil
}

// assumed shows every comment that says what no source told us.
func (p *page) assumed() error {
	p.heading("Not known, and what we assume")
	p.head("where", "what we assume")
	return eachGoFile(func(name string) error {
		if strings.HasPrefix(relative(name), "tools/") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, group := range file.Comments {
			comment := strings.Join(strings.Fields(group.Text()), " ")
			for _, part := range strings.Split(comment, "Assumed: ")[1:] {
				part, _, _ = strings.Cut(part, "Source: ")
				p.row(code(relative(name)), strings.TrimSpace(part))
			}
		}
		return nil
	})
}
