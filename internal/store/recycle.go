package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const policyOfProject = `SELECT enabled, least_age, keep FROM recycle_policies WHERE project_id = $1`

func intoPolicy(found **block.RecyclePolicy) func(row) error {
	return func(r row) error {
		*found = &block.RecyclePolicy{}
		return r.Scan(&(*found).On, &(*found).LeastAge, &(*found).Keep)
	}
}

// RecyclePolicy is nil for a project that has set none.
func (s *Store) RecyclePolicy(ctx context.Context, projectID string) (*block.RecyclePolicy, error) {
	var found *block.RecyclePolicy
	err := s.readRows(ctx, policyOfProject, []any{projectID}, intoPolicy(&found))
	return found, err
}

// RecyclePolicy is nil for a project that has set none.
func (t *Tx) RecyclePolicy(projectID string) (*block.RecyclePolicy, error) {
	var found *block.RecyclePolicy
	err := t.query(policyOfProject, []any{projectID}, intoPolicy(&found))
	return found, err
}

// SetRecyclePolicy writes a project's policy.
func (t *Tx) SetRecyclePolicy(projectID string, p block.RecyclePolicy) error {
	const set = `INSERT INTO recycle_policies (project_id, enabled, least_age, keep) VALUES ($1, $2, $3, $4)
		ON CONFLICT (project_id) DO UPDATE SET enabled = excluded.enabled, least_age = excluded.least_age, keep = excluded.keep`
	_, err := t.exec(set, projectID, p.On, p.LeastAge, p.Keep)
	return err
}
