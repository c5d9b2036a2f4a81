package main

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	_ "github.com/breezeblock/breezeblock/internal/store" // the driver named sqlite
)

func TestSecondServerOnAFolderIsRefusedAndTheFirstGoesOn(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	first := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=demo-secret"}, "--data", data)
	demo := first.logIn("demo", "demo-secret")
	snap := demo.snapshot(demo.volume())
	code, out := run(t, nil, "serve", "--data", data, "--listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(out, data) || !strings.Contains(out, "in use by another server (process "+strconv.Itoa(first.cmd.Process.Pid)+")") {
		t.Errorf("the second one ended with %d: %s", code, out)
	}
	demo.must("PUT", "/snapshots/"+snap, `{"snapshot":{"name":"still here"}}`, nil)
	first.end() // as a power cut does: the lock goes with the process
	third := launch(t, nil, "--data", data)
	demo.p = third.process
	if got := demo.show(snap).Name; got != "still here" {
		t.Errorf("after that the name is %q", got)
	}
}

func TestFolderThatOthersReadIsRefused(t *testing.T) {
	t.Parallel()
	for _, m := range []os.FileMode{0o750, 0o705, 0o755, 0o710} {
		data := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(data, m); err != nil {
			t.Fatal(err)
		}
		code, out := run(t, nil, "serve", "--data", data, "--listen", "127.0.0.1:0")
		if code != 1 || !strings.Contains(out, data) || !strings.Contains(out, "chmod 700") {
			t.Errorf("mode %o: ended with %d: %s", m, code, out)
		}
		if files := contents(t, data); len(files) != 1 {
			t.Errorf("mode %o: files were made: %v", m, files)
		}
	}
}

// execute runs statements on a SQLite file and leaves one file.
func execute(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	db.SetMaxOpenConns(1)
	for _, s := range append(statements, "PRAGMA wal_checkpoint(TRUNCATE)") {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
}

// change rewrites a file.
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

func TestDatabaseThatIsDamagedForeignOrTooNewIsRefusedAndLeftAsItIs(t *testing.T) {
	t.Parallel()
	used := filepath.Join(t.TempDir(), "used") // a folder that a server has used
	l := launch(t, nil, "--data", used)
	l.signal(os.Interrupt)
	l.exit()
	for _, tc := range []struct {
		name string
		made bool // in a folder that a server has used; otherwise in a new one
		do   func(t *testing.T, path string)
		says string
	}{
		{"overwritten from its beginning", true, func(t *testing.T, path string) {
			change(t, path, func(b []byte) []byte { return append(bytes.Repeat([]byte("garbage!"), 512), b[4096:]...) })
		}, "not a SQLite database"},
		{"cut short", true, func(t *testing.T, path string) {
			change(t, path, func(b []byte) []byte { return b[:len(b)/2] })
		}, "damaged"},
		{"its tables overwritten", true, func(t *testing.T, path string) {
			change(t, path, func(b []byte) []byte {
				return append(b[:4096:4096], bytes.Repeat([]byte("garbage!"), (len(b)-4096)/8)...)
			})
		}, "damaged"},
		{"emptied", true, func(t *testing.T, path string) {
			change(t, path, func([]byte) []byte { return nil })
		}, "is empty"},
		{"of a later version", true, func(t *testing.T, path string) {
			execute(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		}, "9999"},
		{"of another application", false, func(t *testing.T, path string) {
			execute(t, path, "CREATE TABLE notes (a)", "INSERT INTO notes VALUES (1)")
		}, "another program"},
		{"of another application in a folder of ours", true, func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			execute(t, path, "CREATE TABLE notes (a)", "PRAGMA application_id = 1")
		}, "another program"},
		{"a text", false, func(t *testing.T, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("no database\n"), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a SQLite database"},
		{"a folder", false, func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is not a file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
			if tc.made {
				if err := os.CopyFS(data, os.DirFS(used)); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(data, "breezeblock.db")
			tc.do(t, path)
			before := contents(t, data)
			for _, command := range []string{"serve", "check"} {
				code, out := run(t, nil, command, "--data", data, "--listen", "127.0.0.1:0")
				if code != 1 || !strings.Contains(out, path) || !strings.Contains(out, tc.says) {
					t.Errorf("%s ended with %d, want 1, %s and %q: %s", command, code, path, tc.says, out)
				}
				if diff := cmp.Diff(before, contents(t, data)); diff != "" {
					t.Errorf("%s touched the folder: %.800s", command, diff)
				}
			}
		})
	}
}
