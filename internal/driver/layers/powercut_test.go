//go:build linux

package layers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// What the file systems call cutting themselves off without writing their log out.
// Source: Linux, fs/ext4/ext4.h EXT4_IOC_SHUTDOWN, fs/xfs/libxfs/xfs_fs.h XFS_IOC_GOINGDOWN.
const (
	ioctlShutdown = 0x8004587d // _IOR('X', 125, __u32)
	noLogFlush    = 2
)

// acknowledged is the point behind the steps of a snapshot: the caller has its answer.
const acknowledged Step = "acknowledged"

// plan is when a file system is cut off: at the nth passing of a step, or after so
// many requests, syncs and steps.
type plan struct {
	at     Step
	nth    int
	events int64
}

func (c plan) String() string {
	if c.at != "" {
		return fmt.Sprintf("at %q for the %d. time", c.at, c.nth)
	}
	return fmt.Sprintf("after %d events", c.events)
}

// mutant is a driver with one of its guards taken out.
type mutant struct {
	datasync func(r *rig, f *os.File) error
	flush    func(dev driver.Device) error
	atStep   func(r *rig, s Step) // before the writes that are made there
	unasked  bool                 // nobody flushes, which would hide it
}

// rig is a volume on a file system that is cut off again and again, with guests that
// write to it and a caller who makes snapshots, clones and what else there is.
type rig struct {
	t      *testing.T
	m      *mounted
	mutant mutant
	guests int
	random *rand.Rand

	p      *Pool
	gate   sync.RWMutex  // guests share it for each request; who closes the device takes it
	dev    driver.Device // nil: closed
	s      *sectors
	hooked cutGuest
	hookMu sync.Mutex

	snaps, clones map[string][]uint32
	size          int64
	next          int
	doubt         *doubt // the call that is on its way

	plan    plan
	passed  atomic.Int64 // of the plan's step
	events  atomic.Int64
	cutting atomic.Bool
	sealing atomic.Bool // of the mutant that does not sync

	mu     sync.Mutex
	faults []string
}

// doubt is a call that may have been cut: both ways out are right.
type doubt struct {
	what  string
	ref   driver.Ref // what it makes or removes
	back  []uint32   // of a rollback: what it goes back to
	least []int      // of a snapshot: what had been answered when it was called
	grown bool       // it extends
	call  func(ctx context.Context, p *Pool) error
}

func newRig(t *testing.T, kind string, seed uint64, guests int, m mutant) *rig {
	t.Helper()
	if m.flush == nil {
		m.flush = func(dev driver.Device) error { return dev.Flush(context.Background()) }
	}
	r := &rig{t: t, m: mount(t, kind, 512*mib), mutant: m, guests: guests, s: &sectors{}, size: cutSectors * cutSector,
		random: rand.New(rand.NewPCG(seed, 1)), snaps: map[string][]uint32{}, clones: map[string][]uint32{}}
	r.hooked = cutGuest{owner: cutHooked, random: rand.New(rand.NewPCG(seed, 2)), s: r.s, flush: m.flush, cut: &r.cutting}
	p := openPool(t, r.pool(), r.options(Options{}))
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: r.size}, 0))
	must(t, p.Close())
	r.s.reset(make([]uint32, cutSectors))
	return r
}

func (r *rig) pool() string { return r.m.root + "/pool" }

// options cut the layers into several files, none of them whole grains.
func (r *rig) options(o Options) Options {
	o.segment, o.Reserve = 1280<<10, mib
	return o
}

func (r *rig) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.faults) < 20 {
		r.faults = append(r.faults, fmt.Sprintf(format, args...))
	}
}

// failed notes an error, unless it is the cut's.
func (r *rig) failed(what string, err error) {
	if err != nil && !r.cutting.Load() {
		r.fault("before the cut: %s: %v", what, err)
		r.cut()
	}
}

// event counts what happens.
func (r *rig) event() {
	if r.plan.events > 0 && r.events.Add(1) == r.plan.events {
		r.cut()
	}
}

// cut cuts the file system off: what is not on the disk yet never gets there. That
// takes a moment, in which a sync that is on its way may be told that all is well
// though it is not: ext4, once it is being cut off, says nothing when it cannot note
// bytes that it has written. So what is answered from here on counts as not answered.
// Source: Linux, fs/ext4/page-io.c, ext4_end_io_end.
func (r *rig) cut() {
	if r.cutting.Swap(true) {
		return
	}
	dir, err := os.Open(r.m.root)
	if err == nil {
		err = errors.Join(unix.IoctlSetPointerInt(int(dir.Fd()), ioctlShutdown, noLogFlush), dir.Close())
	}
	if err != nil {
		r.fault("the file system was not cut off: %v", err)
	}
}

