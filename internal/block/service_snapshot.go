package block

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// Snapshot reads one snapshot. Fails with NotFound.
func (s *Service) Snapshot(ctx context.Context, c Caller, id string) (*Snapshot, error) {
	snap, err := s.store.Snapshot(ctx, id)
	if err != nil {
		return nil, err
	}
	return snap, reach(c, snap.ProjectID, "Snapshot", id)
}

// Snapshots is one page of a list; allProjects counts for administrators only.
// Fails with NotFound when the marker is unknown.
func (s *Service) Snapshots(ctx context.Context, c Caller, list List, allProjects bool) ([]*Snapshot, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return nil, err
	}
	return s.store.Snapshots(ctx, list)
}

// CountSnapshots counts what the list's filters keep, whatever its page.
func (s *Service) CountSnapshots(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return 0, err
	}
	return s.store.CountSnapshots(ctx, list)
}

// UpdateSnapshot changes name and description, in every status, and nothing else.
// The later of two writers wins per field. No driver is called, no job queued.
// Fails with NotFound. Source: both seeds; update-snapshot.md 61-67.
func (s *Service) UpdateSnapshot(ctx context.Context, c Caller, id string, change SnapshotChange) (*Snapshot, error) {
	return s.changeSnapshot(ctx, c, id, func(snap *Snapshot, _ Tx) error {
		change.applyTo(snap)
		return nil
	})
}

