package block

import "context"

// SetVolumeBootable sets the flag that tells clients whether to boot from it.
// Fails with NotFound. Source: EVS 6.6.
func (s *Service) SetVolumeBootable(ctx context.Context, c Caller, id string, bootable bool) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		v.Bootable = bootable
		return nil
	})
	return err
}

// SetVolumeReadonly says whether clients may only read the volume, from their next
// attachment on. Fails with NotFound, and WrongStatus unless it is available.
// Source: EVS 6.6; Cinder update_readonly_flag.
func (s *Service) SetVolumeReadonly(ctx context.Context, c Caller, id string, readonly bool) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		if v.Status != VolumeAvailable {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be available to update readonly flag, but current status is: %s.", id, v.Status)
		}
		v.Writable = WritableYes
		if readonly {
			v.Writable = WritableNo
		}
		return nil
	})
	return err
}
