package identity_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/identity"
)

func TestLogInByEachWayOfNaming(t *testing.T) {
	h := newHouse(t)
	_, demo := h.demo(t)
	for _, tc := range []struct {
		name  string
		login identity.Login
		want  string // kind of scope
	}{
		{"project by name", as("demo", demoPassword), "project"},
		{"project by id", identity.Login{
			Password: &identity.PasswordProof{User: identity.UserRef{ID: demo.UserID, Domain: identity.DomainRef{ID: "default"}}, Password: demoPassword},
			Scope:    identity.Scope{Project: &identity.ProjectRef{ID: demo.ProjectID, Domain: identity.DomainRef{ID: "default"}}},
		}, "project"},
		{"domain by name", identity.Login{
			Password: &identity.PasswordProof{User: identity.UserRef{Name: "admin", Domain: inDefault}, Password: adminPassword},
			Scope:    identity.Scope{Domain: &identity.DomainRef{Name: "Default"}},
		}, "domain"},
		{"domain by id", identity.Login{
			Password: &identity.PasswordProof{User: identity.UserRef{Name: "admin", Domain: identity.DomainRef{ID: "default"}}, Password: adminPassword},
			Scope:    identity.Scope{Domain: &identity.DomainRef{ID: "default"}},
		}, "domain"},
		{"unscoped", identity.Login{
			Password: &identity.PasswordProof{User: identity.UserRef{ID: demo.UserID}, Password: demoPassword},
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text, token := h.logIn(t, tc.login)
			got := ""
			switch {
			case token.Project != nil:
				got = "project"
			case token.Domain != nil:
				got = "domain"
			}
			if got != tc.want || (got != "project") != (token.ProjectID == "") {
				t.Errorf("scope is %q (project %q), want %q", got, token.ProjectID, tc.want)
			}
			if strings.ContainsAny(text, "= \n") || len(text) > 255 {
				t.Errorf("the token %q fits no header or is too long", text)
			}
			if token.User.PasswordHash != "" {
				t.Error("the token carries the password's hash")
			}
			h.accepted(t, "the token just made", text)
		})
	}
}

