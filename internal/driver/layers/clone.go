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

// CreateFrom makes a volume whose chain begins with the snapshot's layers, under
// an empty head of its own. The layers are shared by hard links: the link count is
// the count of volumes that need them, kept by the file system.
func (p *Pool) CreateFrom(ctx context.Context, spec driver.VolumeSpec, from driver.Ref, fence driver.Fence) error {
	err := errors.Join(driver.CheckID(spec.ID), driver.CheckID(from.Volume), driver.CheckID(from.Snapshot))
	if err == nil && from.Volume == spec.ID {
		err = fmt.Errorf("%w: a volume cannot be made from itself", driver.ErrInvalid)
	}
	if err == nil {
		err = p.createFrom(ctx, spec, from, fence)
	}
	if err != nil {
		return fmt.Errorf("create volume %s from snapshot %s: %w", spec.ID, from.Snapshot, err)
	}
	return nil
}

func (p *Pool) createFrom(ctx context.Context, spec driver.VolumeSpec, from driver.Ref, fence driver.Fence) error {
	// Two locks, in the order of their ids, so that two calls never wait for each other.
	first, second := min(spec.ID, from.Volume), max(spec.ID, from.Volume)
	v, err := p.acquire(ctx, first)
	if err != nil {
		return err
	}
	defer p.release(v)
	source, err := p.acquire(ctx, second)
	if err != nil {
		return err
	}
	defer p.release(source)
	if spec.ID == second {
		v, source = source, v
	}
	return v.make(spec, &origin{Volume: from.Volume, Snapshot: from.Snapshot}, fence, func(dir string) (*manifest, error) {
		return source.share(from.Snapshot, spec.Size, dir)
	})
}

// share links the layers of a snapshot into dir and tells the chain of a volume
// of size bytes above them.
func (v *volume) share(snap string, size int64, dir string) (*manifest, error) {
	if err := v.load(); err != nil {
		return nil, fmt.Errorf("source volume %s: %w", v.id, err)
	}
	s := v.m.snapshot(snap)
	if s == nil {
		return nil, driver.ErrNotFound
	}
	if size < s.Size {
		return nil, fmt.Errorf("%w: %d bytes do not hold a snapshot of %d", driver.ErrInvalid, size, s.Size)
	}
	if v.m.Merge != nil { // a layer that is being changed cannot be shared
		m := v.m.clone()
		if err := v.abandonMerge(m); err != nil {
			return nil, err
		}
		if err := v.save(m); err != nil {
			return nil, err
		}
		v.pool.tidier.add(v.id)
	}
	m := &manifest{Next: v.m.Next + 1, Head: v.m.Next, Layers: v.m.chain(s.Layer)}
	for i, rec := range m.Layers {
		m.Layers[i].Loose = false
		for _, name := range v.m.files(rec) {
			if err := link(filepath.Join(v.dir(), name), dir); err != nil {
				return nil, err
			}
		}
	}
	m.Layers = append(m.Layers, layer{Number: m.Head, Parent: s.Layer, Size: size})
	return m, nil
}

// link gives the file at path its name in dir as well.
func link(path, dir string) error {
	err := os.Link(path, filepath.Join(dir, filepath.Base(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return damaged(path, err)
	}
	return spaceError(err)
}
