package layers

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
)

// The sums file of a sealed layer has a record for each MiB that holds data, with a
// CRC-32C for each 4 KiB of it: small, so that a small read needs no more than it
// asked for to be checked. What ends a layer counts as if zeroes followed. Little endian:
//
//	magic [8] | size u64 | records | directory | directory's place u64 | records u64 | SHA-256 [32]
//
// A record is a bitmap [32] of the pages that it has, their sums u32, and the
// CRC-32C of its block's number and all that. The directory has for each record its
// block u32, 0 u32 and place u64. The SHA-256 is of magic, size, directory, its
// place and count; the manifest has it too.
const (
	sumsMagic  = "BBLKSUM1"
	sumsHeader = 16
	sumsTail   = 16 + sha256.Size
	sumBlock   = 1 << 20
	sumPage    = 4096
	sumPages   = sumBlock / sumPage
	maxBlocks  = 32 << 20 // of 32 TiB
)

// sumOf is the checksum of a page; a short one counts as followed by zeroes.
func sumOf(page []byte) uint32 {
	if len(page) < sumPage {
		page = append(slices.Clone(page), make([]byte, sumPage-len(page))...)
	}
	return crc32.Checksum(page, castagnoli)
}

// record has the sums of a block.
type record struct {
	has [sumPages / 8]byte
	sum [sumPages]uint32
}

func (r *record) find(page int64) (uint32, bool) {
	i := page % sumPages
	return r.sum[i], r.has[i/8]&(1<<(i%8)) != 0
}

func (r *record) put(page int64, sum uint32) {
	i := page % sumPages
	r.sum[i] = sum
	r.has[i/8] |= 1 << (i % 8)
}

func (r *record) encode(block int64) []byte {
	p := slices.Clone(r.has[:])
	for i := range int64(sumPages) {
		if sum, found := r.find(i); found {
			p = binary.LittleEndian.AppendUint32(p, sum)
		}
	}
	return binary.LittleEndian.AppendUint32(p, recordSum(block, p))
}

func recordSum(block int64, p []byte) uint32 {
	number := binary.LittleEndian.AppendUint64(nil, uint64(block))
	return crc32.Update(crc32.Checksum(number, castagnoli), castagnoli, p)
}

// parseRecord reads the record of a block from the beginning of p.
func parseRecord(p []byte, block int64) (*record, error) {
	r := &record{}
	bad := fmt.Errorf("%w: the sums of block %d", errFormat, block)
	if len(p) < len(r.has) {
		return nil, bad
	}
	copy(r.has[:], p)
	at := len(r.has)
	for i := range int64(sumPages) {
		if r.has[i/8]&(1<<(i%8)) == 0 {
			continue
		}
		if len(p) < at+8 {
			return nil, bad
		}
		r.sum[i] = binary.LittleEndian.Uint32(p[at:])
		at += 4
	}
	if len(p) < at+4 || binary.LittleEndian.Uint32(p[at:]) != recordSum(block, p[:at]) {
		return nil, bad
	}
	return r, nil
}

// entry is where the record of a block is.
type entry struct {
	block uint32
	at    int64
}

// sumsWriter writes a sums file; pages come in ascending order.
type sumsWriter struct {
	f    *os.File
	w    *bufio.Writer
	at   int64
	size int64
	dir  []entry
	now  record // of block
	last int64  // that block; -1: none
}

func createSums(path string, size int64) (*sumsWriter, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|noFollow, 0o600)
	if err != nil {
		return nil, spaceError(err)
	}
	w := &sumsWriter{f: f, w: bufio.NewWriterSize(f, 1<<16), size: size, last: -1}
	_, _ = w.w.Write(sumsHead(size)) // errors stay in the writer until finish
	w.at = sumsHeader
	return w, nil
}

func sumsHead(size int64) []byte {
	return binary.LittleEndian.AppendUint64([]byte(sumsMagic), uint64(size))
}

func (w *sumsWriter) put(page int64, sum uint32) {
	if block := page / sumPages; block != w.last {
		w.flush()
		w.last = block
	}
	w.now.put(page, sum)
}

func (w *sumsWriter) flush() {
	if w.last < 0 {
		return
	}
	p := w.now.encode(w.last)
	_, _ = w.w.Write(p)
	w.dir = append(w.dir, entry{uint32(w.last), w.at})
	w.at += int64(len(p))
	w.now = record{}
}

// finish makes the file durable but for its name, closes it and tells its SHA-256.
func (w *sumsWriter) finish() (string, error) {
	w.flush()
	hash := sha256.New()
	hash.Write(sumsHead(w.size))
	both := io.MultiWriter(hash, w.w)
	for _, e := range w.dir {
		_, _ = both.Write(e.encode())
	}
	place := binary.LittleEndian.AppendUint64(nil, uint64(w.at))
	_, _ = both.Write(binary.LittleEndian.AppendUint64(place, uint64(len(w.dir))))
	sum := hash.Sum(nil)
	_, _ = w.w.Write(sum)
	err := w.w.Flush()
	if err == nil {
		err = w.f.Sync()
	}
	return hex.EncodeToString(sum), spaceError(errors.Join(err, w.f.Close()))
}

