package image

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// prefix is where the door is served.
const prefix = "/image"

// API is the door.
type API struct {
	blocks    *block.Service
	log       *slog.Logger
	transfers chan struct{} // holds one for each request that sends or reads bytes
}

var _ wire.Door = (*API)(nil)

// New makes the door.
func New(blocks *block.Service, log *slog.Logger) *API {
	return &API{blocks: blocks, log: log, transfers: make(chan struct{}, block.MaxImageTransfers)}
}

// Routes are the rows of this door, below /image.
func (a *API) Routes() []wire.Route {
	const (
		calls3 = "keystone-calls 3"
		glance = "Glance API reference v2"
		all    = "/v2/images"
		one    = all + "/{image_id}"
	)
	var rows []wire.Route
	for _, path := range []string{"", "/", "/versions"} {
		rows = append(rows, wire.Route{Name: "image.versions", Method: "GET", Path: path, Versions: wire.NoVersion, Permission: wire.Public, OK: 300, Source: calls3, Handle: a.listVersions})
	}
	for _, row := range []wire.Route{
		{Name: "image.list", Method: "GET", Path: all, Permission: wire.Reader, OK: 200, Handle: a.listImages},
		{Name: "image.create", Method: "POST", Path: all, Permission: wire.Member, OK: 201, Handle: a.createImage},
		{Name: "image.show", Method: "GET", Path: one, Permission: wire.Reader, OK: 200, Handle: a.showImage},
		{Name: "image.update", Method: "PATCH", Path: one, Permission: wire.Member, OK: 200, Handle: a.updateImage, Raw: true},
		{Name: "image.delete", Method: "DELETE", Path: one, Permission: wire.Member, OK: 204, Handle: a.deleteImage},
		{Name: "image.upload", Method: "PUT", Path: one + "/file", Permission: wire.Member, OK: 204, Handle: a.uploadImage, Raw: true},
		{Name: "image.download", Method: "GET", Path: one + "/file", Permission: wire.Reader, OK: 200, Handle: a.downloadImage},
		{Name: "image.tag", Method: "PUT", Path: one + "/tags/{tag}", Permission: wire.Member, OK: 204, Handle: a.tagImage},
		{Name: "image.untag", Method: "DELETE", Path: one + "/tags/{tag}", Permission: wire.Member, OK: 204, Handle: a.untagImage},
		{Name: "image.deactivate", Method: "POST", Path: one + "/actions/deactivate", Permission: wire.Member, OK: 204, Handle: a.setActive(false)},
		{Name: "image.reactivate", Method: "POST", Path: one + "/actions/reactivate", Permission: wire.Member, OK: 204, Handle: a.setActive(true)},
		{Name: "image.schema", Method: "GET", Path: "/v2/schemas/image", Permission: wire.Anyone, OK: 200, Handle: a.showSchema},
		{Name: "image.schemas", Method: "GET", Path: "/v2/schemas/images", Permission: wire.Anyone, OK: 200, Handle: a.showListSchema},
	} {
		row.Versions, row.Source = wire.NoVersion, glance
		rows = append(rows, row)
	}
	return rows
}

// listVersions serves GET /image.
func (a *API) listVersions(x *wire.Exchange) error {
	return x.Reply(http.StatusMultipleChoices, func(b []byte) []byte {
		b = append(b, `{"versions":[{"id":"v2.9","status":"CURRENT","links":[{"rel":"self","href":`...)
		b = wire.AppendString(b, x.Base+prefix+"/v2/")
		return append(b, `}]}]}`...)
	})
}

// statuses gives each reason of the wire its status; docs/faults.md is made from it.
var statuses = map[wire.Reason]int{
	wire.NoRoute:          http.StatusNotFound,
	wire.NoMethod:         http.StatusMethodNotAllowed,
	wire.Unauthenticated:  http.StatusUnauthorized,
	wire.BadVersion:       http.StatusBadRequest,
	wire.UnknownVersion:   http.StatusNotAcceptable,
	wire.UnknownMediaType: http.StatusUnsupportedMediaType,
	wire.BodyTooLarge:     http.StatusRequestEntityTooLarge,
	wire.Malformed:        http.StatusBadRequest,
	wire.NoAction:         http.StatusBadRequest,
	wire.WrongProject:     http.StatusForbidden,
	wire.TooManyRequests:  http.StatusTooManyRequests,
	wire.BadRange:         http.StatusRequestedRangeNotSatisfiable,
	wire.Timeout:          http.StatusRequestTimeout,
}

// WriteFault answers with err, in Glance's shape. Nothing else in this door writes
// a failure or logs one.
func (a *API) WriteFault(x *wire.Exchange, err error) {
	status, message := faultOf(err)
	switch status {
	case http.StatusInternalServerError: // ours to mend: the log gets it all
		a.log.ErrorContext(x.Context(), "request failed", "request_id", x.RequestID, "err", err)
	case http.StatusServiceUnavailable:
		x.Header().Set("Retry-After", "1")
	case http.StatusUnauthorized:
		x.Header().Set("Www-Authenticate", `Keystone uri="`+x.Base+`/identity/v3"`)
	case http.StatusMethodNotAllowed:
		if refusal, is := errors.AsType[*wire.Refusal](err); is {
			x.Header().Set("Allow", refusal.Allow)
		}
	}
	title := http.StatusText(status)
	_ = x.Reply(status, func(b []byte) []byte { // fails only if the client has gone
		b = append(b, `{"message":`...)
		b = wire.AppendString(b, message)
		b = append(b, `,"code":`...)
		b = wire.AppendString(b, strconv.Itoa(status)+" "+title)
		b = append(b, `,"title":`...)
		b = wire.AppendString(b, title)
		return append(b, '}')
	})
}

// faultOf finds the status and words of an error.
func faultOf(err error) (int, string) {
	if e, is := errors.AsType[*wire.Refusal](err); is && statuses[e.Reason] != 0 {
		return statuses[e.Reason], e.Message
	}
	if e, is := errors.AsType[*identity.Error](err); is && e.Kind == identity.Unauthenticated {
		return http.StatusUnauthorized, e.Message
	}
	switch block.KindOf(err) {
	case block.Invalid:
		return http.StatusBadRequest, block.MessageOf(err)
	case block.WrongStatus, block.Conflict:
		return http.StatusConflict, block.MessageOf(err)
	case block.OverLimit, block.TooLarge:
		return http.StatusRequestEntityTooLarge, block.MessageOf(err)
	case block.NotFound:
		return http.StatusNotFound, block.MessageOf(err)
	case block.Forbidden:
		return http.StatusForbidden, block.MessageOf(err)
	case block.Unavailable:
		return http.StatusServiceUnavailable, block.MessageOf(err)
	}
	return http.StatusInternalServerError, "The server failed; its log says why."
}
