package block

import (
	"context"
	"slices"
)

// deletable are the statuses in which a volume can be deleted. Source: EVS
// status page 1.1; Cinder adds error_deleting and maintenance.
var deletable = []VolumeStatus{VolumeAvailable, VolumeError, VolumeErrorExtending, VolumeErrorDeleting, VolumeErrorRollbacking, VolumeErrorRestoring}

// DeleteVolume moves the volume to deleting and queues the work; with cascade its
// snapshots go too, whatever is being done to them. Where the project's policy has it,
// the volume goes to the recycle bin instead. Fails with NotFound, WrongStatus,
// and Invalid while it has snapshots.
func (s *Service) DeleteVolume(ctx context.Context, c Caller, id string, cascade bool) error {
	if err := s.thawed(ctx); err != nil {
		return err
	}
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		if !slices.Contains(deletable, v.Status) || len(v.Attachments) > 0 {
			return Errorf(WrongStatus, "Invalid volume: Volume status must be available or error or error_extending or error_rollbacking or error_restoring or error_deleting and it must not be attached or have snapshots; it is %s.", v.Status)
		}
		if err := notBackedUp(tx, v); err != nil {
			return err
		}
		if err := v.staysInGroup(); err != nil {
			return err
		}
		if err := s.dropSnapshotsOf(tx, v, cascade); err != nil {
			return err
		}
		if keep, kept, err := recycles(tx, v); err != nil || kept {
			if err == nil {
				err = s.recycle(tx, v, keep)
			}
			return err
		}
		if err := v.moveTo(VolumeDeleting); err != nil {
			return err
		}
		return s.enqueueDeletion(tx, jobDeleteVolume, v.ID, v.ID, v.ProjectID)
	})
	return err
}

// ForceDeleteVolume deletes whatever the status is; for administrators. What is
// being done to the volume is cancelled. Fails with NotFound, and WrongStatus while
// it has snapshots.
func (s *Service) ForceDeleteVolume(ctx context.Context, c Caller, id string) error {
	if err := s.thawed(ctx); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		v, err := volumeFor(tx, c, id)
		if err != nil {
			return err
		}
		if err := v.staysInGroup(); err != nil {
			return err
		}
		if err := s.releaseBackupsOf(tx, id); err != nil {
			return err
		}
		if v, err = volumeFor(tx, c, id); err != nil { // which may have changed it
			return err
		}
		if v.Status == VolumeDeleting {
			if on, err := isQueued(tx, jobDeleteVolume, id); err != nil || on {
				return err
			}
		} else if err := v.moveTo(VolumeDeleting); err != nil {
			return err
		}
		if err := s.dropSnapshotsOf(tx, v, false); err != nil {
			return err
		}
		if _, err := s.endConnections(tx, v, anyConnection); err != nil { // though the deletion may fail
			return err
		}
		if err := dropAttachmentsOf(tx, v); err != nil {
			return err
		}
		if err := tx.SaveVolume(v); err != nil {
			return err
		}
		return s.enqueueDeletion(tx, jobDeleteVolume, v.ID, v.ID, v.ProjectID)
	})
}

// dropSnapshotsOf moves the volume's snapshots to deleting; their rows go with
// the volume's. Without cascade a volume that has snapshots is refused.
func (s *Service) dropSnapshotsOf(tx Tx, v *Volume, cascade bool) error {
	snaps, err := tx.SnapshotsOf(v.ID)
	if err != nil {
		return err
	}
	if n := slices.IndexFunc(snaps, func(s *Snapshot) bool { return s.Origin != OriginBackup }); n >= 0 && !cascade {
		return Errorf(WrongStatus, "Invalid volume: Volume %s has %d snapshots and cannot be deleted without cascade.", v.ID, len(snaps))
	}
	for _, stored := range snaps {
		if stored.ProjectID != v.ProjectID { // left behind when the volume was given away
			return Errorf(WrongStatus, "Invalid volume: Volume %s has snapshots of another project and cannot be deleted.", v.ID)
		}
		if err := stored.goesWithVolume(tx); err != nil {
			return err
		}
		if err := tx.CancelJobs(stored.ID); err != nil {
			return err
		}
		if stored.Status == SnapshotDeleting {
			continue
		}
		snap := *stored
		if err := snap.moveTo(SnapshotDeleting); err != nil {
			return err
		}
		if err := tx.SaveSnapshot(&snap); err != nil {
			return err
		}
	}
	return nil
}
