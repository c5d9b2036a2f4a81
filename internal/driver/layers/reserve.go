package layers

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// defaultReserve is how much a pool holds back, in bytes: manifests, bitmaps and
// sums of what deletes and merges on a full disk.
const defaultReserve = 16 << 20

// reserve is a file that takes space until what frees space needs it. While it is
// not there guests get no new space either, else they would take that as well.
type reserve struct {
	path string
	size int64
	low  atomic.Bool // the space is not held back now

	mu sync.Mutex
	f  *os.File
}

func openReserve(path string, size int64) (*reserve, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, spaceError(err)
	}
	r := &reserve{path: path, size: size, f: f}
	r.low.Store(true)
	r.refill()
	return r, nil
}

// refill takes the space back if it was given away and is there again; it tells
// whether it is held.
func (r *reserve) refill() bool {
	if !r.low.Load() {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := allocate(r.f, 0, r.size); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		_ = r.f.Truncate(0) // what it got of it
		return false
	}
	r.low.Store(false)
	return true
}

// essential runs what must work on a full disk, for it frees space: again, with the
// reserve, when the first time there was none.
func (r *reserve) essential(do func() error) error {
	err := do()
	if !errors.Is(err, driver.ErrNoSpace) || r.low.Swap(true) {
		return err
	}
	r.mu.Lock()
	gave := r.f.Truncate(0)
	if gave == nil {
		gave = r.f.Sync() // some file systems give it back only then
	}
	r.mu.Unlock()
	if gave != nil {
		return errors.Join(err, gave)
	}
	return do()
}

func (r *reserve) close() error { return r.f.Close() }
