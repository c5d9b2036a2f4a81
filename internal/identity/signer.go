package identity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"
)

// Limits of temporary access keys. Source: Huawei IAM, temporary access keys.
const (
	MinKeyLifetime     = 15 * time.Minute
	MaxKeyLifetime     = 24 * time.Hour
	DefaultKeyLifetime = 15 * time.Minute
	// maxSecurityToken is the length of a security token, in bytes; ours have about 300.
	maxSecurityToken = 1024

	// Methods of tokens that stand for a signed request.
	methodSigned    = "hmac"
	methodTemporary = "hmac-temporary"

	// lastUseEvery is how exactly the last use of a key is kept: a write for each
	// request would cost more than the request.
	lastUseEvery = time.Hour
)

// Signer is who holds an access key that may sign. It has the secret: never log
// or keep one.
type Signer struct {
	AccessKey string
	Secret    string

	userID    string
	issued    time.Time // of a temporary key
	expires   time.Time // of a temporary key; zero otherwise
	temporary bool
	used      time.Time // last use as stored, of a permanent key
}

// TemporaryKey is a key that holds for a while, with its security token.
type TemporaryKey struct {
	AccessKey     string
	Secret        string
	SecurityToken string
	ExpiresAt     time.Time
}

// sealedKey is what a security token holds; AccessKey is bound to it by the seal.
type sealedKey struct {
	UserID  string    `json:"u"`
	Secret  string    `json:"s"`
	Issued  time.Time `json:"i"`
	Expires time.Time `json:"e"`
}

// IsTemporary tells whether the token stands for a request signed with a temporary key.
func (t *Token) IsTemporary() bool { return len(t.Methods) == 1 && t.Methods[0] == methodTemporary }

// isSigned tells whether the token stands for a signed request.
func (t *Token) isSigned() bool {
	return t.IsTemporary() || len(t.Methods) == 1 && t.Methods[0] == methodSigned
}

// CreateTemporaryKey makes a key of the user of held that lives no longer than held
// does; of a permanent access key's holder, as long as was asked. It is kept nowhere:
// the security token brings the secret along, sealed. What voids the user's tokens voids it.
func (s *Service) CreateTemporaryKey(_ context.Context, held *Token, lifetime time.Duration) (*TemporaryKey, error) {
	if lifetime < MinKeyLifetime || lifetime > MaxKeyLifetime {
		return nil, Errorf(Invalid, "auth.identity.token.duration_seconds must be from %d to %d",
			int(MinKeyLifetime.Seconds()), int(MaxKeyLifetime.Seconds()))
	}
	now := s.now()
	expires := now.Add(lifetime)
	if (!held.isSigned() || held.IsTemporary()) && held.ExpiresAt.Before(expires) {
		expires = held.ExpiresAt
	}
	id, secret, err := s.newPair()
	if err != nil {
		return nil, err
	}
	issued := now
	if held.IssuedAt.Before(issued) && !held.isSigned() || held.IsTemporary() {
		issued = held.IssuedAt // a changed password voids it with the token it came from
	}
	text, err := json.Marshal(sealedKey{held.UserID, secret, issued, expires})
	if err != nil {
		return nil, err
	}
	sealed, err := s.sealer.seal(text, temporaryOwner(id))
	if err != nil {
		return nil, err
	}
	return &TemporaryKey{AccessKey: id, Secret: secret, SecurityToken: sealed, ExpiresAt: expires}, nil
}

// temporaryOwner keeps the seals of security tokens apart from those of stored secrets.
func temporaryOwner(accessKey string) string { return "temporary\x00" + accessKey }

// Signer finds the secret of an access key; securityToken is empty for a permanent
// one. Fails with Unauthenticated and one of the ErrKey reasons beneath.
func (s *Service) Signer(ctx context.Context, accessKey, securityToken string) (*Signer, error) {
	if securityToken != "" {
		return s.temporarySigner(accessKey, securityToken)
	}
	k, err := s.AccessKey(ctx, accessKey)
	if KindOf(err) == NotFound {
		return nil, unauthenticated("%w", ErrKeyUnknown)
	}
	if err != nil {
		return nil, err
	}
	secret, ok := s.sealer.open(k.Sealed, k.ID)
	switch {
	case !k.Enabled:
		return nil, unauthenticated("%w", ErrKeyDisabled)
	case !ok:
		return nil, unauthenticated("%w", ErrKeySealed)
	}
	return &Signer{AccessKey: k.ID, Secret: string(secret), userID: k.UserID, used: k.LastUsedAt}, nil
}

