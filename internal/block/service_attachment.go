package block

import (
	"context"
	"slices"
	"strings"
)

// Attachment reads one attachment. Fails with NotFound.
func (s *Service) Attachment(ctx context.Context, c Caller, id string) (*Attachment, error) {
	a, err := s.store.Attachment(ctx, id)
	if err != nil {
		return nil, err
	}
	if !c.owns(a.ProjectID) {
		return nil, noAttachment(id)
	}
	return a, nil
}

func noAttachment(id string) error {
	return Errorf(NotFound, "Volume attachment could not be found with filter: attachment_id = %.64s.", id)
}

// Attachments is one page of a list; allProjects counts for administrators only.
// Fails with NotFound when the marker is unknown.
func (s *Service) Attachments(ctx context.Context, c Caller, list List, allProjects bool) ([]*Attachment, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return nil, err
	}
	return s.store.Attachments(ctx, list)
}

// CountAttachments counts what the list's filters keep, whatever its page.
func (s *Service) CountAttachments(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return 0, err
	}
	return s.store.CountAttachments(ctx, list)
}

// AttachmentInfo is what the client of an attachment needs to connect; nil while
// it may not.
func (s *Service) AttachmentInfo(ctx context.Context, a *Attachment) (*ConnectionInfo, error) {
	if a.ConnectionID == "" || (a.Status != AttachmentAttaching && a.Status != AttachmentAttached) {
		return nil, nil
	}
	vol, err := s.store.Volume(ctx, a.VolumeID)
	if err != nil {
		return nil, unlessGone(err)
	}
	return s.connectionInfo(ctx, vol, &Connection{ID: a.ConnectionID, VolumeID: a.VolumeID, AttachmentID: a.ID, ReadOnly: a.Mode == ModeReadOnly})
}

// NewAttachment is what a request to make an attachment says.
type NewAttachment struct {
	VolumeID  string
	ServerID  string     // empty: none
	Mode      string     // rw or ro; empty: the connector's
	Connector *Connector // nil: the attachment reserves the volume and is updated later
}