// step writes and flushes in the middle of calls, and cuts where it is planned. What
// is written right before the switch is flushed right after it.
func (r *rig) step(s Step) {
	if r.mutant.atStep != nil {
		r.mutant.atStep(r, s)
	}
	if r.gate.TryRLock() { // otherwise the device is being closed or opened
		r.hookMu.Lock()
		if r.dev != nil && !r.cutting.Load() {
			r.failed("a request at a step", r.atStep(s))
		}
		r.hookMu.Unlock()
		r.gate.RUnlock()
	}
	r.event()
	if s == r.plan.at && r.passed.Add(1) == int64(r.plan.nth) {
		r.cut()
	}
}

func (r *rig) atStep(s Step) error {
	if s != StepSyncSealed {
		for range 6 {
			if err := r.hooked.write(r.dev); err != nil {
				return err
			}
		}
	}
	if s == StepSwitch || s == acknowledged || r.mutant.unasked {
		return nil
	}
	return r.hooked.sync(r.dev)
}

func (r *rig) datasync(f *os.File) error {
	r.event()
	if r.mutant.datasync != nil {
		return r.mutant.datasync(r, f)
	}
	return datasync(f)
}

// run lets it go until the cut that is planned, mounts the file system again and
// compares. It tells whether all was right.
func (r *rig) run(c plan) bool {
	r.plan = c
	r.passed.Store(0)
	r.events.Store(0)
	r.cutting.Store(false)
	r.hooked.dirty = nil
	o := r.options(Options{AtStep: r.step, datasync: r.datasync, MergeRate: 1 << 40, quiet: 1,
		Trouble: func(id string, err error) { r.failed("in the background", err) }})
	var err error
	if r.p, err = Open(r.pool(), o); err != nil {
		r.fault("open: %v", err)
		return false
	}
	r.openDevice()
	var guests sync.WaitGroup
	for i := range r.guests {
		g := &cutGuest{owner: i, random: rand.New(rand.NewPCG(r.random.Uint64(), 3)), s: r.s, flush: r.mutant.flush, cut: &r.cutting}
		guests.Go(func() { r.guest(g) })
	}
	r.call()
	guests.Wait()
	r.gate.Lock() // a step in the background may be writing
	if r.dev != nil {
		_ = r.dev.Close() // its file system is gone
		r.dev = nil
	}
	r.gate.Unlock()
	_ = r.p.Close()
	r.m.unmount()
	r.m.mount()
	before := len(r.faults)
	r.check()
	for i := before; i < len(r.faults); i++ {
		r.faults[i] = fmt.Sprintf("cut %v: %s", c, r.faults[i])
	}
	return len(r.faults) == 0
}

func (r *rig) openDevice() {
	dev, err := r.p.Open(context.Background(), volA, driver.ReadWrite)
	r.failed("open the volume", err)
	if err == nil {
		r.dev = dev
	}
}

func (r *rig) guest(g *cutGuest) {
	for !r.cutting.Load() {
		r.gate.RLock()
		if r.dev != nil {
			r.failed("a request", g.act(r.dev))
		}
		r.gate.RUnlock()
		r.event()
	}
}

// check opens the pool after the cut, reads back what there is, and makes the call
// again that was cut.
func (r *rig) check() {
	p, err := Open(r.pool(), r.options(Options{byHand: true}))
	if err != nil {
		r.fault("open: %v", err)
		return
	}
	defer func() {
		if err := p.Close(); err != nil {
			r.fault("close: %v", err)
		}
	}()
	ctx := context.Background()
	r.compareList(p)
	r.compareAll(p)
	now := r.compareVolume(p)
	twice, err := r.read(p, volA)
	if why := unlike(twice, now); err != nil || why != "" {
		r.fault("read twice, the volume is not the same: %v, %s", err, why)
	}
	r.checkClean(p, true)
	if d := r.doubt; d != nil {
		r.doubt = nil
		if err := d.call(ctx, p); err != nil {
			r.fault("%s again: %v", d.what, err)
			return
		}
		r.settle(p, d, now)
	}
	if len(r.faults) > 0 {
		return
	}
	values, err := r.read(p, volA)
	if err != nil {
		r.fault("the volume at last: %v", err)
	}
	r.s.reset(values)
	for ref := range p.List(ctx) {
		if err := p.tidy(ctx, ref.Volume); err != nil {
			r.fault("tidy up: %v", err)
		}
	}
	r.compareAll(p)
	r.checkClean(p, false)
	again, err := r.read(p, volA)
	if why := unlike(again, values); err != nil || why != "" {
		r.fault("tidying up changed the volume: %v, %s", err, why)
	}
}

// compareList: what was answered is there, and nothing that nobody asked for.
func (r *rig) compareList(p *Pool) {
	want := map[driver.Ref]bool{volA: true}
	for name := range r.snaps {
		want[driver.Ref{Volume: "a", Snapshot: name}] = true
	}
	for name := range r.clones {
		want[driver.Ref{Volume: name}] = true
	}
	for ref, err := range p.List(context.Background()) {
		if err != nil {
			r.fault("list: %v", err)
		} else if !want[ref] && (r.doubt == nil || r.doubt.ref != ref) {
			r.fault("there is %v", ref)
		}
		delete(want, ref)
	}
	for ref := range want {
		if r.doubt == nil || r.doubt.ref != ref {
			r.fault("%v is gone", ref)
		}
	}
}

