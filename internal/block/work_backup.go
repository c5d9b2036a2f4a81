package block

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// backupNote is what a manifest keeps of the volume. Source: tempest
// test_volumes_backup: a restored volume has the metadata of the one backed up.
type backupNote struct {
	VolumeID string            `json:"volume_id"`
	Name     string            `json:"name,omitempty"`
	Size     Size              `json:"size"` // GiB
	Bootable bool              `json:"bootable,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// finishBackup saves change and ends the job, in one transaction. A row that has
// gone, or is being deleted, is left to whoever deletes it.
func (s *Service) finishBackup(ctx context.Context, job *jobs.Job, change func(*Backup, Tx) error) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Backup(job.ResourceID)
		if err != nil && !isGone(err) {
			return err
		}
		if err == nil && stored.Status != BackupDeleting {
			b := *stored
			if err := change(&b, tx); err != nil {
				return err
			}
			if err := tx.SaveBackup(&b); err != nil {
				return err
			}
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

// runCreateBackup takes the snapshot that the backup is copied from.
func (s *Service) runCreateBackup(ctx context.Context, job *jobs.Job) error {
	b, err := s.store.Backup(ctx, job.ResourceID)
	if isGone(err) || (err == nil && b.Status == BackupDeleting) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	if err := s.beginsBackup(ctx, job); err != nil {
		return err
	}
	if err := s.driver.Snapshot(ctx, b.VolumeID, b.BaseID, driver.Fence(job.Fence)); err != nil {
		return fmt.Errorf("take the snapshot of backup %s: %w", b.ID, err)
	}
	return s.finishBackup(ctx, job, func(b *Backup, tx Tx) error {
		stored, err := tx.Snapshot(b.BaseID)
		if err != nil {
			return err
		}
		snap := *stored
		if snap.Status == SnapshotCreating {
			if err := snap.moveTo(SnapshotBackingUp); err != nil {
				return err
			}
		}
		snap.Progress = 100
		if err := tx.SaveSnapshot(&snap); err != nil {
			return err
		}
		return s.enqueue(tx, jobCopyBackup, b.ID, b.ID, b.ProjectID)
	})
}

// beginsBackup fails for good at the first attempt when no new backups are made;
// what was begun is finished.
func (s *Service) beginsBackup(ctx context.Context, job *jobs.Job) error {
	if job.Attempt > 1 {
		return nil
	}
	err := s.takesBackups(ctx)
	if errors.Is(err, errBackupsOff) {
		err = jobs.GiveUpNow(err)
	}
	return err
}

// runCopyBackup copies the snapshot's bytes. What was copied before a process died
// is found again and not stored twice.
func (s *Service) runCopyBackup(ctx context.Context, job *jobs.Job) error {
	b, err := s.store.Backup(ctx, job.ResourceID)
	if isGone(err) || (err == nil && b.Status == BackupDeleting) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return err
	}
	if b.SnapshotID != "" { // its first job is this
		if err := s.beginsBackup(ctx, job); err != nil {
			return err
		}
	}
	note, err := s.noteOf(ctx, b)
	if err != nil {
		return err
	}
	written, err := s.copyBackup(ctx, b, note)
	if err != nil {
		return fmt.Errorf("copy backup %s: %w", b.ID, err)
	}
	return s.finishBackup(ctx, job, func(b *Backup, tx Tx) error {
		if b.Status == BackupCreating {
			if err := b.moveTo(BackupAvailable); err != nil {
				return err
			}
		}
		b.ObjectCount = written.Chunks
		return s.endBackup(tx, b)
	})
}

func (s *Service) noteOf(ctx context.Context, b *Backup) ([]byte, error) {
	vol, err := s.store.Volume(ctx, b.VolumeID)
	if err != nil {
		return nil, err
	}
	return json.Marshal(backupNote{VolumeID: vol.ID, Name: vol.Name.Value, Size: b.Size, Bootable: vol.Bootable, Metadata: vol.Metadata})
}

func (s *Service) copyBackup(ctx context.Context, b *Backup, note []byte) (backup.Written, error) {
	from := driver.Ref{Volume: b.VolumeID, Snapshot: b.BaseID}
	device, err := s.driver.Open(ctx, from, driver.ReadOnly)
	if err != nil {
		return backup.Written{}, err
	}
	defer device.Close()
	parent, base, err := s.baseOf(ctx, b)
	if err != nil {
		return backup.Written{}, err
	}
	run := jobs.RunOf(ctx)
	source := backup.Source{ID: b.Manifest, From: device, Size: device.Size(), Parent: parent, Note: note,
		Progress: func(percent int) { run.Progress(ctx, percent) },
		Pieces: func(ctx context.Context, fn func(off, n int64, zero bool) error) error {
			return s.driver.Changed(ctx, b.VolumeID, base, b.BaseID, fn)
		}}
	written, err := s.parts.Backups.Write(ctx, source)
	if parent != "" && (errors.Is(err, driver.ErrNotFound) || errors.Is(err, backup.ErrNotFound) || errors.Is(err, backup.ErrDamaged)) {
		// What it was to be compared with went away meanwhile: all is read.
		source.Parent, base = "", ""
		written, err = s.parts.Backups.Write(ctx, source)
	}
	return written, err
}

// baseOf is the manifest and the snapshot that the backup's own is compared with;
// both empty where one of them is not there any more. An incremental backup then
// reads everything, and still stores only what is new.
func (s *Service) baseOf(ctx context.Context, b *Backup) (manifest, base string, err error) {
	if b.ParentID == "" {
		return "", "", nil
	}
	parent, err := s.store.Backup(ctx, b.ParentID)
	if err == nil && parent.BaseID != "" && parent.VolumeID == b.VolumeID {
		var snap *Snapshot
		snap, err = s.store.Snapshot(ctx, parent.BaseID)
		if err == nil && snap.VolumeID == b.VolumeID && snapshotStays(snap) && snap.Status != SnapshotCreating && snap.Status != SnapshotError {
			return parent.Manifest, parent.BaseID, nil
		}
	}
	if isGone(err) {
		err = nil
	}
	return "", "", err
}

// endBackup gives volume and snapshot their statuses back. The snapshot that the
// backup took is kept, for the next incremental one to be compared with; the ones
// that earlier backups took are deleted. Source: evs-status.md 4.1, FAQ.
func (s *Service) endBackup(tx Tx, b *Backup) error {
	stored, err := tx.Snapshot(b.BaseID)
	if err == nil && stored.Status == SnapshotBackingUp {
		snap := *stored
		if err := snap.moveTo(SnapshotAvailable); err != nil {
			return err
		}
		if err := tx.SaveSnapshot(&snap); err != nil {
			return err
		}
	}
	if err != nil && !isGone(err) {
		return err
	}
	if b.SnapshotID != "" {
		return nil
	}
	if err := restVolume(tx, b.VolumeID, VolumeBackingUp); err != nil {
		return err
	}
	snaps, err := tx.SnapshotsOf(b.VolumeID)
	if err != nil {
		return err
	}
	for _, older := range snaps {
		if older.ID == b.BaseID {
			continue
		}
		if err := s.dropKept(tx, older); err != nil {
			return err
		}
	}
	return nil
}

// dropKept queues the deletion of a snapshot that a backup made, if nothing is
// being done to it.
func (s *Service) dropKept(tx Tx, stored *Snapshot) error {
	if stored.Origin != OriginBackup || (stored.Status != SnapshotAvailable && stored.Status != SnapshotError) {
		return nil
	}
	snap := *stored
	return s.queueDeletion(tx, &snap)
}

// runImportBackup looks whether what an imported record refers to is there.
func (s *Service) runImportBackup(ctx context.Context, job *jobs.Job) error {
	b, err := s.store.Backup(ctx, job.ResourceID)
	if isGone(err) || (err == nil && b.Status != BackupCreating) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return err
	}
	m, err := s.parts.Backups.Manifest(ctx, b.Manifest)
	if err == nil && m.Size != b.Size.Bytes() {
		err = fmt.Errorf("%w: it holds %d bytes, and its record says %d GB", backup.ErrInvalid, m.Size, b.Size)
	}
	if errors.Is(err, backup.ErrNotFound) {
		return jobs.GiveUpNow(err) // the record is of another place
	}
	if err != nil {
		return fmt.Errorf("import backup %s: %w", b.ID, err)
	}
	return s.finishBackup(ctx, job, func(b *Backup, _ Tx) error {
		b.ObjectCount = m.Chunks
		if b.Status != BackupCreating {
			return nil
		}
		return b.moveTo(BackupAvailable)
	})
}

// runDeleteBackup removes the manifest, unless another row refers to it: an import
// adds its row before it looks for the manifest, so that one of the two sees the other.
func (s *Service) runDeleteBackup(ctx context.Context, job *jobs.Job) error {
	b, err := s.store.Backup(ctx, job.ResourceID)
	if isGone(err) || (err == nil && b.Status != BackupDeleting) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return err
	}
	users := 0
	err = s.store.InTx(ctx, func(tx Tx) (err error) {
		users, err = tx.CountManifestUsers(b.Manifest)
		return err
	})
	if err == nil && users <= 1 {
		err = s.parts.Backups.Delete(ctx, b.Manifest)
	}
	if err != nil {
		return fmt.Errorf("delete backup %s: %w", b.ID, err)
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Backup(b.ID)
		if err != nil && !isGone(err) {
			return err
		}
		if err == nil && stored.Status == BackupDeleting {
			if err := s.dropBackup(tx, stored); err != nil {
				return err
			}
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

// dropBackup removes the row, what it used, and the snapshot that was kept for it.
func (s *Service) dropBackup(tx Tx, stored *Backup) error {
	b := *stored
	if err := b.moveTo(BackupDeleted); err != nil {
		return err
	}
	const noType = ""
	if _, _, err := tx.AddUsage(b.ProjectID, noType, b.uses().negative()); err != nil {
		return err
	}
	if b.SnapshotID == "" && b.BaseID != "" {
		snap, err := tx.Snapshot(b.BaseID)
		if err == nil {
			err = s.dropKept(tx, snap)
		}
		if err != nil && !isGone(err) {
			return err
		}
	}
	return tx.DropBackup(&b)
}
