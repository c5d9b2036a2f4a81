package fake

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

func (d *Driver) Rollback(ctx context.Context, id, snap string, fence driver.Fence) error {
	return d.do(ctx, Rollback, func(m *memory) error {
		v, err := m.existing(id, fence)
		if err != nil {
			return err
		}
		s, err := m.frozen(driver.Ref{Volume: id, Snapshot: snap})
		if err != nil {
			return err
		}
		if v.users > 0 {
			return fmt.Errorf("volume %s: %w", id, driver.ErrBusy)
		}
		v.pages = maps.Clone(s.pages)
		return nil
	})
}

// Usage counts pages; one that several share belongs to none of them alone.
func (d *Driver) Usage(ctx context.Context, id string) (driver.Usage, error) {
	var u driver.Usage
	err := d.do(ctx, Usage, func(m *memory) error {
		if err := driver.CheckID(id); err != nil {
			return err
		}
		v := m.vols[id]
		if v == nil {
			return fmt.Errorf("volume %s: %w", id, driver.ErrNotFound)
		}
		users, ours := map[*[pageSize]byte]int{}, map[*[pageSize]byte]int{}
		for name, vol := range m.vols {
			for _, page := range vol.all() {
				if users[page]++; name == id {
					ours[page]++
				}
			}
		}
		u = driver.Usage{Logical: v.size, Snapshots: map[string]int64{}}
		for _, page := range v.pages {
			if data(page) {
				u.Mapped += pageSize
			}
		}
		for page, n := range ours {
			if n == users[page] {
				u.Exclusive += pageSize
			}
		}
		for name, s := range v.snaps {
			u.Snapshots[name] = 0
			for _, page := range s.pages {
				if data(page) && users[page] == 1 {
					u.Snapshots[name] += pageSize
				}
			}
		}
		return nil
	})
	return u, err
}

// all tells every page of a volume and its snapshots, as often as it is used.
func (v *volume) all() (list []*[pageSize]byte) {
	add := func(ps pages) {
		for _, page := range ps {
			if data(page) {
				list = append(list, page)
			}
		}
	}
	add(v.pages)
	for _, s := range v.snaps {
		add(s.pages)
	}
	return list
}

// change is a piece that Changed tells of.
type change struct {
	off, n int64
	zero   bool
}

// Changed compares which pages there are, not their bytes, as a real engine does.
func (d *Driver) Changed(ctx context.Context, id, from, to string, fn func(off, n int64, zero bool) error) error {
	var list []change
	err := d.do(ctx, Changed, func(m *memory) error {
		after, err := m.frozen(driver.Ref{Volume: id, Snapshot: to})
		if err != nil {
			return err
		}
		before := &frozen{}
		if from != "" {
			if before, err = m.frozen(driver.Ref{Volume: id, Snapshot: from}); err != nil {
				return err
			}
		}
		list = changes(before.pages, after)
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range list {
		if err := fn(c.off, c.n, c.zero); err != nil {
			return err
		}
	}
	return nil
}

func changes(before pages, after *frozen) (list []change) {
	numbers := slices.AppendSeq(slices.Collect(maps.Keys(before)), maps.Keys(after.pages))
	slices.Sort(numbers)
	for _, page := range slices.Compact(numbers) {
		was, is := before[page], after.pages[page]
		off := page * pageSize
		if was == is || (!data(was) && !data(is)) || off >= after.size {
			continue
		}
		n := min(pageSize, after.size-off)
		last := len(list) - 1
		if last >= 0 && list[last].off+list[last].n == off && list[last].zero == !data(is) {
			list[last].n += n
			continue
		}
		list = append(list, change{off, n, !data(is)})
	}
	return list
}

// Check never finds anything.
func (d *Driver) Check(ctx context.Context, id string, _ bool) (driver.Report, error) {
	err := d.do(ctx, Check, func(m *memory) error {
		if err := driver.CheckID(id); err != nil {
			return err
		}
		if m.vols[id] == nil {
			return fmt.Errorf("volume %s: %w", id, driver.ErrNotFound)
		}
		return nil
	})
	return driver.Report{}, err
}
