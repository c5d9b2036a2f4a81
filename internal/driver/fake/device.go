package fake

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// device is an open volume (snap is nil) or snapshot; the driver's lock guards all of it.
type device struct {
	d      *Driver
	vol    *volume
	snap   *frozen
	mode   driver.Mode
	closed bool
	failed error // of the first failed Flush
}

func (d *Driver) Open(ctx context.Context, ref driver.Ref, mode driver.Mode) (driver.Device, error) {
	var dev *device
	err := d.do(ctx, Open, func(m *memory) error {
		if err := driver.CheckID(ref.Volume); err != nil {
			return err
		}
		if ref.Snapshot != "" {
			snap, err := m.frozen(ref)
			if err != nil {
				return err
			}
			if mode != driver.ReadOnly {
				return fmt.Errorf("snapshot %s: %w", ref.Snapshot, driver.ErrReadOnly)
			}
			snap.users++
			dev = &device{d: d, snap: snap, mode: mode}
		} else {
			v := m.vols[ref.Volume]
			if v == nil {
				return fmt.Errorf("volume %s: %w", ref.Volume, driver.ErrNotFound)
			}
			if mode == driver.ReadWrite && v.writing {
				return fmt.Errorf("volume %s: %w", ref.Volume, driver.ErrBusy)
			}
			v.users++
			v.writing = v.writing || mode == driver.ReadWrite
			dev = &device{d: d, vol: v, mode: mode}
		}
		m.open++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dev, nil
}

// bytes tells what the device shows; under the lock.
func (dev *device) bytes() (int64, pages) {
	if dev.snap != nil {
		return dev.snap.size, dev.snap.pages
	}
	return dev.vol.size, dev.vol.pages
}

func (dev *device) Size() int64 {
	dev.d.mem.mu.Lock()
	defer dev.d.mem.mu.Unlock()
	size, _ := dev.bytes()
	return size
}

func (dev *device) ReadAt(p []byte, off int64) (n int, err error) {
	err = dev.use(context.Background(), ReadAt, func() error {
		size, ps := dev.bytes()
		if off < 0 {
			return fmt.Errorf("%w: offset %d", driver.ErrInvalid, off)
		}
		if off >= size {
			return io.EOF
		}
		n = int(min(int64(len(p)), size-off))
		ps.read(p[:n], off)
		if n < len(p) {
			return io.EOF
		}
		return nil
	})
	return n, err
}

func (dev *device) WriteAt(p []byte, off int64) (n int, err error) {
	err = dev.use(context.Background(), WriteAt, func() error {
		if dev.mode != driver.ReadWrite {
			return driver.ErrReadOnly
		}
		if dev.failed != nil {
			return dev.failed
		}
		if err := checkRange(off, int64(len(p)), dev.vol.size); err != nil {
			return err
		}
		n = dev.room(off, len(p))
		dev.vol.pages.write(p[:n], off)
		if n < len(p) {
			return driver.ErrNoSpace
		}
		return nil
	})
	return n, err
}

// room tells how many of n bytes at off can be written: all, or on a full disk those
// whose pages are there and nobody else's.
func (dev *device) room(off int64, n int) int {
	if !dev.d.mem.full {
		return n
	}
	for at := off; at < off+int64(n); at = (at/pageSize + 1) * pageSize {
		if !dev.vol.owns(at / pageSize) {
			return int(at - off)
		}
	}
	return n
}

// owns tells whether a page is there and no snapshot has it, too.
func (v *volume) owns(page int64) bool {
	ours := v.pages[page]
	if ours == nil {
		return false
	}
	for _, s := range v.snaps {
		if s.pages[page] == ours {
			return false
		}
	}
	return true
}

func (dev *device) WriteZeroes(off, n int64, keepAllocated bool) error {
	return dev.zero(WriteZeroes, off, n, func(ps pages) { ps.zero(off, n, dev.vol.size, keepAllocated) })
}

// Discard drops whole pages; the parts of pages at its ends stay as they are.
func (dev *device) Discard(off, n int64) error {
	return dev.zero(Discard, off, n, func(ps pages) {
		for page := (off + pageSize - 1) / pageSize; page < (off+n)/pageSize; page++ {
			delete(ps, page)
		}
	})
}

// zero runs a call that makes zeroes, on a range that it checks.
func (dev *device) zero(call Call, off, n int64, work func(ps pages)) error {
	return dev.use(context.Background(), call, func() error {
		if dev.mode != driver.ReadWrite {
			return driver.ErrReadOnly
		}
		if dev.failed != nil {
			return dev.failed
		}
		if err := checkRange(off, n, dev.vol.size); err != nil {
			return err
		}
		work(dev.vol.pages)
		return nil
	})
}

// Extents calls fn without the lock, so that it may use the device.
func (dev *device) Extents(off, n int64, fn func(n int64, kind driver.ExtentKind) bool) error {
	var pieces []piece
	err := dev.use(context.Background(), Extents, func() error {
		size, ps := dev.bytes()
		if err := checkRange(off, n, size); err != nil {
			return err
		}
		pieces = ps.pieces(off, n)
		return nil
	})
	for _, p := range pieces {
		if !fn(p.n, p.kind) {
			break
		}
	}
	return err
}

func checkRange(off, n, size int64) error {
	if off < 0 || n < 0 || off > size-n {
		return fmt.Errorf("%w: %d bytes at %d end past %d", driver.ErrInvalid, n, off, size)
	}
	return nil
}

// Flush has nothing to do, but a failed one is final as a real one is.
func (dev *device) Flush(ctx context.Context) error {
	err := dev.use(ctx, Flush, func() error { return dev.failed })
	dev.d.mem.mu.Lock()
	defer dev.d.mem.mu.Unlock()
	if err != nil && ctx.Err() == nil && dev.failed == nil {
		dev.failed = err
	}
	return err
}

// use runs work on an open device under the lock, with the call's fault before or
// after it. Reads and writes that hang at a Fault have no context to end them.
func (dev *device) use(ctx context.Context, call Call, work func() error) error {
	if call != Flush {
		done, cancel := context.WithCancel(ctx)
		cancel()
		ctx = done
	}
	return dev.d.run(ctx, call, func() error {
		dev.d.mem.mu.Lock()
		defer dev.d.mem.mu.Unlock()
		if dev.closed {
			return fmt.Errorf("%s: device: %w", call, fs.ErrClosed)
		}
		return work()
	})
}

func (dev *device) Close() error {
	dev.d.mem.mu.Lock()
	defer dev.d.mem.mu.Unlock()
	if dev.closed {
		return fmt.Errorf("close: device: %w", fs.ErrClosed)
	}
	dev.closed = true
	dev.d.mem.open--
	if dev.snap != nil {
		dev.snap.users--
		return nil
	}
	dev.vol.users--
	if dev.mode == driver.ReadWrite {
		dev.vol.writing = false
	}
	return nil
}
