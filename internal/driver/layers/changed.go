package layers

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Changed compares which layer each grain comes from, not bytes: what was written
// anew with the same bytes counts as changed.
func (p *Pool) Changed(ctx context.Context, id, from, to string, fn func(off, n int64, zero bool) error) error {
	err := driver.CheckID(to)
	if from != "" {
		err = errors.Join(err, driver.CheckID(from))
	}
	if err != nil {
		return fmt.Errorf("changes of volume: %w", err)
	}
	v, err := p.acquire(ctx, id)
	if err != nil {
		return fmt.Errorf("changes of volume: %w", err)
	}
	before, after, size, err := v.views(from, to)
	p.release(v)
	if err == nil {
		err = compare(ctx, before, after, size, from == "", fn)
	}
	if err != nil {
		return fmt.Errorf("changes of volume %s: %w", id, err)
	}
	return nil
}

// views reads what two snapshots see, and the size of the second in bytes. With
// from "" the first sees nothing.
func (v *volume) views(from, to string) (before, after *table, size int64, err error) {
	if err := v.load(); err != nil {
		return nil, nil, 0, err
	}
	s := v.m.snapshot(to)
	if s == nil {
		return nil, nil, 0, fmt.Errorf("snapshot %s: %w", to, driver.ErrNotFound)
	}
	if after, err = v.view(s.Layer, s.Size); err != nil {
		return nil, nil, 0, err
	}
	before = newTable(v.m.Grain, s.Size)
	if from != "" {
		f := v.m.snapshot(from)
		if f == nil {
			return nil, nil, 0, fmt.Errorf("snapshot %s: %w", from, driver.ErrNotFound)
		}
		if before, err = v.view(f.Layer, max(f.Size, s.Size)); err != nil {
			return nil, nil, 0, err
		}
	}
	return before, after, s.Size, nil
}

// view reads which layer each grain comes from, seen from a sealed one; layers are
// told apart by their place in the manifest, from 1.
func (v *volume) view(top int, size int64) (*table, error) {
	t := newTable(v.m.Grain, size)
	for _, rec := range v.m.chain(top) {
		place := uint16(v.m.index(rec.Number) + 1)
		err := readMap(v.dir(), rec, v.m.Grain,
			func(first, n int64) { t.set(first, n, place) },
			func(first, n int64) { t.set(first, n, 0) })
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// compare tells of each piece of size bytes in which two views differ.
func compare(ctx context.Context, before, after *table, size int64, dataOnly bool, fn func(off, n int64, zero bool) error) error {
	var off, end int64 // the piece at hand
	var zero bool
	flush := func() error {
		if off == end {
			return nil
		}
		return fn(off, min(end, size)-off, zero)
	}
	grains := (size-1)>>after.shift + 1
	for g, rounds := int64(0), 0; g < grains; rounds++ {
		if rounds%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		was, k := before.run(g, grains-g)
		is, n := after.run(g, k)
		if was != is && (is != 0 || !dataOnly) {
			at := g << after.shift
			if at != end || zero != (is == 0) {
				if err := flush(); err != nil {
					return err
				}
				off, zero = at, is == 0
			}
			end = (g + n) << after.shift
		}
		g += n
	}
	return flush()
}
