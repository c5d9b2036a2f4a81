package cinder

import (
	"net/http"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// replyAttachment answers with one attachment.
func (a *API) replyAttachment(x *wire.Exchange, at *block.Attachment) error {
	info, err := a.blocks.AttachmentInfo(x.Context(), at)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"attachment":`...)
		return append(appendAttachment(b, at, info), '}')
	})
}

// appendSummaryMembers appends what the simple list has. Source: Cinder views/attachments.py.
func appendSummaryMembers(b []byte, at *block.Attachment) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, at.ID...)
	b = append(b, `","status":"`...)
	b = append(b, at.Status...)
	b = append(b, `","instance":`...)
	b = wire.AppendOptional(b, at.ServerID)
	b = append(b, `,"volume_id":"`...)
	b = append(b, at.VolumeID...)
	return append(b, '"')
}

func appendAttachmentSummary(b []byte, at *block.Attachment) []byte {
	return append(appendSummaryMembers(b, at), '}')
}

// appendAttachment appends the whole of it; info is nil while nobody may connect.
// Times that are not yet are empty strings, a mode that is not said is the word
// null. Source: Cinder views/attachments.py, attachment_create.
func appendAttachment(b []byte, at *block.Attachment, info *block.ConnectionInfo) []byte {
	b = appendSummaryMembers(b, at)
	b = append(b, `,"attached_at":`...)
	if at.AttachedAt.IsZero() {
		b = append(b, `""`...)
	} else {
		b = wire.AppendTime(b, at.AttachedAt)
	}
	b = append(b, `,"detached_at":"","attach_mode":"`...)
	if at.Mode == "" {
		b = append(b, "null"...)
	}
	b = append(b, at.Mode...)
	b = append(b, `","connection_info":{`...)
	if info != nil {
		b = append(b, `"driver_volume_type":`...)
		b = wire.AppendString(b, info.Kind)
		b = append(b, ',')
		b = appendConnectionData(b, info)
	}
	return append(b, "}}"...)
}

// appendConnectionData appends what a client needs, as members of an object.
// Source: Cinder _parse_connection_options; what is of nbd alone is ours.
func appendConnectionData(b []byte, info *block.ConnectionInfo) []byte {
	b = append(b, `"uri":`...)
	b = wire.AppendString(b, info.URI)
	b = append(b, `,"export":`...)
	b = wire.AppendString(b, info.Name)
	b = append(b, `,"socket":`...)
	b = wire.AppendOptional(b, info.Socket)
	b = append(b, `,"host":`...)
	b = wire.AppendOptional(b, info.Host)
	b = append(b, `,"port":`...)
	if info.Port == 0 {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(info.Port), 10)
	}
	b = append(b, `,"tls":`...)
	b = wire.AppendBool(b, info.TLS)
	b = append(b, `,"volume_id":"`...)
	b = append(b, info.VolumeID...)
	b = append(b, `","attachment_id":`...)
	b = wire.AppendOptional(b, info.AttachmentID)
	b = append(b, `,"access_mode":"`...)
	if info.ReadOnly {
		b = append(b, block.ModeReadOnly...)
	} else {
		b = append(b, block.ModeReadWrite...)
	}
	b = append(b, `","qos_specs":`...)
	if specs := info.Limits.Specs(); specs == nil {
		b = append(b, "null"...)
	} else {
		b = wire.AppendMetadata(b, specs)
	}
	return append(b, `,"encrypted":false,"cacheable":false,"discard":true`...)
}
