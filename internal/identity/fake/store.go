package fake

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/identity"
)

// Store is an identity.Store in memory. The zero Store is not ready; see New.
type Store struct {
	mu   sync.RWMutex
	rows rows
	fail error
}

// rows is everything there is; a transaction works on a copy.
type rows struct {
	domains  map[string]identity.Domain
	projects map[string]identity.Project
	users    map[string]identity.User
	roles    map[string]identity.Role
	held     map[identity.Assignment]bool
	revoked  map[string]time.Time
	keys     map[string]identity.AccessKey
}

func (r *rows) clone() rows {
	return rows{
		maps.Clone(r.domains), maps.Clone(r.projects), maps.Clone(r.users),
		maps.Clone(r.roles), maps.Clone(r.held), maps.Clone(r.revoked), maps.Clone(r.keys),
	}
}

var _ identity.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store {
	return &Store{rows: rows{
		map[string]identity.Domain{}, map[string]identity.Project{}, map[string]identity.User{},
		map[string]identity.Role{}, map[identity.Assignment]bool{}, map[string]time.Time{}, map[string]identity.AccessKey{},
	}}
}

// Fail makes every call fail with err from now on; nil ends that.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// RevokedCount is how many revoked tokens are remembered.
func (s *Store) RevokedCount() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.rows.revoked)
}

// ChangeIdentity runs work on a copy that replaces the rows when work succeeds.
func (s *Store) ChangeIdentity(ctx context.Context, work func(identity.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	next := s.rows.clone()
	if err := work((*tx)(&next)); err != nil {
		return err
	}
	s.rows = next
	return nil
}

// look runs a read.
func (s *Store) look(read func(*rows) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fail != nil {
		return s.fail
	}
	return read(&s.rows)
}

// one reads one row by its key.
func one[T any](s *Store, noun, id string, table func(*rows) map[string]T) (*T, error) {
	var found *T
	err := s.look(func(r *rows) error {
		row, ok := table(r)[id]
		if !ok {
			return missing(noun, id)
		}
		found = &row
		return nil
	})
	return found, err
}

func missing(noun, id string) error {
	return identity.Errorf(identity.NotFound, "Could not find %s: %s.", noun, id)
}

// many lists the rows that keep says, by id, after marker.
func many[T any](s *Store, table func(*rows) map[string]T, marker string, limit int, keep func(*rows, *T) bool) ([]*T, error) {
	var found []*T
	err := s.look(func(r *rows) error {
		all := table(r)
		for _, id := range slices.Sorted(maps.Keys(all)) {
			row := all[id]
			if id > marker && len(found) < limit && keep(r, &row) {
				found = append(found, &row)
			}
		}
		return nil
	})
	return found, err
}

func domainsOf(r *rows) map[string]identity.Domain   { return r.domains }
func projectsOf(r *rows) map[string]identity.Project { return r.projects }
func usersOf(r *rows) map[string]identity.User       { return r.users }
func rolesOf(r *rows) map[string]identity.Role       { return r.roles }

// fits tells whether value is wanted; an empty want takes all.
func fits[T comparable](want, value T) bool {
	var all T
	return want == all || want == value
}

// Domain reads a domain.
func (s *Store) Domain(_ context.Context, id string) (*identity.Domain, error) {
	return one(s, "domain", id, domainsOf)
}

// Domains lists domains.
func (s *Store) Domains(_ context.Context, l identity.DomainList) ([]*identity.Domain, error) {
	return many(s, domainsOf, l.Marker, l.Limit, func(_ *rows, d *identity.Domain) bool {
		return fits(l.Name, d.Name)
	})
}

// Project reads a project.
func (s *Store) Project(_ context.Context, id string) (*identity.Project, error) {
	return one(s, "project", id, projectsOf)
}

// Projects lists projects.
func (s *Store) Projects(_ context.Context, l identity.ProjectList) ([]*identity.Project, error) {
	return many(s, projectsOf, l.Marker, l.Limit, func(r *rows, p *identity.Project) bool {
		return fits(l.DomainID, p.DomainID) && fits(l.Name, p.Name) &&
			(l.Enabled == nil || *l.Enabled == p.Enabled) && (l.UserID == "" || r.holdsOn(l.UserID, p.ID))
	})
}

func (r *rows) holdsOn(userID, projectID string) bool {
	for a := range r.held {
		if a.UserID == userID && a.Target == (identity.Target{Kind: identity.OnProject, ID: projectID}) {
			return true
		}
	}
	return false
}

// User reads a user.
func (s *Store) User(_ context.Context, id string) (*identity.User, error) {
	return one(s, "user", id, usersOf)
}

// Users lists users.
func (s *Store) Users(_ context.Context, l identity.UserList) ([]*identity.User, error) {
	return many(s, usersOf, l.Marker, l.Limit, func(_ *rows, u *identity.User) bool {
		return fits(l.DomainID, u.DomainID) && fits(l.Name, u.Name) && (l.Enabled == nil || *l.Enabled == u.Enabled)
	})
}

// Roles lists all roles.
func (s *Store) Roles(context.Context) ([]*identity.Role, error) {
	return many(s, rolesOf, "", identity.MaxPage, func(*rows, *identity.Role) bool { return true })
}

// Assignments lists who holds what.
func (s *Store) Assignments(_ context.Context, l identity.AssignmentList) ([]identity.Assignment, error) {
	var found []identity.Assignment
	err := s.look(func(r *rows) error {
		for a := range r.held {
			if fits(l.UserID, a.UserID) && fits(l.RoleID, a.RoleID) && fits(l.Kind, a.Target.Kind) && fits(l.TargetID, a.Target.ID) {
				found = append(found, a)
			}
		}
		order := func(a, b identity.Assignment) int {
			return cmp.Or(cmp.Compare(a.Target.Kind, b.Target.Kind), cmp.Compare(a.Target.ID, b.Target.ID),
				cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.RoleID, b.RoleID))
		}
		found = slices.DeleteFunc(found, func(a identity.Assignment) bool { return l.After != nil && order(a, *l.After) <= 0 })
		slices.SortFunc(found, order)
		found = found[:min(len(found), l.Limit)]
		return nil
	})
	return found, err
}

// Revoked tells whether a token was revoked.
func (s *Store) Revoked(_ context.Context, auditID string) (revoked bool, err error) {
	err = s.look(func(r *rows) error {
		_, revoked = r.revoked[auditID]
		return nil
	})
	return revoked, err
}
