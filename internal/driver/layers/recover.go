package layers

import (
	"errors"
	"os"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// recover makes holes of space in open layers that a power cut kept the bytes from.
// The file system had the space ready and was cut before it noted the bytes; they
// had not been flushed, so what lies beneath is right. As long as the space is there,
// it is a hole at one time and zeroes at another: once something near it was read,
// the kernel has pages of it and calls them data. It is done once for each volume
// after the pool was opened, before anything asks what is data.
func (v *volume) recover() error {
	v.pool.mu.Lock()
	known := v.pool.known[v.id]
	v.pool.mu.Unlock()
	if known {
		return nil
	}
	for _, rec := range v.m.Layers {
		if rec.sealed() || rec.Parent == 0 { // over nothing, both are zeroes
			continue
		}
		err := v.recoverLayer(rec)
		if errors.Is(err, driver.ErrDamaged) {
			return nil // told to whoever opens it; and the next time this is tried again
		} else if err != nil {
			return err
		}
	}
	v.pool.mu.Lock()
	v.pool.known[v.id] = true
	v.pool.mu.Unlock()
	return nil
}

func (v *volume) recoverLayer(rec layer) error {
	l, err := openLayer(&v.pool.disk, v.dir(), v.m, rec)
	if err != nil {
		return err
	}
	for i, f := range *l.files.Load() {
		base := int64(i) * l.segment
		err = errors.Join(err, unwritten(f, func(off, n int64) error { return l.dropUnwritten(f, base, off, n) }))
	}
	return errors.Join(err, l.close())
}

// dropUnwritten frees n bytes at off of the file that begins at base, but for what
// the log tells: those are zeroes, whatever the file system says, and may have been
// given their space on purpose.
func (l *layerFile) dropUnwritten(f *os.File, base, off, n int64) error {
	end := min(base+off+n, l.size.Load()) // past it nothing is ever read
	for at := base + off; at < end; {
		g := at / l.grain
		state, k := l.zeros.logged.run(g, (end-1)/l.grain-g+1)
		stop := min((g+k)*l.grain, end)
		if state == 0 {
			if err := punchHole(f, at-base, stop-at); err != nil {
				return err
			}
		}
		at = stop
	}
	return nil
}
