package driver

import "context"

// Device is an open volume or snapshot. Methods run at the same time;
// overlapping writes have no order. A range that reaches past the end fails with
// ErrInvalid and does nothing, but for ReadAt; a change of a device that was opened
// for reading fails with ErrReadOnly.
type Device interface {
	Size() int64 // bytes
	// ReadAt is io.ReaderAt: what reaches past the end is cut there, with io.EOF.
	// Bytes that fail their checks are ErrDamaged, never given out.
	ReadAt(p []byte, off int64) (int, error)
	// WriteAt is io.WriterAt.
	WriteAt(p []byte, off int64) (int, error)
	// Flush makes all completed writes durable before it returns. A failed one is
	// final: writes and flushes fail until the volume is opened anew.
	Flush(ctx context.Context) error
	Close() error
}

// Space is the rest of every Device: what it holds nothing in. It is asked for by a
// type assertion until all who make devices have it.
type Space interface {
	// WriteZeroes makes n bytes at off read as zeroes, durably after Flush. With
	// keepAllocated it keeps or takes their space, so that writing there later does
	// not fail with ErrNoSpace; without, it gives the space back where it can.
	WriteZeroes(off, n int64, keepAllocated bool) error
	// Discard says that nobody needs n bytes at off. Each byte reads as zero or as
	// before, from then on always the same.
	Discard(off, n int64) error
	// Extents calls fn with the length and kind of each piece of [off, off+n), in
	// order and without gaps, until it returns false. fn does not call the device.
	// Beside a writer it tells of some moment.
	Extents(off, n int64, fn func(n int64, kind ExtentKind) bool) error
}

// ExtentKind is what a piece of a device holds.
type ExtentKind int

const (
	ExtentData ExtentKind = iota // bytes that were written
	ExtentZero                   // reads as zeroes, and has its space
	ExtentHole                   // reads as zeroes, and has no space
)
