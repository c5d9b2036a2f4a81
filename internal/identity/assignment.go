package identity

import "context"

// TargetKind is what a role is held on.
type TargetKind string

const (
	OnProject TargetKind = "project"
	OnDomain  TargetKind = "domain"
)

// Target is one project or one domain.
type Target struct {
	Kind TargetKind
	ID   string
}

// Assignment says that a user holds a role on a target.
type Assignment struct {
	UserID string
	RoleID string
	Target Target
}

// AssignmentList selects assignments, in the order of target, user and role.
// Empty fields filter nothing.
type AssignmentList struct {
	UserID   string
	RoleID   string
	Kind     TargetKind
	TargetID string      // with Kind
	After    *Assignment // the last one of the page before; nil: from the first
	Limit    int         // rows at most
}

// Grant gives a role; giving it twice succeeds. Fails with NotFound when the user,
// the role or the target is not there.
func (s *Service) Grant(ctx context.Context, a Assignment) error {
	if err := s.checkAssignment(ctx, a); err != nil {
		return err
	}
	return s.change(ctx, func(tx Tx) error { return tx.Assign(a) })
}

// Revoke takes a role away. Fails with NotFound when it was not held.
func (s *Service) Revoke(ctx context.Context, a Assignment) error {
	if err := s.checkAssignment(ctx, a); err != nil {
		return err
	}
	return s.change(ctx, func(tx Tx) error { return tx.Unassign(a) })
}

// HasRole fails with NotFound when the role is not held directly.
func (s *Service) HasRole(ctx context.Context, a Assignment) error {
	if err := s.checkAssignment(ctx, a); err != nil {
		return err
	}
	held, err := s.store.Assignments(ctx, AssignmentList{
		UserID: a.UserID, RoleID: a.RoleID, Kind: a.Target.Kind, TargetID: a.Target.ID, Limit: 1,
	})
	if err != nil {
		return err
	}
	if len(held) == 0 {
		return Errorf(NotFound, "Could not find role assignment with role: %s, user: %s, %s: %s.",
			a.RoleID, a.UserID, a.Target.Kind, a.Target.ID)
	}
	return nil
}

// Assignments lists who holds what where, without the implied roles.
func (s *Service) Assignments(ctx context.Context, list AssignmentList) ([]Assignment, error) {
	for _, text := range []string{list.UserID, list.RoleID, list.TargetID} {
		if !storable(text) {
			return nil, nil
		}
	}
	if a := list.After; a != nil && !storable(a.UserID+a.RoleID+a.Target.ID+string(a.Target.Kind)) {
		return nil, Errorf(Invalid, "marker is none that a list gave.")
	}
	list.Limit = page(list.Limit)
	return s.store.Assignments(ctx, list)
}

// RolesOn lists the roles a user holds directly on target. Fails with NotFound
// when the user or the target is not there.
func (s *Service) RolesOn(ctx context.Context, userID string, target Target) ([]*Role, error) {
	if err := s.checkAssignment(ctx, Assignment{UserID: userID, Target: target}); err != nil {
		return nil, err
	}
	held, err := s.store.Assignments(ctx, AssignmentList{
		UserID: userID, Kind: target.Kind, TargetID: target.ID, Limit: MaxPage,
	})
	if err != nil {
		return nil, err
	}
	roles := make([]*Role, 0, len(held))
	for _, a := range held {
		r, err := s.Role(ctx, a.RoleID)
		if err != nil {
			return nil, err
		}
		roles = append(roles, r)
	}
	return roles, nil
}

// checkAssignment fails with NotFound for the first part of a that is not there.
func (s *Service) checkAssignment(ctx context.Context, a Assignment) error {
	if a.RoleID != "" {
		if _, err := s.Role(ctx, a.RoleID); err != nil {
			return err
		}
	}
	if _, err := s.User(ctx, a.UserID); err != nil {
		return err
	}
	var err error
	switch a.Target.Kind {
	case OnProject:
		_, err = s.Project(ctx, a.Target.ID)
	case OnDomain:
		_, err = s.Domain(ctx, a.Target.ID)
	default:
		err = Errorf(Invalid, "a role is held on a project or a domain, not on %q", a.Target.Kind)
	}
	return err
}
