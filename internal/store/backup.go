package store

import (
	"context"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	backupColumns = `id, project_id, user_id, volume_id, snapshot_id, parent_id, name, description,
		status, fail_reason, size, object_count, container, availability_zone, metadata, manifest,
		base_id, restore_volume_id, data_timestamp, created_at, updated_at, version,
		(SELECT count(*) FROM backups AS child WHERE child.parent_id = backups.id)`
	backupByID = `SELECT ` + backupColumns + ` FROM backups WHERE id = $1`
)

var backupRows = rows[block.Backup]{
	scan: scanBackup,
	gone: noBackup,
	listed: listed{
		table:   "backups",
		tags:    block.TagBackup,
		columns: backupColumns,
		fields: map[block.Field]column{
			block.FieldID:            {name: "id"},
			block.FieldName:          {name: "name", nullable: true, fold: true},
			block.FieldDescription:   {name: "description", nullable: true, fold: true},
			block.FieldStatus:        {name: "status"},
			block.FieldVolumeID:      {name: "volume_id"},
			block.FieldSnapshotID:    {name: "snapshot_id", nullable: true},
			block.FieldParentID:      {name: "parent_id", nullable: true},
			block.FieldProjectID:     {name: "project_id"},
			block.FieldUserID:        {name: "user_id", fold: true},
			block.FieldSize:          {name: "size", kind: numberColumn},
			block.FieldContainer:     {name: "container", nullable: true, fold: true},
			block.FieldDataTimestamp: {name: "data_timestamp"},
			block.FieldCreatedAt:     {name: "created_at"},
			block.FieldUpdatedAt:     {name: "updated_at", nullable: true},
		},
	},
}

// scanBackup reads backupColumns.
func scanBackup(r row) (*block.Backup, error) {
	b, status := &block.Backup{}, ""
	err := r.Scan(&b.ID, &b.ProjectID, &b.UserID, &b.VolumeID, &b.SnapshotID, &b.ParentID, &b.Name, &b.Description,
		&status, &b.FailReason, &b.Size, &b.ObjectCount, &b.Container, &b.AvailabilityZone, &b.Metadata, &b.Manifest,
		&b.BaseID, &b.RestoreVolumeID, &b.DataTimestamp, &b.CreatedAt, &b.UpdatedAt, &b.Version, &b.Dependents)
	b.Status = block.BackupStatus(status)
	return b, err
}

// noBackup is Cinder's message. Source: Cinder exception BackupNotFound.
func noBackup(id string) error {
	return block.Errorf(block.NotFound, "Backup %s could not be found.", id)
}

// Backup fails with NotFound.
func (s *Store) Backup(ctx context.Context, id string) (*block.Backup, error) {
	return backupRows.one(s.beside(ctx), backupByID, id)
}

// Backup reads for writing; fails with NotFound.
func (t *Tx) Backup(id string) (*block.Backup, error) {
	return backupRows.one(t.query, t.store.sql.lock(backupByID), id)
}

// Backups are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) Backups(ctx context.Context, list block.List) ([]*block.Backup, error) {
	return backupRows.page(ctx, s, list)
}

// CountBackups counts what matches, whatever marker, offset and limit.
func (s *Store) CountBackups(ctx context.Context, list block.List) (int, error) {
	return s.count(ctx, backupRows.listed, list)
}

// AddBackup adds a row; CreatedAt is the caller's, Version becomes 1.
func (t *Tx) AddBackup(b *block.Backup) error {
	const add = `INSERT INTO backups (id, project_id, user_id, volume_id, snapshot_id, parent_id, name, description,
			status, fail_reason, size, object_count, container, availability_zone, metadata, manifest,
			base_id, restore_volume_id, data_timestamp, created_at, updated_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`
	b.Version = 1
	_, err := t.exec(add, b.ID, b.ProjectID, b.UserID, b.VolumeID, orNull(b.SnapshotID), orNull(b.ParentID), b.Name, b.Description,
		string(b.Status), b.FailReason, b.Size, b.ObjectCount, b.Container, b.AvailabilityZone, b.Metadata, b.Manifest,
		orNull(b.BaseID), orNull(b.RestoreVolumeID), b.DataTimestamp, b.CreatedAt, b.UpdatedAt, b.Version)
	return err
}

// SaveBackup writes what can change of b, sets UpdatedAt to Now and raises Version;
// fails with Conflict if the row changed since it was read.
func (t *Tx) SaveBackup(b *block.Backup) error {
	const save = `UPDATE backups
		SET name = $1, description = $2, status = $3, fail_reason = $4, object_count = $5, metadata = $6,
			restore_volume_id = $7, volume_id = $8, snapshot_id = $9, parent_id = $10, container = $11, size = $12,
			data_timestamp = $13, updated_at = $14, version = version + 1
		WHERE id = $15 AND version = $16`
	n, err := t.exec(save, b.Name, b.Description, string(b.Status), b.FailReason, b.ObjectCount, b.Metadata,
		orNull(b.RestoreVolumeID), b.VolumeID, orNull(b.SnapshotID), orNull(b.ParentID), b.Container, b.Size,
		b.DataTimestamp, t.now, b.ID, b.Version)
	if err := changedOne(n, err, "backup", b.ID); err != nil {
		return err
	}
	b.UpdatedAt = t.now
	b.Version++
	return nil
}

// DropBackup removes the row; fails with Conflict like SaveBackup.
func (t *Tx) DropBackup(b *block.Backup) error {
	const drop = `DELETE FROM backups WHERE id = $1 AND version = $2`
	n, err := t.exec(drop, b.ID, b.Version)
	if err := changedOne(n, err, "backup", b.ID); err != nil {
		return err
	}
	return t.dropTags(block.TagBackup, b.ID)
}

// LastBackup is the newest of those of a volume in a project that are available and
// whose data is older than before, which may be zero; nil when there is none.
func (t *Tx) LastBackup(volumeID, projectID string, before time.Time) (*block.Backup, error) {
	const last = `SELECT ` + backupColumns + ` FROM backups
		WHERE volume_id = $1 AND project_id = $2 AND status = 'available' AND ($3 = '' OR data_timestamp < $4)
		ORDER BY data_timestamp DESC, id DESC LIMIT 1`
	var b *block.Backup
	limit := ""
	if !before.IsZero() {
		limit = timeText(before)
	}
	err := t.query(last, []any{volumeID, projectID, limit, limit}, func(r row) (err error) {
		b, err = scanBackup(r)
		return err
	})
	return b, err
}

// BackupsBusyWith are those that are being made of a volume or restored to it, or
// being made of the snapshot; 100 at most.
func (t *Tx) BackupsBusyWith(id string) ([]*block.Backup, error) {
	const busy = `SELECT ` + backupColumns + ` FROM backups
		WHERE (volume_id = $1 AND status = 'creating') OR (base_id = $2 AND status = 'creating')
			OR (restore_volume_id = $3 AND status = 'restoring')
		ORDER BY created_at, id LIMIT 100`
	return backupRows.all(t.query, t.store.sql.lock(busy), id, id, id)
}

// CountManifestUsers counts the backups that share a manifest.
func (t *Tx) CountManifestUsers(manifest string) (int, error) {
	var n int
	err := t.queryRow(`SELECT count(*) FROM backups WHERE manifest = $1`, []any{manifest}, &n)
	return n, err
}
