package layers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
)

// layerFile is the data of one layer: sparse files that hold bytes at the
// volume's own offsets, segment after segment.
type layerFile struct {
	number  int
	dir     string
	segment int64 // bytes of each file but the last
	grain   int64
	disk    *disk
	mark    string
	size    atomic.Int64               // bytes
	files   atomic.Pointer[[]*os.File] // grows with resize, while others read and write
	zeros   *zeroLog                   // of an open layer; nil for a sealed one
	sums    atomic.Pointer[sums]       // of a sealed one, once they are counted
	spent   []*sums                    // that a check let go; under the volume's lock

	users   atomic.Int64 // reads on their way
	retired atomic.Bool  // the last of them closes it
	closed  atomic.Bool
}

// enter keeps the layer open until leave; false when it is too late.
func (l *layerFile) enter() bool {
	l.users.Add(1)
	if l.retired.Load() {
		l.leave()
		return false
	}
	return true
}

func (l *layerFile) leave() {
	if l.users.Add(-1) == 0 && l.retired.Load() {
		_ = l.close() // it was only read
	}
}

// retire closes the layer once nobody reads from it.
func (l *layerFile) retire() {
	l.retired.Store(true)
	if l.users.Load() == 0 {
		_ = l.close()
	}
}

// createLayer makes the empty layer rec of m in dir, durable but for its names.
// Zeroes are logged from the start, so that a log that is missing is missed.
func createLayer(d *disk, dir string, m *manifest, rec layer) (_ *layerFile, err error) {
	l := &layerFile{number: rec.Number, dir: dir, segment: m.Segment, grain: m.Grain, disk: d, mark: rec.Mark}
	l.files.Store(&[]*os.File{})
	defer func() {
		if err != nil {
			err = errors.Join(spaceError(err), l.close())
		}
	}()
	if l.zeros, err = createZeroLog(d, dir, m, rec); err != nil {
		return nil, err
	}
	// All is made before the first sync, which then carries most of the rest.
	if err := l.resize(rec.Size); err != nil {
		return nil, err
	}
	if err := l.zeros.sync(); err != nil {
		return nil, err
	}
	if err := l.datasync(); err != nil {
		return nil, err
	}
	return l, nil
}

// openLayer opens a layer that the manifest names and compares its sizes; a sealed
// one only to be read.
func openLayer(d *disk, dir string, m *manifest, rec layer) (*layerFile, error) {
	return openLayerWith(d, dir, m, rec, rec.sealed())
}

// openWritable opens a sealed layer for a merge.
func openWritable(d *disk, dir string, m *manifest, rec layer) (*layerFile, error) {
	return openLayerWith(d, dir, m, rec, false)
}

