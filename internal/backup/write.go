package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync/atomic"
	"time"
)

// Source is a backup to be written.
type Source struct {
	ID   string
	From io.ReaderAt // a snapshot: it must not change meanwhile
	Size int64       // of it, in bytes
	// Pieces tells, in ascending order, which pieces may differ from the backup
	// Parent, or from zeroes when there is none; zero says that a piece is nothing
	// but zeroes. It is called once.
	Pieces func(ctx context.Context, fn func(off, n int64, zero bool) error) error
	Parent string // empty: every piece that is not zero is told
	Note   []byte // kept in the manifest; MaxNote at most
	// Progress is told percent now and then; may be nil.
	Progress func(percent int)
}

// Written is what a Write did.
type Written struct {
	Chunks int64 // that the backup holds and that are not zero
	Read   int64 // bytes read from the source
	Stored int64 // bytes of objects put; what was there already is not put again
	Mended int64 // chunks and indexes that were there, damaged, and were put again
}

// Write writes a backup: chunks first, its manifest last and durably, so that a
// backup is there whole or not at all. A Write that was cut off is done anew, and
// finds its chunks there; one that was done before is told again. Fails with
// ErrBusy while a sweep goes on.
func (r *Repository) Write(ctx context.Context, s Source) (Written, error) {
	if err := s.check(); err != nil {
		return Written{}, err
	}
	secrets, err := r.open(ctx)
	if err != nil {
		return Written{}, err
	}
	p, err := newPress(secrets, r.config.Random)
	if err != nil {
		return Written{}, err
	}
	defer p.close()
	if m, err := r.manifest(ctx, p, s.ID); err == nil {
		return Written{Chunks: m.Chunks}, nil
	} else if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrDamaged) {
		return Written{}, err
	}
	marker, err := r.begin(ctx, s.ID)
	if err != nil {
		return Written{}, err
	}
	defer r.end(ctx, s.ID, marker)
	w := &writing{Repository: r, Source: s, press: p, marker: marker}
	return w.run(ctx)
}

func (s *Source) check() error {
	err := CheckID(s.ID)
	if s.Parent != "" {
		err = errors.Join(err, CheckID(s.Parent))
	}
	switch {
	case err != nil:
		return err
	case s.Size <= 0 || s.Size > MaxSize:
		return fmt.Errorf("%w: a device of %d bytes; 1 to %d", ErrInvalid, s.Size, int64(MaxSize))
	case len(s.Note) > MaxNote:
		return fmt.Errorf("%w: a note of %d bytes; %d at most", ErrInvalid, len(s.Note), MaxNote)
	}
	return nil
}

// begin leaves the writer's marker, by which sweeps know of it, and then looks for a
// sweep. A sweep leaves its marker before it looks for writers: one of the two sees
// the other. The marker tells one writer from another of the same backup, who took
// over from it or from whom it took over.
func (r *Repository) begin(ctx context.Context, id string) (marker []byte, err error) {
	var drawn [16]byte
	if _, err := io.ReadFull(r.config.Random, drawn[:]); err != nil {
		return nil, fmt.Errorf("draw a marker: %w", err)
	}
	marker = fmt.Appendf(nil, "a backup is being written by %x\n", drawn)
	if err := r.objects.Put(ctx, writers+id, marker); err != nil {
		return nil, err
	}
	going, err := r.sweeping(ctx)
	if err == nil && going {
		err = fmt.Errorf("%w: it is being swept", ErrBusy)
	}
	if err != nil {
		r.end(ctx, id, marker)
	}
	return marker, err
}

// maxMarker is the longest marker, in bytes.
const maxMarker = 100

// stands tells whether a marker is there.
func (r *Repository) stands(ctx context.Context, id string, marker []byte) (bool, error) {
	there, err := r.objects.Get(ctx, writers+id, maxMarker)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) {
		return false, nil
	}
	return bytes.Equal(there, marker), err
}

// markerTime is what taking a marker away may cost a call that was ended.
const markerTime = 10 * time.Second

