package proof

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Faults, holds and killings are the weather of a history.
type weather int

const (
	fair weather = iota // calls only: all work must end well
	calm                // and restarts, kills and pauses: all work must end well
	foul                // and faults, hangs, clocks that jump, administrators who reset
)

func (w weather) String() string { return [...]string{"fair", "calm", "foul"}[w] }

// Every history of calls is answered as the model says, and leaves what it says:
// the same rows, usage that is the count, a driver that agrees, nothing that waits
// for ever, and nothing that cannot be deleted.
func TestHistories(t *testing.T) {
	for w, checks := range []int{fair: 15, calm: 20, foul: 40} {
		t.Run(weather(w).String(), func(t *testing.T) { checkHistories(t, weather(w), checks, 40) })
	}
}

// TestSoak runs long histories for BREEZEBLOCK_SOAK (a duration), from seed
// BREEZEBLOCK_SEED on; make soak.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("BREEZEBLOCK_SOAK"))
	if err != nil {
		t.Skip("no soak: BREEZEBLOCK_SOAK is no duration")
	}
	seed, err := strconv.ParseUint(os.Getenv("BREEZEBLOCK_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	}
	for end := time.Now().Add(length); time.Now().Before(end) && !t.Failed(); seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			set(t, "rapid.seed", strconv.FormatUint(seed, 10))
			checkHistories(t, weather(seed%3), 20, 120)
		})
	}
}

// set gives a flag of rapid a value, unless the command line did.
func set(t *testing.T, name, value string) {
	t.Helper()
	for _, arg := range os.Args[1:] {
		if strings.HasPrefix(strings.TrimLeft(arg, "-"), name) {
			return
		}
	}
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

func checkHistories(t *testing.T, w weather, checks, length int) {
	set(t, "rapid.nofailfile", "true") // the seed is enough
	set(t, "rapid.shrinktime", "10s")
	set(t, "rapid.checks", strconv.Itoa(checks))
	histories := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) Op { return drawOp(rt, w) }), length/4, length)
	ran := 0
	rapid.Check(t, func(rt *rapid.T) {
		h := History(histories.Draw(rt, "history"))
		ran++
		if err := play(t, h); err != nil {
			rt.Fatalf("%v\nafter:\n%s", err, h)
		}
	})
	t.Logf("%d histories of at most %d operations", ran, length)
}

// play runs one history in virtual time.
func play(t *testing.T, h History) (err error) {
	dir, err := os.MkdirTemp(t.TempDir(), "history-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	synctest.Test(t, func(*testing.T) {
		s, err2 := newSite(dir)
		if err = err2; err != nil {
			return
		}
		p := &player{site: s, model: NewModel(s.callers...)}
		err = p.play(h)
		p.driver.release(settle)
		p.driver.heal()
		if stopped := p.stop(); err == nil {
			err = stopped
		}
		if err != nil {
			err = fmt.Errorf("%w\nthe log says:\n%s", err, s.log.Bytes())
		}
	})
	return err
}

// player plays a history on a site and holds it to the model.
type player struct {
	*site
	model  *Model
	jumped bool
}

func (p *player) play(h History) error {
	for i, op := range h {
		if err := p.step(op); err != nil {
			return fmt.Errorf("operation %d, %s: %w", i, op, err)
		}
	}
	return p.end()
}

func (p *player) step(op Op) error {
	var err error
	switch op.Verb {
	case Fault:
		p.model.Trouble = true
		p.driver.fault(op)
	case Hold:
		p.model.Trouble = true
		p.driver.hold()
	case Release:
		p.driver.release(settle)
	case Restart:
		err = p.restart()
	case Kill:
		synctest.Wait()
		err = p.kill()
	case Wait:
		time.Sleep(op.Delay)
	case Jump:
		p.model.Trouble, p.jumped = true, true
		p.jump.Add(int64(op.Delay))
	default:
		if op.Verb == Reset || op.Verb == ForceDelete {
			p.model.Trouble = true
		}
		err = p.request(op)
	}
	if err != nil {
		return err
	}
	synctest.Wait() // whatever began is in the driver's hands
	if !op.Rush {
		settle()
	}
	seen, err := p.see()
	if err != nil {
		return err
	}
	return p.model.Observe(seen)
}

// settle lets all work come to its end or to where it waits.
func settle() {
	time.Sleep(8 * slowest) // no job makes so many calls
	synctest.Wait()
}

// request makes the call of op and holds its answer to the model.
func (p *player) request(op Op) error {
	c := p.model.Call(op)
	who := op.Who % len(p.callers)
	status, text, err := p.call(who, c.Method, c.Path, c.Body)
	if err != nil {
		return err
	}
	if status != c.Want && (c.Or == 0 || status != c.Or) {
		return fmt.Errorf("%s %s %v by %s: answered %d %s, must be %d; it was %s", c.Method, c.Path, c.Body, c.Who.Name, status, text, c.Want,
			p.model.Rows[p.model.pick(op.Noun, op.Target)])
	}
	if status >= 300 {
		return nil
	}
	var shown struct{ Volume, Snapshot Shown }
	if len(text) > 0 {
		if err := json.Unmarshal(text, &shown); err != nil {
			return fmt.Errorf("%w: %s", err, text)
		}
	}
	if shown.Snapshot.ID != "" {
		shown.Volume = shown.Snapshot
	}
	return c.Then(shown.Volume)
}

