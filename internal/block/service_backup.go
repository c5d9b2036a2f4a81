package block

import (
	"context"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// The kinds of job of backups.
const (
	jobCreateBackup  = "backup.create" // takes the snapshot
	jobCopyBackup    = "backup.copy"
	jobImportBackup  = "backup.import"
	jobDeleteBackup  = "backup.delete"
	jobRestoreBackup = "backup.restore" // on the volume
)

// backupPatience is how long the attempts at copying a backup may take together.
// Source: research/data-plane.md section 10: 400 MiB/s, which is 32 TiB in a day.
const backupPatience = 24 * time.Hour

// backupHandlers are the kinds of job of backups.
func (s *Service) backupHandlers() map[string]jobs.Handler {
	return map[string]jobs.Handler{
		jobCreateBackup:  {Run: untilHopeless(s.runCreateBackup), GiveUp: s.giveUpMakingBackup},
		jobCopyBackup:    {Run: untilHopeless(s.runCopyBackup), GiveUp: s.giveUpMakingBackup, Patience: backupPatience},
		jobImportBackup:  {Run: untilHopeless(s.runImportBackup), GiveUp: s.giveUpBackup(BackupError)},
		jobDeleteBackup:  {Run: untilHopeless(s.runDeleteBackup), GiveUp: s.giveUpBackup(BackupErrorDeleting)},
		jobRestoreBackup: {Run: untilHopeless(s.runRestoreBackup), GiveUp: s.giveUpRestoreBackup, Patience: backupPatience},
	}
}

// HeavyJobs bounds how many jobs that move all of a volume's bytes run at a time.
func HeavyJobs() map[string]int { return map[string]int{jobCopyBackup: 2, jobRestoreBackup: 2} }

// Backup reads one backup. Fails with NotFound.
func (s *Service) Backup(ctx context.Context, c Caller, id string) (*Backup, error) {
	b, err := s.store.Backup(ctx, id)
	if err != nil {
		return nil, err
	}
	return b, reach(c, b.ProjectID, "Backup", id)
}

// Backups is one page of a list; allProjects counts for administrators only.
// Fails with NotFound when the marker is unknown.
func (s *Service) Backups(ctx context.Context, c Caller, list List, allProjects bool) ([]*Backup, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return nil, err
	}
	return s.store.Backups(ctx, list)
}

// CountBackups counts what the list's filters keep, whatever its page.
func (s *Service) CountBackups(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return 0, err
	}
	return s.store.CountBackups(ctx, list)
}

// UpdateBackup changes what the change names, in every status. Fails with NotFound.
func (s *Service) UpdateBackup(ctx context.Context, c Caller, id string, change BackupChange) (*Backup, error) {
	return s.changeBackup(ctx, c, id, func(b *Backup, _ Tx) error {
		if change.Name.Given {
			b.Name = change.Name.To
		}
		if change.Description.Given {
			b.Description = change.Description.To
		}
		if change.Metadata == nil {
			return nil
		}
		merged, err := mergeMetadata(nil, change.Metadata, true)
		b.Metadata = merged
		return err
	})
}

