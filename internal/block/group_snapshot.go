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
// is the one way round it. docs/states.md is made from it.
var groupSnapshotMoves = map[GroupSnapshotStatus][]GroupSnapshotStatus{
	GroupSnapshotCreating:      {GroupSnapshotAvailable, GroupSnapshotError},
	GroupSnapshotAvailable:     {GroupSnapshotDeleting},
	GroupSnapshotDeleting:      {GroupSnapshotDeleted, GroupSnapshotErrorDeleting},
	GroupSnapshotError:         {GroupSnapshotDeleting},
	GroupSnapshotErrorDeleting: {GroupSnapshotDeleting},
}

// GroupSnapshot is what all volumes of a group held at one moment: one snapshot of
// each. Rows are values: change a copy, save it.
type GroupSnapshot struct {
	ID          string
	ProjectID   string
	UserID      string
	GroupID     string
	TypeID      string // of the group
	Name        Text
	Description Text
	Status      GroupSnapshotStatus
	Legacy      bool // of a legacy group
	CreatedAt   time.Time
	UpdatedAt   time.Time // zero: never changed
	Version     int64     // moves with every write of the row
}

// moveTo changes the status in memory, or fails with WrongStatus.
func (s *GroupSnapshot) moveTo(next GroupSnapshotStatus) error {
	if !slices.Contains(groupSnapshotMoves[s.Status], next) {
		return Errorf(WrongStatus, "group snapshot %s is %s and cannot become %s", s.ID, s.Status, next)
	}
	s.Status = next
	return nil
}
