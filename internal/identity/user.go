package identity

import (
	"context"
	"time"
)

// User can log in. Rows are values: change a copy, save it.
type User struct {
	ID               string // 32 hex digits
	Name             string // unique in the domain
	DomainID         string
	Description      string
	Email            string
	DefaultProjectID string // the scope of a login that names none; may be empty
	Enabled          bool
	PasswordHash     string    // PHC string; empty: no password opens this account
	TokensAfter      time.Time // tokens issued before are void; zero: none is
	CreatedAt        time.Time
	Version          int64 // moves with every write of the row
}

// UserList is one page of users, in the order of their ids. Empty fields filter nothing.
type UserList struct {
	DomainID string
	Name     string
	Enabled  *bool
	Marker   string // id of the last row of the page before
	Limit    int    // rows at most
}

// UserChange is what a request says of a user; nil keeps what is stored.
type UserChange struct {
	Name             *string
	Description      *string
	Email            *string
	DefaultProjectID *string
	Enabled          *bool
	Password         *string
}

// User fails with NotFound.
func (s *Service) User(ctx context.Context, id string) (*User, error) {
	if !plausibleID(id) {
		return nil, missing("user", id)
	}
	return s.store.User(ctx, id)
}

// Users lists users.
func (s *Service) Users(ctx context.Context, list UserList) ([]*User, error) {
	for _, text := range []string{list.DomainID, list.Name, list.Marker} {
		if !storable(text) {
			return nil, nil
		}
	}
	list.Limit = page(list.Limit)
	return s.store.Users(ctx, list)
}

// CreateUser adds u with password, which may be empty: then nobody can log in as u.
// Fails with Invalid, with NotFound for an unknown domain, with Conflict when the
// name is taken, or with Busy.
func (s *Service) CreateUser(ctx context.Context, u User, password string) (*User, error) {
	change := UserChange{Name: &u.Name, Description: &u.Description, Email: &u.Email, DefaultProjectID: &u.DefaultProjectID}
	if password != "" {
		change.Password = &password
	}
	if err := change.check(); err != nil {
		return nil, err
	}
	if _, err := s.Domain(ctx, u.DomainID); err != nil {
		return nil, err
	}
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	u.ID, u.CreatedAt, u.PasswordHash = id, s.now(), ""
	if password != "" {
		if u.PasswordHash, err = s.hasher.hash(ctx, password); err != nil {
			return nil, err
		}
	}
	if err := s.change(ctx, func(tx Tx) error { return tx.AddUser(&u) }); err != nil {
		return nil, err
	}
	return &u, nil
}

func (c UserChange) check() error {
	if c.Name != nil {
		if err := checkName("user.name", *c.Name); err != nil {
			return err
		}
	}
	if c.Description != nil {
		if err := checkDescription("user.description", *c.Description); err != nil {
			return err
		}
	}
	if c.Email != nil {
		if err := checkDescription("user.email", *c.Email); err != nil {
			return err
		}
	}
	if c.DefaultProjectID != nil && *c.DefaultProjectID != "" && !plausibleID(*c.DefaultProjectID) {
		return Errorf(Invalid, "user.default_project_id is no id; %d bytes at most", maxID)
	}
	if c.Password != nil {
		return checkPassword("user.password", *c.Password)
	}
	return nil
}

// UpdateUser changes what is given. A new password and being disabled void
// every token the user has. Source: Keystone's revocation events.
func (s *Service) UpdateUser(ctx context.Context, id string, change UserChange) (*User, error) {
	if err := change.check(); err != nil {
		return nil, err
	}
	if _, err := s.User(ctx, id); err != nil { // before the cost of a hash
		return nil, err
	}
	hash := ""
	if change.Password != nil {
		var err error
		if hash, err = s.hasher.hash(ctx, *change.Password); err != nil {
			return nil, err
		}
	}
	var saved *User
	err := s.change(ctx, func(tx Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		disabled := u.Enabled && change.Enabled != nil && !*change.Enabled
		set(&u.Name, change.Name)
		set(&u.Description, change.Description)
		set(&u.Email, change.Email)
		set(&u.DefaultProjectID, change.DefaultProjectID)
		set(&u.Enabled, change.Enabled)
		if hash != "" {
			u.PasswordHash = hash
		}
		if hash != "" || disabled {
			u.TokensAfter = s.now()
		}
		saved = u
		return tx.SaveUser(u)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// DeleteUser removes a user and every role held by it.
func (s *Service) DeleteUser(ctx context.Context, id string) error {
	if !plausibleID(id) {
		return missing("user", id)
	}
	return s.change(ctx, func(tx Tx) error { return tx.DropUser(id) })
}

// ChangePassword sets a user's password for someone who knows the present one.
// Fails with Unauthenticated when the present one is wrong, TooMany when it was
// wrong too often from address, Invalid when the new one breaks a rule.
func (s *Service) ChangePassword(ctx context.Context, id, present, next, address string) error {
	if err := checkPassword("user.password", next); err != nil {
		return err
	}
	u, err := s.verifyPassword(ctx, UserRef{ID: id}, present, address)
	if err != nil {
		return err
	}
	if !u.Enabled {
		return unauthenticated("user %s is disabled", u.ID)
	}
	_, err = s.UpdateUser(ctx, u.ID, UserChange{Password: &next})
	return err
}
