package layers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
	disk    *disk
	size    atomic.Int64               // bytes
	files   atomic.Pointer[[]*os.File] // grows with resize, while others read and write
}

func segmentPath(dir string, number, i int) string {
	return filepath.Join(dir, fmt.Sprintf("layer-%06d.%d", number, i))
}

func mapPath(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("layer-%06d.map", number))
}

// segments tells how many files size bytes take.
func segments(size, segment int64) int { return int((size-1)/segment) + 1 }

// createLayer makes an empty layer, durable but for its names.
func createLayer(d *disk, dir string, number int, size, segment int64) (*layerFile, error) {
	l := &layerFile{number: number, dir: dir, segment: segment, disk: d}
	l.files.Store(&[]*os.File{})
	err := l.resize(size)
	if err == nil {
		err = l.datasync()
	}
	if err != nil {
		return nil, errors.Join(spaceError(err), l.close())
	}
	return l, nil
}

// openLayer opens a layer that the manifest names and compares its sizes.
func openLayer(d *disk, dir string, m *manifest, rec layer) (*layerFile, error) {
	l := &layerFile{number: rec.Number, dir: dir, segment: m.Segment, disk: d}
	l.size.Store(rec.Size)
	var files []*os.File
	fail := func(err error) (*layerFile, error) {
		l.files.Store(&files)
		return nil, errors.Join(err, l.close())
	}
	for i := range segments(rec.Size, m.Segment) {
		flags := os.O_RDWR
		if rec.sealed() {
			flags = os.O_RDONLY
		}
		path := segmentPath(dir, rec.Number, i)
		f, err := openRegular(path, flags)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFormat) {
			return fail(damaged(path, err))
		} else if err != nil {
			return fail(err)
		}
		files = append(files, f) // fail closes it
		info, err := f.Stat()
		if err != nil {
			return fail(err)
		}
		want := min(m.Segment, rec.Size-int64(i)*m.Segment)
		// An extend that was cut leaves an open layer longer than its record.
		if info.Size() < want || (rec.sealed() && info.Size() != want) {
			return fail(damaged(path, fmt.Errorf("it has %d bytes, not %d", info.Size(), want)))
		}
	}
	l.files.Store(&files)
	return l, nil
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
			files = append(slices.Clone(files), f)
			l.files.Store(&files)
		}
		if err := files[i].Truncate(min(l.segment, size-int64(i)*l.segment)); err != nil {
			return err
		}
	}
	l.size.Store(size)
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

// hasData tells whether anything was ever written to the layer.
func (l *layerFile) hasData() (bool, error) {
	found := false
	err := l.scan(func(int64, int64) bool {
		found = true
		return false
	})
	return found, err
}

func (l *layerFile) close() error {
	var errs []error
	for _, f := range *l.files.Load() {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// removeLayer removes a layer's files; those that are not there do not matter.
func removeLayer(dir string, number int, size, segment int64) error {
	paths := []string{mapPath(dir, number)}
	for i := range segments(size, segment) {
		paths = append(paths, segmentPath(dir, number, i))
	}
	var errs []error
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
