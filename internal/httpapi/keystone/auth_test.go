package keystone_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The seven calls of Tempest, in its order. Source: keystone-calls 1.
func TestTempestsSevenCalls(t *testing.T) {
	s := newService(t)
	if id := s.call("GET", "/v3/domains?name=Default", s.admin, "").want(200).text("domains.0.id"); id != "default" {
		t.Fatalf("the domain is %q", id)
	}
	project := s.call("POST", "/v3/projects", s.admin,
		`{"project": {"name": "tempest-1", "description": "tempest-1-desc", "domain_id": "default"}}`).want(201)
	user := s.call("POST", "/v3/users", s.admin,
		`{"user": {"name": "tempest-1-project", "password": "pw", "domain_id": "default"}}`).want(201)
	projectID, userID := project.text("project.id"), user.text("user.id")
	if len(projectID) != 32 || project.text("project.name") != "tempest-1" || len(userID) != 32 || user.text("user.name") != "tempest-1-project" {
		t.Fatalf("made %s and %s", project.body, user.body)
	}
	if strings.Contains(user.body, "argon2") || strings.Contains(user.body, `"pw"`) {
		t.Errorf("the answer tells the password: %s", user.body)
	}
	roles := s.call("GET", "/v3/roles", s.admin, "").want(200)
	roleID := ""
	for i := range 3 {
		if roles.text(fmt.Sprintf("roles.%d.name", i)) == "member" {
			roleID = roles.text(fmt.Sprintf("roles.%d.id", i))
		}
	}
	s.call("PUT", "/v3/projects/"+projectID+"/users/"+userID+"/roles/"+roleID, s.admin, "").want(204)
	token := s.call("POST", "/v3/auth/tokens", "", `{"auth": {"identity": {"methods": ["password"], "password": {"user":
        {"id": "`+userID+`", "domain": {"id": "default"}, "password": "pw"}}},
      "scope": {"project": {"id": "`+projectID+`", "domain": {"id": "default"}}}}}`).want(201)
	if token.text("token.project.id") != projectID || token.text("token.roles.0.name") != "member" {
		t.Errorf("the token is %s", token.body)
	}
	s.call("DELETE", "/v3/users/"+userID, s.admin, "").want(204)
	s.call("DELETE", "/v3/projects/"+projectID, s.admin, "").want(204)
}

