package block

import (
	"context"
	"slices"
	"strings"
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

// ReserveVolume keeps a volume for whoever is about to attach it.
// Fails with NotFound, WrongStatus. Source: Cinder reserve_volume.
func (s *Service) ReserveVolume(ctx context.Context, c Caller, id string) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		if v.Status != VolumeAvailable && (!v.Multiattach || v.Status != VolumeInUse) {
			return Errorf(WrongStatus, "Invalid volume: Volume status must be %s to reserve, but the status is %s.", attachable(v), v.Status)
		}
		return v.moveTo(VolumeAttaching)
	})
	return err
}

// UnreserveVolume undoes ReserveVolume; a volume that is not reserved stays as it
// is. Fails with NotFound. Source: Cinder unreserve_volume.
func (s *Service) UnreserveVolume(ctx context.Context, c Caller, id string) error {
	return s.endAndRest(ctx, c, id, func(v *Volume) (func(*Connection) bool, error) {
		if v.Status != VolumeAttaching {
			return nil, nil
		}
		return isBare, nil
	})
}

// anyConnection matches all.
func anyConnection(*Connection) bool { return true }

// isBare tells whether a connection is one of os-initialize_connection.
func isBare(c *Connection) bool { return c.AttachmentID == "" }

// endAndRest ends the connections that choose picks, gives a volume that was only
// reserved the status in which it rests, and cuts off who is connected. A nil choice changes nothing.
func (s *Service) endAndRest(ctx context.Context, c Caller, id string, choose func(*Volume) (func(*Connection) bool, error)) error {
	var ending []string
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		match, err := choose(v)
		if ending = nil; err != nil || match == nil {
			return err
		}
		if ending, err = s.endConnections(tx, v, match); err != nil {
			return err
		}
		if v.Status != VolumeAttaching { // attached, and perhaps told to begin detaching
			return nil
		}
		return settle(tx, v)
	})
	if err == nil {
		s.cutOff(ctx, ending)
	}
	return err
}

// BeginDetaching marks a volume that is about to be detached.
// Fails with NotFound, WrongStatus. Source: Cinder begin_detaching.
func (s *Service) BeginDetaching(ctx context.Context, c Caller, id string) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		attached := func(a Attached) bool { return a.IsAttached() }
		if v.Status != VolumeInUse || !slices.ContainsFunc(v.Attachments, attached) {
			return Errorf(WrongStatus, "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.")
		}
		return v.moveTo(VolumeDetaching)
	})
	return err
}

// RollDetaching undoes BeginDetaching; a volume that is not detaching, or whose
// clients are being cut off, stays as it is. Fails with NotFound. Source: Cinder roll_detaching.
func (s *Service) RollDetaching(ctx context.Context, c Caller, id string) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		if v.Status != VolumeDetaching {
			return nil
		}
		return settle(tx, v)
	})
	return err
}

// InitializeConnection makes a volume that is reserved or attached ready for the
// client that the connector describes, and tells it how to connect; the same host
// gets the same connection again. Fails with NotFound, WrongStatus.
// Source: Cinder initialize_connection, which asks for no status: here a volume
// that is available has no clients, so that it can be deleted and rolled back.
func (s *Service) InitializeConnection(ctx context.Context, c Caller, id string, from *Connector) (*ConnectionInfo, error) {
	var made *Connection
	vol, err := s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		if !slices.Contains([]VolumeStatus{VolumeReserved, VolumeAttaching, VolumeInUse}, v.Status) {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be attaching, reserved or in-use to initialize a connection, but current status is: %s.", id, v.Status)
		}
		conns, err := tx.ConnectionsOf(v.ID)
		if err != nil {
			return err
		}
		readOnly := from.Mode == ModeReadOnly || v.attachedToRead(from.Host)
		for _, made = range conns {
			if isBare(made) && !made.Ended && made.Host == from.Host && made.ReadOnly == readOnly {
				return nil
			}
		}
		if len(conns) >= 2*MaxAttachments {
			return Errorf(WrongStatus, "Invalid volume: Volume %s has %d connections, and may not have more.", id, len(conns))
		}
		made, err = s.connect(tx, v, "", from.Host, readOnly)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.connectionInfo(ctx, vol, made)
}

// attachedToRead tells whether a host may only read: the volume's flag says so, or
// all its attachments do that are the host's, or of which nobody said whose they
// are. Source: Cinder initialize_connection, attached_mode.
func (v *Volume) attachedToRead(host string) bool {
	if v.Writable == WritableNo {
		return true
	}
	mode := ""
	for i := range v.Attachments {
		if a := &v.Attachments[i]; a.IsAttached() && (a.HostName == "" || a.HostName == host) && mode != ModeReadWrite {
			mode = a.Mode
		}
	}
	return mode == ModeReadOnly
}

