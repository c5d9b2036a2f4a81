package layers

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
)

// The bitmap file of a sealed layer says which grains it holds, and which are
// zeroes in it. It is written once and wins over what the file system takes for
// data: a copy that fills holes does no harm. Little endian:
//
//	magic [8] | grain u32 | 0 u32 | size u64 | grains u64 | zeroes u64 | bytes of
//	the first records u64 | records of grains | records of zeroes | SHA-256 [32]
//
// A record is leaf u32 | full u32: that many leaves of 4 MiB from leaf on are all
// held; with full 0 a bitmap of one leaf follows, lowest bit first. The manifest
// has the SHA-256 too, so that another volume's file is not taken for ours.
const (
	mapMagic  = "BBLKMAP2"
	mapHeader = 48
	// maxMap is the longest bitmap file, in bytes: 32 TiB in single leaves of 4 KiB
	// grains, some of each leaf zeroes.
	maxMap = 2400 << 20
)

// mapWriter builds records from pieces in ascending order.
type mapWriter struct {
	text   []byte
	grain  int64
	leaf   int64 // grains of one
	at     int64 // the leaf that bits are of
	bits   []byte
	count  int64 // grains in bits
	total  int64
	last   int64 // the first grain not yet told of
	full   int64 // leaves in the last record, if it is of full ones
	record int   // where that record is
}

func newMapWriter(grain int64) *mapWriter {
	w := &mapWriter{grain: grain, leaf: leafBytes / grain}
	w.bits = make([]byte, (w.leaf+7)/8)
	return w
}

// addGrains is add for n grains from first on.
func (w *mapWriter) addGrains(first, n int64) { w.add(first*w.grain, n*w.grain) }

// add tells that n bytes at off are held; grains that are touched count as held.
func (w *mapWriter) add(off, n int64) {
	first, end := max(off/w.grain, w.last), (off+n-1)/w.grain+1
	for g := first; g < end; {
		if g/w.leaf != w.at {
			w.flush()
			w.at = g / w.leaf
		}
		k := min(end, (w.at+1)*w.leaf) - g
		for i := g % w.leaf; k < w.leaf && i < g%w.leaf+k; i++ { // a whole leaf needs no bits
			w.bits[i/8] |= 1 << (i % 8)
		}
		w.count += k
		g += k
	}
	w.last = max(w.last, end)
}

// flush writes the record of the leaf at hand.
func (w *mapWriter) flush() {
	switch {
	case w.count == 0:
		return
	case w.count == w.leaf && w.full > 0 && int64(binary.LittleEndian.Uint32(w.text[w.record:]))+w.full == w.at:
		w.full++
		binary.LittleEndian.PutUint32(w.text[w.record+4:], uint32(w.full))
	default:
		w.full, w.record = 0, len(w.text)
		if w.count == w.leaf {
			w.full = 1
		}
		w.text = binary.LittleEndian.AppendUint32(w.text, uint32(w.at))
		w.text = binary.LittleEndian.AppendUint32(w.text, uint32(w.full))
		if w.full == 0 {
			w.text = append(w.text, w.bits...)
		}
	}
	w.total += w.count
	w.count = 0
	clear(w.bits)
}

// encodeMap gives the bitmap file of a layer of size bytes, and its SHA-256 in hex.
func encodeMap(size int64, grains, zeroes *mapWriter) (text []byte, sum string) {
	grains.flush()
	zeroes.flush()
	text = append(text, mapMagic...)
	text = binary.LittleEndian.AppendUint32(text, uint32(grains.grain))
	text = binary.LittleEndian.AppendUint32(text, 0)
	for _, n := range []int64{size, grains.total, zeroes.total, int64(len(grains.text))} {
		text = binary.LittleEndian.AppendUint64(text, uint64(n))
	}
	text = append(append(text, grains.text...), zeroes.text...)
	hash := sha256.Sum256(text)
	return append(text, hash[:]...), hex.EncodeToString(hash[:])
}

