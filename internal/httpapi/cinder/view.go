package cinder

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// replyNothing answers an action: no body, but announced as JSON. Source:
// recordings action-reset-*, extend-ok, delete-force.
func replyNothing(x *wire.Exchange, status int) error {
	return x.WriteText(status, "application/json", "")
}

// replyPage answers without a body as the calls did that Cinder answered by a
// bare web response. Source: recordings delete-available, metadata-item-delete.
func replyPage(x *wire.Exchange, status int) error {
	return x.WriteText(status, "text/html; charset=UTF-8", "")
}

// appendItemLinks appends the two links of an item, with the comma before them;
// path begins with a slash and names the item below the project. The bookmark
// names no version. Source: Cinder views get_links.
func appendItemLinks(b []byte, x *wire.Exchange, path string) []byte {
	b = append(b, `,"links":[{"rel":"self","href":`...)
	b = wire.AppendString(b, string(x.AppendURL(nil, path)))
	b = append(b, `},{"rel":"bookmark","href":`...)
	b = wire.AppendString(b, x.Base+"/"+x.Project+path)
	return append(b, `}]`...)
}

// replyJSON answers with what few ask for and no view is written for by hand.
func replyJSON(x *wire.Exchange, status int, body any) error {
	var text bytes.Buffer
	write := json.NewEncoder(&text)
	write.SetEscapeHTML(false)
	if err := write.Encode(body); err != nil {
		return err
	}
	return x.WriteJSON(status, bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}

// apiTime is a time as the API writes it; null when it is zero.
type apiTime time.Time

// MarshalJSON is wire.AppendTime.
func (t apiTime) MarshalJSON() ([]byte, error) { return wire.AppendTime(nil, time.Time(t)), nil }

// orNull is text, or null when it is empty.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
