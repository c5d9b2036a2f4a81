package block

import (
	"context"
	"errors"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// cleanUpTime is what giving up spends on tidying a driver that may hang.
const cleanUpTime = 5 * time.Second

// giveUp changes the noun and ends the job as failed, in one transaction. The
// object of a cancelled job is the business of the one that cancelled it.
func (s *Service) giveUp(ctx context.Context, job *jobs.Job, cause error, change func(Tx) error) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		if !errors.Is(cause, jobs.ErrCancelled) {
			if err := change(tx); err != nil && !isGone(err) {
				return err
			}
			if err := s.tellUsers(tx, job, cause); err != nil {
				return err
			}
		}
		job.State, job.Error = jobs.Failed, cause.Error()
		return tx.FinishJob(job)
	})
}

// giveUpVolume ends a job that failed for good: the volume gets a status from
// which it can be deleted.
func (s *Service) giveUpVolume(status VolumeStatus) func(context.Context, *jobs.Job, error) error {
	return func(ctx context.Context, job *jobs.Job, cause error) error {
		return s.giveUp(ctx, job, cause, func(tx Tx) error { return failVolume(tx, job.ResourceID, status) })
	}
}

// giveUpCreateVolume also tries to remove what the creation left in its source.
// What it cannot remove goes with the volume: its deletion looks again.
func (s *Service) giveUpCreateVolume(ctx context.Context, job *jobs.Job, cause error) error {
	vol, err := s.store.Volume(ctx, job.ResourceID)
	if err == nil && !errors.Is(cause, jobs.ErrCancelled) {
		tidy, cancel := context.WithTimeout(ctx, cleanUpTime)
		_ = s.dropPassing(tidy, vol, driver.Fence(job.Fence))
		cancel()
	}
	return s.giveUpVolume(VolumeError)(ctx, job, cause)
}

// failVolume moves a volume to the status that says its job failed, unless an
// administrator was here first; it frees what an extension had reserved.
func failVolume(tx Tx, id string, status VolumeStatus) error {
	stored, err := tx.Volume(id)
	if err != nil {
		return err
	}
	vol := *stored
	if status == VolumeAvailable { // a backup or image of it failed: it is as it was
		if status, err = restsWith(tx, &vol); err != nil {
			return err
		}
	}
	if vol.ExtendTo != 0 && volumeStays(&vol) {
		if err := vol.release(tx); err != nil {
			return err
		}
	}
	if vol.moveTo(status) != nil && status == VolumeError && volumeStays(&vol) {
		vol.Status = VolumeError // whatever it is called, it has no bytes
	}
	if vol.Status == stored.Status && vol.ExtendTo == stored.ExtendTo {
		return nil
	}
	if vol.Status == VolumeErrorDeleting {
		if err := failSnapshotsOf(tx, id); err != nil {
			return err
		}
	}
	if err := tx.SaveVolume(&vol); err != nil {
		return err
	}
	return settleGroup(tx, vol.GroupID)
}

