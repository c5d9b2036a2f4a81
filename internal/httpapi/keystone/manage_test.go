package keystone_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembersManageNothing(t *testing.T) {
	s := newService(t)
	admin := s.call("GET", "/v3/users?name=admin", s.admin, "").text("users.0.id")
	project := s.call("GET", "/v3/projects?name=admin", s.admin, "").text("projects.0.id")
	for _, call := range [][3]string{
		{"POST", "/v3/projects", `{"project":{"name":"x"}}`},
		{"GET", "/v3/projects/" + project, ""}, {"PATCH", "/v3/projects/" + project, `{"project":{"name":"x"}}`}, {"DELETE", "/v3/projects/" + project, ""},
		{"POST", "/v3/users", `{"user":{"name":"x"}}`},
		{"GET", "/v3/users/" + admin, ""}, {"PATCH", "/v3/users/" + admin, `{"user":{"enabled":false}}`}, {"DELETE", "/v3/users/" + admin, ""},
		{"GET", "/v3/users/" + admin + "/projects", ""},
		{"POST", "/v3/users/" + admin + "/password", `{"user":{"password":"x","original_password":"admin's"}}`},
		{"GET", "/v3/roles", ""}, {"GET", "/v3/roles/x", ""}, {"GET", "/v3/role_assignments", ""}, {"GET", "/v3/domains", ""}, {"GET", "/v3/domains/other", ""},
		{"GET", "/v3/projects/" + project + "/users/" + admin + "/roles", ""}, {"PUT", "/v3/projects/" + project + "/users/" + admin + "/roles/x", ""},
		{"HEAD", "/v3/projects/" + project + "/users/" + admin + "/roles/x", ""}, {"DELETE", "/v3/domains/default/users/" + admin + "/roles/x", ""},
		{"GET", "/v3/services", ""}, {"GET", "/v3/services/x", ""}, {"GET", "/v3/endpoints", ""}, {"GET", "/v3/endpoints/x", ""},
	} {
		if a := s.call(call[0], call[1], s.demo, call[2]); a.status != 403 {
			t.Errorf("%s %s: %d %s, want 403", call[0], call[1], a.status, a.body)
		}
		if a := s.call(call[0], call[1], "", call[2]); a.status != 401 {
			t.Errorf("%s %s without a token: %d, want 401", call[0], call[1], a.status)
		}
	}
}

// Source: keystone-calls 3, openstack project list as a member.
func TestMembersListTheirOwnProjects(t *testing.T) {
	s := newService(t)
	me := s.call("GET", "/v3/auth/tokens", s.demo, "", "X-Subject-Token", s.demo).text("token.user.id")
	mine := s.call("GET", "/v3/users/"+me+"/projects", s.demo, "").want(200)
	if got := mine.names("projects"); !slices.Equal(got, []string{"RegionOne", "demo"}) {
		t.Errorf("projects are %s", got)
	}
	if a := s.call("GET", "/v3/users/"+me, s.demo, "").want(200); a.text("user.name") != "demo" {
		t.Errorf("the user is %s", a.body)
	}
	for path, want := range map[string][]string{
		"": {"RegionOne", "demo"}, "?name=RegionOne": {"RegionOne"}, "?name=admin": nil, "?domain_id=other": nil,
	} {
		if got := s.call("GET", "/v3/projects"+path, s.demo, "").names("projects"); !slices.Equal(got, want) {
			t.Errorf("/v3/projects%s of a member: %s, want %s", path, got, want)
		}
	}
	for path, want := range map[string][]string{"": {"demo"}, "?name=demo": {"demo"}, "?name=admin": nil, "?domain_id=x": nil} {
		if got := s.call("GET", "/v3/users"+path, s.demo, "").names("users"); !slices.Equal(got, want) {
			t.Errorf("/v3/users%s of a member: %s, want %s", path, got, want)
		}
	}
	own := s.call("GET", "/v3/auth/tokens", s.demo, "", "X-Subject-Token", s.demo).text("token.project.id")
	if a := s.call("GET", "/v3/projects/"+own, s.demo, "").want(200); a.text("project.name") != "demo" {
		t.Errorf("the project is %s", a.body)
	}
	s.call("GET", "/v3/domains/default", s.demo, "").want(200)
	s.call("GET", "/v3/regions", s.demo, "").want(200)
}

