package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// turn is the project that had a job claimed last. It is no more than a hint of
// this process: another node goes round by itself.
type turn struct {
	mu   sync.Mutex
	last string
}

func (t *turn) get() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

func (t *turn) set(project string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = project
}

// nextProjects begins a text with the table next: the projects that have jobs which
// are ready, due or not, from $1 on, and a null at its end. It is one look at the
// index for each project, however many jobs that has.
const nextProjects = `WITH RECURSIVE next (project_id) AS (
		SELECT min(project_id) FROM jobs WHERE state = 'ready' AND project_id >= $1
		UNION ALL
		SELECT (SELECT min(j.project_id) FROM jobs AS j WHERE j.state = 'ready' AND j.project_id > next.project_id)
		FROM next WHERE next.project_id IS NOT NULL
	)`

// ClaimJobs leases up to Limit jobs; see jobs.Store. Claims of several nodes run
// one after the other: each sees what the one before has taken.
func (s *Store) ClaimJobs(ctx context.Context, claim jobs.Claim) ([]*jobs.Job, error) {
	var claimed []*jobs.Job
	last := ""
	err := s.write(ctx, func(t *Tx) error {
		c := claiming{tx: t, claim: claim, held: map[string]bool{}, busy: map[string]bool{}, last: s.turn.get()}
		err := c.take()
		claimed, last = c.found, c.last
		return err
	})
	if err != nil {
		return nil, err
	}
	s.turn.set(last)
	return claimed, nil
}

// A bare variable behind LIMIT makes SQLite plan the text anew each time it is run;
// hence the casts.

// claiming is one claim under way.
type claiming struct {
	tx    *Tx
	claim jobs.Claim
	held  map[string]bool // ids that are not to be claimed
	busy  map[string]bool // lanes and objects of those found
	last  string          // project of the last one found in turn
	found []*jobs.Job
}

func (c *claiming) take() error {
	for _, id := range c.claim.Held {
		c.held[id] = true
	}
	var fence int64
	const counter = `SELECT value FROM counters WHERE name = 'fence'`
	if err := c.tx.queryRow(c.tx.store.sql.lock(counter), nil, &fence); err != nil {
		return err
	}
	if err := c.takeExpired(); err != nil {
		return err
	}
	if err := c.takeReady(); err != nil || len(c.found) == 0 {
		return err
	}
	slices.SortFunc(c.found, func(a, b *jobs.Job) int {
		return cmp.Or(a.RunAt.Compare(b.RunAt), cmp.Compare(a.ID, b.ID))
	})
	const raise = `UPDATE counters SET value = value + $1 WHERE name = 'fence'`
	if _, err := c.tx.exec(raise, len(c.found)); err != nil {
		return err
	}
	kept := c.found[:0]
	for _, job := range c.found {
		fence++
		taken, err := c.lease(job, fence)
		if err != nil {
			return err
		}
		if taken {
			kept = append(kept, job)
		}
	}
	c.found = kept
	return nil
}

func (c *claiming) room() int { return c.claim.Limit - len(c.found) }

// add keeps a job unless one on its object or of its lane was found before.
func (c *claiming) add(job *jobs.Job) {
	object := "object " + job.ResourceID
	if c.room() <= 0 || c.held[job.ID] || c.busy[job.Lane] || (job.ResourceID != "" && c.busy[object]) {
		return
	}
	c.held[job.ID], c.busy[job.Lane], c.busy[object] = true, true, true
	c.found = append(c.found, job)
}

// span is a stretch of time, open at its beginning and its end.
type span struct{ after, before time.Time }

// ages lies after every time that is written.
var ages = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// takeExpired takes over jobs whose lease has ended, or ends so far ahead that
// the clock must have gone back since it was taken.
func (c *claiming) takeExpired() error {
	const expired = `SELECT ` + jobColumns + ` FROM jobs
		WHERE state = 'running' AND lease_until > $1 AND lease_until < $2 LIMIT CAST($3 AS BIGINT)`
	for _, s := range []span{{time.Unix(0, 0), c.claim.Now}, {c.claim.FarLease(), ages}} {
		var found []*jobs.Job
		args := []any{s.after, s.before, c.room() + len(c.held)}
		if err := c.tx.query(expired, args, intoJobs(&found)); err != nil {
			return err
		}
		for _, job := range found {
			c.add(job)
		}
	}
	return nil
}

// mostProjects is how many projects one claim looks at. More can be waiting only
// while their jobs wait for their time; the next claim begins behind them.
const mostProjects = 1000

