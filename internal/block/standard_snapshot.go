package block

import (
	"cmp"
	"context"
	"time"
)

// AboutSnapshotBusy is what a refusal is about while another snapshot of the volume
// is being made. Source: EVS.2409.
const AboutSnapshotBusy = "snapshot.busy"

// SnapshotChain is what a volume has of snapshots, as EVS v5 tells it.
type SnapshotChain struct {
	VolumeID  string
	Snapshots int64
	Capacity  int64     // their sizes together, in GiB
	CreatedAt time.Time // of the oldest
	UpdatedAt time.Time // creation of the newest
}

// fitsBeside holds a new snapshot to what EVS v5 allows beside the volume's others.
func (n NewSnapshot) fitsBeside(tx Tx, rules Rules) error {
	if !n.Standard && !n.InstantAccess {
		return nil
	}
	others, err := tx.SnapshotsOf(n.VolumeID)
	if err != nil {
		return err
	}
	for _, other := range others {
		if n.Standard && other.Status == SnapshotCreating {
			return On(AboutSnapshotBusy, Errorf(Conflict, "Snapshot %s of volume %s is being created; only one can be at a time.", other.ID, n.VolumeID))
		}
	}
	if n.InstantAccess {
		return rules.boundInstantAccess(others, n.VolumeID)
	}
	return nil
}

func (r Rules) boundInstantAccess(others []*Snapshot, volumeID string) error {
	instant, most := 0, cmp.Or(r.InstantSnapshotsPerVolume, DefaultInstantSnapshots)
	for _, other := range others {
		if other.InstantAccess {
			instant++
		}
	}
	if instant >= most {
		return Errorf(OverLimit, "SnapshotLimitExceeded: Maximum number of snapshots with instant access (%d) exceeded for volume %s.", most, volumeID)
	}
	return nil
}

// UpdateStandardSnapshot is UpdateSnapshot that also turns instant access on or
// off; nil leaves it. Fails with NotFound, OverLimit.
func (s *Service) UpdateStandardSnapshot(ctx context.Context, c Caller, id string, change SnapshotChange, instant *bool) (saved *Snapshot, err error) {
	seen, err := s.Snapshot(ctx, c, id)
	if err != nil {
		return nil, err
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		if _, err := tx.Volume(seen.VolumeID); err != nil { // before its snapshots, as everywhere
			return err
		}
		snap, err := snapshotFor(tx, c, id)
		if err != nil {
			return err
		}
		change.applyTo(snap)
		if instant != nil && *instant && !snap.InstantAccess {
			others, err := tx.SnapshotsOf(snap.VolumeID)
			if err != nil {
				return err
			}
			if err := s.parts.Rules.boundInstantAccess(others, snap.VolumeID); err != nil {
				return err
			}
		}
		if instant != nil {
			snap.InstantAccess = *instant
		}
		saved = snap
		return tx.SaveSnapshot(saved)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// SnapshotChains are what the volumes of the caller's project have of snapshots, by
// the volume's id, after the given one; one volume's when its id is given.
func (s *Service) SnapshotChains(ctx context.Context, c Caller, volumeID, after string, limit int) ([]SnapshotChain, error) {
	if c.ProjectID == "" {
		return nil, Errorf(Forbidden, "A token of a project is needed to list its objects.")
	}
	return s.store.SnapshotChains(ctx, c.ProjectID, volumeID, after, limit)
}
