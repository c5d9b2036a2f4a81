package identity

import (
	"context"
	"time"
)

// Project owns volumes and snapshots. Rows are values: change a copy, save it.
type Project struct {
	ID          string // 32 hex digits
	Name        string // unique in the domain
	Description string
	DomainID    string
	Enabled     bool
	CreatedAt   time.Time
	Version     int64 // moves with every write of the row
}

// ProjectList is one page of projects, in the order of their ids. Empty fields filter nothing.
type ProjectList struct {
	DomainID string
	Name     string
	UserID   string // only projects on which this user holds a role
	Enabled  *bool
	Marker   string // id of the last row of the page before
	Limit    int    // rows at most
}

// ProjectChange is what a request says of a project; nil keeps what is stored.
type ProjectChange struct {
	Name        *string
	Description *string
	Enabled     *bool
}

// Project fails with NotFound.
func (s *Service) Project(ctx context.Context, id string) (*Project, error) {
	if !plausibleID(id) {
		return nil, missing("project", id)
	}
	return s.store.Project(ctx, id)
}

// Projects lists projects.
func (s *Service) Projects(ctx context.Context, list ProjectList) ([]*Project, error) {
	for _, text := range []string{list.DomainID, list.Name, list.UserID, list.Marker} {
		if !storable(text) {
			return nil, nil
		}
	}
	list.Limit = page(list.Limit)
	return s.store.Projects(ctx, list)
}

// CreateProject adds p; its ID is made here. Fails with Invalid, with NotFound for
// an unknown domain, or with Conflict when the name is taken.
func (s *Service) CreateProject(ctx context.Context, p Project) (*Project, error) {
	if err := checkName("project.name", p.Name); err != nil {
		return nil, err
	}
	if err := checkDescription("project.description", p.Description); err != nil {
		return nil, err
	}
	if _, err := s.Domain(ctx, p.DomainID); err != nil {
		return nil, err
	}
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	p.ID, p.CreatedAt = id, s.now()
	if err := s.change(ctx, func(tx Tx) error { return tx.AddProject(&p) }); err != nil {
		return nil, err
	}
	return &p, nil
}

// UpdateProject changes what is given. Disabling a project ends the use of its tokens.
func (s *Service) UpdateProject(ctx context.Context, id string, change ProjectChange) (*Project, error) {
	if change.Name != nil {
		if err := checkName("project.name", *change.Name); err != nil {
			return nil, err
		}
	}
	if change.Description != nil {
		if err := checkDescription("project.description", *change.Description); err != nil {
			return nil, err
		}
	}
	if !plausibleID(id) {
		return nil, missing("project", id)
	}
	var saved *Project
	err := s.change(ctx, func(tx Tx) error {
		p, err := tx.Project(id)
		if err != nil {
			return err
		}
		set(&p.Name, change.Name)
		set(&p.Description, change.Description)
		set(&p.Enabled, change.Enabled)
		saved = p
		return tx.SaveProject(p)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// DeleteProject removes a project and every role held on it. What it owned
// elsewhere stays: identity does not know of volumes. Source: Keystone does the same.
func (s *Service) DeleteProject(ctx context.Context, id string) error {
	if !plausibleID(id) {
		return missing("project", id)
	}
	return s.change(ctx, func(tx Tx) error { return tx.DropProject(id) })
}

// set writes to when from is given.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