// end takes the marker away if it is still this writer's. One that stays is known by
// its age.
func (r *Repository) end(ctx context.Context, id string, marker []byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markerTime)
	defer cancel()
	if own, err := r.stands(ctx, id, marker); err == nil && own {
		_ = r.objects.Delete(ctx, writers+id)
	}
}

// writing is one Write.
type writing struct {
	*Repository
	Source
	press  *press
	marker []byte
	parent *Manifest // nil: none
	dirty  bitmap    // chunks to read
	zero   bitmap    // chunks that are known to be zero

	todo, done        atomic.Int64 // chunks to read, and those that were
	read, put, chunks atomic.Int64
	mended            atomic.Int64
}

func (w *writing) run(ctx context.Context) (Written, error) {
	w.dirty, w.zero = newBitmap(chunks(w.Size)), newBitmap(chunks(w.Size))
	if err := w.plan(ctx); err != nil {
		return Written{}, err
	}
	m := &Manifest{ID: w.ID, Parent: w.Source.Parent, Size: w.Size, Created: w.config.Now(), Note: w.Note,
		indexes: make([]name, indexes(w.Size))}
	for i := range m.indexes {
		n, err := w.index(ctx, int64(i))
		if err != nil {
			return Written{}, err
		}
		m.indexes[i] = n
	}
	m.Chunks = w.chunks.Load()
	if err := w.objects.Flush(ctx); err != nil { // all that the manifest refers to is there before it is
		return Written{}, err
	}
	box, err := w.press.pack(manifestKind, manifests+w.ID, m.append(nil))
	if err != nil {
		return Written{}, err
	}
	// Without its marker a sweep may have taken what this found and did not put.
	if own, err := w.stands(ctx, w.ID, w.marker); err != nil {
		return Written{}, err
	} else if !own {
		return Written{}, fmt.Errorf("%w: another writes backup %s", ErrBusy, w.ID)
	}
	if err := w.objects.Put(ctx, manifests+w.ID, box); err != nil {
		return Written{}, err
	}
	if err := w.objects.Flush(ctx); err != nil {
		return Written{}, err
	}
	return Written{Chunks: m.Chunks, Read: w.read.Load(), Stored: w.put.Load() + int64(len(box)), Mended: w.mended.Load()}, nil
}

// plan finds out which chunks must be read.
func (w *writing) plan(ctx context.Context) (err error) {
	if w.Source.Parent != "" {
		if w.parent, err = w.manifest(ctx, w.press, w.Source.Parent); err != nil {
			return fmt.Errorf("the backup before: %w", err)
		}
		if w.parent.Size != w.Size && w.parent.Size%ChunkSize != 0 && w.parent.Size < w.Size {
			w.dirty.set(w.parent.Size / ChunkSize) // it is longer than it was
		}
		if w.parent.Size > w.Size && w.Size%ChunkSize != 0 {
			w.dirty.set(w.Size / ChunkSize) // and this one shorter
		}
	}
	err = w.Pieces(ctx, func(off, n int64, zero bool) error {
		if off < 0 || n <= 0 || off > w.Size-n {
			return fmt.Errorf("%w: a piece of %d bytes at %d is none of the device's", ErrInvalid, n, off)
		}
		first, last := off/ChunkSize, (off+n-1)/ChunkSize
		for c := first; c <= last; c++ {
			whole := zero && c*ChunkSize >= off && min((c+1)*ChunkSize, w.Size) <= off+n
			if whole {
				w.zero.set(c)
			} else {
				w.dirty.set(c)
			}
		}
		return nil
	})
	w.todo.Store(w.dirty.count())
	return err
}

