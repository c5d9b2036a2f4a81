package main

import (
	words "encoding/binary"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// firstPageOf finds the newest first page of the database in its log. Source:
// sqlite.org/fileformat.html, section 4: a header of 32 bytes, then frames, each
// with a header of 24 that begins with the page's number.
func firstPageOf(t *testing.T, log []byte, pageSize int) []byte {
	t.Helper()
	var page []byte
	for at := 32; at+24+pageSize <= len(log); at += 24 + pageSize {
		if words.BigEndian.Uint32(log[at:]) == 1 {
			page = log[at+24 : at+24+pageSize]
		}
	}
	if page == nil {
		t.Fatal("the log has no first page: the database did not grow")
	}
	return page
}

// A checkpoint copies pages in their order, so the first is home, with the new
// length of the database, before the pages that made it longer. Whoever is killed
// then has lost nothing: all of it is in the log.
func TestStartAfterACheckpointThatWasCutOff(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(data, "breezeblock.db")
	l := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=demo-secret"}, "--data", data)
	demo := l.logIn("demo", "demo-secret")
	snap := demo.snapshot(demo.volume())
	l.signal(syscall.SIGTERM)
	l.exit()
	home, err := os.ReadFile(path) // whole: a stop in order leaves no log
	if err != nil {
		t.Fatal(err)
	}
	l = launch(t, nil, "--data", data)
	demo.p = l.process
	if status := demo.status("PUT", "/snapshots/"+snap+"/metadata", bigMetadata()(1)); status != http.StatusOK {
		t.Fatalf("metadata: %d", status)
	}
	l.end()
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	pageSize := int(words.BigEndian.Uint16(home[16:]))
	if err := os.WriteFile(path, append(firstPageOf(t, log, pageSize), home[pageSize:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	demo.p = launch(t, nil, "--data", data).process
	var got map[string]struct{ Metadata map[string]string }
	demo.must("GET", "/snapshots/"+snap, "", &got)
	if n := len(got["snapshot"].Metadata); n != 240 {
		t.Errorf("%d items of metadata are left, want 240", n)
	}
}
