package proof

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
)

var (
	errDead   = errors.New("this process is dead")
	errBroken = errors.New("the driver is broken")
)

// meddler is a driver that does what a history tells it to: calls go wrong, wait,
// or come from a process that is dead. Reads and Close go through.
type meddler struct {
	driver.Driver

	mu      sync.Mutex
	faults  []*Op // what remains of each
	held    bool
	waiting map[string]chan struct{} // held calls by what they are
	dead    chan struct{}            // closed: no call of this process does anything any more
}

var _ driver.Driver = (*meddler)(nil)

func newMeddler(d driver.Driver) *meddler {
	return &meddler{Driver: d, waiting: map[string]chan struct{}{}, dead: make(chan struct{})}
}

// slowest is how long a call takes at most, unless it is told to hang.
const slowest = time.Millisecond

// calls are the kinds of call that a fault can name; any is all of them.
var calls = []string{"any", "create", "create from", "delete", "extend", "snapshot", "delete snapshot", "rollback"}

func (d *meddler) fault(op Op) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, &op)
}

// hold makes calls wait.
func (d *meddler) hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = true
}

// release lets the held calls go on one after another, in an order that depends
// on nothing but what they are; settle is called after each.
func (d *meddler) release(settle func()) {
	for d.releaseOne() {
		settle()
	}
}

func (d *meddler) releaseOne() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) == 0 {
		d.held = false
		return false
	}
	first := slices.Min(slices.Collect(maps.Keys(d.waiting)))
	close(d.waiting[first])
	delete(d.waiting, first)
	return true
}

// gate lets a call take its time, and makes it wait while calls are held. What
// is at work at once comes to the driver at different moments of virtual time, so
// that the order is the same in every run.
func (d *meddler) gate(ctx context.Context, what string) error {
	hash := fnv.New32()
	_, _ = hash.Write([]byte(what)) // never fails
	select {
	case <-time.After(time.Duration(hash.Sum32()%uint32(slowest/time.Microsecond)) * time.Microsecond):
	case <-d.dead:
		return errDead
	case <-ctx.Done():
		return ctx.Err()
	}
	d.mu.Lock()
	if !d.held {
		d.mu.Unlock()
		return nil
	}
	for d.waiting[what] != nil { // a worker that was left behind waits for the same
		what += "'"
	}
	open := make(chan struct{})
	d.waiting[what] = open
	d.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-d.dead:
		return errDead
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, what)
	return ctx.Err()
}

// heal ends all faults that have not come up.
func (d *meddler) heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

// die is the end of the process whose driver this is.
func (d *meddler) die() { close(d.dead) }

// meet is the fault of this call, if it has one.
func (d *meddler) meet(call string) FaultMode {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.faults, func(f *Op) bool { return f.Word == call || f.Word == "any" })
	if i < 0 {
		return ""
	}
	mode := d.faults[i].Mode
	if d.faults[i].Count--; d.faults[i].Count <= 0 {
		d.faults = slices.Delete(d.faults, i, i+1)
	}
	return mode
}

// run does the work of one call as the history wants it; on is the object.
func (d *meddler) run(ctx context.Context, call, on string, work func(context.Context) error) error {
	if err := d.gate(ctx, on+" "+call); err != nil {
		return fmt.Errorf("%s: %w", call, err)
	}
	mode := d.meet(call)
	if mode == Hangs || mode == Late {
		select {
		case <-ctx.Done():
		case <-d.dead:
		}
	}
	select {
	case <-d.dead:
		return errDead
	default:
	}
	switch mode {
	case Fails:
		return fmt.Errorf("%s: %w", call, errBroken)
	case Hangs:
		return ctx.Err()
	case Late:
		return work(context.WithoutCancel(ctx))
	case Twice:
		if err := work(ctx); err != nil {
			return err
		}
	}
	err := work(ctx)
	if err == nil && mode == Loses {
		err = fmt.Errorf("%s: %w", call, errBroken)
	}
	return err
}

func (d *meddler) Create(ctx context.Context, v driver.VolumeSpec, fence driver.Fence) error {
	return d.run(ctx, "create", v.ID, func(ctx context.Context) error { return d.Driver.Create(ctx, v, fence) })
}

func (d *meddler) CreateFrom(ctx context.Context, v driver.VolumeSpec, from driver.Ref, fence driver.Fence) error {
	return d.run(ctx, "create from", v.ID, func(ctx context.Context) error { return d.Driver.CreateFrom(ctx, v, from, fence) })
}

func (d *meddler) Delete(ctx context.Context, id string, fence driver.Fence) error {
	return d.run(ctx, "delete", id, func(ctx context.Context) error { return d.Driver.Delete(ctx, id, fence) })
}

func (d *meddler) Extend(ctx context.Context, id string, size int64, fence driver.Fence) error {
	return d.run(ctx, "extend", id, func(ctx context.Context) error { return d.Driver.Extend(ctx, id, size, fence) })
}

func (d *meddler) Snapshot(ctx context.Context, id, snap string, fence driver.Fence) error {
	return d.run(ctx, "snapshot", id+snap, func(ctx context.Context) error { return d.Driver.Snapshot(ctx, id, snap, fence) })
}

func (d *meddler) DeleteSnapshot(ctx context.Context, id, snap string, fence driver.Fence) error {
	return d.run(ctx, "delete snapshot", id+snap, func(ctx context.Context) error { return d.Driver.DeleteSnapshot(ctx, id, snap, fence) })
}

func (d *meddler) Rollback(ctx context.Context, id, snap string, fence driver.Fence) error {
	return d.run(ctx, "rollback", id+snap, func(ctx context.Context) error { return d.Driver.Rollback(ctx, id, snap, fence) })
}

// stamp writes a number into a volume.
func stamp(ctx context.Context, d driver.Driver, volume string, n int64) error {
	device, err := d.Open(ctx, driver.Ref{Volume: volume}, driver.ReadWrite)
	if err != nil {
		return err
	}
	_, err = device.WriteAt(binary.BigEndian.AppendUint64(nil, uint64(n)), 0)
	return errors.Join(err, device.Flush(ctx), device.Close())
}

// holdings are all objects of a driver, with their sizes and stamps.
func holdings(ctx context.Context, d driver.Driver) ([]Held, error) {
	var all []Held
	for ref, err := range d.List(ctx) {
		if err != nil {
			return nil, err
		}
		device, err := d.Open(ctx, ref, driver.ReadOnly)
		if err != nil {
			return nil, fmt.Errorf("open %+v: %w", ref, err)
		}
		text := make([]byte, 8)
		_, err = device.ReadAt(text, 0)
		all = append(all, Held{ref.Volume, ref.Snapshot, device.Size() >> 30, int64(binary.BigEndian.Uint64(text))})
		if err := errors.Join(err, device.Close()); err != nil {
			return nil, err
		}
	}
	return all, nil
}
