package cinder

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

func (a *API) attachmentRoutes() []wire.Route {
	const all, one = "/attachments", "/attachments/{attachment_id}"
	rows := []wire.Route{
		{Name: "attachment.create", Method: "POST", Path: all, Permission: wire.Member, OK: 200, Handle: a.createAttachment},
		{Name: "attachment.show", Method: "GET", Path: one, Permission: wire.Reader, OK: 200, Handle: a.showAttachment},
		{Name: "attachment.update", Method: "PUT", Path: one, Permission: wire.Member, OK: 200, Handle: a.updateAttachment},
		{Name: "attachment.delete", Method: "DELETE", Path: one, Permission: wire.Member, OK: 200, Handle: a.deleteAttachment},
		{Name: "attachment.complete", Method: "POST", Path: one + "/action", Action: "os-complete", Permission: wire.Member, Since: wire.AttachmentComplete, OK: 204, Handle: a.completeAttachment},
		{Name: "attachment.list", Method: "GET", Path: all, Permission: wire.Reader, OK: 200, Handle: a.listAttachments},
		{Name: "attachment.list_details", Method: "GET", Path: all + "/detail", Permission: wire.Reader, OK: 200, Handle: a.listAttachmentDetails},
	}
	for i := range rows {
		rows[i].Versions, rows[i].Source = wire.V3, cinderAPI
		rows[i].Since = max(rows[i].Since, wire.Attachments)
	}
	return rows
}

