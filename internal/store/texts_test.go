package store_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
	"github.com/breezeblock/breezeblock/internal/store/storetest"
)

// texts are all SQL texts that stand in this package as constants, put together
// by the type checker as the compiler does.
func texts(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	check := types.Config{Error: func(error) {}, Importer: nil} // imports stay unknown; constants do not need them
	_, _ = check.Check("store", set, files, info)
	found := map[string]bool{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			expr, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			v := info.Types[expr].Value
			if v == nil || v.Kind() != constant.String {
				return true
			}
			if text := constant.StringVal(v); isStatement(text) {
				found[text] = true
			}
			return false // its parts are no texts of their own
		})
	}
	var all []string
	for text := range found {
		all = append(all, text)
	}
	slices.Sort(all)
	if len(all) < 30 {
		t.Fatalf("only %d texts were found; the search is wrong", len(all))
	}
	return all
}

// isStatement leaves out beginnings of lists, and what only one database is asked.
func isStatement(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	word, _, _ = strings.Cut(word, "\n")
	if !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE"}, word) || strings.HasSuffix(text, " ") {
		return false
	}
	for _, own := range []string{"pragma_", "sqlite_schema", "pg_tables", `FROM "`} {
		if strings.Contains(text, own) {
			return false
		}
	}
	return true
}

func TestEveryTextPreparesOnBothDatabases(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) string{"SQLite": freshSQLite, "PostgreSQL": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			s, _ := storetest.Open(t, fresh(t))
			for _, text := range texts(t) {
				if err := s.Prepare(t.Context(), text); err != nil {
					t.Errorf("%s: %v", text, err)
				}
				if strings.Contains(store.ByPosition(text), "$") {
					t.Errorf("the arguments are not numbered in order: %s", text)
				}
			}
		})
	}
}

func TestDeepPageIsFoundByIndex(t *testing.T) {
	s, clock := storetest.Open(t, freshSQLite(t))
	snap := storetest.NewSnapshot(1, clock.Now())
	if err := s.InTx(t.Context(), func(tx block.Tx) error { return tx.AddSnapshot(snap) }); err != nil {
		t.Fatal(err)
	}
	project, marker := snap.ProjectID, snap.ID
	for _, tc := range []struct {
		name string
		list block.List
		want string
	}{
		{"first page of a project", block.List{ProjectID: project}, "USING INDEX snapshots_of_project (project_id=?)"},
		{"deep page of a project", block.List{ProjectID: project, Marker: marker},
			"USING INDEX snapshots_of_project (project_id=? AND (created_at,id)<(?,?))"},
		{"oldest first", block.List{ProjectID: project, Marker: marker, Sort: []block.SortKey{{Field: block.FieldCreatedAt}}},
			"USING INDEX snapshots_of_project (project_id=? AND (created_at,id)>(?,?))"},
		{"first page of all projects", block.List{}, "SCAN snapshots USING INDEX snapshots_by_age"},
		{"deep page of all projects", block.List{Marker: marker}, "USING INDEX snapshots_by_age ((created_at,id)<(?,?))"},
		{"by id", block.List{Marker: marker, Sort: []block.SortKey{{Field: block.FieldID}}}, "USING INDEX sqlite_autoindex_snapshots_1 (id>?)"},
	} {
		text, args, err := s.SnapshotPage(t.Context(), tc.list)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Plan(t.Context(), text, args...)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got, tc.want) || strings.Contains(got, "TEMP") {
			t.Errorf("%s: the plan is %q, want %q and no sorting", tc.name, got, tc.want)
		}
	}
}

func TestJobsAreFoundByIndex(t *testing.T) {
	s, _ := storetest.Open(t, freshSQLite(t))
	for _, text := range texts(t) {
		if strings.Contains(text, "FROM jobs") && strings.HasPrefix(text, "SELECT") {
			args := make([]any, strings.Count(text, "$"))
			for i := range args {
				args[i] = 1
			}
			got, err := s.Plan(t.Context(), text, args...)
			byIndex := strings.Contains(got, "jobs_") || strings.Contains(got, "jobs USING PRIMARY KEY")
			if err != nil || strings.Contains(got, "TEMP") || !byIndex {
				t.Errorf("%s: the plan is %q, %v", text, got, err)
			}
		}
	}
}

func TestByPositionKeepsWhatItCannotWrite(t *testing.T) {
	for in, want := range map[string]string{
		"SELECT 1":                           "SELECT 1",
		"a = $1 AND b = $2":                  "a = ? AND b = ?",
		"a = $2 AND b = $1":                  "a = $2 AND b = $1",
		"a = $1 AND b = $1":                  "a = $1 AND b = $1",
		"a = $10":                            "a = $10",
		"$1$2$3$4$5$6$7$8$9$10$11 $12 x":     "??????????? ? x",
		"a = $1 AND b = $12":                 "a = $1 AND b = $12",
		"price = $1, note = 'costs nothing'": "price = ?, note = 'costs nothing'",
	} {
		if got := store.ByPosition(in); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}