func TestLogInIsRefusedAlikeWhateverIsWrong(t *testing.T) {
	h := newHouse(t)
	_, demo := h.demo(t)
	_, admin := h.logIn(t, as("admin", adminPassword))
	off := false
	disabled, err := h.CreateUser(t.Context(), identity.User{Name: "off", DomainID: "default"}, "pw")
	if err != nil {
		t.Fatal(err)
	}
	mute, err := h.CreateUser(t.Context(), identity.User{Name: "mute", DomainID: "default", Enabled: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	guest, err := h.CreateUser(t.Context(), identity.User{Name: "guest", DomainID: "default", Enabled: true}, "pw")
	if err != nil {
		t.Fatal(err)
	}
	closed, err := h.CreateProject(t.Context(), identity.Project{Name: "closed", DomainID: "default", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Grant(t.Context(), identity.Assignment{UserID: demo.UserID, RoleID: h.ids["member"],
		Target: identity.Target{Kind: identity.OnProject, ID: closed.ID}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.UpdateProject(t.Context(), closed.ID, identity.ProjectChange{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	user := func(ref identity.UserRef, password string, scope identity.Scope) identity.Login {
		return identity.Login{Password: &identity.PasswordProof{User: ref, Password: password}, Scope: scope}
	}
	byName := identity.UserRef{Name: "demo", Domain: inDefault}
	for _, tc := range []struct {
		name  string
		login identity.Login
	}{
		{"wrong password", as("demo", "wrong")},
		{"empty password", as("demo", "")},
		{"unknown user", as("nobody", "x")},
		{"unknown domain", user(identity.UserRef{Name: "demo", Domain: identity.DomainRef{Name: "x"}}, demoPassword, identity.Scope{})},
		{"no domain", user(identity.UserRef{Name: "demo"}, demoPassword, identity.Scope{})},
		{"unknown id", user(identity.UserRef{ID: "feed"}, demoPassword, identity.Scope{})},
		{"NUL in the name", user(identity.UserRef{Name: "demo\x00", Domain: inDefault}, demoPassword, identity.Scope{})},
		{"disabled user", user(identity.UserRef{ID: disabled.ID}, "pw", identity.Scope{})},
		{"user without a password", user(identity.UserRef{ID: mute.ID}, "", identity.Scope{})},
		{"another's project", user(byName, demoPassword, identity.Scope{Project: &identity.ProjectRef{ID: admin.ProjectID}})},
		{"unknown project", user(byName, demoPassword, identity.Scope{Project: &identity.ProjectRef{ID: "feed"}})},
		{"disabled project", user(byName, demoPassword, identity.Scope{Project: &identity.ProjectRef{ID: closed.ID}})},
		{"domain without a role", user(identity.UserRef{ID: guest.ID}, "pw", identity.Scope{Domain: &identity.DomainRef{ID: "default"}})},
		{"unknown domain as scope", user(byName, demoPassword, identity.Scope{Domain: &identity.DomainRef{Name: "x"}})},
		{"garbage token", identity.Login{Token: "gAAAA"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := h.LogIn(t.Context(), tc.login)
			e, ok := errors.AsType[*identity.Error](err)
			if !ok || e.Kind != identity.Unauthenticated || e.Message != "The request you have made requires authentication." {
				t.Errorf("got %v, want the one answer to everything that does not hold", err)
			}
		})
	}
}

func TestLogInOfAnUnknownUserHashesAsOftenAsOfAKnownOne(t *testing.T) {
	h := newHouse(t)
	hashes := func(login identity.Login) int64 {
		before := identity.Hashes(h.Service)
		_, _, _ = h.LogIn(t.Context(), login)
		return identity.Hashes(h.Service) - before
	}
	known, wrong, unknown := hashes(as("demo", demoPassword)), hashes(as("demo", "x")), hashes(as("nobody", "x"))
	if known != 1 || wrong != 1 || unknown != 1 {
		t.Errorf("hashes: known %d, wrong password %d, unknown %d; want 1 each", known, wrong, unknown)
	}
}

func TestRolesComeWithWhatTheyImply(t *testing.T) {
	h := newHouse(t)
	_, demo := h.demo(t)
	_, admin := h.logIn(t, as("admin", adminPassword))
	names := func(token *identity.Token) (names []string) {
		for _, r := range token.Roles {
			names = append(names, r.Name)
		}
		return names
	}
	if got := names(demo); !slices.Equal(got, []string{"member", "reader"}) || demo.IsAdmin() || !demo.IsMember() || !demo.IsReader() {
		t.Errorf("demo has %v", got)
	}
	if got := names(admin); !slices.Equal(got, []string{"admin", "member", "reader"}) || !admin.IsAdmin() {
		t.Errorf("admin has %v", got)
	}
}

func TestRescopeKeepsExpiryAndChain(t *testing.T) {
	h := newHouse(t)
	text, first := h.logIn(t, identity.Login{
		Password: &identity.PasswordProof{User: identity.UserRef{Name: "demo", Domain: inDefault}, Password: demoPassword},
	})
	h.clock.pass(time.Hour)
	_, second := h.logIn(t, identity.Login{Token: text, Scope: identity.Scope{Project: &identity.ProjectRef{Name: "demo", Domain: inDefault}}})
	if !second.ExpiresAt.Equal(first.ExpiresAt) {
		t.Errorf("the second token expires at %s, the first at %s", second.ExpiresAt, first.ExpiresAt)
	}
	if !slices.Equal(second.Methods, []string{"token", "password"}) {
		t.Errorf("methods are %v", second.Methods)
	}
	if len(second.AuditIDs) != 2 || second.AuditIDs[1] != first.AuditIDs[0] || second.AuditIDs[0] == first.AuditIDs[0] {
		t.Errorf("audit ids are %v after %v", second.AuditIDs, first.AuditIDs)
	}
}

func TestTokenAndPasswordMustBeOfOneUser(t *testing.T) {
	h := newHouse(t)
	text, _ := h.demo(t)
	both := as("admin", adminPassword)
	both.Token = text
	_, _, err := h.LogIn(t.Context(), both)
	wantKind(t, "demo's token with admin's password", err, identity.Unauthenticated)
}

func TestDefaultProjectIsTheScopeOfALoginWithoutOne(t *testing.T) {
	h := newHouse(t)
	_, demo := h.demo(t)
	plain := identity.Login{Password: &identity.PasswordProof{User: identity.UserRef{ID: demo.UserID}, Password: demoPassword}}
	if _, err := h.UpdateUser(t.Context(), demo.UserID, identity.UserChange{DefaultProjectID: &demo.ProjectID}); err != nil {
		t.Fatal(err)
	}
	if _, token := h.logIn(t, plain); token.ProjectID != demo.ProjectID {
		t.Errorf("scope is %q, want the default project", token.ProjectID)
	}
	plain.Scope.Unscoped = true
	if _, token := h.logIn(t, plain); token.ProjectID != "" {
		t.Errorf("scope is %q though unscoped was asked for", token.ProjectID)
	}
	plain.Scope.Unscoped = false
	if err := h.DeleteProject(t.Context(), demo.ProjectID); err != nil {
		t.Fatal(err)
	}
	if _, token := h.logIn(t, plain); token.ProjectID != "" {
		t.Errorf("scope is %q, a project that is gone", token.ProjectID)
	}
}

func TestFailedLoginsAreCountedAndWearOff(t *testing.T) {
	h := newHouse(t)
	for range 20 {
		_, _, err := h.LogIn(t.Context(), as("demo", "wrong"))
		wantKind(t, "a wrong password", err, identity.Unauthenticated)
	}
	_, _, err := h.LogIn(t.Context(), as("demo", demoPassword))
	e, ok := errors.AsType[*identity.Error](err)
	if !ok || e.Kind != identity.TooMany || e.RetryAfter < time.Second {
		t.Fatalf("the 21st login: got %v, want TooMany with a time to wait", err)
	}
	elsewhere := as("demo", demoPassword)
	elsewhere.Address = "192.0.2.2"
	h.logIn(t, elsewhere)
	h.clock.pass(e.RetryAfter)
	h.demo(t)
}

func TestLoginsThatSucceedAreNotCounted(t *testing.T) {
	h := newHouse(t)
	for range 100 {
		h.demo(t)
	}
}

func TestFailedLoginsFromOneIPv6CustomerCountTogether(t *testing.T) {
	h := newHouse(t)
	login := as("demo", "wrong")
	for i := range 20 {
		login.Address = "2001:db8::" + string(rune('a'+i%6))
		_, _, err := h.LogIn(t.Context(), login)
		wantKind(t, "a wrong password", err, identity.Unauthenticated)
	}
	login.Address = "2001:db8::ffff"
	_, _, err := h.LogIn(t.Context(), login)
	wantKind(t, "another address of the same /64", err, identity.TooMany)
}
