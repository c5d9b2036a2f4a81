package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/layers"
)

// Goals: 400 MiB/s on two cores. Source: data-plane, section 10. That is 5 ms of CPU
// for each MiB, which holds on a machine that others use, too.
var (
	goalBackup    = goal{Least: 0.40} // of copying. Assumed: a disk that copies 1,000 MiB/s
	goalBackupCPU = goal{Most: 5000}  // µs for each MiB
	goalExact     = goal{Most: 1}     // chunks read for each that changed
)

const (
	backupSize    = 192 << 20 // bytes of the volume, all of them random
	backupChanged = 5         // chunks that are written before the incremental backup
	backupVolume  = "vol"
)

// backupRows measures one stream of backup in this process: a snapshot of the driver
// layers into a repository in a folder on the same disk.
func (b *bench) backupRows(ctx context.Context) error {
	if !b.wants("backup") {
		return nil
	}
	dir := filepath.Join(b.dir, "backup")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	k := &keeper{dir: dir}
	var err error
	if k.pool, err = layers.Open(filepath.Join(dir, "pool"), layers.Options{}); err != nil {
		return err
	}
	defer func() { _ = k.pool.Close() }() // what it holds is thrown away
	if err := k.fill(ctx); err != nil {
		return err
	}
	full := &pair{name: "backup full", ours: k.full, limit: k.copyOf}
	again := &pair{name: "backup again", ours: k.again, limit: k.copyOf}
	restore := &pair{name: "backup restore", ours: k.restore, limit: k.copyOf}
	if err := runPairs(ctx, b.rng, b.rounds, []*pair{full, again, restore}, b.say); err != nil {
		return err
	}
	b.add(full.compare("backup, full, random data", "MiB/s", goalBackup, rateOf).with("limit: reading the snapshot and writing one file, fdatasync at the end; ours encrypts, and syncs each chunk of 1 MiB"))
	b.add(full.alone("backup, full, CPU for each MiB", "µs", goalBackupCPU, func(f figures) float64 { return f.cpu }))
	b.add(again.compare("backup, full, all of it stored already", "MiB/s", goal{}, rateOf).with("what is found is read and held to its checksum"))
	b.add(restore.compare("backup, restored to a new volume", "MiB/s", goal{}, rateOf))
	return k.incremental(ctx, b)
}

func rateOf(f figures) float64 { return f.rate }

// keeper is a volume, its snapshot, and repositories to back it up into.
type keeper struct {
	dir   string
	pool  *layers.Pool
	count int
}

