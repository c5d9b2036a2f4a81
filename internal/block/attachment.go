package block

import (
	"context"
	"slices"
	"time"
)

// AttachmentStatus is an attachment's place in attachmentMoves. Source: Cinder
// VolumeAttachStatus.
type AttachmentStatus string

const (
	AttachmentReserved       AttachmentStatus = "reserved"
	AttachmentAttaching      AttachmentStatus = "attaching" // a client may connect
	AttachmentAttached       AttachmentStatus = "attached"
	AttachmentDetaching      AttachmentStatus = "detaching" // nobody may connect; clients are being cut off
	AttachmentErrorDetaching AttachmentStatus = "error_detaching"
	AttachmentDeleted        AttachmentStatus = "deleted" // the row is gone
)

// attachmentMoves holds every status change of attachments; docs/states.md is made from it.
var attachmentMoves = map[AttachmentStatus][]AttachmentStatus{
	AttachmentReserved:       {AttachmentAttaching, AttachmentAttached, AttachmentDetaching, AttachmentDeleted},
	AttachmentAttaching:      {AttachmentAttached, AttachmentDetaching, AttachmentDeleted},
	AttachmentAttached:       {AttachmentAttaching, AttachmentDetaching, AttachmentDeleted},
	AttachmentDetaching:      {AttachmentErrorDetaching, AttachmentDeleted},
	AttachmentErrorDetaching: {AttachmentDetaching, AttachmentDeleted},
}

// Modes of an attachment.
const (
	ModeReadWrite = "rw"
	ModeReadOnly  = "ro"
)

// Attachment is one use of a volume, by a server or a host. Rows are values:
// change a copy, save it.
type Attachment struct {
	ID           string
	VolumeID     string
	ProjectID    string // the volume's
	UserID       string
	Status       AttachmentStatus
	ServerID     string // empty: none
	HostName     string
	Device       string // the mount point, as the client calls it
	Mode         string // rw or ro; empty: not said yet
	Connector    string // JSON as the client sent it; empty: none yet
	ConnectionID string // its newest connection; empty: none
	AttachedAt   time.Time
	CreatedAt    time.Time
	UpdatedAt    time.Time // zero: never changed
	Version      int64     // moves with every write of the row
}

// moveTo changes the status in memory, or fails with WrongStatus.
func (a *Attachment) moveTo(next AttachmentStatus) error {
	if !slices.Contains(attachmentMoves[a.Status], next) {
		return Errorf(WrongStatus, "attachment %s is %s and cannot become %s", a.ID, a.Status, next)
	}
	a.Status = next
	return nil
}

// Connection is one name by which a volume's bytes can be reached. The name itself
// is a secret and is not kept: the data path makes it from the id.
type Connection struct {
	ID           string // 32 hex digits
	VolumeID     string
	AttachmentID string // empty: of os-initialize_connection
	ProjectID    string // the volume's
	Host         string // of the connector
	ReadOnly     bool
	Ended        bool // nobody may connect any more; clients are being cut off
	CreatedAt    time.Time
}

// Connector is what a client says of itself before it connects. Its other members
// are kept as they came, and mean nothing here.
type Connector struct {
	Host  string // empty: not said
	Mode  string // rw or ro; empty: not said
	Mount string // the mount point
	JSON  string // the whole
}

// Attached is what a volume's row notes of one of its attachments, for views.
type Attached struct {
	ID         string           `json:"id"`
	Status     AttachmentStatus `json:"status"` // empty in rows of the first version: attached
	ServerID   string           `json:"server_id"`
	HostName   string           `json:"host_name"`
	Device     string           `json:"device"`
	Mode       string           `json:"mode"` // rw or ro
	AttachedAt time.Time        `json:"attached_at"`
}

// IsAttached tells whether views show it. Source: Cinder's view of volumes.
func (a *Attached) IsAttached() bool { return a.Status == AttachmentAttached || a.Status == "" }

