package drivertest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Bounds of a random history. Volumes are larger than 4 MiB at times, so that
// tables which grow in steps of some MiB take more than one.
const (
	maxModelVolumes   = 3
	maxModelSnapshots = 4
	maxModelSize      = 5 * mib
)

// modelVolume is a volume in memory.
type modelVolume struct {
	data   []byte
	snaps  map[string][]byte
	dev    device // the writer, if one is open
	reader device // of a snapshot, if one is open
	reads  string // the snapshot that reader shows
}

// model is a random history: what the driver did and what it ought to hold.
type model struct {
	*bench
	vols map[string]*modelVolume
	next int // ids are never used again
}

// Histories runs the random histories alone; Run has them too. It is for a driver
// in a second shape, say with other sizes of its parts.
func Histories(t *testing.T, fresh func(t *testing.T) Opener) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{bench: newBench(rt, fresh(t)), vols: map[string]*modelVolume{}}
		rt.Repeat(map[string]func(*rapid.T){
			"create":         m.doCreate,
			"clone":          m.doClone,
			"delete":         m.doDelete,
			"extend":         m.doExtend,
			"snapshot":       m.doSnapshot,
			"deleteSnapshot": m.doDeleteSnapshot,
			"write":          m.doWrite,
			"writeMore":      m.doWrite,
			"zeroes":         m.doZeroes,
			"discard":        m.doDiscard,
			"rollback":       m.doRollback,
			"changed":        m.doChanged,
			"read":           m.doRead,
			"openSnapshot":   m.doOpenSnapshot,
			"close":          m.doClose,
			"reopen":         m.doReopen,
			"compareAll":     m.doCompareAll,
		})
		m.doCompareAll(rt)
		m.closeAll()
	})
}

// pick draws a volume, or skips the action when there is none.
func (m *model) pick(t *rapid.T) (string, *modelVolume) {
	if len(m.vols) == 0 {
		t.Skip("no volume")
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(m.vols))).Draw(t, "volume")
	return id, m.vols[id]
}

// pickSnapshot draws a volume that has snapshots, and one of them.
func (m *model) pickSnapshot(t *rapid.T) (string, *modelVolume, string) {
	id, v := m.pick(t)
	if len(v.snaps) == 0 {
		t.Skip("no snapshot")
	}
	return id, v, rapid.SampledFrom(slices.Sorted(maps.Keys(v.snaps))).Draw(t, "snapshot")
}

func (m *model) newID() string {
	m.next++
	return fmt.Sprintf("%08x-model", m.next)
}

// drawSize draws a size of at least least bytes, not always of whole grains.
func drawSize(t *rapid.T, least int) int {
	return rapid.IntRange(max(least, driver.SizeUnit)/driver.SizeUnit, maxModelSize/driver.SizeUnit).Draw(t, "sectors") * driver.SizeUnit
}

func (m *model) doCreate(t *rapid.T) {
	if len(m.vols) == maxModelVolumes {
		t.Skip("enough volumes")
	}
	id, size := m.newID(), drawSize(t, 0)
	m.create(id, int64(size))
	m.vols[id] = &modelVolume{data: make([]byte, size), snaps: map[string][]byte{}}
}

func (m *model) doClone(t *rapid.T) {
	if len(m.vols) == maxModelVolumes {
		t.Skip("enough volumes")
	}
	source, v, snap := m.pickSnapshot(t)
	id, size := m.newID(), drawSize(t, len(v.snaps[snap]))
	m.clone(id, int64(size), driver.Ref{Volume: source, Snapshot: snap})
	data := make([]byte, size)
	copy(data, v.snaps[snap])
	m.vols[id] = &modelVolume{data: data, snaps: map[string][]byte{}}
}

func (m *model) doDelete(t *rapid.T) {
	id, v := m.pick(t)
	if v.dev != nil || v.reader != nil {
		m.wants("delete what is open", m.d.Delete(m.Context(), id, 0), driver.ErrBusy)
		return
	}
	m.delete(id)
	delete(m.vols, id)
}

func (m *model) doExtend(t *rapid.T) {
	id, v := m.pick(t)
	size := drawSize(t, len(v.data))
	m.extend(id, int64(size))
	v.data = append(v.data[:len(v.data):len(v.data)], make([]byte, size-len(v.data))...)
}

func (m *model) doSnapshot(t *rapid.T) {
	id, v := m.pick(t)
	if len(v.snaps) == maxModelSnapshots {
		t.Skip("enough snapshots")
	}
	snap := m.newID()
	m.snapshot(id, snap)
	v.snaps[snap] = slices.Clone(v.data)
}

