package proof

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/store/storetest"
	"github.com/breezeblock/breezeblock/internal/testserver"
)

// asked is one call on a snapshot; nil texts are not in the body.
type asked struct {
	method            string
	id                string
	name, description *string
}

// got is its answer; status 0 is none: the call was done, or not, or comes later.
type got struct {
	status            int
	name, description string
	state             string // status of the snapshot, where it was shown
}

// register is a snapshot as all its callers must see it: two fields of which the
// last writer of each wins, and a way to its end.
type register struct {
	name, description string
	deleting, gone    bool
}

// snapshotModel says what an order of calls on one snapshot must answer.
var snapshotModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		of := map[string][]porcupine.Operation{}
		for _, op := range history {
			id := op.Input.(asked).id
			of[id] = append(of[id], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range of {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		return state.(register).step(input.(asked), output.(got))
	},
	DescribeOperation: func(input, output any) string { return input.(asked).String() + " → " + output.(got).String() },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}

// step tells whether the answer is right now, and what is then. When a snapshot
// that is being deleted goes is not for callers to know: the first 404 says so.
func (r register) step(in asked, out got) (bool, any) {
	if out.status == http.StatusNotFound {
		r.gone = true
		return r.deleting, r
	}
	if out.status != 0 && r.gone {
		return false, r
	}
	switch in.method {
	case http.MethodDelete:
		if out.status == http.StatusBadRequest {
			return r.deleting, r
		}
		if out.status == http.StatusAccepted && r.deleting {
			return false, r
		}
		r.deleting = true
		return out.status == 0 || out.status == http.StatusAccepted, r
	case http.MethodPut:
		if in.name != nil {
			r.name = *in.name
		}
		if in.description != nil {
			r.description = *in.description
		}
	}
	if out.status == 0 {
		return true, r
	}
	state := "available"
	if r.deleting {
		state = "deleting"
	}
	return out.status == http.StatusOK && out.name == r.name && out.description == r.description && out.state == state, r
}

func (a asked) String() string {
	text := a.method
	for key, value := range map[string]*string{"name": a.name, "description": a.description} {
		if value != nil {
			text += " " + key + "=" + *value
		}
	}
	return text
}

func (g got) String() string {
	return fmt.Sprintf("%d %q %q %s", g.status, g.name, g.description, g.state)
}

// ledger notes what callers ask and get, and when.
type ledger struct {
	mu    sync.Mutex
	start time.Time
	ops   []porcupine.Operation
}

// never is when a call returns that was not answered: it may still come into
// effect at any time after.
const never = int64(1) << 62

func (l *ledger) note(client int, in asked, called time.Time, out got) {
	end := time.Since(l.start).Nanoseconds()
	if out.status == 0 {
		end = never
		if in.method == http.MethodGet {
			return // it says nothing
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ops = append(l.ops, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: called.Sub(l.start).Nanoseconds(), Return: end})
}

// check looks for an order of all calls that explains all answers.
func (l *ledger) check(t *testing.T) {
	t.Helper()
	unanswered := 0
	for _, op := range l.ops {
		if op.Output.(got).status == 0 {
			unanswered++
		}
	}
	result, info := porcupine.CheckOperationsVerbose(snapshotModel, l.ops, time.Minute)
	t.Logf("%d calls, %d without answer: %s", len(l.ops), unanswered, result)
	if result == porcupine.Ok {
		return
	}
	dir := os.Getenv("BREEZEBLOCK_TEST_ARTIFACTS")
	if dir == "" {
		dir = os.TempDir()
	}
	picture := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+".html")
	if err := porcupine.VisualizePath(snapshotModel, info, picture); err != nil {
		t.Error(err)
	}
	t.Errorf("no order of the calls explains the answers (%s); see %s", result, picture)
}

// registers makes n available snapshots of one volume, without texts.
func registers(d *door, n int) ([]string, error) {
	token, base := d.tokens[0], "/v3/"+d.callers[0].Project
	var made struct{ Volume, Snapshot Shown }
	if err := d.must(token, "POST", base+"/volumes", members{"volume": members{"size": 1}}, &made); err != nil {
		return nil, err
	}
	if err := d.until(base+"/volumes/"+made.Volume.ID, "available"); err != nil {
		return nil, err
	}
	var all []string
	for range n {
		body := members{"snapshot": members{"volume_id": made.Volume.ID, "name": "", "description": ""}}
		if err := d.must(token, "POST", base+"/snapshots", body, &made); err != nil {
			return nil, err
		}
		if err := d.until(base+"/snapshots/"+made.Snapshot.ID, "available"); err != nil {
			return nil, err
		}
		all = append(all, made.Snapshot.ID)
	}
	return all, nil
}

// until polls an object of the first caller until it has a status.
func (d *door) until(path, status string) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		var s struct{ Volume, Snapshot Shown }
		if err := d.must(d.tokens[0], "GET", path, nil, &s); err != nil {
			return err
		}
		if is := s.Volume.Status + s.Snapshot.Status; is == status {
			return nil
		} else if time.Now().After(deadline) {
			return fmt.Errorf("%s is %s, not %s", path, is, status)
		}
	}
}

