package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	groupColumns = `id, project_id, user_id, name, description, status, type_id, availability_zone,
		volume_types, group_snapshot_id, source_group_id, legacy, created_at, updated_at, version`
	groupByID = `SELECT ` + groupColumns + ` FROM volume_groups WHERE id = $1`
)

var groupRows = rows[block.Group]{
	scan: scanGroup,
	gone: noGroup,
	listed: listed{
		table:   "volume_groups",
		columns: groupColumns,
		fields: map[block.Field]column{
			block.FieldID:               {name: "id"},
			block.FieldName:             {name: "name", nullable: true, fold: true},
			block.FieldDescription:      {name: "description", nullable: true, fold: true},
			block.FieldStatus:           {name: "status"},
			block.FieldProjectID:        {name: "project_id"},
			block.FieldUserID:           {name: "user_id", fold: true},
			block.FieldTypeID:           {name: "type_id"},
			block.FieldAvailabilityZone: {name: "availability_zone", fold: true},
			block.FieldGroupSnapshotID:  {name: "group_snapshot_id", nullable: true},
			block.FieldSourceGroupID:    {name: "source_group_id", nullable: true},
			block.FieldLegacy:           {name: "legacy", kind: flagColumn},
			block.FieldCreatedAt:        {name: "created_at"},
			block.FieldUpdatedAt:        {name: "updated_at", nullable: true},
		},
	},
}

// scanGroup reads groupColumns.
func scanGroup(r row) (*block.Group, error) {
	g := &block.Group{}
	err := r.Scan(&g.ID, &g.ProjectID, &g.UserID, &g.Name, &g.Description, &g.Status, &g.TypeID, &g.AvailabilityZone,
		&g.VolumeTypes, &g.GroupSnapshotID, &g.SourceGroupID, &g.Legacy, &g.CreatedAt, &g.UpdatedAt, &g.Version)
	return g, err
}

// noGroup is Cinder's message.
func noGroup(id string) error {
	return block.Errorf(block.NotFound, "Group %s could not be found.", id)
}

// Group fails with NotFound.
func (s *Store) Group(ctx context.Context, id string) (*block.Group, error) {
	return groupRows.one(s.beside(ctx), groupByID, id)
}

// Group reads for writing; fails with NotFound.
func (t *Tx) Group(id string) (*block.Group, error) {
	return groupRows.one(t.query, t.store.sql.lock(groupByID), id)
}

// AddGroup adds a row; CreatedAt is the caller's, Version becomes 1.
func (t *Tx) AddGroup(g *block.Group) error {
	const add = `INSERT INTO volume_groups (` + groupColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`
	g.Version = 1
	_, err := t.exec(add, g.ID, g.ProjectID, g.UserID, g.Name, g.Description, g.Status, g.TypeID, g.AvailabilityZone,
		g.VolumeTypes, orNull(g.GroupSnapshotID), orNull(g.SourceGroupID), g.Legacy, g.CreatedAt, g.UpdatedAt, g.Version)
	return err
}

// SaveGroup writes what can change of g, sets UpdatedAt to Now and raises Version;
// fails with Conflict if the row changed since it was read.
func (t *Tx) SaveGroup(g *block.Group) error {
	const save = `UPDATE volume_groups
		SET name = $1, description = $2, status = $3, updated_at = $4, version = version + 1
		WHERE id = $5 AND version = $6`
	n, err := t.exec(save, g.Name, g.Description, g.Status, t.now, g.ID, g.Version)
	if err := changedOne(n, err, "group", g.ID); err != nil {
		return err
	}
	g.UpdatedAt = t.now
	g.Version++
	return nil
}

// DropGroup removes the row; fails with Conflict like SaveGroup.
func (t *Tx) DropGroup(g *block.Group) error {
	n, err := t.exec(`DELETE FROM volume_groups WHERE id = $1 AND version = $2`, g.ID, g.Version)
	return changedOne(n, err, "group", g.ID)
}

// CountGroupsOf counts the groups of a project, whatever their status.
func (t *Tx) CountGroupsOf(projectID string) (n int, err error) {
	err = t.queryRow(`SELECT count(*) FROM volume_groups WHERE project_id = $1`, []any{projectID}, &n)
	return n, err
}

// CountGroupsOfType counts the groups of a group type, of all projects.
func (t *Tx) CountGroupsOfType(typeID string) (n int, err error) {
	err = t.queryRow(`SELECT count(*) FROM volume_groups WHERE type_id = $1`, []any{typeID}, &n)
	return n, err
}

// CountGroupsWithVolumeType counts the groups that may have volumes of a type, of all
// projects. The column is a JSON list of ids, which have nothing that LIKE minds.
func (t *Tx) CountGroupsWithVolumeType(typeID string) (n int, err error) {
	err = t.queryRow(`SELECT count(*) FROM volume_groups WHERE volume_types LIKE $1`, []any{`%"` + typeID + `"%`}, &n)
	return n, err
}

// CountGroupsFrom counts the groups that are being made from a group or group snapshot.
func (t *Tx) CountGroupsFrom(id string) (n int, err error) {
	const from = `SELECT count(*) FROM volume_groups
		WHERE status = $1 AND (source_group_id = $2 OR group_snapshot_id = $3)`
	err = t.queryRow(from, []any{block.GroupCreating, id, id}, &n)
	return n, err
}

// VolumesOfGroup are a group's volumes, oldest first, read for writing.
func (t *Tx) VolumesOfGroup(groupID string) ([]*block.Volume, error) {
	const of = `SELECT ` + volumeColumns + ` FROM volumes WHERE group_id = $1 ORDER BY created_at, id`
	return volumeRows.all(t.query, t.store.sql.lock(of), groupID)
}

// VolumeStatusesOf are the statuses of a group's volumes, without a lock.
func (t *Tx) VolumeStatusesOf(groupID string) ([]block.VolumeStatus, error) {
	const of = `SELECT status FROM volumes WHERE group_id = $1`
	return statuses[block.VolumeStatus](func(each func(row) error) error { return t.query(of, []any{groupID}, each) })
}

func statuses[S ~string](query func(func(row) error) error) (all []S, err error) {
	err = query(func(r row) error {
		status := ""
		err := r.Scan(&status)
		all = append(all, S(status))
		return err
	})
	return all, err
}

// Groups are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) Groups(ctx context.Context, list block.List) ([]*block.Group, error) {
	return groupRows.page(ctx, s, list)
}

// CountGroups counts what matches, whatever marker, offset and limit.
func (s *Store) CountGroups(ctx context.Context, list block.List) (int, error) {
	return s.count(ctx, groupRows.listed, list)
}

// VolumesOfGroups are the ids of each group's volumes, oldest first.
func (s *Store) VolumesOfGroups(ctx context.Context, groupIDs []string) (map[string][]string, error) {
	of := map[string][]string{}
	if len(groupIDs) == 0 {
		return of, nil
	}
	q := &query{}
	q.WriteString(`SELECT group_id, id FROM volumes WHERE group_id IN ( `)
	for i, id := range groupIDs {
		if i > 0 {
			q.WriteByte(',')
		}
		q.arg(id)
	}
	q.WriteString(`) ORDER BY created_at, id`)
	err := s.readRows(ctx, q.String(), q.args, func(r row) error {
		var group, id string
		err := r.Scan(&group, &id)
		of[group] = append(of[group], id)
		return err
	})
	return of, err
}
