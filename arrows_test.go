package breezeblock_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/breezeblock/breezeblock"

// row says what one package may import. A name that ends in /... means everything
// below it as well; "all" means every package of ours. The standard library is
// open but for what not names.
type row struct {
	to      string // packages of ours
	modules string // modules of others
	tests   string // what its test files may import besides, ours and others'
	not     string // packages of the standard library that it must not know
}

const (
	noOutside = "net/http database/sql" // for rooms that know neither the wire nor SQL
	door      = "internal/httpapi/wire internal/block internal/identity"
	whole     = "internal/testserver internal/driver internal/driver/fake" // tests that enter by HTTP
	jsonv2    = "github.com/go-json-experiment/json"
	testTools = "github.com/google/go-cmp pgregory.net/rapid go.uber.org/goleak"
)

// arrows are all there are: everything points at block or at a contract beneath
// it. ARCHITECTURE.md draws them. A package without a row fails this test.
var arrows = map[string]row{
	"":                {},
	"cmd/breezeblock": {to: "internal/server internal/config compat/suite compat/client", modules: "github.com/spf13/cobra github.com/spf13/pflag", tests: "internal/testserver internal/store"},

	"internal/server":     {to: "all", modules: "golang.org/x/sys", tests: jsonv2},
	"internal/testserver": {to: "internal/server internal/config internal/identity internal/driver internal/driver/fake"},

	"internal/httpapi":          {to: "internal/httpapi/... internal/identity", modules: jsonv2, tests: "internal/block"},
	"internal/httpapi/wire":     {to: "internal/block internal/identity", modules: jsonv2},
	"internal/httpapi/cinder":   {to: door, modules: jsonv2, tests: whole},
	"internal/httpapi/evs":      {to: door, modules: jsonv2, tests: whole},
	"internal/httpapi/gateway":  {to: "internal/httpapi/wire internal/identity", tests: "internal/block"},
	"internal/httpapi/image":    {to: door, modules: jsonv2, tests: whole},
	"internal/httpapi/keystone": {to: door, modules: jsonv2, tests: whole + " internal/httpapi internal/identity/fake"},

	"internal/block":         {to: "internal/driver internal/jobs internal/crash internal/backup", not: noOutside + " os", tests: "internal/driver/fake internal/store internal/store/storetest internal/backup/backuptest"},
	"internal/jobs":          {to: "internal/crash", not: noOutside},
	"internal/crash":         {not: noOutside},
	"internal/identity":      {modules: "github.com/fernet/fernet-go golang.org/x/crypto golang.org/x/time", not: noOutside, tests: "internal/identity/fake"},
	"internal/identity/fake": {to: "internal/identity", not: noOutside},

	"internal/store":           {to: "internal/block internal/identity internal/jobs internal/crash", modules: "modernc.org/sqlite modernc.org/libc github.com/jackc/pgx/v5 github.com/pressly/goose/v3 golang.org/x/sys", not: "net/http", tests: "internal/store/storetest"},
	"internal/store/storetest": {to: "internal/store internal/block internal/identity internal/jobs", modules: testTools + " github.com/jackc/pgx/v5", not: "net/http"},

	"internal/backup":            {modules: "github.com/klauspost/compress", not: noOutside, tests: "internal/backup/backuptest"},
	"internal/backup/backuptest": {to: "internal/backup", not: noOutside},

	"internal/driver":            {not: noOutside},
	"internal/driver/drivertest": {to: "internal/driver", modules: testTools, not: noOutside},
	"internal/driver/fake":       {to: "internal/driver", not: noOutside, tests: "internal/driver/drivertest"},
	"internal/driver/layers":     {to: "internal/driver internal/crash", modules: "golang.org/x/sys", not: noOutside, tests: "internal/driver/drivertest"},

	"internal/nbd": {to: "internal/driver", not: noOutside, tests: "internal/driver/fake internal/driver/layers"},

	"internal/config":    {modules: "github.com/pelletier/go-toml/v2"},
	"internal/telemetry": {modules: "github.com/prometheus/client_golang " + jsonv2},

	"internal/proof": {tests: "internal/... github.com/anishathalye/porcupine"},

	"compat":        {tests: "compat/client compat/replay compat/suite internal/testserver github.com/getkin/kin-openapi"},
	"compat/client": {},
	"compat/replay": {to: "compat/client"},
	"compat/suite":  {to: "compat/client"},

	"tools/bench":   {to: "all", modules: "golang.org/x/sys"},
	"tools/gendocs": {to: "all", modules: "github.com/oasdiff/yaml", tests: "github.com/getkin/kin-openapi"},
}

// source is one Go file and what it imports.
type source struct {
	file    string
	test    bool
	imports []string
	inits   bool // declares func init
}

// pkg is the folder of a file, "" for the root.
func (s source) pkg() string {
	if dir := path.Dir(s.file); dir != "." {
		return dir
	}
	return ""
}

func TestEveryImportFollowsTheArrows(t *testing.T) {
	sources := readTree(t, ".")
	for _, breach := range breaches(arrows, sources) {
		t.Error(breach)
	}
	for pkg := range arrows {
		if !slices.ContainsFunc(sources, func(s source) bool { return s.pkg() == pkg }) {
			t.Errorf("the table has a row for %s, which is not there", pkg)
		}
	}
}

func TestNothingRunsOnImport(t *testing.T) {
	for _, s := range readTree(t, ".") {
		if s.inits {
			t.Errorf("%s declares init: only internal/server builds and joins things", s.file)
		}
	}
}

