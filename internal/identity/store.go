package identity

import (
	"context"
	"time"
)

// Store keeps the rows. Reads see committed rows only. Rows that come out of Store
// are shared: copy before changing; those that come out of Tx are the caller's.
type Store interface {
	// ChangeIdentity runs work in one transaction and returns once it is durable,
	// or not done at all. Work does database work only, may run twice, never nests.
	ChangeIdentity(ctx context.Context, work func(Tx) error) error

	// Domain, Project and User fail with NotFound.
	Domain(ctx context.Context, id string) (*Domain, error)
	Domains(ctx context.Context, list DomainList) ([]*Domain, error)
	Project(ctx context.Context, id string) (*Project, error)
	Projects(ctx context.Context, list ProjectList) ([]*Project, error)
	User(ctx context.Context, id string) (*User, error)
	Users(ctx context.Context, list UserList) ([]*User, error)
	// Roles are all roles; there are a handful.
	Roles(ctx context.Context) ([]*Role, error)
	Assignments(ctx context.Context, list AssignmentList) ([]Assignment, error)
	// AccessKey fails with NotFound.
	AccessKey(ctx context.Context, id string) (*AccessKey, error)
	// AccessKeys are the keys of one user, by id, limit at most.
	AccessKeys(ctx context.Context, userID string, limit int) ([]*AccessKey, error)
	// Revoked tells whether the token with this audit id was revoked.
	Revoked(ctx context.Context, auditID string) (bool, error)
}

// Tx is one transaction. Its methods never see the caller's context.
type Tx interface {
	// AddDomain fails with Conflict when the id or the name is taken.
	AddDomain(d *Domain) error
	// AddRole fails with Conflict when the name is taken.
	AddRole(r *Role) error

	// Project reads for writing; fails with NotFound.
	Project(id string) (*Project, error)
	// AddProject fails with Conflict when the domain has a project of that name.
	AddProject(p *Project) error
	// SaveProject raises Version; fails with Conflict when the name is taken or
	// the row changed since it was read.
	SaveProject(p *Project) error
	// DropProject removes a project and the roles held on it; fails with NotFound.
	DropProject(id string) error

	// User reads for writing; fails with NotFound.
	User(id string) (*User, error)
	// AddUser fails with Conflict when the domain has a user of that name.
	AddUser(u *User) error
	// SaveUser is like SaveProject.
	SaveUser(u *User) error
	// DropUser removes a user, the roles it holds and its access keys; fails with NotFound.
	DropUser(id string) error

	// AccessKey reads for writing; fails with NotFound.
	AccessKey(id string) (*AccessKey, error)
	// AddAccessKey fails with NotFound when the user is not there, with Invalid when
	// it has most keys already.
	AddAccessKey(k *AccessKey, most int) error
	// SaveAccessKey writes description and Enabled; otherwise like SaveProject.
	SaveAccessKey(k *AccessKey) error
	// UseAccessKey notes when a key was last used; one that is gone is left alone.
	UseAccessKey(id string, when time.Time) error
	// DropAccessKey fails with NotFound.
	DropAccessKey(id string) error

	// Assign gives a role; giving it twice succeeds. Fails with NotFound when the
	// user, the role or the target is gone.
	Assign(a Assignment) error
	// Unassign takes a role away; fails with NotFound when it is not held.
	Unassign(a Assignment) error

	// RevokeToken notes a token as revoked until it expires; repeating it succeeds.
	RevokeToken(auditID string, expires time.Time) error
	// PurgeRevoked forgets revoked tokens that expired before then.
	PurgeRevoked(before time.Time) error
}
