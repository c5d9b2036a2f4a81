package block

import (
	"errors"
	"fmt"
)

// Kind is what went wrong, as far as a caller can do something about it.
// Each door has one table from Kind to status and name.
type Kind int

const (
	// Internal is ours to mend: the caller gets no detail, the log gets it all.
	Internal Kind = iota
	// Invalid is input that breaks a rule; nothing was changed.
	Invalid
	// WrongStatus is a call that the object's status does not allow now.
	WrongStatus
	// NotFound is an object that is not there, or not the caller's.
	NotFound
	// Forbidden is a call the caller's roles do not allow.
	Forbidden
	// Conflict is an object that changed while it was being changed.
	Conflict
	// OverLimit is a quota that would be exceeded.
	OverLimit
	// TooLarge is a metadata key or value over its length.
	TooLarge
	// Unavailable is a fault that passes: queue full, disk full, shutting down.
	Unavailable
)

// Error is the only error that crosses a room.
type Error struct {
	Kind    Kind
	Message string
	about   string
	cause   error
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

// Because makes an Error with a cause that only the log will see.
func Because(cause error, kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), cause: cause}
}

// KindOf tells the kind of err; Internal when it is no Error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// MessageOf tells what the caller may read of err; empty when it is no Error.
func MessageOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Message
	}
	return ""
}

// On notes what err is about, in the API's own words: a field of the request (size),
// a parameter (limit), or a quota (quota.volumes). An outer note stands over an
// inner one. Doors that tell finer codes than kinds go by it.
func On(about string, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	noted := *e
	noted.about = about
	return &noted
}

// AboutOf tells what err is about; empty when nothing was noted.
func AboutOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.about
	}
	return ""
}

// What an error may be about, beside fields of requests.
const (
	AboutVolumesQuota   = "quota.volumes"
	AboutGigabytesQuota = "quota.gigabytes"
	AboutSnapshotsQuota = "quota.snapshots"
	AboutBackupRunning  = "backup.running" // a volume that a backup is made of or restored to
	AboutRetype         = "new_type.other" // a change of type that the two types do not allow
	AboutMetadataLarge  = "metadata.large" // more metadata on one object than there may be
	AboutShared         = "volume.shared"  // a volume that several servers may have, and one has
)