// changeSnapshot applies change to a copy of the row and saves it.
func (s *Service) changeSnapshot(ctx context.Context, c Caller, id string, change func(*Snapshot, Tx) error) (*Snapshot, error) {
	var saved *Snapshot
	err := s.store.InTx(ctx, func(tx Tx) error {
		snap, err := snapshotFor(tx, c, id)
		if err != nil {
			return err
		}
		if err := change(snap, tx); err != nil {
			return err
		}
		saved = snap
		return tx.SaveSnapshot(saved)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// NewSnapshot is what a request to make a snapshot says.
type NewSnapshot struct {
	VolumeID    string
	Name        Text
	Description Text
	Metadata    map[string]string
	Force       bool // take it of an attached volume, too
	Tags        map[string]string
	// InstantAccess and FullCopy are noted; see Snapshot.
	InstantAccess bool
	FullCopy      bool
	Standard      bool // of v5: not while another of the volume is being made

	EnterpriseProjectID string // empty: the volume's
}

func (n NewSnapshot) model() snapshotModel { return snapshotModel(n.Standard) }

// CreateSnapshot makes the row, in status creating, and queues the work.
// Fails with NotFound (the volume), WrongStatus, OverLimit.
func (s *Service) CreateSnapshot(ctx context.Context, c Caller, n NewSnapshot) (*Snapshot, error) {
	if err := s.thawed(ctx); err != nil {
		return nil, err
	}
	snap := &Snapshot{
		ID: s.parts.NewUUID(), UserID: c.UserID, VolumeID: n.VolumeID, Name: n.Name,
		Description: n.Description, Status: SnapshotCreating, Metadata: n.Metadata,
		InstantAccess: n.InstantAccess, FullCopy: n.FullCopy,
	}
	if err := CheckTags(n.Tags); err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		vol, err := volumeFor(tx, c, n.VolumeID)
		if err != nil {
			return err
		}
		if err := canSnapshot(vol, n.Force); err != nil {
			return err
		}
		limits, err := limitsOf(tx, vol.ProjectID)
		if err != nil {
			return err
		}
		if err := s.parts.Rules.boundChain(tx, limits, vol.ID, n.model()); err != nil {
			return err
		}
		if err := n.fitsBeside(tx, s.parts.Rules); err != nil {
			return err
		}
		snap.ProjectID, snap.TypeID, snap.Size = vol.ProjectID, vol.TypeID, vol.Size
		snap.CreatedAt, snap.EnterpriseProjectID = tx.Now(), cmp.Or(n.EnterpriseProjectID, vol.EnterpriseProjectID)
		if err := s.reserve(tx, limits, types, snap.ProjectID, snap.TypeID, Usage{Snapshots: 1, Gigabytes: int64(snap.Size)}); err != nil {
			return err
		}
		if err := tx.AddSnapshot(snap); err != nil {
			return err
		}
		if err := addTags(tx, TagSnapshot, snap.ID, n.Tags); err != nil {
			return err
		}
		return s.enqueue(tx, jobCreateSnapshot, snap.VolumeID, snap.ID, snap.ProjectID)
	})
	if err != nil {
		return nil, err
	}
	return snap, nil
}

// canSnapshot tells whether the volume's status allows a snapshot. Source:
// recordings create-volume-*.
func canSnapshot(v *Volume, force bool) error {
	switch {
	case v.Status == VolumeError || v.Status == VolumeMaintenance:
		return Errorf(WrongStatus, "Invalid volume: The snapshot cannot be created when the volume is in %s status.", v.Status)
	case v.Status == VolumeAvailable || (force && v.Status == VolumeInUse):
		return nil
	}
	needed := "available"
	if force {
		needed = "available, in-use"
	}
	return Errorf(WrongStatus, "Invalid volume: Volume %s status must be %s, but current status is: %s.", v.ID, needed, v.Status)
}

// boundChain holds a volume to what the quota, or else the setting for the model, says
// of the snapshots that one may have, those of backups apart; and with them in any
// case to MaxSnapshotsPerVolume. Source: EVS status page 2.3.
func (r Rules) boundChain(tx Tx, limits Limits, volumeID string, model snapshotModel) error {
	if most := r.snapshots(limits, model); most < MaxSnapshotsPerVolume {
		snaps, err := tx.SnapshotsOf(volumeID)
		if err != nil {
			return err
		}
		own := slices.DeleteFunc(snaps, func(s *Snapshot) bool { return s.Origin == OriginBackup })
		if int64(len(own)) >= most {
			return errChain(most, volumeID)
		}
	}
	return boundSnapshots(tx, volumeID, MaxSnapshotsPerVolume)
}

// snapshotModel is one of the two kinds of snapshot that EVS has: a volume may have more
// of the newer. They are the same here, and count together.
type snapshotModel bool

const (
	legacySnapshot   snapshotModel = false
	standardSnapshot snapshotModel = true // of v5
)

// snapshots is how many snapshots a volume may have for another to be made.
// per_volume_snapshots of a quota is a name of ours beside Cinder's.
func (r Rules) snapshots(limits Limits, model snapshotModel) int64 {
	most := int64(r.SnapshotsPerVolume)
	if model == standardSnapshot {
		most = int64(r.StandardSnapshotsPerVolume)
	}
	if set, given := limits[perVolumeSnapshots]; given {
		most = max(set, 0)
		if set < 0 {
			most = MaxSnapshotsPerVolume
		}
	} else if most == 0 {
		most = MaxSnapshotsPerVolume
	}
	return most
}

// boundSnapshots holds a volume to so many snapshots, whoever made them.
func boundSnapshots(tx Tx, volumeID string, most int64) error {
	n, err := tx.CountSnapshotsOf(volumeID)
	if err == nil && int64(n) >= most {
		return errChain(most, volumeID)
	}
	return err
}

func errChain(most int64, volumeID string) error {
	const over = "SnapshotLimitExceeded: Maximum number of snapshots allowed (%d) exceeded for volume %s."
	if most < MaxSnapshotsPerVolume {
		return Errorf(OverLimit, over+" An administrator can raise the quota %s up to %d.", most, volumeID, perVolumeSnapshots, MaxSnapshotsPerVolume)
	}
	return Errorf(OverLimit, over, most, volumeID)
}

// DeleteSnapshot moves the snapshot to deleting and queues the work.
// Fails with NotFound, WrongStatus. Source: recordings delete-status-*.
func (s *Service) DeleteSnapshot(ctx context.Context, c Caller, id string) error {
	if err := s.thawed(ctx); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		snap, err := snapshotFor(tx, c, id)
		if err != nil {
			return err
		}
		if snap.Status != SnapshotAvailable && snap.Status != SnapshotError {
			return Errorf(WrongStatus, "Invalid snapshot: Snapshot status must be available or error, but current status is: %s.", snap.Status)
		}
		if err := snap.staysInGroup(); err != nil {
			return err
		}
		return s.queueDeletion(tx, snap)
	})
}

// ForceDeleteSnapshot deletes whatever the status is; for administrators. What is
// being done to the snapshot is cancelled. Fails with NotFound.
func (s *Service) ForceDeleteSnapshot(ctx context.Context, c Caller, id string) error {
	if err := s.thawed(ctx); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		snap, err := snapshotFor(tx, c, id)
		if err != nil {
			return err
		}
		if err := snap.staysInGroup(); err != nil {
			return err
		}
		if err := s.releaseBackupsOf(tx, id); err != nil {
			return err
		}
		if snap, err = snapshotFor(tx, c, id); err != nil { // which may have changed it
			return err
		}
		if snap.Status == SnapshotDeleting { // it is on its way, by itself or with its volume
			for kind, object := range map[string]string{jobDeleteSnapshot: id, jobDeleteVolume: snap.VolumeID} {
				if on, err := isQueued(tx, kind, object); err != nil || on {
					return err
				}
			}
			return s.enqueueDeletion(tx, jobDeleteSnapshot, snap.VolumeID, snap.ID, snap.ProjectID)
		}
		return s.queueDeletion(tx, snap)
	})
}

