package identity

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what went wrong, as far as a caller can do something about it.
// Each door has one table from Kind to status and name.
type Kind int

const (
	// Internal is ours to mend: the caller gets no detail, the log gets it all.
	Internal Kind = iota
	// Invalid is input that breaks a rule; nothing was changed.
	Invalid
	// Unauthenticated is a password, token or scope that does not hold. The caller
	// is never told which; the cause is for the log.
	Unauthenticated
	// Forbidden is a call the caller's roles do not allow.
	Forbidden
	// NotFound is an object that is not there.
	NotFound
	// Conflict is a name that is taken, or an object that changed meanwhile.
	Conflict
	// TooMany is a caller who failed to log in too often; see Error.RetryAfter.
	TooMany
	// Busy is more logins at once than can be worked on; see Error.RetryAfter.
	Busy
)

// Error is what this room fails with when a caller can do something about it.
type Error struct {
	Kind       Kind
	Message    string
	RetryAfter time.Duration // with TooMany and Busy
	cause      error
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.cause }

// Errorf makes an Error whose message the caller will read.
func Errorf(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// KindOf tells the kind of err; Internal when it is no Error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// missing is an object that is not there; id may be anything a caller sent.
// Source: Keystone's words.
func missing(noun, id string) error {
	return Errorf(NotFound, "Could not find %s: %.64s.", noun, id)
}

// unauthenticated hides why from the caller and keeps it for the log.
// Source: the words are Keystone's, recordings group auth.
func unauthenticated(format string, args ...any) error {
	return &Error{
		Kind:    Unauthenticated,
		Message: "The request you have made requires authentication.",
		cause:   fmt.Errorf(format, args...),
	}
}
