package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	connectionColumns = `id, volume_id, attachment_id, project_id, host, readonly, ended, created_at`
	connectionByID    = `SELECT ` + connectionColumns + ` FROM connections WHERE id = $1`
	connectionsOf     = `SELECT ` + connectionColumns + ` FROM connections WHERE volume_id = $1 ORDER BY created_at, id`
)

var connectionRows = rows[block.Connection]{
	scan: scanConnection,
	gone: func(string) error { return block.Errorf(block.NotFound, "The connection could not be found.") },
}

// scanConnection reads connectionColumns.
func scanConnection(r row) (*block.Connection, error) {
	c := &block.Connection{}
	err := r.Scan(&c.ID, &c.VolumeID, &c.AttachmentID, &c.ProjectID, &c.Host, &c.ReadOnly, &c.Ended, &c.CreatedAt)
	return c, err
}

// Connection fails with NotFound.
func (s *Store) Connection(ctx context.Context, id string) (*block.Connection, error) {
	return connectionRows.one(s.beside(ctx), connectionByID, id)
}

// ConnectionsOf are those of a volume, oldest first.
func (s *Store) ConnectionsOf(ctx context.Context, volumeID string) ([]*block.Connection, error) {
	return connectionRows.all(s.beside(ctx), connectionsOf, volumeID)
}

// ConnectionsAt are those of a host that have not ended, oldest first; limit at most.
func (s *Store) ConnectionsAt(ctx context.Context, host string, limit int) ([]*block.Connection, error) {
	const at = `SELECT ` + connectionColumns + ` FROM connections WHERE host = $1 AND ended = 0 ORDER BY created_at, id LIMIT $2`
	return connectionRows.all(s.beside(ctx), at, host, int64(limit))
}

// Connection reads for writing; fails with NotFound.
func (t *Tx) Connection(id string) (*block.Connection, error) {
	return connectionRows.one(t.query, t.store.sql.lock(connectionByID), id)
}

// ConnectionsOf are those of a volume, oldest first, read for writing.
func (t *Tx) ConnectionsOf(volumeID string) ([]*block.Connection, error) {
	return connectionRows.all(t.query, t.store.sql.lock(connectionsOf), volumeID)
}

// AddConnection adds a row.
func (t *Tx) AddConnection(c *block.Connection) error {
	const add = `INSERT INTO connections (` + connectionColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	_, err := t.exec(add, c.ID, c.VolumeID, orNull(c.AttachmentID), c.ProjectID, c.Host, c.ReadOnly, c.Ended, c.CreatedAt)
	return err
}

// EndConnection sets Ended for good, and writes AttachmentID.
func (t *Tx) EndConnection(c *block.Connection) error {
	const end = `UPDATE connections SET ended = 1, attachment_id = $1 WHERE id = $2`
	c.Ended = true
	_, err := t.exec(end, orNull(c.AttachmentID), c.ID)
	return err
}

// DropConnection removes the row, if it is there.
func (t *Tx) DropConnection(id string) error {
	_, err := t.exec(`DELETE FROM connections WHERE id = $1`, id)
	return err
}
