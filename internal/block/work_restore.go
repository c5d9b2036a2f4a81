package block

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// runRestoreBackup makes the volume hold what the backup holds.
func (s *Service) runRestoreBackup(ctx context.Context, job *jobs.Job) error {
	var args restoreArgs
	if err := json.Unmarshal([]byte(job.Args), &args); err != nil {
		return jobs.GiveUpNow(fmt.Errorf("arguments of the restoration: %w", err))
	}
	vol, err := s.store.Volume(ctx, job.ResourceID)
	if isGone(err) || (err == nil && !volumeStays(vol)) {
		return s.finishRestoration(ctx, job, args, nil)
	}
	if err != nil {
		return err
	}
	b, err := s.store.Backup(ctx, args.Backup)
	if err != nil {
		if isGone(err) {
			err = jobs.GiveUpNow(err)
		}
		return err
	}
	if err := s.ready(); err != nil {
		return err
	}
	note, err := s.restore(ctx, vol, b, args, driver.Fence(job.Fence))
	if err != nil {
		if isGone(err) || errors.Is(err, backup.ErrNotFound) {
			err = jobs.GiveUpNow(err)
		}
		return fmt.Errorf("restore backup %s to volume %s: %w", b.ID, vol.ID, err)
	}
	return s.finishRestoration(ctx, job, args, note)
}

func (s *Service) restore(ctx context.Context, vol *Volume, b *Backup, args restoreArgs, fence driver.Fence) (*backupNote, error) {
	m, err := s.parts.Backups.Manifest(ctx, b.Manifest)
	if err != nil {
		return nil, err
	}
	note := &backupNote{}
	if err := json.Unmarshal(m.Note, note); err != nil {
		return nil, fmt.Errorf("%w: its note: %w", backup.ErrDamaged, err)
	}
	if args.New {
		if err := s.driver.Create(ctx, driver.VolumeSpec{ID: vol.ID, Size: vol.Size.Bytes()}, fence); err != nil {
			return nil, err
		}
	}
	device, err := s.driver.Open(ctx, driver.Ref{Volume: vol.ID}, driver.ReadWrite)
	if err != nil {
		return nil, err
	}
	run := jobs.RunOf(ctx)
	err = s.parts.Backups.Restore(ctx, backup.Restoration{ID: b.Manifest, Into: device, Fresh: args.New,
		Progress: func(percent int) { run.Progress(ctx, percent) }})
	return note, errors.Join(err, device.Close())
}

// finishRestoration ends the job: the volume holds the backup and has the metadata
// that the volume had, and says in its own where it is from. Without a note the
// volume has gone. Source: Cinder backup/manager.py restore_backup.
func (s *Service) finishRestoration(ctx context.Context, job *jobs.Job, args restoreArgs, note *backupNote) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		if err := endRestoring(tx, args.Backup, job.ResourceID); err != nil {
			return err
		}
		stored, err := tx.Volume(job.ResourceID)
		if err != nil && !isGone(err) {
			return err
		}
		if err == nil && note != nil && volumeStays(stored) {
			vol := *stored
			if vol.Status == VolumeRestoringBackup || (args.New && vol.Status == VolumeCreating) {
				if err := vol.moveTo(VolumeAvailable); err != nil {
					return err
				}
			}
			vol.take(note, args.Backup)
			if err := tx.SaveVolume(&vol); err != nil {
				return err
			}
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

// take gives a volume what the note says of the one that was backed up.
func (v *Volume) take(note *backupNote, backupID string) {
	items := maps.Clone(note.Metadata)
	if items == nil {
		items = map[string]string{}
	}
	for key, item := range v.Metadata {
		if _, there := items[key]; !there {
			items[key] = item
		}
	}
	if note.VolumeID != v.ID || v.Metadata["src_backup_id"] != "" {
		items["src_backup_id"] = backupID
	}
	if CheckMetadata(items) == nil { // too many together: those that were there stay
		v.Metadata = items
	}
	v.Bootable = v.Bootable || note.Bootable
}

// endRestoring makes a backup available again when its restoration to a volume has
// ended, however that came.
func endRestoring(tx Tx, backupID, volumeID string) error {
	stored, err := tx.Backup(backupID)
	if isGone(err) || (err == nil && (stored.Status != BackupRestoring || stored.RestoreVolumeID != volumeID)) {
		return nil
	}
	if err != nil {
		return err
	}
	b := *stored
	if err := b.moveTo(BackupAvailable); err != nil {
		return err
	}
	return tx.SaveBackup(&b)
}
