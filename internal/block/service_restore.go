package block

import (
	"context"
	"encoding/json"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// restoreArgs is what the job that restores a backup knows beside its volume.
type restoreArgs struct {
	Backup string `json:"backup"`
	New    bool   `json:"new"` // the volume is made for it
}

// RestoreBackup overwrites a volume with what the backup holds, or makes a volume
// for it when volumeID is empty; name is the new one's, null for one that tells what
// it is. Fails with NotFound, Invalid, WrongStatus, OverLimit. Source: Cinder
// backup/api.py restore.
func (s *Service) RestoreBackup(ctx context.Context, c Caller, id, volumeID string, name Text) (*Backup, *Volume, error) {
	if err := s.ready(); err != nil {
		return nil, nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, nil, err
	}
	newID := s.parts.NewUUID()
	var from *Backup
	var into *Volume
	err = s.store.InTx(ctx, func(tx Tx) error {
		b, err := backupFor(tx, c, id)
		if err != nil {
			return err
		}
		if b.Status != BackupAvailable {
			return Errorf(WrongStatus, "Invalid backup: Backup status must be available")
		}
		var vol *Volume
		if volumeID == "" {
			vol, err = s.volumeForRestoration(tx, c, types, b, newID, name)
		} else if vol, err = volumeFor(tx, c, volumeID); err == nil {
			err = takeVolume(tx, vol, b)
		}
		if err != nil {
			return err
		}
		from, into = b, vol
		return s.beginRestoration(tx, b, vol, volumeID == "")
	})
	if err != nil {
		return nil, nil, err
	}
	return from, into, nil
}

// takeVolume moves a volume that is there to restoring-backup.
func takeVolume(tx Tx, vol *Volume, b *Backup) error {
	if vol.Status != VolumeAvailable {
		return Errorf(WrongStatus, "Invalid volume: Volume to be restored to must be available")
	}
	if err := noClients(tx, vol); err != nil {
		return err
	}
	if b.Size > vol.Size {
		return Errorf(Invalid, "Invalid volume: volume size %d is too small to restore backup of size %d.", vol.Size, b.Size)
	}
	if err := vol.moveTo(VolumeRestoringBackup); err != nil {
		return err
	}
	return tx.SaveVolume(vol)
}

// volumeForRestoration adds the row of a volume that a backup is restored to.
func (s *Service) volumeForRestoration(tx Tx, c Caller, types []*VolumeType, b *Backup, id string, name Text) (*Volume, error) {
	if !name.Valid {
		name = SetText("restore_backup_" + b.ID)
	}
	vol := &Volume{
		ID: id, ProjectID: c.ProjectID, UserID: c.UserID, Name: name, Description: SetText("auto-created_from_restore_from_backup"),
		Status: VolumeRestoringBackup, Size: b.Size, AvailabilityZone: s.parts.Zone, CreatedAt: tx.Now(),
	}
	if err := chooseType(tx, c, vol, types, ""); err != nil {
		return nil, err
	}
	limits, err := limitsOf(tx, c.ProjectID)
	if err != nil {
		return nil, err
	}
	if err := limits.holdSize(vol.Size); err != nil {
		return nil, err
	}
	used := Usage{Volumes: 1, Gigabytes: int64(vol.Size)}
	if err := s.reserve(tx, limits, types, vol.ProjectID, vol.TypeID, used); err != nil {
		return nil, err
	}
	return vol, tx.AddVolume(vol)
}

// beginRestoration moves the backup to restoring and queues the work.
func (s *Service) beginRestoration(tx Tx, b *Backup, vol *Volume, isNew bool) error {
	if err := b.moveTo(BackupRestoring); err != nil {
		return err
	}
	b.RestoreVolumeID = vol.ID
	if err := tx.SaveBackup(b); err != nil {
		return err
	}
	args, err := json.Marshal(restoreArgs{Backup: b.ID, New: isNew})
	if err != nil {
		return err
	}
	return tx.Enqueue(&jobs.Job{
		ID: s.parts.NewHex(), Kind: jobRestoreBackup, ResourceID: vol.ID, Lane: vol.ID, ProjectID: vol.ProjectID,
		Args: string(args), State: jobs.Ready, RunAt: tx.Now(), CreatedAt: tx.Now(),
	})
}

// backupForVolume is the backup that a new volume is made of. Source: Cinder
// volume/flows/api/create_volume.py.
func (s *Service) backupForVolume(tx Tx, c Caller, id string) (*Backup, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	b, err := backupFor(tx, c, id)
	if err != nil {
		return nil, err
	}
	if b.Status != BackupAvailable {
		return nil, Errorf(WrongStatus, "Invalid input received: Invalid backup: Backup %s status must be available, but current status is: %s.", id, b.Status)
	}
	return b, nil
}

// cutRestoration cancels the restoration of a backup: what the volume holds is not
// known any more.
func (s *Service) cutRestoration(tx Tx, b *Backup) error {
	stored, err := tx.Volume(b.RestoreVolumeID)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if stored.Status != VolumeRestoringBackup && stored.Status != VolumeCreating {
		return nil // set by hand: whatever goes on there is not ours to end
	}
	if err := tx.CancelJobs(stored.ID); err != nil {
		return err
	}
	return failVolume(tx, stored.ID, exitOfVolume(stored.Status))
}

// releaseBackupsOf lets go of the backups that are made of a volume or snapshot, or
// restored to it, when that is deleted by force.
func (s *Service) releaseBackupsOf(tx Tx, id string) error {
	busy, err := tx.BackupsBusyWith(id)
	if err != nil {
		return err
	}
	for _, stored := range busy {
		b := *stored
		if b.Status == BackupRestoring {
			err = b.moveTo(BackupAvailable)
		} else {
			err = s.failMaking(tx, &b, "what it was made of was deleted")
		}
		if err != nil {
			return err
		}
		if err := tx.SaveBackup(&b); err != nil {
			return err
		}
	}
	return nil
}

// failMaking cancels the making of a backup and moves it to error in memory.
func (s *Service) failMaking(tx Tx, b *Backup, reason string) error {
	if err := tx.CancelJobs(b.ID); err != nil {
		return err
	}
	if err := b.moveTo(BackupError); err != nil {
		return err
	}
	b.FailReason = reason
	return s.releaseSource(tx, b)
}

// releaseSource gives what a backup was made of its status back. The snapshot that
// the backup made for itself serves nobody and is deleted.
func (s *Service) releaseSource(tx Tx, b *Backup) error {
	if b.SnapshotID == "" {
		if err := restVolume(tx, b.VolumeID, VolumeBackingUp); err != nil {
			return err
		}
	}
	snap, err := tx.Snapshot(b.BaseID)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	released := *snap
	if released.Origin == OriginBackup && b.SnapshotID == "" {
		if released.Status == SnapshotDeleting {
			return nil
		}
		return s.queueDeletion(tx, &released)
	}
	if released.Status != SnapshotBackingUp {
		return nil // set by hand, or being deleted
	}
	if err := released.moveTo(SnapshotAvailable); err != nil {
		return err
	}
	return tx.SaveSnapshot(&released)
}

// restVolume ends a passing status of a volume, unless an administrator was here first.
func restVolume(tx Tx, id string, passing VolumeStatus) error {
	stored, err := tx.Volume(id)
	if isGone(err) || (err == nil && stored.Status != passing) {
		return nil
	}
	if err != nil {
		return err
	}
	vol := *stored
	rests, err := restsWith(tx, &vol)
	if err != nil {
		return err
	}
	if err := vol.moveTo(rests); err != nil {
		return err
	}
	return tx.SaveVolume(&vol)
}

// fillFromBackup takes the size from the backup that v is made from, if it is.
func (s *Service) fillFromBackup(tx Tx, c Caller, id string, v *Volume) (*Backup, error) {
	if id == "" {
		return nil, nil
	}
	b, err := s.backupForVolume(tx, c, id)
	if err != nil {
		return nil, err
	}
	if v.Size == 0 {
		v.Size = b.Size
	}
	if v.Size < b.Size {
		return nil, On("backup_id.size", Errorf(Invalid, "Invalid input received: size must be at least the %d GB of the backup, not %d.", b.Size, v.Size))
	}
	return b, s.parts.Rules.checkSize(v, "size", v.Size, b.Size)
}

// notBackedUp refuses a volume of which a backup is being made, also by way of one
// of its snapshots. Source: evs-errors EVS.2130.
func notBackedUp(tx Tx, v *Volume) error {
	busy, err := tx.BackupsBusyWith(v.ID)
	if err == nil && len(busy) > 0 {
		err = On(AboutBackupRunning, Errorf(WrongStatus, "Invalid volume: Volume %s cannot be deleted while backup %s is being made of it, or restored to it.", v.ID, busy[0].ID))
	}
	return err
}
