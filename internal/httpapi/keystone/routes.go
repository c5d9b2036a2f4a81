package keystone

import "github.com/breezeblock/breezeblock/internal/httpapi/wire"

// Sources of the rows.
const (
	calls1  = "keystone-calls 1"
	calls3  = "keystone-calls 3"
	calls4  = "keystone-calls 4"
	wire2   = "client-wire 2"
	manage  = "Keystone API reference v3; what openstack commands for administrators call"
	toSelf  = "Keystone API reference v3; what users may ask about themselves"
	catalog = "Keystone API reference v3; openstack service, endpoint and region list"
)

// Routes are the rows of this door, below its prefix.
func (a *API) Routes() []wire.Route {
	rows := a.versionRoutes()
	rows = append(rows, a.authRoutes()...)
	rows = append(rows, a.projectRoutes()...)
	rows = append(rows, a.userRoutes()...)
	rows = append(rows, a.accessKeyRoutes()...)
	rows = append(rows, a.roleRoutes()...)
	rows = append(rows, a.assignmentRoutes("/v3/projects/{project_id}", "project")...)
	rows = append(rows, a.assignmentRoutes("/v3/domains/{domain_id}", "domain")...)
	rows = append(rows, a.catalogRoutes()...)
	for i := range rows {
		rows[i].Versions = wire.NoVersion
	}
	return rows
}

func (a *API) versionRoutes() []wire.Route {
	rows := []wire.Route{
		{Name: "identity.versions", Method: "GET", Path: "/", Permission: wire.Public, OK: 300, Source: calls3, Handle: a.listVersions},
		{Name: "identity.version", Method: "GET", Path: "/v3", Permission: wire.Public, OK: 200, Source: calls3, Handle: a.showVersion},
		{Name: "identity.version", Method: "GET", Path: "/v3/", Permission: wire.Public, OK: 200, Source: calls3, Handle: a.showVersion},
	}
	if a.prefix != "" { // the auth URL without the slash at its end
		rows = append(rows, wire.Route{Name: "identity.versions", Method: "GET", Path: "", Permission: wire.Public, OK: 300, Source: calls3, Handle: a.listVersions})
	}
	return rows
}

func (a *API) authRoutes() []wire.Route {
	const tokens = "/v3/auth/tokens"
	return []wire.Route{
		{Name: "token.create", Method: "POST", Path: tokens, Permission: wire.Public, OK: 201, Source: calls1, Handle: a.createToken},
		{Name: "token.validate", Method: "GET", Path: tokens, Permission: wire.Anyone, OK: 200, Source: calls4, Handle: a.showToken},
		{Name: "token.check", Method: "HEAD", Path: tokens, Permission: wire.Anyone, OK: 200, Source: calls4, Handle: a.showToken},
		{Name: "token.revoke", Method: "DELETE", Path: tokens, Permission: wire.Anyone, OK: 204, Source: calls4, Handle: a.revokeToken},
		{Name: "auth.projects", Method: "GET", Path: "/v3/auth/projects", Permission: wire.Anyone, OK: 200, Source: wire2, Handle: a.listOwnProjects},
		{Name: "auth.domains", Method: "GET", Path: "/v3/auth/domains", Permission: wire.Anyone, OK: 200, Source: wire2, Handle: a.listOwnDomains},
		{Name: "auth.catalog", Method: "GET", Path: "/v3/auth/catalog", Permission: wire.Anyone, OK: 200, Source: wire2, Handle: a.showCatalog},
	}
}

func (a *API) projectRoutes() []wire.Route {
	const all, one = "/v3/projects", "/v3/projects/{project_id}"
	return []wire.Route{
		{Name: "project.list", Method: "GET", Path: all, Permission: wire.Anyone, OK: 200, Source: calls3, Handle: a.listProjects},
		{Name: "project.create", Method: "POST", Path: all, Permission: wire.Admin, OK: 201, Source: calls1, Handle: a.createProject},
		{Name: "project.show", Method: "GET", Path: one, Permission: wire.Anyone, OK: 200, Source: toSelf, Handle: a.showProject},
		{Name: "project.update", Method: "PATCH", Path: one, Permission: wire.Admin, OK: 200, Source: manage, Handle: a.updateProject},
		{Name: "project.delete", Method: "DELETE", Path: one, Permission: wire.Admin, OK: 204, Source: calls1, Handle: a.deleteProject},
	}
}

