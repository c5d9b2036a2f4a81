package fake

import (
	"maps"
	"time"

	"github.com/breezeblock/breezeblock/internal/identity"
)

// tx is a transaction: the rows as they will be.
type tx rows

func taken(noun string) error {
	return identity.Errorf(identity.Conflict, "There is a %s of that name or id already.", noun)
}

// AddDomain adds a domain.
func (t *tx) AddDomain(d *identity.Domain) error {
	for _, other := range t.domains {
		if other.ID == d.ID || other.Name == d.Name {
			return taken("domain")
		}
	}
	t.domains[d.ID] = *d
	return nil
}

// AddRole adds a role.
func (t *tx) AddRole(r *identity.Role) error {
	for _, other := range t.roles {
		if other.ID == r.ID || other.Name == r.Name {
			return taken("role")
		}
	}
	t.roles[r.ID] = *r
	return nil
}

// Project reads a project.
func (t *tx) Project(id string) (*identity.Project, error) {
	p, ok := t.projects[id]
	if !ok {
		return nil, missing("project", id)
	}
	return &p, nil
}

// AddProject adds a project.
func (t *tx) AddProject(p *identity.Project) error {
	if _, there := t.projects[p.ID]; there || t.projectNamed(p) {
		return taken("project")
	}
	t.projects[p.ID] = *p
	return nil
}

func (t *tx) projectNamed(p *identity.Project) bool {
	for _, other := range t.projects {
		if other.ID != p.ID && other.DomainID == p.DomainID && other.Name == p.Name {
			return true
		}
	}
	return false
}

// SaveProject writes a project.
func (t *tx) SaveProject(p *identity.Project) error {
	if stored, there := t.projects[p.ID]; !there || stored.Version != p.Version {
		return identity.Errorf(identity.Conflict, "project %s was changed meanwhile", p.ID)
	}
	if t.projectNamed(p) {
		return taken("project")
	}
	p.Version++
	t.projects[p.ID] = *p
	return nil
}

// DropProject removes a project and the roles on it.
func (t *tx) DropProject(id string) error {
	if _, there := t.projects[id]; !there {
		return missing("project", id)
	}
	delete(t.projects, id)
	maps.DeleteFunc(t.held, func(a identity.Assignment, _ bool) bool {
		return a.Target == identity.Target{Kind: identity.OnProject, ID: id}
	})
	return nil
}

// User reads a user.
func (t *tx) User(id string) (*identity.User, error) {
	u, ok := t.users[id]
	if !ok {
		return nil, missing("user", id)
	}
	return &u, nil
}

// AddUser adds a user.
func (t *tx) AddUser(u *identity.User) error {
	if _, there := t.users[u.ID]; there || t.userNamed(u) {
		return taken("user")
	}
	t.users[u.ID] = *u
	return nil
}

func (t *tx) userNamed(u *identity.User) bool {
	for _, other := range t.users {
		if other.ID != u.ID && other.DomainID == u.DomainID && other.Name == u.Name {
			return true
		}
	}
	return false
}

// SaveUser writes a user.
func (t *tx) SaveUser(u *identity.User) error {
	if stored, there := t.users[u.ID]; !there || stored.Version != u.Version {
		return identity.Errorf(identity.Conflict, "user %s was changed meanwhile", u.ID)
	}
	if t.userNamed(u) {
		return taken("user")
	}
	u.Version++
	t.users[u.ID] = *u
	return nil
}

// DropUser removes a user, the roles it holds and its access keys.
func (t *tx) DropUser(id string) error {
	if _, there := t.users[id]; !there {
		return missing("user", id)
	}
	delete(t.users, id)
	maps.DeleteFunc(t.held, func(a identity.Assignment, _ bool) bool { return a.UserID == id })
	maps.DeleteFunc(t.keys, func(_ string, k identity.AccessKey) bool { return k.UserID == id })
	return nil
}

// Assign gives a role.
func (t *tx) Assign(a identity.Assignment) error {
	if _, there := t.users[a.UserID]; !there {
		return missing("user", a.UserID)
	}
	if _, there := t.roles[a.RoleID]; !there {
		return missing("role", a.RoleID)
	}
	if _, there := t.projects[a.Target.ID]; a.Target.Kind == identity.OnProject && !there {
		return missing("project", a.Target.ID)
	}
	if _, there := t.domains[a.Target.ID]; a.Target.Kind == identity.OnDomain && !there {
		return missing("domain", a.Target.ID)
	}
	t.held[a] = true
	return nil
}

// Unassign takes a role away.
func (t *tx) Unassign(a identity.Assignment) error {
	if !t.held[a] {
		return missing("role assignment of user", a.UserID)
	}
	delete(t.held, a)
	return nil
}

// RevokeToken notes a token as revoked.
func (t *tx) RevokeToken(auditID string, expires time.Time) error {
	t.revoked[auditID] = expires
	return nil
}

// PurgeRevoked forgets what expired.
func (t *tx) PurgeRevoked(before time.Time) error {
	maps.DeleteFunc(t.revoked, func(_ string, expires time.Time) bool { return expires.Before(before) })
	return nil
}
