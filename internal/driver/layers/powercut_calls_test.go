//go:build linux

package layers

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// maxCutCalls bounds the calls before a planned cut; each step comes within some thirty.
const maxCutCalls = 2000

// call makes one call after the other until the cut.
func (r *rig) call() {
	for range maxCutCalls {
		if r.cutting.Load() {
			return
		}
		r.callOne()
		r.event()
	}
	r.fault("after %d calls it was never cut", maxCutCalls)
	r.cut()
}

// callOne makes a call of those that are possible now.
func (r *rig) callOne() {
	snaps, clones := slices.Sorted(maps.Keys(r.snaps)), slices.Sorted(maps.Keys(r.clones))
	pick := func(names []string) string { return names[r.random.IntN(len(names))] }
	switch k := r.random.IntN(12); {
	case k < 5 && len(snaps) < 5:
		r.snapshot()
	case k < 7 && len(snaps) > 2:
		r.deleteSnapshot(pick(snaps))
	case k == 7 && len(snaps) > 0 && len(clones) < 2:
		r.clone(pick(snaps))
	case k == 8 && len(clones) > 0:
		r.deleteClone(pick(clones))
	case k == 9 && r.size < 2*cutSectors*cutSector:
		r.extend()
	case k == 10 && len(snaps) > 0:
		r.rollback(pick(snaps))
	}
}

// try makes a call; false when the cut was quicker, and the call stays in doubt.
func (r *rig) try(d doubt) bool {
	r.doubt = &d
	err := d.call(context.Background(), r.p)
	if r.failed(d.what, err); err != nil || r.cutting.Load() {
		return false
	}
	r.doubt = nil
	return true
}

func (r *rig) name() string {
	r.next++
	return fmt.Sprintf("n%d", r.next)
}

func (r *rig) snapshot() {
	ref := driver.Ref{Volume: "a", Snapshot: r.name()}
	least := r.s.now(true)
	ok := r.try(doubt{what: "snapshot", ref: ref, least: least, call: func(ctx context.Context, p *Pool) error {
		return p.Snapshot(ctx, "a", ref.Snapshot, 0)
	}})
	if !ok {
		return
	}
	most := r.s.now(false)
	values, err := r.read(r.p, ref)
	if err != nil && r.cutting.Load() {
		// It cannot be read any more to be compared, but it was acknowledged: the
		// bounds hold.
		r.doubt = &doubt{what: "snapshot", ref: driver.Ref{}, call: func(ctx context.Context, p *Pool) error {
			values, err := r.read(p, ref)
			if err == nil {
				if why := r.s.differs(values, least, most); why != "" {
					r.fault("an acknowledged snapshot: %s", why)
				}
			}
			return err
		}}
		r.snaps[ref.Snapshot] = nil
		return
	}
	r.failed("read the snapshot", err)
	if why := r.s.differs(values, least, most); err == nil && why != "" {
		r.fault("a snapshot beside writers: %s", why)
	}
	r.snaps[ref.Snapshot] = values
	r.step(acknowledged)
}

func (r *rig) deleteSnapshot(name string) {
	if r.try(doubt{what: "delete snapshot", ref: driver.Ref{Volume: "a", Snapshot: name}, call: func(ctx context.Context, p *Pool) error {
		return p.DeleteSnapshot(ctx, "a", name, 0)
	}}) {
		delete(r.snaps, name)
	}
}

func (r *rig) clone(snap string) {
	name, size := r.name(), r.size
	if r.try(doubt{what: "clone", ref: driver.Ref{Volume: name}, back: nil, call: func(ctx context.Context, p *Pool) error {
		err := p.CreateFrom(ctx, driver.VolumeSpec{ID: name, Size: size}, driver.Ref{Volume: "a", Snapshot: snap}, 0)
		if err == nil {
			r.clones[name] = longer(r.snaps[snap], size)
		}
		return err
	}}) {
		return
	}
}

func (r *rig) deleteClone(name string) {
	if r.try(doubt{what: "delete", ref: driver.Ref{Volume: name}, call: func(ctx context.Context, p *Pool) error {
		return p.Delete(ctx, name, 0)
	}}) {
		delete(r.clones, name)
	}
}

// extend adds a sector: the volume's end is seldom a grain's.
func (r *rig) extend() {
	size := r.size + cutSector
	if r.try(doubt{what: "extend", grown: true, call: func(ctx context.Context, p *Pool) error {
		return p.Extend(ctx, "a", size, 0)
	}}) {
		r.grow()
	}
}

func (r *rig) grow() {
	r.size += cutSector
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.s.log, r.s.done, r.s.kept = append(r.s.log, []uint32{0}), append(r.s.done, 1), append(r.s.kept, 0)
}

// rollback closes the device and opens it again; guests wait.
func (r *rig) rollback(snap string) {
	r.gate.Lock()
	defer r.gate.Unlock()
	if r.dev == nil || r.cutting.Load() {
		return
	}
	err := r.dev.Close()
	r.dev = nil
	r.failed("close the device", err)
	back := longer(r.snaps[snap], r.size)
	if err == nil && r.try(doubt{what: "roll back", back: back, call: func(ctx context.Context, p *Pool) error {
		return p.Rollback(ctx, "a", snap, 0)
	}}) {
		r.s.reset(back)
		r.openDevice()
	}
}

// longer is what a volume of size bytes holds that is made from values.
func longer(values []uint32, size int64) []uint32 {
	return append(slices.Clone(values), make([]uint32, size/cutSector-int64(len(values)))...)
}

// unlike finds the first sector that is not as it was.
func unlike(got, want []uint32) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d sectors, were %d", len(got), len(want))
	}
	for i, v := range got {
		if v != want[i] {
			return fmt.Sprintf("sector %d is write %d, was %d", i, v, want[i])
		}
	}
	return ""
}

// settle notes what a call did that was made again after a cut; now is what the
// volume held before that.
func (r *rig) settle(p *Pool, d *doubt, now []uint32) {
	switch d.what {
	case "snapshot":
		name := d.ref.Snapshot
		if name == "" { // it was acknowledged
			for name, values := range r.snaps {
				if values == nil {
					r.snaps[name], _ = r.read(p, driver.Ref{Volume: "a", Snapshot: name})
				}
			}
			return
		}
		values, err := r.read(p, d.ref)
		if err != nil {
			r.fault("the snapshot that was made again: %v", err)
		}
		r.snaps[name] = values
	case "delete snapshot":
		delete(r.snaps, d.ref.Snapshot)
	case "delete":
		delete(r.clones, d.ref.Volume)
	case "extend":
		r.grow()
		if int64(len(now))*cutSector < r.size {
			now = append(now, 0)
		}
	case "roll back":
		now = d.back
	}
	got, err := r.read(p, volA)
	if why := unlike(got, now); err != nil || why != "" {
		r.fault("%s, made again, changed the volume: %v, %s", d.what, err, why)
	}
}
