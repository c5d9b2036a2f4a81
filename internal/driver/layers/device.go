package layers

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// device is one opening of a volume or snapshot.
type device struct {
	core *core
	mode driver.Mode
	name string       // for errors
	done func() error // gives the opening back

	mu     sync.RWMutex // calls hold it, Close takes it whole: it waits for them
	closed bool
}

var (
	_ driver.Device = (*device)(nil)
	_ driver.Space  = (*device)(nil)
)

// Open opens a volume or a snapshot. The cost grows with the number of pieces that
// were written, not with the size.
func (p *Pool) Open(ctx context.Context, ref driver.Ref, mode driver.Mode) (driver.Device, error) {
	if ref.Snapshot != "" {
		if err := driver.CheckID(ref.Snapshot); err != nil {
			return nil, err
		}
	}
	v, err := p.acquire(ctx, ref.Volume)
	if err != nil {
		return nil, err
	}
	defer p.release(v)
	var dev *device
	if err := v.load(); err != nil {
		return nil, fmt.Errorf("open volume %s: %w", ref.Volume, err)
	}
	if ref.Snapshot != "" {
		dev, err = v.openSnapshot(ref.Snapshot, mode)
	} else {
		dev, err = v.openVolume(mode)
	}
	if err != nil {
		return nil, fmt.Errorf("open volume %s: %w", ref.Volume, err)
	}
	p.hold(v)
	return dev, nil
}

// openVolume makes a device on the volume itself; the first one opens its files.
func (v *volume) openVolume(mode driver.Mode) (*device, error) {
	if mode == driver.ReadWrite && v.writer {
		return nil, driver.ErrBusy
	}
	if v.core == nil {
		c, err := openCore(&v.pool.disk, v.dir(), v.m, v.m.Head, v.m.Size)
		if err != nil {
			return nil, err
		}
		v.core = c
		v.cores[c] = true
	}
	v.users++
	v.writer = v.writer || mode == driver.ReadWrite
	done := func() error {
		v.users--
		if mode == driver.ReadWrite {
			v.writer = false
		}
		if v.users > 0 {
			return nil
		}
		c := v.core
		v.core = nil
		delete(v.cores, c)
		return c.close()
	}
	return &device{core: v.core, mode: mode, name: v.id, done: v.later(done)}, nil
}

// openSnapshot makes a device on a snapshot, with files of its own.
func (v *volume) openSnapshot(id string, mode driver.Mode) (*device, error) {
	s := v.m.snapshot(id)
	if s == nil {
		return nil, fmt.Errorf("snapshot %s: %w", id, driver.ErrNotFound)
	}
	if mode != driver.ReadOnly {
		return nil, fmt.Errorf("snapshot %s: %w", id, driver.ErrReadOnly)
	}
	c, err := openCore(&v.pool.disk, v.dir(), v.m, s.Layer, s.Size)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", id, err)
	}
	v.readers[id]++
	v.cores[c] = true
	done := func() error {
		if v.readers[id]--; v.readers[id] == 0 {
			delete(v.readers, id)
		}
		delete(v.cores, c)
		return c.close()
	}
	return &device{core: c, mode: driver.ReadOnly, name: v.id + " snapshot " + id, done: v.later(done)}, nil
}

// later runs done under the volume's lock, which Close of a device does not hold.
func (v *volume) later(done func() error) func() error {
	return func() error {
		v.lock <- struct{}{}
		err := done()
		v.pool.tidier.add(v.id)
		v.pool.release(v) // and the reference that hold took
		return err
	}
}

// use runs call while the device cannot be closed.
func (d *device) use(what string, call func() error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return fmt.Errorf("%s volume %s: %w", what, d.name, fs.ErrClosed)
	}
	if err := call(); err != nil {
		return fmt.Errorf("%s volume %s: %w", what, d.name, err)
	}
	return nil
}

func (d *device) Size() int64 { return d.core.size.Load() }

func (d *device) ReadAt(p []byte, off int64) (int, error) {
	n := len(p)
	err := d.use("read", func() error {
		size := d.core.size.Load()
		n = int(min(int64(n), max(0, size-off)))
		if err := d.core.checkRange(min(off, size), int64(n)); err != nil {
			return err
		}
		return d.core.read(p[:n], off)
	})
	if err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *device) WriteAt(p []byte, off int64) (n int, err error) {
	err = d.use("write", func() error {
		if d.mode != driver.ReadWrite {
			return driver.ErrReadOnly
		}
		if err := d.core.checkRange(off, int64(len(p))); err != nil {
			return err
		}
		n, err = d.core.write(p, off)
		return err
	})
	return n, err
}

func (d *device) WriteZeroes(off, n int64, keepAllocated bool) error {
	return d.zero("write zeroes", off, n, func() error {
		if keepAllocated {
			return d.core.writeAllocated(off, n)
		}
		return d.core.writeZeroes(off, n)
	})
}

// Discard gives back the whole grains within, which then read as zeroes; the bytes
// before and behind them stay.
func (d *device) Discard(off, n int64) error {
	return d.zero("discard", off, n, func() error { return d.core.discard(off, n) })
}

func (d *device) zero(what string, off, n int64, call func() error) error {
	return d.use(what, func() error {
		if d.mode != driver.ReadWrite {
			return driver.ErrReadOnly
		}
		if err := d.core.checkRange(off, n); err != nil || n == 0 {
			return err
		}
		return call()
	})
}

func (d *device) Extents(off, n int64, fn func(n int64, kind driver.ExtentKind) bool) error {
	return d.use("look at", func() error {
		if err := d.core.checkRange(off, n); err != nil {
			return err
		}
		d.core.extents(off, n, fn)
		return nil
	})
}

// Flush runs to its end even when ctx ends: an fdatasync cannot be called back.
func (d *device) Flush(ctx context.Context) error {
	return d.use("flush", func() error {
		if err := ctx.Err(); err != nil || d.mode != driver.ReadWrite {
			return err
		}
		return d.core.flush()
	})
}

// Close waits for the calls that are on their way. It does not flush.
func (d *device) Close() error {
	d.mu.Lock()
	closed := d.closed
	d.closed = true
	d.mu.Unlock()
	if closed {
		return fmt.Errorf("close volume %s: %w", d.name, fs.ErrClosed)
	}
	return d.done()
}
