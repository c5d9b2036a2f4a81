package block

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// RollBack makes a volume hold again what one of its snapshots holds, any of them;
// all snapshots stay. It moves both to rollbacking and queues the work. With Safety
// a snapshot of the volume as it is comes first, and is told.
// Fails with NotFound, Invalid (another's snapshot), WrongStatus, OverLimit.
func (s *Service) RollBack(ctx context.Context, c Caller, r Rollback) (*Snapshot, error) {
	snap, err := s.Snapshot(ctx, c, r.SnapshotID)
	if err != nil {
		return nil, err
	}
	if snap.VolumeID != r.VolumeID {
		return nil, Errorf(Invalid, "Invalid input for field/attribute volume_id: snapshot %s is of volume %s, and a rollback goes to no other.", snap.ID, snap.VolumeID)
	}
	return s.rollBack(ctx, c, snap.VolumeID, r.Safety, func(tx Tx, v *Volume) (*Snapshot, error) {
		snap, err := snapshotFor(tx, c, r.SnapshotID)
		if err != nil {
			return nil, err
		}
		if err := canRollBack(v, snap); err != nil {
			return nil, err
		}
		if err := v.moveTo(VolumeRollbacking); err != nil {
			return nil, err
		}
		return snap, snap.moveTo(SnapshotRollbacking)
	})
}

// RevertVolume is RollBack by the rules and with the statuses of Cinder: only to the
// newest snapshot, whose id must be named. Fails with NotFound, Invalid, Conflict
// (the statuses), OverLimit. Source: Cinder, microversion 3.40.
func (s *Service) RevertVolume(ctx context.Context, c Caller, r Rollback) (*Snapshot, error) {
	return s.rollBack(ctx, c, r.VolumeID, r.Safety, func(tx Tx, v *Volume) (*Snapshot, error) {
		all, err := tx.SnapshotsOf(v.ID)
		if err != nil {
			return nil, err
		}
		// What a backup keeps is not the user's: a backup stands in nobody's way.
		own := slices.DeleteFunc(all, func(s *Snapshot) bool { return s.Origin == OriginBackup })
		if err := canRevert(v, r.SnapshotID, own); err != nil {
			return nil, err
		}
		snap, err := snapshotFor(tx, c, r.SnapshotID)
		if err != nil {
			return nil, err
		}
		if err := v.moveTo(VolumeReverting); err != nil {
			return nil, err
		}
		return snap, snap.moveTo(SnapshotRestoring)
	})
}

// rollBack queues the work once move has found the snapshot and moved both. The
// volume is locked before its snapshots, as everywhere.
func (s *Service) rollBack(ctx context.Context, c Caller, volumeID string, saved bool, move func(Tx, *Volume) (*Snapshot, error)) (*Snapshot, error) {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	var safety *Snapshot
	id := s.parts.NewUUID()
	_, err = s.changeVolume(ctx, c, volumeID, func(v *Volume, tx Tx) error {
		safety = nil // the closure may run twice
		snap, err := move(tx, v)
		if err != nil {
			return err
		}
		if err := noClients(tx, v); err != nil {
			return err
		}
		args := rollbackArgs{Snapshot: snap.ID}
		if saved {
			if safety, err = s.addSafety(tx, types, c, v, snap, id); err != nil {
				return err
			}
			args.Safety = safety.ID
		}
		if err := tx.SaveSnapshot(snap); err != nil {
			return err
		}
		if err := tx.CancelJobs(v.ID); err != nil { // of a rollback that a reset has overruled
			return err
		}
		return s.enqueueRollback(tx, v, args)
	})
	return safety, err
}

func (s *Service) enqueueRollback(tx Tx, v *Volume, args rollbackArgs) error {
	text, err := json.Marshal(args)
	if err != nil {
		return err
	}
	return tx.Enqueue(&jobs.Job{
		ID: s.parts.NewHex(), Kind: jobRollback, ResourceID: v.ID, Lane: v.ID, ProjectID: v.ProjectID,
		Args: string(text), State: jobs.Ready, RunAt: tx.Now(), CreatedAt: tx.Now(),
	})
}

// addSafety adds the row of the snapshot that a rollback takes first. It counts as
// any other, and its name says what it is.
func (s *Service) addSafety(tx Tx, types []*VolumeType, c Caller, v *Volume, to *Snapshot, id string) (*Snapshot, error) {
	limits, err := limitsOf(tx, v.ProjectID)
	if err != nil {
		return nil, err
	}
	if err := s.parts.Rules.boundChain(tx, limits, v.ID, legacySnapshot); err != nil {
		return nil, err
	}
	if err := s.reserve(tx, limits, types, v.ProjectID, v.TypeID, Usage{Snapshots: 1, Gigabytes: int64(v.Size)}); err != nil {
		return nil, err
	}
	safety := &Snapshot{
		ID: id, ProjectID: v.ProjectID, UserID: c.UserID, VolumeID: v.ID, TypeID: v.TypeID, Size: v.Size,
		Name:        SetText("before rollback to " + to.ID),
		Description: SetText(fmt.Sprintf("What volume %s held before it was rolled back to snapshot %s. Roll back to this one to undo that.", v.ID, to.ID)),
		Status:      SnapshotCreating, CreatedAt: tx.Now(), EnterpriseProjectID: v.EnterpriseProjectID,
	}
	return safety, tx.AddSnapshot(safety)
}
