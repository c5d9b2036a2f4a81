package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/identity"
)

// testIdentity holds a database to the promises of identity.Store.
func testIdentity(t *testing.T, fresh func(testing.TB) string) {
	RunIdentity(t, func(t testing.TB) identity.Store {
		s, _ := Open(t, fresh(t))
		return s.Identity()
	})
}

// RunIdentity holds any identity.Store to its promises; open makes an empty one.
func RunIdentity(t *testing.T, open func(testing.TB) identity.Store) {
	for name, run := range map[string]func(*testing.T, *people){
		"RowsComeBackAsTheyWere":      testIdentityRows,
		"NamesAreUniqueInADomain":     testIdentityNames,
		"AStaleRowIsNotWritten":       testIdentityVersions,
		"ListsFilterAndPage":          testIdentityLists,
		"RolesGoWithWhatTheyAreOn":    testIdentityAssignments,
		"FailedWorkLeavesNothing":     testIdentityRollback,
		"RevokedTokensAreKeptATime":   testIdentityRevoked,
		"WhatIsNotThereIsNotFound":    testIdentityMissing,
		"TextOfEveryKindIsTakenAsIs":  testIdentityText,
		"AssignmentsComeInTheirOrder": testIdentityAssignmentOrder,
		"AccessKeysGoWithTheirUser":   testIdentityAccessKeys,
	} {
		t.Run(name, func(t *testing.T) { run(t, newPeople(t, open(t))) })
	}
}

// people is a store with two domains, the roles, and some users and projects.
type people struct {
	identity.Store
	t *testing.T
}

// then is a time that uses all digits of a microsecond.
var then = time.Date(2026, 11, 21, 19, 57, 42, 123456000, time.UTC)

func newPeople(t *testing.T, s identity.Store) *people {
	p := &people{s, t}
	p.must(func(tx identity.Tx) error {
		return errors.Join(
			tx.AddDomain(&identity.Domain{ID: "default", Name: "Default", Description: "d", Enabled: true, CreatedAt: then}),
			tx.AddDomain(&identity.Domain{ID: "other", Name: "Other", CreatedAt: then}),
			tx.AddRole(&identity.Role{ID: "r1", Name: "admin", Description: "all"}), tx.AddRole(&identity.Role{ID: "r2", Name: "member"}),
			tx.AddProject(newProject("p1")), tx.AddProject(newProject("p2")), tx.AddProject(newProject("p3")),
			tx.AddUser(newUser("u1")), tx.AddUser(newUser("u2")),
		)
	})
	return p
}

func newProject(id string) *identity.Project {
	return &identity.Project{ID: id, Name: "project " + id, Description: "about " + id, DomainID: "default", Enabled: true, CreatedAt: then}
}

func newUser(id string) *identity.User {
	return &identity.User{
		ID: id, Name: "user " + id, DomainID: "default", Description: "about " + id, Email: id + "@example.org", DefaultProjectID: "p1",
		Enabled: true, PasswordHash: "$argon2id$" + id, TokensAfter: then.Add(time.Hour), CreatedAt: then,
	}
}

// must runs work in a transaction that is to succeed.
func (p *people) must(work func(identity.Tx) error) {
	p.t.Helper()
	if err := p.ChangeIdentity(p.t.Context(), work); err != nil {
		p.t.Fatal(err)
	}
}

// refused runs work in a transaction that is to fail with kind.
func (p *people) refused(what string, kind identity.Kind, work func(identity.Tx) error) {
	p.t.Helper()
	if err := p.ChangeIdentity(p.t.Context(), work); err == nil || identity.KindOf(err) != kind {
		p.t.Errorf("%s: got %v, want kind %d", what, err, kind)
	}
}