// compareAll: snapshots and clones are exact.
func (r *rig) compareAll(p *Pool) {
	for name, want := range r.snaps {
		r.compareOne(p, driver.Ref{Volume: "a", Snapshot: name}, want)
	}
	for name, want := range r.clones {
		r.compareOne(p, driver.Ref{Volume: name}, want)
	}
}

func (r *rig) compareOne(p *Pool, ref driver.Ref, want []uint32) {
	got, err := r.read(p, ref)
	switch {
	case errors.Is(err, driver.ErrNotFound) && r.doubt != nil && r.doubt.ref == ref:
	case err != nil:
		r.fault("%v: %v", ref, err)
	case want == nil: // acknowledged right before the cut: its bounds are looked at with the call in doubt
	default:
		if why := unlike(got, want); why != "" {
			r.fault("%v is not what it was: %s", ref, why)
		}
	}
}

// compareVolume: each sector holds what was flushed last, or something newer; after a
// rollback that was cut, all that or all what it goes back to.
func (r *rig) compareVolume(p *Pool) []uint32 {
	got, err := r.read(p, volA)
	if err != nil {
		r.fault("the volume: %v", err)
		return nil
	}
	if r.doubt != nil && r.doubt.back != nil && slices.Equal(got, r.doubt.back) {
		return got
	}
	if why := r.s.differs(got, nil, nil); why != "" {
		r.fault("the volume lost what was flushed: %s", why)
	}
	if d := r.doubt; d != nil && d.least != nil {
		if snap, err := r.read(p, d.ref); err == nil {
			if why := r.s.differs(snap, d.least, r.s.now(false)); why != "" {
				r.fault("snapshot %v, not acknowledged: %s", d.ref, why)
			}
		} else if !errors.Is(err, driver.ErrNotFound) {
			r.fault("snapshot %v, not acknowledged: %v", d.ref, err)
		}
	}
	return got
}

// checkClean: a check finds no damage, and nothing at all after a repair.
func (r *rig) checkClean(p *Pool, first bool) {
	for _, name := range append(slices.Collect(maps.Keys(r.clones)), "a") {
		for _, repair := range []bool{first, false} {
			report, err := p.Check(context.Background(), name, repair)
			if errors.Is(err, driver.ErrNotFound) && r.doubt != nil && r.doubt.ref.Volume == name {
				continue // a deletion that was cut had come so far
			}
			if err != nil || report.Damaged() || (!repair && len(report.Findings) > 0) {
				r.fault("the check of %s (repair %v): %v, %+v", name, repair, err, report.Findings)
			}
		}
	}
}

func (r *rig) read(p *Pool, ref driver.Ref) ([]uint32, error) {
	dev, err := p.Open(context.Background(), ref, driver.ReadOnly)
	if err != nil {
		return nil, err
	}
	values, err := readSectors(dev)
	return values, errors.Join(err, dev.Close())
}

// cutSteps are all points at which a call or the background work can be cut.
var cutSteps = []Step{
	StepStage, StepPublish, StepPublished, StepGrow, StepResize,
	StepSyncHead, StepMakeHead, StepNameHead, StepSwitch, StepSyncSealed, StepWriteMap, StepRecord, acknowledged,
	StepForget, StepTrash, StepTrashed, StepRemove, StepBranch,
	StepSums, StepSumsRecord, StepMergeBegin, StepMergeCopy, StepMergeSync, StepMergeMap, StepMergeRecord,
	StepTakeOut, StepManifestRename, StepManifestSync,
}

// Whatever is cut off and whenever: nothing that was flushed is lost, every snapshot
// that was acknowledged is exact, and a check finds the volume sound.
func TestPowerCuts(t *testing.T) {
	random, rounds := 10, 1 // and each step: 38 on each file system
	if long() {
		random, rounds = 200, 5
	}
	for _, kind := range []string{"ext4", "xfs"} {
		t.Run(kind, func(t *testing.T) {
			seed := rand.Uint64()
			r := newRig(t, kind, seed, cutOwners-1, mutant{})
			var plans []plan
			for range random {
				plans = append(plans, plan{events: 1 + r.random.Int64N(1000)})
			}
			for range rounds {
				for _, s := range cutSteps {
					plans = append(plans, plan{at: s, nth: 1 + r.random.IntN(2)})
				}
			}
			for i, c := range plans {
				if !r.run(c) {
					t.Fatalf("seed %d, cut %d of %d: %q", seed, i+1, len(plans), r.faults)
				}
			}
		})
	}
}
