package layers

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// core is an open volume or snapshot: its layers and the table that says which of
// them holds each grain. The devices of a volume share one.
type core struct {
	grain int64
	size  atomic.Int64 // bytes
	table *table
	// layers holds what was ever in the chain while this is open; the table names
	// them by place, from 1. It only grows, and before the table names a new one.
	// Place 0 is what no layer holds, zeroed what has space in one but no bytes.
	// One that a merge took away is nil, and its place is given to another.
	layers atomic.Pointer[[]*layerFile]
	merges atomic.Uint64 // how often the table was changed for one

	turn   sync.RWMutex // each write holds it; the switch to a new head takes it whole
	head   uint16       // place of the layer that takes the writes; 0: read-only. Under turn and mu.
	under  bool         // something may lie beneath the head. Under turn.
	used   atomic.Bool  // something was written to the head, or tried
	ranges rangeLock    // grains on their way into the head

	mu      sync.Mutex
	beneath *layerFile // the open layer beneath the head: flushes go there too
	failure error      // of the first failed fdatasync; final
}

// openCore opens the chain under top with the given size. It is read-only unless
// top is the head.
func openCore(d *disk, dir string, m *manifest, top int, size int64) (_ *core, err error) {
	c := &core{grain: m.Grain, table: newTable(m.Grain, size)}
	c.size.Store(size)
	var files []*layerFile
	c.layers.Store(&files)
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	for _, rec := range m.chain(top) {
		l, err := openLayer(d, dir, m, rec)
		if err != nil {
			return nil, err
		}
		files = append(files, l)
		place := uint16(len(files))
		if err := c.fill(dir, rec, l, place); err != nil {
			return nil, err
		}
		switch {
		case rec.Number == m.Head:
			c.head, c.under = place, place > 1
		case !rec.sealed():
			c.beneath = l
		}
	}
	return c, nil
}

// fill notes in the table what the layer at place holds.
func (c *core) fill(dir string, rec layer, l *layerFile, place uint16) error {
	set := func(place uint16) func(first, n int64) {
		return func(first, n int64) { c.table.set(first, n, place) }
	}
	if rec.sealed() {
		return readMap(dir, rec, c.grain, set(place), set(0))
	}
	used := l.zeros.any()
	l.zeros.logged.each(func(first, n int64, _ uint16) { c.table.set(first, n, 0) })
	err := l.scan(func(off, n int64) bool { // after the log, which it beats
		first := off / c.grain
		c.table.set(first, (off+n-1)/c.grain-first+1, place)
		used = true
		return true
	})
	c.used.Store(used)
	return err
}

// close gives the files back. What waits to be erased is erased before: whoever
// opens the layer next takes data for the truth.
func (c *core) close() error {
	var errs []error
	for _, l := range *c.layers.Load() {
		if l == nil {
			continue
		}
		if l.zeros != nil && l.zeros.waiting() && c.failed() == nil {
			errs = append(errs, l.zeros.settle(l, &c.ranges))
		}
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}

// headFile tells the head's file; for calls that hold the volume's lock.
func (c *core) headFile() *layerFile { return (*c.layers.Load())[c.head-1] }

// headEmpty tells whether the head took no write, once those on their way are through.
func (c *core) headEmpty() bool {
	c.turn.Lock()
	defer c.turn.Unlock()
	return !c.used.Load()
}

// push makes l the head. I/O stops for as long as it takes to change two words,
// once the writes on their way are through.
func (c *core) push(l *layerFile) {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.pushInTurn(l)
}

// pushInTurn is push for a caller that has turn whole.
func (c *core) pushInTurn(l *layerFile) {
	files := slices.Clone(*c.layers.Load())
	place := slices.Index(files, nil)
	if place >= 0 {
		files[place] = l
	} else {
		place, files = len(files), append(files, l)
	}
	c.layers.Store(&files)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beneath = files[c.head-1]
	c.head = uint16(place + 1)
	c.under = true
	c.used.Store(false)
}

// full tells whether no further layer can be named in the table.
func (c *core) full() bool {
	files := *c.layers.Load()
	return len(files) == zeroed-1 && !slices.Contains(files, nil)
}

// sealed ends the syncing of the layer beneath the head: a manifest says that it is whole.
func (c *core) sealed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beneath = nil
}

// grow shows a new size.
func (c *core) grow(size int64) {
	c.table.grow(size)
	c.size.Store(size)
}

