package identity

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
)

// First is what a first start is told.
type First struct {
	AdminPassword string // empty: a random one
	DemoPassword  string // empty: a random one
	// Publish is handed the credentials before they are stored: what it writes is
	// there whenever the accounts are. It may run again after a start that was cut off.
	Publish func([]Credential) error
}

// Credential is how one of the first users logs in.
type Credential struct {
	User     string
	Password string
	Project  string
	Domain   string // name of the user's and of the project's domain
}

// EnsureFirst makes the Default domain, the roles, the projects and users admin and
// demo, and the project that is named like the region, in one transaction, unless the domain is there already; then it does nothing
// and returns no credentials. What was deleted since the first start stays deleted.
func (s *Service) EnsureFirst(ctx context.Context, first First) ([]Credential, error) {
	_, err := s.store.Domain(ctx, DefaultDomainID)
	if err == nil {
		return nil, nil
	}
	if KindOf(err) != NotFound {
		return nil, err
	}
	plan, creds, err := s.planFirst(ctx, first)
	if err != nil {
		return nil, err
	}
	if first.Publish != nil {
		if err := first.Publish(creds); err != nil {
			return nil, fmt.Errorf("hand over the first credentials: %w", err)
		}
	}
	if err := s.change(ctx, plan.add); err != nil {
		return nil, fmt.Errorf("make the first accounts: %w", err)
	}
	return creds, nil
}

// seed is the rows of a first start.
type seed struct {
	domain   Domain
	roles    []*Role
	projects []*Project
	users    []*User
	held     []Assignment
}

func (s *Service) planFirst(ctx context.Context, first First) (*seed, []Credential, error) {
	now := s.now()
	plan := &seed{domain: Domain{
		ID: DefaultDomainID, Name: DefaultDomainName, Description: "The default domain", Enabled: true, CreatedAt: now,
	}}
	roleIDs := map[string]string{}
	for _, name := range []string{RoleAdmin, RoleMember, RoleReader} {
		id, err := s.newID()
		if err != nil {
			return nil, nil, err
		}
		roleIDs[name] = id
		plan.roles = append(plan.roles, &Role{ID: id, Name: name})
	}
	var creds []Credential
	for _, account := range []struct{ name, role, password string }{
		{"admin", RoleAdmin, first.AdminPassword},
		{"demo", RoleMember, first.DemoPassword},
	} {
		password, err := s.firstPassword(account.password)
		if err != nil {
			return nil, nil, err
		}
		hash, err := s.hasher.hash(ctx, password)
		if err != nil {
			return nil, nil, err
		}
		projectID, err := s.newID()
		if err != nil {
			return nil, nil, err
		}
		userID, err := s.newID()
		if err != nil {
			return nil, nil, err
		}
		plan.projects = append(plan.projects, &Project{
			ID: projectID, Name: account.name, DomainID: DefaultDomainID, Enabled: true, CreatedAt: now,
		})
		plan.users = append(plan.users, &User{
			ID: userID, Name: account.name, DomainID: DefaultDomainID, Enabled: true, PasswordHash: hash, CreatedAt: now,
		})
		plan.held = append(plan.held, Assignment{userID, roleIDs[account.role], Target{OnProject, projectID}})
		if account.role == RoleAdmin {
			plan.held = append(plan.held, Assignment{userID, roleIDs[RoleAdmin], Target{OnDomain, DefaultDomainID}})
		} else { // clients that log in to the domain, too, are refused without. Source: client-wire 2
			plan.held = append(plan.held, Assignment{userID, roleIDs[RoleReader], Target{OnDomain, DefaultDomainID}})
		}
		creds = append(creds, Credential{account.name, password, account.name, DefaultDomainName})
	}
	return plan, creds, s.planRegion(plan, roleIDs)
}

// planRegion plans the project that is named like the region: the vendor's SDKs look
// theirs up by that name and must find exactly one. Every first user gets the role
// there that it has in its own project. Source: client-wire 2.
func (s *Service) planRegion(plan *seed, roleIDs map[string]string) error {
	if s.region == "" {
		return nil
	}
	roles := map[string]string{"admin": roleIDs[RoleAdmin], "demo": roleIDs[RoleMember]}
	project := (*Project)(nil)
	for _, p := range plan.projects { // a region may be called admin or demo
		if p.Name == s.region {
			project = p
		}
	}
	if project == nil {
		if err := checkName("region", s.region); err != nil {
			return err
		}
		id, err := s.newID()
		if err != nil {
			return err
		}
		project = &Project{
			ID: id, Name: s.region, DomainID: DefaultDomainID, Enabled: true, CreatedAt: plan.domain.CreatedAt,
			Description: "Named like the region, for clients that look their project up by it",
		}
		plan.projects = append(plan.projects, project)
	}
	for _, u := range plan.users {
		held := Assignment{u.ID, roles[u.Name], Target{OnProject, project.ID}}
		if !slices.Contains(plan.held, held) {
			plan.held = append(plan.held, held)
		}
	}
	return nil
}

// firstPassword checks the one that was given, or makes one of 144 bits that no
// shell needs quoted.
func (s *Service) firstPassword(given string) (string, error) {
	if given != "" {
		return given, checkPassword("password", given)
	}
	var b [18]byte
	if _, err := io.ReadFull(s.random, b[:]); err != nil {
		return "", fmt.Errorf("make a password: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

func (p *seed) add(tx Tx) error {
	if err := tx.AddDomain(&p.domain); err != nil {
		return err
	}
	for _, r := range p.roles {
		if err := tx.AddRole(r); err != nil {
			return err
		}
	}
	for _, project := range p.projects {
		if err := tx.AddProject(project); err != nil {
			return err
		}
	}
	for _, u := range p.users {
		if err := tx.AddUser(u); err != nil {
			return err
		}
	}
	for _, a := range p.held {
		if err := tx.Assign(a); err != nil {
			return err
		}
	}
	return nil
}