// note brings the volume's notes up to date with an attachment.
func (v *Volume) note(a *Attachment) {
	noted := Attached{ID: a.ID, Status: a.Status, ServerID: a.ServerID, HostName: a.HostName, Device: a.Device, Mode: a.Mode, AttachedAt: a.AttachedAt}
	v.Attachments = slices.Clone(v.Attachments)
	for i := range v.Attachments {
		if v.Attachments[i].ID == a.ID {
			v.Attachments[i] = noted
			return
		}
	}
	v.Attachments = append(v.Attachments, noted)
}

// forget removes the note of an attachment that is gone.
func (v *Volume) forget(id string) {
	v.Attachments = slices.DeleteFunc(slices.Clone(v.Attachments), func(a Attached) bool { return a.ID == id })
}

// servedTo tells whether a server has an attachment of the volume.
func (v *Volume) servedTo(serverID string) bool {
	return serverID != "" && slices.ContainsFunc(v.Attachments, func(a Attached) bool { return a.ServerID == serverID })
}

// rests is the status of a volume that nothing is done to, as its attachments have
// it. Source: Cinder _get_statuses_from_attachments.
func (v *Volume) rests() VolumeStatus {
	status := VolumeAvailable
	for i := range v.Attachments {
		switch v.Attachments[i].Status {
		case AttachmentAttached, AttachmentErrorDetaching, "":
			return VolumeInUse
		case AttachmentAttaching:
			status = VolumeAttaching
		case AttachmentDetaching:
			if status != VolumeAttaching {
				status = VolumeDetaching
			}
		case AttachmentReserved:
			if status == VolumeAvailable {
				status = VolumeReserved
			}
		}
	}
	return status
}

// Writable says whether os-update_readonly_flag was used on a volume, and how.
type Writable string

const (
	WritableUnsaid Writable = ""
	WritableNo     Writable = "True" // readonly: True
	WritableYes    Writable = "False"
)

// IOLimits are what a volume may do in a second; 0 is no limit. Bytes are bytes.
type IOLimits struct {
	ReadIOPS, WriteIOPS, TotalIOPS    int64
	ReadBytes, WriteBytes, TotalBytes int64
}

// AttachmentStore are the reads of attachments and connections; part of Store.
type AttachmentStore interface {
	// Attachment fails with NotFound.
	Attachment(ctx context.Context, id string) (*Attachment, error)
	// Attachments fails with NotFound when the marker is no row the list could hold.
	Attachments(ctx context.Context, list List) ([]*Attachment, error)
	// CountAttachments counts what matches, whatever marker, offset and limit.
	CountAttachments(ctx context.Context, list List) (int, error)
	// Connection fails with NotFound.
	Connection(ctx context.Context, id string) (*Connection, error)
	// ConnectionsOf are those of a volume, oldest first.
	ConnectionsOf(ctx context.Context, volumeID string) ([]*Connection, error)
	// ConnectionsAt are those of a host that have not ended, oldest first; limit at most.
	ConnectionsAt(ctx context.Context, host string, limit int) ([]*Connection, error)
}

// AttachmentTx are the writes of attachments and connections; part of Tx. Whoever
// changes them has read their volume for writing before.
type AttachmentTx interface {
	// Attachment reads for writing (FOR UPDATE); fails with NotFound.
	Attachment(id string) (*Attachment, error)
	// AttachmentsOf are those of a volume, oldest first.
	AttachmentsOf(volumeID string) ([]*Attachment, error)
	AddAttachment(a *Attachment) error
	// SaveAttachment writes a, sets UpdatedAt to Now and raises Version;
	// fails with Conflict if the row changed since it was read.
	SaveAttachment(a *Attachment) error
	// DropAttachment removes the row; fails with Conflict like SaveAttachment.
	DropAttachment(a *Attachment) error

	// Connection reads for writing (FOR UPDATE); fails with NotFound.
	Connection(id string) (*Connection, error)
	// ConnectionsOf are those of a volume, oldest first.
	ConnectionsOf(volumeID string) ([]*Connection, error)
	AddConnection(c *Connection) error
	// EndConnection sets Ended for good, and writes AttachmentID.
	EndConnection(c *Connection) error
	// DropConnection removes the row, if it is there.
	DropConnection(id string) error
}
