package fake

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"sync"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Driver is the fake; make one with New or Failing.
type Driver struct {
	*faults
	mem    *memory
	closed bool // guarded by mem.mu
}

var _ driver.Driver = (*Driver)(nil)

// memory is what outlives Close.
type memory struct {
	mu     sync.Mutex
	vols   map[string]*volume
	fences map[string]driver.Fence // of volumes that are gone, too
	open   int                     // devices
	full   bool
}

// volume is one volume; memory.mu guards all of it.
type volume struct {
	size    int64
	pages   pages
	from    driver.Ref // what it was cloned from, if it was
	snaps   map[string]*frozen
	users   int // devices open on the volume itself
	writing bool
}

// frozen is a snapshot.
type frozen struct {
	size  int64
	pages pages
	users int
}

// New makes an empty driver that meets the given faults.
func New(list ...Fault) *Driver {
	return &Driver{
		faults: &faults{list: list, counts: map[Call]int{}},
		mem:    &memory{vols: map[string]*volume{}, fences: map[string]driver.Fence{}},
	}
}

// Failing makes a driver that answers every call but Close with err.
func Failing(err error) *Driver { return New(Fault{Call: Any, Err: err}) }

// Count tells how many calls of a kind there were, failed ones too.
func (d *Driver) Count(call Call) int { return d.count(call) }

// Reopen gives a new driver over the same bytes, faults and counts, as after a restart.
// Close the old one before.
func (d *Driver) Reopen() *Driver { return &Driver{faults: d.faults, mem: d.mem} }

// SetFull makes the disk full, or not: writes that need a new page fail with
// driver.ErrNoSpace, and all else goes on.
func (d *Driver) SetFull(full bool) {
	d.mem.mu.Lock()
	defer d.mem.mu.Unlock()
	d.mem.full = full
}

// do runs work under the lock, with the call's fault before or after it.
func (d *Driver) do(ctx context.Context, call Call, work func(m *memory) error) error {
	return d.run(ctx, call, func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.mem.mu.Lock()
		defer d.mem.mu.Unlock()
		if d.closed {
			return fmt.Errorf("%s: fake driver: %w", call, fs.ErrClosed)
		}
		if err := work(d.mem); err != nil {
			return fmt.Errorf("%s: %w", call, err)
		}
		return nil
	})
}

// admit refuses an older fence and notes a newer one.
func (m *memory) admit(id string, fence driver.Fence) error {
	if err := driver.CheckID(id); err != nil {
		return err
	}
	if fence != 0 && fence < m.fences[id] {
		return fmt.Errorf("volume %s: %w", id, driver.ErrFenced)
	}
	m.fences[id] = max(fence, m.fences[id])
	return nil
}

// existing finds a volume for a mutating call.
func (m *memory) existing(id string, fence driver.Fence) (*volume, error) {
	if err := m.admit(id, fence); err != nil {
		return nil, err
	}
	if v := m.vols[id]; v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("volume %s: %w", id, driver.ErrNotFound)
}

func (d *Driver) Info(ctx context.Context) (driver.Info, error) {
	err := d.do(ctx, Info, func(*memory) error { return nil })
	if err != nil {
		return driver.Info{}, err
	}
	return driver.Info{Name: "fake", Place: "memory"}, nil
}

func (d *Driver) Create(ctx context.Context, spec driver.VolumeSpec, fence driver.Fence) error {
	return d.do(ctx, Create, func(m *memory) error { return m.create(spec, driver.Ref{}, fence) })
}

func (d *Driver) CreateFrom(ctx context.Context, spec driver.VolumeSpec, from driver.Ref, fence driver.Fence) error {
	return d.do(ctx, CreateFrom, func(m *memory) error {
		if from.Snapshot == "" || from.Volume == spec.ID {
			return fmt.Errorf("%w: a volume is made from a snapshot of another", driver.ErrInvalid)
		}
		return m.create(spec, from, fence)
	})
}

