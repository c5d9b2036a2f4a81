package proof

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/store"
)

// rig is a database and a driver, with a way to queue work and one to look at all.
type rig struct {
	store *store.Store
	disk  driver.Driver
	front *block.Service
	harm  func(driver.Driver) driver.Driver

	id     string // of the object that the job is about
	volume string
	snap   string
}

var (
	member = block.Caller{UserID: "user", ProjectID: "project"}
	chief  = block.Caller{UserID: "chief", ProjectID: "project", Admin: true}
)

func newRig(dir string, open func(string) (driver.Driver, error)) (*rig, error) {
	s, err := store.Open(context.Background(), store.Config{URL: "sqlite:" + filepath.Join(dir, "rows.db"), Clock: time.Now})
	if err != nil {
		return nil, err
	}
	disk, err := open(filepath.Join(dir, "bytes"))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	r := &rig{store: s, disk: disk}
	r.front = block.NewService(s, disk, parts())
	return r, r.front.EnsureFirst(context.Background())
}

func (r *rig) close(t *testing.T) {
	if err := errors.Join(r.store.Close(), r.disk.Close()); err != nil {
		t.Error(err)
	}
}

// ids counts through all rigs: ids are of one process.
var ids atomic.Int64

func parts() block.Parts {
	return block.Parts{
		NewUUID: func() string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", ids.Add(1)) },
		NewHex:  func() string { return fmt.Sprintf("%032x", ids.Add(1)) },
		Now:     time.Now, Zone: "az1", Host: "host",
	}
}

func (r *rig) createVolume() error {
	v, err := r.front.CreateVolume(context.Background(), member, block.NewVolume{Size: 1})
	if err == nil {
		r.id, r.volume = v.ID, v.ID
	}
	return err
}

func (r *rig) extendVolume() error {
	return r.front.ExtendVolume(context.Background(), member, r.volume, 3, false)
}

func (r *rig) deleteVolume() error {
	r.id = r.volume
	return r.front.DeleteVolume(context.Background(), member, r.volume, true)
}

func (r *rig) addSnapshot() error {
	s, err := r.front.CreateSnapshot(context.Background(), member, block.NewSnapshot{VolumeID: r.volume})
	if err == nil {
		r.id, r.snap = s.ID, s.ID
	}
	return err
}

func (r *rig) createSnapshot() error {
	if err := r.createVolume(); err != nil {
		return err
	}
	if err := r.work(time.Minute); err != nil {
		return err
	}
	return r.addSnapshot()
}

func (r *rig) deleteSnapshot() error {
	return r.front.DeleteSnapshot(context.Background(), member, r.snap)
}

func (r *rig) restoreVolume() error {
	v, err := r.front.CreateVolume(context.Background(), member, block.NewVolume{SnapshotID: r.snap, Size: 2})
	if err == nil {
		r.id = v.ID
	}
	return err
}

func (r *rig) cloneVolume() error {
	v, err := r.front.CreateVolume(context.Background(), member, block.NewVolume{SourceVolumeID: r.volume, Size: 2})
	if err == nil {
		r.id = v.ID
	}
	return err
}

func (r *rig) rollBack() error {
	r.id = r.volume
	_, err := r.front.RollBack(context.Background(), member, block.Rollback{VolumeID: r.volume, SnapshotID: r.snap})
	return err
}

func (r *rig) rollBackSafely() error {
	r.id = r.volume
	_, err := r.front.RollBack(context.Background(), member, block.Rollback{VolumeID: r.volume, SnapshotID: r.snap, Safety: true})
	return err
}

func (r *rig) revert() error {
	r.id = r.volume
	_, err := r.front.RevertVolume(context.Background(), member, block.Rollback{VolumeID: r.volume, SnapshotID: r.snap})
	return err
}

// work lets a worker without mishap do whatever there is to do.
func (r *rig) work(length time.Duration) error {
	w := hire(r.store, r.disk, 0, -1, noMishap)
	time.Sleep(length)
	w.dismiss()
	return nil
}

func (r *rig) harmed() driver.Driver {
	if r.harm == nil {
		return r.disk
	}
	return r.harm(r.disk)
}

// attempts is how often a job is tried: the default, or twice when it fails anyway.
func (r *rig) attempts() int {
	if r.harm == nil {
		return 0
	}
	return 2
}