// Source: keystone-calls 1, the token's body.
func TestTokenHasTheShapeThatClientsRead(t *testing.T) {
	s := newService(t)
	a := s.call("POST", "/v3/auth/tokens", "", login("demo", "demo's")).want(201)
	for path, want := range map[string]any{
		"token.methods.0": "password", "token.user.name": "demo", "token.user.domain.id": "default", "token.user.domain.name": "Default",
		"token.project.name": "demo", "token.project.domain.id": "default", "token.project.domain.name": "Default",
		"token.is_domain": false, "token.roles.0.name": "member", "token.roles.1.name": "reader", "token.user.password_expires_at": nil,
	} {
		if got := a.at(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if !strings.Contains(a.body, `"password_expires_at":null`) {
		t.Error("password_expires_at is not there")
	}
	zulu := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
	for _, path := range []string{"token.issued_at", "token.expires_at"} {
		if !zulu.MatchString(a.text(path)) {
			t.Errorf("%s is %q", path, a.text(path))
		}
	}
	urls := map[string]string{}
	for i := range 6 {
		at := fmt.Sprintf("token.catalog.%d.", i)
		urls[a.text(at+"type")] = a.text(at + "endpoints.0.url")
		if a.text(at+"endpoints.0.interface") != "public" || a.text(at+"endpoints.0.region") != "RegionOne" || a.text(at+"endpoints.0.region_id") != "RegionOne" {
			t.Errorf("%s has %v", a.text(at+"type"), a.at(at+"endpoints.0"))
		}
	}
	project := a.text("token.project.id")
	for kind, want := range map[string]string{
		"identity": "http://cloud.example:8776/identity/v3", "image": "http://cloud.example:8776/image",
		"volumev3": "http://cloud.example:8776/v3/" + project, "block-storage": "http://cloud.example:8776/v3/" + project,
		"volumev2": "http://cloud.example:8776/v2/" + project, "evs": "http://cloud.example:8776/v2/" + project,
	} {
		if urls[kind] != want {
			t.Errorf("%s is at %q, want %q", kind, urls[kind], want)
		}
	}
	if a.header.Get("Vary") != "X-Auth-Token" || a.header.Get("X-Openstack-Request-Id") == "" {
		t.Errorf("headers are %v", a.header)
	}
}

func TestIdentityListenerSendsClientsToBlockStorage(t *testing.T) {
	s := newService(t)
	a := s.callRoot("POST", "/v3/auth/tokens", "", login("demo", "demo's")).want(201)
	for want := range map[string]bool{
		`"url":"http://cloud.example:5000/v3"`: true, `"url":"http://cloud.example:8776/image"`: true,
		`"url":"http://cloud.example:8776/v3/` + a.text("token.project.id") + `"`: true,
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%s is not in %s", want, a.body)
		}
	}
}

func TestNocatalogLeavesTheCatalogOut(t *testing.T) {
	s := newService(t)
	a := s.call("POST", "/v3/auth/tokens?nocatalog", "", login("demo", "demo's")).want(201)
	if strings.Contains(a.body, "catalog") || a.text("token.project.name") != "demo" {
		t.Errorf("the token is %s", a.body)
	}
}

func TestUnscopedAndDomainScopedTokens(t *testing.T) {
	s := newService(t)
	auth := func(user, password, scope string) string {
		return `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"` + user + `","domain":{"id":"default"},"password":"` + password + `"}}}` + scope + `}}`
	}
	for _, scope := range []string{"", `,"scope":"unscoped"`} {
		a := s.call("POST", "/v3/auth/tokens", "", auth("demo", "demo's", scope)).want(201)
		for _, key := range []string{"project", "domain\":{\"id\":\"default\",\"name\":\"Default\"},\"roles", "roles", "catalog", "is_domain"} {
			if strings.Contains(a.body, `"`+key+`"`) {
				t.Errorf("an unscoped token has %s: %s", key, a.body)
			}
		}
		// From it a scoped one is had.
		unscoped := a.header.Get("X-Subject-Token")
		b := s.call("POST", "/v3/auth/tokens", "", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+unscoped+`"}},"scope":{"project":{"name":"demo","domain":{"name":"Default"}}}}}`).want(201)
		if b.text("token.project.name") != "demo" || b.text("token.expires_at") != a.text("token.expires_at") || b.text("token.methods.0") != "token" {
			t.Errorf("the scoped token is %s", b.body)
		}
	}
	a := s.call("POST", "/v3/auth/tokens", "", auth("admin", "admin's", `,"scope":{"domain":{"name":"Default"}}`)).want(201)
	if a.text("token.domain.id") != "default" || a.at("token.project") != nil || a.text("token.roles.0.name") != "admin" {
		t.Errorf("the domain's token is %s", a.body)
	}
	if strings.Contains(a.body, "volumev3") || !strings.Contains(a.body, `"identity"`) {
		t.Errorf("its catalog offers what needs a project, or no identity: %s", a.body)
	}
	// The vendor's Terraform provider logs in to the domain as well. Source: client-wire 2.
	a = s.call("POST", "/v3/auth/tokens", "", auth("demo", "demo's", `,"scope":{"domain":{"name":"Default"}}`)).want(201)
	if a.text("token.domain.name") != "Default" || a.text("token.roles.0.name") != "reader" || a.at("token.roles.1") != nil {
		t.Errorf("the domain's token of a member is %s", a.body)
	}
	s.call("POST", "/v3/users", s.admin, `{"user":{"name":"guest","password":"pw"}}`).want(201)
	s.call("POST", "/v3/auth/tokens", "", auth("guest", "pw", `,"scope":{"domain":{"name":"Default"}}`)).wantFault(401, "requires authentication")
}

func TestWrongLoginsAnswer401Alike(t *testing.T) {
	s := newService(t)
	var bodies []string
	for _, body := range []string{login("demo", "wrong"), login("nobody", "x")} {
		a := s.call("POST", "/v3/auth/tokens", "", body)
		a.wantFault(401, "The request you have made requires authentication.")
		if got := a.header.Get("Www-Authenticate"); got != `Keystone uri="http://cloud.example:8776/identity/v3"` {
			t.Errorf("challenge is %q", got)
		}
		bodies = append(bodies, a.body)
	}
	if bodies[0] != bodies[1] {
		t.Errorf("a wrong password and an unknown user differ: %v", bodies)
	}
}

func TestFailedLoginsEndIn429(t *testing.T) {
	s := newService(t)
	for range 20 {
		s.call("POST", "/v3/auth/tokens", "", login("demo", "wrong")).wantFault(401, "")
	}
	a := s.call("POST", "/v3/auth/tokens", "", login("demo", "demo's"))
	a.wantFault(429, "Too many failed logins")
	if a.header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
}

// Each names the field that is wrong.
func TestLoginBodiesThatCannotBeRead(t *testing.T) {
	s := newService(t)
	user := func(u string) string {
		return `{"auth":{"identity":{"methods":["password"],"password":{"user":` + u + `}}}}`
	}
	scope := func(scope string) string {
		return `{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"x","password":"y"}}},"scope":` + scope + `}}`
	}
	for _, tc := range []struct {
		name, body string
		status     int
		says       string
	}{
		{"no body", "", 400, "body"},
		{"not JSON", "{", 400, "Malformed"},
		{"an array", "[]", 400, "object"},
		{"no auth", "{}", 400, "auth"},
		{"auth is null", `{"auth":null}`, 400, "auth"},
		{"no identity", `{"auth":{}}`, 400, "auth.identity"},
		{"no methods", `{"auth":{"identity":{}}}`, 400, "auth.identity.methods"},
		{"methods is a string", `{"auth":{"identity":{"methods":"password"}}}`, 400, "auth.identity.methods"},
		{"a method is a number", `{"auth":{"identity":{"methods":[1]}}}`, 400, "auth.identity.methods"},
		{"methods is empty", `{"auth":{"identity":{"methods":[]}}}`, 400, "auth.identity.methods"},
		{"an unknown method", `{"auth":{"identity":{"methods":["totp"]}}}`, 401, "totp"},
		{"no password", `{"auth":{"identity":{"methods":["password"]}}}`, 400, "auth.identity.password"},
		{"no user", `{"auth":{"identity":{"methods":["password"],"password":{}}}}`, 400, "auth.identity.password.user"},
		{"user is a string", user(`"demo"`), 400, "auth.identity.password.user"},
		{"a nameless user", user(`{"password":"x"}`), 400, "auth.identity.password.user"},
		{"a user without a domain", user(`{"name":"demo","password":"x"}`), 400, "auth.identity.password.user.domain"},
		{"a name that is a number", user(`{"name":1,"password":"x"}`), 400, "auth.identity.password.user.name"},
		{"a password that is a number", user(`{"id":"x","password":1}`), 400, "auth.identity.password.user.password"},
		{"a domain that is a string", user(`{"name":"demo","domain":"default","password":"x"}`), 400, "auth.identity.password.user.domain"},
		{"a password of 4097 bytes", user(`{"id":"x","password":"` + strings.Repeat("x", 4097) + `"}`), 400, "4096"},
		{"a token that is missing", `{"auth":{"identity":{"methods":["token"],"token":{}}}}`, 400, "auth.identity.token.id"},
		{"scope is null", scope("null"), 400, "auth.scope"},
		{"scope is a word", scope(`"everything"`), 400, "auth.scope"},
		{"scope is empty", scope("{}"), 400, "auth.scope"},
		{"scope names two", scope(`{"project":{"id":"x"},"domain":{"id":"y"}}`), 400, "auth.scope"},
		{"a project without a domain", scope(`{"project":{"name":"demo"}}`), 400, "auth.scope.project.domain"},
		{"a nameless domain", scope(`{"domain":{}}`), 400, "auth.scope.domain"},
		{"invalid UTF-8", "{\"auth\":\"\xff\"}", 400, "Malformed"},
		{"nested a thousand times", strings.Repeat(`{"auth":`, 1000) + "1" + strings.Repeat("}", 1000), 400, "auth"},
		{"200 KiB", `{"auth":"` + strings.Repeat("x", 200<<10) + `"}`, 413, "114688"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.call("POST", "/v3/auth/tokens", "", tc.body)
			a.t = t
			a.wantFault(tc.status, tc.says)
		})
	}
	a := s.call("POST", "/v3/auth/tokens", "", login("demo", "demo's"), "Content-Type", "text/plain")
	a.wantFault(415, "Content-Type")
}

