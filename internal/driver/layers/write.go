package layers

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// span is a range of grains, both ends in it.
type span struct{ first, last int64 }

// rangeLock holds grains while they move into the head. There are as many holders
// as requests in flight, so a list does.
type rangeLock struct {
	mu    sync.Mutex
	freed *sync.Cond
	held  []span
}

// lock waits until nobody holds a grain of s, then holds them all.
func (r *rangeLock) lock(s span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.freed == nil {
		r.freed = sync.NewCond(&r.mu)
	}
	for slices.ContainsFunc(r.held, func(h span) bool { return h.first <= s.last && s.first <= h.last }) {
		r.freed.Wait()
	}
	r.held = append(r.held, s)
}

func (r *rangeLock) unlock(s span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.held, s)
	r.held = slices.Delete(r.held, i, i+1)
	r.freed.Broadcast()
}

// write puts p at off, which the caller has checked, and tells how many bytes from
// its start were written.
func (c *core) write(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.turn.RLock() // for the whole request: a snapshot never tears it
	defer c.turn.RUnlock()
	return c.put(p, off)
}

// put is write for a caller that has a share in turn, or all of it.
func (c *core) put(p []byte, off int64) (int, error) {
	if err := c.failed(); err != nil {
		return 0, err
	}
	c.used.Store(true)
	grains := span{off >> c.table.shift, (off + int64(len(p)) - 1) >> c.table.shift}
	if c.inHead(grains) {
		return c.headFile().writeAt(p, off)
	}
	n, err := c.redirect(p, off, grains)
	if errors.Is(err, driver.ErrNoSpace) && c.headFile().zeros.waiting() {
		// What was discarded gives its space back now, not at the next flush.
		if err := c.settleHead(); err != nil {
			return n, err
		}
		var more int
		more, err = c.redirect(p[n:], off+int64(n), grains)
		n += more
	}
	return n, err
}

// inHead tells whether the head holds all of the grains; if so it goes on to.
func (c *core) inHead(s span) bool {
	place, n := c.table.run(s.first, s.last-s.first+1)
	return place == c.head && n == s.last-s.first+1
}

// redirect writes to the head what may lie beneath it: whole grains as they are,
// parts of one with the rest of the grain copied up.
func (c *core) redirect(p []byte, off int64, grains span) (done int, err error) {
	if r := c.headFile().disk.reserve; r.low.Load() && !r.refill() {
		return 0, fmt.Errorf("%w: what is left is for deleting", driver.ErrNoSpace)
	}
	c.ranges.lock(grains)
	defer c.ranges.unlock(grains)
	c.headFile().zeros.written(grains)
	for len(p) > 0 && err == nil {
		grain, at := off>>c.table.shift, off&(c.grain-1)
		var n int
		switch whole := int64(len(p)) &^ (c.grain - 1); {
		case at == 0 && whole > 0:
			n, err = c.writeWhole(p[:whole], grain)
		default:
			n, err = c.writePart(p[:min(int64(len(p)), c.grain-at)], grain, at)
		}
		p, off, done = p[n:], off+int64(n), done+n
	}
	return done, err
}

// writePart writes within one grain. The caller holds the grain until the table
// tells of it: two writers to its two halves must not both copy up.
func (c *core) writePart(p []byte, grain, at int64) (int, error) {
	start := grain << c.table.shift
	if c.table.get(grain) == c.head {
		return c.headFile().writeAt(p, start+at)
	}
	buf := make([]byte, min(c.grain, c.size.Load()-start))
	if err := c.read(buf, start); err != nil {
		return 0, err
	}
	copy(buf[at:], p)
	if _, err := c.headFile().writeAt(buf, start); err != nil {
		return 0, c.undo(span{grain, grain}, err)
	}
	c.table.set(grain, 1, c.head)
	return len(p), nil
}

// writeWhole writes whole grains; the table tells of them once they are there.
func (c *core) writeWhole(p []byte, grain int64) (int, error) {
	n, err := c.headFile().writeAt(p, grain<<c.table.shift)
	whole := int64(n) >> c.table.shift
	c.table.set(grain, whole, c.head)
	if err != nil {
		last := grain + int64(len(p))>>c.table.shift - 1
		return int(whole << c.table.shift), c.undo(span{grain + whole, last}, err)
	}
	return n, nil
}

// undo makes holes of what a failed write left of grains that the table does not
// know in the head: whoever opens the volume next takes data for the truth. Should
// that fail too, the device is at its end.
func (c *core) undo(s span, cause error) error {
	// What lies beneath is hidden by the log alone, where there was data until now.
	if err := c.headFile().zeros.sync(); err != nil {
		return c.fail(errors.Join(cause, err))
	}
	for g := s.first; g <= s.last; {
		place, n := c.table.run(g, s.last-g+1)
		if place != c.head {
			off := g << c.table.shift
			end := min((g+n)<<c.table.shift, c.size.Load())
			if err := c.headFile().punch(off, end-off); err != nil {
				return c.fail(errors.Join(cause, err))
			}
		}
		g += n
	}
	return cause
}
