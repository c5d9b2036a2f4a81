package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// identityStore is what the room identity sees of a Store.
type identityStore struct{ *Store }

// identityTx is what it sees of a transaction.
type identityTx struct{ t *Tx }

var (
	_ identity.Store = identityStore{}
	_ identity.Tx    = identityTx{}
)

// Identity is the same database as the room identity knows it.
func (s *Store) Identity() identity.Store { return identityStore{s} }

// ChangeIdentity runs work in one transaction, like InTx.
func (s identityStore) ChangeIdentity(ctx context.Context, work func(identity.Tx) error) error {
	return s.write(ctx, func(t *Tx) error { return work(identityTx{t}) })
}

const (
	domainColumns  = `id, name, description, enabled, created_at`
	projectColumns = `id, domain_id, name, description, enabled, created_at, version`
	userColumns    = `id, domain_id, name, description, email, default_project_id, enabled, password_hash, tokens_after, created_at, version`
)

func scanDomain(r row) (*identity.Domain, error) {
	d := &identity.Domain{}
	return d, r.Scan(&d.ID, &d.Name, &d.Description, &d.Enabled, &d.CreatedAt)
}

func scanProject(r row) (*identity.Project, error) {
	p := &identity.Project{}
	return p, r.Scan(&p.ID, &p.DomainID, &p.Name, &p.Description, &p.Enabled, &p.CreatedAt, &p.Version)
}

func scanUser(r row) (*identity.User, error) {
	u := &identity.User{}
	return u, r.Scan(&u.ID, &u.DomainID, &u.Name, &u.Description, &u.Email, &u.DefaultProjectID,
		&u.Enabled, &u.PasswordHash, &u.TokensAfter, &u.CreatedAt, &u.Version)
}

func scanRole(r row) (*identity.Role, error) {
	role := &identity.Role{}
	return role, r.Scan(&role.ID, &role.Name, &role.Description)
}

// oneOf reads the row of noun with id; fails with NotFound.
func oneOf[T any](read reader, noun, id, query string, scan func(row) (*T, error)) (*T, error) {
	found, err := allOf(read, query, []any{id}, scan)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, noSuch(noun, id)
	}
	return found[0], nil
}

func noSuch(noun, id string) error {
	return identity.Errorf(identity.NotFound, "Could not find %s: %s.", noun, id)
}

// terms is a WHERE made of a closed set of columns; values are always arguments.
type terms struct {
	text strings.Builder
	args []any
}

// add writes one condition; mark stands for the argument's place.
func (t *terms) add(before string, arg any, after string) {
	if t.text.Len() == 0 {
		t.text.WriteString(" WHERE ")
	} else {
		t.text.WriteString(" AND ")
	}
	t.args = append(t.args, arg)
	t.text.WriteString(before + "$" + strconv.Itoa(len(t.args)) + after)
}

// after adds that a row comes after the marker, which has these values.
func (t *terms) after(columns string, marker ...any) {
	t.add("("+columns+") > (", marker[0], "")
	for _, value := range marker[1:] {
		t.args = append(t.args, value)
		t.text.WriteString(", $" + strconv.Itoa(len(t.args)))
	}
	t.text.WriteString(")")
}

// is adds column = value unless value is empty.
func (t *terms) is(column, value string) {
	if value != "" {
		t.add(column+" = ", value, "")
	}
}

// page ends the query: rows after marker, by id, limit at most.
func (t *terms) page(query, marker string, limit int) (string, []any) {
	if marker != "" {
		t.add("id > ", marker, "")
	}
	return t.end(query, "id", limit)
}

func (t *terms) end(query, order string, limit int) (string, []any) {
	t.args = append(t.args, limit)
	return query + t.text.String() + " ORDER BY " + order + " LIMIT $" + strconv.Itoa(len(t.args)), t.args
}

// Domain fails with NotFound.
func (s identityStore) Domain(ctx context.Context, id string) (*identity.Domain, error) {
	return oneOf(s.beside(ctx), "domain", id, `SELECT `+domainColumns+` FROM domains WHERE id = $1`, scanDomain)
}

// Domains lists domains by id.
func (s identityStore) Domains(ctx context.Context, list identity.DomainList) ([]*identity.Domain, error) {
	var where terms
	where.is("name", list.Name)
	query, args := where.page(`SELECT `+domainColumns+` FROM domains`, list.Marker, list.Limit)
	return allOf(s.beside(ctx), query, args, scanDomain)
}

const projectByID = `SELECT ` + projectColumns + ` FROM projects WHERE id = $1`

// Project fails with NotFound.
func (s identityStore) Project(ctx context.Context, id string) (*identity.Project, error) {
	return oneOf(s.beside(ctx), "project", id, projectByID, scanProject)
}

