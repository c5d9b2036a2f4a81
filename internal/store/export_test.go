package store

import (
	"context"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
)

// What the tests of the outer package, which may use storetest, see of the inside.

var ByPosition = byPosition

// Prepare tells whether the database takes a text.
func (s *Store) Prepare(ctx context.Context, text string) error {
	if db, ok := s.db.(*sqliteDB); ok {
		conn := <-db.readers
		defer func() { db.readers <- conn }()
		_, err := conn.prepare(text)
		return err
	}
	stmt, err := s.db.(*postgresDB).pool.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	return stmt.Close()
}

// SnapshotPage is the text of a page and its arguments.
func (s *Store) SnapshotPage(ctx context.Context, list block.List) (string, []any, error) {
	p, err := s.page(ctx, snapshotRows.listed, list)
	return p.text, p.args, err
}

// Plan is what SQLite will do for a text.
func (s *Store) Plan(ctx context.Context, text string, args ...any) (string, error) {
	var steps []string
	err := s.readRows(ctx, "EXPLAIN QUERY PLAN "+text, args, func(r row) error {
		var step string
		var ignored any
		err := r.Scan(&ignored, &ignored, &ignored, &step)
		steps = append(steps, step)
		return err
	})
	return strings.Join(steps, "; "), err
}
