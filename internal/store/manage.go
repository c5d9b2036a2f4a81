package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

// Unmanaged is all that the driver holds and the service was told to let be.
func (s *Store) Unmanaged(ctx context.Context) (map[block.Unmanaged]bool, error) {
	all := map[block.Unmanaged]bool{}
	err := s.readRows(ctx, `SELECT volume_id, snapshot_id FROM unmanaged`, nil, func(r row) error {
		var u block.Unmanaged
		err := r.Scan(&u.VolumeID, &u.SnapshotID)
		all[u] = true
		return err
	})
	return all, err
}

// NoteUnmanaged adds a row; one that is there is done before.
func (t *Tx) NoteUnmanaged(u block.Unmanaged) error {
	const note = `INSERT INTO unmanaged (volume_id, snapshot_id) VALUES ($1, $2) ON CONFLICT (volume_id, snapshot_id) DO NOTHING`
	_, err := t.exec(note, u.VolumeID, u.SnapshotID)
	return err
}

// ForgetUnmanaged removes a row; one that is not there is done before.
func (t *Tx) ForgetUnmanaged(u block.Unmanaged) error {
	_, err := t.exec(`DELETE FROM unmanaged WHERE volume_id = $1 AND snapshot_id = $2`, u.VolumeID, u.SnapshotID)
	return err
}

// ForgetUnmanagedOf removes the rows of a volume and its snapshots.
func (t *Tx) ForgetUnmanagedOf(volumeID string) error {
	_, err := t.exec(`DELETE FROM unmanaged WHERE volume_id = $1`, volumeID)
	return err
}
