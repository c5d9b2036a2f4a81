package block

import "context"

// NewGroupFrom is what a request to make a group like another says; exactly one
// source is given.
type NewGroupFrom struct {
	Name            Text
	Description     Text
	GroupSnapshotID string
	SourceGroupID   string
}

// CreateGroupFrom makes a group with one volume for each snapshot of a group
// snapshot, or each volume of a group as it is now, all of one moment. Group and
// volumes are creating until the work is done. Fails with NotFound (the source),
// Invalid when it is empty, WrongStatus, OverLimit. Source: Cinder group API create_from_src.
func (s *Service) CreateGroupFrom(ctx context.Context, c Caller, n NewGroupFrom) (*Group, error) {
	if err := s.thawed(ctx); err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	g := &Group{
		ID: s.parts.NewUUID(), ProjectID: c.ProjectID, UserID: c.UserID, Name: n.Name, Description: n.Description,
		Status: GroupCreating, AvailabilityZone: s.parts.Zone, GroupSnapshotID: n.GroupSnapshotID, SourceGroupID: n.SourceGroupID,
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		volumes, err := s.volumesFrom(tx, c, g)
		if err != nil {
			return err
		}
		g.CreatedAt = tx.Now()
		if err := s.boundGroups(tx, g.ProjectID); err != nil {
			return err
		}
		if err := tx.AddGroup(g); err != nil {
			return err
		}
		for _, v := range volumes {
			if err := s.addMember(tx, types, g, v); err != nil {
				return err
			}
		}
		if g.SourceGroupID == "" {
			return s.fillVolumes(tx, volumes)
		}
		return s.enqueue(tx, jobCloneGroup, g.SourceGroupID, g.ID, g.ProjectID)
	})
	if err != nil {
		return nil, err
	}
	return g, nil
}

// fillVolumes queues the making of each volume.
func (s *Service) fillVolumes(tx Tx, volumes []*Volume) error {
	for _, v := range volumes {
		if err := s.enqueue(tx, jobCreateVolume, laneOfCreation(v), v.ID, v.ProjectID); err != nil {
			return err
		}
	}
	return nil
}

// volumesFrom are the volumes that g will have, and takes its types from the source.
func (s *Service) volumesFrom(tx Tx, c Caller, g *Group) ([]*Volume, error) {
	if g.SourceGroupID != "" {
		return volumesFromGroup(tx, c, g)
	}
	snap, err := groupSnapshotFor(tx, c, g.GroupSnapshotID)
	if err != nil {
		return nil, err
	}
	if snap.Status != GroupSnapshotAvailable {
		return nil, Errorf(WrongStatus, "Invalid GroupSnapshot: GroupSnapshot %s status must be available, but current status is: %s.", snap.ID, snap.Status)
	}
	if snap.ofNoGroup() {
		return nil, invalidGroup(Invalid, "Group snapshot %s is of no group; make volumes from its snapshots.", snap.ID)
	}
	source, err := tx.Group(snap.GroupID)
	if err != nil {
		return nil, err
	}
	g.TypeID, g.VolumeTypes, g.Legacy = source.TypeID, source.VolumeTypes, source.Legacy
	members, err := tx.SnapshotsOfGroup(snap.ID)
	if err != nil {
		return nil, err
	}
	var volumes []*Volume
	for _, member := range members {
		if member.Status != SnapshotAvailable {
			return nil, Errorf(WrongStatus, "Invalid snapshot: Snapshot %s status must be available, but current status is: %s.", member.ID, member.Status)
		}
		volumes = append(volumes, &Volume{Size: member.Size, TypeID: member.TypeID, SnapshotID: member.ID})
	}
	if len(volumes) == 0 {
		return nil, invalidGroup(Invalid, "Group snapshot is empty. No group will be created.")
	}
	return volumes, nil
}

func volumesFromGroup(tx Tx, c Caller, g *Group) ([]*Volume, error) {
	source, err := groupFor(tx, c, g.SourceGroupID)
	if err != nil {
		return nil, err
	}
	if source.Status != GroupAvailable {
		return nil, invalidGroup(WrongStatus, "Group %s status must be available, but current status is: %s.", source.ID, source.Status)
	}
	g.TypeID, g.VolumeTypes, g.Legacy = source.TypeID, source.VolumeTypes, source.Legacy
	members, err := tx.VolumesOfGroup(source.ID)
	if err != nil {
		return nil, err
	}
	var volumes []*Volume
	for _, from := range members {
		if from.Status != VolumeAvailable && from.Status != VolumeInUse {
			return nil, Errorf(WrongStatus, "Invalid volume: Volume %s status must be available or in-use, but current status is: %s.", from.ID, from.Status)
		}
		volumes = append(volumes, &Volume{Size: from.Size, TypeID: from.TypeID, SourceVolumeID: from.ID, Bootable: from.Bootable})
	}
	if len(volumes) == 0 {
		return nil, invalidGroup(Invalid, "Source Group is empty. No group will be created.")
	}
	return volumes, nil
}

// addMember counts a volume of a new group against the quota and adds its row.
func (s *Service) addMember(tx Tx, types []*VolumeType, g *Group, v *Volume) error {
	v.ID, v.ProjectID, v.UserID, v.Status = s.parts.NewUUID(), g.ProjectID, g.UserID, VolumeCreating
	v.AvailabilityZone, v.GroupID, v.GroupLegacy, v.CreatedAt = g.AvailabilityZone, g.ID, g.Legacy, tx.Now()
	limits, err := limitsOf(tx, v.ProjectID)
	if err != nil {
		return err
	}
	if err := limits.holdSize(v.Size); err != nil {
		return err
	}
	if err := s.reserve(tx, limits, types, v.ProjectID, v.TypeID, Usage{Volumes: 1, Gigabytes: int64(v.Size)}); err != nil {
		return err
	}
	return tx.AddVolume(v)
}
