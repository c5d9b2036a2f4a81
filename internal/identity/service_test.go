package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/identity"
)

func TestFirstStartHappensOnce(t *testing.T) {
	h := newHouse(t)
	demo, _ := h.Users(t.Context(), identity.UserList{Name: "demo"})
	if err := h.DeleteUser(t.Context(), demo[0].ID); err != nil {
		t.Fatal(err)
	}
	creds, err := h.EnsureFirst(t.Context(), identity.First{Publish: func([]identity.Credential) error {
		t.Error("credentials were published a second time")
		return nil
	}})
	if err != nil || creds != nil {
		t.Errorf("the second start gives %v, %v", creds, err)
	}
	if left, _ := h.Users(t.Context(), identity.UserList{}); len(left) != 1 {
		t.Errorf("%d users, want only admin: what was deleted stays deleted", len(left))
	}
}

func TestFirstStartMakesPasswordsThatLogIn(t *testing.T) {
	h := newEmptyHouse(t)
	published := errors.New("the disk is full")
	_, err := h.EnsureFirst(t.Context(), identity.First{Publish: func([]identity.Credential) error { return published }})
	if !errors.Is(err, published) {
		t.Fatalf("got %v, want what Publish failed with", err)
	}
	if users, _ := h.Users(t.Context(), identity.UserList{}); len(users) != 0 {
		t.Fatal("accounts were made whose passwords nobody has")
	}
	var shown []identity.Credential
	creds, err := h.EnsureFirst(t.Context(), identity.First{Publish: func(c []identity.Credential) error { shown = c; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shown, creds); diff != "" || len(creds) != 2 {
		t.Fatalf("published and returned differ: %s", diff)
	}
	for _, c := range creds {
		if len(c.Password) < 24 || strings.ContainsAny(c.Password, " '\"$\\`") {
			t.Errorf("password %q is short or needs quoting", c.Password)
		}
		_, token := h.logIn(t, as(c.User, c.Password))
		if token.IsAdmin() != (c.User == "admin") || token.Project.Name != c.Project || len(token.ProjectID) != 32 {
			t.Errorf("%s: admin %v, project %+v", c.User, token.IsAdmin(), token.Project)
		}
	}
}

func TestNamesAreUniqueInADomainAndBounded(t *testing.T) {
	h := newHouse(t)
	_, err := h.CreateProject(t.Context(), identity.Project{Name: "demo", DomainID: "default"})
	wantKind(t, "a project's name twice", err, identity.Conflict)
	_, err = h.CreateUser(t.Context(), identity.User{Name: "demo", DomainID: "default"}, "")
	wantKind(t, "a user's name twice", err, identity.Conflict)
	demo, _ := h.Projects(t.Context(), identity.ProjectList{Name: "demo"})
	name := "admin"
	_, err = h.UpdateProject(t.Context(), demo[0].ID, identity.ProjectChange{Name: &name})
	wantKind(t, "renamed onto another", err, identity.Conflict)
	_, err = h.CreateProject(t.Context(), identity.Project{Name: "p", DomainID: "elsewhere"})
	wantKind(t, "an unknown domain", err, identity.NotFound)
	for what, name := range map[string]string{
		"empty": "", "spaces": "  ", "256 characters": strings.Repeat("é", 256), "NUL": "a\x00", "not UTF-8": "\xff",
	} {
		_, err := h.CreateProject(t.Context(), identity.Project{Name: name, DomainID: "default"})
		wantKind(t, what, err, identity.Invalid)
		_, err = h.CreateUser(t.Context(), identity.User{Name: name, DomainID: "default"}, "")
		wantKind(t, what, err, identity.Invalid)
	}
	if _, err := h.CreateProject(t.Context(), identity.Project{Name: strings.Repeat("é", 255), DomainID: "default"}); err != nil {
		t.Errorf("255 characters: %v", err)
	}
}

func TestAssignmentsNameWhatIsMissing(t *testing.T) {
	h := newHouse(t)
	_, demo := h.demo(t)
	on := identity.Target{Kind: identity.OnProject, ID: demo.ProjectID}
	for what, a := range map[string]identity.Assignment{
		"user":    {UserID: "feed", RoleID: h.ids["member"], Target: on},
		"role":    {UserID: demo.UserID, RoleID: "feed", Target: on},
		"project": {UserID: demo.UserID, RoleID: h.ids["member"], Target: identity.Target{Kind: identity.OnProject, ID: "feed"}},
		"domain":  {UserID: demo.UserID, RoleID: h.ids["member"], Target: identity.Target{Kind: identity.OnDomain, ID: "feed"}},
	} {
		for call, err := range map[string]error{
			"grant": h.Grant(t.Context(), a), "revoke": h.Revoke(t.Context(), a), "check": h.HasRole(t.Context(), a),
		} {
			wantKind(t, call+" of an unknown "+what, err, identity.NotFound)
			if err != nil && !strings.Contains(err.Error(), what) {
				t.Errorf("%s: %q does not name the %s", call, err, what)
			}
		}
	}
	a := identity.Assignment{UserID: demo.UserID, RoleID: h.ids["reader"], Target: on}
	wantKind(t, "a role that is only implied", h.HasRole(t.Context(), a), identity.NotFound)
	wantKind(t, "taking it away", h.Revoke(t.Context(), a), identity.NotFound)
	for range 2 {
		if err := h.Grant(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.HasRole(t.Context(), a); err != nil {
		t.Error(err)
	}
	roles, err := h.RolesOn(t.Context(), demo.UserID, on)
	if err != nil || len(roles) != 2 {
		t.Errorf("roles are %v, %v; want member and reader", roles, err)
	}
}

func TestDomainsOfAUserAreThoseWithARole(t *testing.T) {
	h := newHouse(t)
	_, admin := h.logIn(t, as("admin", adminPassword))
	_, demo := h.demo(t)
	if got, err := h.DomainsOf(t.Context(), admin.UserID); err != nil || len(got) != 1 || got[0].ID != "default" {
		t.Errorf("admin's domains are %v, %v", got, err)
	}
	if got, err := h.DomainsOf(t.Context(), demo.UserID); err != nil || len(got) != 1 || got[0].ID != "default" {
		t.Errorf("demo's domains are %v, %v", got, err)
	}
	guest, err := h.CreateUser(t.Context(), identity.User{Name: "guest", DomainID: "default", Enabled: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.DomainsOf(t.Context(), guest.ID); err != nil || len(got) != 0 {
		t.Errorf("a guest's domains are %v, %v", got, err)
	}
}

func TestCatalogHasWhatClientsLookFor(t *testing.T) {
	h := newHouse(t)
	bases := identity.Bases{Service: "http://h:8776", Identity: "http://h:8776/identity"}
	got := map[string]string{}
	for _, e := range h.Catalog(bases, "p1") {
		got[e.Type] = e.Endpoints[0].URL
		faces := ""
		for _, p := range e.Endpoints {
			faces += p.Interface + " "
			if p.URL != got[e.Type] || p.Region != "RegionOne" || len(p.ID) != 32 {
				t.Errorf("%s: %+v", e.Type, p)
			}
		}
		if faces != "public internal admin " || len(e.ID) != 32 {
			t.Errorf("%s has %s", e.Type, faces)
		}
	}
	want := map[string]string{
		"identity":      "http://h:8776/identity/v3",
		"block-storage": "http://h:8776/v3/p1",
		"volumev3":      "http://h:8776/v3/p1",
		"volumev2":      "http://h:8776/v2/p1",
		"evs":           "http://h:8776/v2/p1",
		"image":         "http://h:8776/image",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(h.Catalog(bases, "p1"), newHouse(t).Catalog(bases, "p1")); diff != "" {
		t.Errorf("two servers' catalogs differ: %s", diff)
	}
	for _, e := range h.Catalog(bases, "") {
		if e.Type != "identity" && e.Type != "image" {
			t.Errorf("%s is offered without a project", e.Type)
		}
	}
}
