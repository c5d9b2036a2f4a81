package backup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

var (
	// ErrNotFound is an object or backup that is not there.
	ErrNotFound = errors.New("no such object in the backup store")
	// ErrExists is an object that Create found there.
	ErrExists = errors.New("the object is there already")
	// ErrDamaged is stored bytes that fail their checks; the error names the object.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrNoSpace is a store that is full; reads and deletions go on.
	ErrNoSpace = errors.New("the backup store is full")
	// ErrBusy is a sweep while a backup is written, or the other way round: try later.
	ErrBusy = errors.New("the backup store is busy")
	// ErrInvalid is a call that no repetition will make right.
	ErrInvalid = errors.New("the backup store cannot do that")
)

// Objects is where the bytes lie: a flat store of small objects by name, as a
// directory or S3 offers it. Methods run at the same time.
type Objects interface {
	// Put stores an object, whole or not at all, in place of one of that name.
	Put(ctx context.Context, name string, data []byte) error
	// Create is Put, but fails with ErrExists when the name is taken.
	Create(ctx context.Context, name string, data []byte) error
	// Flush makes whatever was put, deleted, or found by Stat before durable.
	Flush(ctx context.Context) error
	// Get reads an object of at most limit bytes; fails with ErrNotFound, and with
	// ErrDamaged when it is longer.
	Get(ctx context.Context, name string, limit int64) ([]byte, error)
	// Stat fails with ErrNotFound.
	Stat(ctx context.Context, name string) (ObjectInfo, error)
	// List yields the objects whose names begin with the folder prefix, which ends
	// in a slash, in no order. An error ends it.
	List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error]
	// Delete removes an object; removing what is not there succeeds.
	Delete(ctx context.Context, name string) error
}

// Tidier is what Objects may have beside: the removal of what writes that were cut
// off before a moment left behind.
type Tidier interface {
	Tidy(ctx context.Context, before time.Time) error
}

// ObjectInfo is what a store knows of an object.
type ObjectInfo struct {
	Name     string
	Size     int64     // bytes
	Modified time.Time // when it was put last
}

// maxName is the longest name of an object, in bytes.
const maxName = 160

// CheckName refuses with ErrInvalid a name that could be more than a file in a
// folder: parts of 0-9, a-z and, not in front, "-", with one slash between them.
func CheckName(name string) error {
	bad := fmt.Errorf("%w: %.80q is no object's name", ErrInvalid, name)
	if name == "" || len(name) > maxName {
		return bad
	}
	for part := range strings.SplitSeq(name, "/") {
		if CheckID(part) != nil {
			return bad
		}
	}
	return nil
}

// maxID is the longest id of a backup, in bytes; ours have 36.
const maxID = 64

// CheckID refuses with ErrInvalid an id that is more than a plain name: only 0-9,
// a-z and, not in front, "-".
func CheckID(id string) error {
	bad := id == "" || len(id) > maxID || id[0] == '-'
	for i := 0; i < len(id) && !bad; i++ {
		c := id[i]
		bad = c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z')
	}
	if bad {
		return fmt.Errorf("%w: %.80q is no id", ErrInvalid, id)
	}
	return nil
}
