package layers

import (
	"errors"
	"fmt"
	"os"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// probe finds the grain by writing a file at path: 4 KiB or, where it is more, what
// the file system allocates at a time. It refuses what would lose bytes: where
// holes are not told from data, where written zeroes become holes, and where less
// than a page is allocated at a time, so that a power cut could tear a grain.
func probe(path string) (grain int64, err error) {
	const (
		size   = 4 << 20
		single = 1 << 20 // where one byte goes
		zeroes = 3 << 20 // where a grain of zeroes goes
	)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC|noFollow, 0o600)
	if err != nil {
		return 0, spaceError(err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	write := func(p []byte, off int64) error {
		_, err := f.WriteAt(p, off)
		return errors.Join(err, f.Sync())
	}
	find := func(off int64, whence int) int64 {
		at, err := seek(f, off, whence)
		if err != nil {
			return -1 // no data from there on, or not to be told
		}
		return at
	}
	if err := errors.Join(f.Truncate(size), write([]byte{1}, single)); err != nil {
		return 0, spaceError(err)
	}
	first := find(0, seekData)
	unit := find(first, seekHole) - first
	switch {
	case first < 0 || first > single || unit <= 0 || unit > maxGrain || unit&(unit-1) != 0 || first%unit != 0:
		return 0, fmt.Errorf("%w: this file system does not tell holes from data (one byte looks like %d bytes at %d)",
			driver.ErrInvalid, unit, first)
	case unit < minGrain:
		return 0, fmt.Errorf("%w: this file system has blocks of %d bytes; make it anew with blocks of %d",
			driver.ErrInvalid, unit, minGrain)
	}
	if err := write(make([]byte, unit), zeroes); err != nil {
		return 0, spaceError(err)
	}
	if find(2*single, seekData) != zeroes {
		return 0, fmt.Errorf("%w: this file system turns written zeroes into holes (compression?)", driver.ErrInvalid)
	}
	return unit, nil
}
