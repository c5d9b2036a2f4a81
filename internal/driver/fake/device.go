package fake

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/breezeblock/breezeblock/internal/driver"
)

const pageSize = 4096

// pages holds what was written, by page number. A page is never changed once it
// is here: writing replaces it, so that snapshots share it.
type pages map[int64]*[pageSize]byte

func (ps pages) read(p []byte, off int64) {
	for len(p) > 0 {
		at := off % pageSize
		n := min(len(p), int(pageSize-at))
		if page := ps[off/pageSize]; page != nil {
			copy(p[:n], page[at:])
		} else {
			clear(p[:n])
		}
		p, off = p[n:], off+int64(n)
	}
}

func (ps pages) write(p []byte, off int64) {
	for len(p) > 0 {
		page := new([pageSize]byte)
		if old := ps[off/pageSize]; old != nil {
			*page = *old
		}
		n := copy(page[off%pageSize:], p)
		ps[off/pageSize] = page
		p, off = p[n:], off+int64(n)
	}
}

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
		if off < 0 || off > dev.vol.size-int64(len(p)) {
			return fmt.Errorf("%w: %d bytes at %d end past %d", driver.ErrInvalid, len(p), off, dev.vol.size)
		}
		dev.vol.pages.write(p, off)
		n = len(p)
		return nil
	})
	return n, err
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
