package block

import (
	"slices"
	"time"
)

// GroupStatus is a group's place in groupMoves. Source: Cinder GroupStatus.
type GroupStatus string

const (
	GroupCreating      GroupStatus = "creating"
	GroupAvailable     GroupStatus = "available"
	GroupDeleting      GroupStatus = "deleting"
	GroupDeleted       GroupStatus = "deleted" // the row is gone
	GroupError         GroupStatus = "error"
	GroupErrorDeleting GroupStatus = "error_deleting"
	GroupUpdating      GroupStatus = "updating"
)

// groupMoves holds every status change a call or job may make; reset_status is the
// one way round it. docs/states.md is made from it. A group itself is nowhere but in
// the database: it is in motion only while its volumes are.
var groupMoves = map[GroupStatus][]GroupStatus{
	GroupCreating:      {GroupAvailable, GroupError, GroupDeleting},
	GroupAvailable:     {GroupDeleting},
	GroupDeleting:      {GroupDeleted, GroupErrorDeleting},
	GroupError:         {GroupDeleting},
	GroupErrorDeleting: {GroupDeleting},
	GroupUpdating:      {GroupDeleting},
	GroupDeleted:       {GroupDeleting}, // reset_status knows this word, too
}

// Group is a set of volumes of one project. Rows are values: change a copy, save it.
type Group struct {
	ID               string
	ProjectID        string
	UserID           string
	Name             Text
	Description      Text
	Status           GroupStatus
	TypeID           string // of the group
	AvailabilityZone string
	VolumeTypes      []string // ids of the types its volumes may have; never changed in place
	GroupSnapshotID  string   // made from this group snapshot; empty otherwise
	SourceGroupID    string   // made from this group; empty otherwise
	// Legacy: the calls of consistency groups made it, and they alone serve it.
	Legacy    bool
	CreatedAt time.Time
	UpdatedAt time.Time // zero: never changed
	Version   int64     // moves with every write of the row
}

// moveTo changes the status in memory, or fails with WrongStatus.
func (g *Group) moveTo(next GroupStatus) error {
	if !slices.Contains(groupMoves[g.Status], next) {
		return Errorf(WrongStatus, "group %s is %s and cannot become %s", g.ID, g.Status, next)
	}
	g.Status = next
	return nil
}

// GroupChange is all that an update of a group can change.
type GroupChange struct {
	Name          TextChange
	Description   TextChange
	AddVolumes    []string // ids
	RemoveVolumes []string // ids
}

func noGroup(id string) error { return notFound("Group", id) }

// invalidGroup words a refusal as Cinder does. Source: Cinder InvalidGroup.
func invalidGroup(kind Kind, format string, args ...any) error {
	return Errorf(kind, "Invalid Group: "+format, args...)
}
