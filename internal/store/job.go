package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

const jobColumns = `id, kind, resource_id, project_id, args, state, attempt, run_at,
	lease_until, fence, error, created_at, finished_at`

func scanJob(r row) (*jobs.Job, error) {
	j := &jobs.Job{}
	err := r.Scan(&j.ID, &j.Kind, &j.ResourceID, &j.ProjectID, &j.Args, &j.State, &j.Attempt, &j.RunAt,
		&j.LeaseUntil, &j.Fence, &j.Error, &j.CreatedAt, &j.FinishedAt)
	return j, err
}

// Enqueue adds a job in this transaction: Ready, created now, to run at RunAt or,
// when that is zero, at once.
func (t *Tx) Enqueue(job *jobs.Job) error {
	const add = `INSERT INTO jobs (` + jobColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	job.State, job.CreatedAt = jobs.Ready, t.now
	if job.RunAt.IsZero() {
		job.RunAt = t.now
	}
	_, err := t.exec(add, job.ID, job.Kind, job.ResourceID, job.ProjectID, job.Args, job.State, job.Attempt,
		job.RunAt, job.LeaseUntil, job.Fence, job.Error, job.CreatedAt, job.FinishedAt)
	t.addedJobs = t.addedJobs || err == nil
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

// ClaimJobs leases up to limit jobs that are ready at now, or running with a
// lease that ended before now, oldest RunAt first.
func (s *Store) ClaimJobs(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]*jobs.Job, error) {
	var claimed []*jobs.Job
	err := s.write(ctx, func(t *Tx) error {
		found, err := t.claimable(now, limit)
		claimed = found
		if err != nil || len(found) == 0 {
			return err
		}
		var fence int64
		const raise = `UPDATE counters SET value = value + $1 WHERE name = 'fence' RETURNING value`
		if err := t.queryRow(raise, []any{len(found)}, &fence); err != nil {
			return err
		}
		for i, job := range found {
			if err := t.lease(job, now.Add(lease), fence-int64(len(found)-1-i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// claimable are the jobs that may be claimed; each of the two queries has its own index.
func (t *Tx) claimable(now time.Time, limit int) ([]*jobs.Job, error) {
	const ready = `SELECT ` + jobColumns + ` FROM jobs
		WHERE state = 'ready' AND run_at <= $1 ORDER BY run_at, id LIMIT $2`
	const expired = `SELECT ` + jobColumns + ` FROM jobs
		WHERE state = 'running' AND lease_until < $1 ORDER BY lease_until, id LIMIT $2`
	var found []*jobs.Job
	for _, text := range []string{ready, expired} {
		err := t.query(text+t.store.sql.skipLocked, []any{now, limit}, func(r row) error {
			j, err := scanJob(r)
			found = append(found, j)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b *jobs.Job) int {
		return cmp.Or(a.RunAt.Compare(b.RunAt), cmp.Compare(a.ID, b.ID))
	})
	return found[:min(len(found), limit)], nil
}

func (t *Tx) lease(job *jobs.Job, until time.Time, fence int64) error {
	const take = `UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_until = $1, fence = $2
		WHERE id = $3`
	until = stored(until)
	if _, err := t.exec(take, until, fence, job.ID); err != nil {
		return err
	}
	job.State, job.LeaseUntil, job.Fence = jobs.Running, until, fence
	job.Attempt++
	return nil
}

// RenewJob moves the lease's end; fails with ErrFenced when it was lost.
func (s *Store) RenewJob(ctx context.Context, job *jobs.Job, until time.Time) error {
	const renew = `UPDATE jobs SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'running'`
	until = stored(until)
	err := s.writeFenced(ctx, renew, until, job.ID, job.Fence)
	if err == nil {
		job.LeaseUntil = until
	}
	return err
}

// RetryJob gives the job back, to run at job.RunAt with job.Error noted; fails with ErrFenced.
func (s *Store) RetryJob(ctx context.Context, job *jobs.Job) error {
	const retry = `UPDATE jobs SET state = 'ready', run_at = $1, error = $2, lease_until = NULL
		WHERE id = $3 AND fence = $4 AND state = 'running'`
	err := s.writeFenced(ctx, retry, job.RunAt, job.Error, job.ID, job.Fence)
	if err == nil {
		job.State, job.LeaseUntil = jobs.Ready, time.Time{}
	}
	return err
}

// writeFenced runs one statement that changes no row when the lease was lost.
func (s *Store) writeFenced(ctx context.Context, text string, args ...any) error {
	return s.write(ctx, func(t *Tx) error {
		n, err := t.exec(text, args...)
		if err == nil && n == 0 {
			err = jobs.ErrFenced
		}
		return err
	})
}

// NextJobAt tells when the next job can be claimed; zero when there is none.
func (s *Store) NextJobAt(ctx context.Context) (time.Time, error) {
	const next = `SELECT
		(SELECT run_at FROM jobs WHERE state = 'ready' ORDER BY run_at, id LIMIT 1),
		(SELECT lease_until FROM jobs WHERE state = 'running' ORDER BY lease_until LIMIT 1)`
	var ready, expires time.Time
	if err := s.readRow(ctx, next, nil, &ready, &expires); err != nil {
		return time.Time{}, err
	}
	if ready.IsZero() || (!expires.IsZero() && expires.Before(ready)) {
		return expires, nil
	}
	return ready, nil
}

// purgeAtOnce is how many jobs one transaction removes, so that others are not kept waiting.
const purgeAtOnce = 1000

// PurgeJobs removes jobs that finished before then.
func (s *Store) PurgeJobs(ctx context.Context, before time.Time) error {
	const purge = `DELETE FROM jobs WHERE id IN
		(SELECT id FROM jobs WHERE finished_at < $1 ORDER BY finished_at LIMIT $2)`
	for {
		var n int64
		err := s.write(ctx, func(t *Tx) (err error) {
			n, err = t.exec(purge, before, purgeAtOnce)
			return err
		})
		if err != nil || n < purgeAtOnce {
			return err
		}
	}
}
