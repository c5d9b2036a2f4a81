package layers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Usage counts what the volume maps by its table and what it takes by the blocks
// of its files; files that a clone shares are nobody's alone.
func (p *Pool) Usage(ctx context.Context, id string) (driver.Usage, error) {
	v, err := p.acquire(ctx, id)
	if err != nil {
		return driver.Usage{}, fmt.Errorf("usage of volume: %w", err)
	}
	defer p.release(v)
	u, err := v.usage()
	if err != nil {
		return driver.Usage{}, fmt.Errorf("usage of volume %s: %w", id, err)
	}
	return u, nil
}

func (v *volume) usage() (u driver.Usage, err error) {
	if err := v.load(); err != nil {
		return u, err
	}
	u = driver.Usage{Logical: v.m.Size, Snapshots: map[string]int64{}}
	err = v.withCore(func(c *core) error {
		c.table.each(func(first, n int64, place uint16) {
			if place != zeroed {
				off := first << c.table.shift
				u.Mapped += min((first+n)<<c.table.shift, v.m.Size) - off
			}
		})
		for _, s := range v.m.Snapshots {
			n, err := v.reclaimable(c, s)
			if err != nil {
				return err
			}
			u.Snapshots[s.ID] = n
		}
		return nil
	})
	if err != nil {
		return u, err
	}
	u.Exclusive, err = exclusive(v.dir())
	return u, err
}

// withCore runs do on the open volume, or on one opened for the while.
func (v *volume) withCore(do func(c *core) error) error {
	if v.core != nil {
		return do(v.core)
	}
	c, err := openCore(&v.pool.disk, v.dir(), v.m, v.m.Head, v.m.Size)
	if err != nil {
		return err
	}
	return errors.Join(do(c), c.close())
}

// reclaimable tells the bytes that deleting a snapshot alone would give back: of its
// layer, all if nothing else sees it, else what the one layer hides through which
// it is seen then.
func (v *volume) reclaimable(c *core, s snapshot) (int64, error) {
	rec := v.m.layer(s.Layer)
	if rec == nil {
		return 0, nil
	}
	for _, other := range v.m.Snapshots {
		if other.ID != s.ID && other.Layer == s.Layer {
			return 0, nil
		}
	}
	if shared, err := isShared(segmentPath(v.dir(), rec.Number, 0)); err != nil || shared {
		return 0, err
	}
	children := v.m.children(rec.Number)
	if len(children) == 0 {
		return rec.Grains * v.m.Grain, nil
	}
	if len(children) > 1 {
		return 0, nil
	}
	hides, err := v.holds(c, *children[0])
	if err != nil {
		return 0, err
	}
	var hidden int64
	err = readMap(v.dir(), *rec, v.m.Grain, func(first, n int64) {
		for end := first + n; first < end; {
			is, k := hides.run(first, end-first)
			if is != 0 {
				hidden += k
			}
			first += k
		}
	}, func(int64, int64) {})
	return hidden * v.m.Grain, err
}

// What holds tells of a grain; 0 is that the layer says nothing of it.
const (
	isData = 1
	isZero = 2
)

// holds tells what a layer holds by itself; c is the open volume, for an open layer.
func (v *volume) holds(c *core, rec layer) (*table, error) {
	t := newTable(v.m.Grain, v.m.Size)
	if rec.sealed() {
		err := readMap(v.dir(), rec, v.m.Grain,
			func(first, n int64) { t.set(first, n, isData) },
			func(first, n int64) { t.set(first, n, isZero) })
		return t, err
	}
	if at := c.find(rec.Number); at != 0 {
		(*c.layers.Load())[at-1].zeros.logged.each(func(first, n int64, _ uint16) { t.set(first, n, isZero) })
		c.table.each(func(first, n int64, place uint16) {
			if place == at {
				t.set(first, n, isData)
			}
		})
	}
	return t, nil
}

// blocksOf tells the bytes that a layer's files take.
func (v *volume) blocksOf(rec layer) (total int64, err error) {
	for i := range segments(rec.Size, v.m.Segment) {
		info, err := os.Lstat(segmentPath(v.dir(), rec.Number, i))
		if err != nil {
			return 0, err
		}
		_, bytes := blocks(info)
		total += bytes
	}
	return total, nil
}

// isShared tells whether other volumes have a file, too.
func isShared(path string) (bool, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, damaged(path, err)
	} else if err != nil {
		return false, err
	}
	links, _ := blocks(info)
	return links > 1, nil
}

// exclusive adds up the blocks of the files in dir that have no other name.
func exclusive(dir string) (total int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		info, err := os.Lstat(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a manifest's next text, by now in its place
		} else if err != nil {
			return 0, err
		}
		if links, bytes := blocks(info); links == 1 {
			total += bytes
		}
	}
	return total, nil
}