// index stores the chunks of one index, and the index.
func (w *writing) index(ctx context.Context, i int64) (name, error) {
	count := inIndex(w.Size, i)
	names := make([]name, count)
	if w.parent != nil && i < int64(len(w.parent.indexes)) {
		before, err := w.names(ctx, w.press, w.parent, i)
		if err != nil {
			return zeroName, fmt.Errorf("the backup before: %w", err)
		}
		copy(names, before)
	}
	var read []int64
	for c := range int64(count) {
		switch at := i*perIndex + c; {
		case w.dirty.has(at): // also when a piece of it is zero
			read = append(read, c)
		case w.zero.has(at):
			names[c] = zeroName
		}
	}
	if err := w.store(ctx, i, read, names); err != nil {
		return zeroName, err
	}
	data := int64(0)
	plain := make([]byte, 0, count*len(name{}))
	for c := range names {
		if names[c] != zeroName {
			data++
		}
		plain = append(plain, names[c][:]...)
	}
	w.chunks.Add(data)
	if data == 0 {
		return zeroName, nil
	}
	n := w.press.secrets.name(indexKind, plain)
	return n, w.keep(ctx, w.press, indexKind, n, plain)
}

// store reads chunks of an index and stores them, several at a time, and notes
// their names.
func (w *writing) store(ctx context.Context, index int64, read []int64, names []name) error {
	return w.each(ctx, w.press.secrets, len(read), func(ctx context.Context, p *press, i int, buffer []byte) error {
		c := read[i]
		n, err := w.chunk(ctx, p, index*perIndex+c, buffer)
		names[c] = n
		w.tell()
		return err
	})
}

// tell tells how much of what must be read was read.
func (w *writing) tell() {
	done, todo := w.done.Add(1), w.todo.Load()
	if w.Progress != nil && todo > 0 && (done%16 == 0 || done == todo) {
		w.Progress(int(done * 100 / todo))
	}
}

// zeroes are compared with.
var zeroes [ChunkSize]byte // never changed

// chunk reads one chunk of the device and stores it unless it is zero.
func (w *writing) chunk(ctx context.Context, p *press, at int64, buffer []byte) (name, error) {
	off := at * ChunkSize
	plain := buffer[:min(ChunkSize, w.Size-off)]
	n, err := w.From.ReadAt(plain, off)
	if n < len(plain) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return zeroName, fmt.Errorf("read the device at %d: %w", off, err)
	}
	w.read.Add(int64(n))
	if bytes.Equal(plain, zeroes[:n]) {
		return zeroName, nil
	}
	called := p.secrets.name(chunkKind, plain)
	return called, w.keep(ctx, p, chunkKind, called, plain)
}

// keep stores bytes under their name, unless they are there, whole: while this
// marker stands no sweep takes them away.
func (w *writing) keep(ctx context.Context, p *press, k kind, n name, plain []byte) error {
	object := n.object(k)
	there, whole, err := w.lies(ctx, k, object, len(plain))
	if whole || err != nil {
		return err
	}
	box, err := p.pack(k, object, plain)
	if err != nil {
		return err
	}
	w.put.Add(int64(len(box)))
	if there {
		w.mended.Add(1)
	}
	return w.objects.Put(ctx, object, box)
}

// lies tells whether a box is there, and whether it is whole: it is held to its
// length, header and checksum, so that what was damaged on disk is not trusted but
// put again. It is not decrypted: that would cost more than it could find.
func (w *writing) lies(ctx context.Context, k kind, object string, plain int) (there, whole bool, err error) {
	if _, err := w.objects.Stat(ctx, object); err != nil {
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return false, false, err
	}
	box, err := w.objects.Get(ctx, object, maxBox)
	if err != nil {
		return true, false, ctx.Err() // whatever cannot be read is put again
	}
	length, err := checkBox(k, object, box)
	return true, err == nil && length == plain, nil
}

// bitmap is a set of chunks: 4 MiB for the largest device.
type bitmap []uint64

func newBitmap(n int64) bitmap    { return make(bitmap, (n+63)/64) }
func (b bitmap) set(i int64)      { b[i/64] |= 1 << (i % 64) }
func (b bitmap) has(i int64) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b bitmap) count() (n int64) {
	for _, word := range b {
		n += int64(bits.OnesCount64(word))
	}
	return n
}
