package block

import "context"

// ForceDetachVolume takes an attachment away, whoever made it, and ends the
// connections that os-initialize_connection made for a host; a nil connector ends
// those of all hosts. Fails with NotFound for the volume, WrongStatus, and Invalid
// when the attachment is not the volume's. Source: Cinder os-force_detach.
func (s *Service) ForceDetachVolume(ctx context.Context, c Caller, id, attachmentID string, from *Connector) error {
	if _, err := s.Volume(ctx, c, id); err != nil {
		return err
	}
	err := s.DetachVolume(ctx, c, id, attachmentID)
	if KindOf(err) == NotFound {
		return Errorf(Invalid, "Error force detaching volume - VolumeAttachmentNotFound: %s", MessageOf(err))
	}
	if err != nil {
		return err
	}
	return s.TerminateConnection(ctx, c, id, from)
}
