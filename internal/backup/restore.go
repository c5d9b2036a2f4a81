package backup

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Target is a device that a backup is restored to. Writes to different places run
// at the same time.
type Target interface {
	Size() int64 // bytes
	WriteAt(p []byte, off int64) (int, error)
	// Flush makes what was written durable.
	Flush(ctx context.Context) error
}

// zeroer is a target that makes zeroes without writing them.
type zeroer interface {
	WriteZeroes(off, n int64, keepAllocated bool) error
}

// Restoration is a backup to be restored.
type Restoration struct {
	ID   string
	Into Target
	// Fresh says that the target holds nothing but zeroes and perhaps some of this
	// backup, as after a restoration that was cut off.
	Fresh bool
	// Progress is told percent now and then; may be nil.
	Progress func(percent int)
}

// Restore makes the target hold what the backup holds, durably, and zeroes past its
// end (Assumed: Cinder leaves what a larger volume held there, which is a mixture of two
// volumes and no state that any of them ever had). Each chunk is held to its checksum, its key and its name before any of it is
// written; the first that fails ends the restoration with ErrDamaged. What was
// written until then stays.
func (r *Repository) Restore(ctx context.Context, s Restoration) error {
	secrets, err := r.open(ctx)
	if err != nil {
		return err
	}
	p, err := newPress(secrets, r.config.Random)
	if err != nil {
		return err
	}
	defer p.close()
	m, err := r.manifest(ctx, p, s.ID)
	if err != nil {
		return err
	}
	if s.Into.Size() < m.Size {
		return fmt.Errorf("%w: %d bytes do not hold a backup of %d", ErrInvalid, s.Into.Size(), m.Size)
	}
	w := &restoring{Repository: r, Restoration: s, manifest: m}
	for i := range m.indexes {
		names, err := r.names(ctx, p, m, int64(i))
		if err != nil {
			return err
		}
		if err := w.index(ctx, secrets, int64(i), names); err != nil {
			return err
		}
	}
	if err := w.blank(ctx, m.Size, s.Into.Size()-m.Size); err != nil {
		return err
	}
	return s.Into.Flush(ctx)
}

// restoring is one Restore.
type restoring struct {
	*Repository
	Restoration
	manifest *Manifest
	done     atomic.Int64
}

// index restores the chunks of one index.
func (w *restoring) index(ctx context.Context, s *secrets, i int64, names []name) error {
	if err := w.holes(ctx, i, names); err != nil {
		return err
	}
	return w.each(ctx, s, len(names), func(ctx context.Context, p *press, c int, buffer []byte) error {
		if names[c] == zeroName {
			return nil
		}
		off := (i*perIndex + int64(c)) * ChunkSize
		plain, err := w.content(ctx, p, chunkKind, names[c], buffer)
		if err != nil {
			return err
		}
		if int64(len(plain)) != min(ChunkSize, w.manifest.Size-off) {
			return errBox(names[c].object(chunkKind), "it is too long or too short for its place")
		}
		if _, err := w.Into.WriteAt(plain, off); err != nil {
			return fmt.Errorf("write the device at %d: %w", off, err)
		}
		done := w.done.Add(1)
		if w.Progress != nil && (done%16 == 0 || done == w.manifest.Chunks) {
			w.Progress(int(done * 100 / max(w.manifest.Chunks, 1)))
		}
		return nil
	})
}

// holes makes zeroes where the index names none.
func (w *restoring) holes(ctx context.Context, i int64, names []name) error {
	for c := 0; c < len(names); {
		if names[c] != zeroName {
			c++
			continue
		}
		first := c
		for c < len(names) && names[c] == zeroName {
			c++
		}
		off := (i*perIndex + int64(first)) * ChunkSize
		if err := w.blank(ctx, off, min(int64(c-first)*ChunkSize, w.manifest.Size-off)); err != nil {
			return err
		}
	}
	return nil
}

// blank makes n bytes zero, which they are in a fresh target.
func (w *restoring) blank(ctx context.Context, off, n int64) error {
	if w.Fresh {
		return ctx.Err()
	}
	z, able := w.Into.(zeroer)
	for ; n > 0; off, n = off+perCall, n-perCall {
		if err := ctx.Err(); err != nil {
			return err
		}
		length := min(n, perCall)
		var err error
		if able {
			const giveBack = false
			err = z.WriteZeroes(off, length, giveBack)
		} else {
			err = w.writeZeroes(off, length)
		}
		if err != nil {
			return fmt.Errorf("zero the device at %d: %w", off, err)
		}
	}
	return nil
}

// perCall is how many bytes are made zero before the context is looked at again.
const perCall = 1 << 30

func (w *restoring) writeZeroes(off, n int64) error {
	for ; n > 0; off, n = off+ChunkSize, n-ChunkSize {
		if _, err := w.Into.WriteAt(zeroes[:min(n, ChunkSize)], off); err != nil {
			return err
		}
	}
	return nil
}

// each calls work for 0 to n-1, several at a time, each with tools of its own; the
// first error ends it.
func (r *Repository) each(ctx context.Context, s *secrets, n int, work func(ctx context.Context, p *press, i int, buffer []byte) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(r.config.Workers, n) {
		working.Go(func() {
			p, err := newPress(s, r.config.Random)
			if err != nil {
				cancel(err)
				return
			}
			defer p.close()
			buffer := make([]byte, ChunkSize)
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := work(ctx, p, i, buffer); err != nil {
					cancel(err)
				}
			}
		})
	}
	working.Wait()
	return context.Cause(ctx)
}
