package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// slow is a PUT of which half the body is sent, and of which the handler reads.
type slow struct {
	t    testing.TB
	conn net.Conn
	from *bufio.Reader
	rest string
}

// slowPut begins one: the server's 100 Continue tells that it is in hand.
func (s session) slowPut(snapshot, body string) *slow {
	s.p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.p.url, "http://"))
	if err != nil {
		s.p.t.Fatal(err)
	}
	s.p.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.p.t.Fatal(err)
	}
	half := len(body) / 2
	_, err = fmt.Fprintf(conn, "PUT /v3/%s/snapshots/%s HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nX-Auth-Token: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		s.project, snapshot, s.token, len(body), body[:half])
	if err != nil {
		s.p.t.Fatal(err)
	}
	p := &slow{s.p.t, conn, bufio.NewReader(conn), body[half:]}
	if status, err := p.answer(); status != http.StatusContinue {
		s.p.t.Fatalf("a PUT that waits: %d, %v", status, err)
	}
	return p
}

func (p *slow) answer() (int, error) {
	a, err := http.ReadResponse(p.from, nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, a.Body)
	return a.StatusCode, err
}

// finish sends the rest and tells the answer.
func (p *slow) finish() (int, error) {
	_, _ = io.WriteString(p.conn, p.rest) // the answer tells whether it arrived
	return p.answer()
}

