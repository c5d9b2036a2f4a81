package cinder

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// fault is a status and the name of its body's one key.
type fault struct {
	status int
	name   string
}

// faults gives each kind its status and name; docs/faults.md is made from it.
// Source: Cinder wsgi.py Fault; evs-errors 1.3.
var faults = map[block.Kind]fault{
	block.Invalid:     {400, "badRequest"},
	block.WrongStatus: {400, "badRequest"}, // not 409: Cinder's InvalidSnapshot, InvalidVolume
	block.NotFound:    {404, "itemNotFound"},
	block.Forbidden:   {403, "forbidden"},
	block.Conflict:    {409, "conflictingRequest"},
	block.OverLimit:   {413, "overLimit"},
	block.TooLarge:    {413, "overLimit"},
	block.Unavailable: {503, "serviceUnavailable"},
}

// refusals gives each reason of the wire its status and name; docs/faults.md is made from it.
var refusals = map[wire.Reason]fault{
	wire.NoRoute:          {404, "itemNotFound"},
	wire.NoMethod:         {405, "badMethod"},
	wire.Unauthenticated:  {401, "unauthorized"},
	wire.BadVersion:       {400, "badRequest"},
	wire.UnknownVersion:   {406, "computeFault"},
	wire.UnknownMediaType: {415, "badMediaType"},
	wire.BodyTooLarge:     {413, "overLimit"},
	wire.Malformed:        {400, "badRequest"},
	wire.NoAction:         {400, "badRequest"},
	wire.WrongProject:     {400, "badRequest"},
	wire.TooManyRequests:  {429, "overLimitFault"},
	wire.BadRange:         {416, "computeFault"},
	wire.Timeout:          {408, "computeFault"},
}

// WriteFault answers with err. Nothing else in this door writes a failure or logs one.
func (a *API) WriteFault(x *wire.Exchange, err error) {
	if identity.KindOf(err) == identity.Unauthenticated {
		err = wire.Refuse(wire.Unauthenticated, "The request you have made requires authentication.")
	}
	f, message := faultOf(err)
	if refusal, is := errors.AsType[*wire.Refusal](err); is && a.writeRecorded(x, refusal) {
		return
	}
	switch {
	case f.status == http.StatusInternalServerError: // ours to mend: the log gets it all
		a.log.ErrorContext(x.Context(), "request failed", "request_id", x.RequestID, "err", err)
	case f.status == http.StatusServiceUnavailable:
		a.log.WarnContext(x.Context(), "request refused for now", "request_id", x.RequestID, "err", err)
		x.Header().Set("Retry-After", "1")
	case f.status == http.StatusMethodNotAllowed:
		refusal, _ := errors.AsType[*wire.Refusal](err)
		x.Header().Set("Allow", refusal.Allow)
	case f.status == http.StatusUnauthorized:
		x.Header().Set("Www-Authenticate", a.challenge(x))
	case tellsRetry(err):
		x.Header().Set("Retry-After", "0")
	}
	_ = x.Reply(f.status, func(b []byte) []byte { return appendFault(b, x.Dialect, f, message, tellsRetry(err)) }) // fails only if the client has gone
}

// faultOf finds the status, name and words of an error.
func faultOf(err error) (fault, string) {
	if refusal, is := errors.AsType[*wire.Refusal](err); is {
		return refusals[refusal.Reason], refusal.Message
	}
	if f, known := faults[block.KindOf(err)]; known {
		return f, block.MessageOf(err)
	}
	return fault{500, "computeFault"}, "The server has either erred or is incapable of performing the requested operation."
}

// tellsRetry: a quota may have room at any time, so the answer says Retry-After: 0,
// in the body too. Source: recordings *-over-quota; not so metadata-post-key-256.
func tellsRetry(err error) bool { return block.KindOf(err) == block.OverLimit }

// appendFault appends {"name":{"message":…,"code":…}}. Source: both seeds,
// error field; code is a string or an integer by dialect.
func appendFault(b []byte, d *wire.Dialect, f fault, message string, retry bool) []byte {
	b = append(b, `{"`...)
	b = append(b, f.name...)
	b = append(b, `":{"message":`...)
	b = appendString(b, message)
	b = append(b, `,"code":`...)
	if d.StringCodes {
		b = append(b, '"')
		b = strconv.AppendInt(b, int64(f.status), 10)
		b = append(b, '"')
	} else {
		b = strconv.AppendInt(b, int64(f.status), 10)
	}
	if retry {
		b = append(b, `,"retryAfter":"0"`...)
	}
	return append(b, "}}"...)
}

// writeRecorded answers, where the dialect says so, as the middleware around
// Cinder was recorded to: 401, unknown route, unknown method, too large.
func (a *API) writeRecorded(x *wire.Exchange, refusal *wire.Refusal) bool {
	if !x.Dialect.RecordedBodies {
		return false
	}
	title, status, message := "Not Found", http.StatusNotFound, "The resource could not be found."
	switch refusal.Reason {
	case wire.Unauthenticated:
		a.writeUnauthorized(x)
		return true
	case wire.NoMethod, wire.NoRoute:
		if refusal.Reason == wire.NoMethod && x.Dialect.MethodNotAllowed {
			return false
		}
		x.TellNoVersion()
		if x.Request.Method == http.MethodHead {
			_ = x.WriteText(status, "text/html; charset=UTF-8", "")
			return true
		}
	case wire.BodyTooLarge:
		title, status, message = "Request Entity Too Large", http.StatusRequestEntityTooLarge, refusal.Message
	default:
		return false
	}
	_ = x.Reply(status, func(b []byte) []byte {
		b = append(b, `{"message":`...)
		b = appendString(b, message+"<br /><br />\n\n\n")
		b = append(b, fmt.Sprintf(`,"code":"%d %s","title":"%s"}`, status, title, title)...)
		return b
	})
	return true
}

func (a *API) writeUnauthorized(x *wire.Exchange) {
	x.Header().Set("Www-Authenticate", a.challenge(x))
	_ = x.Reply(http.StatusUnauthorized, func(b []byte) []byte {
		return append(b, `{"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}}`...)
	})
}

// challenge tells where tokens are to be had. Source: recordings auth-*.
func (a *API) challenge(x *wire.Exchange) string {
	return `Keystone uri="` + x.Base + `/identity/v3"`
}

// appendString appends s as a JSON string.
func appendString(b []byte, s string) []byte { return wire.AppendString(b, s) }
