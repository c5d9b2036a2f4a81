package keystone

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// listProjects serves GET /v3/projects: all for an administrator, for others those
// on which they hold a role. Source: Huawei IAM, which the vendor's SDKs ask for the
// project that is named like the region; Keystone refuses others.
func (a *API) listProjects(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	query := x.Request.URL.Query()
	list := identity.ProjectList{DomainID: query.Get("domain_id"), Name: query.Get("name"), Enabled: readEnabled(x)}
	if !caller.Admin {
		list.UserID = caller.UserID
	}
	return a.projectsOf(x, list)
}

// projectsOf answers with one page of a list.
func (a *API) projectsOf(x *wire.Exchange, list identity.ProjectList) error {
	p, err := readPage(x)
	if err != nil {
		return err
	}
	list.Limit, list.Marker = p.limit, p.marker
	projects, err := a.porter.Projects(x.Context(), list)
	if err != nil {
		return err
	}
	views, last := make([]projectView, 0, len(projects)), ""
	for _, project := range projects {
		views, last = append(views, a.viewProject(x, project)), project.ID
	}
	return a.replyList(x, "projects", views, p.next(x, len(views), last))
}

// createProject serves POST /v3/projects.
func (a *API) createProject(x *wire.Exchange) error {
	var err error
	body := readBody(x, "project", &err)
	wanted := identity.Project{
		Name: body.text("name"), DomainID: body.text("domain_id"),
		Description: orElse(body.textChange("description", true), ""), Enabled: orElse(body.flag("enabled"), true),
	}
	parent := orElse(body.textChange("parent_id", true), "")
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if wanted.DomainID == "" {
		wanted.DomainID = callerDomain(x)
	}
	if parent != "" && parent != wanted.DomainID {
		return identity.Errorf(identity.Invalid, "project.parent_id must be the domain, or be left out: projects do not nest")
	}
	project, err := a.porter.CreateProject(x.Context(), wanted)
	if err != nil {
		return err
	}
	return a.replyProject(x, http.StatusCreated, project)
}

// callerDomain is where things are made that name no domain. Source: Keystone.
func callerDomain(x *wire.Exchange) string {
	switch {
	case x.Token.Domain != nil:
		return x.Token.Domain.ID
	case x.Token.ProjectDomain != nil:
		return x.Token.ProjectDomain.ID
	}
	return x.Token.UserDomain.ID
}

func (a *API) replyProject(x *wire.Exchange, status int, p *identity.Project) error {
	return reply(x, status, struct {
		Project projectView `json:"project"`
	}{a.viewProject(x, p)})
}

// showProject serves GET /v3/projects/{project_id}: any for an administrator, for
// others the one their token is for.
func (a *API) showProject(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id := x.PathValue("project_id")
	if !caller.Admin && id != caller.ProjectID {
		return forbidden(x)
	}
	project, err := a.porter.Project(x.Context(), id)
	if err != nil {
		return err
	}
	return a.replyProject(x, http.StatusOK, project)
}

// updateProject serves PATCH /v3/projects/{project_id}.
func (a *API) updateProject(x *wire.Exchange) error {
	var err error
	body := readBody(x, "project", &err)
	change := identity.ProjectChange{
		Name: body.textChange("name", false), Description: body.textChange("description", true), Enabled: body.flag("enabled"),
	}
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	project, err := a.porter.UpdateProject(x.Context(), x.PathValue("project_id"), change)
	if err != nil {
		return err
	}
	return a.replyProject(x, http.StatusOK, project)
}

// deleteProject serves DELETE /v3/projects/{project_id}.
func (a *API) deleteProject(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.porter.DeleteProject(x.Context(), x.PathValue("project_id")); err != nil {
		return err
	}
	return done(x)
}
