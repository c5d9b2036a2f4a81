package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	account "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/store/storetest"
)

// outage stops and starts the PostgreSQL that storetest runs for this binary.
type outage struct {
	t        testing.TB
	pgctl    string
	folder   string
	nobody   *syscall.Credential
	database string
}

func newOutage(t testing.TB, database string) *outage {
	t.Helper()
	parsed, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	o := &outage{t: t, pgctl: "pg_ctl", folder: parsed.Query().Get("host"), database: database}
	if _, err := exec.LookPath(o.pgctl); err != nil { // where Debian puts it
		if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl"); len(found) > 0 {
			o.pgctl = found[len(found)-1]
		}
	}
	if os.Geteuid() == 0 { // storetest gave the server to nobody
		nobody, err := account.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.ParseUint(nobody.Uid, 10, 32)
		gid, _ := strconv.ParseUint(nobody.Gid, 10, 32)
		o.nobody = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return o
}

func (o *outage) run(args ...string) {
	o.t.Helper()
	cmd := exec.Command(o.pgctl, append([]string{"-D", filepath.Join(o.folder, "data"), "-w"}, args...)...)
	cmd.Dir = o.folder
	if o.nobody != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: o.nobody}
	}
	// No pipes: the server that pg_ctl leaves behind would hold them.
	if err := cmd.Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(o.folder, "log"))
		o.t.Fatalf("pg_ctl %v: %v\n%s", args, err, log)
	}
}

func (o *outage) begin(mode string) { o.t.Helper(); o.run("-m", mode, "stop") }

func (o *outage) end() {
	o.t.Helper()
	// What storetest started it with.
	o.run("-l", filepath.Join(o.folder, "log"), "-t", "60", "-o",
		"-k "+o.folder+" -c listen_addresses='' -c max_connections=200 -c fsync=off -c shared_buffers=32MB", "start")
}

func TestEverythingWorksOnPostgres(t *testing.T) {
	s := open(t, settings{"database": storetest.Postgres(t)}, withFake(fake.New()))
	demo := s.logIn("demo")
	base := "/v3/" + demo.project
	volume := s.volume(demo)
	snap := s.snapshot(demo, volume)
	a := s.want(http.StatusOK, demo, "PUT", base+"/snapshots/"+snap, `{"snapshot":{"name":"snap-001","description":"Daily backup"}}`)
	if a.text("snapshot", "name") != "snap-001" || a.text("snapshot", "updated_at") == "" {
		t.Errorf("updated: %s", a)
	}
	s.want(http.StatusOK, demo, "PUT", base+"/snapshots/"+snap+"/metadata", `{"metadata":{"k":"v"}}`)
	for _, query := range []string{"?name=snap-001", "?limit=1&sort=name:desc", "?status=available&with_count=true", `?metadata={"k":"v"}`} {
		if a := s.want(http.StatusOK, demo, "GET", base+"/snapshots/detail"+strings.ReplaceAll(strings.ReplaceAll(query, `"`, "%22"), "{", "%7B"), "", "OpenStack-API-Version", "volume 3.50"); !strings.Contains(a.body, snap) {
			t.Errorf("list %s: %s", query, a)
		}
	}
	s.want(http.StatusBadRequest, demo, "DELETE", base+"/volumes/"+volume, "") // it has a snapshot
	s.want(http.StatusAccepted, demo, "DELETE", base+"/snapshots/"+snap, "")
	s.untilGone(demo, "snapshot", snap)
	s.want(http.StatusAccepted, demo, "DELETE", base+"/volumes/"+volume, "")
	s.untilGone(demo, "volume", volume)
	s.want(http.StatusNotFound, demo, "GET", base+"/volumes/"+volume, "")
}

// The database goes away under load, in order and as if by a power cut, and comes
// back: whoever asks meanwhile is told to come again, nothing acknowledged is lost,
// and the server needs no restart.
func TestPostgresMayStopAndComeBack(t *testing.T) {
	if testing.Short() {
		t.Skip("stops PostgreSQL twice, which takes seconds; left out with -short")
	}
	database := storetest.Postgres(t)
	s := open(t, settings{"database": database, "snapshots-per-volume": "9"}, withFake(fake.New()))
	o := newOutage(t, database)
	demo := s.logIn("demo")
	volume := s.volume(demo)
	ids := make([]string, 8)
	for i := range ids {
		ids[i] = s.snapshot(demo, volume)
	}
	sent, acknowledged := make([]int, len(ids)), make([]int, len(ids))
	for _, mode := range []string{"fast", "immediate"} {
		load := s.begin(demo, ids, sent, acknowledged)
		load.untilAnswers(http.StatusOK)
		o.begin(mode)
		load.untilAnswers(http.StatusServiceUnavailable)
		for _, path := range []string{"/v3/" + demo.project + "/snapshots", "/v3/" + demo.project + "/snapshots/" + ids[0], "/v2/" + demo.project + "/cloudsnapshots/" + ids[0]} {
			if a := s.send(demo, "GET", path, ""); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || strings.Contains(a.body, "postgres") {
				t.Errorf("%s: GET %s: %s, Retry-After %q", mode, path, a, a.header.Get("Retry-After"))
			}
		}
		s.want(http.StatusMultipleChoices, user{}, "GET", "/", "")
		o.end()
		load.untilAnswers(http.StatusOK)
		load.end()
		for i, id := range ids {
			a := s.want(http.StatusOK, demo, "GET", "/v3/"+demo.project+"/snapshots/"+id, "")
			n, err := strconv.Atoi(a.text("snapshot", "name"))
			if err != nil || n < acknowledged[i] || n > sent[i] {
				t.Errorf("%s: snapshot %d is %s; acknowledged %d, sent %d", mode, i, a, acknowledged[i], sent[i])
			}
		}
	}
	// Jobs go on, too.
	snap := s.snapshot(demo, volume)
	s.want(http.StatusAccepted, demo, "DELETE", "/v3/"+demo.project+"/snapshots/"+snap, "")
	s.untilGone(demo, "snapshot", snap)
}

