package store

import (
	"context"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

const jobColumns = `id, kind, resource_id, lane, project_id, args, state, cancelled, step, progress, attempt,
	spent_ms, run_at, claimed_at, lease_until, fence, error, created_at, finished_at, batch, lane_order`

func scanJob(r row) (*jobs.Job, error) {
	j := &jobs.Job{}
	var spent int64
	err := r.Scan(&j.ID, &j.Kind, &j.ResourceID, &j.Lane, &j.ProjectID, &j.Args, &j.State, &j.Cancelled, &j.Step,
		&j.Progress, &j.Attempt, &spent, &j.RunAt, &j.ClaimedAt, &j.LeaseUntil, &j.Fence, &j.Error, &j.CreatedAt, &j.FinishedAt, &j.Batch, &j.LaneOrder)
	j.Spent = time.Duration(spent) * time.Millisecond
	return j, err
}

// intoJobs adds rows of jobColumns to found.
func intoJobs(found *[]*jobs.Job) func(row) error {
	return func(r row) error {
		j, err := scanJob(r)
		*found = append(*found, j)
		return err
	}
}

// Enqueue adds a job in this transaction: Ready, created now, to run at RunAt or,
// when that is zero, at once. An empty Lane is the object's, or the job's own.
func (t *Tx) Enqueue(job *jobs.Job) error {
	const add = `INSERT INTO jobs (` + jobColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`
	job.State, job.CreatedAt = jobs.Ready, t.now
	if job.RunAt.IsZero() {
		job.RunAt = t.now
	}
	if job.Lane == "" {
		job.Lane = job.ResourceID
	}
	if job.Lane == "" {
		job.Lane = job.ID
	}
	if err := t.putLast(job); err != nil {
		return err
	}
	_, err := t.exec(add, job.ID, job.Kind, job.ResourceID, job.Lane, job.ProjectID, job.Args, job.State, job.Cancelled,
		job.Step, job.Progress, job.Attempt, job.Spent.Milliseconds(), job.RunAt, job.ClaimedAt, job.LeaseUntil, job.Fence,
		job.Error, job.CreatedAt, job.FinishedAt, job.Batch, job.LaneOrder)
	t.addedJobs = t.addedJobs || err == nil
	return err
}

// putLast places a job behind the others of its lane. Whoever adds one has locked
// the lane's object, so that no two get the same place.
func (t *Tx) putLast(job *jobs.Job) error {
	const last = `SELECT COALESCE(MAX(last), 0) FROM (
		SELECT MAX(lane_order) AS last FROM jobs WHERE lane = $1 AND state = 'ready'
		UNION ALL SELECT MAX(lane_order) FROM jobs WHERE lane = $2 AND state = 'running') AS places`
	err := t.query(last, []any{job.Lane, job.Lane}, func(r row) error { return r.Scan(&job.LaneOrder) })
	job.LaneOrder++
	return err
}

// FinishJob ends a job in this transaction, as Failed when its State says so and
// as Done otherwise; fails with jobs.ErrFenced when another worker has taken the lease since.
func (t *Tx) FinishJob(job *jobs.Job) error {
	const finish = `UPDATE jobs SET state = $1, error = $2, finished_at = $3, lease_until = NULL
		WHERE id = $4 AND fence = $5 AND state = 'running'`
	state := jobs.Done
	if job.State == jobs.Failed {
		state = jobs.Failed
	}
	n, err := t.exec(finish, state, job.Error, t.now, job.ID, job.Fence)
	if err != nil {
		return err
	}
	if n == 0 {
		return jobs.ErrFenced
	}
	job.State, job.FinishedAt, job.LeaseUntil = state, t.now, time.Time{}
	return nil
}

// ReportJob notes Step and Progress in this transaction; fails with jobs.ErrFenced.
func (t *Tx) ReportJob(job *jobs.Job) error {
	const report = `UPDATE jobs SET step = $1, progress = $2 WHERE id = $3 AND fence = $4 AND state = 'running'`
	n, err := t.exec(report, job.Step, job.Progress, job.ID, job.Fence)
	if err == nil && n == 0 {
		err = jobs.ErrFenced
	}
	return err
}

// CancelJobs marks the jobs of an object that wait or run: each ends, at the next
// chance, without its work. Whoever was to claim them is woken.
func (t *Tx) CancelJobs(resourceID string) error {
	const cancel = `UPDATE jobs SET cancelled = 1, run_at = $1
		WHERE resource_id = $2 AND state IN ('ready', 'running') AND cancelled = 0`
	n, err := t.exec(cancel, t.now, resourceID)
	t.addedJobs = t.addedJobs || n > 0
	return err
}

// EndJob ends a job whoever holds it, as Failed with job.Error. It is for repairs
// while nobody works; a worker that holds it is fenced off.
func (t *Tx) EndJob(job *jobs.Job) error {
	const end = `UPDATE jobs SET state = 'failed', error = $1, finished_at = $2, lease_until = NULL
		WHERE id = $3 AND state IN ('ready', 'running')`
	_, err := t.exec(end, job.Error, t.now, job.ID)
	return err
}

// FreeJob gives a job back whoever holds it, to run at once. It is for repairs
// while nobody works; a worker that holds it is fenced off by the next claim.
func (t *Tx) FreeJob(job *jobs.Job) error {
	const free = `UPDATE jobs SET state = 'ready', run_at = $1, lease_until = NULL WHERE id = $2 AND state = 'running'`
	_, err := t.exec(free, t.now, job.ID)
	return err
}

const liveJobsOf = `SELECT ` + jobColumns + ` FROM jobs
	WHERE resource_id = $1 AND state IN ('ready', 'running') ORDER BY created_at, id LIMIT 100`

// LiveJobsOf are the jobs on an object that wait or run, oldest first; 100 at most.
func (t *Tx) LiveJobsOf(resourceID string) ([]*jobs.Job, error) {
	var found []*jobs.Job
	err := t.query(liveJobsOf, []any{resourceID}, intoJobs(&found))
	return found, err
}

// JobsOf are the jobs on an object that are still known, newest first; limit at most.
func (s *Store) JobsOf(ctx context.Context, resourceID string, limit int) ([]*jobs.Job, error) {
	const of = `SELECT ` + jobColumns + ` FROM jobs WHERE resource_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`
	var found []*jobs.Job
	err := s.readRows(ctx, of, []any{resourceID, limit}, intoJobs(&found))
	return found, err
}

// JobsUnder are the job of that id, or those of that batch, oldest first; none when
// they are no longer known. As many at most as one call makes.
func (s *Store) JobsUnder(ctx context.Context, id string) ([]*jobs.Job, error) {
	const under = `SELECT ` + jobColumns + ` FROM jobs WHERE id = $1
		UNION ALL SELECT ` + jobColumns + ` FROM jobs WHERE batch = $2 AND batch <> ''
		ORDER BY created_at, id LIMIT $3`
	var found []*jobs.Job
	if !isID(id) {
		return nil, nil
	}
	err := s.readRows(ctx, under, []any{id, id, max(block.MaxBatch, block.MaxGroupVolumes)}, intoJobs(&found))
	return found, err
}

// JobOfLane is the job that runs in a lane; nil when there is none.
func (s *Store) JobOfLane(ctx context.Context, lane string) (*jobs.Job, error) {
	const running = `SELECT ` + jobColumns + ` FROM jobs WHERE state = 'running' AND lane = $1 LIMIT 1`
	var found []*jobs.Job
	if err := s.readRows(ctx, running, []any{lane}, intoJobs(&found)); err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// LiveJobs are those that wait or run, by id, after the given one; limit at most.
func (s *Store) LiveJobs(ctx context.Context, after string, limit int) ([]*jobs.Job, error) {
	const live = `SELECT ` + jobColumns + ` FROM jobs
		WHERE id > $1 AND finished_at IS NULL ORDER BY id LIMIT $2`
	var found []*jobs.Job
	err := s.readRows(ctx, live, []any{after, limit}, intoJobs(&found))
	return found, err
}

// RenewJob moves the lease's end; fails with ErrFenced when it was lost, and with
// ErrCancelled, having renewed it, when the job is to end.
func (s *Store) RenewJob(ctx context.Context, job *jobs.Job, until time.Time) error {
	const renew = `UPDATE jobs SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'running'
		RETURNING cancelled`
	until = stored(until)
	renewed, cancelled := false, false
	err := s.write(ctx, func(t *Tx) error {
		renewed = false
		return t.query(renew, []any{until, job.ID, job.Fence}, func(r row) error {
			renewed = true
			return r.Scan(&cancelled)
		})
	})
	switch {
	case err != nil:
		return err
	case !renewed:
		return jobs.ErrFenced
	}
	if job.LeaseUntil = until; cancelled {
		return jobs.ErrCancelled
	}
	return nil
}

// ReportJob notes Step and Progress; fails with ErrFenced.
func (s *Store) ReportJob(ctx context.Context, job *jobs.Job) error {
	return s.write(ctx, func(t *Tx) error { return t.ReportJob(job) })
}

// RetryJob gives the job back, to run at job.RunAt, with job's Attempt, Spent and
// Error noted; fails with ErrFenced.
func (s *Store) RetryJob(ctx context.Context, job *jobs.Job) error {
	const retry = `UPDATE jobs SET state = 'ready', run_at = $1, attempt = $2, spent_ms = $3, error = $4, lease_until = NULL
		WHERE id = $5 AND fence = $6 AND state = 'running'`
	err := s.write(ctx, func(t *Tx) error {
		n, err := t.exec(retry, job.RunAt, job.Attempt, job.Spent.Milliseconds(), job.Error, job.ID, job.Fence)
		if err == nil && n == 0 {
			err = jobs.ErrFenced
		}
		return err
	})
	if err == nil {
		job.State, job.LeaseUntil = jobs.Ready, time.Time{}
	}
	return err
}

// CancelledJobs are the ids of jobs that are running and are to end.
func (s *Store) CancelledJobs(ctx context.Context) ([]string, error) {
	const cancelled = `SELECT id FROM jobs WHERE state = 'running' AND cancelled = 1`
	var ids []string
	err := s.readRows(ctx, cancelled, nil, func(r row) error {
		var id string
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// NextJobAt is the first moment after which a job's time comes or a lease ends;
// zero when there is none.
func (s *Store) NextJobAt(ctx context.Context, after time.Time) (time.Time, error) {
	const ready = `SELECT min(at) FROM (` + nextProjects + `
		SELECT (SELECT min(j.run_at) FROM jobs AS j
			WHERE j.state = 'ready' AND j.project_id = next.project_id AND j.run_at > $2) AS at
		FROM next WHERE project_id IS NOT NULL) AS waiting`
	const lease = `SELECT min(lease_until) FROM jobs WHERE state = 'running' AND lease_until > $1`
	var first time.Time
	for text, args := range map[string][]any{ready: {"", after}, lease: {after}} {
		var at time.Time
		if err := s.readRow(ctx, text, args, &at); err != nil {
			return time.Time{}, err
		}
		if first.IsZero() || (!at.IsZero() && at.Before(first)) {
			first = at
		}
	}
	return first, nil
}

// ReleaseJobs ends every lease as of now.
func (s *Store) ReleaseJobs(ctx context.Context, now time.Time) error {
	const release = `UPDATE jobs SET lease_until = $1 WHERE state = 'running'`
	return s.write(ctx, func(t *Tx) error {
		_, err := t.exec(release, stored(now).Add(-time.Microsecond))
		return err
	})
}

// purgeAtOnce is how many jobs one transaction removes, so that others are not kept waiting.
const purgeAtOnce = 1000

// PurgeJobs removes the jobs that were done before done, and those that failed
// before failed.
func (s *Store) PurgeJobs(ctx context.Context, done, failed time.Time) error {
	const purge = `DELETE FROM jobs WHERE id IN (SELECT id FROM jobs
		WHERE finished_at < $1 AND (state = 'done' OR finished_at < $2) ORDER BY finished_at LIMIT $3)`
	for {
		var n int64
		err := s.write(ctx, func(t *Tx) (err error) {
			n, err = t.exec(purge, done, failed, purgeAtOnce)
			return err
		})
		if err != nil || n < purgeAtOnce {
			return err
		}
	}
}
