package keystone

import (
	"net"
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// createToken serves POST /v3/auth/tokens.
func (a *API) createToken(x *wire.Exchange) error {
	login, err := readLogin(x)
	if err != nil {
		return err
	}
	login.Address = callerAddress(x)
	text, token, err := a.porter.LogIn(x.Context(), login)
	if err != nil {
		return err
	}
	x.Header().Set("X-Subject-Token", text)
	return a.replyToken(x, http.StatusCreated, token)
}

func (a *API) replyToken(x *wire.Exchange, status int, token *identity.Token) error {
	return reply(x, status, struct {
		Token tokenView `json:"token"`
	}{a.viewToken(x, token, !x.Request.URL.Query().Has("nocatalog"))})
}

// callerAddress is where the request came from, without the port.
func callerAddress(x *wire.Exchange) string {
	host, _, err := net.SplitHostPort(x.Remote)
	if err != nil {
		return x.Remote
	}
	return host
}

// readLogin reads the body of POST /v3/auth/tokens. Source: keystone-calls 1.
func readLogin(x *wire.Exchange) (login identity.Login, err error) {
	auth := readBody(x, "auth", &err)
	id := auth.need("identity")
	for _, method := range id.texts("methods") {
		switch method {
		case "password":
			login.Password = readPassword(id.need("password"))
		case "token":
			proof := id.need("token")
			if login.Token = proof.text("id"); login.Token == "" && err == nil {
				err = identity.Errorf(identity.Invalid, "%s is missing; it must be a string", proof.field("id"))
			}
		default:
			return login, identity.Errorf(identity.Unauthenticated, "Attempted to authenticate with an unsupported method: %.64q; password and token are supported.", method)
		}
	}
	readScope(auth, &login.Scope)
	return login, err
}

func readPassword(proof object) *identity.PasswordProof {
	user := proof.need("user")
	p := &identity.PasswordProof{
		User:     identity.UserRef{ID: user.text("id"), Name: user.text("name"), Domain: readDomainRef(user)},
		Password: user.text("password"),
	}
	if *user.err == nil && p.User.ID == "" {
		*user.err = checkNamed(user, p.User.Name, p.User.Domain)
	}
	return p
}

// checkNamed holds what has no id to a name and a domain.
func checkNamed(o object, name string, domain identity.DomainRef) error {
	switch {
	case name == "":
		return identity.Errorf(identity.Invalid, "%s needs an id, or a name and a domain", o.where)
	case domain == identity.DomainRef{}:
		return identity.Errorf(identity.Invalid, "%s needs an id or a name, as names are unique in a domain only", o.field("domain"))
	}
	return nil
}

func readDomainRef(o object) identity.DomainRef {
	domain, _ := o.object("domain")
	return identity.DomainRef{ID: domain.text("id"), Name: domain.text("name")}
}

// readScope reads auth.scope: "unscoped", or an object that names one project or domain.
func readScope(auth object, scope *identity.Scope) {
	v, given := auth.value("scope")
	if !given {
		return
	}
	if string(v) == `"unscoped"` {
		scope.Unscoped = true
		return
	}
	wanted, _ := auth.object("scope")
	if project, given := wanted.object("project"); given {
		ref := &identity.ProjectRef{ID: project.text("id"), Name: project.text("name"), Domain: readDomainRef(project)}
		if *auth.err == nil && ref.ID == "" {
			*auth.err = checkNamed(project, ref.Name, ref.Domain)
		}
		scope.Project = ref
	}
	if domain, given := wanted.object("domain"); given {
		ref := &identity.DomainRef{ID: domain.text("id"), Name: domain.text("name")}
		if *auth.err == nil && *ref == (identity.DomainRef{}) {
			*auth.err = identity.Errorf(identity.Invalid, "%s needs an id or a name", domain.where)
		}
		scope.Domain = ref
	}
	if *auth.err != nil {
		return
	}
	if (scope.Project != nil) == (scope.Domain != nil) {
		*auth.err = identity.Errorf(identity.Invalid, `%s must be "unscoped", or name one project or one domain`, wanted.where)
	}
}

// subject is the token that a call is about: the caller's own, one of the same
// user's, or, for an administrator, any.
func (a *API) subject(x *wire.Exchange) (*identity.Token, string, error) {
	caller, err := x.Authorize()
	if err != nil {
		return nil, "", err
	}
	text := x.Request.Header.Get("X-Subject-Token")
	token, err := a.porter.Validate(x.Context(), text)
	if identity.KindOf(err) == identity.Unauthenticated { // it is not the caller who is unknown
		return nil, "", identity.Errorf(identity.NotFound, "Could not find token: the one in X-Subject-Token is unknown, expired or revoked.")
	}
	if err != nil {
		return nil, "", err
	}
	if !caller.Admin && token.UserID != caller.UserID {
		return nil, "", forbidden(x)
	}
	return token, text, nil
}

// showToken serves GET and HEAD /v3/auth/tokens.
func (a *API) showToken(x *wire.Exchange) error {
	token, text, err := a.subject(x)
	if err != nil {
		return err
	}
	x.Header().Set("X-Subject-Token", text)
	return a.replyToken(x, http.StatusOK, token)
}

// revokeToken serves DELETE /v3/auth/tokens.
func (a *API) revokeToken(x *wire.Exchange) error {
	token, _, err := a.subject(x)
	if err != nil {
		return err
	}
	if err := a.porter.RevokeToken(x.Context(), token); err != nil {
		return err
	}
	return done(x)
}

// listOwnProjects serves GET /v3/auth/projects: where the caller can scope to.
func (a *API) listOwnProjects(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	yes := true
	return a.projectsOf(x, identity.ProjectList{UserID: caller.UserID, Enabled: &yes})
}

// listOwnDomains serves GET /v3/auth/domains.
func (a *API) listOwnDomains(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	domains, err := a.porter.DomainsOf(x.Context(), caller.UserID)
	if err != nil {
		return err
	}
	views := make([]domainView, 0, len(domains))
	for _, d := range domains {
		views = append(views, a.viewDomain(x, d))
	}
	return a.replyList(x, "domains", views, "")
}

// showCatalog serves GET /v3/auth/catalog.
func (a *API) showCatalog(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return a.replyList(x, "catalog", viewCatalog(a.porter.Catalog(a.bases(x), x.Token.ProjectID)), "")
}
