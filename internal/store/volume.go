package store

import (
	"cmp"
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	volumeColumns = `id, project_id, user_id, name, description, status, size, type_id,
		availability_zone, metadata, snapshot_id, source_volume_id, bootable, multiattach,
		attachments, created_at, updated_at, version, extend_to, readonly, group_id, group_legacy, iops, throughput, image_id, image_metadata, recycled_at, recycled_until, enterprise_project_id`
	volumeByID = `SELECT ` + volumeColumns + ` FROM volumes WHERE id = $1`
)

var volumeRows = rows[block.Volume]{
	scan: scanVolume,
	gone: noVolume,
	listed: listed{
		table:   "volumes",
		tags:    block.TagVolume,
		columns: volumeColumns,
		fields: map[block.Field]column{
			block.FieldID:               {name: "id"},
			block.FieldName:             {name: "name", nullable: true, fold: true},
			block.FieldDescription:      {name: "description", nullable: true, fold: true},
			block.FieldStatus:           {name: "status"},
			block.FieldProjectID:        {name: "project_id"},
			block.FieldUserID:           {name: "user_id", fold: true},
			block.FieldSize:             {name: "size", kind: numberColumn},
			block.FieldTypeID:           {name: "type_id"},
			block.FieldAvailabilityZone: {name: "availability_zone", fold: true},
			block.FieldBootable:         {name: "bootable", kind: flagColumn},
			block.FieldSnapshotID:       {name: "snapshot_id", nullable: true},
			block.FieldSourceVolumeID:   {name: "source_volume_id", nullable: true},
			block.FieldMultiattach:      {name: "multiattach", kind: flagColumn},
			block.FieldGroupID:          {name: "group_id", nullable: true},
			block.FieldEnterprise:       {name: "enterprise_project_id"},
			block.FieldRecycledUntil:    {name: "recycled_until", nullable: true},
			block.FieldCreatedAt:        {name: "created_at"},
			block.FieldUpdatedAt:        {name: "updated_at", nullable: true},
		},
	},
}

// scanVolume reads volumeColumns.
func scanVolume(r row) (*block.Volume, error) {
	v := &block.Volume{}
	err := r.Scan(&v.ID, &v.ProjectID, &v.UserID, &v.Name, &v.Description, &v.Status, &v.Size, &v.TypeID,
		&v.AvailabilityZone, &v.Metadata, &v.SnapshotID, &v.SourceVolumeID, &v.Bootable, &v.Multiattach,
		&v.Attachments, &v.CreatedAt, &v.UpdatedAt, &v.Version, &v.ExtendTo, &v.Writable, &v.GroupID, &v.GroupLegacy, &v.IOPS, &v.Throughput, &v.ImageID, &v.ImageMetadata, &v.RecycledAt, &v.RecycledUntil, &v.EnterpriseProjectID)
	return v, err
}

// volumeBytes is what a row costs in memory, roughly.
func volumeBytes(v *block.Volume) int64 {
	const fixed, attachment = 384, 256
	n := fixed + len(v.ID) + len(v.ProjectID) + len(v.UserID) + len(v.Name.Value) + len(v.Description.Value) +
		len(v.TypeID) + len(v.AvailabilityZone) + len(v.SnapshotID) + len(v.SourceVolumeID) + len(v.GroupID) + len(v.EnterpriseProjectID) +
		attachment*len(v.Attachments)
	return int64(n) + itemsBytes(v.Metadata) + itemsBytes(v.ImageMetadata)
}

// noVolume is recorded Cinder's message.
func noVolume(id string) error {
	return block.Errorf(block.NotFound, "Volume %s could not be found.", id)
}

// Volume fails with NotFound.
func (s *Store) Volume(ctx context.Context, id string) (*block.Volume, error) {
	if !isID(id) {
		return nil, noVolume(id)
	}
	if v := s.volumes.get(id); v != nil {
		return v, nil
	}
	begun := s.volumes.begin(id)
	v, err := volumeRows.one(s.beside(ctx), volumeByID, id)
	if err != nil {
		return nil, err
	}
	s.volumes.fill(v.ID, v, begun)
	return v, nil
}

