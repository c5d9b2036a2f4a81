package identity

import (
	"context"
	"encoding/base64"
	"errors"
)

// Validate tells what a token grants now, or fails with Unauthenticated. A token
// that was validated within the last minute costs one hash and no allocation.
func (s *Service) Validate(ctx context.Context, token string) (*Token, error) {
	if len(token) > MaxToken { // the digest would be of its beginning
		return nil, unauthenticated("a token of %d bytes", len(token))
	}
	key := digest(token)
	now := s.clock()
	if t := s.cache.get(&key, now); t != nil {
		return t, nil
	}
	generation := s.cache.generation.Load() // before the rows are read
	t, err := s.validateAfresh(ctx, token)
	if err != nil {
		return nil, err
	}
	s.cache.put(&key, t, generation, now)
	return t, nil
}

// validateAfresh is Validate without the memory of what was found before.
func (s *Service) validateAfresh(ctx context.Context, token string) (*Token, error) {
	if token == "" || len(token) > MaxToken {
		return nil, unauthenticated("a token of %d bytes", len(token))
	}
	message, known := s.keys.open(token)
	if !known {
		return nil, unauthenticated("the token was not sealed with any key we hold")
	}
	p, ok := decodePayload(message)
	if !ok {
		return nil, unauthenticated("the token's payload cannot be read")
	}
	return s.load(ctx, &p)
}

// load looks up what a payload grants now. The expiry here is the one that counts;
// the time in the Fernet envelope is not looked at.
func (s *Service) load(ctx context.Context, p *payload) (*Token, error) {
	if !s.clock().Before(p.expires) {
		return nil, unauthenticated("the token expired at %s", p.expires)
	}
	audit := auditText(p.audit)
	revoked, err := s.store.Revoked(ctx, audit)
	if err != nil {
		return nil, err
	}
	if revoked {
		return nil, unauthenticated("token %s was revoked", audit)
	}
	t := &Token{
		AuditIDs: []string{audit}, Methods: p.methods.names(),
		IssuedAt: p.issued, ExpiresAt: p.expires, UserID: p.userID,
	}
	if p.first != p.audit {
		t.AuditIDs = append(t.AuditIDs, auditText(p.first))
	}
	if err := s.loadUser(ctx, t); err != nil {
		return nil, err
	}
	if err := s.loadScope(ctx, t, p.scope); err != nil {
		return nil, err
	}
	return t, nil
}

func (s *Service) loadUser(ctx context.Context, t *Token) (err error) {
	row, err := s.store.User(ctx, t.UserID)
	if err != nil {
		return goneIsUnauthenticated(err)
	}
	holder := *row
	holder.PasswordHash = "" // a token travels far
	t.User = &holder
	if t.UserDomain, err = s.store.Domain(ctx, t.User.DomainID); err != nil {
		return goneIsUnauthenticated(err)
	}
	switch {
	case !t.User.Enabled || !t.UserDomain.Enabled:
		return unauthenticated("user %s or its domain is disabled", t.UserID)
	case t.IssuedAt.Before(t.User.TokensAfter):
		return unauthenticated("user %s changed password or was disabled after the token was issued", t.UserID)
	}
	return nil
}

// loadScope looks up the scope and the roles on it. A scope without a role is no
// scope. Source: Keystone answers 401.
func (s *Service) loadScope(ctx context.Context, t *Token, scope Target) (err error) {
	switch scope.Kind {
	case "":
		return nil
	case OnProject:
		if t.Project, err = s.store.Project(ctx, scope.ID); err != nil {
			return goneIsUnauthenticated(err)
		}
		if t.ProjectDomain, err = s.store.Domain(ctx, t.Project.DomainID); err != nil {
			return goneIsUnauthenticated(err)
		}
		t.ProjectID = t.Project.ID
		if !t.Project.Enabled || !t.ProjectDomain.Enabled {
			return unauthenticated("project %s or its domain is disabled", t.ProjectID)
		}
	case OnDomain:
		if t.Domain, err = s.store.Domain(ctx, scope.ID); err != nil {
			return goneIsUnauthenticated(err)
		}
		if !t.Domain.Enabled {
			return unauthenticated("domain %s is disabled", t.Domain.ID)
		}
	}
	held, err := s.store.Assignments(ctx, AssignmentList{
		UserID: t.UserID, Kind: scope.Kind, TargetID: scope.ID, Limit: MaxPage,
	})
	if err != nil {
		return err
	}
	all, err := s.store.Roles(ctx)
	if err != nil {
		return err
	}
	if t.grant(expand(held, all)); len(t.Roles) == 0 {
		return unauthenticated("user %s holds no role on %s %s", t.UserID, scope.Kind, scope.ID)
	}
	return nil
}

// goneIsUnauthenticated keeps from the caller what exists and what does not.
func goneIsUnauthenticated(err error) error {
	if KindOf(err) == NotFound {
		return unauthenticated("%w", err)
	}
	return err
}

// auditText is an audit id as Keystone writes it.
func auditText(id [16]byte) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// auditBytes reads what auditText wrote.
func auditBytes(text string) (id [16]byte, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil && len(raw) != len(id) {
		err = errors.New("an audit id has 16 bytes")
	}
	copy(id[:], raw)
	return id, err
}

// RevokeToken ends a token before its time.
func (s *Service) RevokeToken(ctx context.Context, t *Token) error {
	if t == nil || len(t.AuditIDs) == 0 {
		return errors.New("revoke a token that was never validated")
	}
	now := s.now()
	return s.change(ctx, func(tx Tx) error {
		if err := tx.PurgeRevoked(now); err != nil {
			return err
		}
		return tx.RevokeToken(t.AuditIDs[0], t.ExpiresAt)
	})
}
