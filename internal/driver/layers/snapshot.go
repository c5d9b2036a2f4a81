package layers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Snapshot seals the head and puts an empty one above it; I/O goes on but for the
// moment of the switch. The order, each step durable before the next:
//
//	sync head    fdatasync of the head, so that little is left to sync later
//	make head    the empty layer
//	name head    the manifest names it; the layer beneath is still open
//	switch       writes go to the new head; until the end every flush syncs both
//	sync sealed  fdatasync of the layer beneath: no write goes there any more
//	write map    its bitmap
//	record       the manifest seals it and names the snapshot
//
// A cut before "record" leaves a volume without the snapshot, at most with an open
// layer beneath the head, which reads as before. The next call seals that one.
func (p *Pool) Snapshot(ctx context.Context, id, snap string, fence driver.Fence) error {
	if err := driver.CheckID(snap); err != nil {
		return fmt.Errorf("snapshot volume: %w", err)
	}
	return p.mutate(ctx, "snapshot volume", id, fence, func(v *volume) error { return v.snapshot(snap) })
}

func (v *volume) snapshot(id string) error {
	if v.m.snapshot(id) != nil {
		return nil
	}
	if len(v.m.Snapshots) >= maxSnapshots {
		return fmt.Errorf("%w: it has %d snapshots", driver.ErrInvalid, maxSnapshots)
	}
	if v.core != nil {
		if err := v.core.failed(); err != nil {
			return err
		}
	}
	empty, err := v.headEmpty()
	if err != nil {
		return err
	}
	if v.m.sealing() != nil {
		if empty { // all there is lies beneath, as if this call had put the head there
			return v.seal(id)
		}
		if err := v.seal(""); err != nil {
			return err
		}
	}
	if empty { // nothing was written since the last one, or ever
		v.pool.disk.step(StepRecord)
		m := v.m.clone()
		m.Snapshots = append(m.Snapshots, snapshot{ID: id, Layer: m.layer(m.Head).Parent, Size: m.Size})
		return v.save(m)
	}
	if err := v.pushHead(); err != nil {
		return err
	}
	return v.seal(id)
}

// headEmpty tells whether nothing was written to the head.
func (v *volume) headEmpty() (empty bool, err error) {
	if v.core != nil {
		return v.core.headEmpty(), nil
	}
	err = v.withHead(func(l *layerFile) error {
		used, err := l.hasData()
		empty = !used
		return err
	})
	return empty, err
}

// pushHead puts an empty head above the one there is: the steps up to the switch.
// Files that it leaves behind when it fails are taken over by the next call.
func (v *volume) pushHead() error {
	d := &v.pool.disk
	if len(v.m.Layers) >= maxLayers || (v.core != nil && v.core.full()) {
		return fmt.Errorf("%w: its chain has %d layers", driver.ErrInvalid, len(v.m.Layers))
	}
	d.step(StepSyncHead)
	if v.core != nil {
		if err := v.core.flush(); err != nil {
			return err
		}
	}
	d.step(StepMakeHead)
	m := v.m.clone()
	head := layer{Number: m.Next, Parent: m.Head, Size: m.Size}
	l, err := createLayer(d, v.dir(), head.Number, head.Size, m.Segment)
	if err != nil {
		return err
	}
	if err := syncDir(v.dir()); err != nil {
		return errors.Join(err, l.close())
	}
	d.step(StepNameHead)
	m.Layers, m.Head, m.Next = append(m.Layers, head), head.Number, m.Next+1
	if err := v.save(m); err != nil {
		return errors.Join(err, l.close())
	}
	d.step(StepSwitch)
	if v.core == nil {
		return l.close()
	}
	v.core.push(l)
	return nil
}

// seal ends what pushHead began: the layer beneath the head becomes immutable and,
// unless id is empty, the snapshot's. A layer in which nothing was left (its writes
// failed) is dropped.
func (v *volume) seal(id string) error {
	d, rec := &v.pool.disk, *v.m.sealing()
	l, done, err := v.openBeneath(rec)
	if err != nil {
		return err
	}
	d.step(StepSyncSealed)
	text, sum, grains, err := v.syncAndMap(l)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	d.step(StepWriteMap)
	if grains > 0 {
		err := writeDurable(mapPath(v.dir(), rec.Number), text)
		if err = errors.Join(err, syncDir(v.dir())); err != nil {
			return spaceError(err)
		}
	}
	d.step(StepRecord)
	m, top := v.m.clone(), rec.Number
	if grains > 0 {
		m.layer(top).Grains, m.layer(top).Map = grains, sum
	} else {
		top = rec.Parent
		m.layer(m.Head).Parent = top
		m.Layers = slices.DeleteFunc(m.Layers, func(l layer) bool { return l.Number == rec.Number })
	}
	if id != "" {
		m.Snapshots = append(m.Snapshots, snapshot{ID: id, Layer: top, Size: m.Size})
	}
	if err := v.save(m); err != nil {
		return err
	}
	if v.core != nil {
		v.core.sealed()
	}
	if grains == 0 {
		return removeLayer(v.dir(), rec.Number, rec.Size, m.Segment)
	}
	return nil
}

// openBeneath gives the file of the layer beneath the head, which is open if the
// volume is, and what to call after.
func (v *volume) openBeneath(rec layer) (*layerFile, func() error, error) {
	if v.core != nil {
		return v.core.beneath, func() error { return nil }, nil
	}
	l, err := openLayer(&v.pool.disk, v.dir(), v.m, rec)
	if err != nil {
		return nil, nil, err
	}
	return l, l.close, nil
}

// syncAndMap makes l durable and reads from the file system what it holds.
func (v *volume) syncAndMap(l *layerFile) (text []byte, sum string, grains int64, err error) {
	if err := l.datasync(); err != nil {
		if v.core != nil {
			err = v.core.fail(err)
		}
		return nil, "", 0, spaceError(err)
	}
	w := newMapWriter(v.m.Grain, l.size.Load())
	err = l.scan(func(off, n int64) bool {
		w.add(off, n)
		return true
	})
	text, sum, grains = w.finish()
	return text, sum, grains, err
}

// DeleteSnapshot drops the name. A layer with data stays in the chain.
func (p *Pool) DeleteSnapshot(ctx context.Context, id, snap string, fence driver.Fence) error {
	if err := driver.CheckID(snap); err != nil {
		return fmt.Errorf("delete snapshot: %w", err)
	}
	err := p.mutate(ctx, "delete snapshot of volume", id, fence, func(v *volume) error {
		if v.readers[snap] > 0 {
			return driver.ErrBusy
		}
		if v.m.snapshot(snap) == nil {
			return nil
		}
		p.disk.step(StepForget)
		m := v.m.clone()
		m.Snapshots = slices.DeleteFunc(m.Snapshots, func(s snapshot) bool { return s.ID == snap })
		return v.save(m)
	})
	if errors.Is(err, driver.ErrNotFound) {
		return nil
	}
	return err
}
