package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const typesOfProject = `SELECT type_id FROM volume_type_projects WHERE project_id = $1 ORDER BY type_id`

// TypesOfProject are the ids of the types that a project was given access to.
func (s *Store) TypesOfProject(ctx context.Context, projectID string) ([]string, error) {
	var ids []string
	err := s.readRows(ctx, typesOfProject, []any{projectID}, intoTexts(&ids))
	return ids, err
}

// TypesOfProject are the ids of the types that a project was given access to.
func (t *Tx) TypesOfProject(projectID string) ([]string, error) {
	var ids []string
	err := t.query(typesOfProject, []any{projectID}, intoTexts(&ids))
	return ids, err
}

// ProjectsOfType are the projects that were given access to a type, in order.
func (s *Store) ProjectsOfType(ctx context.Context, typeID string) ([]string, error) {
	const of = `SELECT project_id FROM volume_type_projects WHERE type_id = $1 ORDER BY project_id`
	var ids []string
	err := s.readRows(ctx, of, []any{typeID}, intoTexts(&ids))
	return ids, err
}

// intoTexts collects rows of one text.
func intoTexts(texts *[]string) func(row) error {
	return func(r row) error {
		text := ""
		err := r.Scan(&text)
		*texts = append(*texts, text)
		return err
	}
}

// AddTypeProject fails with Conflict when the project has access already.
func (t *Tx) AddTypeProject(typeID, projectID string) error {
	const add = `INSERT INTO volume_type_projects (project_id, type_id) VALUES ($1, $2)`
	_, err := t.exec(add, projectID, typeID)
	if block.KindOf(err) == block.Conflict {
		return block.Because(err, block.Conflict, "Volume type access for %s / %s combination already exists.", typeID, projectID)
	}
	return err
}

// DropTypeProject fails with NotFound when the project has no access.
func (t *Tx) DropTypeProject(typeID, projectID string) error {
	const drop = `DELETE FROM volume_type_projects WHERE project_id = $1 AND type_id = $2`
	n, err := t.exec(drop, projectID, typeID)
	if err == nil && n == 0 {
		return block.Errorf(block.NotFound, "Volume type access not found for %s / %s combination.", typeID, projectID)
	}
	return err
}

// CountTypeProjects counts the projects that were given access to a type.
func (t *Tx) CountTypeProjects(typeID string) (int, error) {
	return t.countRows(`SELECT count(*) FROM volume_type_projects WHERE type_id = $1`, typeID)
}

// DefaultTypes are the default types of projects that have one of their own, by
// project; of one project alone when it is named.
func (s *Store) DefaultTypes(ctx context.Context, projectID string) (map[string]string, error) {
	query, args := `SELECT project_id, type_id FROM default_types`, []any(nil)
	if projectID != "" {
		query, args = query+` WHERE project_id = $1`, []any{projectID}
	}
	types := map[string]string{}
	err := s.readRows(ctx, query, args, func(r row) error {
		var project, id string
		err := r.Scan(&project, &id)
		types[project] = id
		return err
	})
	return types, err
}

// DefaultType is a project's own default type; empty when there is none.
func (t *Tx) DefaultType(projectID string) (string, error) {
	var ids []string
	err := t.query(`SELECT type_id FROM default_types WHERE project_id = $1`, []any{projectID}, intoTexts(&ids))
	if err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

// SetDefaultType sets a project's default type, in place of another.
func (t *Tx) SetDefaultType(projectID, typeID string) error {
	const set = `INSERT INTO default_types (project_id, type_id) VALUES ($1, $2)
		ON CONFLICT (project_id) DO UPDATE SET type_id = excluded.type_id`
	_, err := t.exec(set, projectID, typeID)
	return err
}

// DropDefaultType forgets a project's default type, if it has one.
func (t *Tx) DropDefaultType(projectID string) error {
	_, err := t.exec(`DELETE FROM default_types WHERE project_id = $1`, projectID)
	return err
}

// CountDefaultTypes counts the projects whose default type it is; of all types
// when none is named.
func (t *Tx) CountDefaultTypes(typeID string) (int, error) {
	if typeID == "" {
		return t.countRows(`SELECT count(*) FROM default_types`)
	}
	return t.countRows(`SELECT count(*) FROM default_types WHERE type_id = $1`, typeID)
}