func (m *memory) create(spec driver.VolumeSpec, from driver.Ref, fence driver.Fence) error {
	if err := m.admit(spec.ID, fence); err != nil {
		return err
	}
	if err := driver.CheckSize(spec.Size); err != nil {
		return err
	}
	if v := m.vols[spec.ID]; v != nil {
		if v.size != spec.Size || v.from != from {
			return fmt.Errorf("%w: volume %s is there and is another", driver.ErrInvalid, spec.ID)
		}
		return nil
	}
	v := &volume{size: spec.Size, pages: pages{}, from: from, snaps: map[string]*frozen{}}
	if from != (driver.Ref{}) {
		source, err := m.frozen(from)
		if err != nil {
			return err
		}
		if source.size > spec.Size {
			return fmt.Errorf("%w: %d bytes do not hold a snapshot of %d", driver.ErrInvalid, spec.Size, source.size)
		}
		v.pages = maps.Clone(source.pages)
	}
	m.vols[spec.ID] = v
	return nil
}

// frozen finds a snapshot.
func (m *memory) frozen(ref driver.Ref) (*frozen, error) {
	for _, id := range []string{ref.Volume, ref.Snapshot} {
		if err := driver.CheckID(id); err != nil {
			return nil, err
		}
	}
	if v := m.vols[ref.Volume]; v != nil && v.snaps[ref.Snapshot] != nil {
		return v.snaps[ref.Snapshot], nil
	}
	return nil, fmt.Errorf("snapshot %s of volume %s: %w", ref.Snapshot, ref.Volume, driver.ErrNotFound)
}

func (d *Driver) Delete(ctx context.Context, id string, fence driver.Fence) error {
	return d.do(ctx, Delete, func(m *memory) error {
		if err := m.admit(id, fence); err != nil {
			return err
		}
		v := m.vols[id]
		if v == nil {
			return nil
		}
		users := v.users
		for _, s := range v.snaps {
			users += s.users
		}
		if users > 0 {
			return fmt.Errorf("volume %s: %w", id, driver.ErrBusy)
		}
		delete(m.vols, id)
		return nil
	})
}

func (d *Driver) Extend(ctx context.Context, id string, size int64, fence driver.Fence) error {
	return d.do(ctx, Extend, func(m *memory) error {
		v, err := m.existing(id, fence)
		if err != nil {
			return err
		}
		if err := driver.CheckSize(size); err != nil {
			return err
		}
		if size < v.size {
			return fmt.Errorf("%w: volume %s has %d bytes and never shrinks", driver.ErrInvalid, id, v.size)
		}
		v.size = size
		return nil
	})
}

func (d *Driver) Snapshot(ctx context.Context, id, snap string, fence driver.Fence) error {
	return d.do(ctx, Snapshot, func(m *memory) error {
		v, err := m.existing(id, fence)
		if err != nil {
			return err
		}
		if err := driver.CheckID(snap); err != nil {
			return err
		}
		if v.snaps[snap] == nil {
			v.snaps[snap] = &frozen{size: v.size, pages: maps.Clone(v.pages)}
		}
		return nil
	})
}

func (d *Driver) DeleteSnapshot(ctx context.Context, id, snap string, fence driver.Fence) error {
	return d.do(ctx, DeleteSnapshot, func(m *memory) error {
		if err := m.admit(id, fence); err != nil {
			return err
		}
		if err := driver.CheckID(snap); err != nil {
			return err
		}
		v := m.vols[id]
		if v == nil || v.snaps[snap] == nil {
			return nil
		}
		if v.snaps[snap].users > 0 {
			return fmt.Errorf("snapshot %s: %w", snap, driver.ErrBusy)
		}
		delete(v.snaps, snap)
		return nil
	})
}

// List yields what was there when it was called.
func (d *Driver) List(ctx context.Context) iter.Seq2[driver.Ref, error] {
	return func(yield func(driver.Ref, error) bool) {
		var refs []driver.Ref
		err := d.do(ctx, List, func(m *memory) error {
			for id, v := range m.vols {
				refs = append(refs, driver.Ref{Volume: id})
				for snap := range v.snaps {
					refs = append(refs, driver.Ref{Volume: id, Snapshot: snap})
				}
			}
			return nil
		})
		if err != nil {
			yield(driver.Ref{}, err)
			return
		}
		for _, ref := range refs {
			if !yield(ref, nil) {
				return
			}
		}
	}
}

// Close ends the driver; its bytes stay for Reopen.
func (d *Driver) Close() error {
	d.mem.mu.Lock()
	defer d.mem.mu.Unlock()
	if d.mem.open > 0 {
		return fmt.Errorf("close: %d devices: %w", d.mem.open, driver.ErrBusy)
	}
	d.closed = true
	return nil
}
