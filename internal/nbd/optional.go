package nbd

import (
	"github.com/breezeblock/breezeblock/internal/driver"
)

// ExtentKind is what a stretch of a device holds.
type ExtentKind = driver.ExtentKind

// The kinds, by their names in block status.
const (
	ExtentData = driver.ExtentData
	ExtentZero = driver.ExtentZero
	ExtentHole = driver.ExtentHole
)

// What a device may be able to do besides, found by a type assertion.
type (
	// zeroer writes zeroes without their being sent; keepAllocated keeps or takes
	// the space. Durable after Flush.
	zeroer interface {
		WriteZeroes(off, n int64, keepAllocated bool) error
	}
	// discarder gives space back; what was there reads as zeroes or as before.
	discarder interface {
		Discard(off, n int64) error
	}
	// extenter tells what [off, off+n) holds, in order and without gaps, until fn
	// returns false.
	extenter interface {
		Extents(off, n int64, fn func(n int64, kind ExtentKind) bool) error
	}
	// nowaitReader reads what it has at hand. Any error means that ReadAt must be
	// asked, which may wait.
	nowaitReader interface {
		ReadNowait(p []byte, off int64) error
	}
)

// abilities are a device and what was found on it.
type abilities struct {
	driver.Device
	zeroes  zeroer       // nil: zeroes are written
	trims   discarder    // nil: TRIM is not offered
	extents extenter     // nil: everything counts as data
	nowait  nowaitReader // nil: every read may wait
}

func abilitiesOf(dev driver.Device) abilities {
	a := abilities{Device: dev}
	a.zeroes, _ = dev.(zeroer)
	a.trims, _ = dev.(discarder)
	a.extents, _ = dev.(extenter)
	a.nowait, _ = dev.(nowaitReader)
	return a
}

// zeroPiece is how many zeroes are written at a time, in bytes.
const zeroPiece = 1 << 20

// writeZeroes makes n bytes at off read as zeroes. Where the device cannot, it
// writes them piece by piece and asks before each whether to go on.
func (a *abilities) writeZeroes(off, n int64, keepAllocated bool, zeroes func() []byte, goOn func() error) error {
	if a.zeroes != nil {
		return a.zeroes.WriteZeroes(off, n, keepAllocated)
	}
	for n > 0 {
		if err := goOn(); err != nil {
			return err
		}
		piece := zeroes()[:min(n, zeroPiece)]
		if _, err := a.WriteAt(piece, off); err != nil {
			return err
		}
		off, n = off+int64(len(piece)), n-int64(len(piece))
	}
	return nil
}

// walk is Extents, or one extent of data.
func (a *abilities) walk(off, n int64, fn func(n int64, kind ExtentKind) bool) error {
	if a.extents == nil {
		fn(n, ExtentData)
		return nil
	}
	return a.extents.Extents(off, n, fn)
}