func (a *API) userRoutes() []wire.Route {
	const all, one = "/v3/users", "/v3/users/{user_id}"
	return []wire.Route{
		{Name: "user.list", Method: "GET", Path: all, Permission: wire.Anyone, OK: 200, Source: wire2, Handle: a.listUsers},
		{Name: "user.create", Method: "POST", Path: all, Permission: wire.Admin, OK: 201, Source: calls1, Handle: a.createUser},
		{Name: "user.show", Method: "GET", Path: one, Permission: wire.Anyone, OK: 200, Source: toSelf, Handle: a.showUser},
		{Name: "user.update", Method: "PATCH", Path: one, Permission: wire.Admin, OK: 200, Source: manage, Handle: a.updateUser},
		{Name: "user.delete", Method: "DELETE", Path: one, Permission: wire.Admin, OK: 204, Source: calls1, Handle: a.deleteUser},
		{Name: "user.projects", Method: "GET", Path: one + "/projects", Permission: wire.Anyone, OK: 200, Source: calls3, Handle: a.listUserProjects},
		{Name: "user.password", Method: "POST", Path: one + "/password", Permission: wire.Anyone, OK: 204, Source: toSelf, Handle: a.changePassword},
	}
}

func (a *API) roleRoutes() []wire.Route {
	return []wire.Route{
		{Name: "role.list", Method: "GET", Path: "/v3/roles", Permission: wire.Admin, OK: 200, Source: calls1, Handle: a.listRoles},
		{Name: "role.show", Method: "GET", Path: "/v3/roles/{role_id}", Permission: wire.Admin, OK: 200, Source: manage, Handle: a.showRole},
		{Name: "role_assignment.list", Method: "GET", Path: "/v3/role_assignments", Permission: wire.Admin, OK: 200, Source: manage, Handle: a.listAssignments},
		{Name: "domain.list", Method: "GET", Path: "/v3/domains", Permission: wire.Admin, OK: 200, Source: calls1, Handle: a.listDomains},
		{Name: "domain.show", Method: "GET", Path: "/v3/domains/{domain_id}", Permission: wire.Anyone, OK: 200, Source: manage, Handle: a.showDomain},
	}
}

// assignmentRoutes are the rows of roles held on a project or on a domain.
func (a *API) assignmentRoutes(target, noun string) []wire.Route {
	all := target + "/users/{user_id}/roles"
	one := all + "/{role_id}"
	return []wire.Route{
		{Name: noun + "_role.list", Method: "GET", Path: all, Permission: wire.Admin, OK: 200, Source: manage, Handle: a.listRolesOn},
		{Name: noun + "_role.grant", Method: "PUT", Path: one, Permission: wire.Admin, OK: 204, Source: calls1, Handle: a.grant},
		{Name: noun + "_role.show", Method: "GET", Path: one, Permission: wire.Admin, OK: 204, Source: manage, Handle: a.checkGrant},
		{Name: noun + "_role.check", Method: "HEAD", Path: one, Permission: wire.Admin, OK: 204, Source: manage, Handle: a.checkGrant},
		{Name: noun + "_role.revoke", Method: "DELETE", Path: one, Permission: wire.Admin, OK: 204, Source: manage, Handle: a.revokeGrant},
	}
}

func (a *API) catalogRoutes() []wire.Route {
	return []wire.Route{
		{Name: "service.list", Method: "GET", Path: "/v3/services", Permission: wire.Admin, OK: 200, Source: catalog, Handle: a.listServices},
		{Name: "service.show", Method: "GET", Path: "/v3/services/{service_id}", Permission: wire.Admin, OK: 200, Source: catalog, Handle: a.showService},
		{Name: "endpoint.list", Method: "GET", Path: "/v3/endpoints", Permission: wire.Admin, OK: 200, Source: catalog, Handle: a.listEndpoints},
		{Name: "endpoint.show", Method: "GET", Path: "/v3/endpoints/{endpoint_id}", Permission: wire.Admin, OK: 200, Source: catalog, Handle: a.showEndpoint},
		{Name: "region.list", Method: "GET", Path: "/v3/regions", Permission: wire.Anyone, OK: 200, Source: catalog, Handle: a.listRegions},
		{Name: "region.show", Method: "GET", Path: "/v3/regions/{region_id}", Permission: wire.Anyone, OK: 200, Source: catalog, Handle: a.showRegion},
	}
}