// TerminateConnection ends what InitializeConnection made for a host; a nil
// connector ends those of all hosts. A volume that was only reserved is available
// then. Fails with NotFound. Source: Cinder terminate_connection.
func (s *Service) TerminateConnection(ctx context.Context, c Caller, id string, from *Connector) error {
	return s.endAndRest(ctx, c, id, func(v *Volume) (func(*Connection) bool, error) {
		return func(c *Connection) bool { return isBare(c) && (from == nil || c.Host == from.Host) }, nil
	})
}

// AttachVolume notes that a server or host uses the volume.
// Fails with NotFound, WrongStatus, and Invalid to write a volume that may only be
// read. Source: EVS v2 os-attach (deprecated), Cinder os-attach.
func (s *Service) AttachVolume(ctx context.Context, c Caller, id string, n Attached) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		if v.Status != VolumeAvailable && v.Status != VolumeAttaching && (!v.Multiattach || v.Status != VolumeInUse) {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be %s to attach, but current status is: %s.", id, attachable(v), v.Status)
		}
		if v.hasAttached(n) { // asked again: there is one already
			return settle(tx, v)
		}
		if len(v.Attachments) >= MaxAttachments {
			return Errorf(WrongStatus, "Invalid volume: Volume %s has %d attachments, and may not have more.", id, len(v.Attachments))
		}
		if v.Writable == WritableNo && n.Mode != ModeReadOnly {
			return Errorf(Invalid, "Invalid attaching mode '%s' for volume %s.", n.Mode, id)
		}
		if v.Writable == WritableUnsaid {
			v.Writable = WritableYes
		}
		if v.Status != VolumeInUse {
			if err := v.moveTo(VolumeInUse); err != nil {
				return err
			}
		}
		a := &Attachment{
			ID: s.parts.NewUUID(), VolumeID: id, ProjectID: v.ProjectID, UserID: c.UserID, Status: AttachmentAttached,
			ServerID: n.ServerID, HostName: n.HostName, Device: n.Device, Mode: n.Mode, AttachedAt: tx.Now(), CreatedAt: tx.Now(),
		}
		v.note(a)
		return tx.AddAttachment(a)
	})
	return err
}

// hasAttached tells whether the same server, or the same host, is attached.
func (v *Volume) hasAttached(n Attached) bool {
	return slices.ContainsFunc(v.Attachments, func(a Attached) bool {
		return a.IsAttached() && a.ServerID == n.ServerID && (n.ServerID != "" || a.HostName == n.HostName)
	})
}

// DetachVolume takes an attachment away again; an empty id means the only one.
// Fails with NotFound, WrongStatus, Invalid when id must be named. Source: Cinder os-detach.
func (s *Service) DetachVolume(ctx context.Context, c Caller, id, attachmentID string) error {
	var ending []string
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		ending = nil
		if v.Status != VolumeDetaching && v.Status != VolumeInUse {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be in-use to detach, but current status is: %s.", id, v.Status)
		}
		if len(v.Attachments) > 1 && attachmentID == "" {
			return Errorf(Invalid, "Volume %s has several attachments: attachment_id is needed.", id)
		}
		i := slices.IndexFunc(v.Attachments, func(a Attached) bool {
			return attachmentID == "" || strings.EqualFold(a.ID, attachmentID)
		})
		if i < 0 && attachmentID != "" {
			return Errorf(NotFound, "Volume attachment %.64s could not be found.", attachmentID)
		}
		var err error
		if i < 0 { // nothing but connections is left
			if ending, err = s.endConnections(tx, v, isBare); err != nil {
				return err
			}
			return settle(tx, v)
		}
		ending, err = s.detachNoted(tx, v, v.Attachments[i].ID)
		return err
	})
	if err == nil {
		s.cutOff(ctx, ending)
	}
	return err
}

// detachNoted detaches the attachment of a note. A volume of the first version has
// notes without rows.
func (s *Service) detachNoted(tx Tx, v *Volume, id string) ([]string, error) {
	stored, err := tx.Attachment(id)
	if isGone(err) {
		v.forget(id)
		return nil, settle(tx, v)
	}
	if err != nil {
		return nil, err
	}
	a := *stored
	ending, err := s.detach(&a, v, tx)
	if err != nil || a.Status == AttachmentDeleted {
		return ending, err
	}
	return ending, tx.SaveAttachment(&a)
}
