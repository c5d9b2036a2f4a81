package block

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// Message tells the users of a project what came of work that failed after its
// call was answered. Rows never change. Source: Cinder message API.
type Message struct {
	ID           string
	ProjectID    string
	RequestID    string // req- and the job's id
	ResourceType string // VOLUME, VOLUME_SNAPSHOT, VOLUME_BACKUP
	ResourceID   string
	EventID      string // VOLUME_ resource type _ action _ detail
	ActionID     string
	DetailID     string
	Level        string // ERROR
	CreatedAt    time.Time
	ExpiresAt    time.Time
}

// Text is what the users read.
func (m *Message) Text() string { return actions[m.ActionID] + ":" + details[m.DetailID] }

// MessageStore reads messages.
type MessageStore interface {
	// Message fails with NotFound.
	Message(ctx context.Context, id string) (*Message, error)
	// Messages fails with NotFound when the marker is no row the list could hold.
	Messages(ctx context.Context, list List) ([]*Message, error)
	CountMessages(ctx context.Context, list List) (int, error)
}

// MessageTx writes messages.
type MessageTx interface {
	AddMessage(m *Message) error
	// DropMessage removes the row; fails with NotFound.
	DropMessage(id string) error
	// SweepMessages removes those that expired before Now, and of a project all but
	// the newest most, a page of them at a time.
	SweepMessages(projectID string, most int) error
}

const (
	// MessageTTL is how long a message is kept. Source: Cinder message_ttl.
	MessageTTL = 30 * 24 * time.Hour
	// MaxMessages is how many messages of one project are kept; older ones go.
	// Assumed: Cinder has no bound.
	MaxMessages = 1000
)

// failure is what a kind of job that gives up tells the users. Source of all
// numbers and texts: Cinder message_field.py.
type failure struct{ resource, action, detail string }

// failures are the kinds of job that tell. Deletions of volumes tell nothing, as in Cinder.
var failures = map[string]failure{
	jobCreateVolume:   {"VOLUME", "008", "012"},
	jobUploadVolume:   {"VOLUME", "003", "004"},
	jobExtendVolume:   {"VOLUME", "007", "010"},
	jobCreateSnapshot: {"VOLUME_SNAPSHOT", "009", "013"},
	jobDeleteSnapshot: {"VOLUME_SNAPSHOT", "010", "016"},
	jobCreateBackup:   {"VOLUME_BACKUP", "013", "020"},
	jobCopyBackup:     {"VOLUME_BACKUP", "013", "020"},
	jobDeleteBackup:   {"VOLUME_BACKUP", "014", "025"},
	jobRestoreBackup:  {"VOLUME_BACKUP", "015", "026"},
}

// actions are what was being done, by Cinder's number.
var actions = map[string]string{
	"001": "schedule allocate volume",
	"002": "attach volume",
	"003": "copy volume to image",
	"004": "update attachment",
	"005": "copy image to volume",
	"006": "unmanage volume",
	"007": "extend volume",
	"008": "create volume from backend storage",
	"009": "create snapshot",
	"010": "delete snapshot",
	"013": "create backup",
	"014": "delete backup",
	"015": "restore backup",
	"016": "reimage volume",
}

// details are what went wrong, by Cinder's number.
var details = map[string]string{
	"001": "An unknown error occurred.",
	"003": "Could not find any available weighted backend.",
	"004": "Failed to upload volume to image at backend.",
	"006": "Not enough quota resource for operation.",
	"007": "Image used for creating volume exceeds available space.",
	"010": "Volume Driver failed to extend volume.",
	"012": "Driver failed to create the volume.",
	"013": "Snapshot failed to create.",
	"015": "Snapshot is busy.",
	"016": "Snapshot failed to delete.",
	"020": "Backup driver failed to create backup.",
	"021": "Failed to attach volume.",
	"022": "Failed to detach volume.",
	"025": "Backup driver failed to delete backup.",
	"026": "Backup driver failed to restore backup.",
	"028": "Compute service failed to reimage volume.",
}

// failureOf is what a job's end tells; ok is false for kinds that tell nothing.
func failureOf(kind string, cause error) (f failure, ok bool) {
	f, ok = failures[kind]
	switch {
	case errors.Is(cause, errFromImage) && errors.Is(cause, driver.ErrNoSpace):
		f.action, f.detail = "005", "007"
	case errors.Is(cause, errFromImage):
		f.action, f.detail = "005", "001"
	case errors.Is(cause, errNoBackend):
		f.action, f.detail = "001", "003"
	case kind == jobDeleteSnapshot && errors.Is(cause, driver.ErrBusy):
		f.detail = "015"
	}
	return f, ok
}

// tellUsers adds the message of a job that gave up, in the transaction that ends it.
func (s *Service) tellUsers(tx Tx, job *jobs.Job, cause error) error {
	return s.tellUsersOf(tx, job, job.ResourceID, cause)
}

// tellUsersOf is tellUsers for a job that is queued for one object and told of another.
func (s *Service) tellUsersOf(tx Tx, job *jobs.Job, resourceID string, cause error) error {
	f, ok := failureOf(job.Kind, cause)
	if !ok {
		return nil
	}
	now := tx.Now()
	err := tx.AddMessage(&Message{
		ID: s.parts.NewUUID(), ProjectID: job.ProjectID, RequestID: requestOf(job.ID),
		ResourceType: f.resource, ResourceID: resourceID,
		EventID:  strings.Join([]string{"VOLUME", f.resource, f.action, f.detail}, "_"),
		ActionID: f.action, DetailID: f.detail, Level: "ERROR", CreatedAt: now, ExpiresAt: now.Add(MessageTTL),
	})
	if err != nil {
		return err
	}
	return tx.SweepMessages(job.ProjectID, MaxMessages)
}

// requestOf writes a job's id as a request id; explain tells the job by the same digits.
// Assumed: jobs do not keep the id of the call that queued them.
func requestOf(jobID string) string {
	if len(jobID) != 32 {
		return "req-" + jobID
	}
	return "req-" + jobID[:8] + "-" + jobID[8:12] + "-" + jobID[12:16] + "-" + jobID[16:20] + "-" + jobID[20:]
}

// alive keeps a list of messages to those that have not expired.
func (s *Service) alive(list List) List {
	filters := make([]Filter, 0, len(list.Filters)+1)
	filters = append(filters, list.Filters...)
	list.Filters = append(filters, Filter{Field: FieldExpiresAt, Op: Greater, Value: TimeValue(s.parts.Now())})
	return list
}

// Message reads one message of the caller's project. Fails with NotFound, also
// when it has expired.
func (s *Service) Message(ctx context.Context, c Caller, id string) (*Message, error) {
	m, err := s.store.Message(ctx, id)
	if err != nil {
		return nil, err
	}
	if !m.ExpiresAt.After(s.parts.Now()) {
		return nil, notFound("message", id)
	}
	return m, reach(c, m.ProjectID, "message", id)
}

// Messages is one page of the messages of the caller's project.
func (s *Service) Messages(ctx context.Context, c Caller, list List, allProjects bool) ([]*Message, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return nil, err
	}
	return s.store.Messages(ctx, s.alive(list))
}

// CountMessages counts what the list's filters keep, whatever its page.
func (s *Service) CountMessages(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return 0, err
	}
	return s.store.CountMessages(ctx, s.alive(list))
}

// DeleteMessage removes a message. Fails with NotFound.
func (s *Service) DeleteMessage(ctx context.Context, c Caller, id string) error {
	if _, err := s.Message(ctx, c, id); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(tx Tx) error { return tx.DropMessage(id) })
}
