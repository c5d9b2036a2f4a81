package backup

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

const (
	// ChunkSize is the grid of all devices, in bytes. Source: research/data-plane.md
	// section 6: 4 MiB stored 112 to 240 MiB for 256 KiB of scattered changes.
	ChunkSize = 1 << 20
	// MaxSize is the largest device, in bytes.
	MaxSize = 32768 << 30
	// MaxNote is the longest note of a manifest, in bytes.
	MaxNote = 1 << 19

	// perIndex is how many chunks one index names: an index fills one box.
	perIndex = maxPlain / 32 // the length of a name

	manifestVersion = 1
)

// Manifest is what is known of a backup without reading it.
type Manifest struct {
	ID      string
	Parent  string // the backup that this one was made after; empty: none. Only for people
	Size    int64  // of the device, in bytes
	Created time.Time
	Chunks  int64  // that hold more than zeroes
	Note    []byte // the caller's own

	indexes []name // each names perIndex chunks, the last the rest
}

// chunks is how many chunks a device of so many bytes has.
func chunks(size int64) int64 { return (size + ChunkSize - 1) / ChunkSize }

// indexes is how many indexes a device of so many bytes has.
func indexes(size int64) int64 { return (chunks(size) + perIndex - 1) / perIndex }

// inIndex is how many chunks the i-th index of a device names.
func inIndex(size, i int64) int { return int(min(perIndex, chunks(size)-i*perIndex)) }

// append writes the manifest's plain bytes, version 1: numbers big-endian, texts
// after their length.
func (m *Manifest) append(b []byte) []byte {
	b = append(b, manifestVersion)
	for _, text := range []string{m.ID, m.Parent} {
		b = append(b, byte(len(text)))
		b = append(b, text...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(m.Size))
	b = binary.BigEndian.AppendUint32(b, ChunkSize)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Created.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Chunks))
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.Note)))
	b = append(b, m.Note...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.indexes)))
	for i := range m.indexes {
		b = append(b, m.indexes[i][:]...)
	}
	return b
}

// fields reads numbers and texts one after another; past the end all is zero and short is set.
type fields struct {
	rest  []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if n < 0 || n > len(f.rest) {
		f.short, f.rest = true, nil
		return nil
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fields) number(bytes int) (n uint64) {
	for _, b := range f.take(bytes) {
		n = n<<8 | uint64(b)
	}
	return n
}

func (f *fields) text() string { return string(f.take(int(f.number(1)))) }

// parseManifest reads what append wrote; fails with ErrDamaged. Nothing it makes is
// longer than b.
func parseManifest(b []byte) (*Manifest, error) {
	bad := func(what string) error { return fmt.Errorf("%w: a manifest %s", ErrDamaged, what) }
	f := fields{rest: b}
	if version := f.number(1); version != manifestVersion {
		return nil, bad(fmt.Sprintf("of format %d; this version reads %d", version, manifestVersion))
	}
	m := &Manifest{ID: f.text(), Parent: f.text()}
	size, grid, created, data := f.number(8), f.number(4), f.number(8), f.number(8)
	m.Note = append([]byte{}, f.take(int(f.number(4)))...)
	count := f.number(4)
	switch {
	case f.short:
		return nil, bad("is cut off")
	case CheckID(m.ID) != nil || (m.Parent != "" && CheckID(m.Parent) != nil):
		return nil, bad("has no id, or none that can be")
	case size == 0 || size > MaxSize || grid != ChunkSize:
		return nil, bad("has a size or grid out of range")
	case data > uint64(chunks(int64(size))) || len(m.Note) > MaxNote:
		return nil, bad("says more than its size allows")
	case count != uint64(indexes(int64(size))) || uint64(len(f.rest)) != count*uint64(len(name{})):
		return nil, bad("has more or fewer indexes than its size needs")
	}
	m.Size, m.Chunks, m.Created = int64(size), int64(data), time.UnixMicro(int64(created)).UTC()
	m.indexes = make([]name, count)
	for i := range m.indexes {
		copy(m.indexes[i][:], f.take(len(name{})))
	}
	return m, nil
}

// parseIndex reads the names of an index that must have so many; fails with ErrDamaged.
func parseIndex(b []byte, count int) ([]name, error) {
	if len(b) != count*len(name{}) {
		return nil, fmt.Errorf("%w: an index of %d bytes does not name %d chunks", ErrDamaged, len(b), count)
	}
	names := make([]name, count)
	for i := range names {
		copy(names[i][:], b[i*len(name{}):])
	}
	return names, nil
}

// Where objects lie.
const (
	manifests    = "manifests/"
	chunkFolder  = "chunks/"
	indexFolder  = "indexes/"
	writers      = "writers/"   // one marker for each backup that is being written
	sweepMarker  = "sweep/lock" // there while a sweep goes on
	headerObject = "repository" // the sealed key of the repository
)

// object is where a chunk or index lies: in one of 256 folders.
func (n name) object(k kind) string {
	text := hex.EncodeToString(n[:])
	folder := chunkFolder
	if k == indexKind {
		folder = indexFolder
	}
	return folder + text[:2] + "/" + text[2:]
}

// nameOf is the name that lies at an object; false when it is none.
func nameOf(k kind, object string) (n name, ok bool) {
	folder := chunkFolder
	if k == indexKind {
		folder = indexFolder
	}
	if len(object) != len(folder)+2*len(n)+1 || object[:len(folder)] != folder || object[len(folder)+2] != '/' {
		return n, false
	}
	text := object[len(folder):len(folder)+2] + object[len(folder)+3:]
	_, err := hex.Decode(n[:], []byte(text))
	return n, err == nil
}
