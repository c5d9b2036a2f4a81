package driver

import (
	"context"
	"errors"
	"iter"
)

// Fence orders the callers of mutating calls on one volume: a call whose fence is
// older than the newest seen for that volume fails with ErrFenced. 0 is no fence.
type Fence int64

var (
	// ErrFenced is a call by a worker that has lost its lease.
	ErrFenced = errors.New("a newer worker has taken over")
	// ErrNotFound is a volume or snapshot that the driver does not hold.
	ErrNotFound = errors.New("no such object in the driver")
	// ErrNoSpace is a backend that is full; reads, flushes and deletions go on.
	ErrNoSpace = errors.New("the storage is full")
	// ErrBusy is a volume that is open elsewhere.
	ErrBusy = errors.New("the volume is open elsewhere")
	// ErrReadOnly is a write to a device that was opened for reading, or a snapshot opened for writing.
	ErrReadOnly = errors.New("the device is read-only")
	// ErrInvalid is a call that no repetition will make right: an unsafe id, a size
	// out of range or smaller than before, an id that is taken by another volume.
	ErrInvalid = errors.New("the driver cannot do that")
	// ErrDamaged is stored bytes or a manifest that fail their checks; the error names the file.
	ErrDamaged = errors.New("stored data is damaged")
)

// Driver is one backend. Every call is idempotent. IDs are ours, never a tenant's names.
type Driver interface {
	// Info tells the driver's name, where it keeps its bytes, and whether that works now.
	Info(ctx context.Context) (Info, error)
	// Create makes an empty, thin volume. One that is there with the same size is
	// done before; with another size it fails with ErrInvalid.
	Create(ctx context.Context, v VolumeSpec, fence Fence) error
	// CreateFrom makes a volume that holds what the snapshot holds, in constant
	// time; it may be larger. It lives on when its source is deleted.
	CreateFrom(ctx context.Context, v VolumeSpec, from Ref, fence Fence) error
	// Delete removes a volume and its snapshots; clones of them live on. Deleting
	// what is not there succeeds; what is open fails with ErrBusy. An older Create
	// that comes after it fails with ErrFenced, as long as this driver stays open.
	Delete(ctx context.Context, id string, fence Fence) error
	// Extend grows a volume to size bytes, also while it is open: its devices tell
	// the new size at once. It never shrinks one: less than before is ErrInvalid.
	Extend(ctx context.Context, id string, size int64, fence Fence) error
	// Snapshot keeps the volume as it is now under the name snap, durable on return.
	Snapshot(ctx context.Context, id, snap string, fence Fence) error
	// DeleteSnapshot removes a snapshot; removing what is not there succeeds, one
	// that is open fails with ErrBusy. Its space may come back later.
	DeleteSnapshot(ctx context.Context, id, snap string, fence Fence) error
	// Rollback makes the volume hold what the snapshot holds, in constant time. What
	// was written since is lost; all snapshots stay, later ones too, and can be
	// rolled back to in turn. The volume keeps its size: what lies past the
	// snapshot's end reads as zeroes. A volume that is open fails with ErrBusy.
	Rollback(ctx context.Context, id, snap string, fence Fence) error
	// Usage tells what a volume takes.
	Usage(ctx context.Context, id string) (Usage, error)
	// Changed calls fn with pieces of snapshot to, ascending and apart, that hold all
	// bytes in which it may differ from snapshot from of the same volume, which may
	// be older or later; past the end of from all was zeroes. With from "" they hold
	// all that may be other than zeroes. zero says that the piece is nothing but
	// zeroes in to. An error of fn ends the call and is its answer.
	Changed(ctx context.Context, id, from, to string, fn func(off, n int64, zero bool) error) error
	// Check looks for damage in a volume and its snapshots, open or not, and with
	// repair mends what it can. It fails only when it cannot look: what it finds is
	// in the report.
	Check(ctx context.Context, id string, repair bool) (Report, error)
	// Open opens a volume, or a snapshot of one, which is always read-only.
	// A volume has one writer at a time: a second fails with ErrBusy. Readers may
	// stand beside it.
	Open(ctx context.Context, ref Ref, mode Mode) (Device, error)
	// List yields every volume and snapshot it holds, in no order, for comparison
	// with the database. An error beside a Ref is of that volume alone and the list
	// goes on; an error beside an empty Ref ends it.
	List(ctx context.Context) iter.Seq2[Ref, error]
	// Close gives back locks and files. Devices must be closed before; while one is
	// open it fails with ErrBusy and changes nothing. Calls after it fail.
	Close() error
}

// Info is what a driver says of itself.
type Info struct {
	Name  string // layers, rbd, fake
	Place string // for people: a folder, a pool
	Total int64  // bytes of the backend; 0 is unknown
	Free  int64  // bytes left
}

// VolumeSpec is a volume to be made.
type VolumeSpec struct {
	ID   string
	Size int64 // bytes
}

// Ref names a volume, or a snapshot of it.
type Ref struct {
	Volume   string
	Snapshot string // empty: the volume itself
}

// Mode is how a device is opened.
type Mode int

const (
	ReadOnly Mode = iota
	ReadWrite
)
