package keystone

import (
	"strings"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// pathAssignment is the assignment that a path names.
func pathAssignment(x *wire.Exchange) identity.Assignment {
	target := identity.Target{Kind: identity.OnProject, ID: x.PathValue("project_id")}
	if target.ID == "" {
		target = identity.Target{Kind: identity.OnDomain, ID: x.PathValue("domain_id")}
	}
	return identity.Assignment{UserID: x.PathValue("user_id"), RoleID: x.PathValue("role_id"), Target: target}
}

// grant serves PUT …/users/{user_id}/roles/{role_id}.
func (a *API) grant(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.porter.Grant(x.Context(), pathAssignment(x)); err != nil {
		return err
	}
	return done(x)
}

// checkGrant serves GET and HEAD …/users/{user_id}/roles/{role_id}.
func (a *API) checkGrant(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.porter.HasRole(x.Context(), pathAssignment(x)); err != nil {
		return err
	}
	return done(x)
}

// revokeGrant serves DELETE …/users/{user_id}/roles/{role_id}.
func (a *API) revokeGrant(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.porter.Revoke(x.Context(), pathAssignment(x)); err != nil {
		return err
	}
	return done(x)
}

// listRolesOn serves GET …/users/{user_id}/roles.
func (a *API) listRolesOn(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	at := pathAssignment(x)
	roles, err := a.porter.RolesOn(x.Context(), at.UserID, at.Target)
	if err != nil {
		return err
	}
	return a.replyRoles(x, roles)
}

// The shape of a role assignment. Names are there with ?include_names only.
type (
	assignmentView struct {
		Role  namedView      `json:"role"`
		User  namedView      `json:"user"`
		Scope assignmentOn   `json:"scope"`
		Links assignmentLink `json:"links"`
	}
	namedView struct {
		ID     string `json:"id"`
		Name   string `json:"name,omitempty"`
		Domain *ref   `json:"domain,omitzero"`
	}
	assignmentOn struct {
		Project *namedView `json:"project,omitzero"`
		Domain  *namedView `json:"domain,omitzero"`
	}
	assignmentLink struct {
		Assignment string `json:"assignment"`
	}
)

// listAssignments serves GET /v3/role_assignments. It lists what was assigned;
// what roles imply is not spelled out, with ?effective neither.
func (a *API) listAssignments(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	page, err := readPage(x)
	if err != nil {
		return err
	}
	query := x.Request.URL.Query()
	list := identity.AssignmentList{UserID: query.Get("user.id"), RoleID: query.Get("role.id"), Limit: page.limit}
	if list.After, err = readAssignmentMarker(page.marker); err != nil {
		return err
	}
	if id := query.Get("scope.project.id"); id != "" {
		list.Kind, list.TargetID = identity.OnProject, id
	} else if id := query.Get("scope.domain.id"); id != "" {
		list.Kind, list.TargetID = identity.OnDomain, id
	}
	if query.Get("group.id") != "" || query.Has("scope.system") { // there are none here
		return a.replyList(x, "role_assignments", []assignmentView{}, "")
	}
	held, err := a.porter.Assignments(x.Context(), list)
	if err != nil {
		return err
	}
	word := strings.ToLower(query.Get("include_names"))
	named := query.Has("include_names") && word != "0" && word != "false"
	views := make([]assignmentView, 0, len(held))
	for _, h := range held {
		v := a.viewAssignment(x, h)
		if named {
			if err := a.addNames(x, &v); identity.KindOf(err) == identity.NotFound {
				continue // gone since the list was read
			} else if err != nil {
				return err
			}
		}
		views = append(views, v)
	}
	if len(held) == 0 {
		return a.replyList(x, "role_assignments", views, "")
	}
	return a.replyList(x, "role_assignments", views, page.next(x, len(held), assignmentMarker(held[len(held)-1])))
}

// assignmentMarker names the last assignment of a page, which has no id.
func assignmentMarker(a identity.Assignment) string {
	return strings.Join([]string{string(a.Target.Kind), a.Target.ID, a.UserID, a.RoleID}, ",")
}

// readAssignmentMarker reads what assignmentMarker wrote; nil when there is none.
func readAssignmentMarker(marker string) (*identity.Assignment, error) {
	if marker == "" {
		return nil, nil
	}
	parts := strings.Split(marker, ",")
	if len(parts) != 4 {
		return nil, identity.Errorf(identity.Invalid, "marker must be that of a link to the next page, not %.64q", marker)
	}
	return &identity.Assignment{
		UserID: parts[2], RoleID: parts[3], Target: identity.Target{Kind: identity.TargetKind(parts[0]), ID: parts[1]},
	}, nil
}

func (a *API) viewAssignment(x *wire.Exchange, h identity.Assignment) assignmentView {
	v := assignmentView{Role: namedView{ID: h.RoleID}, User: namedView{ID: h.UserID}}
	if h.Target.Kind == identity.OnProject {
		v.Scope.Project = &namedView{ID: h.Target.ID}
	} else {
		v.Scope.Domain = &namedView{ID: h.Target.ID}
	}
	v.Links.Assignment = a.url(x, "/v3/"+string(h.Target.Kind)+"s/"+h.Target.ID+"/users/"+h.UserID+"/roles/"+h.RoleID)
	return v
}

// addNames looks up the names of what v tells by id.
func (a *API) addNames(x *wire.Exchange, v *assignmentView) error {
	role, err := a.porter.Role(x.Context(), v.Role.ID)
	if err != nil {
		return err
	}
	v.Role.Name = role.Name
	user, err := a.porter.User(x.Context(), v.User.ID)
	if err != nil {
		return err
	}
	v.User.Name = user.Name
	if v.User.Domain, err = a.domainRef(x, user.DomainID); err != nil {
		return err
	}
	if v.Scope.Project != nil {
		project, err := a.porter.Project(x.Context(), v.Scope.Project.ID)
		if err != nil {
			return err
		}
		v.Scope.Project.Name = project.Name
		v.Scope.Project.Domain, err = a.domainRef(x, project.DomainID)
		return err
	}
	domain, err := a.domainRef(x, v.Scope.Domain.ID)
	if err != nil {
		return err
	}
	v.Scope.Domain.Name = domain.Name
	return nil
}

func (a *API) domainRef(x *wire.Exchange, id string) (*ref, error) {
	d, err := a.porter.Domain(x.Context(), id)
	if err != nil {
		return nil, err
	}
	return &ref{d.ID, d.Name}, nil
}
