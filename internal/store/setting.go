package store

import (
	"context"
	"database/sql"
	"errors"
)

// Setting is a small value of the server itself, such as its id; empty when it was never set.
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	var text string
	err := s.readRow(ctx, `SELECT value FROM settings WHERE name = $1`, []any{name}, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, err
}

// SetSetting keeps a small value.
func (s *Store) SetSetting(ctx context.Context, name, text string) error {
	const set = `INSERT INTO settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	return s.write(ctx, func(t *Tx) error {
		_, err := t.exec(set, name, text)
		return err
	})
}