// flush makes durable what was written before it began: to the head and, while a
// snapshot is being made, to the layer that was the head.
func (c *core) flush() error {
	c.mu.Lock()
	err, layers := c.failure, []*layerFile{c.beneath}
	if c.head != 0 {
		layers = append(layers, c.headFile())
	}
	// Each stays open until it is flushed: a snapshot may seal it meanwhile, and a
	// merge close it. One that is closed already was made durable by its seal.
	layers = slices.DeleteFunc(layers, func(l *layerFile) bool { return l == nil || !l.enter() })
	c.mu.Unlock()
	for _, l := range layers {
		if err == nil {
			err = c.flushLayer(l)
		}
		l.leave()
	}
	return err
}

// flushLayer makes an open layer durable; a failure is final.
func (c *core) flushLayer(l *layerFile) error {
	err := l.zeros.settle(l, &c.ranges)
	if err == nil {
		err = l.datasync()
	}
	if err != nil {
		return c.fail(err)
	}
	return nil
}

// fail makes err final: the kernel has dropped the pages that it could not write,
// so a later fdatasync that succeeds would be a lie.
func (c *core) fail(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		c.failure = fmt.Errorf("the device takes no more writes until it is opened anew: %w", spaceError(err))
	}
	return c.failure
}

// failed tells the final error, if there was one.
func (c *core) failed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// read fills p from off; the caller keeps both within the size.
func (c *core) read(p []byte, off int64) error {
	for len(p) > 0 {
		n, err := c.readRun(p, off)
		if err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}

// readRun reads what one layer holds from off on. A merge may take the layer away
// between the look at the table and the read: then it looks again.
func (c *core) readRun(p []byte, off int64) (int64, error) {
	first := off >> c.table.shift
	last := (off + int64(len(p)) - 1) >> c.table.shift
	for {
		merges := c.merges.Load()
		place, n := c.table.run(first, last-first+1)
		k := min(int64(len(p)), (first+n)*c.grain-off)
		if place == 0 || place == zeroed {
			clear(p[:k])
			return k, nil
		}
		l := (*c.layers.Load())[place-1]
		if l == nil || !l.enter() {
			continue
		}
		if c.merges.Load() != merges {
			l.leave()
			continue
		}
		err := l.readChecked(p[:k], off)
		l.leave()
		return k, err
	}
}

// find tells the place of a layer, or 0.
func (c *core) find(number int) uint16 {
	return uint16(slices.IndexFunc(*c.layers.Load(), func(l *layerFile) bool { return l != nil && l.number == number }) + 1)
}

// knowSums lets reads from a layer be checked from now on.
func (c *core) knowSums(d *disk, dir string, rec layer) error {
	place := c.find(rec.Number)
	if place == 0 {
		return nil
	}
	s, err := openSums(d, dir, rec)
	if err != nil {
		return err
	}
	(*c.layers.Load())[place-1].sums.Store(s)
	return nil
}

// forgetSums lets reads from a layer go unchecked. The file stays open for those
// that are on their way, until the layer is closed.
func (c *core) forgetSums(number int) {
	if place := c.find(number); place != 0 {
		l := (*c.layers.Load())[place-1]
		if s := l.sums.Swap(nil); s != nil {
			l.spent = append(l.spent, s)
		}
	}
}

// merged makes what layer gone held come from made. Where it cannot, the files that
// are open go on to be read: they hold the same, and take their space until then.
func (c *core) merged(d *disk, dir string, m *manifest, made layer, gone int, g *merge) {
	from, to := c.find(gone), c.find(made.Number)
	if from == 0 || to == 0 {
		return
	}
	var l *layerFile
	if made.Map != "" {
		var err error
		if l, err = openLayer(d, dir, m, made); err != nil {
			return
		}
	}
	files := slices.Clone(*c.layers.Load())
	old := []*layerFile{files[from-1], files[to-1]}
	files[to-1] = l
	c.layers.Store(&files)
	g.each(func(first, n int64, lower, upper uint16) {
		if over(lower, upper) == isData {
			c.table.replace(first, n, from, to)
		}
	})
	c.merges.Add(1)
	rest := slices.Clone(files) // readers hold the list before
	rest[from-1] = nil
	c.layers.Store(&rest)
	for _, l := range old {
		l.retire()
	}
}

// checkRange refuses what is not within the volume.
func (c *core) checkRange(off, n int64) error {
	if size := c.size.Load(); off < 0 || n < 0 || off > size-n {
		return fmt.Errorf("%w: %d bytes at %d are not within %d", driver.ErrInvalid, n, off, size)
	}
	return nil
}