// Projects lists projects by id.
func (s identityStore) Projects(ctx context.Context, list identity.ProjectList) ([]*identity.Project, error) {
	var where terms
	where.is("domain_id", list.DomainID)
	where.is("name", list.Name)
	if list.UserID != "" {
		where.add(`id IN (SELECT target_id FROM role_assignments WHERE user_id = `, list.UserID, ` AND target_kind = 'project')`)
	}
	if list.Enabled != nil {
		where.add("enabled = ", *list.Enabled, "")
	}
	query, args := where.page(`SELECT `+projectColumns+` FROM projects`, list.Marker, list.Limit)
	return allOf(s.beside(ctx), query, args, scanProject)
}

const userByID = `SELECT ` + userColumns + ` FROM users WHERE id = $1`

// User fails with NotFound.
func (s identityStore) User(ctx context.Context, id string) (*identity.User, error) {
	return oneOf(s.beside(ctx), "user", id, userByID, scanUser)
}

// Users lists users by id.
func (s identityStore) Users(ctx context.Context, list identity.UserList) ([]*identity.User, error) {
	var where terms
	where.is("domain_id", list.DomainID)
	where.is("name", list.Name)
	if list.Enabled != nil {
		where.add("enabled = ", *list.Enabled, "")
	}
	query, args := where.page(`SELECT `+userColumns+` FROM users`, list.Marker, list.Limit)
	return allOf(s.beside(ctx), query, args, scanUser)
}

// Roles are all roles.
func (s identityStore) Roles(ctx context.Context) ([]*identity.Role, error) {
	return allOf(s.beside(ctx), `SELECT id, name, description FROM roles ORDER BY id`, nil, scanRole)
}

// Assignments lists who holds what, by target, user and role.
func (s identityStore) Assignments(ctx context.Context, list identity.AssignmentList) ([]identity.Assignment, error) {
	var where terms
	where.is("user_id", list.UserID)
	where.is("target_kind", string(list.Kind))
	where.is("target_id", list.TargetID)
	where.is("role_id", list.RoleID)
	if a := list.After; a != nil {
		where.after("target_kind, target_id, user_id, role_id", string(a.Target.Kind), a.Target.ID, a.UserID, a.RoleID)
	}
	query, args := where.end(`SELECT user_id, role_id, target_kind, target_id FROM role_assignments`,
		`target_kind, target_id, user_id, role_id`, list.Limit)
	var found []identity.Assignment
	err := s.readRows(ctx, query, args, func(r row) error {
		var a identity.Assignment
		var kind string
		err := r.Scan(&a.UserID, &a.RoleID, &kind, &a.Target.ID)
		a.Target.Kind = identity.TargetKind(kind)
		found = append(found, a)
		return err
	})
	return found, err
}

