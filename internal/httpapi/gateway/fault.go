package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// Kind is what the gateway refuses.
type Kind int

const (
	// Unsigned is a signature that does not hold; why, the log says.
	Unsigned Kind = iota + 1
	// Throttled is a call more than its limit allows.
	Throttled
)

// fault is a status and a code of the gateway.
type fault struct {
	status int
	code   string
}

// faults gives each kind of refusal its status and code; docs/faults.md is made from it.
// Source: client-wire 5, APIGW style.
var faults = map[Kind]fault{
	Unsigned:  {401, "APIGW.0301"},
	Throttled: {429, "APIGW.0308"},
}

// Refusal is an error of the gateway.
type Refusal struct {
	Kind    Kind
	Message string
	After   time.Duration // with Throttled: when to try again
}

func (r *Refusal) Error() string { return r.Message }

// Reason is why a signature does not hold: a word for the log.
type Reason string

// Reasons, told apart in the log only.
const (
	Unreadable       Reason = "unreadable"
	UnknownAlgorithm Reason = "algorithm"
	HeaderMissing    Reason = "header missing"
	ClockOff         Reason = "clock"
	BodyChanged      Reason = "body"
	BodyUnsigned     Reason = "body unsigned"
	SignatureWrong   Reason = "signature" // the secret, or anything that was signed, the body too
	KeyUnknown       Reason = "unknown key"
	KeyDisabled      Reason = "key disabled"
	KeyUnsealable    Reason = "key cannot be unsealed"
	TokenWrong       Reason = "security token"
	UserRefused      Reason = "user"
)

// misfit is why a signature does not hold.
type misfit struct {
	reason Reason
	says   string
}

func (m *misfit) Error() string { return string(m.reason) + ": " + m.says }

func wrong(reason Reason, format string, args ...any) error {
	return &misfit{reason, fmt.Sprintf(format, args...)}
}

// errUnsigned is the one answer to every signature that does not hold.
func errUnsigned() error {
	return &Refusal{Kind: Unsigned, Message: "Incorrect IAM authentication information: the signature does not hold."}
}

// WriteFault answers with err in the gateway's shape, if it is the gateway's.
func WriteFault(x *wire.Exchange, err error) bool {
	refusal, is := errors.AsType[*Refusal](err)
	if !is {
		return false
	}
	f := faults[refusal.Kind]
	if f.status == http.StatusTooManyRequests {
		x.Header().Set("Retry-After", strconv.Itoa(int((refusal.After+time.Second-1)/time.Second)))
	}
	x.TellNoVersion()
	_ = x.Reply(f.status, func(b []byte) []byte { // fails only if the client has gone
		b = append(b, `{"error_msg":`...)
		b = wire.AppendString(b, refusal.Message)
		b = append(b, `,"error_code":"`...)
		b = append(b, f.code...)
		b = append(b, `","request_id":`...)
		b = wire.AppendString(b, x.RequestID)
		return append(b, '}')
	})
	return true
}
