package fake

import "github.com/breezeblock/breezeblock/internal/driver"

const pageSize = 4096

// pages holds what was written, by page number. A page is never changed once it
// is here: writing replaces it, so that snapshots share it.
type pages map[int64]*[pageSize]byte

func (ps pages) read(p []byte, off int64) {
	for len(p) > 0 {
		at := off % pageSize
		n := min(len(p), int(pageSize-at))
		if page := ps[off/pageSize]; page != nil {
			copy(p[:n], page[at:])
		} else {
			clear(p[:n])
		}
		p, off = p[n:], off+int64(n)
	}
}

func (ps pages) write(p []byte, off int64) {
	for len(p) > 0 {
		page := new([pageSize]byte)
		if old := ps[off/pageSize]; old != nil {
			*page = *old
		}
		n := copy(page[off%pageSize:], p)
		ps[off/pageSize] = page
		p, off = p[n:], off+int64(n)
	}
}

// zeroPage is what has space but no bytes.
var zeroPage = new([pageSize]byte)

// zero makes n bytes at off zeroes: whole pages are dropped, or kept as zeroes. A
// page that the end of the volume cuts counts as whole.
func (ps pages) zero(off, n, size int64, keep bool) {
	for n > 0 {
		page, at := off/pageSize, off%pageSize
		k := min(n, pageSize-at)
		switch whole := at == 0 && (k == pageSize || off+k == size); {
		case whole && keep:
			ps[page] = zeroPage
		case whole:
			delete(ps, page)
		case ps[page] != nil:
			ps.write(make([]byte, k), off)
		case keep:
			ps[page] = zeroPage
		}
		off, n = off+k, n-k
	}
}

// piece is an extent.
type piece struct {
	n    int64
	kind driver.ExtentKind
}

// pieces tells the extents of n bytes at off.
func (ps pages) pieces(off, n int64) (all []piece) {
	for n > 0 {
		k, kind := min(n, pageSize-off%pageSize), driver.ExtentHole
		switch ps[off/pageSize] {
		case nil:
		case zeroPage:
			kind = driver.ExtentZero
		default:
			kind = driver.ExtentData
		}
		if last := len(all) - 1; last >= 0 && all[last].kind == kind {
			all[last].n += k
		} else {
			all = append(all, piece{k, kind})
		}
		off, n = off+k, n-k
	}
	return all
}

// data tells whether a page is there and is not all zeroes by name.
func data(page *[pageSize]byte) bool { return page != nil && page != zeroPage }
