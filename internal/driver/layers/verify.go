package layers

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
)

// buffers are for reads of parts of pages.
var buffers = sync.Pool{New: func() any { return new([sumBlock]byte) }}

// readChecked is readAt that gives out no byte that fails its checksum, where
// there is one.
func (l *layerFile) readChecked(p []byte, off int64) error {
	s := l.sums.Load()
	if s == nil {
		return l.readAt(p, off)
	}
	for len(p) > 0 {
		n := min(int64(len(p)), sumBlock-off%sumBlock)
		if err := l.readBlock(s, p[:n], off); err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}

// readBlock reads within one block, whole pages where they are asked for and
// through a buffer where they are not.
func (l *layerFile) readBlock(s *sums, p []byte, off int64) error {
	start := off / sumPage * sumPage
	end := (off + int64(len(p)) + sumPage - 1) / sumPage * sumPage
	if start == off && end == off+int64(len(p)) {
		return l.readPages(s, p, start)
	}
	buf := buffers.Get().(*[sumBlock]byte)
	defer buffers.Put(buf)
	if err := l.readPages(s, buf[:end-start], start); err != nil {
		return err
	}
	copy(p, buf[off-start:])
	return nil
}

// readPages fills p with whole pages from start on.
func (l *layerFile) readPages(s *sums, p []byte, start int64) error {
	if err := l.readAt(p, start); err != nil {
		return err
	}
	r, err := s.record(start / sumBlock)
	if err != nil {
		return err
	}
	for at := int64(0); at < int64(len(p)) && start+at < l.size.Load(); at += sumPage {
		sum, found := r.find((start + at) / sumPage)
		if !found || sum != crc32.Checksum(p[at:at+sumPage], castagnoli) {
			clear(p)
			return damaged(l.at(start+at), fmt.Errorf("the %d bytes at %d of the volume fail their checksum", sumPage, start+at))
		}
	}
	return nil
}

// at tells where a byte of the layer is: file and place in it.
func (l *layerFile) at(off int64) string {
	return fmt.Sprintf("%s at %d", segmentPath(l.dir, l.number, int(off/l.segment)), off%l.segment)
}

// eachPiece calls do with the bytes of the layer in a run of grains, some at a time.
func (l *layerFile) eachPiece(ctx context.Context, grain, first, n int64, buf []byte, do func(p []byte, off int64) error) error {
	end := min((first+n)*grain, l.size.Load())
	for off := first * grain; off < end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := buf[:min(int64(len(buf)), end-off)]
		if err := do(p, off); err != nil {
			return err
		}
		off += int64(len(p))
	}
	return nil
}

// countSums writes the sums of what a sealed layer holds to path and tells their
// SHA-256. The bytes are taken as they are: nothing is known of them yet.
func (l *layerFile) countSums(ctx context.Context, pace *pace, path string, grain int64, held *table) (string, error) {
	w, err := createSums(path, l.size.Load())
	if err != nil {
		return "", err
	}
	buf := make([]byte, sumBlock)
	held.each(func(first, n int64, state uint16) {
		if state != isData || err != nil {
			return
		}
		err = l.eachPiece(ctx, grain, first, n, buf, func(p []byte, off int64) error {
			if err := errors.Join(l.readAt(p, off), pace.wait(ctx, len(p))); err != nil {
				return err
			}
			for at := 0; at < len(p); at += sumPage {
				w.put((off+int64(at))/sumPage, sumOf(p[at:min(at+sumPage, len(p))]))
			}
			return nil
		})
	})
	if err != nil {
		w.abandon()
		return "", err
	}
	return w.finish()
}
