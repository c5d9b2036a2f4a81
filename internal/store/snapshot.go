package store

import (
	"cmp"
	"context"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	snapshotColumns = `id, project_id, user_id, volume_id, type_id, name, description,
		status, progress, size, metadata, created_at, updated_at, version, group_snapshot_id, origin, instant_access, full_copy, enterprise_project_id`
	snapshotByID = `SELECT ` + snapshotColumns + ` FROM snapshots WHERE id = $1`
)

var snapshotRows = rows[block.Snapshot]{
	scan: scanSnapshot,
	gone: noSnapshot,
	listed: listed{
		table:   "snapshots",
		tags:    block.TagSnapshot,
		columns: snapshotColumns,
		fields: map[block.Field]column{
			block.FieldID:              {name: "id"},
			block.FieldName:            {name: "name", nullable: true, fold: true},
			block.FieldDescription:     {name: "description", nullable: true, fold: true},
			block.FieldStatus:          {name: "status"},
			block.FieldVolumeID:        {name: "volume_id"},
			block.FieldProjectID:       {name: "project_id"},
			block.FieldUserID:          {name: "user_id", fold: true},
			block.FieldSize:            {name: "size", kind: numberColumn},
			block.FieldTypeID:          {name: "type_id"},
			block.FieldOrigin:          {name: "origin"},
			block.FieldEnterprise:      {name: "enterprise_project_id"},
			block.FieldGroupSnapshotID: {name: "group_snapshot_id", nullable: true},
			block.FieldCreatedAt:       {name: "created_at"},
			block.FieldUpdatedAt:       {name: "updated_at", nullable: true},
		},
	},
}

// scanSnapshot reads snapshotColumns.
func scanSnapshot(r row) (*block.Snapshot, error) {
	s, origin := &block.Snapshot{}, ""
	err := r.Scan(&s.ID, &s.ProjectID, &s.UserID, &s.VolumeID, &s.TypeID, &s.Name, &s.Description,
		&s.Status, &s.Progress, &s.Size, &s.Metadata, &s.CreatedAt, &s.UpdatedAt, &s.Version, &s.GroupSnapshotID, &origin, &s.InstantAccess, &s.FullCopy, &s.EnterpriseProjectID)
	s.Origin = block.OriginNamed(origin)
	return s, err
}

// snapshotBytes is what a row costs in memory, roughly.
func snapshotBytes(s *block.Snapshot) int64 {
	const fixed = 288
	n := fixed + len(s.ID) + len(s.ProjectID) + len(s.UserID) + len(s.VolumeID) + len(s.TypeID) +
		len(s.Name.Value) + len(s.Description.Value) + len(s.GroupSnapshotID) + len(s.EnterpriseProjectID)
	return int64(n) + itemsBytes(s.Metadata)
}

// itemsBytes is what metadata costs in memory, roughly.
func itemsBytes(items map[string]string) int64 {
	const each = 80
	n := 0
	for k, v := range items {
		n += each + len(k) + len(v)
	}
	return int64(n)
}

// noSnapshot is recorded Cinder's message.
func noSnapshot(id string) error {
	return block.Errorf(block.NotFound, "Snapshot %s could not be found.", id)
}

// Snapshot fails with NotFound.
func (s *Store) Snapshot(ctx context.Context, id string) (*block.Snapshot, error) {
	if !isID(id) {
		return nil, noSnapshot(id)
	}
	if snap := s.snapshots.get(id); snap != nil {
		return snap, nil
	}
	begun := s.snapshots.begin(id)
	snap, err := snapshotRows.one(s.beside(ctx), snapshotByID, id)
	if err != nil {
		return nil, err
	}
	s.snapshots.fill(snap.ID, snap, begun)
	return snap, nil
}

// Snapshot reads for writing; fails with NotFound.
func (t *Tx) Snapshot(id string) (*block.Snapshot, error) {
	if !isID(id) {
		return nil, noSnapshot(id)
	}
	if snap, known := t.knownSnapshot(id); known {
		if snap == nil {
			return nil, noSnapshot(id)
		}
		return snap, nil
	}
	begun := t.store.snapshots.begin(id)
	snap, err := snapshotRows.one(t.query, t.store.sql.lock(snapshotByID), id)
	if err != nil {
		return nil, err
	}
	t.store.snapshots.fill(snap.ID, snap, begun) // untouched by this group: committed
	return snap, nil
}