// createAttachment serves POST /v3/{project_id}/attachments.
func (a *API) createAttachment(x *wire.Exchange) error {
	wanted, err := readNewAttachment(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	made, err := a.blocks.CreateAttachment(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return a.replyAttachment(x, made)
}

func readNewAttachment(x *wire.Exchange) (n block.NewAttachment, err error) {
	members, err := x.Object("attachment")
	if err != nil {
		return n, err
	}
	if err = x.OnlyKey("attachment"); err != nil {
		return n, err
	}
	allowed := []string{"volume_uuid", "instance_uuid", "connector"}
	if x.Version >= wire.AttachmentMode {
		allowed = append(allowed, "mode")
	}
	if err = members.Only("attachment", allowed...); err != nil {
		return n, err
	}
	if n.VolumeID, err = members.UUID("volume_uuid", "Volume"); err != nil {
		return n, err
	}
	if n.ServerID, err = optionalUUID(members, "instance_uuid"); err != nil {
		return n, err
	}
	if value, given := members.Get("mode"); given {
		if n.Mode, err = readMode(value, "mode"); err != nil {
			return n, err
		}
	}
	if value, given := members.Get("connector"); given && value.Kind() != 'n' {
		n.Connector, err = readConnector(value)
		if n.Connector != nil && n.Connector.JSON == "{}" { // as good as none
			n.Connector = nil
		}
	}
	return n, err
}

func readMode(value jsontext.Value, field string) (string, error) {
	mode, err := wire.ReadString(value, field)
	if err == nil && mode != block.ModeReadWrite && mode != block.ModeReadOnly {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it must be rw or ro, not %.24q.", field, mode)
	}
	return mode, err
}

// readConnector reads what a client says of itself: host, mode and mountpoint mean
// something here, everything else is kept. Source: Cinder attachments; os-brick.
func readConnector(value jsontext.Value) (*block.Connector, error) {
	members, err := wire.ObjectOf(value, "connector")
	if err != nil {
		return nil, err
	}
	whole := slices.Clone(value)
	if err := whole.Compact(jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, block.Errorf(block.Invalid, "Invalid input for field/attribute connector: it cannot be read.")
	}
	if len(whole) > block.MaxConnector {
		return nil, block.Errorf(block.Invalid, "Invalid input for field/attribute connector: it is too long, %d bytes; at most %d are allowed.", len(whole), block.MaxConnector)
	}
	from := &block.Connector{JSON: string(whole)}
	if from.Host, err = shortString(members, "host"); err != nil {
		return nil, err
	}
	if from.Mount, err = shortString(members, "mountpoint"); err != nil {
		return nil, err
	}
	if value, given := members.Get("mode"); given && value.Kind() != 'n' {
		from.Mode, err = readMode(value, "connector.mode")
	}
	return from, err
}

// showAttachment serves GET /v3/{project_id}/attachments/{attachment_id}.
func (a *API) showAttachment(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	found, err := a.blocks.Attachment(x.Context(), caller, x.PathValue("attachment_id"))
	if err != nil {
		return err
	}
	return a.replyAttachment(x, found)
}

// updateAttachment serves PUT /v3/{project_id}/attachments/{attachment_id}.
func (a *API) updateAttachment(x *wire.Exchange) error {
	members, err := x.Object("attachment")
	if err != nil {
		return err
	}
	if err := x.OnlyKey("attachment"); err != nil {
		return err
	}
	if err := members.Only("attachment", "connector"); err != nil {
		return err
	}
	value, given := members.Get("connector")
	if !given {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute attachment: 'connector' is a required property.")
	}
	from, err := readConnector(value)
	if err != nil {
		return err
	}
	if from.JSON == "{}" {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute connector: {} does not have enough properties.")
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	saved, err := a.blocks.UpdateAttachment(x.Context(), caller, x.PathValue("attachment_id"), from)
	if err != nil {
		return err
	}
	return a.replyAttachment(x, saved)
}

// completeAttachment serves os-complete; what is said with it means nothing.
func (a *API) completeAttachment(x *wire.Exchange) error {
	if err := x.OnlyKey("os-complete"); err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.CompleteAttachment(x.Context(), caller, x.PathValue("attachment_id")); err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusNoContent)
}

// deleteAttachment serves DELETE /v3/{project_id}/attachments/{attachment_id}; it
// answers with what else the volume is attached to.
func (a *API) deleteAttachment(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	left, err := a.blocks.DeleteAttachment(x.Context(), caller, x.PathValue("attachment_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"attachments":[`...)
		for i, at := range left {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendAttachmentSummary(b, at)
		}
		return append(b, "]}"...)
	})
}

// attachmentRules are the filters and sort keys of attachment lists. Source: Cinder
// attachments allowed_filters; recording service-member-resource_filters.
func attachmentRules() *listRules {
	sort := wire.SortFields{
		"id": block.FieldID, "volume_id": block.FieldVolumeID, "attach_status": block.FieldStatus, "status": block.FieldStatus,
		"instance_uuid": block.FieldServerID, "attached_host": block.FieldHostName, "attach_time": block.FieldAttachedAt,
		"created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt,
	}
	return &listRules{
		sort: func(*wire.Exchange) wire.SortFields { return sort },
		filters: []filterRule{
			{key: "volume_id", keep: byField(block.FieldVolumeID)},
			{key: "status", keep: byField(block.FieldStatus)},
			{key: "attach_status", keep: byField(block.FieldStatus)},
			{key: "instance_id", keep: byField(block.FieldServerID)},
			{key: "project_id", admin: true, keep: byField(block.FieldProjectID)},
		},
	}
}

// listAttachments serves GET /v3/{project_id}/attachments.
func (a *API) listAttachments(x *wire.Exchange) error {
	return a.answerAttachments(x, nil)
}

// listAttachmentDetails serves GET /v3/{project_id}/attachments/detail.
func (a *API) listAttachmentDetails(x *wire.Exchange) error {
	return a.answerAttachments(x, map[string]*block.ConnectionInfo{})
}

// answerAttachments answers with a page; details, if any, are what it fills and shows.
func (a *API) answerAttachments(x *wire.Exchange, details map[string]*block.ConnectionInfo) error {
	q, caller, err := askedList(x, attachmentRules())
	if err != nil {
		return err
	}
	return answerList(x, caller, &q, &listCalls[*block.Attachment]{
		noun: "Attachment", key: "attachments", count: a.blocks.CountAttachments,
		rows: func(ctx context.Context, c block.Caller, list block.List, all bool) ([]*block.Attachment, error) {
			rows, err := a.blocks.Attachments(ctx, c, list, all)
			for _, at := range rows {
				if details == nil || err != nil {
					break
				}
				details[at.ID], err = a.blocks.AttachmentInfo(ctx, at)
			}
			return rows, err
		},
		id: func(at *block.Attachment) string { return at.ID },
		item: func(b []byte, at *block.Attachment) []byte {
			if details == nil {
				return appendAttachmentSummary(b, at)
			}
			return appendAttachment(b, at, details[at.ID])
		},
	})
}
