package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

// tagged are the tables of what can have tags, by the kind of their tags.
var tagged = map[block.TagKind]string{
	block.TagVolume:   "volumes",
	block.TagSnapshot: "snapshots",
	block.TagBackup:   "backups",

	block.TagSnapshotGroup: "group_snapshots",
}

// Tags are the tags of objects of one kind, by id; those that have none are left out.
func (s *Store) Tags(ctx context.Context, kind block.TagKind, ids []string) (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	if len(ids) == 0 {
		return all, nil
	}
	q := &query{}
	q.WriteString("SELECT resource_id, name, value FROM tags WHERE kind = ")
	q.arg(string(kind))
	q.WriteString(" AND resource_id IN (")
	for i, id := range ids {
		if i > 0 {
			q.WriteString(", ")
		}
		q.arg(id)
	}
	q.WriteString(")")
	err := s.readRows(ctx, q.String(), q.args, func(r row) error {
		var id, name, value string
		if err := r.Scan(&id, &name, &value); err != nil {
			return err
		}
		if all[id] == nil {
			all[id] = map[string]string{}
		}
		all[id][name] = value
		return nil
	})
	return all, err
}

// ProjectTags are the keys and values on a project's objects of one kind, each
// once, in order; limit at most.
func (s *Store) ProjectTags(ctx context.Context, kind block.TagKind, projectID string, limit int) ([]block.Tag, error) {
	table, known := tagged[kind]
	if !known {
		return nil, nil
	}
	q := &query{}
	q.WriteString("SELECT DISTINCT tags.name, tags.value FROM tags JOIN " + table + " AS object ON object.id = tags.resource_id WHERE tags.kind = ")
	q.arg(string(kind))
	q.WriteString(" AND object.project_id = ")
	q.arg(projectID)
	q.WriteString(" ORDER BY tags.name, tags.value LIMIT ")
	q.arg(limit)
	var all []block.Tag
	err := s.readRows(ctx, q.String(), q.args, func(r row) error {
		var t block.Tag
		err := r.Scan(&t.Key, &t.Value)
		all = append(all, t)
		return err
	})
	return all, err
}

// Tags are the tags of one object, whose row the transaction has read for writing.
func (t *Tx) Tags(kind block.TagKind, id string) (map[string]string, error) {
	all := map[string]string{}
	err := t.query(`SELECT name, value FROM tags WHERE kind = $1 AND resource_id = $2`, []any{string(kind), id}, func(r row) error {
		var name, value string
		err := r.Scan(&name, &value)
		all[name] = value
		return err
	})
	return all, err
}

// SaveTags writes all tags of an object in the place of those that it had.
func (t *Tx) SaveTags(kind block.TagKind, id string, tags map[string]string) error {
	if err := t.dropTags(kind, id); err != nil {
		return err
	}
	for name, value := range tags {
		const add = `INSERT INTO tags (kind, resource_id, name, value) VALUES ($1, $2, $3, $4)`
		if _, err := t.exec(add, string(kind), id, name, value); err != nil {
			return err
		}
	}
	return nil
}

// dropTags forgets the tags of an object; whoever drops the object's row calls it.
func (t *Tx) dropTags(kind block.TagKind, id string) error {
	_, err := t.exec(`DELETE FROM tags WHERE kind = $1 AND resource_id = $2`, string(kind), id)
	return err
}

// byTags writes that a row has the tags that c asks for.
func (q *query) byTags(n listed, c block.TagCondition) {
	if c.Not {
		q.WriteString("NOT ")
	}
	q.WriteString("(")
	for i, m := range c.Matches {
		switch {
		case i > 0 && c.Any:
			q.WriteString(" OR ")
		case i > 0:
			q.WriteString(" AND ")
		}
		q.WriteString("EXISTS (SELECT 1 FROM tags WHERE tags.resource_id = " + n.table + ".id AND tags.kind = ")
		q.arg(string(n.tags))
		q.WriteString(" AND tags.name = ")
		q.arg(m.Key)
		for j, value := range m.Values {
			if j == 0 {
				q.WriteString(" AND tags.value IN (")
			} else {
				q.WriteString(", ")
			}
			q.arg(value)
		}
		if len(m.Values) > 0 {
			q.WriteString(")")
		}
		q.WriteString(")")
	}
	q.WriteString(")")
}

// maxTagMatches bounds the keys of one list's conditions together; SQLite takes an
// expression of depth 1000.
const maxTagMatches = 100

// filterTags writes the conditions of a list on tags.
func (q *query) filterTags(n listed, conditions []block.TagCondition) error {
	matches := 0
	for _, c := range conditions {
		matches += len(c.Matches)
		if matches > maxTagMatches {
			return block.Errorf(block.Invalid, "Invalid input received: at most %d keys of tags.", maxTagMatches)
		}
		if n.tags == "" {
			return block.Errorf(block.Invalid, "Invalid filter: these objects have no tags.")
		}
		if len(c.Matches) == 0 {
			continue // it asks for nothing
		}
		q.condition()
		q.byTags(n, c)
	}
	return nil
}
