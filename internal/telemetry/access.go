package telemetry

import (
	"bytes"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// accessBuffer is how many bytes of lines wait before they are written at once.
const accessBuffer = 64 << 10

// accessDelay is how long a line waits at most.
const accessDelay = 250 * time.Millisecond

// accessBacklog is how many bytes of lines wait for an output that stands still, as
// a pipe that nobody reads. What does not fit is counted, and the count logged.
const accessBacklog = 4 << 20

// AccessLog writes one JSON line for each answer. Lines are gathered and written
// together: what a crash can lose is the last quarter of a second of this log. No
// request waits for the output.
type AccessLog struct {
	out     io.Writer
	writing sync.Mutex // held while out writes; taken before mu

	mu      sync.Mutex
	pending bytes.Buffer
	spare   bytes.Buffer // what is being written
	lost    int64        // lines that did not fit
	timer   *time.Timer
	armed   bool // the timer runs
	urgent  bool // and does so without delay
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
	if l.pending.Len() >= accessBacklog {
		l.lost++
		return
	}
	l.pending.Write(a.appendTo(l.pending.AvailableBuffer()))
	switch {
	case l.pending.Len() >= accessBuffer && !l.urgent:
		l.armed, l.urgent = true, true
		l.timer.Reset(0)
	case !l.armed:
		l.armed = true
		l.timer.Reset(accessDelay)
	}
}

// flush writes what waits.
func (l *AccessLog) flush() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	l.armed, l.urgent = false, false
	if l.lost > 0 {
		b := append(l.pending.AvailableBuffer(), `{"level":"WARN","msg":"lines of the access log were lost: its output stood still","lines":`...)
		l.pending.Write(append(strconv.AppendInt(b, l.lost, 10), "}\n"...))
		l.lost = 0
	}
	l.pending, l.spare = l.spare, l.pending
	l.mu.Unlock()
	_, _ = l.out.Write(l.spare.Bytes()) // a log that cannot be written must not stop the service
	l.spare.Reset()
	if l.spare.Cap() > 2*accessBuffer {
		l.spare = bytes.Buffer{}
	}
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
