package layers

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// The log of zeroes of an open layer tells which grains are zeroes though layers
// beneath may hold data. Data that is found in the layer beats it: so a grain that
// is written needs no second record. It is made with the layer and only grows, by
// records of 32 bytes, little endian; the first one is the head:
//
//	first u64 | grains u64 | number u64, from 0 | 0 u32 | CRC-32C u32
//
// The checksum begins with a digest of volume and layer, so that a log of another
// is not taken for this one's. What a power cut leaves at the end is cut off: half
// a record, or records of nothing but zero bytes.
const (
	zeroMagic  = 0x3147_4F4C_4B4C_4242 // "BBLKLOG1", in first of the head
	zeroRecord = 32
	maxZeroLog = 1 << 30 // bytes; 33 million pieces, after which the layer counts as full
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// What logged knows of a grain; 0 is nothing.
const (
	inLog   = 1
	toErase = 2 // as well, and the layer's bytes are still there
)

// maxErasures bounds how many pieces wait for the next flush to be erased.
const maxErasures = 1024

// zeroLog is the log of an open layer. Bytes of the layer beneath a new record are
// erased only once the record is durable, else a power cut in between would bring
// back what lies in lower layers. That is done together, by settle.
type zeroLog struct {
	disk   *disk
	f      *os.File
	salt   uint32
	logged *table // grains; a change holds them in the core's ranges

	settling sync.Mutex // one at a time

	mu       sync.Mutex
	records  int64 // in the file, with the head
	dirty    bool  // some are not durable yet
	erasures []span
}

// newZeroLog prepares the log of layer rec of m.
func newZeroLog(d *disk, m *manifest, rec layer, f *os.File) *zeroLog {
	digest := sha256.Sum256(fmt.Appendf(nil, "%s %d", m.Volume, rec.Number))
	return &zeroLog{disk: d, f: f, salt: binary.LittleEndian.Uint32(digest[:]), logged: newTable(m.Grain, rec.Size)}
}

// createZeroLog makes an empty log. One that a cut call left behind is taken over
// if it is empty, as it must be.
func createZeroLog(d *disk, dir string, m *manifest, rec layer) (*zeroLog, error) {
	path := filepath.Join(dir, zeroName(rec.Number))
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	z := newZeroLog(d, m, rec, f)
	info, err := f.Stat()
	if err == nil && info.Size() > zeroRecord {
		err = damaged(path, errors.New("no manifest names this log, but it has records"))
	}
	if err == nil {
		err = z.write([]span{{zeroMagic, zeroMagic}})
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return z, nil
}

// openZeroLog reads the log of an open layer.
func openZeroLog(d *disk, dir string, m *manifest, rec layer) (*zeroLog, error) {
	path := filepath.Join(dir, zeroName(rec.Number))
	f, err := openRegular(path, os.O_RDWR)
	if err == nil {
		z := newZeroLog(d, m, rec, f)
		if err = z.read((rec.Size-1)/m.Grain + 1); err == nil {
			return z, nil
		}
		err = errors.Join(err, f.Close())
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errFormat) {
		return nil, damaged(path, err)
	}
	return nil, err
}

// encode makes record number of s; of the head, first is the magic.
func (z *zeroLog) encode(p []byte, s span, number int64) []byte {
	at := len(p)
	p = binary.LittleEndian.AppendUint64(p, uint64(s.first))
	p = binary.LittleEndian.AppendUint64(p, uint64(s.last-s.first+1))
	p = binary.LittleEndian.AppendUint64(p, uint64(number))
	p = binary.LittleEndian.AppendUint32(p, 0)
	return binary.LittleEndian.AppendUint32(p, crc32.Update(z.salt, castagnoli, p[at:]))
}

// write appends a record for each span. When it fails the log is as before.
func (z *zeroLog) write(spans []span) error {
	z.mu.Lock()
	defer z.mu.Unlock()
	var p []byte
	for i, s := range spans {
		p = z.encode(p, s, z.records+int64(i))
	}
	end := z.records * zeroRecord
	if end+int64(len(p)) > maxZeroLog {
		return fmt.Errorf("%w: %s would be longer than %d bytes", driver.ErrNoSpace, z.f.Name(), int64(maxZeroLog))
	}
	if _, err := z.disk.write(z.f, p, end); err != nil {
		return errors.Join(spaceError(err), z.f.Truncate(end))
	}
	z.records += int64(len(spans))
	z.dirty = true
	return nil
}

// read notes all records of a layer with so many grains, and cuts off what a power
// cut left of one.
func (z *zeroLog) read(grains int64) error {
	info, err := z.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > maxZeroLog {
		return fmt.Errorf("%w: it has %d bytes", errFormat, info.Size())
	}
	buf := make([]byte, 1<<16)
	for end := false; !end; {
		n, err := io.ReadFull(io.NewSectionReader(z.f, z.records*zeroRecord, int64(len(buf))), buf)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		end = n < len(buf)
		if err := z.parse(buf[:n-n%zeroRecord], grains); errors.Is(err, errTorn) {
			end = true
		} else if err != nil {
			return err
		}
	}
	if z.records == 0 {
		return fmt.Errorf("%w: it is empty", errFormat)
	}
	if info.Size() != z.records*zeroRecord {
		return z.f.Truncate(z.records * zeroRecord)
	}
	return nil
}

var errTorn = errors.New("the log ends here")

// parse notes the records in p, which follow those that were read.
func (z *zeroLog) parse(p []byte, grains int64) error {
	for ; len(p) > 0; p = p[zeroRecord:] {
		first, n := int64(binary.LittleEndian.Uint64(p)), int64(binary.LittleEndian.Uint64(p[8:]))
		if string(z.encode(nil, span{first, first + n - 1}, z.records)) != string(p[:zeroRecord]) {
			if allZero(p[:zeroRecord]) {
				return errTorn
			}
			return fmt.Errorf("%w: record %d fails its checks", errFormat, z.records)
		}
		switch isHead := first == zeroMagic; {
		case isHead != (z.records == 0):
			return fmt.Errorf("%w: record %d is out of place", errFormat, z.records)
		case !isHead && (first < 0 || n < 1 || first > grains-n):
			return fmt.Errorf("%w: record %d tells of %d grains at %d", errFormat, z.records, n, first)
		case !isHead:
			z.logged.set(first, n, inLog)
		}
		z.records++
	}
	return nil
}

func allZero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}

// any tells whether a grain was ever logged.
func (z *zeroLog) any() bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.records > 1
}

