package block

import (
	"context"
	"errors"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Taken is what a volume takes of the storage, in bytes.
type Taken struct {
	Logical   int64 // its size
	Mapped    int64 // of them those that hold data
	Exclusive int64 // what would be free if it were deleted, with its snapshots
	Snapshots []SnapshotTaken
}

// SnapshotTaken is what deleting one snapshot alone would free, in bytes.
type SnapshotTaken struct {
	ID        string
	Exclusive int64
}

// VolumeTaken asks the driver what a volume and its snapshots take.
// Fails with NotFound, WrongStatus, Conflict (damaged).
func (s *Service) VolumeTaken(ctx context.Context, c Caller, id string) (*Taken, error) {
	vol, err := s.Volume(ctx, c, id)
	if err != nil {
		return nil, err
	}
	if !vol.hasBytes() {
		return nil, Errorf(WrongStatus, "Invalid volume: Volume %s is %s: it may hold nothing yet, or no more.", id, vol.Status)
	}
	used, err := s.driver.Usage(ctx, id)
	switch {
	case isGone(err):
		return nil, Because(err, NotFound, "Volume %s could not be found: it was deleted meanwhile.", id)
	case errors.Is(err, driver.ErrDamaged):
		return nil, Because(err, Conflict, "Volume %s is damaged: what it takes cannot be counted. A verification tells where.", id)
	case err != nil:
		return nil, Because(err, Unavailable, "The storage could not count what volume %s takes; try again.", id)
	}
	// The driver may hold a passing snapshot of a clone in the making, which has no row.
	snaps, err := s.store.Snapshots(ctx, List{Filters: []Filter{{Field: FieldVolumeID, Value: id}}, Sort: []SortKey{{Field: FieldCreatedAt}}, Limit: MaxPage})
	if err != nil {
		return nil, err
	}
	taken := &Taken{Logical: used.Logical, Mapped: used.Mapped, Exclusive: used.Exclusive}
	for _, snap := range snaps {
		if n, held := used.Snapshots[snap.ID]; held {
			taken.Snapshots = append(taken.Snapshots, SnapshotTaken{snap.ID, n})
		}
	}
	return taken, nil
}
