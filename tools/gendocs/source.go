package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folder is the parsed Go files of one folder, without tests, in the order of their names.
type folder struct {
	set   *token.FileSet
	files []*ast.File
}

func parseFolder(dir string) (*folder, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	f := &folder{set: token.NewFileSet()}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(f.set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		f.files = append(f.files, file)
	}
	if len(f.files) == 0 {
		return nil, fmt.Errorf("no Go files in %s", dir)
	}
	return f, nil
}

// print writes an expression as it stands in the source.
func (f *folder) print(node ast.Node) string {
	var b bytes.Buffer
	_ = printer.Fprint(&b, f.set, node) // a parsed node always prints
	return b.String()
}

// behind is the comment on the line on which a node ends.
func (f *folder) behind(node ast.Node) string {
	end := f.set.Position(node.End())
	for _, file := range f.files {
		for _, group := range file.Comments {
			if at := f.set.Position(group.Pos()); at.Filename == end.Filename && at.Line == end.Line && at.Offset > end.Offset {
				return commentOf(group)
			}
		}
	}
	return ""
}

// constant is one constant or variable at package level.
type constant struct {
	name    string
	typ     string // as written; empty when inferred
	value   ast.Expr
	comment string // before it, or else behind it
}

// values are the constants or variables of a folder, in order.
func (f *folder) values(kind token.Token) []constant {
	var found []constant
	for _, file := range f.files {
		for _, decl := range file.Decls {
			group, is := decl.(*ast.GenDecl)
			if !is || group.Tok != kind {
				continue
			}
			for _, spec := range group.Specs {
				found = append(found, f.valuesOf(group, spec.(*ast.ValueSpec))...)
			}
		}
	}
	return found
}

func (f *folder) valuesOf(group *ast.GenDecl, spec *ast.ValueSpec) []constant {
	comment := commentOf(spec.Doc, spec.Comment)
	if comment == "" && len(group.Specs) == 1 {
		comment = commentOf(group.Doc)
	}
	var found []constant
	for i, name := range spec.Names {
		c := constant{name: name.Name, comment: comment}
		if spec.Type != nil {
			c.typ = f.print(spec.Type)
		}
		if i < len(spec.Values) {
			c.value = spec.Values[i]
		}
		found = append(found, c)
	}
	return found
}

// commentOf is the text of the first group that has any, on one line.
func commentOf(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			return text
		}
	}
	return ""
}

// about cuts the name from the beginning of a comment: "MaxPage is the …" to "the …".
func about(name, comment string) string {
	for _, begin := range []string{name + " is ", name + " are ", name + ": ", name + " "} {
		if rest, found := strings.CutPrefix(comment, begin); found {
			return rest
		}
	}
	return comment
}

// sources parts a comment into what it says and where that is from.
func sources(comment string) (says, from string) {
	for _, word := range []string{"Source: ", "Assumed: "} {
		if before, after, found := strings.Cut(comment, word); found {
			return strings.TrimSpace(before), strings.TrimSuffix(word, " ") + " " + strings.TrimSpace(after)
		}
	}
	return comment, ""
}

// text is the value of a string literal; ok is false for anything else.
func text(e ast.Expr) (value string, ok bool) {
	literal, is := e.(*ast.BasicLit)
	if !is || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}

// selected is the last name of an identifier or selector: Invalid of block.Invalid.
func selected(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// eachGoFile calls visit for every Go file of the module but tests, by name.
func eachGoFile(visit func(name string) error) error {
	return filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, other := os.Stat(filepath.Join(name, "go.mod"))
			if name != "." && (other == nil || entry.Name()[0] == '.' || entry.Name() == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return visit(name)
	})
}
