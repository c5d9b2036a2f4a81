package image

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// appendImage appends an image; its properties stand beside its attributes.
// Source: Glance api-ref, images.
func appendImage(b []byte, i *block.Image) []byte {
	b = append(b, '{')
	for _, name := range slices.Sorted(maps.Keys(i.Properties)) {
		b = wire.AppendString(b, name)
		b = append(b, ':')
		b = wire.AppendString(b, i.Properties[name])
		b = append(b, ',')
	}
	b = append(b, `"id":"`...)
	b = append(b, i.ID...)
	b = append(b, `","name":`...)
	b = wire.AppendText(b, i.Name)
	b = append(b, `,"status":"`...)
	b = append(b, i.Status...)
	b = append(b, `","visibility":"`...)
	b = append(b, i.Visibility...)
	b = append(b, `","protected":`...)
	b = wire.AppendBool(b, i.Protected)
	b = append(b, `,"os_hidden":`...)
	b = wire.AppendBool(b, i.Hidden)
	b = append(b, `,"disk_format":`...)
	b = wire.AppendOptional(b, i.DiskFormat)
	b = append(b, `,"container_format":`...)
	b = wire.AppendOptional(b, i.Container)
	b = append(b, `,"min_disk":`...)
	b = strconv.AppendInt(b, i.MinDisk, 10)
	b = append(b, `,"min_ram":`...)
	b = strconv.AppendInt(b, i.MinRAM, 10)
	b = appendBytes(b, i)
	b = append(b, `,"owner":`...)
	b = wire.AppendOptional(b, i.ProjectID)
	b = append(b, `,"tags":[`...)
	for n, tag := range i.Tags {
		if n > 0 {
			b = append(b, ',')
		}
		b = wire.AppendString(b, tag)
	}
	b = append(b, `],"created_at":`...)
	b = appendTime(b, i.CreatedAt)
	b = append(b, `,"updated_at":`...)
	if i.UpdatedAt.IsZero() {
		b = appendTime(b, i.CreatedAt)
	} else {
		b = appendTime(b, i.UpdatedAt)
	}
	for _, link := range [][3]string{{"self", "/v2/images/", ""}, {"file", "/v2/images/", "/file"}} {
		b = append(b, `,"`+link[0]+`":"`+link[1]...)
		b = append(b, i.ID...)
		b = append(b, link[2]+`"`...)
	}
	return append(b, `,"schema":"/v2/schemas/image"}`...)
}

// appendBytes appends what is known of the bytes; null until they are there.
func appendBytes(b []byte, i *block.Image) []byte {
	if !i.HoldsBytes() {
		return append(b, `,"size":null,"virtual_size":null,"checksum":null,"os_hash_algo":null,"os_hash_value":null`...)
	}
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, i.Size, 10)
	b = append(b, `,"virtual_size":`...)
	b = strconv.AppendInt(b, i.Size, 10)
	b = append(b, `,"checksum":`...)
	b = wire.AppendOptional(b, i.Checksum)
	b = append(b, `,"os_hash_algo":"sha512","os_hash_value":`...)
	return wire.AppendOptional(b, i.Hash)
}

// appendTime appends a time as Glance writes it: seconds, with Z.
func appendTime(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, `"2006-01-02T15:04:05Z"`)
}

// schema describes an image to clients that build their forms from it. Source: Glance schemas/image.
const schema = `{"name":"image","additionalProperties":{"type":"string"},"links":[{"rel":"self","href":"{self}"},{"rel":"enclosure","href":"{file}"},{"rel":"describedby","href":"{schema}"}],"properties":{` +
	`"id":{"type":"string","pattern":"^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"},` +
	`"name":{"type":["null","string"],"maxLength":255},` +
	`"status":{"type":"string","readOnly":true,"enum":["queued","saving","active","killed","deleted","pending_delete"]},` +
	`"visibility":{"type":"string","enum":["community","public","private","shared"]},` +
	`"protected":{"type":"boolean"},"os_hidden":{"type":"boolean"},` +
	`"disk_format":{"type":["null","string"],"enum":[null,"raw"]},"container_format":{"type":["null","string"],"enum":[null,"bare"]},` +
	`"min_disk":{"type":"integer"},"min_ram":{"type":"integer"},` +
	`"size":{"type":["null","integer"],"readOnly":true},"virtual_size":{"type":["null","integer"],"readOnly":true},` +
	`"checksum":{"type":["null","string"],"readOnly":true},"os_hash_algo":{"type":["null","string"],"readOnly":true},"os_hash_value":{"type":["null","string"],"readOnly":true},` +
	`"owner":{"type":["null","string"],"maxLength":255},"tags":{"type":"array","items":{"type":"string","maxLength":255}},` +
	`"created_at":{"type":"string","readOnly":true},"updated_at":{"type":"string","readOnly":true},` +
	`"self":{"type":"string","readOnly":true},"file":{"type":"string","readOnly":true},"schema":{"type":"string","readOnly":true}}}`

// showSchema serves GET /image/v2/schemas/image.
func (a *API) showSchema(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return append(b, schema...) })
}

// showListSchema serves GET /image/v2/schemas/images.
func (a *API) showListSchema(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"name":"images","links":[{"rel":"first","href":"{first}"},{"rel":"next","href":"{next}"},{"rel":"describedby","href":"{schema}"}],`...)
		b = append(b, `"properties":{"first":{"type":"string"},"next":{"type":"string"},"schema":{"type":"string"},"images":{"type":"array","items":`...)
		b = append(b, schema...)
		return append(b, `}}}`...)
	})
}

// replyImage answers with one image.
func replyImage(x *wire.Exchange, status int, i *block.Image) error {
	return x.Reply(status, func(b []byte) []byte { return appendImage(b, i) })
}
