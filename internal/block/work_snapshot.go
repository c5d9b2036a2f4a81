package block

import (
	"context"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/crash"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

func dropSnapshot(snap *Snapshot, tx Tx) error {
	if _, _, err := tx.AddUsage(snap.ProjectID, snap.TypeID, snap.uses().negative()); err != nil {
		return err
	}
	if err := tx.DropSnapshot(snap); err != nil {
		return err
	}
	return settleGroupSnapshot(tx, snap.GroupSnapshotID)
}

// snapshotStays is volumeStays for snapshots.
func snapshotStays(s *Snapshot) bool {
	return s.Status != SnapshotDeleting && s.Status != SnapshotDeleted
}

func snapshotIs(status SnapshotStatus) func(*Snapshot) bool {
	return func(s *Snapshot) bool { return s.Status == status }
}

func (s *Service) runCreateSnapshot(ctx context.Context, job *jobs.Job) error {
	snap, err := s.store.Snapshot(ctx, job.ResourceID)
	if isGone(err) || (err == nil && !snapshotStays(snap)) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	fence := driver.Fence(job.Fence)
	if err := s.driver.Snapshot(withProgress(ctx), snap.VolumeID, snap.ID, fence); err != nil {
		return fmt.Errorf("create snapshot %s: %w", snap.ID, err)
	}
	return s.finishSnapshot(ctx, job, snapshotStays, func(s *Snapshot, tx Tx) error {
		if s.Status == SnapshotCreating {
			if err := s.moveTo(SnapshotAvailable); err != nil {
				return err
			}
		}
		s.Progress = 100
		return tx.SaveSnapshot(s)
	}, func() error { return unlessFenced(s.driver.DeleteSnapshot(ctx, snap.VolumeID, snap.ID, fence)) })
}

// reportSnapshot shows how far a snapshot that is being made has come. 100 is for
// one that is done.
func (s *Service) reportSnapshot(ctx context.Context, job *jobs.Job) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		if err := tx.ReportJob(job); err != nil {
			return err
		}
		stored, err := tx.Snapshot(job.ResourceID)
		if isGone(err) {
			return nil
		}
		percent := min(job.Progress, 99)
		if err != nil || stored.Status != SnapshotCreating || percent <= stored.Progress {
			return err
		}
		snap := *stored
		snap.Progress = percent
		return tx.SaveSnapshot(&snap)
	})
}

func (s *Service) runDeleteSnapshot(ctx context.Context, job *jobs.Job) error {
	snap, err := s.store.Snapshot(ctx, job.ResourceID)
	if isGone(err) || (err == nil && snap.Status != SnapshotDeleting) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	if err := s.driver.DeleteSnapshot(ctx, snap.VolumeID, snap.ID, driver.Fence(job.Fence)); err != nil && !isGone(err) {
		return fmt.Errorf("delete snapshot %s: %w", snap.ID, err)
	}
	return s.finishSnapshot(ctx, job, snapshotIs(SnapshotDeleting), func(s *Snapshot, tx Tx) error {
		if err := s.moveTo(SnapshotDeleted); err != nil {
			return err
		}
		return dropSnapshot(s, tx)
	}, nil)
}

// finishSnapshot is finishVolume for snapshots.
func (s *Service) finishSnapshot(ctx context.Context, job *jobs.Job, goesOn func(*Snapshot) bool, change func(*Snapshot, Tx) error, undo func() error) error {
	crash.At(crash.DriverCalled)
	overtaken := false
	err := s.store.InTx(ctx, func(tx Tx) error {
		overtaken = false
		stored, err := tx.Snapshot(job.ResourceID)
		if overtaken = isGone(err) || (err == nil && !goesOn(stored)); overtaken {
			return nil
		}
		if err != nil {
			return err
		}
		snap := *stored
		if err := change(&snap, tx); err != nil {
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