// takeReady goes round the projects, beginning after the one that was served last.
func (c *claiming) takeReady() error {
	if c.room() <= 0 {
		return nil
	}
	round, err := c.projects("")
	if err != nil {
		return err
	}
	behind := round
	if len(round) == mostProjects { // more than one look shows
		if behind, err = c.projects(c.last); err != nil {
			return err
		}
	}
	round = inTurn(behind, round, c.last)
	round = slices.DeleteFunc(round, func(p string) bool { return slices.Contains(c.claim.FullProjects, p) })
	for i, project := range round {
		if c.room() <= 0 {
			return nil
		}
		left := len(round) - i
		if err := c.takeOf(project, (c.room()+left-1)/left); err != nil {
			return err
		}
	}
	return nil
}

// projects are those that have jobs which are ready, in order, from one on.
func (c *claiming) projects(from string) ([]string, error) {
	const waiting = `SELECT project_id FROM (` + nextProjects + `
		SELECT project_id FROM next WHERE project_id IS NOT NULL) AS waiting LIMIT CAST($2 AS BIGINT)`
	var all []string
	err := c.tx.query(waiting, []any{from, mostProjects}, func(r row) error {
		var project string
		err := r.Scan(&project)
		all = append(all, project)
		return err
	})
	return all, err
}

// inTurn puts the projects behind last first, and those up to last at the end.
func inTurn(behind, all []string, last string) []string {
	round := make([]string, 0, len(all))
	for _, project := range behind {
		if project > last {
			round = append(round, project)
		}
	}
	for _, project := range all {
		if project <= last {
			round = append(round, project)
		}
	}
	return round
}

// takeOf takes a project's oldest jobs that are due, whose kind has room, whose
// lane and object nobody works at, and which overtake no older job of their lane:
// a snapshot that is tried again later must not find its volume extended.
func (c *claiming) takeOf(project string, share int) error {
	const due = `SELECT ` + jobColumns + ` FROM jobs AS j
		WHERE j.state = 'ready' AND j.project_id = $1 AND j.run_at > $2 AND j.run_at <= $3
			AND $4 NOT LIKE '%,' || j.kind || ',%'
			AND NOT EXISTS (SELECT 1 FROM jobs AS r WHERE r.state = 'running' AND r.lane = j.lane)
			AND NOT EXISTS (SELECT 1 FROM jobs AS e WHERE e.state = 'ready' AND e.lane = j.lane AND e.lane <> '' AND e.cancelled = 0
				AND (e.lane_order < j.lane_order
					OR (e.lane_order = j.lane_order AND (e.created_at < j.created_at OR (e.created_at = j.created_at AND e.id < j.id)))))
			AND NOT EXISTS (SELECT 1 FROM jobs AS o WHERE o.resource_id = j.resource_id AND o.state = 'running' AND o.resource_id <> '')
		ORDER BY j.run_at, j.id LIMIT CAST($5 AS BIGINT)`
	full := "," + strings.Join(c.claim.FullKinds, ",") + ","
	most := len(c.found) + share
	for _, s := range []span{{time.Unix(0, 0), c.claim.Now}, {c.claim.Now.Add(jobs.MaxDelay), ages}} {
		if len(c.found) >= most {
			break
		}
		var found []*jobs.Job
		args := []any{project, s.after, s.before, full, most - len(c.found)}
		if err := c.tx.query(due, args, intoJobs(&found)); err != nil {
			return err
		}
		for _, job := range found {
			before := len(c.found)
			if c.add(job); len(c.found) > before {
				c.last = project
			}
		}
	}
	return nil
}

// lease tells whether the job could be taken: nobody else has claimed or ended it
// since it was found.
func (c *claiming) lease(job *jobs.Job, fence int64) (bool, error) {
	const take = `UPDATE jobs SET state = 'running', attempt = attempt + 1, claimed_at = $1, lease_until = $2, fence = $3
		WHERE id = $4 AND fence = $5 AND finished_at IS NULL` // a state as an argument would be planned anew each time
	now, until := stored(c.claim.Now), stored(c.claim.Now.Add(c.claim.Lease))
	n, err := c.tx.exec(take, now, until, fence, job.ID, job.Fence)
	if err != nil || n == 0 {
		return false, err
	}
	job.State, job.ClaimedAt, job.LeaseUntil, job.Fence = jobs.Running, now, until, fence
	job.Attempt++
	return true, nil
}
