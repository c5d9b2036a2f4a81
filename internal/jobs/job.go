package jobs

import (
	"context"
	"errors"
	"time"
)

// State is where a job is in its life.
type State string

const (
	Ready   State = "ready"   // waits for RunAt and a worker
	Running State = "running" // a worker holds the lease
	Done    State = "done"    // finished well
	Failed  State = "failed"  // given up; the noun is in a status with an exit
)

var (
	// ErrFenced tells that another worker has taken the lease since.
	ErrFenced = errors.New("the job's lease was taken by another worker")
	// ErrCancelled ends a job whose object is being deleted; GiveUp is told of it.
	ErrCancelled = errors.New("the job was cancelled: its object is being deleted")
)

// MaxDelay is how far ahead RunAt may lie. A job further ahead was given its time
// by a clock that went back since, and runs at once.
const MaxDelay = time.Minute

// Job is one row of the job table.
type Job struct {
	ID         string // 32 hex digits
	Kind       string // names the handler: snapshot.create
	ResourceID string // the object it works on
	Lane       string // jobs of one lane never run at once, nor do jobs on one object; empty: the object's own
	LaneOrder  int64  // its place behind the others of its lane; the store sets it
	ProjectID  string // fairness and the job API go by it
	Batch      string // id of the call that made this and other jobs; empty: made alone
	Args       string // JSON, what the handler needs beside the object's row
	State      State
	Cancelled  bool          // it is to end without its work; see Tx.CancelJobs
	Step       string        // where the last attempt got to, in the handler's own words
	Progress   int           // percent
	Attempt    int           // claims so far
	Spent      time.Duration // what the attempts took; in the row in whole milliseconds
	RunAt      time.Time     // not before
	ClaimedAt  time.Time     // when the last attempt began; zero: none yet
	LeaseUntil time.Time     // a running job without heartbeat is claimed anew after this
	Fence      int64         // grows with every claim of any job; drivers refuse an older one
	Error      string        // of the last attempt, for people
	CreatedAt  time.Time
	FinishedAt time.Time // zero: not finished
}

// Claim says which jobs a worker would take.
type Claim struct {
	Now   time.Time
	Lease time.Duration
	Limit int
	// Held are the ids of jobs that this worker is at: they are not claimed
	// whatever the clock says of their lease.
	Held []string
	// FullKinds and FullProjects have as many workers as they may have.
	FullKinds, FullProjects []string
}

// FarLease is after which moment a lease cannot end unless the clock went back.
func (c Claim) FarLease() time.Time { return c.Now.Add(2 * c.Lease) }

// Store keeps the job table. A job is added and finished in the transaction that
// changes its noun; see block.Tx.
type Store interface {
	// ClaimJobs leases up to Limit jobs that are ready at Now, or running with a
	// lease that ended before: project by project in turn, of each the oldest RunAt
	// first, in the order of RunAt. A job waits while another on its object or of
	// its lane is running. Times too far ahead (MaxDelay, FarLease) count as past.
	// Each claimed job comes back Running, with Attempt raised, ClaimedAt = Now,
	// LeaseUntil = Now + Lease and a new Fence.
	ClaimJobs(ctx context.Context, claim Claim) ([]*Job, error)
	// RenewJob moves the lease's end; fails with ErrFenced when it was lost, and
	// with ErrCancelled, having renewed it, when the job is to end.
	RenewJob(ctx context.Context, job *Job, until time.Time) error
	// ReportJob notes Step and Progress; fails with ErrFenced.
	ReportJob(ctx context.Context, job *Job) error
	// RetryJob gives the job back, to run at job.RunAt, with job's Attempt, Spent
	// and Error noted; fails with ErrFenced.
	RetryJob(ctx context.Context, job *Job) error
	// CancelledJobs are the ids of jobs that are running and are to end.
	CancelledJobs(ctx context.Context) ([]string, error)
	// NextJobAt is the first moment after which a job's time comes or a lease
	// ends; zero when there is none.
	NextJobAt(ctx context.Context, after time.Time) (time.Time, error)
	// ReleaseJobs ends every lease as of now: nobody but the caller works.
	ReleaseJobs(ctx context.Context, now time.Time) error
	// PurgeJobs removes the jobs that were done before done, and those that failed
	// before failed.
	PurgeJobs(ctx context.Context, done, failed time.Time) error
}
