package layers

import (
	"errors"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// whole tells the whole grains within n bytes at off; the one that the volume's end
// cuts counts as whole. It is empty when first is past last.
func (c *core) whole(off, n int64) span {
	end := off + n
	last := end>>c.table.shift - 1
	if end == c.size.Load() {
		last = (end - 1) >> c.table.shift
	}
	return span{(off + c.grain - 1) >> c.table.shift, last}
}

// discard makes zeroes of the whole grains within n bytes at off.
func (c *core) discard(off, n int64) error {
	s := c.whole(off, n)
	if s.first > s.last {
		return nil
	}
	c.turn.Lock()
	err := c.drop(s)
	c.turn.Unlock()
	return c.relieve(err)
}

// writeZeroes makes zeroes of n bytes at off: whole grains go, of the others a part
// is written. Writes stand still meanwhile, so that a snapshot has all of it or nothing.
func (c *core) writeZeroes(off, n int64) error {
	s := c.whole(off, n)
	c.turn.Lock()
	err := c.zero(off, n, s)
	c.turn.Unlock()
	return c.relieve(err)
}

// zero is writeZeroes for a caller that has turn; s are the whole grains.
func (c *core) zero(off, n int64, s span) error {
	end := off + n
	if s.first > s.last {
		return c.putZeroes(off, end)
	}
	start, stop := s.first<<c.table.shift, min((s.last+1)<<c.table.shift, end)
	if err := c.putZeroes(off, start); err != nil {
		return err
	}
	if err := c.putZeroes(stop, end); err != nil {
		return err
	}
	return c.drop(s)
}

// putZeroes writes zeroes into parts of grains; what reads so needs none.
func (c *core) putZeroes(off, end int64) error {
	for off < end {
		grain := off >> c.table.shift
		n := min(end, (grain+1)<<c.table.shift) - off
		if place := c.table.get(grain); place != 0 && place != zeroed {
			if _, err := c.put(make([]byte, n), off); err != nil {
				return err
			}
		}
		off += n
	}
	return nil
}

// drop makes zeroes of whole grains. The caller has turn: no write is on its way.
// Where nothing lies beneath the head a hole is enough; otherwise the log hides it,
// and the head's bytes are erased when that is durable.
func (c *core) drop(s span) error {
	if err := c.failed(); err != nil {
		return err
	}
	c.ranges.lock(s)
	defer c.ranges.unlock(s)
	var gone, held []span
	for g := s.first; g <= s.last; {
		place, n := c.table.run(g, s.last-g+1)
		if place != 0 {
			gone = append(gone, span{g, g + n - 1})
		}
		if place == c.head || place == zeroed {
			held = append(held, span{g, g + n - 1})
		}
		g += n
	}
	if len(gone) == 0 {
		return nil
	}
	c.used.Store(true)
	head := c.headFile()
	if c.under {
		if err := head.zeros.cover(gone, held); err != nil {
			return err
		}
	}
	for _, s := range gone {
		c.table.set(s.first, s.last-s.first+1, 0)
	}
	if c.under {
		return nil
	}
	for _, s := range held {
		off := s.first << c.table.shift
		if err := head.erase(off, min((s.last+1)<<c.table.shift, c.size.Load())-off); err != nil {
			return c.fail(err)
		}
	}
	return nil
}

// relieve erases what waits for it when that is much.
func (c *core) relieve(err error) error {
	if err == nil && c.headFileNow().zeros.crowded() {
		return c.settleHead()
	}
	return err
}

// headFileNow is headFile for calls that hold neither turn nor the volume's lock.
func (c *core) headFileNow() *layerFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headFile()
}

// settleHead erases what waits for it in the head; a failure is final.
func (c *core) settleHead() error {
	c.mu.Lock()
	l := c.headFile()
	open := l.enter() // as a flush does
	c.mu.Unlock()
	if !open {
		return nil
	}
	defer l.leave()
	if err := l.zeros.settle(l, &c.ranges); err != nil {
		return c.fail(err)
	}
	return nil
}

// writeAllocated makes zeroes of n bytes at off that have their space. Few are
// written as they are; for many the file system takes space without bytes.
func (c *core) writeAllocated(off, n int64) error {
	const few = 64 << 10
	s := c.whole(off, n)
	if n <= few || s.first > s.last {
		return c.fillZeroes(off, off+n)
	}
	err := c.writeZeroes(off, n)
	if err == nil {
		err = c.settleHead()
	}
	if err == nil {
		err = c.allocate(s)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return c.fillZeroes(off, off+n)
	}
	if err == nil {
		err = c.fillZeroes(off, s.first<<c.table.shift)
	}
	if stop := (s.last + 1) << c.table.shift; err == nil && stop < off+n {
		err = c.fillZeroes(stop, off+n)
	}
	return err
}

// fillZeroes writes zeroes as bytes.
func (c *core) fillZeroes(off, end int64) error {
	zeroes := make([]byte, min(end-off, 1<<20))
	for off < end {
		n, err := c.write(zeroes[:min(end-off, int64(len(zeroes)))], off)
		if err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}

// allocate takes space in the head for those grains of s that hold nothing.
func (c *core) allocate(s span) error {
	c.turn.RLock()
	defer c.turn.RUnlock()
	c.ranges.lock(s)
	defer c.ranges.unlock(s)
	for g := s.first; g <= s.last; {
		place, n := c.table.run(g, s.last-g+1)
		if place == 0 {
			off := g << c.table.shift
			end := min((g+n)<<c.table.shift, c.size.Load())
			if err := c.headFile().allocate(off, end-off); err != nil {
				return err
			}
			c.table.set(g, n, zeroed)
		}
		g += n
	}
	return nil
}

// extents tells what n bytes at off hold.
func (c *core) extents(off, n int64, fn func(n int64, kind driver.ExtentKind) bool) {
	end := off + n
	for off < end {
		first := off >> c.table.shift
		kind, at := c.kind(first), off
		for off < end && c.kind(off>>c.table.shift) == kind {
			g := off >> c.table.shift
			_, k := c.table.run(g, (end-1)>>c.table.shift-g+1)
			off = min(end, (g+k)<<c.table.shift)
		}
		if off == at { // it changed since
			continue
		}
		if !fn(off-at, kind) {
			return
		}
	}
}

func (c *core) kind(grain int64) driver.ExtentKind {
	switch c.table.get(grain) {
	case 0:
		return driver.ExtentHole
	case zeroed:
		return driver.ExtentZero
	}
	return driver.ExtentData
}