// changeBackup applies change to a copy of the row and saves it.
func (s *Service) changeBackup(ctx context.Context, c Caller, id string, change func(*Backup, Tx) error) (*Backup, error) {
	var saved *Backup
	err := s.store.InTx(ctx, func(tx Tx) error {
		b, err := backupFor(tx, c, id)
		if err != nil {
			return err
		}
		if err := change(b, tx); err != nil {
			return err
		}
		saved = b
		return tx.SaveBackup(saved)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// backupFor is a copy of a row that the caller may change.
func backupFor(tx Tx, c Caller, id string) (*Backup, error) {
	stored, err := tx.Backup(id)
	if err != nil {
		return nil, err
	}
	b := *stored
	return &b, reach(c, b.ProjectID, "Backup", id)
}

// ready fails with Unavailable where no place for backups is set up.
func (s *Service) ready() error {
	if s.parts.Backups == nil {
		return Errorf(Unavailable, "Service cinder-backup could not be found.")
	}
	return nil
}

// CreateBackup makes the row, in status creating, and queues the work; the volume,
// or the snapshot it is made of, is backing-up until that has ended.
// Fails with NotFound, Invalid, WrongStatus, OverLimit. Source: Cinder backup/api.py create.
func (s *Service) CreateBackup(ctx context.Context, c Caller, n NewBackup) (*Backup, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	if n.Zone != "" && n.Zone != s.parts.Zone {
		return nil, Errorf(Invalid, "Invalid input received: Availability zone '%.64s' is invalid; the zone is %s.", n.Zone, s.parts.Zone)
	}
	id, base := s.parts.NewUUID(), s.parts.NewUUID()
	var made *Backup
	err := s.store.InTx(ctx, func(tx Tx) error {
		b := &Backup{
			ID: id, UserID: c.UserID, ProjectID: c.ProjectID, VolumeID: n.VolumeID, SnapshotID: n.SnapshotID, Name: n.Name,
			Description: n.Description, Status: BackupCreating, Container: n.Container, AvailabilityZone: s.parts.Zone,
			Metadata: n.Metadata, Manifest: id, BaseID: base, DataTimestamp: tx.Now(), CreatedAt: tx.Now(),
		}
		made = b
		vol, err := volumeFor(tx, c, n.VolumeID)
		if err != nil {
			return err
		}
		b.ProjectID = vol.ProjectID
		snap, err := s.chooseSource(tx, c, vol, n, b)
		if err != nil {
			return err
		}
		if err := chooseParent(tx, n, b); err != nil {
			return err
		}
		if err := s.reserveBackup(tx, b); err != nil {
			return err
		}
		if err := tx.AddBackup(b); err != nil {
			return err
		}
		return s.beginBackup(tx, b, vol, snap)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// reserveBackup counts the backup against its project's quota.
func (s *Service) reserveBackup(tx Tx, b *Backup) error {
	limits, err := limitsOf(tx, b.ProjectID)
	if err != nil {
		return err
	}
	const noTypes = "" // backups have none
	return s.reserve(tx, limits, nil, b.ProjectID, noTypes, b.uses())
}

// chooseSource checks what the backup is made of, the volume or one of its
// snapshots, and notes its size and moment. Source: Cinder backup/api.py create.
func (s *Service) chooseSource(tx Tx, c Caller, vol *Volume, n NewBackup, b *Backup) (*Snapshot, error) {
	b.Size = vol.Size
	if n.SnapshotID == "" {
		return nil, canBackUp(vol, n.Force)
	}
	snap, err := snapshotFor(tx, c, n.SnapshotID)
	if err != nil {
		return nil, err
	}
	if snap.VolumeID != vol.ID {
		return nil, Errorf(Invalid, "Invalid volume: Volume %s does not match with snapshot.volume_id %s.", vol.ID, snap.VolumeID)
	}
	if snap.Status != SnapshotAvailable {
		return nil, Errorf(WrongStatus, "Invalid snapshot: Snapshot to be backed up must be available, but the current status is \"%s\".", snap.Status)
	}
	b.Size, b.BaseID, b.DataTimestamp = snap.Size, snap.ID, snap.CreatedAt
	return snap, nil
}

// canBackUp tells whether the volume's status allows a backup of it. Source: Cinder
// backup/api.py create; evs-status.md 1.1.
func canBackUp(v *Volume, force bool) error {
	switch {
	case v.Status != VolumeAvailable && v.Status != VolumeInUse:
		return Errorf(WrongStatus, "Invalid volume: Volume to be backed up must be available or in-use, but the current status is \"%s\".", v.Status)
	case v.Status == VolumeInUse && !force:
		return Errorf(WrongStatus, "Invalid volume: Backing up an in-use volume must use the force flag.")
	}
	return nil
}

// chooseParent finds the backup that an incremental one is made after: the newest
// of the volume whose data is older. Source: Cinder backup/api.py create.
func chooseParent(tx Tx, n NewBackup, b *Backup) error {
	if !n.Incremental {
		return nil
	}
	var before time.Time
	if n.SnapshotID != "" {
		before = b.DataTimestamp
	}
	parent, err := tx.LastBackup(b.VolumeID, b.ProjectID, before)
	if err != nil {
		return err
	}
	if parent == nil {
		return Errorf(Invalid, "Invalid backup: No backups available to do an incremental backup.")
	}
	b.ParentID = parent.ID
	return nil
}

// beginBackup moves the volume or snapshot to backing-up and queues the first job.
// Of a volume a snapshot is made, whose name says what it is for.
func (s *Service) beginBackup(tx Tx, b *Backup, vol *Volume, snap *Snapshot) error {
	if snap != nil {
		if err := snap.moveTo(SnapshotBackingUp); err != nil {
			return err
		}
		if err := tx.SaveSnapshot(snap); err != nil {
			return err
		}
		return s.enqueue(tx, jobCopyBackup, b.ID, b.ID, b.ProjectID)
	}
	if err := vol.moveTo(VolumeBackingUp); err != nil {
		return err
	}
	if err := tx.SaveVolume(vol); err != nil {
		return err
	}
	if err := boundSnapshots(tx, vol.ID, MaxSnapshotsPerVolume); err != nil {
		return err
	}
	kept := &Snapshot{
		ID: b.BaseID, ProjectID: vol.ProjectID, UserID: b.UserID, VolumeID: vol.ID, TypeID: vol.TypeID,
		Name: SetText(backupSnapshotPrefix + tx.Now().Format("2006-01-02T15:04:05.000Z")), Status: SnapshotCreating,
		Size: vol.Size, Origin: OriginBackup, CreatedAt: tx.Now(), EnterpriseProjectID: vol.EnterpriseProjectID,
	}
	if err := tx.AddSnapshot(kept); err != nil {
		return err
	}
	return s.enqueue(tx, jobCreateBackup, vol.ID, b.ID, b.ProjectID)
}

// DeleteBackup moves the backup to deleting and queues the work. Fails with
// NotFound, WrongStatus, and Invalid while others were made after it.
// Source: Cinder backup/api.py delete.
func (s *Service) DeleteBackup(ctx context.Context, c Caller, id string) error {
	_, err := s.changeBackup(ctx, c, id, func(b *Backup, tx Tx) error {
		if b.Status != BackupAvailable && b.Status != BackupError {
			return Errorf(WrongStatus, "Invalid backup: Backup status must be available or error")
		}
		return s.queueBackupDeletion(tx, b)
	})
	return err
}

// ForceDeleteBackup deletes whatever the status is; for administrators. What is
// being done with it is cancelled. Fails with NotFound, and Invalid while others
// were made after it.
func (s *Service) ForceDeleteBackup(ctx context.Context, c Caller, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		b, err := backupFor(tx, c, id)
		if err != nil {
			return err
		}
		switch b.Status {
		case BackupCreating:
			err = s.releaseSource(tx, b)
		case BackupRestoring:
			err = s.cutRestoration(tx, b)
		case BackupDeleting:
			if on, err := isQueued(tx, jobDeleteBackup, id); err != nil || on {
				return err
			}
			return s.enqueueDeletion(tx, jobDeleteBackup, b.ID, b.ID, b.ProjectID)
		}
		if err != nil {
			return err
		}
		if err := s.queueBackupDeletion(tx, b); err != nil {
			return err
		}
		return tx.SaveBackup(b)
	})
}

// queueBackupDeletion moves a backup to deleting and queues the work.
func (s *Service) queueBackupDeletion(tx Tx, b *Backup) error {
	if b.Dependents > 0 {
		return Errorf(Invalid, "Invalid backup: Incremental backups exist for this backup.")
	}
	if err := s.ready(); err != nil {
		return err
	}
	if err := b.moveTo(BackupDeleting); err != nil {
		return err
	}
	return s.enqueueDeletion(tx, jobDeleteBackup, b.ID, b.ID, b.ProjectID)
}

// ResettableBackupStatuses are the statuses os-reset_status takes. Source: Cinder
// validators.py backup_status.
func ResettableBackupStatuses() []BackupStatus { return []BackupStatus{BackupAvailable, BackupError} }

// ResetBackupStatus sets a status round backupMoves; for administrators. Status is
// one of ResettableBackupStatuses. Fails with NotFound.
func (s *Service) ResetBackupStatus(ctx context.Context, c Caller, id string, status BackupStatus) error {
	_, err := s.changeBackup(ctx, c, id, func(b *Backup, _ Tx) error {
		b.Status = status
		return nil
	})
	return err
}

// SweepBackups removes the chunks that no backup refers to any more. Fails with
// backup.ErrBusy while a backup is written. On a place where no backup ever was it
// does nothing.
func (s *Service) SweepBackups(ctx context.Context) (backup.Swept, error) {
	if s.parts.Backups == nil {
		return backup.Swept{}, nil
	}
	return s.parts.Backups.Sweep(ctx)
}
