package keystone

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// listUsers serves GET /v3/users: all for an administrator, for others themselves.
// Source: Huawei IAM, as the vendor's Terraform provider asks for its own id by name.
func (a *API) listUsers(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	p, err := readPage(x)
	if err != nil {
		return err
	}
	query := x.Request.URL.Query()
	if !caller.Admin {
		me, views := x.Token.User, []userView{}
		if wants(query.Get("name"), me.Name) && wants(query.Get("domain_id"), me.DomainID) {
			views = append(views, a.viewUser(x, me))
		}
		return a.replyList(x, "users", views, "")
	}
	users, err := a.porter.Users(x.Context(), identity.UserList{
		DomainID: query.Get("domain_id"), Name: query.Get("name"), Enabled: readEnabled(x),
		Marker: p.marker, Limit: p.limit,
	})
	if err != nil {
		return err
	}
	views, last := make([]userView, 0, len(users)), ""
	for _, u := range users {
		views, last = append(views, a.viewUser(x, u)), u.ID
	}
	return a.replyList(x, "users", views, p.next(x, len(views), last))
}

// createUser serves POST /v3/users.
func (a *API) createUser(x *wire.Exchange) error {
	var err error
	body := readBody(x, "user", &err)
	wanted := identity.User{
		Name: body.text("name"), DomainID: body.text("domain_id"), Enabled: orElse(body.flag("enabled"), true),
		Description: orElse(body.textChange("description", true), ""), Email: orElse(body.textChange("email", true), ""),
		DefaultProjectID: orElse(body.textChange("default_project_id", true), ""),
	}
	password := orElse(body.textChange("password", true), "")
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if wanted.DomainID == "" {
		wanted.DomainID = callerDomain(x)
	}
	user, err := a.porter.CreateUser(x.Context(), wanted, password)
	if err != nil {
		return err
	}
	return a.replyUser(x, http.StatusCreated, user)
}

func (a *API) replyUser(x *wire.Exchange, status int, u *identity.User) error {
	return reply(x, status, struct {
		User userView `json:"user"`
	}{a.viewUser(x, u)})
}

// oneself gives the user of the path, who must be the caller unless that is an
// administrator.
func oneself(x *wire.Exchange) (string, error) {
	caller, err := x.Authorize()
	if err != nil {
		return "", err
	}
	id := x.PathValue("user_id")
	if !caller.Admin && id != caller.UserID {
		return "", forbidden(x)
	}
	return id, nil
}

// showUser serves GET /v3/users/{user_id}.
func (a *API) showUser(x *wire.Exchange) error {
	id, err := oneself(x)
	if err != nil {
		return err
	}
	user, err := a.porter.User(x.Context(), id)
	if err != nil {
		return err
	}
	return a.replyUser(x, http.StatusOK, user)
}

// updateUser serves PATCH /v3/users/{user_id}.
func (a *API) updateUser(x *wire.Exchange) error {
	var err error
	body := readBody(x, "user", &err)
	change := identity.UserChange{
		Name: body.textChange("name", false), Description: body.textChange("description", true),
		Email: body.textChange("email", true), DefaultProjectID: body.textChange("default_project_id", true),
		Enabled: body.flag("enabled"), Password: body.textChange("password", false),
	}
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	user, err := a.porter.UpdateUser(x.Context(), x.PathValue("user_id"), change)
	if err != nil {
		return err
	}
	return a.replyUser(x, http.StatusOK, user)
}

// deleteUser serves DELETE /v3/users/{user_id}.
func (a *API) deleteUser(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.porter.DeleteUser(x.Context(), x.PathValue("user_id")); err != nil {
		return err
	}
	return done(x)
}

// listUserProjects serves GET /v3/users/{user_id}/projects.
func (a *API) listUserProjects(x *wire.Exchange) error {
	id, err := oneself(x)
	if err != nil {
		return err
	}
	if _, err := a.porter.User(x.Context(), id); err != nil {
		return err
	}
	query := x.Request.URL.Query()
	return a.projectsOf(x, identity.ProjectList{
		UserID: id, DomainID: query.Get("domain_id"), Name: query.Get("name"), Enabled: readEnabled(x),
	})
}

// changePassword serves POST /v3/users/{user_id}/password. Whoever knows the
// present password may change it; an administrator who does not uses PATCH.
func (a *API) changePassword(x *wire.Exchange) error {
	var err error
	body := readBody(x, "user", &err)
	present, next := body.text("original_password"), body.text("password")
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id := x.PathValue("user_id")
	if id != caller.UserID {
		return forbidden(x)
	}
	if err := a.porter.ChangePassword(x.Context(), id, present, next, callerAddress(x)); err != nil {
		return err
	}
	return done(x)
}
