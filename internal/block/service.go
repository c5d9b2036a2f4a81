package block

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// Service carries out every call on volumes and snapshots. It is safe for use by
// many goroutines and keeps no state of its own.
type Service struct {
	store  Store
	driver driver.Driver
	parts  Parts
}

// Parts are what a Service needs beside its store and driver.
type Parts struct {
	NewUUID func() string // ids of volumes and snapshots, with hyphens
	NewHex  func() string // ids of jobs, 32 hex digits
	Now     func() time.Time
	Zone    string // the one availability zone
	Host    string // names this backend to administrators
	// ServiceID is the UUID of this backend, the same on every start.
	ServiceID string
	// Backups is where backups are kept; nil: nowhere, and calls that need it fail
	// with Unavailable.
	Backups *backup.Repository
	// Patience is how long the attempts at a job may take, for explain; zero is
	// jobs.DefaultPatience. The Runner has the same.
	Patience time.Duration
	DataPath DataPath // nil: none
	Rules    Rules
}

// Rules are those that whoever runs the server chooses. The zero value is the
// loosest.
type Rules struct {
	// StrictSizes holds disks to EVS's sizes: MinDataSize and MaxSystemSize count.
	StrictSizes bool
	// DiskClasses gives the first volume types the IOPS and throughput of EVS's.
	DiskClasses bool
	// SnapshotsPerVolume is how many snapshots a volume may have where no quota says;
	// StandardSnapshotsPerVolume where they are made by v5. 0: MaxSnapshotsPerVolume.
	SnapshotsPerVolume, StandardSnapshotsPerVolume int
	// InstantSnapshotsPerVolume of them may have instant access; 0: DefaultInstantSnapshots.
	InstantSnapshotsPerVolume int
}

// NewService makes a Service.
func NewService(store Store, d driver.Driver, parts Parts) *Service {
	if parts.DataPath == nil {
		parts.DataPath = noDataPath{}
	}
	return &Service{store: store, driver: d, parts: parts}
}

// Now is the time.
func (s *Service) Now() time.Time { return s.parts.Now() }

// Zone is the one availability zone.
func (s *Service) Zone() string { return s.parts.Zone }

// Host names this backend to administrators.
func (s *Service) Host() string { return s.parts.Host }

// Handlers are the kinds of job this service queues, and what carries each out.
func (s *Service) Handlers() map[string]jobs.Handler {
	handlers := map[string]jobs.Handler{
		jobCreateVolume:   {Run: untilHopeless(s.runCreateVolume), GiveUp: s.giveUpCreateVolume},
		jobExtendVolume:   {Run: untilHopeless(s.runExtendVolume), GiveUp: s.giveUpVolume(VolumeErrorExtending)},
		jobDeleteVolume:   {Run: untilHopeless(s.runDeleteVolume), GiveUp: s.giveUpVolume(VolumeErrorDeleting)},
		jobCreateSnapshot: {Run: untilHopeless(s.runCreateSnapshot), GiveUp: s.giveUpSnapshot(SnapshotError), Report: s.reportSnapshot},
		jobRecycleVolume:  {Run: s.runRecycleVolume, GiveUp: s.giveUpRecycleVolume},
		jobRetypeVolume:   {Run: s.runAdjust, GiveUp: s.giveUpNote},
		jobTuneVolume:     {Run: s.runAdjust, GiveUp: s.giveUpNote},
		jobEndConnection:  {Run: s.runEndConnection, GiveUp: s.giveUpConnection},
		jobDeleteSnapshot: {Run: untilHopeless(s.runDeleteSnapshot), GiveUp: s.giveUpSnapshot(SnapshotErrorDeleting)},
		jobRollback:       {Run: untilHopeless(s.runRollback), GiveUp: s.giveUpRollback},
		jobVerify:         s.verificationHandler(),
		jobSnapshotGroup:  {Run: untilHopeless(s.runSnapshotGroup), GiveUp: s.giveUpSnapshotGroup},
		jobCloneGroup:     {Run: untilHopeless(s.runCloneGroup), GiveUp: s.giveUpCloneGroup},
	}
	handlers[jobDeleteGroupSnapshot] = jobs.Handler{Run: s.finish, GiveUp: s.giveUpNote}
	maps.Copy(handlers, s.backupHandlers())
	maps.Copy(handlers, s.imageHandlers())
	return handlers
}

// The kinds of job.
const (
	jobCreateVolume   = "volume.create"
	jobExtendVolume   = "volume.extend"
	jobDeleteVolume   = "volume.delete"
	jobRecycleVolume  = "volume.recycle"
	jobRetypeVolume   = "volume.retype"
	jobTuneVolume     = "volume.tune"
	jobCreateSnapshot = "snapshot.create"
	jobDeleteSnapshot = "snapshot.delete"
	jobRollback       = "volume.rollback"
	jobEndConnection  = "connection.end"
	jobVerify         = "volume.verify"
)

// enqueue adds a job for an object in the transaction that changes its status.
// Lane is the volume whose bytes it changes: its fences must come in order.
func (s *Service) enqueue(tx Tx, kind, lane, resourceID, projectID string) error {
	return s.enqueueIn(tx, "", kind, lane, resourceID, projectID)
}

// enqueueIn is enqueue for one of several jobs of one call; batch is their id.
func (s *Service) enqueueIn(tx Tx, batch, kind, lane, resourceID, projectID string) error {
	return tx.Enqueue(&jobs.Job{
		ID: s.parts.NewHex(), Kind: kind, ResourceID: resourceID, Lane: lane, ProjectID: projectID, Batch: batch,
		State: jobs.Ready, RunAt: tx.Now(), CreatedAt: tx.Now(),
	})
}

// enqueueDeletion cancels what is still to be done to an object, and adds the job
// that deletes it, which waits until what runs has ended.
func (s *Service) enqueueDeletion(tx Tx, kind, lane, resourceID, projectID string) error {
	if err := tx.CancelJobs(resourceID); err != nil {
		return err
	}
	return s.enqueue(tx, kind, lane, resourceID, projectID)
}

// isQueued tells whether a job of kind is on its way for an object.
func isQueued(tx Tx, kind, resourceID string) (bool, error) {
	live, err := tx.LiveJobsOf(resourceID)
	return slices.ContainsFunc(live, func(j *jobs.Job) bool { return j.Kind == kind && !j.Cancelled }), err
}

// isGone tells whether err says that an object is not there.
func isGone(err error) bool {
	return KindOf(err) == NotFound || errors.Is(err, driver.ErrNotFound)
}

// reach gives NotFound for another project's object: its existence is not told.
func reach(c Caller, project string, noun, id string) error {
	if c.owns(project) {
		return nil
	}
	return notFound(noun, id)
}

func notFound(noun, id string) error {
	return Errorf(NotFound, "%s %s could not be found.", noun, id)
}

// listFor keeps a list within the caller's project unless an administrator asks
// for all. Without a project there is nothing to list: Forbidden.
func listFor(c Caller, list List, allProjects bool) (List, error) {
	if allProjects && c.Admin {
		return list, nil
	}
	if c.ProjectID == "" {
		return list, Errorf(Forbidden, "A token of a project is needed to list its objects.")
	}
	list.ProjectID = c.ProjectID
	return list, nil
}

// ServiceID is the stable id of this backend.
func (s *Service) ServiceID() string { return s.parts.ServiceID }