// parseMap checks a bitmap file against its layer and calls held and zero with
// each run of their grains, ascending.
func parseMap(text []byte, rec layer, grain int64, held, zero func(first, n int64)) error {
	if len(text) < mapHeader+sha256.Size || string(text[:8]) != mapMagic {
		return fmt.Errorf("%w: no bitmap of a layer", errFormat)
	}
	body, tail := text[:len(text)-sha256.Size], text[len(text)-sha256.Size:]
	sum := sha256.Sum256(body)
	if string(sum[:]) != string(tail) || hex.EncodeToString(tail) != rec.Map {
		return fmt.Errorf("%w: the checksum does not fit", errFormat)
	}
	field := func(i int) int64 { return int64(binary.LittleEndian.Uint64(body[16+8*i:])) }
	records := body[mapHeader:]
	if int64(binary.LittleEndian.Uint32(body[8:])) != grain || field(0) != rec.Size ||
		field(1) != rec.Grains || field(2) != rec.Zeros || field(3) < 0 || field(3) > int64(len(records)) {
		return fmt.Errorf("%w: it is of another layer", errFormat)
	}
	leaf, end := leafBytes/grain, (rec.Size-1)/grain+1
	if err := parseRecords(records[:field(3)], leaf, end, rec.Grains, held); err != nil {
		return err
	}
	return parseRecords(records[field(3):], leaf, end, rec.Zeros, zero)
}

// parseRecords reads records of leaves with leaf grains each, up to end in all.
func parseRecords(body []byte, leaf, end, grains int64, do func(first, n int64)) error {
	next, total := int64(0), int64(0)
	for len(body) > 0 {
		if len(body) < 8 {
			return fmt.Errorf("%w: half a record", errFormat)
		}
		at, full := int64(binary.LittleEndian.Uint32(body)), int64(binary.LittleEndian.Uint32(body[4:]))
		body = body[8:]
		if at < next || at > math.MaxUint32-full || (at+max(full, 1)-1)*leaf >= end {
			return fmt.Errorf("%w: leaf %d is out of order or range", errFormat, at)
		}
		if next = at + max(full, 1); full > 0 {
			if next*leaf > end {
				return fmt.Errorf("%w: leaf %d is not whole", errFormat, next-1)
			}
			do(at*leaf, full*leaf)
			total += full * leaf
			continue
		}
		bits := int((leaf + 7) / 8)
		if len(body) < bits {
			return fmt.Errorf("%w: half a leaf", errFormat)
		}
		n, ok := eachRun(body[:bits], at*leaf, end, do)
		if !ok {
			return fmt.Errorf("%w: leaf %d goes past the end", errFormat, at)
		}
		total += n
		body = body[bits:]
	}
	if total != grains {
		return fmt.Errorf("%w: %d grains, not %d", errFormat, total, grains)
	}
	return nil
}

// eachRun calls do with each run of set bits, which stand for grains from base on.
func eachRun(bits []byte, base, end int64, do func(first, n int64)) (total int64, ok bool) {
	set := func(i int) bool { return bits[i/8]&(1<<(i%8)) != 0 }
	for i := 0; i < len(bits)*8; i++ {
		if !set(i) {
			continue
		}
		first := i
		for i < len(bits)*8 && set(i) {
			i++
		}
		if base+int64(i) > end {
			return 0, false
		}
		do(base+int64(first), int64(i-first))
		total += int64(i - first)
	}
	return total, true
}

// readMap reads the bitmap of a sealed layer in dir.
func readMap(dir string, rec layer, grain int64, held, zero func(first, n int64)) error {
	path := filepath.Join(dir, mapName(rec))
	text, err := readSmall(path, maxMap)
	if err == nil {
		err = parseMap(text, rec, grain, held, zero)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFormat) {
		return damaged(path, err)
	}
	return err
}