// same compares what was read with what is wanted.
func same[T any](t testing.TB, what string, want, got T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

func testIdentityRows(t *testing.T, p *people) {
	ctx := t.Context()
	domain, err := p.Domain(ctx, "default")
	same(t, "domain", &identity.Domain{ID: "default", Name: "Default", Description: "d", Enabled: true, CreatedAt: then}, domain, err)
	project, err := p.Project(ctx, "p1")
	same(t, "project", newProject("p1"), project, err)
	user, err := p.User(ctx, "u1")
	same(t, "user", newUser("u1"), user, err)
	roles, err := p.Roles(ctx)
	same(t, "roles", []*identity.Role{{ID: "r1", Name: "admin", Description: "all"}, {ID: "r2", Name: "member"}}, roles, err)

	changed, renamed := newUser("u1"), newProject("p1")
	p.must(func(tx identity.Tx) error {
		u, err := tx.User("u1")
		if err != nil {
			return err
		}
		u.Name, u.Description, u.Email, u.DefaultProjectID = "n", "", "", ""
		u.Enabled, u.PasswordHash, u.TokensAfter = false, "", time.Time{}
		changed = u
		project, err := tx.Project("p1")
		if err != nil {
			return err
		}
		project.Name, project.Description, project.Enabled = "n", "", false
		renamed = project
		return errors.Join(tx.SaveUser(u), tx.SaveProject(project))
	})
	if changed.Version != 1 || renamed.Version != 1 {
		t.Errorf("versions are %d and %d, want 1", changed.Version, renamed.Version)
	}
	user, err = p.User(ctx, "u1")
	same(t, "changed user", changed, user, err)
	project, err = p.Project(ctx, "p1")
	same(t, "changed project", renamed, project, err)
}

func testIdentityNames(t *testing.T, p *people) {
	p.refused("a project's name", identity.Conflict, func(tx identity.Tx) error {
		twin := newProject("p9")
		twin.Name = "project p1"
		return tx.AddProject(twin)
	})
	p.refused("a project's id", identity.Conflict, func(tx identity.Tx) error {
		twin := newProject("p1")
		twin.Name = "another"
		return tx.AddProject(twin)
	})
	p.refused("a user's name", identity.Conflict, func(tx identity.Tx) error {
		twin := newUser("u9")
		twin.Name = "user u1"
		return tx.AddUser(twin)
	})
	p.refused("a domain's name", identity.Conflict, func(tx identity.Tx) error {
		return tx.AddDomain(&identity.Domain{ID: "d9", Name: "Default", CreatedAt: then})
	})
	p.refused("a role's name", identity.Conflict, func(tx identity.Tx) error {
		return tx.AddRole(&identity.Role{ID: "r9", Name: "admin"})
	})
	p.refused("renaming a project onto another", identity.Conflict, func(tx identity.Tx) error {
		project, err := tx.Project("p1")
		if err != nil {
			return err
		}
		project.Name = "project p2"
		return tx.SaveProject(project)
	})
	p.refused("renaming a user onto another", identity.Conflict, func(tx identity.Tx) error {
		u, err := tx.User("u1")
		if err != nil {
			return err
		}
		u.Name = "user u2"
		return tx.SaveUser(u)
	})
	p.must(func(tx identity.Tx) error {
		elsewhere, upper := newProject("p8"), newProject("p7")
		elsewhere.Name, elsewhere.DomainID = "project p1", "other"
		upper.Name = "PROJECT P1"
		return errors.Join(tx.AddProject(elsewhere), tx.AddProject(upper))
	})
}

func testIdentityVersions(t *testing.T, p *people) {
	stale := newUser("u1")
	p.must(func(tx identity.Tx) error { return tx.SaveUser(newUser("u1")) })
	p.refused("a stale user", identity.Conflict, func(tx identity.Tx) error { return tx.SaveUser(stale) })
	old := newProject("p1")
	p.must(func(tx identity.Tx) error { return tx.SaveProject(newProject("p1")) })
	p.refused("a stale project", identity.Conflict, func(tx identity.Tx) error { return tx.SaveProject(old) })
	p.refused("a project that is gone", identity.Conflict, func(tx identity.Tx) error { return tx.SaveProject(newProject("p9")) })
}

func testIdentityLists(t *testing.T, p *people) {
	ctx := t.Context()
	off := false
	p.must(func(tx identity.Tx) error {
		closed := newProject("p4")
		closed.Enabled, closed.DomainID = false, "other"
		return errors.Join(tx.AddProject(closed),
			tx.AddDomain(&identity.Domain{ID: "p2", Name: "a domain with a project's id", CreatedAt: then}),
			tx.Assign(on("u1", "r1", identity.OnProject, "p3")), tx.Assign(on("u1", "r2", identity.OnProject, "p3")),
			tx.Assign(on("u1", "r2", identity.OnProject, "p1")), tx.Assign(on("u1", "r2", identity.OnDomain, "p2")))
	})
	for _, tc := range []struct {
		name string
		list identity.ProjectList
		want string
	}{
		{"all", identity.ProjectList{Limit: 10}, "p1 p2 p3 p4"},
		{"of a domain", identity.ProjectList{DomainID: "other", Limit: 10}, "p4"},
		{"by name", identity.ProjectList{Name: "project p2", Limit: 10}, "p2"},
		{"disabled", identity.ProjectList{Enabled: &off, Limit: 10}, "p4"},
		{"of a user", identity.ProjectList{UserID: "u1", Limit: 10}, "p1 p3"},
		{"of a user, in another domain", identity.ProjectList{UserID: "u1", DomainID: "other", Limit: 10}, ""},
		{"a page", identity.ProjectList{Limit: 2}, "p1 p2"},
		{"the next", identity.ProjectList{Limit: 2, Marker: "p2"}, "p3 p4"},
		{"after the last", identity.ProjectList{Limit: 2, Marker: "p4"}, ""},
	} {
		found, err := p.Projects(ctx, tc.list)
		var ids []string
		for _, project := range found {
			ids = append(ids, project.ID)
		}
		same(t, tc.name, tc.want, strings.Join(ids, " "), err)
	}
	for _, tc := range []struct {
		name string
		list identity.UserList
		want int
	}{
		{"all users", identity.UserList{Limit: 10}, 2}, {"a user by name", identity.UserList{Name: "user u2", DomainID: "default", Limit: 10}, 1},
		{"disabled users", identity.UserList{Enabled: &off, Limit: 10}, 0}, {"the second page of users", identity.UserList{Marker: "u1", Limit: 1}, 1},
	} {
		found, err := p.Users(ctx, tc.list)
		same(t, tc.name, tc.want, len(found), err)
	}
	domains, err := p.Domains(ctx, identity.DomainList{Name: "Other", Limit: 10})
	same(t, "domains by name", 1, len(domains), err)
	domains, err = p.Domains(ctx, identity.DomainList{Marker: "default", Limit: 10})
	same(t, "domains after the first", 2, len(domains), err)
}

func on(user, role string, kind identity.TargetKind, id string) identity.Assignment {
	return identity.Assignment{UserID: user, RoleID: role, Target: identity.Target{Kind: kind, ID: id}}
}

func testIdentityAssignments(t *testing.T, p *people) {
	count := func(list identity.AssignmentList) int {
		list.Limit = 100
		held, err := p.Assignments(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		return len(held)
	}
	all := []identity.Assignment{
		on("u1", "r1", identity.OnProject, "p1"), on("u1", "r2", identity.OnProject, "p1"), on("u1", "r1", identity.OnDomain, "default"),
		on("u2", "r1", identity.OnProject, "p1"), on("u2", "r1", identity.OnProject, "p2"),
	}
	for range 2 { // giving a role twice succeeds
		p.must(func(tx identity.Tx) error {
			for _, a := range all {
				if err := tx.Assign(a); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for what, tc := range map[string]struct {
		list identity.AssignmentList
		want int
	}{
		"all": {identity.AssignmentList{}, 5}, "of a user": {identity.AssignmentList{UserID: "u1"}, 3}, "of a role": {identity.AssignmentList{RoleID: "r1"}, 4},
		"on projects": {identity.AssignmentList{Kind: identity.OnProject}, 4}, "on one": {identity.AssignmentList{Kind: identity.OnProject, TargetID: "p1"}, 3},
		"one": {identity.AssignmentList{UserID: "u1", RoleID: "r1", Kind: identity.OnDomain, TargetID: "default"}, 1},
	} {
		if got := count(tc.list); got != tc.want {
			t.Errorf("%s: %d, want %d", what, got, tc.want)
		}
	}
	p.must(func(tx identity.Tx) error { return tx.Unassign(all[1]) })
	p.refused("taking away what is not held", identity.NotFound, func(tx identity.Tx) error { return tx.Unassign(all[1]) })
	p.must(func(tx identity.Tx) error { return tx.DropProject("p1") })
	if n := count(identity.AssignmentList{}); n != 2 {
		t.Errorf("%d assignments are left when the project went, want 2", n)
	}
	p.must(func(tx identity.Tx) error { return tx.DropUser("u1") })
	if n := count(identity.AssignmentList{}); n != 1 {
		t.Errorf("%d assignments are left when the user went, want 1", n)
	}
	for what, a := range map[string]identity.Assignment{
		"user": on("u1", "r1", identity.OnProject, "p2"), "role": on("u2", "r9", identity.OnProject, "p2"),
		"project": on("u2", "r1", identity.OnProject, "p1"), "domain": on("u2", "r1", identity.OnDomain, "p2"),
	} {
		p.refused("a role without its "+what, identity.NotFound, func(tx identity.Tx) error { return tx.Assign(a) })
	}
}

func testIdentityAssignmentOrder(t *testing.T, p *people) {
	want := []identity.Assignment{
		on("u2", "r1", identity.OnDomain, "default"), on("u1", "r1", identity.OnProject, "p1"),
		on("u1", "r2", identity.OnProject, "p1"), on("u2", "r1", identity.OnProject, "p1"), on("u1", "r1", identity.OnProject, "p2"),
	}
	p.must(func(tx identity.Tx) error {
		for i := range want {
			if err := tx.Assign(want[len(want)-1-i]); err != nil {
				return err
			}
		}
		return nil
	})
	got, err := p.Assignments(t.Context(), identity.AssignmentList{Limit: 10})
	same(t, "all", want, got, err)
	for i := range want {
		got, err := p.Assignments(t.Context(), identity.AssignmentList{After: &want[i], Limit: 10})
		if !slices.Equal(got, want[i+1:]) || err != nil {
			t.Errorf("after row %d: %v, %v", i, got, err)
		}
	}
	got, err = p.Assignments(t.Context(), identity.AssignmentList{Limit: 2})
	same(t, "two", want[:2], got, err)
}

func testIdentityRollback(t *testing.T, p *people) {
	refused := errors.New("refused by the work")
	err := p.ChangeIdentity(t.Context(), func(tx identity.Tx) error {
		return errors.Join(tx.DropUser("u1"), tx.AddProject(newProject("p9")), tx.RevokeToken("a1", then), refused)
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want the work's own error", err)
	}
	if _, err := p.User(t.Context(), "u1"); err != nil {
		t.Errorf("the user is gone: %v", err)
	}
	if _, err := p.Project(t.Context(), "p9"); identity.KindOf(err) != identity.NotFound {
		t.Errorf("the project is there: %v", err)
	}
	revoked, err := p.Revoked(t.Context(), "a1")
	same(t, "revoked", false, revoked, err)
}

func testIdentityRevoked(t *testing.T, p *people) {
	for range 2 { // repeating it succeeds
		p.must(func(tx identity.Tx) error {
			return errors.Join(tx.RevokeToken("a1", then), tx.RevokeToken("a2", then.Add(time.Microsecond)))
		})
	}
	p.must(func(tx identity.Tx) error { return tx.PurgeRevoked(then.Add(time.Microsecond)) })
	for id, want := range map[string]bool{"a1": false, "a2": true, "a3": false} {
		revoked, err := p.Revoked(t.Context(), id)
		same(t, id, want, revoked, err)
	}
}

func testIdentityMissing(t *testing.T, p *people) {
	ctx := t.Context()
	_, err := p.Domain(ctx, "feed")
	wantMissing(t, "domain", err)
	_, err = p.Project(ctx, "feed")
	wantMissing(t, "project", err)
	_, err = p.User(ctx, "feed")
	wantMissing(t, "user", err)
	for what, work := range map[string]func(identity.Tx) error{
		"project":       func(tx identity.Tx) error { _, err := tx.Project("feed"); return err },
		"user":          func(tx identity.Tx) error { _, err := tx.User("feed"); return err },
		"drop project":  func(tx identity.Tx) error { return tx.DropProject("feed") },
		"drop user":     func(tx identity.Tx) error { return tx.DropUser("feed") },
		"not held role": func(tx identity.Tx) error { return tx.Unassign(on("u1", "r1", identity.OnProject, "p1")) },
	} {
		p.refused(what, identity.NotFound, work)
	}
}

func wantMissing(t testing.TB, what string, err error) {
	t.Helper()
	if identity.KindOf(err) != identity.NotFound {
		t.Errorf("%s: got %v, want NotFound", what, err)
	}
}

func testIdentityText(t *testing.T, p *people) {
	const odd = "O'Reilly; -- \"$1\" ? é 漢 😀\t\n\\"
	project := newProject("p9")
	project.Name, project.Description = odd, odd+odd
	p.must(func(tx identity.Tx) error { return tx.AddProject(project) })
	found, err := p.Projects(t.Context(), identity.ProjectList{Name: odd, Limit: 10})
	same(t, "by its name", []*identity.Project{project}, found, err)
}
