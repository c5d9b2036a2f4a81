package block

import "context"

// groupStore is the part of a Store that keeps groups; see Store for the rules.
type groupStore interface {
	// Group fails with NotFound.
	Group(ctx context.Context, id string) (*Group, error)
	Groups(ctx context.Context, list List) ([]*Group, error)
	CountGroups(ctx context.Context, list List) (int, error)
	// VolumesOfGroups are the ids of each group's volumes, oldest first.
	VolumesOfGroups(ctx context.Context, groupIDs []string) (map[string][]string, error)

	// GroupSnapshot fails with NotFound.
	GroupSnapshot(ctx context.Context, id string) (*GroupSnapshot, error)
	GroupSnapshots(ctx context.Context, list List) ([]*GroupSnapshot, error)
	CountGroupSnapshots(ctx context.Context, list List) (int, error)
	// SnapshotsOfGroup are the snapshots that a group snapshot is made of, oldest first.
	SnapshotsOfGroup(ctx context.Context, groupSnapshotID string) ([]*Snapshot, error)

	// GroupType fails with NotFound.
	GroupType(ctx context.Context, id string) (*GroupType, error)
	GroupTypes(ctx context.Context, list List) ([]*GroupType, error)
	CountGroupTypes(ctx context.Context, list List) (int, error)
}

// groupTx is the part of a Tx that keeps groups; see Tx for the rules.
type groupTx interface {
	// Group reads for writing (FOR UPDATE); fails with NotFound.
	Group(id string) (*Group, error)
	AddGroup(g *Group) error
	SaveGroup(g *Group) error
	DropGroup(g *Group) error
	// CountGroupsOf counts the groups of a project, whatever their status.
	CountGroupsOf(projectID string) (int, error)
	// CountGroupsOfType counts the groups of a group type, of all projects.
	CountGroupsOfType(typeID string) (int, error)
	// CountGroupsWithVolumeType counts the groups that may have volumes of a type, of all projects.
	CountGroupsWithVolumeType(typeID string) (int, error)
	// CountGroupsFrom counts the groups that are being made from a group or group snapshot.
	CountGroupsFrom(id string) (int, error)
	// VolumesOfGroup are a group's volumes, oldest first, read for writing.
	VolumesOfGroup(groupID string) ([]*Volume, error)
	// VolumeStatusesOf are the statuses of a group's volumes, without waiting for
	// who writes them: that one looks again.
	VolumeStatusesOf(groupID string) ([]VolumeStatus, error)

	// GroupSnapshot reads for writing; fails with NotFound.
	GroupSnapshot(id string) (*GroupSnapshot, error)
	AddGroupSnapshot(s *GroupSnapshot) error
	SaveGroupSnapshot(s *GroupSnapshot) error
	DropGroupSnapshot(s *GroupSnapshot) error
	// CountGroupSnapshotsOf counts the snapshots of a group, whatever their status.
	CountGroupSnapshotsOf(groupID string) (int, error)
	// SnapshotsOfGroup are the snapshots that a group snapshot is made of, oldest
	// first, read for writing.
	SnapshotsOfGroup(groupSnapshotID string) ([]*Snapshot, error)
	// SnapshotStatusesOf is VolumeStatusesOf for the snapshots of a group snapshot.
	SnapshotStatusesOf(groupSnapshotID string) ([]SnapshotStatus, error)

	// GroupType reads for writing; fails with NotFound.
	GroupType(id string) (*GroupType, error)
	// GroupTypeNamed reads for writing; fails with NotFound.
	GroupTypeNamed(name string) (*GroupType, error)
	// AddGroupType and SaveGroupType fail with Conflict when the name is taken.
	AddGroupType(t *GroupType) error
	SaveGroupType(t *GroupType) error
	DropGroupType(t *GroupType) error
}
