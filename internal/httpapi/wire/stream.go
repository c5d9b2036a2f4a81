package wire

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// streamPause is how long either side may keep a long body waiting. The listener's
// own limits are for whole requests and answers.
const streamPause = 30 * time.Second

// Incoming is the body of a row that reads it itself. Its errors are Refusals; a
// sender may take as long as it likes, but not be silent for long.
func (x *Exchange) Incoming() io.Reader {
	return &incoming{x.Request.Body, http.NewResponseController(x.writer)}
}

type incoming struct {
	body    io.Reader
	control *http.ResponseController
}

func (i *incoming) Read(p []byte) (int, error) {
	_ = i.control.SetReadDeadline(time.Now().Add(streamPause)) // a writer of tests has none
	n, err := i.body.Read(p)
	if err != nil && err != io.EOF {
		err = errBroken(err)
	}
	return n, err
}

// IsBytes tells whether the body is announced as bytes: application/octet-stream.
func (x *Exchange) IsBytes() bool { return isOneOf(x.Request.Header, "application/octet-stream") }

// Stream answers with length bytes of contentType, which fill writes. When fill
// fails the answer has begun and cannot say so: the connection is broken, so that
// nobody takes the part for the whole.
func (x *Exchange) Stream(status int, contentType string, length int64, fill func(w io.Writer) error) error {
	h := x.writer.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	if err := x.write(status, nil); err != nil || x.Request.Method == http.MethodHead {
		return err
	}
	if err := fill(streaming{x}); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// streaming counts what is written.
type streaming struct{ x *Exchange }

func (s streaming) Write(p []byte) (int, error) {
	_ = http.NewResponseController(s.x.writer).SetWriteDeadline(time.Now().Add(streamPause))
	n, err := s.x.writer.Write(p)
	s.x.written += int64(n)
	return n, err
}
