//go:build linux

package layers

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/breezeblock/breezeblock/internal/driver"
)

const (
	cutSector  = 512            // bytes; what a disk writes whole
	cutSectors = 2 * mib / 512  // of the volume at first
	cutMixed   = cutSectors / 4 // of them those in which the guests' sectors lie side by side
	cutOwners  = 4              // three guests, and one that writes at the steps
	cutChunk   = 3              // sectors of one guest side by side, so that grains have several
	cutLongest = 128            // sectors of one request
	cutHooked  = cutOwners - 1  // the owner that writes at the steps
)

// sectors is what was written to the volume. A value names one write of one sector
// and is never used twice; 0 is zeroes.
type sectors struct {
	mu   sync.Mutex
	log  [][]uint32 // of each sector: all it was told to hold since it was last read, oldest first
	done []int      // of each: how many of them were answered
	kept []int      // of each: how many a flush has made impossible, as a newer one is durable
	next uint32
}

// begin notes a request before it is made and tells its value.
func (s *sectors) begin(first, n int, zero bool) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	value := uint32(0)
	if !zero {
		s.next++
		value = s.next
	}
	for i := first; i < first+n; i++ {
		s.log[i] = append(s.log[i], value)
	}
	return value
}

func (s *sectors) end(first, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := first; i < first+n; i++ {
		s.done[i] = len(s.log[i])
	}
}

// flushed notes that what was answered to the sectors' one owner is durable.
func (s *sectors) flushed(dirty [][2]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range dirty {
		for i := d[0]; i < d[0]+d[1]; i++ {
			s.kept[i] = s.done[i] - 1
		}
	}
}

// now tells how many values of each sector were begun, or answered.
func (s *sectors) now(answered bool) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answered {
		return slices.Clone(s.done)
	}
	var all []int
	for i := range s.log {
		all = append(all, len(s.log[i]))
	}
	return all
}

// reset makes values the truth.
func (s *sectors) reset(values []uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.done, s.kept = nil, nil, nil
	for _, v := range values {
		s.log, s.done, s.kept = append(s.log, []uint32{v}), append(s.done, 1), append(s.kept, 0)
		s.next = max(s.next, v)
	}
}

// differs finds the first sector whose value is not one of those that it had between
// two moments; "" is that there is none. least nil is the last flush.
func (s *sectors) differs(values []uint32, least, most []int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(values) < len(s.log) {
		return fmt.Sprintf("it has %d sectors, not %d", len(values), len(s.log))
	}
	for i, v := range values {
		if i >= len(s.log) {
			if v != 0 {
				return fmt.Sprintf("sector %d past the old end is write %d", i, v)
			}
			continue
		}
		from, to := s.kept[i], len(s.log[i])
		if least != nil {
			from, to = least[i]-1, most[i]
		}
		if !slices.Contains(s.log[i][from:to], v) {
			return fmt.Sprintf("sector %d is write %d, and may be %v", i, v, s.log[i][from:to])
		}
	}
	return ""
}

// encodeSectors makes the bytes of a write.
func encodeSectors(first, n int, value uint32) []byte {
	p := make([]byte, n*cutSector)
	for at := 0; at < len(p); at += 8 {
		binary.LittleEndian.PutUint64(p[at:], uint64(value)<<32|uint64(first+at/cutSector))
	}
	return p
}

// decodeSectors tells which writes the bytes are of.
func decodeSectors(p []byte, first int) ([]uint32, error) {
	values := make([]uint32, len(p)/cutSector)
	for i := range values {
		word := binary.LittleEndian.Uint64(p[i*cutSector:])
		for at := i * cutSector; at < (i+1)*cutSector; at += 8 {
			if binary.LittleEndian.Uint64(p[at:]) != word {
				return nil, fmt.Errorf("sector %d is torn", first+i)
			}
		}
		if word != 0 && int(uint32(word)) != first+i {
			return nil, fmt.Errorf("sector %d holds the bytes of sector %d", first+i, uint32(word))
		}
		values[i] = uint32(word >> 32)
	}
	return values, nil
}

// readSectors reads all of a volume or snapshot.
func readSectors(dev driver.Device) ([]uint32, error) {
	p := make([]byte, dev.Size())
	if n, err := dev.ReadAt(p, 0); n != len(p) {
		return nil, err
	}
	return decodeSectors(p, 0)
}

// cutGuest writes to sectors that are its own, one request after the other.
type cutGuest struct {
	owner  int
	random *rand.Rand
	s      *sectors
	flush  func(dev driver.Device) error
	cut    *atomic.Bool // the cut has begun: answers are worth nothing
	dirty  [][2]int
}

// pick draws a range of the guest's sectors.
func (g *cutGuest) pick() (first, n int) {
	if g.random.IntN(2) == 0 {
		const chunks = cutMixed / cutChunk / cutOwners
		chunk := g.random.IntN(chunks)*cutOwners + g.owner
		at := g.random.IntN(cutChunk)
		return chunk*cutChunk + at, 1 + g.random.IntN(cutChunk-at)
	}
	const zone = (cutSectors - cutMixed) / cutOwners
	first = g.random.IntN(zone)
	n = min(zone-first, 1+g.random.IntN(cutLongest))
	return cutMixed + g.owner*zone + first, n
}

// write makes one request: bytes, zeroes, or a discard.
func (g *cutGuest) write(dev driver.Device) error {
	first, n := g.pick()
	kind := g.random.IntN(8)
	off, bytes := int64(first)*cutSector, int64(n)*cutSector
	value := g.s.begin(first, n, kind < 3)
	g.dirty = append(g.dirty, [2]int{first, n})
	var err error
	switch space := dev.(driver.Space); {
	case kind < 2:
		err = space.WriteZeroes(off, bytes, kind == 1)
	case kind == 2:
		err = g.discard(dev, space, first, n)
	default:
		_, err = dev.WriteAt(encodeSectors(first, n, value), off)
	}
	if err == nil {
		g.s.end(first, n)
	}
	return err
}

// discard notes which sectors were left as they were.
func (g *cutGuest) discard(dev driver.Device, space driver.Space, first, n int) error {
	if err := space.Discard(int64(first)*cutSector, int64(n)*cutSector); err != nil {
		return err
	}
	p := make([]byte, n*cutSector)
	if _, err := dev.ReadAt(p, int64(first)*cutSector); err != nil {
		return err
	}
	values, err := decodeSectors(p, first)
	if err != nil {
		return err
	}
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	for i, v := range values {
		if log := &g.s.log[first+i]; v != 0 { // the value before, which it must be
			if v != (*log)[len(*log)-2] {
				return fmt.Errorf("a discarded sector %d is write %d, was %d", first+i, v, (*log)[len(*log)-2])
			}
			*log = append(*log, v)
		}
	}
	return nil
}

func (g *cutGuest) sync(dev driver.Device) error {
	if err := g.flush(dev); err != nil || g.cut.Load() {
		return err
	}
	g.s.flushed(g.dirty)
	g.dirty = nil
	return nil
}

// act does something.
func (g *cutGuest) act(dev driver.Device) error {
	if g.random.IntN(4) == 0 {
		return g.sync(dev)
	}
	return g.write(dev)
}