func openLayerWith(d *disk, dir string, m *manifest, rec layer, readOnly bool) (*layerFile, error) {
	l := &layerFile{number: rec.Number, dir: dir, segment: m.Segment, grain: m.Grain, disk: d, mark: rec.Mark}
	l.size.Store(rec.Size)
	l.files.Store(&[]*os.File{})
	err := l.openSegments(rec, readOnly, !rec.sealed() || m.growing(rec))
	if err == nil && !rec.sealed() {
		l.zeros, err = openZeroLog(d, dir, m, rec)
	}
	switch {
	case err != nil:
	case !rec.sealed() && rec.Parent != 0:
		err = l.trust()
	default:
		_, err = l.copied()
	}
	if err == nil && rec.Sums != "" {
		var s *sums
		if s, err = openSums(d, dir, rec); err == nil {
			l.sums.Store(s)
		}
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// openSegments opens a layer's files. They may be longer where an extend of an open
// layer or a merge into a sealed one was cut.
func (l *layerFile) openSegments(rec layer, readOnly, longer bool) error {
	flags := os.O_RDWR
	if readOnly {
		flags = os.O_RDONLY
	}
	var files []*os.File
	for i := range segments(rec.Size, l.segment) {
		path := segmentPath(l.dir, rec.Number, i)
		f, err := openRegular(path, flags)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFormat) {
			return damaged(path, err)
		} else if err != nil {
			return err
		}
		files = append(files, f)
		l.files.Store(&files) // so that close finds it
		info, err := f.Stat()
		if err != nil {
			return err
		}
		want := l.lengthOf(rec.Size, i)
		if info.Size() < want || (info.Size() > want && !longer) {
			return damaged(path, fmt.Errorf("it has %d bytes, not %d", info.Size(), want))
		}
	}
	return nil
}

// lengthOf tells the bytes of file i of a layer of size bytes. Files end with a
// grain: btrfs, lengthening one that ends within a block, makes data of the block.
func (l *layerFile) lengthOf(size int64, i int) int64 {
	return min(l.segment, (size+l.grain-1)/l.grain*l.grain-int64(i)*l.segment)
}

// resize lengthens the layer to size bytes, making the segments that it lacks.
func (l *layerFile) resize(size int64) error {
	for i := range segments(size, l.segment) {
		files := *l.files.Load()
		if i == len(files) {
			f, err := makeSegment(segmentPath(l.dir, l.number, i))
			if err != nil {
				return err
			}
			setMark(f, l.mark)
			files = append(slices.Clone(files), f)
			l.files.Store(&files)
		}
		if err := files[i].Truncate(l.lengthOf(size, i)); err != nil {
			return err
		}
	}
	l.size.Store(size)
	if l.zeros != nil {
		l.zeros.logged.grow(size)
	}
	return nil
}

// trim cuts off what an extend or a merge that was cut left past size.
func (l *layerFile) trim(size int64) error {
	files := *l.files.Load()
	for i := range files {
		want := max(0, l.lengthOf(size, i))
		info, err := files[i].Stat()
		if err != nil {
			return err
		}
		if info.Size() <= want {
			continue
		}
		if err := files[i].Truncate(want); err != nil {
			return err
		}
	}
	for i := segments(size, l.segment); i < maxSegments; i++ {
		if err := os.Remove(segmentPath(l.dir, l.number, i)); errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// makeSegment makes an empty file. What a call that was cut left behind is taken
// over if it is empty, as it must be: nothing is written before a manifest names it.
func makeSegment(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	if f, err = openRegular(path, os.O_RDWR); err != nil {
		return nil, err
	}
	if _, err := seek(f, 0, seekData); !errors.Is(err, syscall.ENXIO) {
		err = damaged(path, errors.Join(errors.New("no manifest names this layer, but it holds data"), err))
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// pieces calls do for each part of n bytes at off that lies in one file.
func (l *layerFile) pieces(off, n int64, do func(f *os.File, at, from, to int64) error) error {
	files := *l.files.Load()
	for done := int64(0); done < n; {
		i, at := (off+done)/l.segment, (off+done)%l.segment
		k := min(n-done, l.segment-at)
		if err := do(files[i], at, done, done+k); err != nil {
			return err
		}
		done += k
	}
	return nil
}

// readAt fills p; what is past the layer's end is zeroes.
func (l *layerFile) readAt(p []byte, off int64) error {
	n := min(int64(len(p)), max(0, l.size.Load()-off))
	clear(p[n:])
	return l.pieces(off, n, func(f *os.File, at, from, to int64) error {
		_, err := f.ReadAt(p[from:to], at)
		if errors.Is(err, io.EOF) {
			return damaged(f.Name(), errors.New("it ends too early"))
		}
		return err
	})
}

// writeAt writes p and tells how many bytes from its start were written.
func (l *layerFile) writeAt(p []byte, off int64) (int, error) {
	done := 0
	err := l.pieces(off, int64(len(p)), func(f *os.File, at, from, to int64) error {
		n, err := l.disk.write(f, p[from:to], at)
		done += n
		return spaceError(err)
	})
	return done, err
}

// punch turns n bytes at off back into a hole.
func (l *layerFile) punch(off, n int64) error {
	return l.pieces(off, n, func(f *os.File, at, from, to int64) error {
		return punchHole(f, at, to-from)
	})
}

// erase makes zeroes of n bytes at off that were written: a hole or, where the file
// system cannot, bytes in their place.
func (l *layerFile) erase(off, n int64) error {
	if l.punch(off, n) == nil {
		return nil
	}
	zeroes := make([]byte, min(n, 1<<20))
	for n > 0 {
		k, err := l.writeAt(zeroes[:min(n, int64(len(zeroes)))], off)
		if err != nil {
			return err
		}
		off, n = off+int64(k), n-int64(k)
	}
	return nil
}

// shareWith makes n bytes at off of another layer the same as here without copying
// them, where the file system can.
func (l *layerFile) shareWith(to *layerFile, off, n int64) error {
	files := *to.files.Load()
	return l.pieces(off, n, func(f *os.File, at, from, upTo int64) error {
		return shareRange(f, files[(off+from)/to.segment], at, upTo-from)
	})
}

// allocate takes the space of n bytes at off, without changing any.
func (l *layerFile) allocate(off, n int64) error {
	return spaceError(l.pieces(off, n, func(f *os.File, at, from, to int64) error {
		return allocate(f, at, to-from)
	}))
}

// datasync makes the layer's bytes and sizes durable.
func (l *layerFile) datasync() error {
	for _, f := range *l.files.Load() {
		if err := l.disk.datasync(f); err != nil {
			return err
		}
	}
	return nil
}

// scan calls do with each piece that holds data, by what the file system says;
// do answers false to end it. It moves the files' own offsets: one caller at a time.
func (l *layerFile) scan(do func(off, n int64) bool) error {
	size := l.size.Load()
	for i, f := range *l.files.Load() {
		base := int64(i) * l.segment
		end := min(l.segment, size-base)
		for at := int64(0); at < end; {
			data, err := seek(f, at, seekData)
			if errors.Is(err, syscall.ENXIO) {
				break
			}
			var hole int64
			if err == nil {
				hole, err = seek(f, data, seekHole)
			}
			if err != nil {
				return err
			}
			if hole = min(hole, end); data >= hole {
				break
			}
			if !do(base+data, hole-data) {
				return nil
			}
			at = hole
		}
	}
	return nil
}

// hasData tells whether anything was ever written to the open layer.
func (l *layerFile) hasData() (bool, error) {
	found := l.zeros.any()
	err := l.scan(func(int64, int64) bool {
		found = true
		return false
	})
	return found, err
}

func (l *layerFile) close() error {
	if l.closed.Swap(true) {
		return nil
	}
	var errs []error
	for _, f := range *l.files.Load() {
		errs = append(errs, f.Close())
	}
	if l.zeros != nil {
		errs = append(errs, l.zeros.f.Close())
	}
	if s := l.sums.Load(); s != nil {
		errs = append(errs, s.f.Close())
	}
	for _, s := range l.spent {
		errs = append(errs, s.f.Close())
	}
	return errors.Join(errs...)
}
