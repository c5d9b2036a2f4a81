package block

import (
	"context"
	"maps"
)

// SetVolumeBootable sets the flag that tells clients whether to boot from it.
// Fails with NotFound. Source: EVS 6.6.
func (s *Service) SetVolumeBootable(ctx context.Context, c Caller, id string, bootable bool) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		v.Bootable = bootable
		return nil
	})
	return err
}

// SetVolumeReadonly notes in the metadata, as Cinder shows it, whether the volume
// may only be read. Fails with NotFound, and WrongStatus unless it is available.
// Source: EVS 6.6. Assumed: a note, for there is no data path that could hold to it.
func (s *Service) SetVolumeReadonly(ctx context.Context, c Caller, id string, readonly bool) error {
	word := "False"
	if readonly {
		word = "True"
	}
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		if v.Status != VolumeAvailable {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be available to update readonly flag, but current status is: %s.", id, v.Status)
		}
		merged := maps.Clone(v.Metadata)
		if merged == nil {
			merged = map[string]string{}
		}
		merged["readonly"] = word
		v.Metadata = merged
		return nil
	})
	return err
}
