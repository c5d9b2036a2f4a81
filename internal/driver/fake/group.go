package fake

import (
	"context"
	"fmt"
	"maps"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// SnapshotGroup is a call of its own kind.
const SnapshotGroup Call = "snapshot group"

var _ driver.GroupSnapshotter = (*Driver)(nil)

// SnapshotGroup takes all under the one lock that every write needs.
func (d *Driver) SnapshotGroup(ctx context.Context, refs []driver.Ref, fence driver.Fence) error {
	return d.do(ctx, SnapshotGroup, func(m *memory) error {
		vols := map[string]*volume{}
		there := 0
		for _, ref := range refs {
			if err := driver.CheckID(ref.Snapshot); err != nil {
				return err
			}
			if vols[ref.Volume] != nil {
				return fmt.Errorf("%w: volume %s comes twice", driver.ErrInvalid, ref.Volume)
			}
			v, err := m.existing(ref.Volume, fence)
			if err != nil {
				return err
			}
			if vols[ref.Volume] = v; v.snaps[ref.Snapshot] != nil {
				there++
			}
		}
		if there == len(refs) {
			return nil
		}
		for _, ref := range refs {
			if old := vols[ref.Volume].snaps[ref.Snapshot]; old != nil && old.users > 0 {
				return fmt.Errorf("snapshot %s: %w", ref.Snapshot, driver.ErrBusy)
			}
		}
		for _, ref := range refs {
			v := vols[ref.Volume]
			v.snaps[ref.Snapshot] = &frozen{size: v.size, pages: maps.Clone(v.pages)}
		}
		return nil
	})
}
