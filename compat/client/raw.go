package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// answerTimeout bounds one exchange, so that a server that hangs fails one test, not all.
	answerTimeout = 30 * time.Second
	// headFirstWait is how long a HeadFirst request waits for an early answer.
	headFirstWait = 300 * time.Millisecond
	// maxAnswer bounds what is read of a body, in bytes.
	maxAnswer = 64 << 20
)

// Field is one header line, sent in the order and spelling given.
type Field [2]string

// Raw is a request as it goes over the wire. Host and Content-Length are added
// only where Fields does not name them.
type Raw struct {
	Method string
	Target string // the request line's second word, sent as it stands
	Fields []Field
	Body   []byte // nil sends none; a Content-Length of 0 goes with PUT, POST and PATCH

	// HeadFirst sends the head alone, and the body only when no answer comes.
	HeadFirst bool
	// Pieces, when not nil, sends the body in these pieces with Pause between;
	// what Content-Length promises and the pieces lack is never sent.
	Pieces [][]byte
	Pause  time.Duration
	// SlowHead sends the head, too, in pieces with Pause between.
	SlowHead bool
	// HalfClose ends our side of the connection once everything is sent.
	HalfClose bool
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// ErrNoAnswer is a connection that ended without a status line.
var ErrNoAnswer = errors.New("the connection ended without an answer")

// JSON is the body as parsed; nil when it is empty or not one JSON document.
func (a *Answer) JSON() any {
	var v any
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return nil
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return v
}

// Object is the body as a JSON object; empty when it is none.
func (a *Answer) Object() map[string]any {
	o, _ := a.JSON().(map[string]any)
	return o
}

// Under is the object under key in the body; nil when there is none.
func (a *Answer) Under(key string) map[string]any {
	o, _ := a.Object()[key].(map[string]any)
	return o
}

func (a *Answer) String() string {
	return fmt.Sprintf("%d %s", a.Status, shorten(string(a.Body), 600))
}

// Send makes one exchange on a connection of its own with the host of base.
// Fails with ErrNoAnswer when the server closes or resets without a status line.
func Send(ctx context.Context, base string, r Raw) (*Answer, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("base address %q: %w", base, err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := dial(ctx, u)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	answers := make(chan result, 1)
	go func() {
		a, err := readAnswer(conn, r.Method)
		answers <- result{a, err}
	}()
	return r.write(ctx, conn, u.Host, answers)
}

type result struct {
	answer *Answer
	err    error
}

// write sends r and waits for the answer. A failed write is no failure by itself:
// a server may answer and close before it has read everything.
func (r Raw) write(ctx context.Context, conn net.Conn, host string, answers <-chan result) (*Answer, error) {
	pieces := r.pieces()
	switch {
	case r.SlowHead:
		pieces = append(bytes.SplitAfter(r.head(host), []byte("\n")), pieces...)
	case r.HeadFirst:
		if _, err := conn.Write(r.head(host)); err != nil {
			return wait(ctx, answers)
		}
		select {
		case got := <-answers:
			return got.answer, got.err
		case <-time.After(headFirstWait):
		}
	case len(pieces) > 0 && r.Pieces == nil:
		pieces[0] = append(r.head(host), pieces[0]...) // one packet, as clients send it
	default:
		pieces = append([][]byte{r.head(host)}, pieces...)
	}
	for i, piece := range pieces {
		if i > 0 && r.Pause > 0 {
			select {
			case got := <-answers:
				return got.answer, got.err
			case <-time.After(r.Pause):
			}
		}
		if _, err := conn.Write(piece); err != nil {
			break
		}
	}
	if r.HalfClose {
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite() // fails only if the server has gone
		}
	}
	return wait(ctx, answers)
}

func wait(ctx context.Context, answers <-chan result) (*Answer, error) {
	select {
	case got := <-answers:
		return got.answer, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// head is the request line and the header lines.
func (r Raw) head(host string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, r.Target)
	if !r.has("Host") {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	for _, f := range r.Fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f[0], f[1])
	}
	if !r.has("Content-Length") && !r.chunked() && r.needsLength() {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	if !r.has("Connection") {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// needsLength follows Python's http.client, which the recordings were made with.
func (r Raw) needsLength() bool {
	return r.Body != nil || r.Method == "PUT" || r.Method == "POST" || r.Method == "PATCH"
}

func (r Raw) pieces() [][]byte {
	switch {
	case r.Pieces != nil:
		return r.Pieces
	case r.chunked():
		return [][]byte{chunks(r.Body)}
	case r.Body != nil:
		return [][]byte{r.Body}
	}
	return nil
}

func (r Raw) has(name string) bool {
	for _, f := range r.Fields {
		if strings.EqualFold(f[0], name) {
			return true
		}
	}
	return false
}

func (r Raw) chunked() bool {
	for _, f := range r.Fields {
		if strings.EqualFold(f[0], "Transfer-Encoding") && strings.EqualFold(f[1], "chunked") {
			return true
		}
	}
	return false
}

// chunks is body in chunks of 8 KiB with the closing one.
func chunks(body []byte) []byte {
	const size = 8 << 10
	var b bytes.Buffer
	for len(body) > 0 {
		n := min(size, len(body))
		b.WriteString(strconv.FormatInt(int64(n), 16) + "\r\n")
		b.Write(body[:n])
		b.WriteString("\r\n")
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

func dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	host := u.Host
	if u.Port() == "" {
		port := "80"
		if u.Scheme == "https" {
			port = "443"
		}
		host = net.JoinHostPort(u.Hostname(), port)
	}
	if u.Scheme == "https" {
		d := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
		return d.DialContext(ctx, "tcp", host)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", host)
}

func readAnswer(conn net.Conn, method string) (*Answer, error) {
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: strings.ToUpper(method)})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%d, then the body broke off after %d bytes: %w", resp.StatusCode, len(body), err)
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// shorten cuts s for a message that people read.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:limit], len(s))
}
