package identity

import (
	"context"
	"fmt"
	"io"
	"time"
)

// DomainRef names a domain by id or by name.
type DomainRef struct {
	ID   string
	Name string
}

// UserRef names a user by id, or by name and domain.
type UserRef struct {
	ID     string
	Name   string
	Domain DomainRef
}

// ProjectRef names a project by id, or by name and domain.
type ProjectRef struct {
	ID     string
	Name   string
	Domain DomainRef
}

// Scope is what a token is wanted for. The zero Scope leaves it to the user's
// default project, if there is one.
type Scope struct {
	Project  *ProjectRef
	Domain   *DomainRef
	Unscoped bool
}

// PasswordProof is the method password.
type PasswordProof struct {
	User     UserRef
	Password string
}

// Login asks for a token. At least one proof; with both, they must agree.
type Login struct {
	Password *PasswordProof
	Token    string // the method token: one that holds already
	Scope    Scope
	Address  string // where the caller is, without port
}

// LogIn makes a token, and tells what it grants. Fails with Unauthenticated whatever
// does not hold: the user, the password, the scope; with TooMany after too many
// failures; with Busy when too many log in at once.
func (s *Service) LogIn(ctx context.Context, login Login) (text string, token *Token, err error) {
	// Before the user is read, so that a password changed meanwhile voids the token.
	p := payload{issued: s.now()}
	p.expires = p.issued.Add(s.lifetime)
	if _, err := io.ReadFull(s.random, p.audit[:]); err != nil {
		return "", nil, fmt.Errorf("make an audit id: %w", err)
	}
	p.first = p.audit
	user, err := s.prove(ctx, login, &p)
	if err != nil {
		return "", nil, err
	}
	p.userID = user.ID
	if p.scope, err = s.resolveScope(ctx, login.Scope, user); err != nil {
		return "", nil, err
	}
	return s.issue(ctx, &p)
}

// issue seals p, having looked up what it grants.
func (s *Service) issue(ctx context.Context, p *payload) (string, *Token, error) {
	generation := s.cache.generation.Load()
	t, err := s.load(ctx, p)
	if err != nil {
		return "", nil, err
	}
	text, err := s.keys.seal(p.encode(), p.issued)
	if err != nil {
		return "", nil, err
	}
	key := digest(text)
	s.cache.put(&key, t, generation, s.clock())
	return text, t, nil
}

// prove checks every proof there is and gives the user they agree on.
func (s *Service) prove(ctx context.Context, login Login, p *payload) (user *User, err error) {
	if login.Password == nil && login.Token == "" {
		return nil, Errorf(Invalid, "auth.identity.methods must name password or token")
	}
	if login.Token != "" {
		// Afresh: what is believed for a minute must not become a token that holds for a day.
		held, err := s.validateAfresh(ctx, login.Token)
		if err != nil {
			return nil, err
		}
		user = held.User
		p.inherit(held)
	}
	if login.Password != nil {
		byPass, err := s.verifyPassword(ctx, login.Password.User, login.Password.Password, login.Address)
		if err != nil {
			return nil, err
		}
		if user != nil && user.ID != byPass.ID {
			return nil, unauthenticated("the token is of user %s, the password of user %s", user.ID, byPass.ID)
		}
		user = byPass
		p.methods |= byPassword
	}
	return user, nil
}

// inherit takes over from the token by which a token is asked for: it lives no
// longer, and keeps the chain's first audit id. Source: Keystone.
func (p *payload) inherit(held *Token) {
	p.expires = held.ExpiresAt
	p.methods |= byToken
	for _, name := range held.Methods {
		if name == "password" {
			p.methods |= byPassword
		}
	}
	if first, err := auditBytes(held.AuditIDs[len(held.AuditIDs)-1]); err == nil {
		p.first = first
	}
}

