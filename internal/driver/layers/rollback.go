package layers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Rollback puts an empty head above the snapshot's layer: the chain branches there,
// and other snapshots keep what they see. The old head goes, and what only it saw.
//
//	make head  the empty layer
//	branch     the manifest makes it the head, and lets the old one go
//	take out   the old one's files are removed
func (p *Pool) Rollback(ctx context.Context, id, snap string, fence driver.Fence) error {
	if err := driver.CheckID(snap); err != nil {
		return fmt.Errorf("roll back volume: %w", err)
	}
	return p.mutate(ctx, "roll back volume", id, fence, func(v *volume) error {
		return p.disk.reserve.essential(func() error { return v.rollback(snap) })
	})
}

func (v *volume) rollback(snap string) error {
	s := v.m.snapshot(snap)
	if s == nil {
		return fmt.Errorf("snapshot %s: %w", snap, driver.ErrNotFound)
	}
	if v.users > 0 {
		return driver.ErrBusy
	}
	empty, err := v.headEmpty()
	if err != nil && !errors.Is(err, driver.ErrDamaged) { // a damaged head is no loss now
		return err
	}
	if empty && v.m.layer(v.m.Head).Parent == s.Layer {
		return nil
	}
	m, old := v.m.clone(), v.m.Head
	if err := v.abandonMerge(m); err != nil {
		return err
	}
	head := m.newLayer(m.Next, s.Layer, m.Size)
	v.pool.disk.step(StepMakeHead)
	l, err := createLayer(&v.pool.disk, v.dir(), m, head)
	if err != nil {
		return err
	}
	if err := errors.Join(l.close(), syncDir(v.dir())); err != nil {
		return err
	}
	v.pool.disk.step(StepBranch)
	m.Layers = append(m.Layers, head)
	m.Head, m.Next = head.Number, head.Number+1
	m.drop(old)
	return v.save(m)
}

// drop takes out an open layer that was the head, the open one beneath it, if a
// snapshot was being made, and what only they saw. They do not stay for want of
// room in the trash: there is only one head.
func (m *manifest) drop(number int) {
	i := m.index(number)
	l := m.Layers[i]
	m.Trash = append(m.Trash, m.files(l)...)
	m.Layers = slices.Delete(m.Layers, i, i+1)
	if beneath := m.layer(l.Parent); beneath != nil && !beneath.sealed() {
		m.drop(beneath.Number)
		return
	}
	m.prune()
}
