package identity

import (
	"context"
	"slices"
	"strings"
)

// The roles there are. Each grants what those after it grant.
const (
	RoleAdmin  = "admin"
	RoleMember = "member"
	RoleReader = "reader"
)

// implied names the role that a role brings with it. Source: Keystone's bootstrap.
func implied(name string) string {
	switch name {
	case RoleAdmin:
		return RoleMember
	case RoleMember:
		return RoleReader
	}
	return ""
}

// Role is a name that permissions ask for.
type Role struct {
	ID          string // 32 hex digits
	Name        string // unique
	Description string
}

// Role fails with NotFound.
func (s *Service) Role(ctx context.Context, id string) (*Role, error) {
	if plausibleID(id) {
		roles, err := s.store.Roles(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range roles {
			if r.ID == id {
				return r, nil
			}
		}
	}
	return nil, missing("role", id)
}

// Roles lists the roles called name, or all when it is empty, by name.
func (s *Service) Roles(ctx context.Context, name string) ([]*Role, error) {
	roles, err := s.store.Roles(ctx)
	if err != nil {
		return nil, err
	}
	roles = slices.Clone(roles)
	slices.SortFunc(roles, func(a, b *Role) int { return strings.Compare(a.Name, b.Name) })
	if name != "" {
		roles = slices.DeleteFunc(roles, func(r *Role) bool { return r.Name != name })
	}
	return roles, nil
}

// expand adds what the held roles imply. The order is that of the roles' names,
// so that one user's tokens read alike.
func expand(held []Assignment, all []*Role) []Role {
	byName := map[string]*Role{}
	for _, r := range all {
		byName[r.Name] = r
	}
	granted := map[string]*Role{}
	for _, a := range held {
		for _, r := range all {
			if r.ID != a.RoleID {
				continue
			}
			for r != nil && granted[r.Name] == nil {
				granted[r.Name] = r
				r = byName[implied(r.Name)]
			}
		}
	}
	roles := make([]Role, 0, len(granted))
	for _, r := range granted {
		roles = append(roles, *r)
	}
	slices.SortFunc(roles, func(a, b Role) int { return strings.Compare(a.Name, b.Name) })
	return roles
}
