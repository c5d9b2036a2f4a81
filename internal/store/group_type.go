package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	groupTypeColumns = `id, name, description, public, specs, created_at, updated_at, version`
	groupTypeByID    = `SELECT ` + groupTypeColumns + ` FROM group_types WHERE id = $1`
	groupTypeByName  = `SELECT ` + groupTypeColumns + ` FROM group_types WHERE name = $1`
)

// groupTypeRows has lists of all projects: a list of types names none.
var groupTypeRows = rows[block.GroupType]{
	scan: scanGroupType,
	gone: noGroupType,
	listed: listed{
		table:   "group_types",
		columns: groupTypeColumns,
		fields: map[block.Field]column{
			block.FieldID:          {name: "id"},
			block.FieldName:        {name: "name", fold: true},
			block.FieldDescription: {name: "description", nullable: true, fold: true},
			block.FieldPublic:      {name: "public", kind: flagColumn},
			block.FieldCreatedAt:   {name: "created_at"},
			block.FieldUpdatedAt:   {name: "updated_at", nullable: true},
		},
	},
}

// scanGroupType reads groupTypeColumns.
func scanGroupType(r row) (*block.GroupType, error) {
	g := &block.GroupType{}
	err := r.Scan(&g.ID, &g.Name, &g.Description, &g.Public, &g.Specs, &g.CreatedAt, &g.UpdatedAt, &g.Version)
	return g, err
}

// noGroupType is Cinder's message; noGroupTypeNamed that for a name.
func noGroupType(id string) error {
	return block.Errorf(block.NotFound, "Group type %s could not be found.", id)
}

func noGroupTypeNamed(name string) error {
	return block.Errorf(block.NotFound, "Group type with name %s could not be found.", name)
}

// GroupType fails with NotFound.
func (s *Store) GroupType(ctx context.Context, id string) (*block.GroupType, error) {
	return groupTypeRows.one(s.beside(ctx), groupTypeByID, id)
}

// GroupType reads for writing; fails with NotFound.
func (t *Tx) GroupType(id string) (*block.GroupType, error) {
	return groupTypeRows.one(t.query, t.store.sql.lock(groupTypeByID), id)
}

// GroupTypeNamed reads for writing; fails with NotFound.
func (t *Tx) GroupTypeNamed(name string) (*block.GroupType, error) {
	named := rows[block.GroupType]{scan: scanGroupType, gone: noGroupTypeNamed}
	return named.one(t.query, t.store.sql.lock(groupTypeByName), name)
}

// AddGroupType fails with Conflict when the name is taken.
func (t *Tx) AddGroupType(g *block.GroupType) error {
	const add = `INSERT INTO group_types (` + groupTypeColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	g.Version = 1
	_, err := t.exec(add, g.ID, g.Name, g.Description, g.Public, g.Specs, g.CreatedAt, g.UpdatedAt, g.Version)
	return groupTypeTaken(err, g)
}

// SaveGroupType writes what can change of g; fails with Conflict when the name is
// taken, or the row changed since it was read.
func (t *Tx) SaveGroupType(g *block.GroupType) error {
	const save = `UPDATE group_types
		SET name = $1, description = $2, public = $3, specs = $4, updated_at = $5, version = version + 1
		WHERE id = $6 AND version = $7`
	n, err := t.exec(save, g.Name, g.Description, g.Public, g.Specs, t.now, g.ID, g.Version)
	if err := changedOne(n, groupTypeTaken(err, g), "group type", g.ID); err != nil {
		return err
	}
	g.UpdatedAt = t.now
	g.Version++
	return nil
}

func groupTypeTaken(err error, g *block.GroupType) error {
	if block.KindOf(err) == block.Conflict {
		return block.Because(err, block.Conflict, "Group Type %s already exists.", g.Name)
	}
	return err
}

// DropGroupType removes the row; fails with Conflict like SaveGroupType.
func (t *Tx) DropGroupType(g *block.GroupType) error {
	n, err := t.exec(`DELETE FROM group_types WHERE id = $1 AND version = $2`, g.ID, g.Version)
	return changedOne(n, err, "group type", g.ID)
}

// GroupTypes are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) GroupTypes(ctx context.Context, list block.List) ([]*block.GroupType, error) {
	return groupTypeRows.page(ctx, s, list)
}

// CountGroupTypes counts what matches, whatever marker, offset and limit.
func (s *Store) CountGroupTypes(ctx context.Context, list block.List) (int, error) {
	return s.count(ctx, groupTypeRows.listed, list)
}
