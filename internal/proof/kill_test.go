package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/crash"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/layers"
)

// steps are the crash points of the driver that ships.
var steps = []layers.Step{
	layers.StepStage, layers.StepPublish, layers.StepPublished, layers.StepGrow, layers.StepResize,
	layers.StepSyncHead, layers.StepMakeHead, layers.StepNameHead, layers.StepSwitch, layers.StepSyncSealed,
	layers.StepWriteMap, layers.StepRecord, layers.StepForget, layers.StepTrash, layers.StepTrashed,
	layers.StepRemove, layers.StepManifestRename, layers.StepManifestSync,
}

// atRandom is no point: the process is killed from outside, at any moment.
const atRandom = ""

// deaths are n ways to die: each named point as often as the next, and some at random.
func deaths(n int) []string {
	points := append(crash.Points(), atRandom, atRandom)
	for _, s := range steps {
		points = append(points, string(s))
	}
	rand.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	if n < len(points) { // the rooms above the driver come in each run
		first := append(crash.Points(), atRandom)
		points = slices.Concat(first, slices.DeleteFunc(points, func(p string) bool { return slices.Contains(first, p) }))
	}
	all := make([]string, n)
	for i := range all {
		all[i] = points[i%len(points)]
	}
	return all
}

// The real process with clients at work is killed at named points and at random,
// again and again. After each start nothing that was acknowledged is lost, no work
// is lost, nothing waits for ever, usage is the count, and driver and rows agree.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and kills the real binary; left out with -short")
	}
	rounds := 20
	if os.Getenv("BREEZEBLOCK_TEST_LONG") != "" {
		rounds = 200
	}
	p := newProcess(t)
	p.start("")
	if err := p.letIn(); err != nil {
		t.Fatal(err)
	}
	p.unlimited(t)
	k := &killing{process: p}
	for i := range 8 {
		c := &killClient{n: i, door: &p.door, model: NewModel(p.callers[0])}
		c.model.Limits[p.callers[0].Project] = map[string]int64{"volumes": -1, "snapshots": -1, "gigabytes": -1}
		k.clients = append(k.clients, c)
	}
	for round, point := range deaths(rounds) {
		k.kill()
		if err := k.scribble(); err != nil {
			t.Fatalf("round %d: write into the volumes: %v", round, err)
		}
		if err := k.round(point); err != nil {
			t.Fatalf("round %d, killed at %q: %v\nlog: %s", round, point, err, p.logs)
		}
	}
	k.kill()
	if err := k.agree(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rounds, %d calls acknowledged, %d in doubt; passed over without being met: %q", rounds, k.total(), k.doubts, k.missed)
	if len(k.missed) > 0 {
		t.Errorf("points that no call came to: %q", k.missed)
	}
	if k.total() < 10*rounds {
		t.Errorf("only %d calls were acknowledged: no storm", k.total())
	}
}

// killing is a process, its clients, and what came of them.
type killing struct {
	*process
	clients []*killClient
	doubts  int
	missed  []string
}

func (k *killing) total() (n int) {
	for _, c := range k.clients {
		n += c.acknowledged
	}
	return n
}

// round starts the process with a point armed, looks what is there, and lets the
// clients work until it dies.
func (k *killing) round(point string) error {
	if k.start(arm(point)) {
		err := k.verify()
		if err == nil {
			return k.storm(point)
		}
		select {
		case <-k.gone:
		case <-time.After(time.Second): // it lives: this is no dead server's answer
			return err
		}
	}
	k.start("") // it died while it took up what was left; what is there is looked at now
	if err := k.verify(); err != nil {
		return err
	}
	k.kill()
	return k.agree()
}

// arm chooses at which passing of a point the process dies.
func arm(point string) string {
	often := 6 // steps of the driver
	switch point {
	case atRandom:
		return ""
	case crash.BeforeCommit, crash.AfterCommit:
		often = 300
	case crash.JobClaimed, crash.JobHandled, crash.DriverCalled:
		often = 60
	}
	return fmt.Sprintf("%s:%d", point, 1+rand.IntN(often))
}

// storm lets the clients work until the process dies, which is seen to.
func (k *killing) storm(point string) error {
	var all sync.WaitGroup
	failed := make([]error, len(k.clients))
	for i, c := range k.clients {
		all.Go(func() { failed[i] = c.work() })
	}
	patience := 10 * time.Second
	if point == atRandom {
		patience = time.Duration(20+rand.IntN(300)) * time.Millisecond
	}
	select {
	case <-k.gone:
	case <-time.After(patience):
		if point != atRandom {
			k.missed = append(k.missed, point)
		}
		k.kill()
	}
	all.Wait()
	k.client.CloseIdleConnections()
	for i, err := range failed {
		if err != nil {
			return fmt.Errorf("client %d: %w", i, err)
		}
	}
	return nil
}

