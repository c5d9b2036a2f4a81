package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

func (a *API) messageRoutes() []wire.Route {
	const all, one = "/messages", "/messages/{message_id}"
	return []wire.Route{
		{Name: "message.list", Method: "GET", Path: all, Versions: wire.V3, Since: wire.Messages, Permission: wire.Reader, OK: 200, Source: recorded, Handle: a.listMessages},
		{Name: "message.show", Method: "GET", Path: one, Versions: wire.V3, Since: wire.Messages, Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.showMessage},
		{Name: "message.delete", Method: "DELETE", Path: one, Versions: wire.V3, Since: wire.Messages, Permission: wire.Member, OK: 204, Source: cinderAPI, Handle: a.deleteMessage},
	}
}

// messageRules are the filters of messages. Source: recording service-member-resource_filters.
func messageRules() *listRules {
	sort := wire.SortFields{
		"id": block.FieldID, "created_at": block.FieldCreatedAt, "event_id": block.FieldEventID, "request_id": block.FieldRequestID,
		"resource_type": block.FieldResourceType, "resource_uuid": block.FieldResourceID, "message_level": block.FieldLevel,
		"guaranteed_until": block.FieldExpiresAt, "expires_at": block.FieldExpiresAt, "updated_at": block.FieldCreatedAt,
	}
	return &listRules{
		sort:  func(*wire.Exchange) wire.SortFields { return sort },
		since: wire.MessagePages,
		filters: []filterRule{
			{key: "resource_uuid", since: wire.MessagePages, keep: byField(block.FieldResourceID)},
			{key: "resource_type", since: wire.MessagePages, keep: byField(block.FieldResourceType)},
			{key: "event_id", since: wire.MessagePages, keep: byField(block.FieldEventID)},
			{key: "request_id", since: wire.MessagePages, keep: byField(block.FieldRequestID)},
			{key: "message_level", since: wire.MessagePages, keep: byField(block.FieldLevel)},
		},
	}
}

// listMessages serves GET /v3/{project_id}/messages: before 3.5 all, oldest first.
func (a *API) listMessages(x *wire.Exchange) error {
	q, caller, err := askedList(x, a.messageList)
	if err != nil {
		return err
	}
	if x.Version < wire.MessagePages {
		q.Sort = []block.SortKey{{Field: block.FieldCreatedAt}}
	}
	return answerList(x, caller, &q, &listCalls[*block.Message]{
		noun: "message", key: "messages", rows: a.blocks.Messages, count: a.blocks.CountMessages,
		id:   func(m *block.Message) string { return m.ID },
		item: func(b []byte, m *block.Message) []byte { return appendMessage(b, x, m) },
	})
}

// showMessage serves GET /v3/{project_id}/messages/{message_id}.
func (a *API) showMessage(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	m, err := a.blocks.Message(x.Context(), caller, x.PathValue("message_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		return append(appendMessage(append(b, `{"message":`...), x, m), '}')
	})
}

// deleteMessage serves DELETE /v3/{project_id}/messages/{message_id}.
func (a *API) deleteMessage(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DeleteMessage(x.Context(), caller, x.PathValue("message_id")); err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusNoContent)
}

// appendMessage appends one message. Source: recording service-member-messages.
func appendMessage(b []byte, x *wire.Exchange, m *block.Message) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, m.ID...)
	b = append(b, `","event_id":"`...)
	b = append(b, m.EventID...)
	b = append(b, `","user_message":`...)
	b = wire.AppendString(b, m.Text())
	b = append(b, `,"message_level":"`...)
	b = append(b, m.Level...)
	b = append(b, `","created_at":`...)
	b = wire.AppendTime(b, m.CreatedAt)
	b = append(b, `,"guaranteed_until":`...)
	b = wire.AppendTime(b, m.ExpiresAt)
	b = append(b, `,"request_id":`...)
	b = wire.AppendString(b, m.RequestID)
	b = appendItemLinks(b, x, "/messages/"+m.ID)
	b = append(b, `,"resource_type":"`...)
	b = append(b, m.ResourceType...)
	b = append(b, `","resource_uuid":"`...)
	b = append(b, m.ResourceID...)
	return append(b, `"}`...)
}
