package block

import (
	"context"
	"maps"
	"strings"
)

// Volume reads one volume. Fails with NotFound.
func (s *Service) Volume(ctx context.Context, c Caller, id string) (*Volume, error) {
	vol, err := s.store.Volume(ctx, id)
	if err != nil {
		return nil, err
	}
	if vol.isRecycled() {
		return nil, notFound("Volume", id)
	}
	return vol, reach(c, vol.ProjectID, "Volume", id)
}

// Volumes is one page of a list; allProjects counts for administrators only.
// Fails with NotFound when the marker is unknown.
func (s *Service) Volumes(ctx context.Context, c Caller, list List, allProjects bool) ([]*Volume, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return nil, err
	}
	return s.store.Volumes(ctx, notRecycled(list))
}

// CountVolumes counts what the list's filters keep, whatever its page.
func (s *Service) CountVolumes(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return 0, err
	}
	return s.store.CountVolumes(ctx, notRecycled(list))
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
	BackupID       string
	ImageID        string
	Multiattach    bool
	GroupID        string // the group it is to be in; empty: none
	Tags           map[string]string
	Vendor         bool // EVS's rules of sources, types and metadata count; see holdVendor
	Performance

	EnterpriseProjectID string // empty: DefaultEnterpriseProject
}

// CreateVolume makes the row, in status creating, and queues the work.
// Fails with Invalid, NotFound (type or source), WrongStatus (of the source), OverLimit.
func (s *Service) CreateVolume(ctx context.Context, c Caller, n NewVolume) (*Volume, error) {
	made, err := s.CreateVolumes(ctx, c, NewVolumes{NewVolume: n, Count: 1})
	if err != nil {
		return nil, err
	}
	return made.Volumes[0], nil
}

// addNew adds one volume of a creation in its transaction: its row, and the work.
// The first of several counts all of them against the quota.
func (s *Service) addNew(tx Tx, c Caller, vol *Volume, n *NewVolumes, types []*VolumeType, first bool, batch string) error {
	from, err := s.fillFromBackup(tx, c, n.BackupID, vol)
	if err != nil {
		return aboutBackup(err)
	}
	if err := s.fillFromSource(tx, c, vol); err != nil {
		return err
	}
	if err := chooseType(tx, c, vol, types, n.TypeName); err != nil {
		return err
	}
	if err := s.holdVendor(tx, vol, n, types); err != nil {
		return err
	}
	if err := join(tx, c, vol, n.TypeName != ""); err != nil {
		return err
	}
	if first {
		if err := s.reserveAll(tx, c, vol, n.Count, types); err != nil {
			return err
		}
	}
	vol.CreatedAt = tx.Now()
	if err := tx.AddVolume(vol); err != nil {
		return err
	}
	if err := addTags(tx, TagVolume, vol.ID, n.Tags); err != nil {
		return err
	}
	if from != nil {
		return s.beginRestoration(tx, from, vol, true)
	}
	return s.enqueueIn(tx, batch, jobCreateVolume, laneOfCreation(vol), vol.ID, vol.ProjectID)
}

// aboutBackup tells what of the backup that a volume is made from is wrong.
func aboutBackup(err error) error {
	if KindOf(err) == WrongStatus {
		return On("backup_id.status", err)
	}
	if about := AboutOf(err); about == "size" || about == "backup_id.size" {
		return err
	}
	return On("backup_id", err)
}

// reserveAll counts so many volumes like one against the quota.
func (s *Service) reserveAll(tx Tx, c Caller, vol *Volume, count int, types []*VolumeType) error {
	limits, err := limitsOf(tx, c.ProjectID)
	if err != nil {
		return err
	}
	if err := limits.holdSize(vol.Size); err != nil {
		return err
	}
	all := int64(count)
	return s.reserve(tx, limits, types, c.ProjectID, vol.TypeID, Usage{Volumes: all, Gigabytes: all * int64(vol.Size)})
}

// laneOfCreation is the volume that the creation takes a passing snapshot of, or
// the new one.
func laneOfCreation(v *Volume) string {
	if v.SourceVolumeID != "" {
		return v.SourceVolumeID
	}
	return v.ID
}