// storm is clients that update a snapshot each, until they are told to end.
type storm struct {
	s       *site
	quit    chan struct{}
	clients sync.WaitGroup
	mu      sync.Mutex
	last    []int // status of each client's last answer
	since   []int // answers since untilAnswers was called
}

func (s *site) begin(u user, ids []string, sent, acknowledged []int) *storm {
	l := &storm{s: s, quit: make(chan struct{}), last: make([]int, len(ids)), since: make([]int, len(ids))}
	for i, id := range ids {
		l.clients.Go(func() {
			for {
				select {
				case <-l.quit:
					return
				default:
				}
				sent[i]++
				a, err := s.try(u, "PUT", "/v3/"+u.project+"/snapshots/"+id, fmt.Sprintf(`{"snapshot":{"name":"%d"}}`, sent[i]))
				if err != nil {
					s.t.Errorf("PUT: %v", err)
					return
				}
				if a.status == http.StatusOK {
					acknowledged[i] = sent[i]
				} else if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, `{"serviceUnavailable":{`) {
					s.t.Errorf("PUT: %s, Retry-After %q", a, a.header.Get("Retry-After"))
				}
				l.mu.Lock()
				l.last[i] = a.status
				l.since[i]++
				l.mu.Unlock()
			}
		})
	}
	return l
}

// untilAnswers waits until every client's newest answer is status.
func (l *storm) untilAnswers(status int) {
	l.s.t.Helper()
	l.mu.Lock()
	clear(l.since)
	l.mu.Unlock()
	l.s.until(fmt.Sprintf("every client is answered %d", status), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, last := range l.last {
			if last != status || l.since[i] == 0 {
				return false
			}
		}
		return true
	})
}

func (l *storm) end() {
	close(l.quit)
	l.clients.Wait()
}

// Attachments, their connections and what is done to a volume in use, with the rows
// of PostgreSQL.
func TestAttachmentsWorkOnPostgres(t *testing.T) {
	s := open(t, settings{"database": storetest.Postgres(t)}, withFake(fake.New()))
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, `,"multiattach":true`)
	one, first := s.attach(demo, volume, "one")
	_, second := s.attach(demo, volume, "two")
	a, b := mustConnect(t, first), mustConnect(t, second)
	if err := a.WriteBytes(1<<20, []byte("from one")); err != nil {
		t.Fatal(err)
	}
	holds(t, b, 1<<20, []byte("from one"))
	s.v3(demo, "POST", "/volumes/"+volume+"/action", `{"os-extend":{"new_size":2}}`, 400) // it is shared
	alone := s.freeVolume(demo, "")
	_, only := s.attach(demo, alone, "one")
	s.v3(demo, "POST", "/volumes/"+alone+"/action", `{"os-extend":{"new_size":2}}`, 202)
	s.becomes(demo, alone, "in-use")
	if c := mustConnect(t, only); c.Size != 2<<30 {
		t.Errorf("got %d bytes, want it grown", c.Size)
	}
	s.v3(demo, "DELETE", "/attachments/"+one, "", 200)
	opensNothing(t, first)
	if err := a.WriteBytes(0, []byte("late")); err == nil {
		t.Error("the client that was detached still writes")
	}
	snap := s.v3(demo, "POST", "/snapshots", `{"snapshot":{"volume_id":"`+volume+`","force":true}}`, 202).text("snapshot", "id")
	s.untilStatus(demo, "snapshot", snap, "available")
	if err := b.WriteBytes(1<<20, []byte("from two")); err != nil {
		t.Error(err)
	}
	s.v3(demo, "POST", "/volumes/"+volume+"/action", `{"os-detach":{}}`, 202)
	s.becomes(demo, volume, "available")
	opensNothing(t, second)
	s.v3(demo, "POST", "/volumes/"+volume+"/action", `{"revert":{"snapshot_id":"`+snap+`"}}`, 202)
	s.becomes(demo, volume, "available")
	_, third := s.attach(demo, volume, "three")
	holds(t, mustConnect(t, third), 1<<20, []byte("from one"))
}