func (e entry) encode() []byte {
	p := binary.LittleEndian.AppendUint32(nil, e.block)
	p = binary.LittleEndian.AppendUint32(p, 0)
	return binary.LittleEndian.AppendUint64(p, uint64(e.at))
}

// abandon closes and removes what was written so far.
func (w *sumsWriter) abandon() { _ = errors.Join(w.f.Close(), os.Remove(w.f.Name())) }

// sums is an open sums file.
type sums struct {
	f     *os.File
	dir   []entry
	end   int64 // where the records end
	id    uint64
	cache *sumCache
}

// openSums reads the directory of a layer's sums.
func openSums(d *disk, dir string, rec layer) (*sums, error) {
	path := filepath.Join(dir, sumsName(rec))
	f, err := openRegular(path, os.O_RDONLY)
	if err == nil {
		s := &sums{f: f, cache: d.cache, id: d.cache.next.Add(1)}
		if err = s.readDirectory(rec); err == nil {
			return s, nil
		}
		err = errors.Join(err, f.Close())
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFormat) {
		return nil, damaged(path, err)
	}
	return nil, err
}

func (s *sums) readDirectory(rec layer) error {
	bad := fmt.Errorf("%w: no sums of this layer (a check with repair counts them anew)", errFormat)
	info, err := s.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < sumsHeader+sumsTail {
		return bad
	}
	head := make([]byte, sumsHeader)
	if _, err := s.f.ReadAt(head, 0); err != nil {
		return err
	}
	tail := make([]byte, sumsTail)
	if _, err := s.f.ReadAt(tail, info.Size()-sumsTail); err != nil {
		return err
	}
	s.end = int64(binary.LittleEndian.Uint64(tail))
	count := int64(binary.LittleEndian.Uint64(tail[8:]))
	if !bytes.Equal(head, sumsHead(rec.Size)) || count < 0 || count > maxBlocks || s.end < sumsHeader || s.end != info.Size()-sumsTail-16*count {
		return bad
	}
	hash := sha256.New()
	hash.Write(head)
	if err := s.readEntries(count, hash); err != nil {
		return err
	}
	hash.Write(tail[:16])
	if sum := hash.Sum(nil); !bytes.Equal(sum, tail[16:]) || hex.EncodeToString(sum) != rec.Sums {
		return bad
	}
	return nil
}

func (s *sums) readEntries(count int64, hash hash.Hash) error {
	r := bufio.NewReaderSize(io.NewSectionReader(s.f, s.end, 16*count), 1<<16)
	s.dir = make([]entry, 0, count)
	var p [16]byte
	for range count {
		if _, err := io.ReadFull(r, p[:]); err != nil {
			return err
		}
		hash.Write(p[:])
		s.dir = append(s.dir, entry{binary.LittleEndian.Uint32(p[:]), int64(binary.LittleEndian.Uint64(p[8:]))})
	}
	return nil
}

// record finds the sums of a block. What the directory lacks is damage: it is asked
// only for what the layer holds.
func (s *sums) record(block int64) (*record, error) {
	if r := s.cache.get(s.id, block); r != nil {
		return r, nil
	}
	i, found := slices.BinarySearchFunc(s.dir, block, func(e entry, block int64) int { return cmp.Compare(int64(e.block), block) })
	if !found || block > math.MaxUint32 {
		return nil, damaged(s.f.Name(), fmt.Errorf("%w: no sums of block %d", errFormat, block))
	}
	const longest = sumPages/8 + 4*sumPages + 4
	p := make([]byte, max(0, min(longest, s.end-s.dir[i].at)))
	if _, err := s.f.ReadAt(p, s.dir[i].at); err != nil {
		return nil, err
	}
	r, err := parseRecord(p, block)
	if err != nil {
		return nil, damaged(s.f.Name(), fmt.Errorf("%w (a check with repair counts them anew)", err))
	}
	s.cache.put(s.id, block, r)
	return r, nil
}

// sum finds the sum of a page.
func (s *sums) sum(page int64) (uint32, error) {
	r, err := s.record(page / sumPages)
	if err != nil {
		return 0, err
	}
	if sum, found := r.find(page); found {
		return sum, nil
	}
	return 0, damaged(s.f.Name(), fmt.Errorf("%w: no sum of the page at %d", errFormat, page*sumPage))
}

// sumCache keeps records of all open layers: as many as there are slots, so 18 MB
// at most, which are the sums of 16 GiB.
type sumCache struct {
	next  atomic.Uint64
	slots [1 << 14]atomic.Pointer[cached]
}

type cached struct {
	id     uint64
	block  int64
	record *record
}

func (c *sumCache) slot(id uint64, block int64) *atomic.Pointer[cached] {
	const spread = 0x9E3779B97F4A7C15 // the golden ratio
	return &c.slots[(uint64(block)+id*7919)*spread>>50]
}

func (c *sumCache) get(id uint64, block int64) *record {
	if e := c.slot(id, block).Load(); e != nil && e.id == id && e.block == block {
		return e.record
	}
	return nil
}

func (c *sumCache) put(id uint64, block int64, r *record) {
	c.slot(id, block).Store(&cached{id, block, r})
}
