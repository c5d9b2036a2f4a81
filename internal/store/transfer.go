package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	transferColumns = `id, volume_id, project_id, name, no_snapshots, salt, key_hash, created_at`
	transferByID    = `SELECT ` + transferColumns + ` FROM transfers WHERE id = $1`
)

var transferRows = rows[block.Transfer]{
	scan: scanTransfer,
	gone: noTransfer,
	listed: listed{
		table:   "transfers",
		columns: transferColumns,
		fields: map[block.Field]column{
			block.FieldID:        {name: "id"},
			block.FieldName:      {name: "name", nullable: true, fold: true},
			block.FieldVolumeID:  {name: "volume_id"},
			block.FieldProjectID: {name: "project_id"},
			block.FieldCreatedAt: {name: "created_at"},
		},
	},
}

// scanTransfer reads transferColumns.
func scanTransfer(r row) (*block.Transfer, error) {
	t := &block.Transfer{}
	err := r.Scan(&t.ID, &t.VolumeID, &t.ProjectID, &t.Name, &t.NoSnapshots, &t.Salt, &t.KeyHash, &t.CreatedAt)
	return t, err
}

func noTransfer(id string) error {
	return block.Errorf(block.NotFound, "Transfer %s could not be found.", id)
}

// Transfer fails with NotFound.
func (s *Store) Transfer(ctx context.Context, id string) (*block.Transfer, error) {
	return transferRows.one(s.beside(ctx), transferByID, id)
}

// Transfers are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) Transfers(ctx context.Context, list block.List) ([]*block.Transfer, error) {
	return transferRows.page(ctx, s, list)
}

// CountTransfers counts what matches, whatever marker, offset and limit.
func (s *Store) CountTransfers(ctx context.Context, list block.List) (int, error) {
	return s.count(ctx, transferRows.listed, list)
}

// Transfer reads for writing; fails with NotFound.
func (t *Tx) Transfer(id string) (*block.Transfer, error) {
	return transferRows.one(t.query, t.store.sql.lock(transferByID), id)
}

// AddTransfer adds a row; fails with Conflict when the volume has one.
func (t *Tx) AddTransfer(n *block.Transfer) error {
	const add = `INSERT INTO transfers (` + transferColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	_, err := t.exec(add, n.ID, n.VolumeID, n.ProjectID, n.Name, n.NoSnapshots, n.Salt, n.KeyHash, n.CreatedAt)
	return err
}

// DropTransfer removes the row; fails with NotFound.
func (t *Tx) DropTransfer(id string) error {
	n, err := t.exec(`DELETE FROM transfers WHERE id = $1`, id)
	if err == nil && n == 0 {
		err = noTransfer(id)
	}
	return err
}

// DropTransfersOf removes what offers the volume.
func (t *Tx) DropTransfersOf(volumeID string) error {
	_, err := t.exec(`DELETE FROM transfers WHERE volume_id = $1`, volumeID)
	return err
}

// GiveVolume is SaveVolume of a volume that comes to another project or user; it
// writes these two and the status.
func (t *Tx) GiveVolume(v *block.Volume) error {
	const give = `UPDATE volumes SET project_id = $1, user_id = $2, status = $3, updated_at = $4, version = version + 1
		WHERE id = $5 AND version = $6`
	n, err := t.exec(give, v.ProjectID, v.UserID, v.Status, t.now, v.ID, v.Version)
	if err := changedOne(n, err, "volume", v.ID); err != nil {
		return err
	}
	v.UpdatedAt = t.now
	v.Version++
	t.noteVolume(v)
	return nil
}

// GiveSnapshot is SaveSnapshot of a snapshot that goes with its volume; it writes
// project and user.
func (t *Tx) GiveSnapshot(s *block.Snapshot) error {
	const give = `UPDATE snapshots SET project_id = $1, user_id = $2, updated_at = $3, version = version + 1
		WHERE id = $4 AND version = $5`
	n, err := t.exec(give, s.ProjectID, s.UserID, t.now, s.ID, s.Version)
	if err := changedOne(n, err, "snapshot", s.ID); err != nil {
		return err
	}
	s.UpdatedAt = t.now
	s.Version++
	t.noteSnapshot(s)
	return nil
}
