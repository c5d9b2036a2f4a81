package layers

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
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
		top := m.layer(m.Head).Parent
		if l := m.layer(top); l != nil {
			l.Loose = false
		}
		m.Snapshots = append(m.Snapshots, snapshot{ID: id, Layer: top, Size: m.Size})
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
func (v *volume) pushHead() error {
	l, err := v.makeHead()
	if err != nil {
		return err
	}
	v.pool.disk.step(StepSwitch)
	if v.core == nil {
		return l.close()
	}
	v.core.push(l)
	return nil
}

// makeHead makes an empty head above the one there is, which goes on to take the
// writes. Files that it leaves behind when it fails are taken over by the next call.
func (v *volume) makeHead() (*layerFile, error) {
	d := &v.pool.disk
	if len(v.m.Layers) >= maxLayers || (v.core != nil && v.core.full()) {
		return nil, fmt.Errorf("%w: its chain has %d layers", driver.ErrInvalid, len(v.m.Layers))
	}
	d.step(StepSyncHead)
	if v.core != nil {
		if err := v.core.flush(); err != nil {
			return nil, err
		}
	}
	d.step(StepMakeHead)
	m := v.m.clone()
	head := m.newLayer(m.Next, m.Head, m.Size)
	l, err := createLayer(d, v.dir(), m, head)
	if err != nil {
		return nil, err
	}
	if err := syncDir(v.dir()); err != nil {
		return nil, errors.Join(err, l.close())
	}
	d.step(StepNameHead)
	m.Layers, m.Head, m.Next = append(m.Layers, head), head.Number, m.Next+1
	if err := v.save(m); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
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
	sealed, text, err := v.syncAndMap(l, rec)
	if err := errors.Join(err, done()); err != nil {
		return err
	}
	d.step(StepWriteMap)
	if text != nil {
		err := writeDurable(filepath.Join(v.dir(), mapName(sealed)), text)
		if err = errors.Join(err, syncDir(v.dir())); err != nil {
			return spaceError(err)
		}
	}
	d.step(StepRecord)
	m, top := v.m.clone(), rec.Number
	m.throw([]string{zeroName(rec.Number)}) // if there is no room it stays, and does no harm
	if text != nil {
		*m.layer(top) = sealed
	} else {
		top = rec.Parent
		m.layer(m.Head).Parent = top
		m.prune()
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

// syncAndMap makes l durable and reads what it holds: data from the file system,
// zeroes from the log. It tells the record of the sealed layer and the text of its
// bitmap; without anything held the text is nil.
func (v *volume) syncAndMap(l *layerFile, rec layer) (layer, []byte, error) {
	if err := l.trim(rec.Size); err != nil {
		return rec, nil, err
	}
	if err := v.flushLayer(l); err != nil {
		return rec, nil, spaceError(err)
	}
	data, zeroes, held := newMapWriter(v.m.Grain), newMapWriter(v.m.Grain), newTable(v.m.Grain, rec.Size)
	err := l.scan(func(off, n int64) bool {
		data.add(off, n)
		first := off / v.m.Grain
		held.set(first, (off+n-1)/v.m.Grain-first+1, 1)
		return true
	})
	if err != nil {
		return rec, nil, err
	}
	if rec.Parent != 0 { // with nothing beneath, holes do
		l.zeros.logged.each(func(first, n int64, _ uint16) {
			for end := first + n; first < end; {
				is, k := held.run(first, end-first)
				if is == 0 {
					zeroes.addGrains(first, k)
				}
				first += k
			}
		})
	}
	text, sum := encodeMap(rec.Size, data, zeroes)
	if data.total+zeroes.total == 0 {
		return rec, nil, nil
	}
	rec.Map, rec.Grains, rec.Zeros = sum, data.total, zeroes.total
	return rec, text, nil
}

// flushLayer makes an open layer durable, also one of a volume that is not open.
func (v *volume) flushLayer(l *layerFile) error {
	if v.core != nil {
		return v.core.flushLayer(l)
	}
	return l.datasync() // nothing waits to be erased
}

// DeleteSnapshot drops the name. A layer that nothing sees any more goes with it;
// one that is seen through another alone is merged with that one later.
func (p *Pool) DeleteSnapshot(ctx context.Context, id, snap string, fence driver.Fence) error {
	if err := driver.CheckID(snap); err != nil {
		return fmt.Errorf("delete snapshot: %w", err)
	}
	err := p.mutate(ctx, "delete snapshot of volume", id, fence, func(v *volume) error {
		return v.forget(snap)
	})
	if errors.Is(err, driver.ErrNotFound) {
		return nil
	}
	return err
}

// forget drops the name of a snapshot, if there is one, unless it is open.
func (v *volume) forget(snap string) error {
	if v.readers[snap] > 0 {
		return driver.ErrBusy
	}
	s := v.m.snapshot(snap)
	if s == nil {
		return nil
	}
	v.pool.disk.step(StepForget)
	return v.pool.disk.reserve.essential(func() error {
		m, layer := v.m.clone(), s.Layer
		m.Snapshots = slices.DeleteFunc(m.Snapshots, func(s snapshot) bool { return s.ID == snap })
		if l := m.layer(layer); l != nil && !m.named(layer) {
			l.Loose = true
		}
		m.prune()
		return v.save(m)
	})
}
