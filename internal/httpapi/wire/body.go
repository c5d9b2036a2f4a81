package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
)

// MaxBody is the longest request body, in bytes. Source: Cinder
// max_request_body_size; recordings size-*.
const MaxBody = 114688

// maxMembers is how many names one object of a body may have: no call takes more
// than block.MaxMetadataItems, and handlers look for names one by one.
const maxMembers = 2 * block.MaxMetadataItems

// Body is a request's body: JSON that parsed, or nothing.
type Body struct {
	Given bool
	Value jsontext.Value // the whole document
	top   Members        // of Value, once they were read
}

// Pair is one name and value of a JSON object.
type Pair struct {
	Name  string
	Value jsontext.Value
}

// Members are those of an object as sent, in order; of duplicates the last wins.
type Members []Pair

// Get finds a member; the last of that name.
func (m Members) Get(name string) (jsontext.Value, bool) {
	for i := len(m) - 1; i >= 0; i-- {
		if m[i].Name == name {
			return m[i].Value, true
		}
	}
	return nil, false
}

// Only refuses the first name that is not among those allowed.
func (m Members) Only(where string, allowed ...string) error {
next:
	for i := range m {
		for _, name := range allowed {
			if m[i].Name == name {
				continue next
			}
		}
		return block.Errorf(block.Invalid, "Additional properties are not allowed in %s: %s was unexpected; it takes %s.",
			where, quoted(m[i].Name), strings.Join(allowed, ", "))
	}
	return nil
}

// errMalformed is what every body that is no JSON gets. Source: Cinder.
func errMalformed() error { return Refuse(Malformed, "Malformed request body") }

// ReadBody reads the body and checks that it is one JSON document: too large 413,
// content type 415, not JSON 400. What the document must hold is the handler's to say.
func (x *Exchange) ReadBody() error { return x.readBody(isJSON) }

// ReadBodyOf is ReadBody for a row that reads its body itself, JSON of other media types.
func (x *Exchange) ReadBodyOf(types ...string) error {
	return x.readBody(func(h http.Header) bool { return isOneOf(h, types...) })
}

func (x *Exchange) readBody(fits func(http.Header) bool) error {
	raw, err := x.RawBody()
	if err != nil || len(raw) == 0 {
		return err
	}
	if !fits(x.Request.Header) {
		return Refuse(UnknownMediaType, "Unsupported Content-Type: a body must be application/json.")
	}
	value := jsontext.Value(raw)
	if !value.IsValid(jsontext.AllowDuplicateNames(true)) {
		return errMalformed()
	}
	x.Body = Body{Given: true, Value: bytes.TrimLeft(value, " \t\r\n")}
	return nil
}

// RawBody reads the body as it was sent, MaxBody at most. It is read once, however
// often this is called; it lasts until the exchange ends.
func (x *Exchange) RawBody() ([]byte, error) {
	switch {
	case x.rawBody != nil:
		return *x.rawBody, nil
	case x.Request.ContentLength > MaxBody:
		return nil, errTooLarge()
	case x.Request.ContentLength == 0:
		return nil, nil
	}
	return x.readAll(x.Request)
}

func errTooLarge() error {
	return Refuse(BodyTooLarge, "Request is too large. Larger than max_request_body_size (%d).", MaxBody)
}

func (x *Exchange) readAll(r *http.Request) ([]byte, error) {
	b := scratch.Get().(*[]byte)
	x.rawBody = b
	buf := bytes.NewBuffer((*b)[:0])
	_, err := buf.ReadFrom(http.MaxBytesReader(x.writer, r.Body, MaxBody))
	*b = buf.Bytes()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, errTooLarge()
	}
	if err == nil {
		return *b, nil
	}
	return nil, errBroken(err)
}

// errBroken says why a body could not be read.
func errBroken(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Refuse(Timeout, "The request body did not arrive in time.")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Refuse(Malformed, "Malformed request body: it ended before its Content-Length.")
	}
	return Refuse(Malformed, "Malformed request body: it cannot be read as it was sent; its chunks or its connection broke.")
}

// isJSON takes the two media types that Cinder takes, with any parameters. Source: recordings ct-*.
func isJSON(h http.Header) bool {
	return isOneOf(h, "application/json", "application/vnd.openstack.volume+json")
}

func isOneOf(h http.Header, types ...string) bool {
	kinds := h["Content-Type"]
	if len(kinds) != 1 {
		return false
	}
	kind, _, _ := strings.Cut(kinds[0], ";")
	return slices.Contains(types, strings.TrimRight(kind, " \t"))
}

// Object reads the member key of the body's top level, which must be an object;
// what may stand beside it is the handler's to say.
func (x *Exchange) Object(key string) (Members, error) {
	top, err := x.Top()
	if err != nil {
		return nil, err
	}
	inner, given := top.Get(key)
	if !given {
		return nil, block.Errorf(block.Invalid, "%s is a required property of the request body", quoted(key))
	}
	return ObjectOf(inner, key)
}

// Top reads the body's top level, which must be an object.
func (x *Exchange) Top() (Members, error) {
	if !x.Body.Given {
		return nil, block.Errorf(block.Invalid, "Missing request body: a JSON object is needed.")
	}
	if x.Body.top != nil {
		return x.Body.top, nil
	}
	top, err := ObjectOf(x.Body.Value, "the request body")
	x.Body.top = top
	return top, err
}

// OnlyKey refuses whatever stands beside key at the body's top level.
func (x *Exchange) OnlyKey(key string) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	return top.Only("the request body", key)
}

// ObjectOf reads value, which must be an object; where names it in the message.
func ObjectOf(value jsontext.Value, where string) (Members, error) {
	if value.Kind() != '{' {
		return nil, block.Errorf(block.Invalid, "%s must be an object, not %s.", where, kindName(value))
	}
	r := reading.Get().(*reader)
	defer r.done()
	members, err := r.members(value)
	if len(members) > maxMembers {
		return nil, block.Errorf(block.Invalid, "%s has more than %d keys.", where, maxMembers)
	}
	return members, err
}

// reader is a decoder that is used again and again.
type reader struct {
	from bytes.Buffer
	dec  jsontext.Decoder
}

var reading = sync.Pool{New: func() any { return new(reader) }}

// done gives the reader back, without what it read.
func (r *reader) done() {
	r.from = bytes.Buffer{}
	r.dec.Reset(&r.from)
	reading.Put(r)
}

func (r *reader) members(value jsontext.Value) (Members, error) {
	r.from = *bytes.NewBuffer(value)
	r.dec.Reset(&r.from, jsontext.AllowDuplicateNames(true))
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, errMalformed()
	}
	members := make(Members, 0, 4)
	for r.dec.PeekKind() != '}' && len(members) <= maxMembers {
		name, err := r.dec.ReadToken()
		if err != nil {
			return nil, errMalformed()
		}
		text := name.String()
		v, err := r.dec.ReadValue()
		if err != nil {
			return nil, errMalformed()
		}
		end := int(r.dec.InputOffset()) // the decoder's own slice lasts until its next read only
		members = append(members, Pair{text, value[end-len(v) : end]})
	}
	return members, nil
}

// kindName says what a JSON value is, for messages.
func kindName(value jsontext.Value) string {
	switch value.Kind() {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '[':
		return "an array"
	case '{':
		return "an object"
	}
	return "nothing"
}

// quoted shows a name of the caller's in a message, short and on one line.
func quoted(s string) string {
	b, err := jsontext.AppendQuote(nil, shorten(s))
	if err != nil {
		return `"..."`
	}
	b[0], b[len(b)-1] = '\'', '\''
	return string(b)
}