// CreateAttachment reserves a volume, and with a connector makes it ready for a
// client. Fails with NotFound, WrongStatus. Source: Cinder attachment_create.
func (s *Service) CreateAttachment(ctx context.Context, c Caller, n NewAttachment) (*Attachment, error) {
	a := &Attachment{ID: s.parts.NewUUID(), VolumeID: n.VolumeID, UserID: c.UserID, ServerID: n.ServerID}
	_, err := s.changeVolume(ctx, c, n.VolumeID, func(v *Volume, tx Tx) error {
		fresh := *a // the closure may run twice
		fresh.ProjectID, fresh.Status, fresh.Mode, fresh.CreatedAt = v.ProjectID, AttachmentReserved, n.Mode, tx.Now()
		if v.Writable == WritableNo {
			fresh.Mode = ModeReadOnly
		}
		moves, err := canReserve(v, n.ServerID)
		if err != nil {
			return err
		}
		next := VolumeReserved
		if n.Connector != nil {
			next = VolumeAttaching
			if _, err := s.connectAttachment(tx, v, &fresh, n.Connector); err != nil {
				return err
			}
		}
		if moves {
			if err := v.moveTo(next); err != nil {
				return err
			}
		}
		if err := tx.AddAttachment(&fresh); err != nil {
			return err
		}
		v.note(&fresh)
		*a = fresh
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// canReserve tells whether a volume may get one more attachment, and whether its
// status then moves: not where the server has one already, as it has while it is
// being moved to another host. Source: Cinder _attachment_reserve.
func canReserve(v *Volume, serverID string) (moves bool, err error) {
	if strings.HasPrefix(string(v.Status), "error") {
		return false, Errorf(WrongStatus, "Invalid volume: Volume attachments can not be created if the volume is in an error state. The Volume %s currently has a status of: %s.", v.ID, v.Status)
	}
	if len(v.Attachments) >= MaxAttachments {
		return false, Errorf(WrongStatus, "Invalid volume: Volume %s has %d attachments, and may not have more.", v.ID, len(v.Attachments))
	}
	moves = v.Status == VolumeAvailable || (v.Multiattach && v.Status == VolumeInUse)
	again := (v.Status == VolumeInUse || v.Status == VolumeReserved) && v.servedTo(serverID)
	if !moves && !again {
		return false, Errorf(WrongStatus, "Invalid volume: Volume %s status must be %s to reserve, but the current status is %s.", v.ID, attachable(v), v.Status)
	}
	return moves, nil
}

// attachable are the statuses, in words, in which a volume can be attached.
func attachable(v *Volume) string {
	if v.Multiattach {
		return "available or in-use"
	}
	return "available"
}

// connectAttachment gives an attachment the connection that its connector asks
// for; the row is for the caller to save.
func (s *Service) connectAttachment(tx Tx, v *Volume, a *Attachment, from *Connector) (ending []string, err error) {
	if a.Mode == "" {
		a.Mode = from.Mode
	}
	if a.Mode == "" {
		a.Mode = ModeReadWrite
	}
	if v.Writable == WritableNo {
		a.Mode = ModeReadOnly
	}
	if a.Status != AttachmentAttaching {
		if err := a.moveTo(AttachmentAttaching); err != nil {
			return nil, err
		}
	}
	a.HostName, a.Device, a.AttachedAt = from.Host, from.Mount, tx.Now()
	if a.ConnectionID != "" && a.Connector == from.JSON {
		return nil, nil // asked again by the same client: it keeps its name
	}
	if a.ConnectionID != "" { // another client: the one before is cut off
		if ending, err = s.endConnections(tx, v, func(c *Connection) bool { return c.AttachmentID == a.ID }); err != nil {
			return nil, err
		}
	}
	conn, err := s.connect(tx, v, a.ID, from.Host, a.Mode == ModeReadOnly)
	if err != nil {
		return nil, err
	}
	a.Connector, a.ConnectionID = from.JSON, conn.ID
	return ending, nil
}

// changeAttachment applies change to copies of an attachment and its volume and
// saves both. What change ends is cut off afterwards.
func (s *Service) changeAttachment(ctx context.Context, c Caller, id string, change func(*Attachment, *Volume, Tx) ([]string, error)) (*Attachment, error) {
	seen, err := s.Attachment(ctx, c, id)
	if err != nil {
		return nil, err
	}
	var saved *Attachment
	var ending []string
	err = s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Volume(seen.VolumeID) // first, as everybody does
		if err != nil {
			return err
		}
		vol := *stored
		att, err := tx.Attachment(id)
		if err != nil {
			return err
		}
		a := *att
		if ending, err = change(&a, &vol, tx); err != nil {
			return err
		}
		saved = &a
		if a.Status == AttachmentDeleted {
			return tx.SaveVolume(&vol)
		}
		if err := tx.SaveAttachment(saved); err != nil {
			return err
		}
		vol.note(saved)
		return tx.SaveVolume(&vol)
	})
	if err != nil {
		return nil, err
	}
	s.cutOff(ctx, ending)
	return saved, nil
}

// UpdateAttachment makes a reserved attachment ready for the client that the
// connector describes. Fails with NotFound, WrongStatus, and Conflict while the
// volume is in an error status or another client's. Source: Cinder attachment_update.
func (s *Service) UpdateAttachment(ctx context.Context, c Caller, id string, from *Connector) (*Attachment, error) {
	return s.changeAttachment(ctx, c, id, func(a *Attachment, v *Volume, tx Tx) ([]string, error) {
		if strings.HasPrefix(string(v.Status), "error") {
			return nil, Errorf(Conflict, "Volume attachments can not be updated if the volume is in an error state. The Volume %s currently has a status of: %s.", v.ID, v.Status)
		}
		if err := oneClient(tx, v, a); err != nil {
			return nil, err
		}
		ending, err := s.connectAttachment(tx, v, a, from)
		if err != nil {
			return nil, err
		}
		if v.Status != VolumeAttaching {
			err = v.moveTo(VolumeAttaching)
		}
		return ending, err
	})
}

// oneClient holds a volume that is not multiattach to one client at a time.
// Source: Cinder attachment_update, duplicate connectors.
func oneClient(tx Tx, v *Volume, a *Attachment) error {
	if v.Multiattach {
		return nil
	}
	conns, err := tx.ConnectionsOf(v.ID)
	if slices.ContainsFunc(conns, func(c *Connection) bool { return c.AttachmentID != a.ID }) {
		return Errorf(Conflict, "duplicate connectors detected on volume %s", v.ID)
	}
	return err
}

// CompleteAttachment notes that the client uses the volume.
// Fails with NotFound, WrongStatus. Source: Cinder attachments, os-complete.
func (s *Service) CompleteAttachment(ctx context.Context, c Caller, id string) error {
	_, err := s.changeAttachment(ctx, c, id, func(a *Attachment, v *Volume, tx Tx) ([]string, error) {
		if a.Status != AttachmentAttached {
			if err := a.moveTo(AttachmentAttached); err != nil {
				return nil, err
			}
		}
		if a.AttachedAt.IsZero() {
			a.AttachedAt = tx.Now()
		}
		switch v.Status {
		case VolumeInUse, VolumeExtending, VolumeBackingUp: // the work ends it in use, too
			return nil, nil
		}
		return nil, v.moveTo(VolumeInUse)
	})
	return err
}

// DeleteAttachment detaches: from the commit on nobody can connect, then whoever
// is connected is cut off, and only then the volume is free. It returns what else
// the volume is attached to. Fails with NotFound. Source: Cinder attachment_delete.
func (s *Service) DeleteAttachment(ctx context.Context, c Caller, id string) ([]*Attachment, error) {
	gone, err := s.changeAttachment(ctx, c, id, s.detach)
	if err != nil {
		return nil, err
	}
	return s.store.Attachments(ctx, List{
		Filters: []Filter{{Field: FieldVolumeID, Value: gone.VolumeID}}, Sort: []SortKey{{Field: FieldCreatedAt}}, Limit: MaxAttachments,
	})
}

// detach ends an attachment's connections and removes it, at once when it had none.
func (s *Service) detach(a *Attachment, v *Volume, tx Tx) ([]string, error) {
	last := len(v.Attachments) == 1
	conns, err := tx.ConnectionsOf(v.ID)
	if err != nil {
		return nil, err
	}
	for _, conn := range conns { // those of os-initialize_connection that this attachment stood for
		if conn.AttachmentID == "" && (last || (a.HostName != "" && conn.Host == a.HostName)) {
			conn.AttachmentID = a.ID
			if err := tx.EndConnection(conn); err != nil {
				return nil, err
			}
		}
	}
	ending, err := s.endConnections(tx, v, func(c *Connection) bool { return c.AttachmentID == a.ID })
	if err != nil {
		return nil, err
	}
	if len(ending) == 0 {
		if err := dropAttachment(tx, v, a); err != nil {
			return nil, err
		}
	} else if a.Status != AttachmentDetaching {
		if err := a.moveTo(AttachmentDetaching); err != nil {
			return nil, err
		}
		v.note(a)
	}
	return ending, settle(tx, v)
}