func TestUnknownKeysArePassedOver(t *testing.T) {
	s := newService(t)
	body := strings.Replace(login("demo", "demo's"), `{"auth":{`, `{"extra":1,"auth":{"more":[],`, 1)
	s.call("POST", "/v3/auth/tokens", "", body).want(201)
}

func TestTokensAreValidatedAndRevoked(t *testing.T) {
	s := newService(t)
	second := s.token("demo", "demo's")
	for name, asker := range map[string]string{"itself": s.demo, "another of the same user": second, "an administrator": s.admin} {
		a := s.call("GET", "/v3/auth/tokens", asker, "", "X-Subject-Token", s.demo)
		if a.status != 200 || a.text("token.user.name") != "demo" || a.header.Get("X-Subject-Token") != s.demo || a.at("token.catalog") == nil {
			t.Errorf("asked by %s: %d %s", name, a.status, a.body)
		}
	}
	head := s.call("HEAD", "/v3/auth/tokens", s.demo, "", "X-Subject-Token", s.demo).want(200)
	if head.body != "" {
		t.Errorf("HEAD answers with a body: %s", head.body)
	}
	s.call("GET", "/v3/auth/tokens", s.demo, "", "X-Subject-Token", s.admin).wantFault(403, "not authorized")
	s.call("DELETE", "/v3/auth/tokens", s.demo, "", "X-Subject-Token", s.admin).wantFault(403, "not authorized")
	s.call("GET", "/v3/auth/tokens", s.admin, "", "X-Subject-Token", "garbage").wantFault(404, "X-Subject-Token")
	s.call("GET", "/v3/auth/tokens", s.admin, "").wantFault(404, "X-Subject-Token")
	s.call("GET", "/v3/auth/tokens", "", "", "X-Subject-Token", s.demo).wantFault(401, "")

	s.call("DELETE", "/v3/auth/tokens", s.demo, "", "X-Subject-Token", s.demo).want(204)
	s.call("GET", "/v3/auth/projects", s.demo, "").wantFault(401, "")
	s.call("GET", "/v3/auth/tokens", s.admin, "", "X-Subject-Token", s.demo).wantFault(404, "")
	s.call("GET", "/v3/auth/projects", second, "").want(200)
}

