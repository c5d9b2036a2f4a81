package block

import "slices"

// join puts a new volume, whose type is settled, into the group it names.
// Source: Cinder volume API create, create_volume flow.
func join(tx Tx, c Caller, v *Volume, typeNamed bool) error {
	if v.GroupID == "" {
		return nil
	}
	g, err := groupFor(tx, c, v.GroupID)
	if err != nil {
		return err
	}
	switch {
	case g.ProjectID != v.ProjectID:
		return Errorf(Invalid, "Invalid input received: group %s is of another project.", g.ID)
	case g.Status != GroupAvailable && g.Status != GroupCreating:
		return invalidGroup(WrongStatus, "group %s status must be available or creating, but current status is: %s.", g.ID, g.Status)
	case !typeNamed:
		return Errorf(Invalid, "Invalid input received: volume_type must be provided when creating a volume in a group.")
	case !slices.Contains(g.VolumeTypes, v.TypeID):
		return Errorf(Invalid, "Invalid input received: Invalid volume_type provided: %s (requested type must be supported by this group).", v.TypeID)
	}
	members, err := tx.VolumeStatusesOf(g.ID)
	if err == nil && len(members) >= MaxGroupVolumes {
		err = fullGroup(g.ID)
	}
	v.GroupLegacy = g.Legacy
	return err
}

func fullGroup(id string) error {
	return invalidGroup(Invalid, "group %s has %d volumes, and may have no more.", id, MaxGroupVolumes)
}

// staysInGroup refuses to do alone to a volume what is done to its group.
// Source: Cinder volume API delete.
func (v *Volume) staysInGroup() error {
	if v.GroupID == "" {
		return nil
	}
	return Errorf(WrongStatus, "Invalid volume: Volume %s must not belong to a group; it is in group %s.", v.ID, v.GroupID)
}

// moveVolumes adds volumes to a group and removes others, and tells how many.
func moveVolumes(tx Tx, c Caller, g *Group, change GroupChange) (int, error) {
	if len(change.AddVolumes)+len(change.RemoveVolumes) == 0 {
		return 0, nil
	}
	for _, id := range change.AddVolumes {
		if slices.Contains(change.RemoveVolumes, id) {
			return 0, Errorf(Invalid, "Invalid volume: UUIDs %.64s are in both add and remove volume list.", id)
		}
	}
	members, err := tx.VolumesOfGroup(g.ID)
	if err != nil {
		return 0, err
	}
	var added, removed []*Volume
	for _, id := range change.AddVolumes {
		if slices.ContainsFunc(members, func(v *Volume) bool { return v.ID == id }) ||
			slices.ContainsFunc(added, func(v *Volume) bool { return v.ID == id }) {
			continue
		}
		v, err := addable(tx, c, g, id)
		if err != nil {
			return 0, err
		}
		v.GroupID, v.GroupLegacy = g.ID, g.Legacy
		added = append(added, v)
	}
	for _, id := range change.RemoveVolumes {
		v, err := removable(members, g, id)
		if err != nil {
			return 0, err
		}
		v.GroupID, v.GroupLegacy = "", false
		if !slices.Contains(removed, v) {
			removed = append(removed, v)
		}
	}
	switch moved := append(added, removed...); {
	case len(moved) == 0:
		return 0, nil
	case g.Status != GroupAvailable:
		return 0, invalidGroup(WrongStatus, "Group status must be available, but current status is: %s.", g.Status)
	case len(members)+len(added)-len(removed) > MaxGroupVolumes:
		return 0, fullGroup(g.ID)
	default:
		for _, v := range moved {
			if err := tx.SaveVolume(v); err != nil {
				return 0, err
			}
		}
		return len(moved), nil
	}
}

// addable is a copy of a volume that may come into the group.
func addable(tx Tx, c Caller, g *Group, id string) (*Volume, error) {
	no := func(format string, args ...any) error {
		return Errorf(Invalid, "Invalid volume: Cannot add volume %.64s to group %s because "+format, append([]any{id, g.ID}, args...)...)
	}
	v, err := volumeFor(tx, c, id)
	switch {
	case isGone(err):
		return nil, no("volume cannot be found.")
	case err != nil:
		return nil, err
	case v.GroupID != "":
		return nil, no("it is already in group %s.", v.GroupID)
	case v.ProjectID != g.ProjectID:
		return nil, no("they belong to different projects.")
	case !slices.Contains(g.VolumeTypes, v.TypeID):
		return nil, no("volume type %s is not supported by the group.", v.TypeID)
	case v.Status != VolumeAvailable && v.Status != VolumeInUse:
		return nil, no("volume is in an invalid state: %s. Valid states are: available, in-use.", v.Status)
	}
	return v, nil
}

// removable finds a volume that may leave the group. Source: Cinder
// VALID_REMOVE_VOL_FROM_GROUP_STATUS.
func removable(members []*Volume, g *Group, id string) (*Volume, error) {
	i := slices.IndexFunc(members, func(v *Volume) bool { return v.ID == id })
	if i < 0 {
		return nil, Errorf(Invalid, "Invalid volume: Cannot remove volume %.64s from group %s because it is not in the group.", id, g.ID)
	}
	switch v := members[i]; v.Status {
	case VolumeAvailable, VolumeInUse, VolumeError, VolumeErrorDeleting:
		return v, nil
	default:
		return nil, Errorf(Invalid, "Invalid volume: Cannot remove volume %s from group %s because volume is in an invalid state: %s. Valid states are: available, in-use, error, error_deleting.", id, g.ID, v.Status)
	}
}

// deleteMember moves a volume of a group to deleting and queues the work.
func (s *Service) deleteMember(tx Tx, v *Volume) error {
	if len(v.Attachments) > 0 {
		return invalidGroup(WrongStatus, "Volume in group %s is attached. Need to detach first.", v.GroupID)
	}
	if n, err := tx.CountSnapshotsOf(v.ID); err != nil || n > 0 {
		if err == nil {
			err = invalidGroup(WrongStatus, "Volume in group still has dependent snapshots.")
		}
		return err
	}
	if v.Status == VolumeDeleting {
		if on, err := isQueued(tx, jobDeleteVolume, v.ID); err != nil || on {
			return err
		}
	} else {
		if err := v.moveTo(VolumeDeleting); err != nil {
			return err
		}
		if err := tx.SaveVolume(v); err != nil {
			return err
		}
	}
	return s.enqueueDeletion(tx, jobDeleteVolume, v.ID, v.ID, v.ProjectID)
}