// refusesConnections waits until nobody listens.
func (l *launched) refusesConnections() {
	l.t.Helper()
	waitFor(l.t, "the listener is closed", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

func TestSigtermLetsRequestsInHandEndAndTakesNoNewOnes(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	l := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=demo-secret"}, "--data", data)
	demo := l.logIn("demo", "demo-secret")
	snap := demo.snapshot(demo.volume())
	inHand, halfSent := demo.slowPut(snap, `{"snapshot":{"name":"the last"}}`), demo.slowPut(snap, `{"snapshot":{"name":"never whole"}}`)
	l.signal(syscall.SIGTERM)
	l.refusesConnections()
	select {
	case <-l.ended:
		t.Fatalf("it ended with requests in hand: %s", l.out)
	default:
	}
	if status, err := inHand.finish(); status != http.StatusOK {
		t.Errorf("the request in hand: %d, %v", status, err)
	}
	if err := halfSent.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if status, err := halfSent.answer(); status != http.StatusBadRequest {
		t.Errorf("a body that never became whole: %d, %v", status, err)
	}
	if code := l.exit(); code != 0 {
		t.Errorf("exit code %d: %s", code, l.out)
	}
	if _, err := os.Stat(filepath.Join(data, "breezeblock.db-wal")); !os.IsNotExist(err) {
		t.Errorf("it left a log behind: %v", err)
	}
	demo.p = launch(t, nil, "--data", data).process
	if got := demo.show(snap).Name; got != "the last" {
		t.Errorf("after the restart the name is %q", got)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		data := filepath.Join(t.TempDir(), "data")
		l := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=demo-secret"}, "--data", data)
		demo := l.logIn("demo", "demo-secret")
		snap := demo.snapshot(demo.volume())
		stuck := demo.slowPut(snap, `{"snapshot":{"name":"never"}}`)
		l.signal(s)
		l.refusesConnections()
		began := time.Now()
		l.signal(s)
		if code := l.exit(); code == 0 {
			t.Errorf("%v: exit code %d, although a request was cut off", s, code)
		}
		if took := time.Since(began); took > 5*time.Second { // the grace is thirty
			t.Errorf("%v: it took %s", s, took)
		}
		if status, _ := stuck.finish(); status == http.StatusOK {
			t.Errorf("%v: the request in hand was answered %d", s, status)
		}
		demo.p = launch(t, nil, "--data", data).process
		if got := demo.show(snap).Name; got != "s" {
			t.Errorf("%v: after the restart the name is %q", s, got)
		}
	}
}

// A storm of work on its way when the power goes: snapshots and volumes that are
// being made and deleted. The next start ends all of it, whatever had been begun.
func TestJobsThatAKillInterruptsAreTakenUpByTheNextStart(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a server under load; left out with -short")
	}
	t.Parallel()
	const each = 16
	data := filepath.Join(t.TempDir(), "data")
	env := []string{"BREEZEBLOCK_DEMO_PASSWORD=demo-secret", "BREEZEBLOCK_ADMIN_PASSWORD=admin-secret"}
	l := launch(t, env, "--data", data, "--log-level", "warn")
	admin, demo := l.logIn("admin", "admin-secret"), l.logIn("demo", "demo-secret")
	admin.must("PUT", "/os-quota-sets/"+demo.project, `{"quota_set":{"snapshots":1000,"volumes":1000,"gigabytes":-1}}`, nil)
	var volumes []string
	for range each {
		volumes = append(volumes, demo.volume())
	}
	w := &work{demo: demo, keep: demo.volume()}
	for round := 0; ; round++ {
		w.begin(volumes[round*4 : round*4+4])
		l.end()
		w.clients.Wait()
		left := unfinished(t, data)
		t.Logf("round %d: %d jobs were on their way", round, left)
		if l = launch(t, env, "--data", data, "--log-level", "warn"); left > 0 || round == 3 {
			break
		}
		w.demo.p = l.process
	}
	w.demo.p = l.process
	for _, id := range w.snapshots {
		w.demo.until("snapshot", id, "available")
	}
	for _, id := range w.volumes {
		w.demo.until("volume", id, "available")
	}
	for _, id := range w.deleted {
		waitFor(t, "volume "+id+" is gone", func() bool { return w.demo.status("GET", "/volumes/"+id, "") == http.StatusNotFound })
		if _, err := os.Stat(filepath.Join(data, "volumes", id)); !os.IsNotExist(err) {
			t.Errorf("the bytes of volume %s are still there: %v", id, err)
		}
	}
	// Those too whose clients were never answered.
	waitFor(t, "every job has ended", func() bool { return unfinished(t, data) == 0 })
}

// work is what clients asked for and were told that it will be done.
type work struct {
	demo      session
	keep      string // a volume to take snapshots of
	clients   sync.WaitGroup
	mu        sync.Mutex
	snapshots []string
	volumes   []string
	deleted   []string
}

// begin asks for much at once and returns when half of it was promised.
func (w *work) begin(remove []string) {
	promised := make(chan struct{}, 1000)
	ask := func(method, path, body, noun string, note *[]string) {
		w.clients.Go(func() {
			var made map[string]object
			status, err := w.demo.call(http.DefaultClient, method, path, body, &made)
			if err == nil && status == http.StatusAccepted {
				w.mu.Lock()
				*note = append(*note, made[noun].ID)
				w.mu.Unlock()
			}
			promised <- struct{}{}
		})
	}
	for range 16 {
		ask("POST", "/snapshots", `{"snapshot":{"volume_id":"`+w.keep+`"}}`, "snapshot", &w.snapshots)
		ask("POST", "/volumes", `{"volume":{"size":1}}`, "volume", &w.volumes)
	}
	for _, id := range remove {
		w.clients.Go(func() {
			if status, err := w.demo.call(http.DefaultClient, "DELETE", "/volumes/"+id, "", nil); err == nil && status == http.StatusAccepted {
				w.mu.Lock()
				w.deleted = append(w.deleted, id)
				w.mu.Unlock()
			}
			promised <- struct{}{}
		})
	}
	for range (32 + len(remove)) / 2 {
		<-promised
	}
}

// unfinished counts the jobs of a data folder that have not ended.
func unfinished(t *testing.T, data string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "breezeblock.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // it read only
	if err := db.QueryRow("SELECT count(*) FROM jobs WHERE state IN ('ready', 'running')").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
