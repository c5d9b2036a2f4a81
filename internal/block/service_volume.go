package block

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
)

// Volume reads one volume. Fails with NotFound.
func (s *Service) Volume(ctx context.Context, c Caller, id string) (*Volume, error) {
	vol, err := s.store.Volume(ctx, id)
	if err != nil {
		return nil, err
	}
	return vol, reach(c, vol.ProjectID, "Volume", id)
}

// Volumes is one page of a list; allProjects counts for administrators only.
// Fails with NotFound when the marker is unknown.
func (s *Service) Volumes(ctx context.Context, c Caller, list List, allProjects bool) ([]*Volume, error) {
	return s.store.Volumes(ctx, listFor(c, list, allProjects))
}

// CountVolumes counts what the list's filters keep, whatever its page.
func (s *Service) CountVolumes(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	return s.store.CountVolumes(ctx, listFor(c, list, allProjects))
}

// NewVolume is what a request to make a volume says; the zero Size is the
// source's. At most one source is given.
type NewVolume struct {
	Size           Size
	Name           Text
	Description    Text
	TypeName       string // name or id; empty: the source's or the default
	Zone           string // empty: the default
	Metadata       map[string]string
	SnapshotID     string
	SourceVolumeID string
	Multiattach    bool
}

// CreateVolume makes the row, in status creating, and queues the work.
// Fails with Invalid, NotFound (type or source), WrongStatus (of the source), OverLimit.
func (s *Service) CreateVolume(ctx context.Context, c Caller, n NewVolume) (*Volume, error) {
	if n.Zone != "" && n.Zone != s.parts.Zone {
		return nil, Errorf(Invalid, "Invalid input received: Availability zone '%.64s' is invalid; the zone is %s.", n.Zone, s.parts.Zone)
	}
	if n.Multiattach {
		return nil, Errorf(Invalid, "Invalid volume: multiattach is a property of the volume type, and no type has it.")
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	vol := &Volume{
		ID: s.parts.NewUUID(), ProjectID: c.ProjectID, UserID: c.UserID, Name: n.Name,
		Description: n.Description, Status: VolumeCreating, Size: n.Size, AvailabilityZone: s.parts.Zone,
		Metadata: n.Metadata, SnapshotID: n.SnapshotID, SourceVolumeID: n.SourceVolumeID,
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		fresh := *vol // the closure may run twice
		if err := s.fillFromSource(tx, c, &fresh); err != nil {
			return err
		}
		if err := chooseType(&fresh, types, n.TypeName); err != nil {
			return err
		}
		if err := s.checkVolumeSize(tx, c.ProjectID, fresh.Size); err != nil {
			return err
		}
		if err := s.reserve(tx, types, c.ProjectID, fresh.TypeID, Usage{Volumes: 1, Gigabytes: int64(fresh.Size)}); err != nil {
			return err
		}
		fresh.CreatedAt = tx.Now()
		if err := tx.AddVolume(&fresh); err != nil {
			return err
		}
		*vol = fresh
		return s.enqueue(tx, jobCreateVolume, fresh.ID, fresh.ProjectID, "")
	})
	if err != nil {
		return nil, err
	}
	return vol, nil
}

// fillFromSource takes size and type from the snapshot or volume that v is made from.
func (s *Service) fillFromSource(tx Tx, c Caller, v *Volume) error {
	var least Size
	switch {
	case v.SnapshotID != "":
		from, err := tx.Snapshot(v.SnapshotID)
		if err != nil {
			return err
		}
		if err := reach(c, from.ProjectID, "Snapshot", from.ID); err != nil {
			return err
		}
		if from.Status != SnapshotAvailable {
			return Errorf(WrongStatus, "Invalid snapshot: Snapshot %s status must be available, but current status is: %s.", from.ID, from.Status)
		}
		least, v.TypeID = from.Size, from.TypeID
	case v.SourceVolumeID != "":
		from, err := tx.Volume(v.SourceVolumeID)
		if err != nil {
			return err
		}
		if err := reach(c, from.ProjectID, "Volume", from.ID); err != nil {
			return err
		}
		if from.Status != VolumeAvailable && from.Status != VolumeInUse {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be available or in-use, but current status is: %s.", from.ID, from.Status)
		}
		least, v.TypeID, v.Bootable = from.Size, from.TypeID, from.Bootable
	default:
		least = 1
	}
	if v.Size == 0 {
		v.Size = least
	}
	return checkSize(v.Size, least)
}

