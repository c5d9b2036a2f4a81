package evs

import (
	"errors"
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// fault is a status and a code of the EVS table.
type fault struct {
	status int
	code   string
}

// faults gives each kind its status and code; docs/faults.md is made from it.
// Source: evs-errors 3, the native Cinder rows.
var faults = map[block.Kind]fault{
	block.Invalid:     {400, "EVS.5400"},
	block.WrongStatus: {400, "EVS.5400"},
	block.NotFound:    {404, "EVS.5404"},
	block.Forbidden:   {403, "EVS.5403"},
	block.Conflict:    {409, "EVS.5400"}, // Assumed: the table has no code for 409
	block.OverLimit:   {413, "EVS.5413"},
	block.TooLarge:    {413, "EVS.5413"},
	block.Unavailable: {503, "EVS.2002"}, // internal failure; Assumed: the table has no code for 503
}

// refusals gives each reason of the wire its status and code; docs/faults.md is made from it.
var refusals = map[wire.Reason]fault{
	wire.NoRoute:          {404, "EVS.5404"},
	wire.NoMethod:         {405, "EVS.5400"},
	wire.Unauthenticated:  {401, "EVS.5401"},
	wire.BadVersion:       {400, "EVS.5400"},
	wire.UnknownVersion:   {406, "EVS.5400"},
	wire.UnknownMediaType: {415, "EVS.5400"},
	wire.BodyTooLarge:     {413, "EVS.5413"},
	wire.Malformed:        {400, "EVS.5400"},
	wire.WrongProject:     {400, "EVS.5400"}, // statement 8 of update-snapshot.md: with the text of the EVS.5400 row
	wire.TooManyRequests:  {429, "EVS.5400"},
	wire.BadRange:         {416, "EVS.5400"},
	wire.Timeout:          {408, "EVS.5400"},
}

// WriteFault answers with err. Nothing else in this door writes a failure or logs one.
func (a *API) WriteFault(x *wire.Exchange, err error) {
	f, message := faultOf(err)
	switch f.status {
	case http.StatusInternalServerError: // ours to mend: the log gets it all
		a.log.ErrorContext(x.Context(), "request failed", "request_id", x.RequestID, "err", err)
	case http.StatusServiceUnavailable:
		a.log.WarnContext(x.Context(), "request refused for now", "request_id", x.RequestID, "err", err)
		x.Header().Set("Retry-After", "1")
	case http.StatusMethodNotAllowed:
		refusal, _ := errors.AsType[*wire.Refusal](err)
		x.Header().Set("Allow", refusal.Allow)
	case http.StatusUnauthorized:
		x.Header().Set("Www-Authenticate", `Keystone uri="`+x.Base+`/identity/v3"`)
	}
	_ = x.Reply(f.status, func(b []byte) []byte { // fails only if the client has gone
		b = append(b, `{"error":{"message":`...)
		b = wire.AppendString(b, message)
		b = append(b, `,"code":"`...)
		b = append(b, f.code...)
		return append(b, `"}}`...)
	})
}

func faultOf(err error) (fault, string) {
	if refusal, is := errors.AsType[*wire.Refusal](err); is {
		return refusals[refusal.Reason], refusal.Message
	}
	if identity.KindOf(err) == identity.Unauthenticated {
		return refusals[wire.Unauthenticated], "The request you have made requires authentication."
	}
	if f, known := faults[block.KindOf(err)]; known {
		return f, block.MessageOf(err)
	}
	return fault{500, "EVS.2002"}, "The server failed; its log says why."
}