// fillFromSource takes size and type from the snapshot or volume that v is made from.
func (s *Service) fillFromSource(tx Tx, c Caller, v *Volume) error {
	var least Size
	switch {
	case v.SnapshotID != "":
		from, err := tx.Snapshot(v.SnapshotID)
		if err == nil {
			err = reach(c, from.ProjectID, "Snapshot", from.ID)
		}
		if err != nil {
			return On("snapshot_id", err)
		}
		// EVS takes one, too, while a backup of it is being made. Source: EVS.2043.
		reads := c.Vendor && from.Status == SnapshotBackingUp && from.Origin != OriginBackup
		if from.Status != SnapshotAvailable && !reads {
			return On("snapshot_id.status", Errorf(WrongStatus, "Invalid snapshot: Snapshot %s status must be available, but current status is: %s.", from.ID, from.Status))
		}
		least, v.TypeID = from.Size, from.TypeID
		origin, err := tx.Volume(from.VolumeID)
		if err != nil {
			return err
		}
		v.Bootable, v.ImageMetadata = origin.Bootable, origin.ImageMetadata
	case v.SourceVolumeID != "":
		from, err := volumeFor(tx, c, v.SourceVolumeID)
		if err != nil {
			return err
		}
		if from.Status != VolumeAvailable && from.Status != VolumeInUse {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be available or in-use, but current status is: %s.", from.ID, from.Status)
		}
		least, v.TypeID, v.Bootable, v.ImageMetadata = from.Size, from.TypeID, from.Bootable, from.ImageMetadata
	case v.ImageID != "":
		needed, err := fillFromImage(tx, c, v)
		if err != nil {
			return err
		}
		least = needed
	default:
		least = 1
	}
	if v.Size == 0 {
		v.Size = least
	}
	return s.parts.Rules.checkSize(v, "size", v.Size, least)
}

// chooseType sets the volume's type and what follows from it: the named one, the
// source's, the project's default, or the default of all; the last needs no access.
func chooseType(tx Tx, c Caller, v *Volume, types []*VolumeType, named string) (err error) {
	source := v.TypeID
	if named == "" {
		if named = source; named == "" {
			if named, err = tx.DefaultType(c.ProjectID); err != nil {
				return err
			}
		}
		if named == "" {
			named = DefaultTypeName
		}
		if named == source || named == DefaultTypeName {
			c.Admin = true
		}
	}
	t, err := typeFor(tx, c, types, named)
	if err != nil {
		return err
	}
	if (v.Multiattach || t.multiattach()) && t.Encryption != nil {
		return Errorf(Invalid, "Invalid volume: Multiattach cannot be used with encrypted volumes.")
	}
	if from := typeNamed(types, source); from != nil && !sameEncryption(from.Encryption, t.Encryption) {
		return Errorf(Invalid, "Invalid input received: Invalid volume_type provided: %.64s (its encryption must match that of the source).", named)
	}
	v.TypeID, v.Multiattach = t.ID, v.Multiattach || t.multiattach()
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
	return s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		if change.Name.Given {
			v.Name = change.Name.To
		}
		if change.Description.Given {
			v.Description = change.Description.To
		}
		if change.Metadata == nil {
			return nil
		}
		return v.setMetadata(c, change.Metadata, true)
	})
}

// changeVolume applies change to a copy of the row and saves it.
func (s *Service) changeVolume(ctx context.Context, c Caller, id string, change func(*Volume, Tx) error) (*Volume, error) {
	var saved *Volume
	err := s.store.InTx(ctx, func(tx Tx) error {
		vol, err := volumeFor(tx, c, id)
		if err != nil {
			return err
		}
		if err := change(vol, tx); err != nil {
			return err
		}
		saved = vol
		return tx.SaveVolume(saved)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// volumeFor is a copy of a row that the caller may change.
func volumeFor(tx Tx, c Caller, id string) (*Volume, error) {
	stored, err := tx.Volume(id)
	if err != nil {
		return nil, err
	}
	if stored.isRecycled() {
		return nil, notFound("Volume", id)
	}
	vol := *stored
	return &vol, reach(c, vol.ProjectID, "Volume", id)
}

// SetVolumeMetadata writes items over the stored ones, or in their place.
// Fails with NotFound, and as CheckMetadata does.
func (s *Service) SetVolumeMetadata(ctx context.Context, c Caller, id string, items map[string]string, replace bool) (map[string]string, error) {
	vol, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		return v.setMetadata(c, items, replace)
	})
	if err != nil {
		return nil, err
	}
	return vol.Metadata, nil
}

// DropVolumeMetadata removes one item. Fails with NotFound, also for the key.
func (s *Service) DropVolumeMetadata(ctx context.Context, c Caller, id, key string) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		if _, there := v.Metadata[key]; !there {
			return Errorf(NotFound, "Volume %s has no metadata with key %s.", id, key)
		}
		if c.Vendor && strings.HasPrefix(key, metadataSystem) {
			return errSystemKey(key)
		}
		v.Metadata = maps.Clone(v.Metadata)
		delete(v.Metadata, key)
		return nil
	})
	return err
}
