package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/layers"
)

// Goals. Source: design.md section 6; data-plane, section 10.
var (
	goalFill   = goal{Least: 0.90} // of a first fill of a sparse raw file, rate
	goalFlush  = goal{Most: 1.1}   // of one fdatasync of such a file, time
	goalMerge  = goal{Most: 1.2}   // of copying the smaller layer's bytes, time
	goalOpen   = goal{Most: 1000}  // ms
	goalMemory = goal{Most: 2}     // bytes for each grain that is mapped by itself
	goalCall   = goal{Most: 50}    // ms, at 1 TiB
	goalPause  = goal{Most: 1}     // ms
)

const (
	engineVolume    = "vol"
	engineBlock     = 4 << 10
	engineFill      = 256 << 20 // bytes of one fill
	engineFlushes   = 200       // of one slot
	engineFragments = 250_000   // of 4 KiB, a hole after each
	engineLarge     = 1 << 40   // bytes of the volume on which calls are timed
	engineLower     = 128 << 20 // bytes of the larger layer of a merge
	engineMerged    = 15_000    // grains of the smaller one
)

// engineRows measures the driver layers in this process, without a server: what it
// costs beside plain files on the same disk.
func (b *bench) engineRows(ctx context.Context) error {
	if !b.wants("engine") {
		return nil
	}
	dir := filepath.Join(b.dir, "engine")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	e := &engine{dir: dir}
	var err error
	if e.pool, err = layers.Open(filepath.Join(dir, "pool"), layers.Options{AtStep: e.step, MergeRate: 1 << 40}); err != nil {
		return err
	}
	defer func() { _ = e.pool.Close() }() // what it holds is thrown away
	fill := &pair{name: "engine fill", ours: e.fill, limit: e.fillRaw}
	flush := &pair{name: "engine flush", ours: e.flush, limit: e.flushRaw}
	merge := &pair{name: "engine merge", ours: e.merge, limit: e.copyRaw}
	if err := runPairs(ctx, b.rng, b.rounds, []*pair{fill, flush, merge}, b.say); err != nil {
		return err
	}
	took := func(f figures) float64 { return f.extra }
	b.add(fill.rate("layers, 1 MiB writes into a fresh head, MiB", goalFill).with("limit: the first fill of a sparse raw file; each with the fdatasync at its end"))
	b.add(flush.compare("layers, 4 KiB write into a hole and flush", "µs", goalFlush, took).with("limit: pwrite + fdatasync of a sparse raw file"))
	b.add(merge.compare("layers, deleting a snapshot: the merge", "ms", goalMerge, took).with("limit: copying the smaller layer's pieces into a raw file, and fdatasync; the merge has its checksums, bitmap and manifest besides"))
	if err := e.openRows(ctx, b); err != nil {
		return err
	}
	return e.callRows(ctx, b)
}

// engine is a pool and what is measured in it.
type engine struct {
	dir   string
	pool  *layers.Pool
	count int

	mu    sync.Mutex
	begun time.Time // of the merge that is on its way
	ended chan time.Duration
}

// step times merges: from the copying on, as what was decided before is bookkeeping,
// to the manifest that has one layer of two.
func (e *engine) step(s layers.Step) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.ended == nil:
	case s == layers.StepMergeCopy:
		e.begun = time.Now()
	case s == layers.StepTakeOut && !e.begun.IsZero():
		e.ended <- time.Since(e.begun)
		e.ended = nil
	}
}

// volume makes a volume and opens it.
func (e *engine) volume(ctx context.Context, size int64) (string, driver.Device, error) {
	e.count++
	id := fmt.Sprintf("%s-%d", engineVolume, e.count)
	if err := e.pool.Create(ctx, driver.VolumeSpec{ID: id, Size: size}, 0); err != nil {
		return id, nil, err
	}
	dev, err := e.pool.Open(ctx, driver.Ref{Volume: id}, driver.ReadWrite)
	return id, dev, err
}

// within makes a volume, runs work on it and removes it.
func (e *engine) within(ctx context.Context, size int64, work func(id string, dev driver.Device) error) error {
	id, dev, err := e.volume(ctx, size)
	if err != nil {
		return err
	}
	return errors.Join(work(id, dev), dev.Close(), e.pool.Delete(ctx, id, 0))
}

