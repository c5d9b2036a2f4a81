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

// ErrFenced tells that another worker has taken the lease since.
var ErrFenced = errors.New("the job's lease was taken by another worker")

// Job is one row of the job table.
type Job struct {
	ID         string // 32 hex digits
	Kind       string // names the handler: snapshot.create
	ResourceID string // the object it works on
	ProjectID  string // fairness and the job API go by it
	Args       string // JSON, what the handler needs beside the object's row
	State      State
	Attempt    int       // claims so far
	RunAt      time.Time // not before
	LeaseUntil time.Time // a running job without heartbeat is claimed anew after this
	Fence      int64     // grows with every claim of any job; drivers refuse an older one
	Error      string    // of the last attempt, for people
	CreatedAt  time.Time
	FinishedAt time.Time // zero: not finished
}

// Store keeps the job table. A job is added and finished in the transaction that
// changes its noun; see block.Tx.
type Store interface {
	// ClaimJobs leases up to limit jobs that are ready at now, or running with a
	// lease that ended before now, oldest RunAt first. Each claimed job comes back
	// Running, with Attempt raised, LeaseUntil = now + lease and a new Fence.
	ClaimJobs(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]*Job, error)
	// RenewJob moves the lease's end; fails with ErrFenced when it was lost.
	RenewJob(ctx context.Context, job *Job, until time.Time) error
	// RetryJob gives the job back, to run at job.RunAt with job.Error noted; fails with ErrFenced.
	RetryJob(ctx context.Context, job *Job) error
	// NextJobAt tells when the next job can be claimed; zero when there is none.
	NextJobAt(ctx context.Context) (time.Time, error)
	// PurgeJobs removes jobs that finished before then.
	PurgeJobs(ctx context.Context, before time.Time) error
}