func (m *model) doDeleteSnapshot(t *rapid.T) {
	id, v, snap := m.pickSnapshot(t)
	if v.reads == snap {
		m.wants("delete an open snapshot", m.d.DeleteSnapshot(m.Context(), id, snap, 0), driver.ErrBusy)
		return
	}
	m.deleteSnapshot(id, snap)
	delete(v.snaps, snap)
}

// drawRange draws a piece of a volume: whole sectors, whole grains or any bytes.
func drawRange(t *rapid.T, size int) (off, n int) {
	unit := rapid.SampledFrom([]int{1, 512, 4096, 65536}).Draw(t, "unit")
	off = rapid.IntRange(0, (size-1)/unit).Draw(t, "offset") * unit
	n = rapid.IntRange(1, 64).Draw(t, "length") * unit
	return off, min(n, size-off)
}

func (m *model) doWrite(t *rapid.T) {
	_, v := m.writer(t)
	off, n := drawRange(t, len(v.data))
	p := pattern(rapid.Byte().Draw(t, "seed"), n)
	if rapid.IntRange(0, 9).Draw(t, "zeroes") == 0 {
		clear(p)
	}
	m.writeTo(v.dev, p, int64(off))
	copy(v.data[off:], p)
	if rapid.Bool().Draw(t, "flush") {
		m.must("flush", v.dev.Flush(m.Context()))
	}
}

// writer draws a volume and opens it for writing.
func (m *model) writer(t *rapid.T) (string, *modelVolume) {
	id, v := m.pick(t)
	if v.dev == nil {
		v.dev = m.openDevice(driver.Ref{Volume: id}, driver.ReadWrite)
	}
	return id, v
}

func (m *model) doZeroes(t *rapid.T) {
	_, v := m.writer(t)
	off, n := drawRange(t, len(v.data))
	m.must("write zeroes", v.dev.WriteZeroes(int64(off), int64(n), rapid.Bool().Draw(t, "keep")))
	clear(v.data[off : off+n])
	m.checkExtents(v.dev, v.data)
}

func (m *model) doDiscard(t *rapid.T) {
	_, v := m.writer(t)
	off, n := drawRange(t, len(v.data))
	m.must("discard", v.dev.Discard(int64(off), int64(n)))
	m.discarded(v.dev, v.data, off, n)
}

func (m *model) doRollback(t *rapid.T) {
	id, v, snap := m.pickSnapshot(t)
	if v.dev != nil {
		m.wants("roll back an open volume", m.d.Rollback(m.Context(), id, snap, 0), driver.ErrBusy)
		return
	}
	m.rollback(id, snap)
	clear(v.data)
	copy(v.data, v.snaps[snap])
}

func (m *model) doChanged(t *rapid.T) {
	id, v, to := m.pickSnapshot(t)
	m.checkChanged(id, rapid.SampledFrom(append(slices.Sorted(maps.Keys(v.snaps)), "")).Draw(t, "from"), to)
}

func (m *model) doRead(t *rapid.T) {
	id, v := m.writer(t)
	off, n := drawRange(t, len(v.data))
	got := make([]byte, n)
	if read, err := v.dev.ReadAt(got, int64(off)); read != n {
		m.Fatalf("read %d bytes at %d: %d, %v", n, off, read, err)
	}
	if !slices.Equal(got, v.data[off:off+n]) {
		m.Fatalf("%d bytes at %d of %s differ", n, off, id)
	}
}

func (m *model) doOpenSnapshot(t *rapid.T) {
	id, v, snap := m.pickSnapshot(t)
	if v.reader != nil {
		t.Skip("one is open")
	}
	v.reader, v.reads = m.openDevice(driver.Ref{Volume: id, Snapshot: snap}, driver.ReadOnly), snap
}

func (m *model) doClose(t *rapid.T) {
	_, v := m.pick(t)
	m.closeVolume(v)
}

func (m *model) doReopen(*rapid.T) {
	m.closeAll()
	m.reopen()
}

func (m *model) doCompareAll(*rapid.T) {
	m.compareList()
	for id, v := range m.vols {
		m.compare(driver.Ref{Volume: id}, v.data)
		for snap, data := range v.snaps {
			m.compare(driver.Ref{Volume: id, Snapshot: snap}, data)
		}
		if v.reader != nil {
			m.compareDevice(v.reader, v.snaps[v.reads])
		}
	}
}

func (m *model) closeAll() {
	for _, v := range m.vols {
		m.closeVolume(v)
	}
}

func (m *model) closeVolume(v *modelVolume) {
	if v.dev != nil {
		m.must("close", v.dev.Close())
	}
	if v.reader != nil {
		m.must("close a snapshot", v.reader.Close())
	}
	v.dev, v.reader, v.reads = nil, nil, ""
}
