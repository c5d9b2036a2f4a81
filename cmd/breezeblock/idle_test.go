package main

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// idleConnections is how many stand about in the test below.
const idleConnections = 2000

func TestIdleConnectionsHinderNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("opens 2,000 connections; left out with -short")
	}
	t.Parallel()
	needsFiles(t, idleConnections+200)
	l := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=demo-secret"}, "--data", filepath.Join(t.TempDir(), "data"), "--log-level", "warn")
	demo := l.logIn("demo", "demo-secret")
	snap := demo.snapshot(demo.volume())
	for i := range idleConnections {
		conn, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		switch i % 4 { // one that never says a word, one that began to, two that were answered
		case 0:
		case 1:
			_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost:")
		default:
			_, err = io.WriteString(conn, "GET /healthcheck HTTP/1.1\r\nHost: h\r\n\r\n")
		}
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	began := time.Now()
	for range 20 {
		demo.must("PUT", "/snapshots/"+snap, `{"snapshot":{"name":"among many"}}`, nil)
		demo.must("GET", "/snapshots/"+snap, "", nil)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("20 updates took %s beside %d idle connections", took, idleConnections)
	}
	l.signal(syscall.SIGTERM) // and they do not keep it from stopping
	began = time.Now()
	if code := l.exit(); code != 0 {
		t.Errorf("exit code %d: %s", code, l.out)
	}
	// net/http takes a connection that never said a word for busy for five seconds.
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s to stop", took)
	}
}

// needsFiles fails when this process may not open n files.
func needsFiles(t *testing.T, n uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < n {
		t.Fatalf("%d files may be open; this test needs %d (ulimit -n)", limit.Cur, n)
	}
}