// Revoked tells whether a token was revoked.
func (s identityStore) Revoked(ctx context.Context, auditID string) (bool, error) {
	var id string
	err := s.readRow(ctx, `SELECT audit_id FROM revoked_tokens WHERE audit_id = $1`, []any{auditID}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// add runs an INSERT; a value that is taken fails with Conflict.
func (x identityTx) add(noun, name, query string, args ...any) error {
	_, err := x.t.exec(query, args...)
	return nameTaken(err, noun, name)
}

// nameTaken words a taken name. Source: Keystone's message of a 409.
func nameTaken(err error, noun, name string) error {
	if block.KindOf(err) != block.Conflict {
		return err
	}
	return identity.Errorf(identity.Conflict,
		"Conflict occurred attempting to store %s - it is not permitted to have two of the name %q in one domain.", noun, name)
}

func (x identityTx) read(query string, args []any, each func(row) error) error {
	return x.t.query(query, args, each)
}

// AddDomain fails with Conflict when the id or the name is taken.
func (x identityTx) AddDomain(d *identity.Domain) error {
	return x.add("domain", d.Name, `INSERT INTO domains (`+domainColumns+`) VALUES ($1, $2, $3, $4, $5)`,
		d.ID, d.Name, d.Description, d.Enabled, d.CreatedAt)
}

// AddRole fails with Conflict when the name is taken.
func (x identityTx) AddRole(r *identity.Role) error {
	return x.add("role", r.Name, `INSERT INTO roles (id, name, description) VALUES ($1, $2, $3)`, r.ID, r.Name, r.Description)
}

// Project reads for writing; fails with NotFound.
func (x identityTx) Project(id string) (*identity.Project, error) {
	return oneOf(x.read, "project", id, projectByID+x.t.store.sql.forUpdate, scanProject)
}

// AddProject fails with Conflict when the name is taken.
func (x identityTx) AddProject(p *identity.Project) error {
	return x.add("project", p.Name, `INSERT INTO projects (`+projectColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		p.ID, p.DomainID, p.Name, p.Description, p.Enabled, p.CreatedAt, p.Version)
}

// SaveProject writes what can change; fails with Conflict.
func (x identityTx) SaveProject(p *identity.Project) error {
	n, err := x.t.exec(`UPDATE projects SET name = $1, description = $2, enabled = $3, version = version + 1
		WHERE id = $4 AND version = $5`, p.Name, p.Description, p.Enabled, p.ID, p.Version)
	if err != nil {
		return nameTaken(err, "project", p.Name)
	}
	return moved(n, &p.Version, "project", p.ID)
}

// moved raises version if the row was written, or fails with Conflict.
func moved(n int64, version *int64, noun, id string) error {
	if n == 0 {
		return identity.Errorf(identity.Conflict, "%s %s was changed meanwhile", noun, id)
	}
	*version++
	return nil
}

// DropProject removes a project and the roles held on it; fails with NotFound.
func (x identityTx) DropProject(id string) error {
	n, err := x.t.exec(`DELETE FROM projects WHERE id = $1`, id)
	if err != nil {
		return err
	}
	if n == 0 {
		return noSuch("project", id)
	}
	_, err = x.t.exec(`DELETE FROM role_assignments WHERE target_kind = 'project' AND target_id = $1`, id)
	return err
}

// User reads for writing; fails with NotFound.
func (x identityTx) User(id string) (*identity.User, error) {
	return oneOf(x.read, "user", id, userByID+x.t.store.sql.forUpdate, scanUser)
}

// AddUser fails with Conflict when the name is taken.
func (x identityTx) AddUser(u *identity.User) error {
	return x.add("user", u.Name, `INSERT INTO users (`+userColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		u.ID, u.DomainID, u.Name, u.Description, u.Email, u.DefaultProjectID,
		u.Enabled, u.PasswordHash, u.TokensAfter, u.CreatedAt, u.Version)
}

// SaveUser writes what can change; fails with Conflict.
func (x identityTx) SaveUser(u *identity.User) error {
	n, err := x.t.exec(`UPDATE users SET name = $1, description = $2, email = $3, default_project_id = $4,
		enabled = $5, password_hash = $6, tokens_after = $7, version = version + 1
		WHERE id = $8 AND version = $9`,
		u.Name, u.Description, u.Email, u.DefaultProjectID,
		u.Enabled, u.PasswordHash, u.TokensAfter, u.ID, u.Version)
	if err != nil {
		return nameTaken(err, "user", u.Name)
	}
	return moved(n, &u.Version, "user", u.ID)
}

// DropUser removes a user and the roles it holds; fails with NotFound.
func (x identityTx) DropUser(id string) error {
	n, err := x.t.exec(`DELETE FROM users WHERE id = $1`, id)
	if err != nil {
		return err
	}
	if n == 0 {
		return noSuch("user", id)
	}
	if _, err = x.t.exec(`DELETE FROM role_assignments WHERE user_id = $1`, id); err != nil {
		return err
	}
	return x.dropAccessKeysOf(id)
}

// Assign gives a role; giving it twice succeeds. The user's and the project's rows
// are held meanwhile, so that neither goes and leaves the role behind.
func (x identityTx) Assign(a identity.Assignment) error {
	if _, err := x.User(a.UserID); err != nil {
		return err
	}
	if a.Target.Kind == identity.OnProject {
		if _, err := x.Project(a.Target.ID); err != nil {
			return err
		}
	} else if _, err := oneOf(x.read, "domain", a.Target.ID, `SELECT `+domainColumns+` FROM domains WHERE id = $1`, scanDomain); err != nil {
		return err
	}
	if _, err := oneOf(x.read, "role", a.RoleID, `SELECT id, name, description FROM roles WHERE id = $1`, scanRole); err != nil {
		return err
	}
	_, err := x.t.exec(`INSERT INTO role_assignments (user_id, target_kind, target_id, role_id)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, a.UserID, string(a.Target.Kind), a.Target.ID, a.RoleID)
	return err
}

// Unassign takes a role away; fails with NotFound when it is not held.
func (x identityTx) Unassign(a identity.Assignment) error {
	n, err := x.t.exec(`DELETE FROM role_assignments
		WHERE user_id = $1 AND target_kind = $2 AND target_id = $3 AND role_id = $4`,
		a.UserID, string(a.Target.Kind), a.Target.ID, a.RoleID)
	if err == nil && n == 0 {
		return identity.Errorf(identity.NotFound, "Could not find role assignment with role: %s, user: %s, %s: %s.",
			a.RoleID, a.UserID, a.Target.Kind, a.Target.ID)
	}
	return err
}

// RevokeToken notes a token as revoked until it expires.
func (x identityTx) RevokeToken(auditID string, expires time.Time) error {
	_, err := x.t.exec(`INSERT INTO revoked_tokens (audit_id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, auditID, expires)
	return err
}

// PurgeRevoked forgets revoked tokens that expired before then.
func (x identityTx) PurgeRevoked(before time.Time) error {
	_, err := x.t.exec(`DELETE FROM revoked_tokens WHERE expires_at < $1`, before)
	return err
}