// fill makes the volume, of random bytes, and its first snapshot.
func (k *keeper) fill(ctx context.Context) error {
	if err := k.pool.Create(ctx, driver.VolumeSpec{ID: backupVolume, Size: backupSize}, 0); err != nil {
		return err
	}
	random := mathrand.NewChaCha8([32]byte{1})
	err := k.write(ctx, func(dev driver.Device) error {
		chunk := make([]byte, 1<<20)
		for off := int64(0); off < backupSize; off += int64(len(chunk)) {
			_, _ = random.Read(chunk) // never fails
			if _, err := dev.WriteAt(chunk, off); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, k.pool.Snapshot(ctx, backupVolume, "first", 0))
}

func (k *keeper) write(ctx context.Context, work func(dev driver.Device) error) error {
	dev, err := k.pool.Open(ctx, driver.Ref{Volume: backupVolume}, driver.ReadWrite)
	if err != nil {
		return err
	}
	return errors.Join(work(dev), dev.Flush(ctx), dev.Close())
}

// repository is a new one, and how to remove it.
func (k *keeper) repository() (*backup.Repository, func() error) {
	k.count++
	root := filepath.Join(k.dir, fmt.Sprintf("repository-%d", k.count))
	return backup.New(backup.Config{Objects: backup.NewDirectory(root), Random: rand.Reader, Now: time.Now,
		Secret: func() ([]byte, error) { return make([]byte, 32), nil }}), func() error { return os.RemoveAll(root) }
}

// back writes a backup of a snapshot.
func (k *keeper) back(ctx context.Context, r *backup.Repository, id, snapshot, parent, since string) (w backup.Written, took time.Duration, err error) {
	dev, err := k.pool.Open(ctx, driver.Ref{Volume: backupVolume, Snapshot: snapshot}, driver.ReadOnly)
	if err != nil {
		return w, 0, err
	}
	start := time.Now()
	w, err = r.Write(ctx, backup.Source{ID: id, From: dev, Size: backupSize, Parent: parent,
		Pieces: func(ctx context.Context, fn func(off, n int64, zero bool) error) error {
			return k.pool.Changed(ctx, backupVolume, since, snapshot, fn)
		}})
	return w, time.Since(start), errors.Join(err, dev.Close())
}

func mibRate(took time.Duration) figures {
	return figures{rate: backupSize / float64(1<<20) / took.Seconds()}
}

// full is the first backup into an empty repository.
func (k *keeper) full(ctx context.Context) (figures, error) {
	r, remove := k.repository()
	before, err := ownCPU()
	if err != nil {
		return figures{}, err
	}
	_, took, err := k.back(ctx, r, "full", "first", "", "")
	after, errCPU := ownCPU()
	f := mibRate(took)
	f.cpu = float64((after - before).Microseconds()) / (backupSize >> 20)
	return f, errors.Join(err, errCPU, remove())
}

// again is a full backup of bytes that are stored already.
func (k *keeper) again(ctx context.Context) (figures, error) {
	r, remove := k.repository()
	_, _, err := k.back(ctx, r, "full", "first", "", "")
	if err != nil {
		return figures{}, errors.Join(err, remove())
	}
	_, took, err := k.back(ctx, r, "again", "first", "", "")
	return mibRate(took), errors.Join(err, remove())
}

// restore restores to a new volume.
func (k *keeper) restore(ctx context.Context) (figures, error) {
	r, remove := k.repository()
	_, _, err := k.back(ctx, r, "full", "first", "", "")
	if err != nil {
		return figures{}, errors.Join(err, remove())
	}
	id := fmt.Sprintf("into-%d", k.count)
	if err := k.pool.Create(ctx, driver.VolumeSpec{ID: id, Size: backupSize}, 0); err != nil {
		return figures{}, err
	}
	dev, err := k.pool.Open(ctx, driver.Ref{Volume: id}, driver.ReadWrite)
	if err != nil {
		return figures{}, err
	}
	start := time.Now()
	err = r.Restore(ctx, backup.Restoration{ID: "full", Into: dev, Fresh: true})
	took := time.Since(start)
	return mibRate(took), errors.Join(err, dev.Close(), k.pool.Delete(ctx, id, 0), remove())
}

// copyOf is the limit: the same bytes, read through the driver and written to one
// file, which is synced.
func (k *keeper) copyOf(ctx context.Context) (figures, error) {
	dev, err := k.pool.Open(ctx, driver.Ref{Volume: backupVolume, Snapshot: "first"}, driver.ReadOnly)
	if err != nil {
		return figures{}, err
	}
	f, err := os.Create(filepath.Join(k.dir, "copy"))
	if err != nil {
		return figures{}, errors.Join(err, dev.Close())
	}
	start := time.Now()
	chunk := make([]byte, 1<<20)
	for off := int64(0); off < backupSize && err == nil; off += int64(len(chunk)) {
		if _, err = dev.ReadAt(chunk, off); err == nil || errors.Is(err, io.EOF) {
			_, err = f.WriteAt(chunk, off)
		}
	}
	if err == nil {
		err = fdatasync(f)
	}
	took := time.Since(start)
	return mibRate(took), errors.Join(err, dev.Close(), f.Close(), os.Remove(f.Name()))
}

// incremental tells how many chunks an incremental backup reads for each that changed.
func (k *keeper) incremental(ctx context.Context, b *bench) error {
	r, remove := k.repository()
	if _, _, err := k.back(ctx, r, "full", "first", "", ""); err != nil {
		return err
	}
	err := k.write(ctx, func(dev driver.Device) error {
		for c := range int64(backupChanged) { // far from one another, and not at a chunk's beginning
			if _, err := dev.WriteAt(make([]byte, 4096), c*30<<20+8192); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, k.pool.Snapshot(ctx, backupVolume, "second", 0)); err != nil {
		return err
	}
	w, took, err := k.back(ctx, r, "next", "second", "full", "first")
	if err != nil {
		return err
	}
	b.add(row{Name: "backup, incremental: chunks read for each that changed", Unit: "", Ours: spreadOf([]float64{float64(w.Read) / backup.ChunkSize / backupChanged}),
		Goal: goalExact, Rounds: 1}.with(fmt.Sprintf("%d of %d chunks changed; it took %d ms", backupChanged, backupSize/backup.ChunkSize, took.Milliseconds())))
	return remove()
}
