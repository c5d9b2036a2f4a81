package block

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// Explanation says in words why an object is as it is, and what can be done.
type Explanation struct {
	Object    string // volume, snapshot, backup, group, group snapshot
	ID        string
	Status    string
	WaitsFor  string    // empty: nothing
	HeldBy    *Holder   // nil: nobody works at it
	Since     time.Time // how long it has been so
	Next      string    // what happens by itself; empty: nothing
	YouCan    []string
	LastError string    // of the work that failed last; an administrator gets the whole
	Attempt   int       // of the work that waits or runs
	Progress  int       // percent of it
	Deadline  time.Time // when the work is given up at the latest, unless others hold it up
}

// Holder is the job that works at an object, or that it waits for.
type Holder struct {
	JobID      string
	Kind       string
	Attempt    int
	LeaseUntil time.Time // if the worker is silent until then, another takes over
}

// explained is what an explanation is made of.
type explained struct {
	words
	now     time.Time
	admin   bool
	history []*jobs.Job // newest first
	live    *jobs.Job   // what is on its way for the object
	holder  *jobs.Job   // what runs: live, or what live waits for
}

// jobsExplained is how many jobs of an object an explanation looks at.
const jobsExplained = 20

// ExplainVolume says what a volume waits for. Fails with NotFound.
func (s *Service) ExplainVolume(ctx context.Context, c Caller, id string) (*Explanation, error) {
	vol, err := s.Volume(ctx, c, id)
	if err != nil {
		return nil, err
	}
	e := explained{words: wordsOfVolume(vol), admin: c.Admin}
	if err := s.lookUpJobs(ctx, &e, id); err != nil {
		return nil, err
	}
	if err := s.lookUpWhole(ctx, &e, vol.GroupID); err != nil {
		return nil, err
	}
	if e.live == nil && vol.isCuttingOff() {
		if err := s.lookUpEnding(ctx, &e, id); err != nil {
			return nil, err
		}
	}
	if e.live == nil && vol.Status == VolumeBackingUp {
		if err := s.lookUpBackup(ctx, &e, id, func(b *Backup) bool { return b.SnapshotID == "" }); err != nil {
			return nil, err
		}
	}
	x := &Explanation{Object: "volume", ID: id, Status: string(vol.Status), Since: changedAt(vol.CreatedAt, vol.UpdatedAt)}
	s.explain(x, &e)
	return x, nil
}

// ExplainSnapshot says what a snapshot waits for. Fails with NotFound.
func (s *Service) ExplainSnapshot(ctx context.Context, c Caller, id string) (*Explanation, error) {
	snap, err := s.Snapshot(ctx, c, id)
	if err != nil {
		return nil, err
	}
	e := explained{words: wordsOfSnapshot(snap), admin: c.Admin}
	if err := s.lookUpJobs(ctx, &e, id); err != nil {
		return nil, err
	}
	if e.live == nil && snap.Status == SnapshotDeleting { // it goes with its volume
		if err := s.lookUpJobs(ctx, &e, snap.VolumeID); err != nil {
			return nil, err
		}
		if e.live != nil && e.live.Kind != jobDeleteVolume {
			e.live, e.holder = nil, nil
		}
	}
	if e.live == nil && (snap.Status == SnapshotCreating || snap.rolls()) { // it is its volume's rollback that moves it
		if err := s.lookUpJobs(ctx, &e, snap.VolumeID); err != nil {
			return nil, err
		}
		if e.live != nil && !ofRollback(e.live, snap.ID) {
			e.live, e.holder = nil, nil
		}
	}
	if err := s.lookUpWhole(ctx, &e, snap.GroupSnapshotID); err != nil {
		return nil, err
	}
	if e.live == nil && (snap.Status == SnapshotBackingUp || snap.Origin == OriginBackup) {
		if err := s.lookUpBackup(ctx, &e, snap.VolumeID, func(b *Backup) bool { return b.BaseID == id }); err != nil {
			return nil, err
		}
	}
	x := &Explanation{Object: "snapshot", ID: id, Status: string(snap.Status), Since: changedAt(snap.CreatedAt, snap.UpdatedAt)}
	s.explain(x, &e)
	return x, nil
}

// lookUpBackup is lookUpJobs for the backup that is being made of a volume and that
// is meant, if there is one.
func (s *Service) lookUpBackup(ctx context.Context, e *explained, volumeID string, meant func(*Backup) bool) error {
	making, err := s.store.Backups(ctx, List{Limit: jobsExplained, Filters: []Filter{
		{Field: FieldVolumeID, Value: volumeID}, {Field: FieldStatus, Value: string(BackupCreating)}}})
	if err != nil {
		return err
	}
	for _, b := range making {
		if meant(b) {
			return s.lookUpJobs(ctx, e, b.ID)
		}
	}
	return nil
}