func checkSize(size, least Size) error {
	if size < least || size > MaxSize {
		return Errorf(Invalid, "Invalid input received: size must be from %d to %d GB, not %d.", least, MaxSize, size)
	}
	return nil
}

func chooseType(v *Volume, types []*VolumeType, named string) error {
	if named == "" && v.TypeID != "" {
		return nil
	}
	if named == "" {
		named = DefaultTypeName
	}
	i := slices.IndexFunc(types, func(t *VolumeType) bool { return t.ID == named || t.Name == named })
	if i < 0 {
		return Errorf(NotFound, "Volume type with name or id %.64s could not be found.", named)
	}
	v.TypeID = types[i].ID
	return nil
}

// VolumeChange is all that an update of a volume can change.
type VolumeChange struct {
	Name        TextChange
	Description TextChange
	Metadata    map[string]string // nil keeps; otherwise in place of the stored
}

// UpdateVolume changes what the change names. Fails with NotFound.
func (s *Service) UpdateVolume(ctx context.Context, c Caller, id string, change VolumeChange) (*Volume, error) {
	return s.changeVolume(ctx, c, id, "", "", func(v *Volume, _ Tx) error {
		if change.Name.Given {
			v.Name = change.Name.To
		}
		if change.Description.Given {
			v.Description = change.Description.To
		}
		if change.Metadata == nil {
			return nil
		}
		merged, err := mergeMetadata(nil, change.Metadata, true)
		v.Metadata = merged
		return err
	})
}

