package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWrkIsReadByItsOneLine(t *testing.T) {
	got, err := parseWrk("Running 1s test @ http://127.0.0.1:1/\n  Requests/sec:  9.1\nRESULT 41210 1002345 0 2 1400 5210\n")
	want := loadResult{requests: 41210, took: 1002345 * time.Microsecond, broken: 2, p50: 1400 * time.Microsecond, p99: 5210 * time.Microsecond}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := parseWrk("unable to connect to 127.0.0.1:1 Connection refused\n"); err == nil {
		t.Error("a run without a result was taken")
	}
}

func TestOpenrcIsReadAsAShellReadsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openrc")
	text := "# source this\nexport OS_AUTH_URL='http://127.0.0.1:8776/identity/v3'\nexport OS_USERNAME='demo'\nexport OS_PASSWORD='it'\\''s=x'\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := readOpenrc(path)
	if err != nil {
		t.Fatal(err)
	}
	if v["OS_PASSWORD"] != "it's=x" || v["OS_USERNAME"] != "demo" || v["OS_AUTH_URL"] != "http://127.0.0.1:8776/identity/v3" {
		t.Errorf("got %v", v)
	}
}

func TestTablesHaveTheSameDigestEachTime(t *testing.T) {
	dir := t.TempDir()
	first, err := tablesNow(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := tablesNow(t.Context(), dir); err != nil || again != first {
		t.Errorf("got %s, then %s, %v", first, again, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestIdsOfRowsDifferAndHaveTheFormOfVersion4(t *testing.T) {
	seen := map[string]bool{}
	for n := range 10_000 {
		for _, id := range []string{snapshotID(n), idOf(n, 'v')} {
			if seen[id] || len(id) != 36 || id[14] != '4' {
				t.Fatalf("row %d has id %s", n, id)
			}
			seen[id] = true
		}
	}
}
