package block

import (
	"context"
	"slices"
)

// resettableVolume are the statuses os-reset_status takes. Source: Cinder
// volume_actions reset_status; recordings reset-volume-*.
var resettableVolume = []VolumeStatus{
	VolumeCreating, VolumeAvailable, VolumeDeleting, VolumeError, VolumeErrorDeleting, VolumeAttaching,
	VolumeDetaching, VolumeMaintenance, VolumeInUse, VolumeExtending, VolumeErrorExtending, VolumeReserved,
}

// ResettableVolumeStatuses are the statuses os-reset_status takes.
func ResettableVolumeStatuses() []VolumeStatus { return resettableVolume }

// ResetVolumeStatus sets a status round volumeMoves; for administrators.
// Fails with NotFound, and Invalid for in-use without an attachment.
func (s *Service) ResetVolumeStatus(ctx context.Context, c Caller, id string, status VolumeStatus) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		if status == VolumeInUse && len(v.Attachments) == 0 {
			return Errorf(Invalid, "Cannot reset-state to in-use because volume does not have any attachments.")
		}
		v.Status = status
		return nil
	})
	return err
}

// AttachVolume notes that a server uses the volume: status only, no data path.
// Source: EVS v2 os-attach (deprecated), Cinder os-attach. Fails with NotFound, WrongStatus.
func (s *Service) AttachVolume(ctx context.Context, c Caller, id string, a Attachment) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		if v.Status == VolumeAttaching { // os-reserve came first
			v.Status = VolumeAvailable
		}
		if v.Status != VolumeAvailable { // the table lets jobs alone go from extending to in-use
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be available to attach, but current status is: %s.", id, v.Status)
		}
		if err := v.moveTo(VolumeInUse); err != nil {
			return err
		}
		a.ID, a.AttachedAt = s.parts.NewUUID(), tx.Now()
		v.Attachments = append(slices.Clone(v.Attachments), a)
		return nil
	})
	return err
}

// DetachVolume takes the attachment away again; an empty id means the only one.
// Fails with NotFound, WrongStatus, Invalid when id must be named.
func (s *Service) DetachVolume(ctx context.Context, c Caller, id, attachmentID string) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		if v.Status == VolumeDetaching { // os-begin_detaching came first
			v.Status = VolumeInUse
		}
		if v.Status != VolumeInUse { // the table lets jobs alone go from creating to available
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be in-use to detach, but current status is: %s.", id, v.Status)
		}
		if len(v.Attachments) > 1 && attachmentID == "" {
			return Errorf(Invalid, "Volume %s has several attachments: attachment_id is needed.", id)
		}
		kept := slices.DeleteFunc(slices.Clone(v.Attachments), func(a Attachment) bool {
			return attachmentID == "" || a.ID == attachmentID
		})
		if attachmentID != "" && len(kept) == len(v.Attachments) {
			return Errorf(NotFound, "Volume attachment %.64s could not be found.", attachmentID)
		}
		v.Attachments = kept
		if len(kept) > 0 {
			return nil
		}
		return v.moveTo(VolumeAvailable)
	})
	return err
}
