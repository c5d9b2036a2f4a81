package keystone

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// listRoles serves GET /v3/roles.
func (a *API) listRoles(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	roles, err := a.porter.Roles(x.Context(), x.Request.URL.Query().Get("name"))
	if err != nil {
		return err
	}
	return a.replyRoles(x, roles)
}

func (a *API) replyRoles(x *wire.Exchange, roles []*identity.Role) error {
	views := make([]roleView, 0, len(roles))
	for _, r := range roles {
		views = append(views, a.viewRole(x, r))
	}
	return a.replyList(x, "roles", views, "")
}

// showRole serves GET /v3/roles/{role_id}.
func (a *API) showRole(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	role, err := a.porter.Role(x.Context(), x.PathValue("role_id"))
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, struct {
		Role roleView `json:"role"`
	}{a.viewRole(x, role)})
}
