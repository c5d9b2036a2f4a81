package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	attachmentColumns = `id, volume_id, project_id, user_id, status, server_id, host_name, device, mode,
		connector, connection_id, attached_at, created_at, updated_at, version`
	attachmentByID = `SELECT ` + attachmentColumns + ` FROM attachments WHERE id = $1`
)

var attachmentRows = rows[block.Attachment]{
	scan: scanAttachment,
	gone: noAttachment,
	listed: listed{
		table:   "attachments",
		columns: attachmentColumns,
		fields: map[block.Field]column{
			block.FieldID:         {name: "id"},
			block.FieldVolumeID:   {name: "volume_id"},
			block.FieldProjectID:  {name: "project_id"},
			block.FieldStatus:     {name: "status"},
			block.FieldServerID:   {name: "server_id", nullable: true},
			block.FieldHostName:   {name: "host_name", nullable: true, fold: true},
			block.FieldAttachedAt: {name: "attached_at", nullable: true},
			block.FieldCreatedAt:  {name: "created_at"},
			block.FieldUpdatedAt:  {name: "updated_at", nullable: true},
		},
	},
}

// scanAttachment reads attachmentColumns.
func scanAttachment(r row) (*block.Attachment, error) {
	a := &block.Attachment{}
	err := r.Scan(&a.ID, &a.VolumeID, &a.ProjectID, &a.UserID, &a.Status, &a.ServerID, &a.HostName, &a.Device, &a.Mode,
		&a.Connector, &a.ConnectionID, &a.AttachedAt, &a.CreatedAt, &a.UpdatedAt, &a.Version)
	return a, err
}

// noAttachment is Cinder's message. Source: Cinder VolumeAttachmentNotFound.
func noAttachment(id string) error {
	return block.Errorf(block.NotFound, "Volume attachment could not be found with filter: attachment_id = %.64s.", id)
}

// Attachment fails with NotFound.
func (s *Store) Attachment(ctx context.Context, id string) (*block.Attachment, error) {
	return attachmentRows.one(s.beside(ctx), attachmentByID, id)
}

// Attachment reads for writing; fails with NotFound.
func (t *Tx) Attachment(id string) (*block.Attachment, error) {
	return attachmentRows.one(t.query, t.store.sql.lock(attachmentByID), id)
}

// AttachmentsOf are those of a volume, oldest first, read for writing.
func (t *Tx) AttachmentsOf(volumeID string) ([]*block.Attachment, error) {
	const of = `SELECT ` + attachmentColumns + ` FROM attachments WHERE volume_id = $1 ORDER BY created_at, id`
	return attachmentRows.all(t.query, t.store.sql.lock(of), volumeID)
}

// AddAttachment adds a row; CreatedAt is the caller's, Version becomes 1.
func (t *Tx) AddAttachment(a *block.Attachment) error {
	const add = `INSERT INTO attachments (` + attachmentColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`
	a.Version = 1
	_, err := t.exec(add, a.ID, a.VolumeID, a.ProjectID, a.UserID, a.Status, orNull(a.ServerID), orNull(a.HostName),
		orNull(a.Device), orNull(a.Mode), a.Connector, orNull(a.ConnectionID), a.AttachedAt, a.CreatedAt, a.UpdatedAt, a.Version)
	return err
}

// SaveAttachment writes what can change of a, sets UpdatedAt to Now and raises
// Version; fails with Conflict if the row changed since it was read.
func (t *Tx) SaveAttachment(a *block.Attachment) error {
	const save = `UPDATE attachments
		SET status = $1, host_name = $2, device = $3, mode = $4, connector = $5, connection_id = $6,
			attached_at = $7, updated_at = $8, version = version + 1
		WHERE id = $9 AND version = $10`
	n, err := t.exec(save, a.Status, orNull(a.HostName), orNull(a.Device), orNull(a.Mode), a.Connector,
		orNull(a.ConnectionID), a.AttachedAt, t.now, a.ID, a.Version)
	if err := changedOne(n, err, "attachment", a.ID); err != nil {
		return err
	}
	a.UpdatedAt = t.now
	a.Version++
	return nil
}

// DropAttachment removes the row; fails with Conflict like SaveAttachment.
func (t *Tx) DropAttachment(a *block.Attachment) error {
	const drop = `DELETE FROM attachments WHERE id = $1 AND version = $2`
	n, err := t.exec(drop, a.ID, a.Version)
	return changedOne(n, err, "attachment", a.ID)
}

// Attachments are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) Attachments(ctx context.Context, list block.List) ([]*block.Attachment, error) {
	return attachmentRows.page(ctx, s, list)
}

// CountAttachments counts what matches, whatever marker, offset and limit.
func (s *Store) CountAttachments(ctx context.Context, list block.List) (int, error) {
	return s.count(ctx, attachmentRows.listed, list)
}
