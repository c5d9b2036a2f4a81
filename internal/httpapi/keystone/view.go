package keystone

import (
	"time"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// The shapes that clients read. Source: keystone-calls 1; Keystone API reference v3.
type (
	selfLink struct {
		Self string `json:"self"`
	}

	nothing struct{}

	ref struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}

	scopeRef struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Domain ref    `json:"domain"`
	}

	userRef struct {
		ID                string  `json:"id"`
		Name              string  `json:"name"`
		Domain            ref     `json:"domain"`
		PasswordExpiresAt *string `json:"password_expires_at"`
	}

	tokenView struct {
		Methods   []string    `json:"methods"`
		User      userRef     `json:"user"`
		AuditIDs  []string    `json:"audit_ids"`
		ExpiresAt string      `json:"expires_at"`
		IssuedAt  string      `json:"issued_at"`
		Project   *scopeRef   `json:"project,omitzero"`
		Domain    *ref        `json:"domain,omitzero"`
		IsDomain  *bool       `json:"is_domain,omitzero"` // with a project only
		Roles     []ref       `json:"roles,omitzero"`
		Catalog   []entryView `json:"catalog,omitzero"`
	}

	entryView struct {
		ID        string         `json:"id"`
		Type      string         `json:"type"`
		Name      string         `json:"name"`
		Endpoints []endpointView `json:"endpoints"`
	}

	endpointView struct {
		ID        string `json:"id"`
		Interface string `json:"interface"`
		Region    string `json:"region"`
		RegionID  string `json:"region_id"`
		URL       string `json:"url"`
	}

	projectView struct {
		ID          string   `json:"id"`
		Name        string   `json:"name"`
		DomainID    string   `json:"domain_id"`
		Description string   `json:"description"`
		Enabled     bool     `json:"enabled"`
		ParentID    string   `json:"parent_id"`
		IsDomain    bool     `json:"is_domain"`
		Tags        []string `json:"tags"`
		Options     nothing  `json:"options"`
		Links       selfLink `json:"links"`
	}

	userView struct {
		ID                string   `json:"id"`
		Name              string   `json:"name"`
		DomainID          string   `json:"domain_id"`
		Enabled           bool     `json:"enabled"`
		Description       string   `json:"description,omitempty"`
		Email             string   `json:"email,omitempty"`
		DefaultProjectID  string   `json:"default_project_id,omitempty"`
		PasswordExpiresAt *string  `json:"password_expires_at"`
		Options           nothing  `json:"options"`
		Links             selfLink `json:"links"`
	}

	roleView struct {
		ID          string   `json:"id"`
		Name        string   `json:"name"`
		DomainID    *string  `json:"domain_id"`
		Description *string  `json:"description"`
		Options     nothing  `json:"options"`
		Links       selfLink `json:"links"`
	}

	domainView struct {
		ID          string   `json:"id"`
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Enabled     bool     `json:"enabled"`
		Tags        []string `json:"tags"`
		Options     nothing  `json:"options"`
		Links       selfLink `json:"links"`
	}
)

// timeText is how tokens write times. Source: keystone-calls 1.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// viewToken shows what t grants; the catalog is left out when it is not wanted,
// and for unscoped tokens.
func (a *API) viewToken(x *wire.Exchange, t *identity.Token, withCatalog bool) tokenView {
	v := tokenView{
		Methods: t.Methods, AuditIDs: t.AuditIDs, ExpiresAt: timeText(t.ExpiresAt), IssuedAt: timeText(t.IssuedAt),
		User: userRef{ID: t.UserID, Name: t.User.Name, Domain: ref{t.UserDomain.ID, t.UserDomain.Name}},
	}
	switch {
	case t.Project != nil:
		no := false
		v.IsDomain = &no
		v.Project = &scopeRef{t.ProjectID, t.Project.Name, ref{t.ProjectDomain.ID, t.ProjectDomain.Name}}
	case t.Domain != nil:
		v.Domain = &ref{t.Domain.ID, t.Domain.Name}
	default:
		return v
	}
	for _, r := range t.Roles {
		v.Roles = append(v.Roles, ref{r.ID, r.Name})
	}
	if withCatalog {
		v.Catalog = viewCatalog(a.porter.Catalog(a.bases(x), t.ProjectID))
	}
	return v
}

func viewCatalog(entries []identity.CatalogEntry) []entryView {
	views := make([]entryView, 0, len(entries))
	for _, e := range entries {
		v := entryView{ID: e.ID, Type: e.Type, Name: e.Name}
		for _, p := range e.Endpoints {
			v.Endpoints = append(v.Endpoints, endpointView{p.ID, p.Interface, p.Region, p.Region, p.URL})
		}
		views = append(views, v)
	}
	return views
}

func (a *API) viewProject(x *wire.Exchange, p *identity.Project) projectView {
	return projectView{
		ID: p.ID, Name: p.Name, DomainID: p.DomainID, Description: p.Description, Enabled: p.Enabled,
		ParentID: p.DomainID, Tags: []string{}, Links: selfLink{a.url(x, "/v3/projects/"+p.ID)},
	}
}

func (a *API) viewUser(x *wire.Exchange, u *identity.User) userView {
	return userView{
		ID: u.ID, Name: u.Name, DomainID: u.DomainID, Enabled: u.Enabled, Description: u.Description,
		Email: u.Email, DefaultProjectID: u.DefaultProjectID, Links: selfLink{a.url(x, "/v3/users/"+u.ID)},
	}
}

func (a *API) viewRole(x *wire.Exchange, r *identity.Role) roleView {
	v := roleView{ID: r.ID, Name: r.Name, Links: selfLink{a.url(x, "/v3/roles/"+r.ID)}}
	if r.Description != "" {
		v.Description = &r.Description
	}
	return v
}

func (a *API) viewDomain(x *wire.Exchange, d *identity.Domain) domainView {
	return domainView{
		ID: d.ID, Name: d.Name, Description: d.Description, Enabled: d.Enabled,
		Tags: []string{}, Links: selfLink{a.url(x, "/v3/domains/"+d.ID)},
	}
}
