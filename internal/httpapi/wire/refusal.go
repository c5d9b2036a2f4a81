package wire

import "fmt"

// Reason is why a request was refused before it reached the heart.
type Reason int

const (
	NoRoute          Reason = iota + 1 // 404, no such path
	NoMethod                           // 405, or 404 where the dialect says so
	Unauthenticated                    // 401
	BadVersion                         // 400, the version header cannot be read
	UnknownVersion                     // 406, outside the range
	UnknownMediaType                   // 415
	BodyTooLarge                       // 413
	Malformed                          // 400, not JSON, or no such action
	WrongProject                       // 400, the URL's project is not the token's
	TooManyRequests                    // 429
	BadRange                           // 416, nothing lies within the range
	Timeout                            // 408, the body came too slowly
	NoAction                           // 400, no body where its key tells the call
)

// Refusal is an error of the wire itself.
type Refusal struct {
	Reason  Reason
	Message string
	Allow   string // for NoMethod: the methods the path has
}

func (r *Refusal) Error() string { return r.Message }

// Refuse makes a Refusal whose message the caller will read.
func Refuse(reason Reason, format string, args ...any) error {
	return &Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
