package driver

import "fmt"

const (
	// MaxSize is the largest volume, in bytes. Source: EVS "Creating EVS Disks", size (32768 GiB).
	MaxSize = 32768 << 30
	// SizeUnit is what every size is a multiple of, in bytes: the sector of every client we know.
	SizeUnit = 512
	// maxID is the longest id, in bytes; ours have 32 or 36.
	maxID = 64
)

// CheckID refuses with ErrInvalid an id that could be more than a plain name in a
// folder or pool: only 0-9, a-z and, not in front, "-". Every driver asks it first,
// so that no id ever becomes a path.
func CheckID(id string) error {
	if id == "" || len(id) > maxID || id[0] == '-' {
		return fmt.Errorf("%w: %.80q is no id", ErrInvalid, id)
	}
	for i := range len(id) {
		if c := id[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return fmt.Errorf("%w: %.80q is no id", ErrInvalid, id)
		}
	}
	return nil
}

// CheckSize refuses with ErrInvalid a size, in bytes, that no volume may have.
func CheckSize(size int64) error {
	if size <= 0 || size > MaxSize || size%SizeUnit != 0 {
		return fmt.Errorf("%w: a size is 1 to %d sectors of %d bytes, not %d bytes",
			ErrInvalid, MaxSize/SizeUnit, SizeUnit, size)
	}
	return nil
}
