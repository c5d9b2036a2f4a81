package layers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
)

// The files of a layer carry a mark where the file system has room for one beside
// the bytes: whose layer it is, and which file. A file with another layer's mark is
// refused. One with no mark, or that of another file, is a copy, of which nobody
// knows whether it kept its holes: a hole of an open layer means "look beneath", and
// a copy that makes zeroes of holes hides all that lies there.

// markOf tells the mark of a layer that is made for a volume. Clones share the file
// and keep the mark in their manifests.
func markOf(volume string, number int) string {
	digest := sha256.Sum256(fmt.Appendf(nil, "%s %d", volume, number))
	return hex.EncodeToString(digest[:8])
}

// markText is what a file itself carries.
func markText(f *os.File, mark string) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s %d", mark, inode(info)), nil
}

// setMark marks a file. A mark that cannot be set makes the file count as a copy,
// which costs a look at its holes.
func setMark(f *os.File, mark string) {
	if text, err := markText(f, mark); err == nil && mark != "" {
		_ = writeMark(f, text)
	}
}

// isCopy tells whether a file is a copy of the one that was made for the layer; one
// of another layer is errFormat.
func isCopy(f *os.File, mark string) (bool, error) {
	if mark == "" { // made before there were marks
		return false, nil
	}
	want, err := markText(f, mark)
	if err != nil {
		return false, err
	}
	got, err := readMark(f)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return false, nil
	case err != nil:
		return false, err
	case len(got) > 0 && !bytes.HasPrefix(got, []byte(mark+" ")):
		return false, fmt.Errorf("%w: it is a file of another layer", errFormat)
	}
	return !bytes.Equal(got, want), nil
}

// copied tells whether any file of the layer is a copy.
func (l *layerFile) copied() (bool, error) {
	for _, f := range *l.files.Load() {
		copied, err := isCopy(f, l.mark)
		if errors.Is(err, errFormat) {
			err = damaged(f.Name(), err)
		}
		if copied || err != nil {
			return copied, err
		}
	}
	return false, nil
}

// adopt takes the layer's files for the ones that were made for it.
func (l *layerFile) adopt() {
	for _, f := range *l.files.Load() {
		setMark(f, l.mark)
	}
}

// errFilled is an open layer whose holes are gone.
var errFilled = errors.New("it is a copy without a single hole that has zeroes where the layer beneath may have bytes: copy it again with its holes (cp -a), " +
	"or roll the volume back to a snapshot; a check with repair takes it as it is")

// trust looks at an open layer whose files may be copies. One that kept a hole has
// all of them: what fills holes fills all.
func (l *layerFile) trust() error {
	copied, err := l.copied()
	if err != nil || !copied {
		return err
	}
	filled, err := l.filled()
	if err != nil {
		return err
	}
	if filled {
		return damaged((*l.files.Load())[0].Name(), errFilled)
	}
	l.adopt()
	return nil
}

// filled tells whether the layer has data from end to end, and zeroes among it.
func (l *layerFile) filled() (bool, error) {
	at := int64(0)
	err := l.scan(func(off, n int64) bool {
		if off == at {
			at += n
		}
		return off+n == at
	})
	if err != nil || at < l.size.Load() {
		return false, err
	}
	p := make([]byte, l.grain)
	for off := int64(0); off < at; off += l.grain {
		n := min(l.grain, at-off)
		if err := l.readAt(p[:n], off); err != nil {
			return false, err
		}
		if allZero(p[:n]) {
			return true, nil
		}
	}
	return false, nil
}

// excess tells how many bytes a sealed layer takes besides what its bitmap tells of,
// and calls do with each piece.
func (l *layerFile) excess(held *table, do func(off, n int64) error) (total int64, err error) {
	scanErr := l.scan(func(off, n int64) bool {
		for end := off + n; off < end && err == nil; {
			g := off / l.grain
			is, k := held.run(g, (end-1)/l.grain-g+1)
			stop := min((g+k)*l.grain, end)
			if is != isData {
				total += stop - off
				err = do(off, stop-off)
			}
			off = stop
		}
		return err == nil
	})
	return total, errors.Join(scanErr, err)
}
