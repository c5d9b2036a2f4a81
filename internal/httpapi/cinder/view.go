package cinder

import "github.com/breezeblock/breezeblock/internal/httpapi/wire"

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
