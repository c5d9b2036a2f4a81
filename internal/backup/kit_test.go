package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/backup/backuptest"
)

// disk is a device in memory.
type disk struct {
	data    []byte
	flushes int
}

func (d *disk) Size() int64 { return int64(len(d.data)) }

func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(d.data).ReadAt(p, off)
}

func (d *disk) WriteAt(p []byte, off int64) (int, error) { return copy(d.data[off:], p), nil }

func (d *disk) Flush(context.Context) error { d.flushes++; return nil }

// zeroingDisk makes zeroes by itself.
type zeroingDisk struct{ disk }

func (d *zeroingDisk) WriteZeroes(off, n int64, _ bool) error {
	clear(d.data[off : off+n])
	return nil
}

// kit is a repository over objects in memory, with a clock that a test moves.
type kit struct {
	objects *backuptest.Memory
	now     time.Time
	*backup.Repository
}

func secret() ([]byte, error) { return bytes.Repeat([]byte{7}, 32), nil }

func newKit() *kit {
	k := &kit{objects: &backuptest.Memory{}, now: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}
	k.objects.Now = k.clock
	k.reopen()
	return k
}

func (k *kit) clock() time.Time { return k.now }

// reopen is a new process over the same objects.
func (k *kit) reopen() {
	k.Repository = backup.New(backup.Config{Objects: k.objects, Secret: secret, Random: rand.Reader, Now: k.clock})
}

// whole tells that all of a device may be other than zeroes.
func whole(size int64) func(context.Context, func(int64, int64, bool) error) error {
	return func(_ context.Context, fn func(off, n int64, zero bool) error) error { return fn(0, size, false) }
}

func sourceOf(id string, d *disk) backup.Source {
	return backup.Source{ID: id, From: d, Size: d.Size(), Pieces: whole(d.Size())}
}

// randomDisk has size bytes of which some chunks are zero, some compress and some do not.
func randomDisk(r *mathrand.Rand, size int) *disk {
	d := &disk{data: make([]byte, size)}
	for off := 0; off < size; off += mib {
		part := d.data[off:min(off+mib, size)]
		switch r.IntN(4) {
		case 0: // a hole
		case 1:
			copy(part, bytes.Repeat([]byte("breeze"), len(part)/6))
		case 2:
			part[r.IntN(len(part))] = 1
		default:
			fill(r, part)
		}
	}
	return d
}

func fill(r *mathrand.Rand, p []byte) {
	for i := range p {
		p[i] = byte(r.Uint32())
	}
}

func seeded(n uint64) *mathrand.Rand { return mathrand.New(mathrand.NewPCG(n, 5)) }
