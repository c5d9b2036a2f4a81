package block

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/crash"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// errNoSafety ends a rollback that was to be undone if need be, and could not.
var errNoSafety = errors.New("the safety snapshot was deleted before it was taken")

// runRollback takes the safety snapshot if one was asked for, then rolls back. A
// volume whose status was set by hand meanwhile may be in use: it is let alone.
func (s *Service) runRollback(ctx context.Context, job *jobs.Job) error {
	args, err := argsOfRollback(job)
	if err != nil {
		return jobs.GiveUpNow(err)
	}
	vol, err := s.store.Volume(ctx, job.ResourceID)
	if isGone(err) || (err == nil && !vol.rolls()) {
		return s.endRollback(ctx, job)
	}
	if err != nil {
		return err
	}
	if args.Safety != "" && job.Step != safetyTaken {
		if err := s.takeSafety(ctx, job, vol, args.Safety); err != nil {
			return err
		}
	}
	err = s.driver.Rollback(ctx, vol.ID, args.Snapshot, driver.Fence(job.Fence))
	if isGone(err) {
		return jobs.GiveUpNow(err)
	}
	if err != nil {
		return fmt.Errorf("roll back volume %s to snapshot %s: %w", vol.ID, args.Snapshot, err)
	}
	return s.endRollback(ctx, job)
}

// takeSafety takes the safety snapshot, and notes in the same transaction that it
// is taken: another attempt comes after the rollback and must not take it anew.
func (s *Service) takeSafety(ctx context.Context, job *jobs.Job, vol *Volume, id string) error {
	snap, err := s.store.Snapshot(ctx, id)
	if isGone(err) || (err == nil && !snapshotStays(snap)) {
		return jobs.GiveUpNow(errNoSafety)
	}
	if err != nil {
		return err
	}
	if err := s.driver.Snapshot(ctx, vol.ID, id, driver.Fence(job.Fence)); err != nil {
		if isGone(err) {
			return jobs.GiveUpNow(err)
		}
		return fmt.Errorf("take safety snapshot %s: %w", id, err)
	}
	crash.At(crash.DriverCalled)
	err = s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Snapshot(id)
		if err != nil {
			return err
		}
		if !snapshotStays(stored) {
			return errNoSafety
		}
		snap := *stored
		if snap.Status == SnapshotCreating {
			if err := snap.moveTo(SnapshotAvailable); err != nil {
				return err
			}
		}
		snap.Progress = 100
		if err := tx.SaveSnapshot(&snap); err != nil {
			return err
		}
		taken := *job
		taken.Step = safetyTaken
		return tx.ReportJob(&taken)
	})
	if isGone(err) || errors.Is(err, errNoSafety) { // its deletion waits until this job has ended
		return jobs.GiveUpNow(errNoSafety)
	}
	return err
}

// endRollback ends a rollback that is done, or was overtaken.
func (s *Service) endRollback(ctx context.Context, job *jobs.Job) error {
	crash.At(crash.DriverCalled)
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Volume(job.ResourceID)
		if err != nil && !isGone(err) {
			return err
		}
		if err == nil && stored.rolls() {
			vol := *stored
			if err := vol.moveTo(VolumeAvailable); err != nil {
				return err
			}
			if err := tx.SaveVolume(&vol); err != nil {
				return err
			}
		}
		if err := releaseSnapshots(tx, job); err != nil {
			return err
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

// giveUpRollback ends a rollback that failed for good: the volume holds what it
// held or what the snapshot holds. A cancelled one leaves the volume to whoever
// cancelled it, and lets the snapshots go all the same.
func (s *Service) giveUpRollback(ctx context.Context, job *jobs.Job, cause error) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Volume(job.ResourceID)
		if err != nil && !isGone(err) {
			return err
		}
		if err == nil && stored.rolls() && !errors.Is(cause, jobs.ErrCancelled) {
			if err := failVolume(tx, stored.ID, exitOfVolume(stored.Status)); err != nil {
				return err
			}
		}
		if err := releaseSnapshots(tx, job); err != nil {
			return err
		}
		job.State, job.Error = jobs.Failed, cause.Error()
		return tx.FinishJob(job)
	})
}

// releaseSnapshots gives the snapshot its status back, and the safety snapshot, if
// it was never taken, one with an exit; but not what another rollback needs.
func releaseSnapshots(tx Tx, job *jobs.Job) error {
	args, err := argsOfRollback(job)
	if err != nil {
		return nil //nolint:nilerr // a job that names nothing holds nothing
	}
	if err := releaseSnapshot(tx, job, args.Snapshot, (*Snapshot).rolls, SnapshotAvailable); err != nil || args.Safety == "" {
		return err
	}
	untaken := func(s *Snapshot) bool { return s.Status == SnapshotCreating }
	return releaseSnapshot(tx, job, args.Safety, untaken, SnapshotError)
}

func releaseSnapshot(tx Tx, job *jobs.Job, id string, held func(*Snapshot) bool, to SnapshotStatus) error {
	stored, err := tx.Snapshot(id)
	if isGone(err) {
		return nil
	}
	if err != nil || !held(stored) {
		return err
	}
	needed, err := inRollback(tx, stored, func(j *jobs.Job) bool { return j.ID != job.ID && !j.Cancelled })
	if err != nil || needed {
		return err
	}
	snap := *stored
	if err := snap.moveTo(to); err != nil {
		return err
	}
	return tx.SaveSnapshot(&snap)
}
