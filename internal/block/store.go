package block

import (
	"context"
	"time"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// Store keeps the rows. Reads see committed rows only and run beside the writer.
// Rows that come out are shared: copy before changing.
type Store interface {
	// InTx runs work in one transaction and returns once it is durable, or not
	// done at all. Work does database work only, may run twice, never nests.
	// Fails with Unavailable when the queue or the disk is full.
	InTx(ctx context.Context, work func(Tx) error) error

	// Snapshot fails with NotFound.
	Snapshot(ctx context.Context, id string) (*Snapshot, error)
	// Snapshots fails with NotFound when the marker is no row the list could hold.
	Snapshots(ctx context.Context, list List) ([]*Snapshot, error)
	// CountSnapshots counts what matches, whatever marker, offset and limit.
	CountSnapshots(ctx context.Context, list List) (int, error)
	// Volume fails with NotFound.
	Volume(ctx context.Context, id string) (*Volume, error)
	Volumes(ctx context.Context, list List) ([]*Volume, error)
	CountVolumes(ctx context.Context, list List) (int, error)
	AttachmentStore
	TypeReads
	// Usages are a project's figures by type id; "" is the sum of all types.
	Usages(ctx context.Context, projectID string) (map[string]Usage, error)
	// QuotaLimits are the limits set for a project, without the defaults.
	QuotaLimits(ctx context.Context, projectID string) (Limits, error)
	// ClassLimits are the limits set for a quota class, without the defaults.
	ClassLimits(ctx context.Context, class string) (Limits, error)
	// AllUsages are the figures of all projects, as they are kept; zeros are left out.
	AllUsages(ctx context.Context) (map[UsageOf]Usage, error)
	// CountUsages are the figures of all projects as they follow from the rows.
	CountUsages(ctx context.Context) (map[UsageOf]Usage, error)
	groupStore

	RecycleStore
	TransferStore
	ImageStore
	MessageStore
	BackendStore
	// SnapshotChains are the chains of a project by the volume's id, after the given one.
	SnapshotChains(ctx context.Context, projectID, volumeID, after string, limit int) ([]SnapshotChain, error)
	TagStore
	VerificationStore
	ManageStore
	BackupStore

	// JobsOf are the jobs on an object that are still known, newest first; limit at most.
	JobsOf(ctx context.Context, resourceID string, limit int) ([]*jobs.Job, error)
	// JobsUnder are the job of that id, or those of that batch, oldest first; none
	// when they are no longer known.
	JobsUnder(ctx context.Context, id string) ([]*jobs.Job, error)
	// JobOfLane is the job that runs in a lane; nil when there is none.
	JobOfLane(ctx context.Context, lane string) (*jobs.Job, error)
	// LiveJobs are those that wait or run, by id, after the given one; limit at most.
	LiveJobs(ctx context.Context, after string, limit int) ([]*jobs.Job, error)
}

// Tx is one transaction. Its methods never see the caller's context.
type Tx interface {
	// Now is the time of the transaction, UTC, in whole microseconds.
	Now() time.Time

	// Snapshot reads for writing (FOR UPDATE); fails with NotFound.
	Snapshot(id string) (*Snapshot, error)
	AddSnapshot(s *Snapshot) error
	// SaveSnapshot writes s, sets UpdatedAt to Now and raises Version;
	// fails with Conflict if the row changed since it was read.
	SaveSnapshot(s *Snapshot) error
	// DropSnapshot removes the row; fails with Conflict like SaveSnapshot.
	DropSnapshot(s *Snapshot) error
	// CountSnapshotsOf counts the snapshots of a volume, whatever their status.
	CountSnapshotsOf(volumeID string) (int, error)
	// SnapshotsOf are the snapshots of a volume, oldest first.
	SnapshotsOf(volumeID string) ([]*Snapshot, error)

	// Volume reads for writing (FOR UPDATE); fails with NotFound.
	Volume(id string) (*Volume, error)
	AddVolume(v *Volume) error
	SaveVolume(v *Volume) error
	DropVolume(v *Volume) error

	AttachmentTx

	groupTx
	TypeWrites

	TransferTx
	ImageTx
	MessageTx
	TagTx
	RecycleTx
	RequestTx
	VerificationTx
	ManageTx
	BackupTx

	// AddUsage adds change to the project's figures of one type and of all
	// types, and tells both as they are then.
	AddUsage(projectID, typeID string, change Usage) (ofType, ofAll Usage, err error)
	// QuotaLimits are the limits set for a project, without the defaults.
	QuotaLimits(projectID string) (Limits, error)
	// SetQuotaLimits sets the named limits and leaves the others.
	SetQuotaLimits(projectID string, limits Limits) error
	// DropQuotaLimits forgets the limits set for a project.
	DropQuotaLimits(projectID string) error
	// ClassLimits are the limits set for a quota class, without the defaults.
	ClassLimits(class string) (Limits, error)
	// SetClassLimits sets the named limits and leaves the others.
	SetClassLimits(class string, limits Limits) error
	// RecountUsages writes all figures of usage anew, as they follow from the
	// rows; for repairs while nobody works.
	RecountUsages() error

	// Enqueue adds a job in this transaction.
	Enqueue(job *jobs.Job) error
	// FinishJob ends a job in this transaction; fails with jobs.ErrFenced when
	// another worker has taken the lease since.
	FinishJob(job *jobs.Job) error
	// ReportJob notes a job's Step and Progress; fails with jobs.ErrFenced.
	ReportJob(job *jobs.Job) error
	// CancelJobs marks the jobs of an object that wait or run: each ends, at the
	// next chance, without its work, and its GiveUp is told so.
	CancelJobs(resourceID string) error
	// LiveJobsOf are the jobs on an object that wait or run, oldest first; 100 at most.
	LiveJobsOf(resourceID string) ([]*jobs.Job, error)
	// EndJob ends a job whoever holds it, as Failed with job.Error; for repairs
	// while nobody works.
	EndJob(job *jobs.Job) error
	// FreeJob gives a job back whoever holds it, to run at once; for repairs
	// while nobody works.
	FreeJob(job *jobs.Job) error
}