func TestProjectLivesAndDies(t *testing.T) {
	s := newService(t)
	made := s.call("POST", "/v3/projects", s.admin, `{"project":{"name":"p","description":null,"parent_id":"default"}}`).want(201)
	id := made.text("project.id")
	for path, want := range map[string]any{
		"project.domain_id": "default", "project.parent_id": "default", "project.description": "", "project.enabled": true,
		"project.is_domain": false, "project.links.self": "http://cloud.example:8776/identity/v3/projects/" + id,
	} {
		if got := made.at(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	s.call("POST", "/v3/projects", s.admin, `{"project":{"name":"p"}}`).wantFault(409, "")
	changed := s.call("PATCH", "/v3/projects/"+id, s.admin, `{"project":{"name":"q","enabled":false}}`).want(200)
	if changed.text("project.name") != "q" || changed.at("project.enabled") != false {
		t.Errorf("changed to %s", changed.body)
	}
	if a := s.call("GET", "/v3/projects?name=q&domain_id=default&enabled=False", s.admin, "").want(200); a.text("projects.0.id") != id {
		t.Errorf("the list is %s", a.body)
	}
	if a := s.call("GET", "/v3/projects?name=q&enabled", s.admin, "").want(200); !strings.Contains(a.body, `"projects":[]`) {
		t.Errorf("the list of enabled ones is %s", a.body)
	}
	s.call("PATCH", "/v3/projects/"+id, s.admin, `{"project":{"name":"demo"}}`).wantFault(409, "")
	s.call("DELETE", "/v3/projects/"+id, s.admin, "").want(204)
	s.call("GET", "/v3/projects/"+id, s.admin, "").wantFault(404, id)
	s.call("DELETE", "/v3/projects/"+id, s.admin, "").wantFault(404, id)
	s.call("PATCH", "/v3/projects/"+id, s.admin, `{"project":{}}`).wantFault(404, id)
}

func TestUserLivesAndDies(t *testing.T) {
	s := newService(t)
	demoProject := s.call("GET", "/v3/projects?name=demo", s.admin, "").text("projects.0.id")
	made := s.call("POST", "/v3/users", s.admin, `{"user":{"name":"u","password":"first","email":"u@example.org","description":"d","default_project_id":"`+demoProject+`"}}`).want(201)
	id := made.text("user.id")
	for path, want := range map[string]any{
		"user.domain_id": "default", "user.enabled": true, "user.email": "u@example.org", "user.description": "d",
		"user.default_project_id": demoProject, "user.links.self": "http://cloud.example:8776/identity/v3/users/" + id,
	} {
		if got := made.at(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	for _, secret := range []string{"first", "argon2"} {
		if strings.Contains(made.body, secret) {
			t.Errorf("the answer tells the password: %s", made.body)
		}
	}
	login := func(password string) answer {
		return s.call("POST", "/v3/auth/tokens", "", `{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"`+id+`","password":"`+password+`"}}}}}`)
	}
	token := login("first").want(201).header.Get("X-Subject-Token")
	s.call("POST", "/v3/users/"+id+"/password", token, `{"user":{"password":"second","original_password":"wrong"}}`).wantFault(401, "")
	s.call("POST", "/v3/users/"+id+"/password", token, `{"user":{"password":"","original_password":"first"}}`).wantFault(400, "user.password")
	s.call("POST", "/v3/users/"+id+"/password", token, `{"user":{"password":"second","original_password":"first"}}`).want(204)
	s.call("GET", "/v3/auth/projects", token, "").wantFault(401, "")
	login("first").wantFault(401, "")
	token = login("second").want(201).header.Get("X-Subject-Token")
	s.call("PATCH", "/v3/users/"+id, s.admin, `{"user":{"password":"third","name":"v"}}`).want(200)
	s.call("GET", "/v3/auth/projects", token, "").wantFault(401, "")
	token = login("third").want(201).header.Get("X-Subject-Token")
	s.call("PATCH", "/v3/users/"+id, s.admin, `{"user":{"enabled":false}}`).want(200)
	s.call("GET", "/v3/auth/projects", token, "").wantFault(401, "")
	login("third").wantFault(401, "")
	s.call("DELETE", "/v3/users/"+id, s.admin, "").want(204)
	s.call("GET", "/v3/users/"+id, s.admin, "").wantFault(404, id)
	s.call("GET", "/v3/users/"+id+"/projects", s.admin, "").wantFault(404, id)
}

func TestFieldsThatAreWrongAreNamed(t *testing.T) {
	s := newService(t)
	long := strings.Repeat("x", 256)
	for _, tc := range []struct{ path, body, says string }{
		{"/v3/projects", `{}`, "project"},
		{"/v3/projects", `{"project":[]}`, "project"},
		{"/v3/projects", `{"project":{}}`, "project.name"},
		{"/v3/projects", `{"project":{"name":null}}`, "project.name"},
		{"/v3/projects", `{"project":{"name":"` + long + `"}}`, "255"},
		{"/v3/projects", `{"project":{"name":"a\u0000"}}`, "project.name"},
		{"/v3/projects", `{"project":{"name":"a","description":1}}`, "project.description"},
		{"/v3/projects", `{"project":{"name":"a","enabled":"yes"}}`, "project.enabled"},
		{"/v3/projects", `{"project":{"name":"a","parent_id":"p"}}`, "project.parent_id"},
		{"/v3/users", `{"user":{"name":" "}}`, "user.name"},
		{"/v3/users", `{"user":{"name":"` + long + `"}}`, "user.name"},
		{"/v3/users", `{"user":{"name":"a","password":1}}`, "user.password"},
		{"/v3/users", `{"user":{"name":"a","email":{}}}`, "user.email"},
		{"/v3/users", `{"user":{"name":"a","default_project_id":"` + long + `"}}`, "user.default_project_id"},
	} {
		s.call("POST", tc.path, s.admin, tc.body).wantFault(400, tc.says)
	}
	s.call("POST", "/v3/projects", s.admin, `{"project":{"name":"a","domain_id":"elsewhere"}}`).wantFault(404, "elsewhere")
	for _, path := range []string{"/v3/users?limit=0", "/v3/users?limit=x", "/v3/projects?limit=-1", "/v3/domains?limit=1.5"} {
		s.call("GET", path, s.admin, "").wantFault(400, "limit")
	}
	for _, path := range []string{"/v3/users?name=%00", "/v3/projects?marker=%ff", "/v3/users/%00"} {
		if a := s.call("GET", path, s.admin, ""); a.status >= 500 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	s.call("GET", "/v3/projects/%ff", s.admin, "").wantFault(404, "Could not find project")
}

func TestRolesAreGrantedAndTakenAway(t *testing.T) {
	s := newService(t)
	demo := s.call("POST", "/v3/users", s.admin, `{"user":{"name":"guest"}}`).want(201).text("user.id")
	project := s.call("GET", "/v3/projects?name=admin", s.admin, "").text("projects.0.id")
	reader := s.call("GET", "/v3/roles?name=reader", s.admin, "").text("roles.0.id")
	if a := s.call("GET", "/v3/roles/"+reader, s.admin, "").want(200); a.text("role.name") != "reader" {
		t.Errorf("the role is %s", a.body)
	}
	for _, target := range []string{"/v3/projects/" + project, "/v3/domains/default"} {
		all := target + "/users/" + demo + "/roles"
		one := all + "/" + reader
		s.call("HEAD", one, s.admin, "").want(404)
		s.call("PUT", one, s.admin, "").want(204)
		s.call("PUT", one, s.admin, "").want(204)
		s.call("HEAD", one, s.admin, "").want(204)
		s.call("GET", one, s.admin, "").want(204)
		if a := s.call("GET", all, s.admin, "").want(200); a.text("roles.0.name") != "reader" || a.at("roles.1") != nil {
			t.Errorf("roles are %s", a.body)
		}
		s.call("DELETE", one, s.admin, "").want(204)
		s.call("DELETE", one, s.admin, "").wantFault(404, "role assignment")
		s.call("PUT", all+"/feed", s.admin, "").wantFault(404, "role")
		s.call("PUT", target+"/users/feed/roles/"+reader, s.admin, "").wantFault(404, "user")
	}
	s.call("PUT", "/v3/projects/feed/users/"+demo+"/roles/"+reader, s.admin, "").wantFault(404, "project")
}

func TestRoleAssignmentsAreListed(t *testing.T) {
	s := newService(t)
	demo := s.call("GET", "/v3/users?name=demo", s.admin, "").text("users.0.id")
	project := s.call("GET", "/v3/auth/tokens", s.demo, "", "X-Subject-Token", s.demo).text("token.project.id")
	a := s.call("GET", "/v3/role_assignments?user.id="+demo+"&scope.project.id="+project+"&include_names=True", s.admin, "").want(200)
	for path, want := range map[string]string{
		"role_assignments.0.role.name": "member", "role_assignments.0.user.name": "demo", "role_assignments.0.user.domain.name": "Default",
		"role_assignments.0.scope.project.name": "demo", "role_assignments.0.scope.project.domain.id": "default",
	} {
		if got := a.text(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if a.at("role_assignments.1") != nil {
		t.Errorf("the list is %s", a.body)
	}
	on := s.call("GET", "/v3/role_assignments?scope.domain.id=default", s.admin, "").want(200)
	if on.text("role_assignments.0.scope.domain.id") != "default" || strings.Contains(on.body, `"name"`) || on.at("role_assignments.1") == nil || on.at("role_assignments.2") != nil {
		t.Errorf("on the domain: %s", on.body)
	}
}

func TestRoleAssignmentsComeInPages(t *testing.T) {
	s := newService(t)
	all := s.call("GET", "/v3/role_assignments", s.admin, "").want(200)
	whole := all.at("role_assignments").([]any)
	if len(whole) < 3 || all.at("links.next") != nil {
		t.Fatalf("all at once: %s", all.body)
	}
	var paged []any
	path := "/v3/role_assignments?limit=2"
	for path != "" && len(paged) <= len(whole) {
		a := s.call("GET", path, s.admin, "").want(200)
		paged = append(paged, a.at("role_assignments").([]any)...)
		next, _ := url.Parse(a.text("links.next"))
		if path = ""; next.RawQuery != "" {
			path = "/v3/role_assignments?" + next.RawQuery
		}
	}
	if diff := cmp.Diff(whole, paged); diff != "" {
		t.Errorf("page by page: %s", diff)
	}
	s.call("GET", "/v3/role_assignments?marker=one", s.admin, "").want(400)
	s.call("GET", "/v3/role_assignments?marker=%00,a,b,c", s.admin, "").want(400)
	s.call("GET", "/v3/role_assignments?limit=0", s.admin, "").want(400)
}

func TestListsComeInPages(t *testing.T) {
	s := newService(t)
	for i := range 3 {
		s.call("POST", "/v3/projects", s.admin, fmt.Sprintf(`{"project":{"name":"p%d"}}`, i)).want(201)
	}
	seen := map[string]bool{}
	path := "/v3/projects?limit=2"
	for range 4 {
		a := s.call("GET", path, s.admin, "").want(200)
		for i := range 2 {
			if name := a.text(fmt.Sprintf("projects.%d.name", i)); name != "" {
				seen[name] = true
			}
		}
		next := a.text("links.next")
		if next == "" {
			break
		}
		path = strings.TrimPrefix(next, "http://cloud.example:8776/identity")
	}
	if len(seen) != 6 {
		t.Errorf("the pages hold %v, want six projects", seen)
	}
}

func TestCatalogIsListedForAdministrators(t *testing.T) {
	s := newService(t)
	services := s.call("GET", "/v3/services?type=volumev3", s.admin, "").want(200)
	id := services.text("services.0.id")
	if services.text("services.0.name") != "cinderv3" || services.at("services.1") != nil {
		t.Errorf("services are %s", services.body)
	}
	s.call("GET", "/v3/services/"+id, s.admin, "").want(200)
	s.call("GET", "/v3/services/feed", s.admin, "").wantFault(404, "feed")
	endpoints := s.call("GET", "/v3/endpoints?interface=public&service_id="+id, s.admin, "").want(200)
	if endpoints.text("endpoints.0.url") != "http://cloud.example:8776/v3/$(project_id)s" || endpoints.at("endpoints.1") != nil {
		t.Errorf("endpoints are %s", endpoints.body)
	}
	s.call("GET", "/v3/endpoints/"+endpoints.text("endpoints.0.id"), s.admin, "").want(200)
	s.call("GET", "/v3/endpoints/feed", s.admin, "").wantFault(404, "feed")
	if a := s.call("GET", "/v3/regions/RegionOne", s.demo, "").want(200); a.text("region.id") != "RegionOne" {
		t.Errorf("the region is %s", a.body)
	}
	s.call("GET", "/v3/regions/Elsewhere", s.demo, "").wantFault(404, "Elsewhere")
	// The catalog's ids are those of the token's.
	if token := s.call("GET", "/v3/auth/catalog", s.demo, ""); !strings.Contains(token.body, id) {
		t.Errorf("the token's catalog knows no service %s", id)
	}
}
