package block

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// hopelessBackup are failures of the backup store that no further attempt can mend.
var hopelessBackup = []error{backup.ErrDamaged, backup.ErrInvalid}[:2:2]

// shownBackup are causes that the owner of a backup may read; others name files.
var shownBackup = []error{backup.ErrDamaged, backup.ErrNoSpace, backup.ErrNotFound, backup.ErrBusy, backup.ErrInvalid, errBackupsOff}[:6:6]

// failReason is why something failed, in words for the owner.
func failReason(cause error) string {
	for _, known := range append(shownBackup, shownErrors...) {
		if errors.Is(cause, known) {
			return known.Error()
		}
	}
	return "the storage failed; an administrator can see why"
}

// failBackup moves a backup to the status that says its job failed, unless an
// administrator was here first.
func failBackup(tx Tx, id string, status BackupStatus, reason string) error {
	stored, err := tx.Backup(id)
	if err != nil {
		return err
	}
	b := *stored
	if b.moveTo(status) != nil {
		return nil
	}
	b.FailReason = reason
	return tx.SaveBackup(&b)
}

func (s *Service) giveUpBackup(status BackupStatus) func(context.Context, *jobs.Job, error) error {
	return func(ctx context.Context, job *jobs.Job, cause error) error {
		return s.giveUp(ctx, job, cause, func(tx Tx) error { return failBackup(tx, job.ResourceID, status, failReason(cause)) })
	}
}

// giveUpMakingBackup also lets go of the volume or snapshot.
func (s *Service) giveUpMakingBackup(ctx context.Context, job *jobs.Job, cause error) error {
	return s.giveUp(ctx, job, cause, func(tx Tx) error {
		stored, err := tx.Backup(job.ResourceID)
		if err != nil {
			return err
		}
		if err := s.releaseSource(tx, stored); err != nil {
			return err
		}
		return failBackup(tx, job.ResourceID, BackupError, failReason(cause))
	})
}

// giveUpRestoreBackup: the volume holds neither what it held nor the backup; the
// backup is available as before, also when somebody cancelled the restoration.
func (s *Service) giveUpRestoreBackup(ctx context.Context, job *jobs.Job, cause error) error {
	var args restoreArgs
	_ = json.Unmarshal([]byte(job.Args), &args) // without them there is no backup to let go of
	return s.store.InTx(ctx, func(tx Tx) error {
		if err := endRestoring(tx, args.Backup, job.ResourceID); err != nil {
			return err
		}
		if !errors.Is(cause, jobs.ErrCancelled) {
			stored, err := tx.Volume(job.ResourceID)
			if err == nil && (stored.Status == VolumeRestoringBackup || stored.Status == VolumeCreating) {
				err = failVolume(tx, stored.ID, exitOfVolume(stored.Status))
			}
			if err != nil && !isGone(err) {
				return err
			}
			if err := s.tellUsersOf(tx, job, args.Backup, cause); err != nil { // Source: Cinder backup/manager.py restore_backup
				return err
			}
		}
		job.State, job.Error = jobs.Failed, cause.Error()
		return tx.FinishJob(job)
	})
}

// exitOfBackup is exitOfVolume for backups.
func exitOfBackup(status BackupStatus) BackupStatus {
	switch status {
	case BackupAvailable, BackupError, BackupErrorDeleting:
		return ""
	case BackupRestoring:
		return BackupAvailable
	case BackupDeleting:
		return BackupErrorDeleting
	}
	return BackupError
}

// stuckBackup gives a backup whose job is no more a status with an exit.
func stuckBackup(tx Tx, id string) error {
	stored, err := tx.Backup(id)
	if err != nil {
		return err
	}
	exit := exitOfBackup(stored.Status)
	if exit == "" {
		return nil
	}
	b := *stored
	b.Status = exit
	b.FailReason = "the work on it was lost"
	return tx.SaveBackup(&b)
}