// verifyPassword gives the user that ref names if password is theirs. An unknown
// user costs one hash too, so that the time tells nothing.
func (s *Service) verifyPassword(ctx context.Context, ref UserRef, password, address string) (*User, error) {
	if len(password) > MaxPassword {
		return nil, Errorf(Invalid, "user.password has %d bytes; %d at most", len(password), MaxPassword)
	}
	user, err := s.findUser(ctx, ref)
	if err != nil && KindOf(err) != NotFound {
		return nil, err
	}
	stored, who := "", ref.ID+"\x00"+ref.Name+"\x00"+ref.Domain.ID+"\x00"+ref.Domain.Name
	if user != nil {
		stored, who = user.PasswordHash, user.ID
	}
	key := guardKeyOf(who, address)
	if err := s.guard.check(key, s.clock()); err != nil {
		return nil, err
	}
	fits := false
	err = s.hasher.inTurn(ctx, func() (err error) {
		// Again, now that it is our turn: guesses sent at once do not get by.
		if err = s.guard.check(key, s.clock()); err != nil {
			return err
		}
		if fits, err = s.hasher.matches(password, stored); err == nil && !fits {
			s.guard.note(key, s.clock())
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case user == nil:
		return nil, unauthenticated("there is no such user")
	case !fits:
		return nil, unauthenticated("the password of user %s is another", user.ID)
	}
	return user, nil
}

func (s *Service) findUser(ctx context.Context, ref UserRef) (*User, error) {
	if ref.ID != "" {
		return s.User(ctx, ref.ID)
	}
	d, err := s.findDomain(ctx, ref.Domain)
	if err != nil {
		return nil, err
	}
	users, err := s.Users(ctx, UserList{DomainID: d.ID, Name: ref.Name, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(users) == 0 || ref.Name == "" {
		return nil, missing("user", ref.Name)
	}
	return users[0], nil
}

func (s *Service) findDomain(ctx context.Context, ref DomainRef) (*Domain, error) {
	if ref.ID != "" {
		return s.Domain(ctx, ref.ID)
	}
	domains, err := s.Domains(ctx, DomainList{Name: ref.Name, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(domains) == 0 || ref.Name == "" {
		return nil, missing("domain", ref.Name)
	}
	return domains[0], nil
}

func (s *Service) findProject(ctx context.Context, ref ProjectRef) (*Project, error) {
	if ref.ID != "" {
		return s.Project(ctx, ref.ID)
	}
	d, err := s.findDomain(ctx, ref.Domain)
	if err != nil {
		return nil, err
	}
	projects, err := s.Projects(ctx, ProjectList{DomainID: d.ID, Name: ref.Name, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(projects) == 0 || ref.Name == "" {
		return nil, missing("project", ref.Name)
	}
	return projects[0], nil
}

// resolveScope finds what scope names. Whether the user may have it, load decides.
func (s *Service) resolveScope(ctx context.Context, scope Scope, user *User) (Target, error) {
	switch {
	case scope.Project != nil:
		p, err := s.findProject(ctx, *scope.Project)
		if err != nil {
			return Target{}, goneIsUnauthenticated(err)
		}
		return Target{OnProject, p.ID}, nil
	case scope.Domain != nil:
		d, err := s.findDomain(ctx, *scope.Domain)
		if err != nil {
			return Target{}, goneIsUnauthenticated(err)
		}
		return Target{OnDomain, d.ID}, nil
	case scope.Unscoped || user.DefaultProjectID == "":
		return Target{}, nil
	}
	// A default project that no longer holds gives an unscoped token. Source: Keystone.
	mine, err := s.usable(ctx, user, user.DefaultProjectID)
	if err != nil || !mine {
		return Target{}, err
	}
	return Target{OnProject, user.DefaultProjectID}, nil
}

// usable tells whether the user could scope to the project.
func (s *Service) usable(ctx context.Context, user *User, projectID string) (bool, error) {
	t := &Token{UserID: user.ID, User: user, IssuedAt: time.Time{}}
	err := s.loadScope(ctx, t, Target{OnProject, projectID})
	if KindOf(err) == Unauthenticated {
		return false, nil
	}
	return err == nil, err
}