func (s *Service) temporarySigner(accessKey, securityToken string) (*Signer, error) {
	if len(securityToken) > maxSecurityToken {
		return nil, unauthenticated("%w: it has %d bytes", ErrKeyToken, len(securityToken))
	}
	text, ok := s.sealer.open(securityToken, temporaryOwner(accessKey))
	var held sealedKey
	if !ok || json.Unmarshal(text, &held) != nil {
		return nil, unauthenticated("%w: the seal does not hold", ErrKeyToken)
	}
	if !s.clock().Before(held.Expires) {
		return nil, unauthenticated("%w: it expired at %s", ErrKeyToken, held.Expires)
	}
	return &Signer{
		AccessKey: accessKey, Secret: held.Secret, userID: held.UserID,
		issued: held.Issued, expires: held.Expires, temporary: true,
	}, nil
}

// SignedScope is what a signed request is for; empty: what the user has.
type SignedScope struct {
	ProjectID string
	DomainID  string // without a project only
}

// Signed tells what a request that k signed may do. Fails with Unauthenticated when
// the user may not act at all, with Forbidden when it holds no role on scope.
func (s *Service) Signed(ctx context.Context, k *Signer, scope SignedScope) (*Token, error) {
	now := s.clock()
	key := sha256.Sum256([]byte(k.AccessKey + "\x00" + k.issued.String() + "\x00" + scope.ProjectID + "\x00" + scope.DomainID))
	if t := s.cache.get(&key, now); t != nil {
		return t, nil
	}
	generation := s.cache.generation.Load()
	t := &Token{Methods: []string{methodSigned}, IssuedAt: s.now(), ExpiresAt: s.now().Add(s.lifetime), UserID: k.userID}
	if k.temporary {
		t.Methods, t.IssuedAt, t.ExpiresAt = []string{methodTemporary}, k.issued, k.expires
	}
	if err := s.loadUser(ctx, t); err != nil {
		return nil, err
	}
	target, err := s.signedTarget(ctx, t.User, scope)
	if err != nil {
		return nil, err
	}
	if err := s.loadScope(ctx, t, target); KindOf(err) == Unauthenticated {
		return nil, Errorf(Forbidden, "The holder of the access key has no role there.")
	} else if err != nil {
		return nil, err
	}
	s.cache.put(&key, t, generation, now)
	s.noteUse(ctx, k)
	return t, nil
}

// signedTarget finds the scope of a signed request that names none: the user's one
// project, or the one named like the region, or its default project.
// Source: client-wire 6, X-Project-Id is absent while it is being looked up.
func (s *Service) signedTarget(ctx context.Context, user *User, scope SignedScope) (Target, error) {
	switch {
	case scope.ProjectID != "":
		if !plausibleID(scope.ProjectID) {
			return Target{}, Errorf(Forbidden, "The project's id is none.")
		}
		return Target{OnProject, scope.ProjectID}, nil
	case scope.DomainID != "":
		if !plausibleID(scope.DomainID) {
			return Target{}, Errorf(Forbidden, "The domain's id is none.")
		}
		return Target{OnDomain, scope.DomainID}, nil
	}
	yes := true
	mine, err := s.Projects(ctx, ProjectList{UserID: user.ID, Enabled: &yes})
	if err != nil {
		return Target{}, err
	}
	if len(mine) == 1 {
		return Target{OnProject, mine[0].ID}, nil
	}
	for _, p := range mine {
		if p.Name == s.region && p.DomainID == user.DomainID {
			return Target{OnProject, p.ID}, nil
		}
	}
	return s.resolveScope(ctx, Scope{}, user)
}

// noteUse writes down the use of a permanent key, once in lastUseEvery. A request
// does not fail for it.
func (s *Service) noteUse(ctx context.Context, k *Signer) {
	now := s.now()
	if k.temporary || now.Sub(k.used) < lastUseEvery {
		return
	}
	if err := s.store.ChangeIdentity(ctx, func(tx Tx) error { return tx.UseAccessKey(k.AccessKey, now) }); err != nil {
		s.log.WarnContext(ctx, "the use of an access key could not be noted", "access_key", k.AccessKey, "err", err)
	}
}