// AddSnapshot adds a row; Version becomes 1, and an enterprise project that nobody
// gave the default one. CreatedAt is the caller's, or right
// after that of the volume's newest snapshot where the clock says otherwise: which
// snapshot is the newest must not change with the clock. Whoever adds one holds
// the row of its volume.
func (t *Tx) AddSnapshot(s *block.Snapshot) error {
	const add = `INSERT INTO snapshots (` + snapshotColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`
	var last time.Time
	if err := t.queryRow(`SELECT MAX(created_at) FROM snapshots WHERE volume_id = $1`, []any{s.VolumeID}, &last); err != nil {
		return err
	}
	if !stored(s.CreatedAt).After(last) {
		s.CreatedAt = last.Add(time.Microsecond)
	}
	s.Version = 1
	s.EnterpriseProjectID = cmp.Or(s.EnterpriseProjectID, block.DefaultEnterpriseProject)
	_, err := t.exec(add, s.ID, s.ProjectID, s.UserID, s.VolumeID, s.TypeID, s.Name, s.Description,
		s.Status, s.Progress, s.Size, s.Metadata, s.CreatedAt, s.UpdatedAt, s.Version, orNull(s.GroupSnapshotID), s.Origin.String(),
		s.InstantAccess, s.FullCopy, s.EnterpriseProjectID)
	if err != nil {
		return err
	}
	t.noteSnapshot(s)
	return nil
}

// SaveSnapshot writes what can change of s, sets UpdatedAt to Now and raises
// Version; fails with Conflict if the row changed since it was read.
func (t *Tx) SaveSnapshot(s *block.Snapshot) error {
	const save = `UPDATE snapshots
		SET name = $1, description = $2, status = $3, progress = $4, metadata = $5,
			instant_access = $6, updated_at = $7, version = version + 1
		WHERE id = $8 AND version = $9`
	n, err := t.exec(save, s.Name, s.Description, s.Status, s.Progress, s.Metadata, s.InstantAccess, t.now, s.ID, s.Version)
	if err := changedOne(n, err, "snapshot", s.ID); err != nil {
		return err
	}
	s.UpdatedAt = t.now
	s.Version++
	t.noteSnapshot(s)
	return nil
}

// DropSnapshot removes the row; fails with Conflict like SaveSnapshot.
func (t *Tx) DropSnapshot(s *block.Snapshot) error {
	const drop = `DELETE FROM snapshots WHERE id = $1 AND version = $2`
	n, err := t.exec(drop, s.ID, s.Version)
	if err := changedOne(n, err, "snapshot", s.ID); err != nil {
		return err
	}
	t.noteGone(s.ID, false)
	return t.dropTags(block.TagSnapshot, s.ID)
}

// CountSnapshotsOf counts the snapshots of a volume, whatever their status.
func (t *Tx) CountSnapshotsOf(volumeID string) (int, error) {
	var n int
	err := t.queryRow(`SELECT count(*) FROM snapshots WHERE volume_id = $1`, []any{volumeID}, &n)
	return n, err
}

// SnapshotsOf are the snapshots of a volume, oldest first, read for writing.
func (t *Tx) SnapshotsOf(volumeID string) ([]*block.Snapshot, error) {
	const of = `SELECT ` + snapshotColumns + ` FROM snapshots WHERE volume_id = $1 ORDER BY created_at, id`
	return snapshotRows.all(t.query, t.store.sql.lock(of), volumeID)
}

// Snapshots are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) Snapshots(ctx context.Context, list block.List) ([]*block.Snapshot, error) {
	return snapshotRows.page(ctx, s, list)
}

// CountSnapshots counts what matches, whatever marker, offset and limit.
func (s *Store) CountSnapshots(ctx context.Context, list block.List) (int, error) {
	return s.count(ctx, snapshotRows.listed, list)
}

// SnapshotChains are what a project's volumes have of snapshots, one of each volume
// that has any, by the volume's id, after the given one; limit at most.
func (s *Store) SnapshotChains(ctx context.Context, projectID, volumeID, after string, limit int) ([]block.SnapshotChain, error) {
	const chains = `SELECT volume_id, count(*), CAST(sum(size) AS BIGINT), min(created_at), max(created_at) FROM snapshots
		WHERE project_id = $1 AND ($2 = '' OR volume_id = $3) AND volume_id > $4
		GROUP BY volume_id ORDER BY volume_id LIMIT $5`
	var all []block.SnapshotChain
	err := s.readRows(ctx, chains, []any{projectID, volumeID, volumeID, after, limit}, func(r row) error {
		var c block.SnapshotChain
		err := r.Scan(&c.VolumeID, &c.Snapshots, &c.Capacity, &c.CreatedAt, &c.UpdatedAt)
		all = append(all, c)
		return err
	})
	return all, err
}