// waiting tells whether there is anything for settle to do.
func (z *zeroLog) waiting() bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.dirty || len(z.erasures) > 0
}

// crowded tells whether more waits to be erased than ought to.
func (z *zeroLog) crowded() bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return len(z.erasures) >= maxErasures
}

// sync makes the records durable that were written before it began.
func (z *zeroLog) sync() error {
	z.settling.Lock() // who finds nothing to do must know that another has done it
	defer z.settling.Unlock()
	return z.syncLocked()
}

func (z *zeroLog) syncLocked() error {
	z.mu.Lock()
	dirty := z.dirty
	z.dirty = false
	z.mu.Unlock()
	if !dirty {
		return nil
	}
	return z.disk.datasync(z.f)
}

// settle makes the records durable, then erases what the layer still holds of
// their grains. An error is final for the device.
func (z *zeroLog) settle(l *layerFile, ranges *rangeLock) error {
	z.settling.Lock()
	defer z.settling.Unlock()
	z.mu.Lock()
	erasures := z.erasures
	z.erasures = nil
	z.mu.Unlock()
	if err := z.syncLocked(); err != nil {
		return err
	}
	for _, s := range erasures {
		if err := z.erase(s, l, ranges); err != nil {
			return err
		}
	}
	return nil
}

// erase erases of s what was not written again since.
func (z *zeroLog) erase(s span, l *layerFile, ranges *rangeLock) error {
	ranges.lock(s)
	defer ranges.unlock(s)
	shift := z.logged.shift
	for g := s.first; g <= s.last; {
		state, n := z.logged.run(g, s.last-g+1)
		if state == toErase {
			off := g << shift
			if err := l.erase(off, min((g+n)<<shift, l.size.Load())-off); err != nil {
				return err
			}
			z.logged.set(g, n, inLog)
		}
		g += n
	}
	return nil
}

// cover notes that s becomes zeroes. The grains of held hold data in the layer.
// The caller keeps all writers out and has s in the core's ranges.
func (z *zeroLog) cover(all, held []span) error {
	var fresh []span
	for _, s := range all {
		for g := s.first; g <= s.last; {
			state, n := z.logged.run(g, s.last-g+1)
			if state == 0 {
				fresh = append(fresh, span{g, g + n - 1})
			}
			g += n
		}
	}
	if len(fresh) > 0 {
		if err := z.write(fresh); err != nil {
			return err
		}
	}
	for _, s := range fresh {
		z.logged.set(s.first, s.last-s.first+1, inLog)
	}
	for _, s := range held {
		z.logged.set(s.first, s.last-s.first+1, toErase)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	z.erasures = append(z.erasures, held...)
	return nil
}

// written takes back that s is to be erased: it is about to be written. The caller
// has s in the core's ranges.
func (z *zeroLog) written(s span) {
	for g := s.first; g <= s.last; {
		state, n := z.logged.run(g, s.last-g+1)
		if state == toErase {
			z.logged.set(g, n, inLog)
		}
		g += n
	}
}