// hammer lets clients call the snapshots, each so often, or until a call is not
// answered. deletes is one chance in so many that a call is a DELETE; 0 is none.
func hammer(d *door, l *ledger, snaps []string, clients, calls, deletes int) {
	var all sync.WaitGroup
	seed := uint64(len(l.ops))
	for client := range clients {
		random := rand.New(rand.NewPCG(uint64(client), seed)) //nolint:gosec // no secret
		all.Go(func() {
			for n := range calls {
				in := draw(random, snaps, fmt.Sprintf("%d-%d-%d", client, n, random.IntN(1000)), deletes)
				called := time.Now()
				out := ask(d, in)
				l.note(client, in, called, out)
				if out.status == 0 {
					return
				}
			}
		})
	}
	all.Wait()
}

// draw makes up a call; every value is written once only.
func draw(random *rand.Rand, snaps []string, value string, deletes int) asked {
	in := asked{method: http.MethodGet, id: snaps[random.IntN(len(snaps))]}
	if deletes > 0 && random.IntN(deletes) == 0 {
		in.method = http.MethodDelete
		return in
	}
	switch random.IntN(5) {
	case 0, 1:
	case 2:
		in.method, in.name = http.MethodPut, &value
	case 3:
		in.method, in.description = http.MethodPut, &value
	case 4:
		in.method, in.name, in.description = http.MethodPut, &value, &value
	}
	return in
}

func ask(d *door, in asked) got {
	var body any
	if in.method == http.MethodPut {
		fields := members{}
		if in.name != nil {
			fields["name"] = *in.name
		}
		if in.description != nil {
			fields["description"] = *in.description
		}
		body = members{"snapshot": fields}
	}
	status, text, err := d.call(0, in.method, "/snapshots/"+in.id, body)
	if err != nil {
		return got{}
	}
	out := got{status: status}
	var told struct{ Snapshot Shown }
	if status == http.StatusOK && json.Unmarshal(text, &told) == nil && told.Snapshot.Name != nil && told.Snapshot.Description != nil {
		out.name, out.description, out.state = *told.Snapshot.Name, *told.Snapshot.Description, told.Snapshot.Status
	}
	return out
}

// Concurrent PUT, GET and DELETE of few snapshots are as if one came after the
// other, and of each field the later write wins.
func TestConcurrentCallsHaveAnOrder(t *testing.T) {
	databases := map[string]func(testing.TB) testserver.Option{
		"sqlite":     func(testing.TB) testserver.Option { return testserver.Database("") },
		"postgresql": func(t testing.TB) testserver.Option { return testserver.Database(storetest.Postgres(t)) },
	}
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			if name == "postgresql" && testing.Short() {
				t.Skip("a PostgreSQL of its own takes seconds to start; left out with -short")
			}
			d := serve(t, database(t))
			rounds := 3
			if os.Getenv("BREEZEBLOCK_TEST_LONG") != "" {
				rounds = 50
			}
			l := &ledger{start: time.Now()}
			for range rounds {
				snaps, err := registers(d, 3)
				if err != nil {
					t.Fatal(err)
				}
				hammer(d, l, snaps, 8, 40, 60)
			}
			l.check(t)
		})
	}
}

// serve starts a server on a real socket with the fake driver, and without limits
// for demo.
func serve(t testing.TB, options ...testserver.Option) *door {
	t.Helper()
	s := testserver.New(t, append(options, testserver.Driver(fake.New()),
		testserver.Set("admin-password", secret), testserver.Set("demo-password", secret), testserver.Set("snapshots-per-volume", "256"))...)
	d := &door{url: s.URL, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	t.Cleanup(d.client.CloseIdleConnections)
	if err := d.letIn(); err != nil {
		t.Fatal(err)
	}
	d.unlimited(t)
	return d
}

// unlimited lets the first caller have as much as he likes.
func (d *door) unlimited(t testing.TB) {
	t.Helper()
	limits := members{"volumes": -1, "snapshots": -1, "gigabytes": -1}
	if status, text, err := d.call(2, "PUT", "/os-quota-sets/"+d.callers[0].Project, members{"quota_set": limits, "skip_validation": true}); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s, %v", status, text, err)
	}
}

// The same of a real process that is killed meanwhile and started again: what was
// not answered may have been done or not, whatever was answered stays.
func TestConcurrentCallsHaveAnOrderAcrossKill(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and kills the real binary; left out with -short")
	}
	kills := 3
	if os.Getenv("BREEZEBLOCK_TEST_LONG") != "" {
		kills = 30
	}
	p := newProcess(t)
	p.start("")
	if err := p.letIn(); err != nil {
		t.Fatal(err)
	}
	p.unlimited(t)
	snaps, err := registers(&p.door, 4)
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{start: time.Now()}
	for range kills {
		var clients sync.WaitGroup
		clients.Go(func() { hammer(&p.door, l, snaps, 8, 1000, 0) })
		time.Sleep(time.Duration(20+rand.IntN(60)) * time.Millisecond) // some calls are in hand then
		p.kill()
		clients.Wait()
		p.start("")
	}
	hammer(&p.door, l, snaps, 8, 10, 20)
	l.check(t)
}
