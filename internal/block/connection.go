package block

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// revokeTime is how long a call waits until clients are cut off; after it the job
// goes on, and the volume is detaching meanwhile.
const revokeTime = 5 * time.Second

// connect gives a volume one more connection.
func (s *Service) connect(tx Tx, v *Volume, attachmentID, host string, readOnly bool) (*Connection, error) {
	conn := &Connection{
		ID: s.parts.NewHex(), VolumeID: v.ID, AttachmentID: attachmentID, ProjectID: v.ProjectID,
		Host: host, ReadOnly: readOnly, CreatedAt: tx.Now(),
	}
	return conn, tx.AddConnection(conn)
}

// endConnections lets nobody connect any more by those that match, and queues
// what cuts their clients off. It tells the ids of all that are ending.
func (s *Service) endConnections(tx Tx, v *Volume, match func(*Connection) bool) (ending []string, err error) {
	all, err := tx.ConnectionsOf(v.ID)
	if err != nil {
		return nil, err
	}
	for _, conn := range all {
		if !match(conn) {
			continue
		}
		queued := false
		if conn.Ended {
			if queued, err = isQueued(tx, jobEndConnection, conn.ID); err != nil {
				return nil, err
			}
		}
		if err := tx.EndConnection(conn); err != nil {
			return nil, err
		}
		if !queued {
			if err := s.enqueue(tx, jobEndConnection, conn.ID, conn.ID, conn.ProjectID); err != nil {
				return nil, err
			}
		}
		ending = append(ending, conn.ID)
	}
	return ending, nil
}

// cutOff does at once, for as long as a call may wait, what the queued jobs would
// do. What it does not bring to an end is theirs.
func (s *Service) cutOff(ctx context.Context, ids []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
	defer cancel()
	for _, id := range ids {
		conn, err := s.store.Connection(ctx, id)
		if err != nil || s.parts.DataPath.Revoke(ctx, id) != nil {
			return
		}
		if s.store.InTx(ctx, func(tx Tx) error { return dropEnded(tx, conn) }) != nil {
			return
		}
	}
}

// dropEnded removes a connection whose clients are cut off, and its attachment if
// that waited for it.
func dropEnded(tx Tx, conn *Connection) error {
	stored, err := tx.Volume(conn.VolumeID) // first, as everybody does
	if err != nil {
		return errors.Join(unlessGone(err), tx.DropConnection(conn.ID))
	}
	now, err := tx.Connection(conn.ID)
	if err != nil || !now.Ended {
		return unlessGone(err)
	}
	if err := tx.DropConnection(conn.ID); err != nil {
		return err
	}
	vol := *stored
	if err := dropDetached(tx, &vol, now.AttachmentID); err != nil {
		return err
	}
	if len(vol.Attachments) > 0 && len(vol.Attachments) == len(stored.Attachments) {
		return nil // os-begin_detaching may have been called; what it said holds
	}
	if err := settle(tx, &vol); err != nil {
		return err
	}
	return tx.SaveVolume(&vol)
}

