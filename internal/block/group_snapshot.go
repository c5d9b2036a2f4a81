package block

import (
	"slices"
	"time"
)

// GroupSnapshotStatus is a group snapshot's place in groupSnapshotMoves.
// Source: Cinder GroupSnapshotStatus.
type GroupSnapshotStatus string

const (
	GroupSnapshotCreating      GroupSnapshotStatus = "creating"
	GroupSnapshotAvailable     GroupSnapshotStatus = "available"
	GroupSnapshotDeleting      GroupSnapshotStatus = "deleting"
	GroupSnapshotDeleted       GroupSnapshotStatus = "deleted" // the row is gone
	GroupSnapshotError         GroupSnapshotStatus = "error"
	GroupSnapshotErrorDeleting GroupSnapshotStatus = "error_deleting"
	GroupSnapshotUpdating      GroupSnapshotStatus = "updating"
)

// groupSnapshotMoves holds every status change a call or job may make; reset_status
// is the one way round it. docs/states.md is made from it. One of no group is deleted
// with the last of its volumes, whatever its status.
var groupSnapshotMoves = map[GroupSnapshotStatus][]GroupSnapshotStatus{
	GroupSnapshotCreating:      {GroupSnapshotAvailable, GroupSnapshotError, GroupSnapshotDeleted},
	GroupSnapshotAvailable:     {GroupSnapshotDeleting, GroupSnapshotDeleted},
	GroupSnapshotDeleting:      {GroupSnapshotDeleted, GroupSnapshotErrorDeleting},
	GroupSnapshotError:         {GroupSnapshotDeleting, GroupSnapshotDeleted},
	GroupSnapshotErrorDeleting: {GroupSnapshotDeleting, GroupSnapshotDeleted},
}

// GroupSnapshot is what several volumes held at one moment: one snapshot of each.
// They are the volumes of a group, or those that a call of EVS v5 named, which calls
// it a snapshot group: then GroupID and TypeID are empty. Rows are values: change a
// copy, save it.
type GroupSnapshot struct {
	ID          string
	ProjectID   string
	UserID      string
	GroupID     string
	TypeID      string // of the group
	ServerID    string // whose volumes they were; empty: nobody said
	Name        Text
	Description Text
	Status      GroupSnapshotStatus
	Legacy      bool // of a legacy group
	CreatedAt   time.Time
	UpdatedAt   time.Time // zero: never changed
	Version     int64     // moves with every write of the row

	EnterpriseProjectID string // of EVS; never changes
}

// ofNoGroup tells whether its volumes were named one by one.
func (s *GroupSnapshot) ofNoGroup() bool { return s.GroupID == "" }

// moveTo changes the status in memory, or fails with WrongStatus.
func (s *GroupSnapshot) moveTo(next GroupSnapshotStatus) error {
	if !slices.Contains(groupSnapshotMoves[s.Status], next) {
		return Errorf(WrongStatus, "group snapshot %s is %s and cannot become %s", s.ID, s.Status, next)
	}
	s.Status = next
	return nil
}
