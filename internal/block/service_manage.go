package block

import (
	"context"
	"errors"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// NewManaged is what a request to manage an object says beside its reference.
type NewManaged struct {
	Host        string // where it lies: this backend's
	VolumeID    string // of a snapshot
	Name        Text
	Description Text
	TypeName    string // empty: the default
	Zone        string // empty: the default
	Metadata    map[string]string
	Bootable    bool
}

// invalidReference is Cinder's refusal of a reference that leads nowhere.
func invalidReference(id, why string) error {
	return Errorf(Invalid, "Failed to manage existing volume due to invalid backend reference %.64s: %s", id, why)
}

// ManageVolume makes a row for a volume that the driver holds and nobody manages.
// Its id is the driver's: drivers cannot rename. Fails with Invalid, OverLimit, and
// WrongStatus while a job is at it. Source: Cinder contrib volume_manage.
func (s *Service) ManageVolume(ctx context.Context, c Caller, id string, n NewManaged) (*Volume, error) {
	if n.Host != s.parts.Host && n.Host != s.BackendHost() {
		return nil, Errorf(Invalid, "Invalid input received: Host '%.128s' not found; it is %s.", n.Host, s.parts.Host)
	}
	if n.Zone != "" && n.Zone != s.parts.Zone {
		return nil, Errorf(Invalid, "Invalid input received: Availability zone '%.64s' is invalid; the zone is %s.", n.Zone, s.parts.Zone)
	}
	found, err := s.judgeVolumeRef(ctx, driver.Ref{Volume: id})
	if err := refuseRef(id, found, err); err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	vol := &Volume{
		ID: id, ProjectID: c.ProjectID, UserID: c.UserID, Name: n.Name, Description: n.Description, Status: VolumeAvailable,
		Size: Size(found.Size >> 30), AvailabilityZone: s.parts.Zone, Metadata: n.Metadata, Bootable: n.Bootable,
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		vol.TypeID, vol.Multiattach = "", false // the closure may run twice
		if err := chooseType(tx, c, vol, types, n.TypeName); err != nil {
			return err
		}
		if _, err := tx.Volume(id); !isGone(err) {
			return cmpErr(err, invalidReference(id, "already managed"))
		}
		if err := nobodyAt(tx, id); err != nil {
			return err
		}
		limits, err := limitsOf(tx, c.ProjectID)
		if err != nil {
			return err
		}
		if err := limits.holdSize(vol.Size); err != nil {
			return err
		}
		if err := s.reserve(tx, limits, types, c.ProjectID, vol.TypeID, Usage{Volumes: 1, Gigabytes: int64(vol.Size)}); err != nil {
			return err
		}
		vol.CreatedAt = tx.Now()
		if err := tx.AddVolume(vol); err != nil {
			return err
		}
		return tx.ForgetUnmanaged(Unmanaged{VolumeID: id})
	})
	if err != nil {
		return nil, err
	}
	return vol, nil
}

// cmpErr is err, or fallback when there is none.
func cmpErr(err, fallback error) error {
	if err != nil {
		return err
	}
	return fallback
}

// refuseRef tells why an object of the driver cannot be managed.
func refuseRef(id string, m Manageable, err error) error {
	switch {
	case isGone(err) || errors.Is(err, driver.ErrInvalid):
		return invalidReference(id, "the storage holds no such object")
	case err != nil:
		return Because(err, Unavailable, "The storage does not answer.")
	case m.Unsafe != "":
		return invalidReference(id, m.Unsafe)
	}
	return nil
}

// nobodyAt refuses an object that a job may still delete.
func nobodyAt(tx Tx, id string) error {
	live, err := tx.LiveJobsOf(id)
	if err == nil && len(live) > 0 {
		return Errorf(WrongStatus, "Invalid input received: %s is still being worked on; try again.", id)
	}
	return err
}

