package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	imageColumns = `id, project_id, user_id, name, status, visibility, protected, hidden, disk_format, container_format,
		min_disk, min_ram, size, checksum, hash, tags, metadata, volume_id, upload_id, upload_until, created_at, updated_at, version`
	imageByID = `SELECT ` + imageColumns + ` FROM images WHERE id = $1`
)

var imageRows = rows[block.Image]{
	scan: scanImage,
	gone: noImage,
	listed: listed{
		table:   "images",
		columns: imageColumns,
		open:    "visibility = 'public'",
		fields: map[block.Field]column{
			block.FieldID:              {name: "id"},
			block.FieldName:            {name: "name", nullable: true, fold: true},
			block.FieldStatus:          {name: "status"},
			block.FieldProjectID:       {name: "project_id"},
			block.FieldVisibility:      {name: "visibility"},
			block.FieldProtected:       {name: "protected", kind: flagColumn},
			block.FieldHidden:          {name: "hidden", kind: flagColumn},
			block.FieldDiskFormat:      {name: "disk_format", nullable: true},
			block.FieldContainerFormat: {name: "container_format", nullable: true},
			block.FieldMinDisk:         {name: "min_disk", kind: numberColumn},
			block.FieldMinRAM:          {name: "min_ram", kind: numberColumn},
			block.FieldSize:            {name: "size", kind: numberColumn},
			block.FieldCreatedAt:       {name: "created_at"},
			block.FieldUpdatedAt:       {name: "updated_at", nullable: true},
		},
	},
}

// scanImage reads imageColumns.
func scanImage(r row) (*block.Image, error) {
	i := &block.Image{}
	var status string
	err := r.Scan(&i.ID, &i.ProjectID, &i.UserID, &i.Name, &status, &i.Visibility, &i.Protected, &i.Hidden, &i.DiskFormat, &i.Container,
		&i.MinDisk, &i.MinRAM, &i.Size, &i.Checksum, &i.Hash, &i.Tags, &i.Properties, &i.VolumeID, &i.UploadID, &i.UploadUntil,
		&i.CreatedAt, &i.UpdatedAt, &i.Version)
	i.Status = block.ImageStatus(status)
	return i, err
}

// noImage is Glance's message.
func noImage(id string) error {
	return block.Errorf(block.NotFound, "No image found with ID %.64s", id)
}

// Image fails with NotFound.
func (s *Store) Image(ctx context.Context, id string) (*block.Image, error) {
	return imageRows.one(s.beside(ctx), imageByID, id)
}

// Image reads for writing; fails with NotFound.
func (t *Tx) Image(id string) (*block.Image, error) {
	return imageRows.one(t.query, t.store.sql.lock(imageByID), id)
}

// AddImage fails with Conflict when the id is taken.
func (t *Tx) AddImage(i *block.Image) error {
	const add = `INSERT INTO images (` + imageColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
		ON CONFLICT (id) DO NOTHING`
	i.Version = 1
	n, err := t.exec(add, i.ID, i.ProjectID, i.UserID, i.Name, string(i.Status), i.Visibility, i.Protected, i.Hidden, orNull(i.DiskFormat), orNull(i.Container),
		i.MinDisk, i.MinRAM, i.Size, orNull(i.Checksum), orNull(i.Hash), i.Tags, i.Properties, orNull(i.VolumeID), orNull(i.UploadID), i.UploadUntil,
		i.CreatedAt, i.UpdatedAt, i.Version)
	if err == nil && n == 0 {
		err = block.Errorf(block.Conflict, "Image ID %s already exists!", i.ID)
	}
	return err
}

// SaveImage writes what can change of i, sets UpdatedAt to Now and raises Version;
// fails with Conflict if the row changed since it was read.
func (t *Tx) SaveImage(i *block.Image) error {
	const save = `UPDATE images
		SET project_id = $1, name = $2, status = $3, visibility = $4, protected = $5, hidden = $6, disk_format = $7, container_format = $8,
			min_disk = $9, min_ram = $10, size = $11, checksum = $12, hash = $13, tags = $14, metadata = $15, volume_id = $16,
			upload_id = $17, upload_until = $18, updated_at = $19, version = version + 1
		WHERE id = $20 AND version = $21`
	n, err := t.exec(save, i.ProjectID, i.Name, string(i.Status), i.Visibility, i.Protected, i.Hidden, orNull(i.DiskFormat), orNull(i.Container),
		i.MinDisk, i.MinRAM, i.Size, orNull(i.Checksum), orNull(i.Hash), i.Tags, i.Properties, orNull(i.VolumeID), orNull(i.UploadID),
		i.UploadUntil, t.now, i.ID, i.Version)
	if err := changedOne(n, err, "image", i.ID); err != nil {
		return err
	}
	i.UpdatedAt = t.now
	i.Version++
	return nil
}

// DropImage removes the row; fails with Conflict like SaveImage.
func (t *Tx) DropImage(i *block.Image) error {
	const drop = `DELETE FROM images WHERE id = $1 AND version = $2`
	n, err := t.exec(drop, i.ID, i.Version)
	return changedOne(n, err, "image", i.ID)
}

// ImagesOf counts a project's images and their bytes.
func (t *Tx) ImagesOf(projectID string) (count int, bytes int64, err error) {
	const of = `SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM images WHERE project_id = $1`
	err = t.queryRow(of, []any{projectID}, &count, &bytes)
	return count, bytes, err
}

// Images are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) Images(ctx context.Context, list block.List) ([]*block.Image, error) {
	return imageRows.page(ctx, s, list)
}
