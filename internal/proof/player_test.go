package proof

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breezeblock/breezeblock/internal/store/storetest"
)

// play runs one history in virtual time.
func play(t *testing.T, h History) (err error) {
	t.Helper()
	dir := folder(t)
	defer func() { _ = os.RemoveAll(dir) }() // thousands are played
	synctest.Test(t, func(*testing.T) {
		err = playOn(dir, "", virtual{}, h)
	})
	return err
}

// playOnPostgres runs one history in the time of this world.
func playOnPostgres(t *testing.T, h History) error {
	t.Helper()
	return playOn(folder(t), storetest.Postgres(t), nil, h)
}

func playOn(dir, database string, time clockwork, h History) error {
	s, err := newSite(dir, database)
	if err != nil {
		return err
	}
	p := &player{site: s, model: NewModel(s.callers...), time: time}
	if time == nil {
		p.time = real{p}
	}
	err = p.play(h)
	p.driver.release(p.time.settle)
	p.driver.heal()
	if stopped := p.stop(); err == nil {
		err = stopped
	}
	if err != nil {
		err = fmt.Errorf("%w\nthe log says:\n%s", err, s.log.Bytes())
	}
	return err
}

// clockwork is how a history waits.
type clockwork interface {
	begun()                      // until all work has begun that can
	settle()                     // until it has come to its end, or to where it waits
	quiet(longest time.Duration) // until none is left, which takes so long at most
}

// virtual is the time of a synctest bubble.
type virtual struct{}

func (virtual) begun() { synctest.Wait() }

func (virtual) settle() {
	time.Sleep(8 * slowest) // no job makes so many calls
	synctest.Wait()
}

func (virtual) quiet(longest time.Duration) { time.Sleep(longest) }

// real is the time of this world, in which one can only look whether work is left.
type real struct{ p *player }

func (r real) begun() { r.settle() }

func (r real) settle() {
	for range 10000 { // what still waits then, the model will tell
		seen, err := r.p.see()
		if err != nil {
			return // whoever looks next is told so too
		}
		waits := func(s Shown) bool { return slices.Contains(waiting, s.Status) }
		if !slices.ContainsFunc(seen.Volumes, waits) && !slices.ContainsFunc(seen.Snapshots, waits) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (r real) quiet(time.Duration) { r.settle() }

// player plays a history on a site and holds it to the model.
type player struct {
	*site
	model         *Model
	time          clockwork
	jumped        bool
	faults, kills int // that may have cost a job an attempt
	stamps        int64
}

// attempts is how often a job is tried. Source: jobs.Config, MaxAttempts.
const attempts = 8

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
		p.faults += op.Count
		p.model.Trouble = p.model.Trouble || op.Mode == Hangs || op.Mode == Late || p.faults+p.kills >= attempts
		p.driver.fault(op)
	case Hold:
		p.model.Trouble = true
		p.driver.hold()
	case Release:
		p.driver.release(p.time.settle)
	case Restart:
		err = p.restart()
	case Write:
		p.stamps++
		if id := p.model.Written(op, p.stamps); id != "" {
			err = stamp(context.Background(), p.disk, id, p.stamps)
		}
	case Kill:
		p.kills++
		p.model.Trouble = p.model.Trouble || p.faults+p.kills >= attempts
		p.time.begun()
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
	p.time.begun() // and is in the driver's hands
	if !op.Rush {
		p.time.settle()
	}
	seen, err := p.see()
	if err != nil {
		return err
	}
	return p.model.Observe(seen)
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
			p.model.Rows[p.model.pick(c.Who, op, op.Noun)])
	}
	if status >= 300 {
		return nil
	}
	var shown struct {
		Volume, Snapshot Shown
		Rollback         struct {
			Safety string `json:"breezeblock:safety_snapshot_id"`
		}
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &shown); err != nil {
			return fmt.Errorf("%w: %s", err, text)
		}
	}
	if shown.Snapshot.ID != "" {
		shown.Volume = shown.Snapshot
	}
	if shown.Rollback.Safety != "" {
		shown.Volume.ID = shown.Rollback.Safety
	}
	return c.Then(shown.Volume)
}

// end lets all work end and checks that nothing is left over; then it takes
// everything away again, as its owners may.
func (p *player) end() error {
	p.driver.heal()
	p.driver.release(p.time.settle)
	if err := p.quiet(); err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	for op, more := p.model.WayOut(); more; op, more = p.model.WayOut() {
		if err := p.request(op); err != nil {
			return fmt.Errorf("no way out: %w", err)
		}
		p.time.quiet(time.Second)
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
	longest := 20 * time.Minute
	if p.jumped { // leases and retries lie in what is now the future
		p.jumped = false
		longest = 4 * time.Hour
	}
	p.time.quiet(longest)
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