// ManageSnapshot makes a row for a snapshot that the driver holds of a managed
// volume. Fails as ManageVolume does, and with NotFound for the volume.
func (s *Service) ManageSnapshot(ctx context.Context, c Caller, id string, n NewManaged) (*Snapshot, error) {
	if _, err := s.Volume(ctx, c, n.VolumeID); err != nil {
		return nil, err
	}
	found, err := s.judgeSnapshotRef(ctx, driver.Ref{Volume: n.VolumeID, Snapshot: id})
	if err := refuseRef(id, found, err); err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	snap := &Snapshot{
		ID: id, UserID: c.UserID, VolumeID: n.VolumeID, Name: n.Name, Description: n.Description,
		Status: SnapshotAvailable, Progress: 100, Size: Size(found.Size >> 30), Metadata: n.Metadata,
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		vol, err := volumeFor(tx, c, n.VolumeID)
		if err != nil {
			return err
		}
		if err := canSnapshot(vol, true); err != nil {
			return err
		}
		if _, err := tx.Snapshot(id); !isGone(err) {
			return cmpErr(err, invalidReference(id, "already managed"))
		}
		if err := nobodyAt(tx, id); err != nil {
			return err
		}
		limits, err := limitsOf(tx, vol.ProjectID)
		if err != nil {
			return err
		}
		if err := s.parts.Rules.boundChain(tx, limits, vol.ID, legacySnapshot); err != nil {
			return err
		}
		snap.ProjectID, snap.TypeID, snap.CreatedAt, snap.EnterpriseProjectID = vol.ProjectID, vol.TypeID, tx.Now(), vol.EnterpriseProjectID
		if err := s.reserve(tx, limits, types, snap.ProjectID, snap.TypeID, Usage{Snapshots: 1, Gigabytes: int64(snap.Size)}); err != nil {
			return err
		}
		if err := tx.AddSnapshot(snap); err != nil {
			return err
		}
		return tx.ForgetUnmanaged(Unmanaged{VolumeID: vol.ID, SnapshotID: id})
	})
	if err != nil {
		return nil, err
	}
	return snap, nil
}

// UnmanageVolume forgets a volume and leaves its bytes in the driver, where it can
// be managed again. Fails with NotFound, and WrongStatus unless it is available
// and has no snapshots.
func (s *Service) UnmanageVolume(ctx context.Context, c Caller, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		v, err := volumeFor(tx, c, id)
		if err != nil {
			return err
		}
		if v.Status != VolumeAvailable || len(v.Attachments) > 0 {
			return Errorf(WrongStatus, "Invalid volume: Volume status must be available and it must not be attached to be unmanaged; it is %s.", v.Status)
		}
		if err := noClients(tx, v); err != nil {
			return err
		}
		if err := v.staysInGroup(); err != nil {
			return err
		}
		if err := s.dropSnapshotsOf(tx, v, false); err != nil {
			return err
		}
		if err := nobodyAt(tx, id); err != nil {
			return err
		}
		if err := v.moveTo(VolumeDeleting); err != nil {
			return err
		}
		if err := dropVolume(v, tx); err != nil {
			return err
		}
		return tx.NoteUnmanaged(Unmanaged{VolumeID: id})
	})
}

// UnmanageSnapshot forgets a snapshot and leaves it in the driver, until its volume
// is deleted. Fails with NotFound, and WrongStatus unless it is available.
func (s *Service) UnmanageSnapshot(ctx context.Context, c Caller, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		snap, err := snapshotFor(tx, c, id)
		if err != nil {
			return err
		}
		if snap.Status != SnapshotAvailable {
			return Errorf(WrongStatus, "Invalid snapshot: Snapshot status must be available to be unmanaged, but current status is: %s.", snap.Status)
		}
		if err := snap.staysInGroup(); err != nil {
			return err
		}
		if err := nobodyAt(tx, id); err != nil {
			return err
		}
		for _, next := range []SnapshotStatus{SnapshotDeleting, SnapshotDeleted} {
			if err := snap.moveTo(next); err != nil {
				return err
			}
		}
		if err := dropSnapshot(snap, tx); err != nil {
			return err
		}
		return tx.NoteUnmanaged(Unmanaged{VolumeID: snap.VolumeID, SnapshotID: id})
	})
}
