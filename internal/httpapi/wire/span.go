package wire

import (
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
)

// ReadRange reads a Range header of one range of bytes within size; one that is
// open at its end is cut after most. Fails with Invalid when there is none, or more
// than one, or it is longer than most; with BadRange when it lies outside. Source: RFC 9110, 14.
func (x *Exchange) ReadRange(size, most int64) (off, n int64, err error) {
	given := x.Request.Header["Range"]
	if len(given) == 0 {
		return 0, 0, block.Errorf(block.Invalid, "A Range header is needed, as in 'Range: bytes=0-524287'; one request reads at most %d bytes.", most)
	}
	unit, span, _ := strings.Cut(given[0], "=")
	first, last, dash := strings.Cut(strings.TrimSpace(span), "-")
	from, err1 := position(first)
	to, err2 := position(last)
	if len(given) > 1 || !strings.EqualFold(strings.TrimSpace(unit), "bytes") || !dash || err1 != nil || err2 != nil || (from < 0 && to < 0) {
		return 0, 0, block.Errorf(block.Invalid, "Invalid Range header %s: it must be one range of bytes, as in 'bytes=0-524287'.", quoted(given[0]))
	}
	switch {
	case from < 0: // the last bytes
		from, to = max(0, size-to), size-1
	case to < 0: // to the end, or as far as one answer goes
		to = min(size, from+min(most, size)) - 1
	case to < from:
		return 0, 0, block.Errorf(block.Invalid, "Invalid Range header %s: it ends before it begins.", quoted(given[0]))
	}
	to = min(to, size-1)
	if from >= size || to < from {
		x.Header().Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
		return 0, 0, Refuse(BadRange, "The range lies outside: there are %d bytes.", size)
	}
	if n = to - from + 1; n > most {
		return 0, 0, block.Errorf(block.Invalid, "Invalid Range header: %d bytes are too many, one request reads at most %d.", n, most)
	}
	return from, n, nil
}

// position reads one end of a range; -1 is none.
func position(text string) (int64, error) {
	if text == "" {
		return -1, nil
	}
	n, err := strconv.ParseUint(text, 10, 62) // so that sums of two do not overflow
	return int64(n), err
}