func TestEveryPackageSaysInAtMostFifteenLinesWhatLivesInIt(t *testing.T) {
	for pkg := range arrows {
		if pkg == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(filepath.FromSlash(pkg), "doc.go"))
		if err != nil && strings.HasPrefix(pkg, "cmd/") {
			text, err = os.ReadFile(filepath.Join(filepath.FromSlash(pkg), "main.go"))
		}
		if err != nil {
			t.Errorf("%s has no doc.go", pkg)
			continue
		}
		comment, _, _ := strings.Cut(string(text), "\npackage ")
		if lines := strings.Count(comment, "\n") + 1; lines > 15 {
			t.Errorf("%s/doc.go has %d lines of comment; 15 at most", pkg, lines)
		}
	}
}

// The test of the test: each file breaks one rule, or none.
func TestForbiddenImportsAreFound(t *testing.T) {
	for _, tc := range []struct {
		name, file, imports string
		breach              string // empty: allowed
	}{
		{"the heart knows no SQL", "internal/block/x.go", "database/sql", "must not know"},
		{"the heart knows no door", "internal/block/x.go", module + "/internal/httpapi/cinder", "no arrow"},
		{"doors do not know each other", "internal/httpapi/evs/x.go", module + "/internal/httpapi/cinder", "no arrow"},
		{"drivers know no nouns", "internal/driver/layers/x.go", module + "/internal/block", "no arrow"},
		{"drivers know no HTTP", "internal/driver/layers/x.go", "net/http", "must not know"},
		{"a web framework", "internal/httpapi/x.go", "github.com/go-chi/chi/v5", "no arrow"},
		{"a test helper in the binary", "internal/block/x.go", module + "/internal/driver/fake", "no arrow"},
		{"a room nobody declared", "internal/util/x.go", "fmt", "no row"},
		{"a dependency by a name that only begins alike", "internal/telemetry/x.go", "github.com/prometheus/client_golangs", "no arrow"},
		{"a test of the heart with a fake", "internal/block/x_test.go", module + "/internal/driver/fake", ""},
		{"a test of the store with the driver contract", "internal/store/x_test.go", module + "/internal/driver", "no arrow"},
		{"a test with its own package", "internal/driver/layers/x_test.go", module + "/internal/driver/layers", ""},
		{"a package inside an allowed module", "internal/telemetry/x.go", "github.com/prometheus/client_golang/prometheus", ""},
		{"the heart with a contract", "internal/block/x.go", module + "/internal/driver", ""},
		{"the wiring", "internal/server/x.go", module + "/internal/driver/layers", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			made := source{file: tc.file, test: strings.HasSuffix(tc.file, "_test.go"), imports: []string{tc.imports}}
			found := strings.Join(breaches(arrows, []source{made}), "\n")
			if (tc.breach == "") != (found == "") || !strings.Contains(found, tc.breach) {
				t.Errorf("found %q, want %q", found, tc.breach)
			}
		})
	}
}

// breaches names every import that has no arrow, and every package without a row.
func breaches(rows map[string]row, sources []source) []string {
	var found []string
	for _, s := range sources {
		row, known := rows[s.pkg()]
		if !known {
			found = append(found, fmt.Sprintf("%s: package %s has no row in arrows_test.go", s.file, s.pkg()))
			continue
		}
		for _, imported := range s.imports {
			if wrong := row.check(s, imported); wrong != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", s.file, imported, wrong))
			}
		}
	}
	return found
}

// check tells what is wrong with one import; empty when nothing is.
func (r row) check(s source, imported string) string {
	own, ours := strings.CutPrefix(imported, module+"/")
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case ours && (own == s.pkg() || r.to == "all" || within(own, r.to)):
		return ""
	case !ours && !strings.Contains(first, "."): // the standard library
		if !s.test && slices.Contains(strings.Fields(r.not), imported) {
			return "this room must not know it"
		}
		return ""
	case !ours && beneath(imported, r.modules):
		return ""
	case s.test && (within(own, r.tests) || beneath(imported, r.tests+" "+testTools)):
		return ""
	}
	return "there is no arrow from here to there; see ARCHITECTURE.md"
}

// within tells whether a package is named in list, or lies below a name with /...
func within(pkg, list string) bool {
	for _, name := range strings.Fields(list) {
		if parent, tree := strings.CutSuffix(name, "/..."); name == pkg || (tree && strings.HasPrefix(pkg, parent+"/")) {
			return true
		}
	}
	return false
}

// beneath tells whether a package belongs to one of the modules.
func beneath(imported, modules string) bool {
	for _, name := range strings.Fields(modules) {
		if imported == name || strings.HasPrefix(imported, name+"/") {
			return true
		}
	}
	return false
}

// readTree reads the imports of every Go file below root, of every platform.
// Folders with a go.mod of their own are other modules.
func readTree(t *testing.T, root string) []source {
	t.Helper()
	var sources []source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skip(root, name, entry.Name())
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		s, err := readSource(name)
		sources = append(sources, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

func skip(root, name, base string) error {
	if name == root {
		return nil
	}
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil || base == "testdata" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	return nil
}

func readSource(name string) (source, error) {
	s := source{file: filepath.ToSlash(name), test: strings.HasSuffix(name, "_test.go")}
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		return s, err
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return s, err
		}
		s.imports = append(s.imports, imported)
	}
	for _, decl := range file.Decls {
		if f, is := decl.(*ast.FuncDecl); is && f.Recv == nil && f.Name.Name == "init" {
			s.inits = true
		}
	}
	return s, nil
}
