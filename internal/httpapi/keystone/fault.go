package keystone

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// faults gives each kind of error its status; the title is the status's own
// words. docs/faults.md is made from it. Source: Keystone exception.py.
var faults = struct {
	porter map[identity.Kind]int
	wire   map[wire.Reason]int
	block  map[block.Kind]int // of the wire's readers and of the store
}{
	porter: map[identity.Kind]int{
		identity.Invalid:         http.StatusBadRequest,
		identity.Unauthenticated: http.StatusUnauthorized,
		identity.Forbidden:       http.StatusForbidden,
		identity.NotFound:        http.StatusNotFound,
		identity.Conflict:        http.StatusConflict,
		identity.TooMany:         http.StatusTooManyRequests,
		identity.Busy:            http.StatusServiceUnavailable,
	},
	wire: map[wire.Reason]int{
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
	},
	block: map[block.Kind]int{
		block.Invalid:     http.StatusBadRequest,
		block.Forbidden:   http.StatusForbidden,
		block.NotFound:    http.StatusNotFound,
		block.Conflict:    http.StatusConflict,
		block.Unavailable: http.StatusServiceUnavailable,
	},
}

// faultBody is Keystone's shape of a failure. Code is an integer in both
// dialects: no client of identity reads a string there. Source: recordings auth-*.
type faultBody struct {
	Error struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Title   string `json:"title"`
	} `json:"error"`
}

// WriteFault answers with err. Nothing else in this door writes a failure or logs one.
func (a *API) WriteFault(x *wire.Exchange, err error) {
	status, message, after := faultOf(err)
	switch status {
	case http.StatusInternalServerError: // ours to mend: the log gets it all
		a.log.ErrorContext(x.Context(), "request failed", "request_id", x.RequestID, "err", err)
	case http.StatusServiceUnavailable:
		a.log.WarnContext(x.Context(), "request refused for now", "request_id", x.RequestID, "err", err)
	case http.StatusUnauthorized: // the caller is not told why
		a.log.DebugContext(x.Context(), "not authenticated", "request_id", x.RequestID, "err", err)
		x.Header().Set("Www-Authenticate", `Keystone uri="`+a.url(x, "/v3")+`"`)
	case http.StatusMethodNotAllowed:
		if refusal, is := errors.AsType[*wire.Refusal](err); is {
			x.Header().Set("Allow", refusal.Allow)
		}
	}
	if after > 0 {
		x.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	}
	var body faultBody
	body.Error.Code, body.Error.Message, body.Error.Title = status, message, http.StatusText(status)
	_ = reply(x, status, body) // fails only if the client has gone
}

// faultOf finds the status, words and time to wait of an error.
func faultOf(err error) (status int, message string, after time.Duration) {
	if e, is := errors.AsType[*identity.Error](err); is && faults.porter[e.Kind] != 0 {
		return faults.porter[e.Kind], e.Message, e.RetryAfter
	}
	if e, is := errors.AsType[*wire.Refusal](err); is && faults.wire[e.Reason] != 0 {
		return faults.wire[e.Reason], e.Message, 0
	}
	if e, is := errors.AsType[*block.Error](err); is && faults.block[e.Kind] != 0 {
		if e.Kind == block.Unavailable {
			after = time.Second
		}
		return faults.block[e.Kind], e.Message, after
	}
	return http.StatusInternalServerError, "An unexpected error prevented the server from fulfilling your request.", 0
}

// forbidden refuses what is another's. Source: Keystone's words.
func forbidden(x *wire.Exchange) error {
	return identity.Errorf(identity.Forbidden, "You are not authorized to perform the requested action: identity:%s.", x.Route.Name)
}