// verify waits until all work that was left is done and holds what is there to
// what the clients were told.
func (k *killing) verify() error {
	seen, err := k.settled()
	if err != nil {
		return err
	}
	all := NewModel(k.callers[0])
	for _, c := range k.clients {
		if c.doubt != nil {
			k.doubts++
		}
		if err := c.verify(seen); err != nil {
			return fmt.Errorf("client %d: %w", c.n, err)
		}
		for _, id := range c.model.Made {
			if r := c.model.Rows[id]; r != nil {
				all.add(r)
			}
		}
	}
	if got, want := len(seen.Volumes)+len(seen.Snapshots), len(all.Rows); got != want {
		return fmt.Errorf("%d objects are there, and %d that anybody made", got, want)
	}
	return all.usageIs(map[string]map[string]Usage{k.callers[0].Project: seen.Usage[k.callers[0].Project]})
}

// settled reads everything once no status says that something is being done.
func (k *killing) settled() (Seen, error) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		seen, err := k.see()
		if err != nil {
			return seen, err
		}
		waits := ""
		for _, s := range slices.Concat(seen.Volumes, seen.Snapshots) {
			if slices.Contains(waiting, s.Status) {
				waits = s.ID + " is " + s.Status
			}
		}
		if waits == "" {
			return seen, nil
		}
		if time.Now().After(deadline) {
			return seen, fmt.Errorf("it waits for ever: %s", waits)
		}
	}
}

// agree opens the driver of the dead process and compares it with the rows; there
// must be no work left.
func (k *killing) agree() error {
	k.start("")
	if err := k.verify(); err != nil {
		return err
	}
	k.kill()
	pool, err := layers.Open(k.data, layers.Options{})
	if err != nil {
		return err
	}
	held, err := holdings(k.t.Context(), pool)
	if err != nil {
		return err
	}
	if err := pool.Close(); err != nil {
		return err
	}
	all := NewModel(k.callers[0])
	for _, c := range k.clients {
		for _, id := range c.model.Made {
			if r := c.model.Rows[id]; r != nil {
				all.add(r)
			}
		}
	}
	return all.bytesAre(held)
}

// scribble writes into every volume of the dead process, as whoever has it attached
// does: a snapshot of a volume that nobody wrote to passes few of the steps.
func (k *killing) scribble() error {
	pool, err := layers.Open(k.data, layers.Options{})
	if err != nil {
		return err
	}
	for ref, err := range pool.List(k.t.Context()) {
		if err != nil {
			return errors.Join(err, pool.Close())
		}
		if ref.Snapshot == "" {
			if err := writeTo(k.t.Context(), pool, ref); err != nil {
				return errors.Join(err, pool.Close())
			}
		}
	}
	return pool.Close()
}

func writeTo(ctx context.Context, pool driver.Driver, ref driver.Ref) error {
	device, err := pool.Open(ctx, ref, driver.ReadWrite)
	if err != nil {
		return err
	}
	_, err = device.WriteAt([]byte(ref.Volume), 4096+rand.Int64N(1<<20)) // behind the stamp
	return errors.Join(err, device.Flush(ctx), device.Close())
}

// killClient makes, changes and deletes objects of its own, and knows which call
// of his was not answered.
type killClient struct {
	n            int
	door         *door
	model        *Model
	acknowledged int
	made         int
	doubt        *doubt
}

// doubt is a call that was not answered.
type doubt struct {
	op   Op
	id   string
	call Call
}

// work calls until a call is not answered.
func (c *killClient) work() error {
	for {
		op, ready, err := c.next()
		if err != nil {
			return err
		}
		if !ready {
			return nil
		}
		call := c.model.Call(op)
		status, text, err := c.door.call(0, call.Method, call.Path, call.Body)
		if err != nil {
			c.doubt = &doubt{op, op.ID, call}
			return nil
		}
		if status != call.Want {
			return fmt.Errorf("%s: %s %s %v: answered %d %s, must be %d", op, call.Method, call.Path, call.Body, status, text, call.Want)
		}
		c.acknowledged++
		var shown struct{ Volume, Snapshot Shown }
		if len(text) > 0 {
			if err := json.Unmarshal(text, &shown); err != nil {
				return err
			}
		}
		if shown.Snapshot.ID != "" {
			shown.Volume = shown.Snapshot
		}
		if err := call.Then(shown.Volume); err != nil {
			return err
		}
	}
}

