package block

import (
	"slices"
	"time"
)

// SnapshotStatus is a snapshot's place in snapshotMoves. Source: EVS status page; Cinder.
type SnapshotStatus string

const (
	SnapshotCreating      SnapshotStatus = "creating"
	SnapshotAvailable     SnapshotStatus = "available"
	SnapshotDeleting      SnapshotStatus = "deleting"
	SnapshotDeleted       SnapshotStatus = "deleted" // the row is gone
	SnapshotError         SnapshotStatus = "error"
	SnapshotErrorDeleting SnapshotStatus = "error_deleting"
	SnapshotUpdating      SnapshotStatus = "updating"
	SnapshotBackingUp     SnapshotStatus = "backing-up"
	SnapshotUnmanaging    SnapshotStatus = "unmanaging"
	SnapshotRestoring     SnapshotStatus = "restoring"   // Cinder reverts its volume to it
	SnapshotRollbacking   SnapshotStatus = "rollbacking" // EVS rolls its volume back to it
)

// snapshotMoves holds every status change a call or job may make; os-reset_status
// is the one way round it. docs/states.md is made from it. From every status there
// is a way to deleting: os-force_delete and a cascade take it. Source: EVS status page 2.2.
var snapshotMoves = map[SnapshotStatus][]SnapshotStatus{
	SnapshotCreating:      {SnapshotAvailable, SnapshotError, SnapshotDeleting, SnapshotBackingUp},
	SnapshotAvailable:     {SnapshotDeleting, SnapshotRollbacking, SnapshotRestoring, SnapshotBackingUp},
	SnapshotDeleting:      {SnapshotDeleted, SnapshotErrorDeleting},
	SnapshotError:         {SnapshotDeleting},
	SnapshotErrorDeleting: {SnapshotDeleting},
	SnapshotUpdating:      {SnapshotDeleting},
	SnapshotBackingUp:     {SnapshotAvailable, SnapshotDeleting},
	SnapshotUnmanaging:    {SnapshotDeleting},
	SnapshotRestoring:     {SnapshotAvailable, SnapshotDeleting},
	SnapshotRollbacking:   {SnapshotAvailable, SnapshotDeleting},
	SnapshotDeleted:       {SnapshotDeleting}, // os-reset_status knows this word, too
}

// Snapshot is what a volume held at one moment. Rows are values: change a copy, save it.
type Snapshot struct {
	ID          string
	ProjectID   string
	UserID      string
	VolumeID    string
	TypeID      string // of the volume; usage is counted per type
	Name        Text
	Description Text
	Status      SnapshotStatus
	Progress    int // percent of its creation
	// GroupSnapshotID is the group snapshot that it is a part of; empty: none.
	GroupSnapshotID string
	// InstantAccess and FullCopy are what EVS v5 asks for and shows; the bytes are
	// there at once either way, and no snapshot needs another.
	InstantAccess bool
	FullCopy      bool
	Size          Size              // of the volume at that moment
	Metadata      map[string]string // never changed in place
	Origin        Origin            // who made it; never changes
	CreatedAt     time.Time
	UpdatedAt     time.Time // zero: never changed
	Version       int64     // moves with every write of the row

	EnterpriseProjectID string // of EVS: what v5 was told, or else the volume's; never changes
}

// moveTo changes the status in memory, or fails with WrongStatus.
func (s *Snapshot) moveTo(next SnapshotStatus) error {
	if !slices.Contains(snapshotMoves[s.Status], next) {
		return Errorf(WrongStatus, "snapshot %s is %s and cannot become %s", s.ID, s.Status, next)
	}
	s.Status = next
	return nil
}

// SnapshotChange is all that an update can change: no other field exists here,
// so no body can reach one. Source: both seeds, request parameters.
type SnapshotChange struct {
	Name        TextChange
	Description TextChange
}

// applyTo changes s in memory.
func (c SnapshotChange) applyTo(s *Snapshot) {
	if c.Name.Given {
		s.Name = c.Name.To
	}
	if c.Description.Given {
		s.Description = c.Description.To
	}
}
