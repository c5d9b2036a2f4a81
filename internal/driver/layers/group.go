package layers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/driver"
)

var _ driver.GroupSnapshotter = (*Pool)(nil)

// SnapshotGroup is Snapshot for several volumes: each gets its new head by the same
// steps, but the switch is one for all of them, while nobody writes to any. Both the
// volumes' locks and the turns of their writers are taken in the order of the ids, so
// that two calls never wait for each other. What is not open takes no writes while
// its lock is held.
func (p *Pool) SnapshotGroup(ctx context.Context, refs []driver.Ref, fence driver.Fence) error {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, func(a, b driver.Ref) int { return strings.Compare(a.Volume, b.Volume) })
	var group []*member
	defer func() {
		for _, m := range group {
			p.release(m.v)
			p.tidier.add(m.v.id)
		}
	}()
	for i, ref := range refs {
		if err := errors.Join(driver.CheckID(ref.Volume), driver.CheckID(ref.Snapshot)); err != nil {
			return fmt.Errorf("snapshot volumes: %w", err)
		}
		if i > 0 && refs[i-1].Volume == ref.Volume {
			return fmt.Errorf("snapshot volumes: %w: volume %s comes twice", driver.ErrInvalid, ref.Volume)
		}
		v, err := p.acquire(ctx, ref.Volume)
		if err != nil {
			return fmt.Errorf("snapshot volumes: %w", err)
		}
		group = append(group, &member{v: v, snap: ref.Snapshot})
		if err = v.load(); err == nil {
			err = v.admit(fence)
		}
		if err != nil {
			return fmt.Errorf("snapshot volume %s: %w", ref.Volume, err)
		}
	}
	return p.snapshotGroup(group)
}

// member is one volume of a group snapshot, its lock held.
type member struct {
	v    *volume
	snap string
	head *layerFile // the new head; nil: the volume is not open
}

// each runs do for every member; settle keeps the fence of one that saves nothing.
func each(group []*member, do func(m *member) error) error {
	for _, m := range group {
		if err := m.v.settle(func(*volume) error { return do(m) }); err != nil {
			return fmt.Errorf("snapshot volume %s: %w", m.v.id, err)
		}
	}
	return nil
}

func (p *Pool) snapshotGroup(group []*member) error {
	left := slices.ContainsFunc(group, func(m *member) bool { return m.v.m.snapshot(m.snap) == nil })
	if !left { // done before
		return each(group, func(*member) error { return nil })
	}
	// Some that a cut call left are of another moment.
	if err := each(group, func(m *member) error { return m.v.forget(m.snap) }); err != nil {
		return err
	}
	if err := each(group, (*member).prepare); err != nil {
		switchAll(group) // the manifests name the new heads; the next call seals what is beneath
		return err
	}
	switchAll(group)
	return each(group, func(m *member) error {
		if m.v.core == nil {
			return m.v.snapshot(m.snap)
		}
		return m.v.seal(m.snap)
	})
}

// prepare makes the new head of an open volume, up to the switch. It does not ask
// whether the head is empty: until the switch it may be written to.
func (m *member) prepare() error {
	v := m.v
	if len(v.m.Snapshots) >= maxSnapshots {
		return fmt.Errorf("%w: it has %d snapshots", driver.ErrInvalid, maxSnapshots)
	}
	if v.core == nil {
		return nil
	}
	if err := v.core.failed(); err != nil {
		return err
	}
	if v.m.sealing() != nil {
		if err := v.seal(""); err != nil {
			return err
		}
	}
	head, err := v.makeHead()
	m.head = head
	return err
}

// switchAll sends the writes of all open volumes to their new heads: it waits until
// those on their way are through, and lets none begin until all have switched.
func switchAll(group []*member) {
	var open []*member
	for _, m := range group {
		if m.head != nil {
			m.v.pool.disk.step(StepSwitch)
			open = append(open, m)
		}
	}
	for _, m := range open {
		m.v.core.turn.Lock()
	}
	for _, m := range open {
		m.v.core.pushInTurn(m.head)
	}
	for _, m := range open {
		m.v.core.turn.Unlock()
	}
}
