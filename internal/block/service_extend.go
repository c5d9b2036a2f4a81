package block

import (
	"context"
)

// ExtendVolume grows a volume; inUse allows it while attached. The size of the row
// changes when the work is done; the quota counts it from now.
// Fails with NotFound, Invalid, WrongStatus, OverLimit. Source: recordings extend-*.
func (s *Service) ExtendVolume(ctx context.Context, c Caller, id string, size Size, inUse bool) error {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return err
	}
	_, err = s.changeVolume(ctx, c, id, func(vol *Volume, tx Tx) error {
		return s.extend(tx, c, vol, types, size, inUse, "")
	})
	return err
}

// extend is ExtendVolume in a transaction, on a copy of the row.
func (s *Service) extend(tx Tx, c Caller, vol *Volume, types []*VolumeType, size Size, inUse bool, batch string) error {
	if vol.Status != VolumeAvailable && (!inUse || vol.Status != VolumeInUse) {
		return Errorf(WrongStatus, "Invalid volume: Volume %s status must be available to extend, but current status is: %s.", vol.ID, vol.Status)
	}
	if c.Vendor && vol.Multiattach && vol.Status != VolumeAvailable { // Source: EVS.1065
		return On(AboutShared, Errorf(WrongStatus, "Invalid volume: Volume %s is shared, and its status must be available to extend, but current status is: %s.", vol.ID, vol.Status))
	}
	if size <= vol.Size {
		return On("new_size", Errorf(Invalid, "Invalid input received: New size for extend must be greater than current size. (current: %d, extended: %d).", vol.Size, size))
	}
	if err := s.parts.Rules.checkSize(vol, "new_size", size, vol.Size+1); err != nil {
		return err
	}
	limits, err := limitsOf(tx, vol.ProjectID)
	if err != nil {
		return err
	}
	if err := limits.holdSize(size); err != nil {
		return err
	}
	// An extension that was overtaken by a reset may still hold its share.
	more := Usage{Gigabytes: int64(size) - vol.gigabytes()}
	if err := s.reserve(tx, limits, types, vol.ProjectID, vol.TypeID, more); err != nil {
		return err
	}
	vol.ExtendTo = size
	if err := vol.moveTo(VolumeExtending); err != nil {
		return err
	}
	if err := tx.CancelJobs(vol.ID); err != nil {
		return err
	}
	return s.enqueueIn(tx, batch, jobExtendVolume, vol.ID, vol.ID, vol.ProjectID)
}