// changeVolume applies change to a copy of the row, saves it, and queues a job
// of kind unless that is empty.
func (s *Service) changeVolume(ctx context.Context, c Caller, id, kind, args string, change func(*Volume, Tx) error) (*Volume, error) {
	var saved *Volume
	err := s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Volume(id)
		if err != nil {
			return err
		}
		if err := reach(c, stored.ProjectID, "Volume", id); err != nil {
			return err
		}
		vol := *stored
		if err := change(&vol, tx); err != nil {
			return err
		}
		saved = &vol
		if err := tx.SaveVolume(saved); err != nil || kind == "" {
			return err
		}
		return s.enqueue(tx, kind, vol.ID, vol.ProjectID, args)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// deletable are the statuses in which a volume can be deleted. Source: EVS
// status page 1.1; Cinder adds error_deleting and maintenance.
var deletable = []VolumeStatus{VolumeAvailable, VolumeError, VolumeErrorExtending, VolumeErrorDeleting}

// DeleteVolume moves the volume to deleting and queues the work; with cascade its
// snapshots go too. Fails with NotFound, WrongStatus, and Invalid while it has snapshots.
func (s *Service) DeleteVolume(ctx context.Context, c Caller, id string, cascade bool) error {
	_, err := s.changeVolume(ctx, c, id, jobDeleteVolume, "", func(v *Volume, tx Tx) error {
		if !slices.Contains(deletable, v.Status) || len(v.Attachments) > 0 {
			return Errorf(WrongStatus, "Invalid volume: Volume status must be available or error or error_extending or error_deleting and it must not be attached or have snapshots; it is %s.", v.Status)
		}
		if err := s.dropSnapshotsOf(tx, v, cascade); err != nil {
			return err
		}
		return v.moveTo(VolumeDeleting)
	})
	return err
}

// ForceDeleteVolume deletes whatever the status is; for administrators.
func (s *Service) ForceDeleteVolume(ctx context.Context, c Caller, id string) error {
	_, err := s.changeVolume(ctx, c, id, jobDeleteVolume, "", func(v *Volume, tx Tx) error {
		if err := s.dropSnapshotsOf(tx, v, false); err != nil {
			return err
		}
		v.Status, v.Attachments = VolumeDeleting, nil // round the table, as os-reset_status
		return nil
	})
	return err
}

// dropSnapshotsOf moves the volume's snapshots to deleting; their rows go with
// the volume's. Without cascade a volume that has snapshots is refused.
func (s *Service) dropSnapshotsOf(tx Tx, v *Volume, cascade bool) error {
	snaps, err := tx.SnapshotsOf(v.ID)
	if err != nil {
		return err
	}
	if len(snaps) > 0 && !cascade {
		return Errorf(WrongStatus, "Invalid volume: Volume %s has %d snapshots and cannot be deleted without cascade.", v.ID, len(snaps))
	}
	for _, stored := range snaps {
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

// extendArgs are what the job of an extension needs beside the row.
type extendArgs struct {
	From   Size         `json:"from"`
	Size   Size         `json:"size"` // after
	TypeID string       `json:"type_id"`
	Return VolumeStatus `json:"return"` // status to go back to
}

// release gives back what the extension had reserved.
func (a extendArgs) release(tx Tx, projectID string) error {
	if a.Size <= a.From {
		return nil
	}
	_, _, err := tx.AddUsage(projectID, a.TypeID, Usage{Gigabytes: int64(a.From - a.Size)})
	return err
}

// ExtendVolume grows a volume; inUse allows it while attached. The size of the row
// changes when the work is done; the quota counts it from now.
// Fails with NotFound, Invalid, WrongStatus, OverLimit. Source: recordings extend-*.
func (s *Service) ExtendVolume(ctx context.Context, c Caller, id string, size Size, inUse bool) error {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return err
	}
	var args extendArgs
	err = s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Volume(id)
		if err != nil {
			return err
		}
		if err := reach(c, stored.ProjectID, "Volume", id); err != nil {
			return err
		}
		vol := *stored
		if vol.Status != VolumeAvailable && (!inUse || vol.Status != VolumeInUse) {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be available to extend, but current status is: %s.", id, vol.Status)
		}
		if size <= vol.Size {
			return Errorf(Invalid, "Invalid input received: New size for extend must be greater than current size. (current: %d, extended: %d).", vol.Size, size)
		}
		if err := checkSize(size, vol.Size+1); err != nil {
			return err
		}
		args = extendArgs{From: vol.Size, Size: size, TypeID: vol.TypeID, Return: vol.Status}
		if err := s.checkVolumeSize(tx, vol.ProjectID, size); err != nil {
			return err
		}
		if err := s.reserve(tx, types, vol.ProjectID, vol.TypeID, Usage{Gigabytes: int64(size - vol.Size)}); err != nil {
			return err
		}
		if err := vol.moveTo(VolumeExtending); err != nil {
			return err
		}
		if err := tx.SaveVolume(&vol); err != nil {
			return err
		}
		text, err := json.Marshal(args)
		if err != nil {
			return err
		}
		return s.enqueue(tx, jobExtendVolume, vol.ID, vol.ProjectID, string(text))
	})
	return err
}

// SetVolumeMetadata writes items over the stored ones, or in their place.
// Fails with NotFound, and as CheckMetadata does.
func (s *Service) SetVolumeMetadata(ctx context.Context, c Caller, id string, items map[string]string, replace bool) (map[string]string, error) {
	vol, err := s.changeVolume(ctx, c, id, "", "", func(v *Volume, _ Tx) error {
		merged, err := mergeMetadata(v.Metadata, items, replace)
		v.Metadata = merged
		return err
	})
	if err != nil {
		return nil, err
	}
	return vol.Metadata, nil
}

// DropVolumeMetadata removes one item. Fails with NotFound, also for the key.
func (s *Service) DropVolumeMetadata(ctx context.Context, c Caller, id, key string) error {
	_, err := s.changeVolume(ctx, c, id, "", "", func(v *Volume, _ Tx) error {
		if _, there := v.Metadata[key]; !there {
			return Errorf(NotFound, "Volume %s has no metadata with key %s.", id, key)
		}
		v.Metadata = maps.Clone(v.Metadata)
		delete(v.Metadata, key)
		return nil
	})
	return err
}