// failSnapshotsOf gives the snapshots that were to go with their volume a status
// with an exit.
func failSnapshotsOf(tx Tx, volumeID string) error {
	snaps, err := tx.SnapshotsOf(volumeID)
	if err != nil {
		return err
	}
	for _, stored := range snaps {
		own, err := isQueued(tx, jobDeleteSnapshot, stored.ID)
		if err != nil {
			return err
		}
		if stored.Status != SnapshotDeleting || own {
			continue
		}
		if err := failSnapshot(tx, stored.ID, SnapshotErrorDeleting); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) giveUpSnapshot(status SnapshotStatus) func(context.Context, *jobs.Job, error) error {
	return func(ctx context.Context, job *jobs.Job, cause error) error {
		return s.giveUp(ctx, job, cause, func(tx Tx) error { return failSnapshot(tx, job.ResourceID, status) })
	}
}

// failSnapshot is failVolume for snapshots.
func failSnapshot(tx Tx, id string, status SnapshotStatus) error {
	stored, err := tx.Snapshot(id)
	if err != nil {
		return err
	}
	snap := *stored
	if snap.moveTo(status) != nil {
		if status != SnapshotError || !snapshotStays(&snap) {
			return nil
		}
		snap.Status = SnapshotError // whatever it is called, it has no bytes
	}
	if err := tx.SaveSnapshot(&snap); err != nil {
		return err
	}
	return settleGroupSnapshot(tx, snap.GroupSnapshotID)
}

// GiveUpUnknown ends a job of a kind that this version does not know, and gives
// its object a status with an exit; see jobs.Config.Unknown.
func (s *Service) GiveUpUnknown(ctx context.Context, job *jobs.Job, cause error) error {
	return s.giveUp(ctx, job, cause, func(tx Tx) error { return freeStuck(tx, job.ResourceID) })
}

// freeStuck moves a volume or snapshot of this id out of a status in which it
// waits for a job, into the one that says the job failed.
func freeStuck(tx Tx, id string) error {
	vol, err := tx.Volume(id)
	if err == nil {
		if exit := exitOfVolume(vol.Status); exit != "" {
			return stuckVolume(tx, vol, exit)
		}
		return nil
	}
	if !isGone(err) {
		return err
	}
	snap, err := tx.Snapshot(id)
	if isGone(err) {
		if err := freeStuckGroup(tx, id); !isGone(err) {
			return err
		}
		return stuckBackup(tx, id)
	}
	if err != nil {
		return err
	}
	if exit := exitOfSnapshot(snap.Status); exit != "" {
		return stuckSnapshot(tx, snap, exit)
	}
	return nil
}

// stuckVolume is failVolume for a status that no table knows, too.
func stuckVolume(tx Tx, vol *Volume, exit VolumeStatus) error {
	if len(volumeMoves[vol.Status]) > 0 {
		return failVolume(tx, vol.ID, exit)
	}
	strange := *vol
	strange.Status = exit
	if err := tx.SaveVolume(&strange); err != nil {
		return err
	}
	return settleGroup(tx, strange.GroupID)
}

func stuckSnapshot(tx Tx, snap *Snapshot, exit SnapshotStatus) error {
	strange := *snap
	if strange.moveTo(exit) != nil {
		strange.Status = exit
	}
	if err := tx.SaveSnapshot(&strange); err != nil {
		return err
	}
	return settleGroupSnapshot(tx, strange.GroupSnapshotID)
}

// exitOfVolume is where a volume goes whose job is no more; empty when its status
// needs no job. A status that no table knows was written by another version.
func exitOfVolume(status VolumeStatus) VolumeStatus {
	switch status {
	case VolumeDeleting:
		return VolumeErrorDeleting
	case VolumeExtending:
		return VolumeErrorExtending
	case VolumeRollbacking:
		return VolumeErrorRollbacking
	case VolumeReverting:
		return VolumeError
	case VolumeBackingUp, VolumeUploading:
		return VolumeAvailable // or in-use: failVolume looks
	case VolumeRestoringBackup:
		return VolumeErrorRestoring
	case VolumeAvailable, VolumeInUse, VolumeError, VolumeErrorDeleting, VolumeErrorExtending, VolumeErrorRollbacking, VolumeErrorRestoring,
		VolumeRecycled, VolumeReserved, VolumeAttaching, VolumeDetaching, VolumeMaintenance, VolumeAwaiting:
		return ""
	}
	return VolumeError
}

// exitOfSnapshot is exitOfVolume for snapshots. Nothing of this version makes those
// statuses beyond deleting that os-reset_status knows.
func exitOfSnapshot(status SnapshotStatus) SnapshotStatus {
	switch status {
	case SnapshotDeleting:
		return SnapshotErrorDeleting
	case SnapshotRollbacking, SnapshotRestoring, SnapshotBackingUp:
		return SnapshotAvailable
	case SnapshotAvailable, SnapshotError, SnapshotErrorDeleting:
		return ""
	}
	return SnapshotError
}
