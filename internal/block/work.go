package block

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/crash"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// finish ends a job that found nothing left to do.
func (s *Service) finish(ctx context.Context, job *jobs.Job) error {
	job.State = jobs.Done
	return s.store.InTx(ctx, func(tx Tx) error { return tx.FinishJob(job) })
}

// finishVolume saves change and ends the job, in one transaction. When the row
// has gone or is not as the job needs it any more, undo takes back what the driver did.
func (s *Service) finishVolume(ctx context.Context, job *jobs.Job, goesOn func(*Volume) bool, change func(*Volume, Tx) error, undo func() error) error {
	crash.At(crash.DriverCalled)
	overtaken := false
	err := s.store.InTx(ctx, func(tx Tx) error {
		overtaken = false
		stored, err := tx.Volume(job.ResourceID)
		if overtaken = isGone(err) || (err == nil && !goesOn(stored)); overtaken {
			return nil
		}
		if err != nil {
			return err
		}
		vol := *stored
		if err := change(&vol, tx); err != nil {
			return err
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
	if err != nil || !overtaken {
		return err
	}
	if undo != nil {
		if err := undo(); err != nil {
			return err
		}
	}
	return s.finish(ctx, job)
}

// A volume whose status was reset while it is being made is made all the same,
// and keeps the status that the administrator gave it: only deletion overtakes.
func volumeStays(v *Volume) bool { return v.Status != VolumeDeleting && v.Status != VolumeDeleted }

func volumeIs(status VolumeStatus) func(*Volume) bool {
	return func(v *Volume) bool { return v.Status == status }
}

func (s *Service) runCreateVolume(ctx context.Context, job *jobs.Job) error {
	vol, err := s.store.Volume(ctx, job.ResourceID)
	if isGone(err) || (err == nil && !volumeStays(vol)) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	if job.Attempt <= 1 { // what was begun is finished
		if err := s.placeable(ctx, vol); err != nil {
			if errors.Is(err, errNoBackend) {
				err = jobs.GiveUpNow(err)
			}
			return err
		}
	}
	if vol.ImageID != "" {
		if err := s.download(ctx, vol.ID); err != nil {
			return err
		}
	}
	if err := s.fill(withProgress(ctx), vol, driver.Fence(job.Fence)); err != nil {
		if isGone(err) {
			return jobs.GiveUpNow(err) // the source was deleted meanwhile
		}
		return fmt.Errorf("create volume %s: %w", vol.ID, err)
	}
	return s.finishVolume(ctx, job, volumeStays, func(v *Volume, tx Tx) error {
		if v.Status != VolumeCreating && v.Status != VolumeDownloading {
			return settleGroup(tx, v.GroupID)
		}
		if err := v.moveTo(VolumeAvailable); err != nil {
			return err
		}
		if err := tx.SaveVolume(v); err != nil {
			return err
		}
		return settleGroup(tx, v.GroupID)
	}, func() error { return unlessFenced(s.driver.Delete(ctx, vol.ID, driver.Fence(job.Fence))) })
}

// withProgress lets a driver's long call tell how far the job has come.
func withProgress(ctx context.Context) context.Context {
	run := jobs.RunOf(ctx)
	return driver.WithProgress(ctx, func(percent int) { run.Progress(ctx, percent) })
}

// fill makes the volume's bytes: empty, of a snapshot, or of another volume as
// it is now.
func (s *Service) fill(ctx context.Context, v *Volume, fence driver.Fence) error {
	spec := driver.VolumeSpec{ID: v.ID, Size: v.Size.Bytes()}
	switch {
	case v.SnapshotID != "":
		from, err := s.store.Snapshot(ctx, v.SnapshotID)
		if err != nil {
			return err
		}
		return s.driver.CreateFrom(ctx, spec, driver.Ref{Volume: from.VolumeID, Snapshot: from.ID}, fence)
	case v.SourceVolumeID != "":
		// The new volume's own id names the passing snapshot, so a second run finds it.
		from := driver.Ref{Volume: v.SourceVolumeID, Snapshot: v.ID}
		if err := s.driver.Snapshot(ctx, from.Volume, from.Snapshot, fence); err != nil {
			return err
		}
		if err := s.driver.CreateFrom(ctx, spec, from, fence); err != nil {
			return err
		}
		return s.dropPassing(ctx, v, fence)
	}
	if v.ImageID == "" {
		return s.driver.Create(ctx, spec, fence)
	}
	if err := s.driver.CreateFrom(ctx, spec, driver.Ref{Volume: v.ImageID, Snapshot: v.ImageID}, fence); err != nil {
		return fmt.Errorf("%w: %w", errFromImage, err)
	}
	return nil
}

// dropPassing removes the snapshot through which a volume was made from another,
// if it is there.
func (s *Service) dropPassing(ctx context.Context, v *Volume, fence driver.Fence) error {
	if v.SourceVolumeID == "" {
		return nil
	}
	err := s.driver.DeleteSnapshot(ctx, v.SourceVolumeID, v.ID, fence)
	if isGone(err) {
		return nil
	}
	return err
}

func (s *Service) runExtendVolume(ctx context.Context, job *jobs.Job) error {
	vol, err := s.store.Volume(ctx, job.ResourceID)
	if isGone(err) || (err == nil && vol.Status == VolumeDeleting) {
		return s.finish(ctx, job) // what was reserved goes with the row
	}
	if err != nil {
		return err
	}
	if vol.Status != VolumeExtending || vol.ExtendTo == 0 {
		return s.giveBack(ctx, job)
	}
	to := vol.ExtendTo
	if err := s.driver.Extend(withProgress(ctx), vol.ID, to.Bytes(), driver.Fence(job.Fence)); err != nil {
		return fmt.Errorf("extend volume %s: %w", vol.ID, err)
	}
	// A volume that was reset meanwhile has its new size all the same.
	err = s.finishVolume(ctx, job, volumeStays, func(v *Volume, tx Tx) error {
		if v.ExtendTo != to {
			return nil // another extension was asked for
		}
		v.Size, v.ExtendTo = to, 0
		if v.Status == VolumeExtending {
			rests, err := restsWith(tx, v) // it may have been detached meanwhile
			if err != nil {
				return err
			}
			if err := v.moveTo(rests); err != nil {
				return err
			}
		}
		return tx.SaveVolume(v)
	}, nil)
	if err == nil {
		_ = s.adjust(ctx, vol.ID) // a larger disk may be faster; who is not told learns it on connecting
	}
	return err
}

// giveBack ends an extension that was overtaken: what it had reserved is free again.
func (s *Service) giveBack(ctx context.Context, job *jobs.Job) error {
	return s.finishVolume(ctx, job, volumeStays, func(v *Volume, tx Tx) error {
		if v.Status == VolumeExtending || v.ExtendTo == 0 {
			return nil
		}
		if err := v.release(tx); err != nil {
			return err
		}
		return tx.SaveVolume(v)
	}, nil)
}

// release frees what an extension had reserved.
func (v *Volume) release(tx Tx) error {
	held := v.gigabytes()
	v.ExtendTo = 0
	_, _, err := tx.AddUsage(v.ProjectID, v.TypeID, Usage{Gigabytes: v.gigabytes() - held})
	return err
}

func (s *Service) runDeleteVolume(ctx context.Context, job *jobs.Job) error {
	vol, err := s.store.Volume(ctx, job.ResourceID)
	if isGone(err) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	stays := func() error { return s.store.InTx(ctx, func(tx Tx) error { return keptFromDeletion(tx, vol.ID) }) }
	if vol.Status != VolumeDeleting {
		if err := stays(); err != nil {
			return err
		}
		return s.finish(ctx, job)
	}
	fence := driver.Fence(job.Fence)
	if err := s.dropPassing(ctx, vol, fence); err != nil { // its creation may have been cut off
		return fmt.Errorf("delete what made volume %s: %w", vol.ID, err)
	}
	if err := s.revokeAll(ctx, vol.ID); err != nil { // what is open cannot be deleted
		return fmt.Errorf("delete volume %s: %w", vol.ID, err)
	}
	if err := s.driver.Delete(ctx, vol.ID, fence); err != nil {
		return fmt.Errorf("delete volume %s: %w", vol.ID, err)
	}
	return s.finishVolume(ctx, job, volumeIs(VolumeDeleting), func(v *Volume, tx Tx) error {
		if err := tx.ForgetUnmanagedOf(v.ID); err != nil {
			return err
		}
		return dropVolume(v, tx)
	}, stays)
}

// keptFromDeletion gives the snapshots that were to go with a volume a status that
// says so: an administrator has reset the volume's before it went.
func keptFromDeletion(tx Tx, id string) error {
	vol, err := tx.Volume(id)
	if isGone(err) || (err == nil && vol.Status == VolumeDeleting) {
		return nil // it went after all, or is on its way again
	}
	if err != nil {
		return err
	}
	return failSnapshotsOf(tx, id)
}

// dropVolume removes the row, its snapshots' rows and what they used.
func dropVolume(v *Volume, tx Tx) error {
	snaps, err := tx.SnapshotsOf(v.ID)
	if err != nil {
		return err
	}
	for _, snap := range snaps {
		if err := dropSnapshot(snap, tx); err != nil {
			return err
		}
	}
	if err := dropConnectionsOf(tx, v); err != nil {
		return err
	}
	if err := v.moveTo(VolumeDeleted); err != nil {
		return err
	}
	used := Usage{Volumes: 1, Gigabytes: v.gigabytes()}
	if _, _, err := tx.AddUsage(v.ProjectID, v.TypeID, used.negative()); err != nil {
		return err
	}
	if err := tx.DropTransfersOf(v.ID); err != nil {
		return err
	}
	if err := dropVerification(tx, v.ID); err != nil {
		return err
	}
	if err := tx.DropVolume(v); err != nil {
		return err
	}
	return settleGroup(tx, v.GroupID)
}

// unlessFenced forgives a newer worker: whatever is to be undone is its business.
func unlessFenced(err error) error {
	if errors.Is(err, driver.ErrFenced) {
		return nil
	}
	return err
}

// untilHopeless gives a job up at once when the driver says what no further
// attempt can mend; a full disk or a busy volume may pass.
func untilHopeless(run func(context.Context, *jobs.Job) error) func(context.Context, *jobs.Job) error {
	return func(ctx context.Context, job *jobs.Job) error {
		err := run(ctx, job)
		for _, hopeless := range append(hopelessBackup, driver.ErrInvalid, driver.ErrReadOnly, driver.ErrDamaged) {
			if errors.Is(err, hopeless) {
				return jobs.GiveUpNow(err)
			}
		}
		return err
	}
}