// end lets all work end and checks that nothing is left over; then it takes
// everything away again, as its owners may.
func (p *player) end() error {
	p.driver.heal()
	p.driver.release(settle)
	if err := p.quiet(); err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	for op, more := p.model.WayOut(); more; op, more = p.model.WayOut() {
		if err := p.request(op); err != nil {
			return fmt.Errorf("no way out: %w", err)
		}
		time.Sleep(time.Second)
		seen, err := p.see()
		if err == nil {
			err = p.model.Observe(seen)
		}
		if err != nil {
			return fmt.Errorf("after %s: %w", op, err)
		}
	}
	return p.quiet()
}

func (p *player) quiet() error {
	settle := 20 * time.Minute
	if p.jumped { // leases and retries lie in what is now the future
		p.jumped = false
		settle = 4 * time.Hour
	}
	time.Sleep(settle)
	seen, err := p.see()
	if err != nil {
		return err
	}
	held, err := holdings(context.Background(), p.disk)
	if err != nil {
		return err
	}
	return p.model.Quiet(seen, held)
}

// drawOp draws one operation.
func drawOp(rt *rapid.T, w weather) Op {
	verbs := []Verb{
		CreateVolume, CreateVolume, CreateVolume, CloneVolume, RestoreVolume, CreateSnapshot, CreateSnapshot,
		Show, Update, Update, Delete, Delete, Extend, Attach, Detach, MergeItems, ReplaceItems, DropItem, SetQuota,
	}
	if w >= calm {
		verbs = append(verbs, Restart, Kill, Wait)
	}
	if w == foul {
		verbs = append(verbs, Fault, Fault, Fault, Hold, Hold, Release, Release, Jump, Reset, Reset, ForceDelete, Wait)
	}
	op := Op{Verb: rapid.SampledFrom(verbs).Draw(rt, "verb")}
	switch op.Verb {
	case Hold, Release, Restart, Kill:
		return op
	case Fault:
		op.Word = rapid.SampledFrom(calls).Draw(rt, "call")
		op.Mode = rapid.SampledFrom([]FaultMode{Fails, Loses, Hangs, Late, Twice}).Draw(rt, "mode")
		op.Count = rapid.SampledFrom([]int{1, 1, 2, 3, 10}).Draw(rt, "count") // 10 is more than a job's attempts
		return op
	case Wait:
		op.Delay = time.Duration(rapid.IntRange(1, 400).Draw(rt, "seconds")) * time.Second
		return op
	case Jump:
		op.Delay = rapid.SampledFrom([]time.Duration{-time.Hour, time.Hour}).Draw(rt, "jump")
		return op
	}
	drawCall(rt, &op)
	op.Rush = rapid.Bool().Draw(rt, "rush")
	return op
}

// drawCall draws what a call says.
func drawCall(rt *rapid.T, op *Op) {
	op.Who = rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(rt, "who")
	op.Target = rapid.IntRange(-1, 12).Draw(rt, "target")
	op.Noun = rapid.SampledFrom([]Noun{AVolume, ASnapshot}).Draw(rt, "noun")
	names := rapid.SampledFrom([]string{"", "a", "b", "c"})
	switch op.Verb {
	case CreateVolume:
		op.Size, op.Name = int64(rapid.IntRange(1, 8).Draw(rt, "size")), names.Draw(rt, "name")
		op.Word = rapid.SampledFrom(typeNames).Draw(rt, "type")
	case CloneVolume, RestoreVolume:
		op.Size, op.Name = int64(rapid.IntRange(0, 8).Draw(rt, "size")), names.Draw(rt, "name")
	case CreateSnapshot:
		op.Name, op.Flag = names.Draw(rt, "name"), rapid.Bool().Draw(rt, "force")
		op.Noun = AVolume
	case Update:
		op.Name = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "name")
	case MergeItems, ReplaceItems, DropItem:
		op.Key = rapid.SampledFrom([]string{"k", "l"}).Draw(rt, "key")
		op.Name = rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "value")
	case Extend, Attach, Detach:
		op.Noun, op.Size = AVolume, int64(rapid.IntRange(1, 12).Draw(rt, "size"))
	case Delete:
		op.Flag = rapid.Bool().Draw(rt, "cascade")
	case ForceDelete:
		op.Who = rapid.SampledFrom([]int{0, 2, 2, 2}).Draw(rt, "who")
	case Reset:
		op.Who = rapid.SampledFrom([]int{0, 2, 2, 2}).Draw(rt, "who")
		statuses := []string{"available", "error", "creating", "deleting", "error_deleting"}
		if op.Noun == AVolume {
			statuses = append(statuses, "in-use", "extending", "error_extending", "attaching", "detaching", "maintenance", "reserved")
		}
		op.Word = rapid.SampledFrom(statuses).Draw(rt, "status")
	case SetQuota:
		op.Who = rapid.SampledFrom([]int{0, 2, 2, 2}).Draw(rt, "who")
		op.Word = rapid.SampledFrom([]string{"volumes", "snapshots", "gigabytes", "volumes_SSD", "gigabytes_SSD", "snapshots_SSD"}).Draw(rt, "resource")
		op.Count = rapid.SampledFrom([]int{-1, 0, 1, 2, 5, 20, 100}).Draw(rt, "limit")
	}
}