// changedAt is when a row was written last.
func changedAt(created, updated time.Time) time.Time {
	if updated.IsZero() {
		return created
	}
	return updated
}

// lookUpJobs finds the job that is on its way for an object, and the one that
// runs in its lane. A cancelled job counts only while it runs: others wait for it.
func (s *Service) lookUpJobs(ctx context.Context, e *explained, id string) (err error) {
	e.now = s.parts.Now()
	if e.history, err = s.store.JobsOf(ctx, id, jobsExplained); err != nil {
		return err
	}
	for _, job := range e.history {
		switch {
		case job.State == jobs.Running:
			e.holder = job
			if e.live == nil && !job.Cancelled {
				e.live = job
			}
		case job.State == jobs.Ready && !job.Cancelled && e.live == nil:
			e.live = job
		}
	}
	if e.live != nil && e.holder == nil {
		e.holder, err = s.store.JobOfLane(ctx, e.live.Lane)
	}
	return err
}

// explain fills in what the jobs tell.
func (s *Service) explain(x *Explanation, e *explained) {
	x.YouCan = append(x.YouCan, e.can...)
	if e.admin {
		x.YouCan = append(x.YouCan, e.adminCan...)
	}
	x.LastError = e.lastError()
	if e.holder != nil {
		x.HeldBy = &Holder{e.holder.ID, e.holder.Kind, e.holder.Attempt, e.holder.LeaseUntil}
	}
	if e.live == nil {
		s.explainResting(x, e)
		return
	}
	x.Since, x.Attempt, x.Progress = e.live.CreatedAt, e.live.Attempt, e.live.Progress
	x.WaitsFor, x.Next = e.waitsFor(), e.next()
	begins := e.live.RunAt
	if e.live.State == jobs.Running {
		begins = e.live.ClaimedAt
	}
	x.Deadline = begins.Add(max(0, s.patienceFor(e.live.Kind)-e.live.Spent))
}

// patienceFor is how long the attempts at a kind of job may take together.
func (s *Service) patienceFor(kind string) time.Duration {
	switch own := s.Handlers()[kind].Patience; {
	case own > 0:
		return own
	case s.parts.Patience > 0:
		return s.parts.Patience
	}
	return jobs.DefaultPatience
}

// explainResting is explain for an object that no job is on its way for.
func (s *Service) explainResting(x *Explanation, e *explained) {
	switch {
	case e.work != "":
		x.WaitsFor = "nothing that would come: the status says that work is under way, but no job is queued for it"
		x.Next = "Nothing happens by itself."
		if !e.admin {
			x.YouCan = append(x.YouCan, "ask an administrator to set its status (os-reset_status) or to delete it (os-force_delete)")
		}
	default:
		x.WaitsFor, x.Next = e.waits, e.then
	}
}

func (e *explained) waitsFor() string {
	work := e.work
	if work == "" { // the status was set by hand while the job was on its way
		work = "for the work " + e.live.Kind + ", which was queued before its status was set by hand"
	}
	switch job := e.live; {
	case job.State == jobs.Running && job.LeaseUntil.Before(e.now):
		return work + "; its worker has been silent since its lease ended"
	case job.State == jobs.Running:
		return work + ", which is being done now"
	case e.holder != nil:
		return work + ", which waits until other work on the same volume has ended"
	case job.RunAt.After(e.now):
		return work + ", which failed and is tried again at " + job.RunAt.UTC().Format(time.RFC3339)
	}
	return work + ", which waits for a free worker"
}

func (e *explained) next() string {
	if e.work == "" {
		return "The work ends; the status stays as it was set."
	}
	text := fmt.Sprintf("When the work is done, the object %s. If it fails for good, its status becomes %s.", e.good, e.bad)
	if e.live.State == jobs.Running && e.live.LeaseUntil.Before(e.now) {
		return "Another worker takes it over. " + text
	}
	return text
}

// shownErrors are causes that anybody may read; drivers' errors name files and hosts.
var shownErrors = []error{
	driver.ErrNoSpace, driver.ErrBusy, driver.ErrNotFound, driver.ErrDamaged, driver.ErrInvalid, driver.ErrFenced,
	jobs.ErrCancelled, context.DeadlineExceeded,
}

// lastError is why the newest job that failed did: in whole for an administrator,
// else only what its cause is called.
func (e *explained) lastError() string {
	for _, job := range e.history {
		switch {
		case job.State == jobs.Done:
			return "" // what failed before has been mended since
		case job.Error == "" || job.Cancelled:
			continue
		case e.admin:
			return job.Error
		}
		return shownCause(job.Error)
	}
	return ""
}

// shownCause is what anybody may read of why a job failed.
func shownCause(text string) string {
	for _, cause := range append(shownBackup, shownErrors...) {
		if strings.Contains(text, cause.Error()) {
			return cause.Error()
		}
	}
	return "the storage failed; an administrator can see why"
}