// next draws an operation on an object that nothing is being done to; not ready
// is a server that does not answer.
func (c *killClient) next() (Op, bool, error) {
	c.made++
	op := Op{Target: rand.IntN(100), Name: fmt.Sprintf("%d-%d", c.n, c.made), Key: "k"}
	vols, snaps := len(c.model.live(AVolume)), len(c.model.live(ASnapshot))
	verbs := []Verb{CreateVolume}
	if vols > 0 {
		verbs = append(verbs, CreateSnapshot, CreateSnapshot, Update, MergeItems, Extend, CloneVolume)
	}
	if snaps > 0 {
		verbs = append(verbs, RestoreVolume, Update, Update, Delete)
	}
	if vols > 4 {
		verbs = []Verb{Delete}
	}
	op.Verb, op.Noun = verbs[rand.IntN(len(verbs))], AVolume
	if (op.Verb == Update || op.Verb == MergeItems || op.Verb == Delete) && snaps > 0 && vols <= 4 || op.Verb == RestoreVolume {
		op.Noun = ASnapshot
	}
	op.Flag = op.Noun == AVolume // cascade, and snapshots whatever is attached
	if op.Verb == CreateVolume {
		op.Size = 1
		return op, true, nil
	}
	op.ID = c.model.pick(c.model.Callers[0], op, op.Noun)
	id := op.ID
	ready, err := c.rest(id, op.Noun)
	if ready && c.model.Rows[id] == nil {
		return c.next() // it was being deleted, and has gone: there is one less to choose from
	}
	if op.Verb == Extend && ready && err == nil {
		op.Size = c.model.Rows[id].Size + 1
	}
	return op, ready, err
}

// rest waits until nothing is being done to an object, and takes over what was.
func (c *killClient) rest(id string, noun Noun) (ready bool, err error) {
	row := c.model.Rows[id]
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		status, text, err := c.door.call(0, "GET", "/"+string(noun)+"s/"+id, nil)
		if err != nil {
			return false, nil
		}
		var told struct{ Volume, Snapshot Shown }
		if status == http.StatusNotFound && row.Status == "deleting" {
			delete(c.model.Rows, id)
			return true, nil
		}
		if status != http.StatusOK {
			return false, fmt.Errorf("GET %s: %d %s", row, status, text)
		}
		if err := json.Unmarshal(text, &told); err != nil {
			return false, err
		}
		shown := told.Volume
		if noun == ASnapshot {
			shown = told.Snapshot
		}
		if !slices.Contains(waiting, shown.Status) {
			if err := c.model.took(row, shown, true, map[string]Shown{}); err != nil {
				return false, err
			}
			return true, row.equals(shown)
		}
		if time.Now().After(deadline) {
			return false, fmt.Errorf("it waits for ever: %s", row)
		}
	}
}

// verify holds what is there to what this client was told.
func (c *killClient) verify(seen Seen) error {
	var own Seen
	prefix := fmt.Sprintf("%d-", c.n)
	for _, s := range seen.Volumes {
		if c.owns(s, prefix) {
			own.Volumes = append(own.Volumes, s)
		}
	}
	for _, s := range seen.Snapshots {
		if c.owns(s, prefix) {
			own.Snapshots = append(own.Snapshots, s)
		}
	}
	if c.doubt != nil {
		if err := c.resolve(own); err != nil {
			return err
		}
		c.doubt = nil
	}
	return c.model.Observe(own)
}

func (c *killClient) owns(s Shown, prefix string) bool {
	return s.Name != nil && len(*s.Name) > len(prefix) && (*s.Name)[:len(prefix)] == prefix
}

// resolve finds out whether the call in doubt was done.
func (c *killClient) resolve(own Seen) error {
	d := c.doubt
	var found *Shown
	for _, s := range slices.Concat(own.Volumes, own.Snapshots) {
		if s.ID == d.id {
			found = &s
		}
	}
	done := false
	switch d.op.Verb {
	case CreateVolume, CloneVolume, RestoreVolume, CreateSnapshot:
		for _, s := range slices.Concat(own.Volumes, own.Snapshots) {
			if *s.Name == d.op.Name && c.model.Rows[s.ID] == nil {
				s.Status = "creating" // as it was answered, or would have been
				return d.call.Then(s)
			}
		}
	case Update:
		done = found != nil && *found.Name == d.op.Name
		if done {
			c.model.Rows[d.id].Text = d.op.Name
			return nil
		}
	case MergeItems:
		done = found != nil && found.Metadata[d.op.Key] == d.op.Name
	case Extend:
		done = found != nil && found.Size == d.op.Size
	case Delete:
		done = found == nil
	}
	if done {
		return d.call.Then(Shown{})
	}
	return nil
}
