package jobs

import (
	"context"
	"sync"
)

// hands are the jobs that a Runner is at.
type hands struct {
	mu   sync.Mutex
	busy map[string]hand // by job id
}

type hand struct {
	kind, project string
	end           context.CancelCauseFunc
}

func (h *hands) take(job *Job, end context.CancelCauseFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy[job.ID] = hand{job.Kind, job.ProjectID, end}
}

func (h *hands) leave(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.busy, id)
}

func (h *hands) idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.busy) == 0
}

// end lets a job's handler see the end of its context, if it is at hand.
func (h *hands) end(id string, cause error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one, found := h.busy[id]; found {
		one.end(cause)
	}
}

// fill says in claim which jobs are at hand, and which kinds and projects have
// all the workers they may have, and lowers Limit so far that one claim cannot
// give too many to any of the others.
func (h *hands) fill(claim *Claim, config Config) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kinds, projects := map[string]int{}, map[string]int{}
	for kind := range config.KindLimits {
		kinds[kind] = 0
	}
	for id, one := range h.busy {
		claim.Held = append(claim.Held, id)
		kinds[one.kind]++
		projects[one.project]++
	}
	claim.Limit = min(config.Workers-len(h.busy), config.share())
	bound := func(n, most int, name string, full *[]string) {
		if n >= most {
			*full = append(*full, name)
		} else {
			claim.Limit = min(claim.Limit, most-n)
		}
	}
	for kind, n := range kinds {
		bound(n, config.kindLimit(kind), kind, &claim.FullKinds)
	}
	for project, n := range projects {
		bound(n, config.share(), project, &claim.FullProjects)
	}
}
