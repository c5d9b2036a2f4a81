package telemetry

import (
	"bytes"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// accessBuffer is how many bytes of lines wait at most before they are written.
const accessBuffer = 64 << 10

// accessDelay is how long a line waits at most.
const accessDelay = 250 * time.Millisecond

// AccessLog writes one JSON line for each answer. Lines are gathered and written
// together: what a crash can lose is the last quarter of a second of this log.
type AccessLog struct {
	out     io.Writer
	mu      sync.Mutex
	pending bytes.Buffer
	timer   *time.Timer
	armed   bool
}

// NewAccessLog makes an AccessLog; Close writes what is left.
func NewAccessLog(out io.Writer) *AccessLog {
	l := &AccessLog{out: out}
	l.timer = time.AfterFunc(time.Hour, l.flush)
	l.timer.Stop()
	return l
}

// Access is one line.
type Access struct {
	Time      time.Time
	RequestID string
	Method    string
	Path      string
	Route     string
	Status    int
	Bytes     int64
	Took      time.Duration
	Remote    string
	Project   string
}

// Write adds a line.
func (l *AccessLog) Write(a Access) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := a.appendTo(l.pending.AvailableBuffer())
	l.pending.Write(b)
	switch {
	case l.pending.Len() >= accessBuffer:
		l.write()
	case !l.armed:
		l.armed = true
		l.timer.Reset(accessDelay)
	}
}

func (l *AccessLog) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = false
	l.write()
}

func (l *AccessLog) write() {
	_, _ = l.out.Write(l.pending.Bytes()) // a log that cannot be written must not stop the service
	l.pending.Reset()
}

// Close writes what is left.
func (l *AccessLog) Close() {
	l.timer.Stop()
	l.flush()
}

func (a *Access) appendTo(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = a.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, `","level":"INFO","msg":"request","request_id":"`...)
	b = append(b, a.RequestID...)
	b = append(b, `","method":`...)
	b = appendQuoted(b, a.Method)
	b = append(b, `,"path":`...)
	b = appendQuoted(b, a.Path)
	b = append(b, `,"route":"`...)
	b = append(b, a.Route...)
	b = append(b, `","status":`...)
	b = strconv.AppendInt(b, int64(a.Status), 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, a.Bytes, 10)
	b = append(b, `,"us":`...)
	b = strconv.AppendInt(b, a.Took.Microseconds(), 10)
	b = append(b, `,"remote":`...)
	b = appendQuoted(b, a.Remote)
	b = append(b, `,"project":"`...)
	b = append(b, a.Project...)
	return append(b, "\"}\n"...)
}

// longestLogged bounds a caller's text in a line, in bytes.
const longestLogged = 1024

// appendQuoted appends s as JSON; what is not UTF-8 is replaced, so that a line
// is JSON whatever a caller sent.
func appendQuoted(b []byte, s string) []byte {
	quoted, _ := jsontext.AppendQuote(b, s[:min(len(s), longestLogged)]) // fails only for what it replaced
	return quoted
}
