package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite" // to make other programs' files

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
	"github.com/breezeblock/breezeblock/internal/store/storetest"
)

// ours makes a database with a few rows and closes it.
func ours(t *testing.T, path string) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	err = s.InTx(t.Context(), func(tx block.Tx) error {
		for n := range 100 {
			if err := tx.AddSnapshot(storetest.NewSnapshot(n, tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, driver, url string, statements ...string) {
	t.Helper()
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

// contents are all files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			files[name] = ""
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func change(t *testing.T, path string, do func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, do(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileThatIsNotOursIsRefusedAndLeftAsItIs(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(t *testing.T, path string)
		says string
	}{
		{"a text file", func(t *testing.T, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("not a database\n"), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a SQLite database"},
		{"an empty file", func(t *testing.T, path string) {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is empty"},
		{"a folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is not a file"},
		{"another program's database", func(t *testing.T, path string) {
			execute(t, "sqlite", path, "CREATE TABLE notes (a)", "INSERT INTO notes VALUES (1)")
		}, "another program"},
		{"another program's database with its log", func(t *testing.T, path string) {
			execute(t, "sqlite", path, "PRAGMA journal_mode = WAL", "CREATE TABLE notes (a)")
			if err := os.WriteFile(path+"-wal", []byte("log"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "another program"},
		{"a database of a later version", func(t *testing.T, path string) {
			ours(t, path)
			execute(t, "sqlite", path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)",
				"PRAGMA wal_checkpoint(TRUNCATE)")
		}, "version 9999"},
		{"ours without a version", func(t *testing.T, path string) {
			ours(t, path)
			execute(t, "sqlite", path, "DROP TABLE goose_db_version", "PRAGMA wal_checkpoint(TRUNCATE)")
		}, "damaged"},
		{"ours cut short", func(t *testing.T, path string) {
			ours(t, path)
			change(t, path, func(b []byte) []byte { return b[:len(b)-4096] })
		}, "damaged"},
		{"ours cut in a page", func(t *testing.T, path string) {
			ours(t, path)
			change(t, path, func(b []byte) []byte { return b[:len(b)-100] })
		}, "damaged"},
		{"ours with its schema overwritten", func(t *testing.T, path string) {
			ours(t, path)
			change(t, path, func(b []byte) []byte { return append(append(b[:100:100], make([]byte, 3996)...), b[4096:]...) })
		}, "damaged"},
		{"ours with its tables overwritten", func(t *testing.T, path string) {
			ours(t, path)
			change(t, path, func(b []byte) []byte {
				return append(b[:4096:4096], bytes.Repeat([]byte("garbage!"), (len(b)-4096)/8)...)
			})
		}, "damaged"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "breezeblock.db")
			tc.make(t, path)
			before := contents(t, dir)
			s, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + path})
			if err == nil {
				t.Fatal("it was opened", s.Close())
			}
			if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %q, want the file's name and %q", err, tc.says)
			}
			if diff := cmp.Diff(before, contents(t, dir)); diff != "" {
				t.Errorf("files were touched: %.500s", diff)
			}
		})
	}
}

func TestStartThatWasCutOffLeavesNothingInTheWay(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "breezeblock.db")
	for _, name := range []string{".new", ".new-wal", ".new-journal"} {
		if err := os.WriteFile(path+name, []byte("half made"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ours(t, path)
	files := contents(t, dir)
	if len(files) != 2 { // the folder itself and the database
		t.Errorf("left behind: %d files", len(files))
	}
}

func TestLogWithoutItsDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "breezeblock.db")
	if err := os.WriteFile(path+"-wal", []byte("log"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + path}); err == nil || !strings.Contains(err.Error(), "-wal") {
		t.Errorf("got %v", err)
	}
}

func TestPathMayHoldAnyCharacter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c=d&e#f%20é.db")
	ours(t, path)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestURLOfNoDatabaseIsRefused(t *testing.T) {
	for _, url := range []string{"", "sqlite:", "mysql://x", "breezeblock.db", "postgres://%zz"} {
		if _, err := store.Open(t.Context(), store.Config{URL: url}); err == nil {
			t.Errorf("%q was opened", url)
		}
	}
}

func TestForeignOrNewerPostgresIsRefused(t *testing.T) {
	for _, tc := range []struct {
		says       string
		opened     bool
		statements []string
	}{
		{"another program", false, []string{"CREATE TABLE notes (a TEXT)"}},
		{"version 9999", true, []string{"INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)"}},
	} {
		t.Run(tc.says, func(t *testing.T) {
			url := storetest.Postgres(t)
			if tc.opened {
				s, err := store.Open(t.Context(), store.Config{URL: url})
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			execute(t, "pgx", url, tc.statements...)
			if _, err := store.Open(t.Context(), store.Config{URL: url}); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
}

func TestPostgresThatIsNotThereIsUnavailable(t *testing.T) {
	url := storetest.Postgres(t)
	s, _ := storetest.Open(t, url)
	execute(t, "pgx", url,
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")
	// The pool's connections are dead: a read finds out, and a later one works again.
	for range 20 {
		if err := s.Ping(context.Background()); err == nil {
			return
		}
	}
	t.Error("the store did not connect anew")
}
