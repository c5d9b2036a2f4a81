package main

import (
	"go/token"
	"regexp"
	"strings"
)

// limited are the folders whose limits the outside can rely on, and the file of
// each; an empty file means all files of the folder.
var limited = []struct{ title, dir, file string }{
	{"Volumes, snapshots and quotas", "internal/block", "limits.go"},
	{"Requests", "internal/httpapi/wire", ""},
	{"Identity", "internal/identity", "limits.go"},
	{"Drivers", "internal/driver", "check.go"},
}

var isLimit = regexp.MustCompile(`^(Max|Min|Default)[A-Z]`)

// limits makes docs/limits.md from constants and variables whose names begin
// with Max, Min or Default.
func limits(p *page) error {
	p.title("Limits", "`internal/block/limits.go` and the constants beside it", "What a limit is, in which unit, and where it comes from. "+
		"Every answer that a limit causes names the field and the limit.")
	for _, l := range limited {
		f, err := parseFolder(l.dir)
		if err != nil {
			return err
		}
		if l.file != "" {
			f = f.only(l.file)
		}
		p.heading(l.title)
		p.head("limit", "value", "what it bounds", "where it comes from")
		for _, c := range append(f.values(token.CONST), f.values(token.VAR)...) {
			if c.value == nil || !isLimit.MatchString(c.name) {
				continue
			}
			says, from := sources(about(c.name, c.comment))
			p.row(code(c.name), code(shown(f.print(c.value))), says, from)
		}
	}
	return nil
}

// shown makes a value fit a cell.
func shown(value string) string {
	value = strings.Join(strings.Fields(value), " ")
	_, inner, composite := strings.Cut(value, "{ ")
	if !composite {
		return value
	}
	return strings.TrimSuffix(strings.TrimSuffix(inner, " }"), ",")
}

// only keeps the files of one name.
func (f *folder) only(name string) *folder {
	kept := &folder{set: f.set}
	for _, file := range f.files {
		if strings.HasSuffix(f.set.Position(file.Package).Filename, "/"+name) {
			kept.files = append(kept.files, file)
		}
	}
	return kept
}
