package store

import (
	"cmp"
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	groupSnapshotColumns = `id, project_id, user_id, group_id, type_id, name, description, status,
		legacy, created_at, updated_at, version, server_id, enterprise_project_id`
	groupSnapshotByID = `SELECT ` + groupSnapshotColumns + ` FROM group_snapshots WHERE id = $1`
	snapshotsOfGroup  = `SELECT ` + snapshotColumns + ` FROM snapshots WHERE group_snapshot_id = $1 ORDER BY created_at, id`
)

var groupSnapshotRows = rows[block.GroupSnapshot]{
	scan: scanGroupSnapshot,
	gone: noGroupSnapshot,
	listed: listed{
		table:   "group_snapshots",
		tags:    block.TagSnapshotGroup,
		columns: groupSnapshotColumns,
		fields: map[block.Field]column{
			block.FieldID:          {name: "id"},
			block.FieldName:        {name: "name", nullable: true, fold: true},
			block.FieldDescription: {name: "description", nullable: true, fold: true},
			block.FieldStatus:      {name: "status"},
			block.FieldProjectID:   {name: "project_id"},
			block.FieldUserID:      {name: "user_id", fold: true},
			block.FieldGroupID:     {name: "group_id"},
			block.FieldTypeID:      {name: "type_id"},
			block.FieldLegacy:      {name: "legacy", kind: flagColumn},
			block.FieldEnterprise:  {name: "enterprise_project_id"},
			block.FieldServerID:    {name: "server_id", nullable: true},
			block.FieldCreatedAt:   {name: "created_at"},
			block.FieldUpdatedAt:   {name: "updated_at", nullable: true},
		},
	},
}

// scanGroupSnapshot reads groupSnapshotColumns.
func scanGroupSnapshot(r row) (*block.GroupSnapshot, error) {
	s := &block.GroupSnapshot{}
	err := r.Scan(&s.ID, &s.ProjectID, &s.UserID, &s.GroupID, &s.TypeID, &s.Name, &s.Description, &s.Status,
		&s.Legacy, &s.CreatedAt, &s.UpdatedAt, &s.Version, &s.ServerID, &s.EnterpriseProjectID)
	return s, err
}

// noGroupSnapshot is Cinder's message.
func noGroupSnapshot(id string) error {
	return block.Errorf(block.NotFound, "GroupSnapshot %s could not be found.", id)
}

// GroupSnapshot fails with NotFound.
func (s *Store) GroupSnapshot(ctx context.Context, id string) (*block.GroupSnapshot, error) {
	return groupSnapshotRows.one(s.beside(ctx), groupSnapshotByID, id)
}

// GroupSnapshot reads for writing; fails with NotFound.
func (t *Tx) GroupSnapshot(id string) (*block.GroupSnapshot, error) {
	return groupSnapshotRows.one(t.query, t.store.sql.lock(groupSnapshotByID), id)
}

// AddGroupSnapshot adds a row; CreatedAt is the caller's, Version becomes 1, and an
// enterprise project that nobody gave the default one.
func (t *Tx) AddGroupSnapshot(s *block.GroupSnapshot) error {
	const add = `INSERT INTO group_snapshots (` + groupSnapshotColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	s.Version = 1
	s.EnterpriseProjectID = cmp.Or(s.EnterpriseProjectID, block.DefaultEnterpriseProject)
	_, err := t.exec(add, s.ID, s.ProjectID, s.UserID, s.GroupID, s.TypeID, s.Name, s.Description, s.Status,
		s.Legacy, s.CreatedAt, s.UpdatedAt, s.Version, orNull(s.ServerID), s.EnterpriseProjectID)
	return err
}

// SaveGroupSnapshot writes what can change of s, sets UpdatedAt to Now and raises
// Version; fails with Conflict if the row changed since it was read.
func (t *Tx) SaveGroupSnapshot(s *block.GroupSnapshot) error {
	const save = `UPDATE group_snapshots
		SET name = $1, description = $2, status = $3, updated_at = $4, version = version + 1
		WHERE id = $5 AND version = $6`
	n, err := t.exec(save, s.Name, s.Description, s.Status, t.now, s.ID, s.Version)
	if err := changedOne(n, err, "group snapshot", s.ID); err != nil {
		return err
	}
	s.UpdatedAt = t.now
	s.Version++
	return nil
}

// DropGroupSnapshot removes the row and its tags; fails with Conflict like
// SaveGroupSnapshot.
func (t *Tx) DropGroupSnapshot(s *block.GroupSnapshot) error {
	n, err := t.exec(`DELETE FROM group_snapshots WHERE id = $1 AND version = $2`, s.ID, s.Version)
	if err := changedOne(n, err, "group snapshot", s.ID); err != nil {
		return err
	}
	return t.dropTags(block.TagSnapshotGroup, s.ID)
}

// CountGroupSnapshotsOf counts the snapshots of a group, whatever their status.
func (t *Tx) CountGroupSnapshotsOf(groupID string) (n int, err error) {
	err = t.queryRow(`SELECT count(*) FROM group_snapshots WHERE group_id = $1`, []any{groupID}, &n)
	return n, err
}

// SnapshotsOfGroup are the snapshots that a group snapshot is made of, oldest first.
func (s *Store) SnapshotsOfGroup(ctx context.Context, groupSnapshotID string) ([]*block.Snapshot, error) {
	return snapshotRows.all(s.beside(ctx), snapshotsOfGroup, groupSnapshotID)
}

// SnapshotsOfGroup are the snapshots that a group snapshot is made of, oldest
// first, read for writing.
func (t *Tx) SnapshotsOfGroup(groupSnapshotID string) ([]*block.Snapshot, error) {
	return snapshotRows.all(t.query, t.store.sql.lock(snapshotsOfGroup), groupSnapshotID)
}

// SnapshotStatusesOf are the statuses of a group snapshot's snapshots, without a lock.
func (t *Tx) SnapshotStatusesOf(groupSnapshotID string) ([]block.SnapshotStatus, error) {
	const of = `SELECT status FROM snapshots WHERE group_snapshot_id = $1`
	return statuses[block.SnapshotStatus](func(each func(row) error) error {
		return t.query(of, []any{groupSnapshotID}, each)
	})
}

// GroupSnapshots are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) GroupSnapshots(ctx context.Context, list block.List) ([]*block.GroupSnapshot, error) {
	return groupSnapshotRows.page(ctx, s, list)
}

// CountGroupSnapshots counts what matches, whatever marker, offset and limit.
func (s *Store) CountGroupSnapshots(ctx context.Context, list block.List) (int, error) {
	return s.count(ctx, groupSnapshotRows.listed, list)
}