func TestOneAsksAboutOneself(t *testing.T) {
	s := newService(t)
	if got := s.call("GET", "/v3/auth/projects", s.demo, "").names("projects"); !slices.Equal(got, []string{"RegionOne", "demo"}) {
		t.Errorf("projects are %s", got)
	}
	if a := s.call("GET", "/v3/auth/domains", s.demo, "").want(200); a.text("domains.0.id") != "default" {
		t.Errorf("domains are %s", a.body)
	}
	if a := s.call("GET", "/v3/auth/domains", s.admin, "").want(200); a.text("domains.0.id") != "default" {
		t.Errorf("domains are %s", a.body)
	}
	if a := s.call("GET", "/v3/auth/catalog", s.demo, "").want(200); !strings.Contains(a.body, "volumev3") {
		t.Errorf("the catalog is %s", a.body)
	}
}

// Source: keystone-calls 3; client-wire 2.
func TestVersionsAreToldWithoutAToken(t *testing.T) {
	s := newService(t)
	for _, tc := range []struct {
		name, path, self string
		root             bool
		status           int
		at               string
	}{
		{"below /identity", "", "http://cloud.example:8776/identity/v3/", false, 300, "versions.values.0."},
		{"below /identity/", "/", "http://cloud.example:8776/identity/v3/", false, 300, "versions.values.0."},
		{"/identity/v3", "/v3", "http://cloud.example:8776/identity/v3/", false, 200, "version."},
		{"/identity/v3/", "/v3/", "http://cloud.example:8776/identity/v3/", false, 200, "version."},
		{"the root", "/", "http://cloud.example:5000/v3/", true, 300, "versions.values.0."},
		{"/v3 of the root", "/v3", "http://cloud.example:5000/v3/", true, 200, "version."},
		{"/v3/ of the root", "/v3/", "http://cloud.example:5000/v3/", true, 200, "version."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			call := s.call
			if tc.root {
				call = func(method, path, token, body string, _ ...string) answer {
					return s.callRoot(method, path, token, body)
				}
			}
			a := call("GET", tc.path, "", "").want(tc.status)
			if a.text(tc.at+"id") != "v3.14" || a.text(tc.at+"status") != "stable" || a.text(tc.at+"links.0.href") != tc.self || a.text(tc.at+"links.0.rel") != "self" {
				t.Errorf("got %s", a.body)
			}
			if a.text(tc.at+"media-types.0.base") != "application/json" || a.text(tc.at+"updated") == "" {
				t.Errorf("got %s", a.body)
			}
		})
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	s := newService(t)
	s.call("GET", "/v3/groups", s.demo, "").wantFault(404, "")
	s.call("GET", "/v3/groups", "", "").wantFault(401, "")
	s.call("GET", "/v2.0/tokens", s.demo, "").wantFault(404, "")
	a := s.call("PUT", "/v3/projects", s.admin, "{}")
	a.wantFault(405, "")
	if a.header.Get("Allow") == "" {
		t.Error("there is no Allow")
	}
}

func TestStoreThatFailsAnswers500WithoutDetail(t *testing.T) {
	s := newService(t)
	s.call("GET", "/v3/auth/projects", s.demo, "").want(200) // the token is in memory now
	s.store.Fail(fmt.Errorf("secret detail of %s", "the disk"))
	a := s.call("GET", "/v3/auth/projects", s.demo, "")
	a.wantFault(http.StatusInternalServerError, "")
	if strings.Contains(a.body, "secret") {
		t.Errorf("the caller is told %s", a.body)
	}
}

func FuzzLogin(f *testing.F) {
	s := newService(f)
	f.Add(login("demo", "wrong"))
	f.Add(`{"auth":{"identity":{"methods":["token"],"token":{"id":"x"}},"scope":"unscoped"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		mine := *s
		mine.t = t
		a := mine.call("POST", "/v3/auth/tokens", "", body)
		if a.status >= 500 || (a.status < 400 && !json.Valid([]byte(a.body))) {
			t.Errorf("%q: %d %s", body, a.status, a.body)
		}
	})
}