// queueDeletion moves a snapshot to deleting and queues the work.
func (s *Service) queueDeletion(tx Tx, snap *Snapshot) error {
	if err := snap.moveTo(SnapshotDeleting); err != nil {
		return err
	}
	if err := tx.SaveSnapshot(snap); err != nil {
		return err
	}
	return s.enqueueDeletion(tx, jobDeleteSnapshot, snap.VolumeID, snap.ID, snap.ProjectID)
}

// snapshotFor is a copy of a row that the caller may change.
func snapshotFor(tx Tx, c Caller, id string) (*Snapshot, error) {
	stored, err := tx.Snapshot(id)
	if err != nil {
		return nil, err
	}
	snap := *stored
	return &snap, reach(c, snap.ProjectID, "Snapshot", id)
}

// resettableSnapshot are the statuses os-reset_status takes. Source: recording action-reset-bogus.
var resettableSnapshot = []SnapshotStatus{
	SnapshotError, SnapshotAvailable, SnapshotCreating, SnapshotDeleting, SnapshotDeleted,
	SnapshotUpdating, SnapshotBackingUp, SnapshotErrorDeleting, SnapshotUnmanaging, SnapshotRestoring,
}

// ResettableSnapshotStatuses are the statuses os-reset_status takes.
func ResettableSnapshotStatuses() []SnapshotStatus { return resettableSnapshot }

// ResetSnapshotStatus sets a status round snapshotMoves; for administrators.
// Status is one of ResettableSnapshotStatuses. Fails with NotFound.
func (s *Service) ResetSnapshotStatus(ctx context.Context, c Caller, id string, status SnapshotStatus) error {
	_, err := s.changeSnapshot(ctx, c, id, func(snap *Snapshot, _ Tx) error {
		snap.Status = status
		return nil
	})
	return err
}

// UpdateSnapshotStatus is the call a data path makes on a snapshot that is being
// made: its status and progress, below 0 to keep it. A snapshot whose own job has
// not made its bytes yet stays that job's. Source: recordings action-update-status-*.
func (s *Service) UpdateSnapshotStatus(ctx context.Context, c Caller, id string, status SnapshotStatus, progress int) error {
	_, err := s.changeSnapshot(ctx, c, id, func(snap *Snapshot, tx Tx) error {
		if snap.Status != SnapshotCreating || (status != SnapshotAvailable && status != SnapshotError && status != SnapshotCreating) {
			return Errorf(WrongStatus, "Snapshot status %s not allowed for update_snapshot_status", snap.Status)
		}
		making, err := isQueued(tx, jobCreateSnapshot, id)
		if err != nil {
			return err
		}
		safety, err := inRollback(tx, snap, func(*jobs.Job) bool { return true })
		if err != nil {
			return err
		}
		if making || safety { // or a member could call it available before it holds anything
			return Errorf(WrongStatus, "Snapshot %s is still being made and its status cannot be told from outside.", id)
		}
		snap.Status = status
		if progress >= 0 {
			snap.Progress = progress
		}
		return nil
	})
	return err
}

// SetSnapshotMetadata writes items over the stored ones, or in their place.
// Fails with NotFound, and as CheckMetadata does.
func (s *Service) SetSnapshotMetadata(ctx context.Context, c Caller, id string, items map[string]string, replace bool) (map[string]string, error) {
	snap, err := s.changeSnapshot(ctx, c, id, func(snap *Snapshot, _ Tx) error {
		if key := systemKey(snap.Metadata, items, replace); key != "" && c.Vendor {
			return errSystemKey(key)
		}
		merged, err := mergeMetadata(snap.Metadata, items, replace)
		snap.Metadata = merged
		return err
	})
	if err != nil {
		return nil, err
	}
	return snap.Metadata, nil
}

// DropSnapshotMetadata removes one item. Fails with NotFound, also for the key.
func (s *Service) DropSnapshotMetadata(ctx context.Context, c Caller, id, key string) error {
	_, err := s.changeSnapshot(ctx, c, id, func(snap *Snapshot, _ Tx) error {
		if _, there := snap.Metadata[key]; !there {
			return Errorf(NotFound, "Snapshot %s has no metadata with key %s.", id, key)
		}
		if c.Vendor && strings.HasPrefix(key, metadataSystem) {
			return errSystemKey(key)
		}
		snap.Metadata = maps.Clone(snap.Metadata)
		delete(snap.Metadata, key)
		return nil
	})
	return err
}
