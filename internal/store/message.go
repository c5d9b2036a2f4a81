package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	messageColumns = `id, project_id, request_id, resource_type, resource_uuid, event_id, action_id, detail_id,
		message_level, created_at, expires_at`
	messageByID = `SELECT ` + messageColumns + ` FROM messages WHERE id = $1`
)

var messageRows = rows[block.Message]{
	scan: scanMessage,
	gone: noMessage,
	listed: listed{
		table:   "messages",
		columns: messageColumns,
		fields: map[block.Field]column{
			block.FieldID:           {name: "id"},
			block.FieldRequestID:    {name: "request_id"},
			block.FieldResourceType: {name: "resource_type"},
			block.FieldResourceID:   {name: "resource_uuid"},
			block.FieldEventID:      {name: "event_id"},
			block.FieldLevel:        {name: "message_level"},
			block.FieldCreatedAt:    {name: "created_at"},
			block.FieldExpiresAt:    {name: "expires_at"},
		},
	},
}

// scanMessage reads messageColumns.
func scanMessage(r row) (*block.Message, error) {
	m := &block.Message{}
	err := r.Scan(&m.ID, &m.ProjectID, &m.RequestID, &m.ResourceType, &m.ResourceID, &m.EventID, &m.ActionID, &m.DetailID,
		&m.Level, &m.CreatedAt, &m.ExpiresAt)
	return m, err
}

func noMessage(id string) error {
	return block.Errorf(block.NotFound, "message %s could not be found.", id)
}

// Message fails with NotFound.
func (s *Store) Message(ctx context.Context, id string) (*block.Message, error) {
	return messageRows.one(s.beside(ctx), messageByID, id)
}

// Messages are one page; fails with NotFound when the marker is no row the list could hold.
func (s *Store) Messages(ctx context.Context, list block.List) ([]*block.Message, error) {
	return messageRows.page(ctx, s, list)
}

// CountMessages counts what matches, whatever marker, offset and limit.
func (s *Store) CountMessages(ctx context.Context, list block.List) (int, error) {
	return s.count(ctx, messageRows.listed, list)
}

// AddMessage adds a row.
func (t *Tx) AddMessage(m *block.Message) error {
	const add = `INSERT INTO messages (` + messageColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	_, err := t.exec(add, m.ID, m.ProjectID, m.RequestID, m.ResourceType, m.ResourceID, m.EventID, m.ActionID, m.DetailID,
		m.Level, m.CreatedAt, m.ExpiresAt)
	return err
}

// DropMessage removes the row; fails with NotFound.
func (t *Tx) DropMessage(id string) error {
	n, err := t.exec(`DELETE FROM messages WHERE id = $1`, id)
	if err == nil && n == 0 {
		err = noMessage(id)
	}
	return err
}

// SweepMessages removes those that expired before Now, and of a project all but
// the newest most, a page of them at a time.
func (t *Tx) SweepMessages(projectID string, most int) error {
	const expired = `DELETE FROM messages WHERE expires_at < $1`
	const surplus = `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE project_id = $1
		ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3)`
	if _, err := t.exec(expired, t.now); err != nil {
		return err
	}
	_, err := t.exec(surplus, projectID, block.MaxPage, most)
	return err
}
