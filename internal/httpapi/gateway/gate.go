package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// Keys are the access keys that sign. identity.Service is one.
type Keys interface {
	Signer(ctx context.Context, accessKey, securityToken string) (*identity.Signer, error)
	Signed(ctx context.Context, k *identity.Signer, scope identity.SignedScope) (*identity.Token, error)
}

// Config is what a Gate is made of.
type Config struct {
	Keys Keys
	// UnsignedBodies takes UNSIGNED-PAYLOAD for the hash of a body.
	UnsignedBodies bool
	Throttle       []Limit
	Log            *slog.Logger
	Now            func() time.Time
}

// Gate checks signatures and counts calls.
type Gate struct {
	config   Config
	throttle *throttle
}

// New makes a Gate.
func New(config Config) *Gate {
	return &Gate{config: config, throttle: newThrottle(config.Throttle)}
}

// Authenticate tells what a signed request may do. Path is that of the URL, decoded
// and otherwise as sent; project is what the URL names. What does not hold is logged with its reason.
func (g *Gate) Authenticate(x *wire.Exchange, path, project string) (*identity.Token, error) {
	token, err := g.authenticate(x, path, project)
	if why, is := errors.AsType[*misfit](err); is {
		g.config.Log.InfoContext(x.Context(), "a signature does not hold", "request_id", x.RequestID,
			"reason", string(why.reason), "says", why.says, "remote", x.Remote)
		return nil, errUnsigned()
	}
	return token, err
}

func (g *Gate) authenticate(x *wire.Exchange, path, project string) (*identity.Token, error) {
	r := x.Request
	claim, err := ReadClaim(r)
	if err != nil {
		return nil, err
	}
	if err := claim.fresh(g.config.Now()); err != nil {
		return nil, err
	}
	body, err := x.RawBody()
	if err != nil {
		return nil, err
	}
	texts, err := claim.texts(r, path, body)
	if err != nil {
		return nil, err
	}
	signer, err := g.config.Keys.Signer(x.Context(), claim.AccessKey, r.Header.Get("X-Security-Token"))
	if err != nil && identity.KindOf(err) != identity.Unauthenticated {
		return nil, err
	}
	secret := ""
	if signer != nil {
		secret = signer.Secret
	}
	fits := claim.matches(secret, texts) // of an unknown key, too, so that the time tells nothing
	switch {
	case err != nil:
		return nil, keyMisfit(claim.AccessKey, err)
	case !fits:
		return nil, wrong(SignatureWrong, "access key %s; the request read here has SHA-256 %s, its body %s",
			claim.AccessKey, hexSum([]byte(texts[0])), hexSum(body))
	}
	if err := g.checkHash(r, claim, body); err != nil {
		return nil, err
	}
	return g.signedIn(x, signer, project)
}

// checkHash holds the body to the hash that was signed in its place.
func (g *Gate) checkHash(r *http.Request, c *Claim, body []byte) error {
	hashes := r.Header[http.CanonicalHeaderKey(hashHeader)]
	switch {
	case len(hashes) == 0:
		return nil
	case !c.signsHash() || len(hashes) != 1:
		return wrong(HeaderMissing, "access key %s: %s is there %d times, and must be once and signed", c.AccessKey, hashHeader, len(hashes))
	case hashes[0] == unsigned && g.config.UnsignedBodies:
		return nil
	case hashes[0] == unsigned:
		return wrong(BodyUnsigned, "access key %s: a body must be signed here", c.AccessKey)
	case hashes[0] != hexSum(body):
		return wrong(BodyChanged, "access key %s: the body's SHA-256 is %s, %.64q was signed", c.AccessKey, hexSum(body), hashes[0])
	}
	return nil
}

// signedIn finds what the signer may do where the request says: X-Project-Id, which
// clients set after signing, the URL's project, or X-Domain-Id.
func (g *Gate) signedIn(x *wire.Exchange, signer *identity.Signer, project string) (*identity.Token, error) {
	scope := identity.SignedScope{ProjectID: x.Request.Header.Get("X-Project-Id")}
	if scope.ProjectID == "" {
		scope.ProjectID = project
	}
	if scope.ProjectID == "" {
		scope.DomainID = x.Request.Header.Get("X-Domain-Id")
	}
	token, err := g.config.Keys.Signed(x.Context(), signer, scope)
	switch identity.KindOf(err) {
	case identity.Unauthenticated:
		return nil, wrong(UserRefused, "access key %s: %v", signer.AccessKey, err)
	case identity.Forbidden: // as with a token of another project
		return nil, wire.Refuse(wire.WrongProject, "Malformed request url")
	}
	return token, err
}

// keyMisfit finds the reason in an error of Keys.
func keyMisfit(accessKey string, err error) error {
	for reason, is := range map[Reason]error{
		KeyUnknown: identity.ErrKeyUnknown, KeyDisabled: identity.ErrKeyDisabled,
		KeyUnsealable: identity.ErrKeySealed, TokenWrong: identity.ErrKeyToken,
	} {
		if errors.Is(err, is) {
			return wrong(reason, "access key %s: %v", accessKey, err)
		}
	}
	return wrong(KeyUnknown, "access key %s: %v", accessKey, err)
}
