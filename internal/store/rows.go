package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/breezeblock/breezeblock/internal/block"
)

// rows is how a noun is read: its list, what makes a noun of a row, and the words
// for one that is not there. Writes are each noun's own.
type rows[T any] struct {
	listed
	scan func(row) (*T, error)
	gone func(id string) error
}

// reader is how rows are read: beside the writer, or inside a transaction.
type reader func(query string, args []any, each func(row) error) error

// beside reads beside the writer.
func (s *Store) beside(ctx context.Context) reader {
	return func(query string, args []any, each func(row) error) error {
		return s.readRows(ctx, query, args, each)
	}
}

// one is the row that query finds by id; fails with gone.
func (n rows[T]) one(read reader, query, id string) (found *T, err error) {
	if !isID(id) {
		return nil, n.gone(id)
	}
	err = read(query, []any{id}, func(r row) (err error) {
		found, err = n.scan(r)
		return err
	})
	if err == nil && found == nil {
		err = n.gone(id)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// all are the rows that query finds.
func (n rows[T]) all(read reader, query string, args ...any) ([]*T, error) {
	return allOf(read, query, args, n.scan)
}

// page is one page; fails with gone when the marker is no row the list could hold.
func (n rows[T]) page(ctx context.Context, s *Store, list block.List) ([]*T, error) {
	page, err := s.page(ctx, n.listed, list)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, n.gone(list.Marker)
	}
	if err != nil {
		return nil, err
	}
	found := make([]*T, 0, page.room)
	err = s.readRows(ctx, page.text, page.args, func(r row) error {
		v, err := n.scan(r)
		found = append(found, v)
		return err
	})
	return found, err
}

// allOf reads every row of a query.
func allOf[T any](read reader, query string, args []any, scan func(row) (*T, error)) ([]*T, error) {
	var found []*T
	err := read(query, args, func(r row) error {
		v, err := scan(r)
		found = append(found, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// changedOne turns the number of rows that a guarded write met into Conflict.
func changedOne(n int64, err error, noun, id string) error {
	if err == nil && n == 0 {
		err = block.Errorf(block.Conflict, "%s %s was changed meanwhile", noun, id)
	}
	return err
}