// Volume reads for writing; fails with NotFound.
func (t *Tx) Volume(id string) (*block.Volume, error) {
	if !isID(id) {
		return nil, noVolume(id)
	}
	if v, known := t.knownVolume(id); known {
		if v == nil {
			return nil, noVolume(id)
		}
		return v, nil
	}
	begun := t.store.volumes.begin(id)
	v, err := volumeRows.one(t.query, t.store.sql.lock(volumeByID), id)
	if err != nil {
		return nil, err
	}
	t.store.volumes.fill(v.ID, v, begun) // untouched by this group: committed
	return v, nil
}

// AddVolume adds a row; CreatedAt is the caller's, Version becomes 1, and an
// enterprise project that nobody gave the default one.
func (t *Tx) AddVolume(v *block.Volume) error {
	const add = `INSERT INTO volumes (` + volumeColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)`
	v.Version = 1
	v.EnterpriseProjectID = cmp.Or(v.EnterpriseProjectID, block.DefaultEnterpriseProject)
	_, err := t.exec(add, v.ID, v.ProjectID, v.UserID, v.Name, v.Description, v.Status, v.Size, v.TypeID,
		v.AvailabilityZone, v.Metadata, orNull(v.SnapshotID), orNull(v.SourceVolumeID), v.Bootable, v.Multiattach,
		v.Attachments, v.CreatedAt, v.UpdatedAt, v.Version, v.ExtendTo, v.Writable, orNull(v.GroupID), v.GroupLegacy, v.IOPS, v.Throughput, orNull(v.ImageID), v.ImageMetadata, v.RecycledAt, v.RecycledUntil, v.EnterpriseProjectID)
	if err != nil {
		return err
	}
	t.noteVolume(v)
	return nil
}

// SaveVolume writes what can change of v, sets UpdatedAt to Now and raises
// Version; fails with Conflict if the row changed since it was read.
func (t *Tx) SaveVolume(v *block.Volume) error {
	const save = `UPDATE volumes
		SET name = $1, description = $2, status = $3, size = $4, type_id = $5, metadata = $6,
			bootable = $7, multiattach = $8, attachments = $9, extend_to = $10, readonly = $11, group_id = $12, group_legacy = $13,
			iops = $14, throughput = $15, updated_at = $16, image_metadata = $17,
			recycled_at = $18, recycled_until = $19, version = version + 1
		WHERE id = $20 AND version = $21`
	n, err := t.exec(save, v.Name, v.Description, v.Status, v.Size, v.TypeID, v.Metadata,
		v.Bootable, v.Multiattach, v.Attachments, v.ExtendTo, v.Writable, orNull(v.GroupID), v.GroupLegacy, v.IOPS, v.Throughput, t.now, v.ImageMetadata, v.RecycledAt, v.RecycledUntil, v.ID, v.Version)
	if err := changedOne(n, err, "volume", v.ID); err != nil {
		return err
	}
	v.UpdatedAt = t.now
	v.Version++
	t.noteVolume(v)
	return nil
}

// DropVolume removes the row; fails with Conflict like SaveVolume.
func (t *Tx) DropVolume(v *block.Volume) error {
	const drop = `DELETE FROM volumes WHERE id = $1 AND version = $2`
	n, err := t.exec(drop, v.ID, v.Version)
	if err := changedOne(n, err, "volume", v.ID); err != nil {
		return err
	}
	t.noteGone(v.ID, true)
	return t.dropTags(block.TagVolume, v.ID)
}

// Volumes are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) Volumes(ctx context.Context, list block.List) ([]*block.Volume, error) {
	return volumeRows.page(ctx, s, list)
}

// CountVolumes counts what matches, whatever marker, offset and limit.
func (s *Store) CountVolumes(ctx context.Context, list block.List) (int, error) {
	return s.count(ctx, volumeRows.listed, list)
}