// raw makes a sparse file, runs work on it and removes it.
func (e *engine) raw(size int64, work func(f *os.File) error) error {
	f, err := os.Create(filepath.Join(e.dir, "raw"))
	if err != nil {
		return err
	}
	err = f.Truncate(size)
	if err == nil {
		err = work(f)
	}
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// writer is a device or a file.
type writer interface {
	WriteAt(p []byte, off int64) (int, error)
}

func fillWith(w writer, sync func() error) (f figures, err error) {
	chunk := make([]byte, 1<<20)
	for i := range chunk {
		chunk[i] = byte(i * 7)
	}
	start := time.Now()
	for off := int64(0); off < engineFill; off += int64(len(chunk)) {
		if _, err := w.WriteAt(chunk, off); err != nil {
			return f, err
		}
	}
	if err := sync(); err != nil {
		return f, err
	}
	return figures{rate: engineFill / float64(1<<20) / time.Since(start).Seconds()}, nil
}

// fill writes over a snapshot of other bytes, so that all goes into a fresh head.
func (e *engine) fill(ctx context.Context) (f figures, err error) {
	err = e.within(ctx, engineFill, func(id string, dev driver.Device) error {
		if _, err := dev.WriteAt(make([]byte, 1<<20), 0); err != nil {
			return err
		}
		if err := e.pool.Snapshot(ctx, id, "s", 0); err != nil {
			return err
		}
		f, err = fillWith(dev, func() error { return dev.Flush(ctx) })
		return err
	})
	return f, err
}

func (e *engine) fillRaw(context.Context) (f figures, err error) {
	err = e.raw(engineFill, func(file *os.File) error {
		f, err = fillWith(file, func() error { return fdatasync(file) })
		return err
	})
	return f, err
}

// flushWith writes into one hole after the other, each time durably.
func flushWith(w writer, sync func() error) (figures, error) {
	page := make([]byte, engineBlock)
	page[0] = 1
	start := time.Now()
	for i := range int64(engineFlushes) {
		if _, err := w.WriteAt(page, i*64*engineBlock); err != nil {
			return figures{}, err
		}
		if err := sync(); err != nil {
			return figures{}, err
		}
	}
	took := time.Since(start)
	return figures{rate: engineFlushes / took.Seconds(), extra: float64(took.Microseconds()) / engineFlushes}, nil
}

func (e *engine) flush(ctx context.Context) (f figures, err error) {
	err = e.within(ctx, engineFlushes*64*engineBlock, func(_ string, dev driver.Device) error {
		f, err = flushWith(dev, func() error { return dev.Flush(ctx) })
		return err
	})
	return f, err
}

func (e *engine) flushRaw(context.Context) (f figures, err error) {
	err = e.raw(engineFlushes*64*engineBlock, func(file *os.File) error {
		f, err = flushWith(file, func() error { return fdatasync(file) })
		return err
	})
	return f, err
}

// scatterPieces writes the smaller layer's pieces: a grain in each two.
func scatterPieces(w writer) error {
	page := make([]byte, engineBlock)
	page[0] = 2
	for i := range int64(engineMerged) {
		if _, err := w.WriteAt(page, i*2*engineBlock); err != nil {
			return err
		}
	}
	return nil
}

// merge deletes the lower of two snapshots and waits for the background.
func (e *engine) merge(ctx context.Context) (f figures, err error) {
	err = e.within(ctx, engineLower, func(id string, dev driver.Device) error {
		if _, err := fillTo(dev, engineLower); err != nil {
			return err
		}
		if err := e.pool.Snapshot(ctx, id, "s", 0); err != nil {
			return err
		}
		if err := scatterPieces(dev); err != nil {
			return err
		}
		if err := e.pool.Snapshot(ctx, id, "t", 0); err != nil {
			return err
		}
		ended := make(chan time.Duration, 1)
		e.mu.Lock()
		e.ended, e.begun = ended, time.Time{}
		e.mu.Unlock()
		if err := e.pool.DeleteSnapshot(ctx, id, "s", 0); err != nil {
			return err
		}
		select {
		case took := <-ended:
			f = figures{rate: 1 / took.Seconds(), extra: milliseconds(took)}
			return nil
		case <-time.After(time.Minute):
			return errors.New("the layers were not merged within a minute")
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return f, err
}

func fillTo(w writer, size int64) (n int64, err error) {
	chunk := make([]byte, 1<<20)
	chunk[1] = 3
	for ; n < size; n += int64(len(chunk)) {
		if _, err := w.WriteAt(chunk, n); err != nil {
			return n, err
		}
	}
	return n, nil
}

// copyRaw copies as many pieces from one file into another that is there already.
func (e *engine) copyRaw(context.Context) (f figures, err error) {
	err = e.raw(engineLower, func(to *os.File) error {
		from, err := os.CreateTemp(e.dir, "from")
		if err != nil {
			return err
		}
		defer func() { _ = errors.Join(from.Close(), os.Remove(from.Name())) }()
		if _, err := fillTo(to, engineLower); err != nil {
			return err
		}
		if err := errors.Join(scatterPieces(from), fdatasync(to), fdatasync(from)); err != nil {
			return err
		}
		page := make([]byte, engineBlock)
		start := time.Now()
		for i := range int64(engineMerged) {
			if _, err := from.ReadAt(page, i*2*engineBlock); err != nil {
				return err
			}
			if _, err := to.WriteAt(page, i*2*engineBlock); err != nil {
				return err
			}
		}
		if err := fdatasync(to); err != nil {
			return err
		}
		took := time.Since(start)
		f = figures{rate: 1 / took.Seconds(), extra: milliseconds(took)}
		return nil
	})
	return f, err
}

func engineRow(name, unit string, values []float64, g goal, note string) row {
	return row{Name: "layers, " + name, Unit: unit, Ours: spreadOf(values), Goal: g, Rounds: len(values)}.with(note)
}

// fragments is the volume of many pieces. It stays for the next run: file systems
// that discard what they free take minutes to remove it.
const fragments = "fragments"

// makeFragments makes it in a pool of its own, unless it is there.
func makeFragments(ctx context.Context, p *layers.Pool) error {
	for ref, err := range p.List(ctx) {
		if err != nil || ref.Volume == fragments {
			return err
		}
	}
	const part = "part" // has the name only when it is whole
	if err := p.Delete(ctx, part, 0); err != nil {
		return err
	}
	if err := p.Create(ctx, driver.VolumeSpec{ID: part, Size: engineFragments * 2 * engineBlock}, 0); err != nil {
		return err
	}
	dev, err := p.Open(ctx, driver.Ref{Volume: part}, driver.ReadWrite)
	if err != nil {
		return err
	}
	page := make([]byte, engineBlock)
	page[0] = 1
	for i := range int64(engineFragments) {
		if _, err := dev.WriteAt(page, i*2*engineBlock); err != nil {
			return errors.Join(err, dev.Close())
		}
	}
	if err := errors.Join(dev.Flush(ctx), dev.Close(), p.Snapshot(ctx, part, fragments, 0)); err != nil {
		return err
	}
	from := driver.Ref{Volume: part, Snapshot: fragments}
	return p.CreateFrom(ctx, driver.VolumeSpec{ID: fragments, Size: engineFragments * 2 * engineBlock}, from, 0)
}

// openRows measures opening a volume of many fragments, and the memory that its table takes.
func (e *engine) openRows(ctx context.Context, b *bench) (err error) {
	p, err := layers.Open(filepath.Join(b.cache, "breezeblock-bench-fragments-1"), layers.Options{MergeRate: 1 << 40})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := makeFragments(ctx, p); err != nil {
		return err
	}
	var times, sizes []float64
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	for range b.rounds {
		before, start := heap(), time.Now()
		dev, err := p.Open(ctx, driver.Ref{Volume: fragments}, driver.ReadWrite)
		if err != nil {
			return err
		}
		times = append(times, milliseconds(time.Since(start)))
		sizes = append(sizes, (heap()-before)/(2*engineFragments))
		if err := dev.Close(); err != nil {
			return err
		}
	}
	b.add(engineRow("opening 1 GiB in 250,000 fragments", "ms", times, goalOpen, "each 4 KiB is a piece of its own, in a sealed layer beneath the head; in the system's page cache"))
	b.add(engineRow("memory of its table, for each 4 KiB", "bytes", sizes, goalMemory, "of the 500,000 that the fragments and the holes between them are"))
	return nil
}