// dropDetached removes an attachment that is detaching, unless one of its
// connections still has clients.
func dropDetached(tx Tx, v *Volume, attachmentID string) error {
	if attachmentID == "" {
		return nil
	}
	left, err := tx.ConnectionsOf(v.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(left, func(c *Connection) bool { return c.AttachmentID == attachmentID }) {
		return nil
	}
	stored, err := tx.Attachment(attachmentID)
	if err != nil {
		return unlessGone(err)
	}
	a := *stored
	if a.Status != AttachmentDetaching && a.Status != AttachmentErrorDetaching {
		return nil
	}
	return dropAttachment(tx, v, &a)
}

// dropAttachment removes an attachment's row and note; the volume is for the
// caller to save.
func dropAttachment(tx Tx, v *Volume, a *Attachment) error {
	if err := a.moveTo(AttachmentDeleted); err != nil {
		return err
	}
	v.forget(a.ID)
	return tx.DropAttachment(a)
}

// settle gives a volume the status that its attachments and connections ask for,
// unless something else is being done to it; the row is for the caller to save.
func settle(tx Tx, v *Volume) error {
	switch v.Status {
	case VolumeAvailable, VolumeReserved, VolumeAttaching, VolumeInUse, VolumeDetaching:
		rests, err := restsWith(tx, v)
		if err != nil || rests == v.Status {
			return err
		}
		return v.moveTo(rests)
	}
	return nil
}

// restsWith is rests, and counts connections without attachments: nothing is
// available that a client has still open.
func restsWith(tx Tx, v *Volume) (VolumeStatus, error) {
	rests := v.rests()
	if rests != VolumeAvailable {
		return rests, nil
	}
	left, err := tx.ConnectionsOf(v.ID)
	for _, conn := range left {
		if !conn.Ended {
			return VolumeAttaching, err
		}
		rests = VolumeDetaching
	}
	return rests, err
}

// noClients refuses a volume that somebody is attached to or may open, as after
// its status was set by hand: whoever gets it next would share it, and whoever has
// it open would see its bytes change.
func noClients(tx Tx, v *Volume) error {
	if len(v.Attachments) > 0 {
		return Errorf(WrongStatus, "Invalid volume: Volume %s must not be attached, and has %d attachments.", v.ID, len(v.Attachments))
	}
	return noConnections(tx, v)
}

// noConnections refuses a volume that somebody may open.
func noConnections(tx Tx, v *Volume) error {
	left, err := tx.ConnectionsOf(v.ID)
	if err == nil && len(left) > 0 {
		return Errorf(WrongStatus, "Invalid volume: Volume %s must not be in use, and has %d connections: terminate them first.", v.ID, len(left))
	}
	return err
}

func unlessGone(err error) error {
	if isGone(err) {
		return nil
	}
	return err
}

// runEndConnection cuts a connection's clients off and removes it.
func (s *Service) runEndConnection(ctx context.Context, job *jobs.Job) error {
	conn, err := s.store.Connection(ctx, job.ResourceID)
	if isGone(err) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	if err := s.parts.DataPath.Revoke(ctx, conn.ID); err != nil {
		return fmt.Errorf("cut off the clients of connection %s: %w: %w", conn.ID, driver.ErrBusy, err)
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		if err := dropEnded(tx, conn); err != nil {
			return err
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

// giveUpConnection leaves the connection ended: nobody can come back by it. Its
// attachment can be deleted again, and a start of the server ends all clients.
func (s *Service) giveUpConnection(ctx context.Context, job *jobs.Job, cause error) error {
	conn, err := s.store.Connection(ctx, job.ResourceID)
	return s.giveUp(ctx, job, cause, func(tx Tx) error {
		if err != nil {
			return err
		}
		stored, err := tx.Volume(conn.VolumeID)
		if err != nil || conn.AttachmentID == "" {
			return err
		}
		vol := *stored
		att, err := tx.Attachment(conn.AttachmentID)
		if err != nil {
			return err
		}
		a := *att
		if a.moveTo(AttachmentErrorDetaching) != nil {
			return nil
		}
		if err := tx.SaveAttachment(&a); err != nil {
			return err
		}
		vol.note(&a)
		if err := settle(tx, &vol); err != nil {
			return err
		}
		return tx.SaveVolume(&vol)
	})
}

// revokeAll cuts off whoever has a volume open that is being deleted.
func (s *Service) revokeAll(ctx context.Context, volumeID string) error {
	all, err := s.store.ConnectionsOf(ctx, volumeID)
	for _, conn := range all {
		err = errors.Join(err, s.parts.DataPath.Revoke(ctx, conn.ID))
	}
	return err
}

// dropAttachmentsOf removes the attachments of a volume that is being deleted.
func dropAttachmentsOf(tx Tx, v *Volume) error {
	all, err := tx.AttachmentsOf(v.ID)
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := tx.DropAttachment(a); err != nil {
			return err
		}
	}
	v.Attachments = nil
	return nil
}

// dropConnectionsOf removes what is left of attachments and connections with the volume.
func dropConnectionsOf(tx Tx, v *Volume) error {
	if err := dropAttachmentsOf(tx, v); err != nil {
		return err
	}
	all, err := tx.ConnectionsOf(v.ID)
	if err != nil {
		return err
	}
	for _, conn := range all {
		if err := tx.DropConnection(conn.ID); err != nil {
			return err
		}
	}
	return nil
}
