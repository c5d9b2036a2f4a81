package wire

import (
	"io"
	"net/http"
	"strconv"
)

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
	n, err := s.x.writer.Write(p)
	s.x.written += int64(n)
	return n, err
}
