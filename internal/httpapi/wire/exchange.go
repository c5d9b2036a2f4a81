package wire

import (
	"context"
	"net/http"
	"strconv"
	"sync"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// Exchange is one request and its answer, as the hall hands it to a handler.
// It is used by one goroutine and not after the handler has returned.
type Exchange struct {
	Request   *http.Request
	Dialect   *Dialect
	Route     *Route
	Token     *identity.Token // nil on public routes without a token
	RequestID string          // req- and a UUID
	API       Versions        // the one version of the path
	Version   Microversion    // 3.N on v3, 0 elsewhere
	Project   string          // of the URL; the token's when the URL has none
	Path      string          // as sent, cleaned: no doubled slashes, no .json suffix
	Body      Body
	Base      string // scheme://host that the client used, without a slash at the end
	Remote    string // address of the caller, with or without a port

	writer  http.ResponseWriter
	told    string // value of the version header; empty for none
	status  int
	written int64
	rawBody *[]byte // goes back to the pool when the exchange ends
}

// NewExchange begins an exchange.
func NewExchange(w http.ResponseWriter, r *http.Request, dialect *Dialect, requestID, base string) *Exchange {
	return &Exchange{writer: w, Request: r, Dialect: dialect, RequestID: requestID, Base: base}
}

// Context is the request's.
func (x *Exchange) Context() context.Context { return x.Request.Context() }

// PathValue is a wildcard of the route's path.
func (x *Exchange) PathValue(name string) string { return x.Request.PathValue(name) }

// Header is the answer's.
func (x *Exchange) Header() http.Header { return x.writer.Header() }

// Status is that of the answer; 0 before it is written.
func (x *Exchange) Status() int { return x.status }

// Written is the length of the answer's body, in bytes.
func (x *Exchange) Written() int64 { return x.written }

// Authorize checks the route's permission and gives the caller. It is the only
// way to a Caller, and comes after the body's schema: 400 before 403.
func (x *Exchange) Authorize() (block.Caller, error) {
	var no block.Caller
	if x.Token == nil {
		return no, Refuse(Unauthenticated, "The request you have made requires authentication.")
	}
	if !x.permitted() {
		return no, block.Errorf(block.Forbidden, "The role %s is needed for %s.", x.Route.Permission, x.Route.Name)
	}
	return block.Caller{UserID: x.Token.UserID, ProjectID: x.Token.ProjectID, Admin: x.Token.IsAdmin(), Vendor: x.Dialect.VendorDisks}, nil
}

func (x *Exchange) permitted() bool {
	switch x.Route.Permission {
	case Public, Anyone:
		return true
	case Reader:
		return x.Token.IsReader()
	case Member:
		return x.Token.IsMember() || (x.Dialect.ReadersWrite && x.Token.IsReader())
	default:
		return x.Token.IsAdmin()
	}
}

// Negotiate reads the microversion of a v3 request and readies the headers that
// tell it; the other versions have none. Source: cinder-behaviours section 5.
func (x *Exchange) Negotiate() (err error) {
	if x.API != V3 {
		return nil
	}
	x.Version, x.told, err = negotiate(x.Request.Header, x.Dialect.MaxMicroversion)
	return err
}

// Values that many answers share. Header keys are in canonical form.
var (
	jsonType    = []string{"application/json"}
	vendorType  = []string{"application/vnd.openstack.volume+json"} // echoed as recorded, accept-vnd
	varyVersion = []string{"OpenStack-API-Version"}
	versionZero = []string{"volume 3.0"}
)

// WriteJSON answers with body, which must be JSON and may come from Scratch.
func (x *Exchange) WriteJSON(status int, body []byte) error {
	h := x.writer.Header()
	h["Content-Type"] = jsonType
	if x.Dialect.RecordedBodies && x.Request.Header.Get("Accept") == vendorType[0] {
		h["Content-Type"] = vendorType
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	return x.write(status, body)
}

// WriteEmpty answers without a body.
func (x *Exchange) WriteEmpty(status int) error {
	if status != http.StatusNoContent {
		x.writer.Header()["Content-Length"] = []string{"0"}
	}
	return x.write(status, nil)
}

// WriteText answers with a body that is not JSON.
func (x *Exchange) WriteText(status int, contentType, body string) error {
	x.writer.Header()["Content-Type"] = []string{contentType}
	return x.write(status, []byte(body))
}

// TellNoVersion leaves the version headers out of the answer.
func (x *Exchange) TellNoVersion() { x.told = "" }

// Redirect sends the client on to location; such an answer tells no version.
// Source: recording service-v3.
func (x *Exchange) Redirect(location string) error {
	x.TellNoVersion()
	x.writer.Header()["Location"] = []string{location}
	return x.WriteText(http.StatusFound, "text/plain; charset=utf8", "")
}

func (x *Exchange) write(status int, body []byte) error {
	h := x.writer.Header()
	if x.told != "" {
		if x.told == versionZero[0] {
			h[versionHeader] = versionZero
		} else {
			h[versionHeader] = []string{x.told}
		}
		h["Vary"] = varyVersion
	}
	x.status = status
	x.writer.WriteHeader(status)
	if len(body) == 0 || x.Request.Method == http.MethodHead {
		return nil
	}
	n, err := x.writer.Write(body)
	x.written += int64(n)
	return err
}

var scratch = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

// largestKept is how big a buffer may be, in bytes, to be kept for the next request.
const largestKept = 1 << 20 // a full page of snapshots has half a MiB

// Reply lets fill append the JSON body to a pooled buffer and answers with it.
func (x *Exchange) Reply(status int, fill func(dst []byte) []byte) error {
	b := scratch.Get().(*[]byte)
	*b = fill((*b)[:0])
	err := x.WriteJSON(status, *b)
	if cap(*b) <= largestKept {
		scratch.Put(b)
	}
	return err
}

// End gives the exchange's buffers back.
func (x *Exchange) End() {
	if x.rawBody != nil && cap(*x.rawBody) <= largestKept {
		scratch.Put(x.rawBody)
	}
	x.rawBody, x.Body = nil, Body{}
}
