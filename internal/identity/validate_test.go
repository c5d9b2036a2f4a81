package identity_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/identity"
)

func TestTokenHoldsUntilItExpires(t *testing.T) {
	h := newHouse(t)
	text, token := h.demo(t)
	h.clock.pass(identity.DefaultLifetime - time.Microsecond)
	h.accepted(t, "just before", text)
	h.clock.pass(time.Microsecond)
	h.refused(t, "at its expiry", text)
	if got := token.ExpiresAt.Sub(token.IssuedAt); got != identity.DefaultLifetime {
		t.Errorf("lifetime is %s", got)
	}
}

func TestRevokedTokenIsRefusedAndOthersAreNot(t *testing.T) {
	h := newHouse(t)
	text, token := h.demo(t)
	other, _ := h.demo(t)
	h.accepted(t, "before", text)
	if err := h.RevokeToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	h.refused(t, "after", text)
	h.accepted(t, "another of the same user", other)
}

func TestRevokedTokensAreForgottenOnceExpired(t *testing.T) {
	h := newHouse(t)
	for range 3 {
		_, token := h.demo(t)
		if err := h.RevokeToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		h.clock.pass(identity.DefaultLifetime + time.Second)
	}
	if n := h.store.RevokedCount(); n != 1 {
		t.Errorf("%d revoked tokens are kept, want the last one only", n)
	}
}

// Each of these ends what a token grants, at once, though it is in memory.
func TestChangesReachTokensInMemory(t *testing.T) {
	off := false
	next := "another"
	for _, tc := range []struct {
		name   string
		change func(h *house, token *identity.Token) error
	}{
		{"password set by an administrator", func(h *house, token *identity.Token) error {
			_, err := h.UpdateUser(context.Background(), token.UserID, identity.UserChange{Password: &next})
			return err
		}},
		{"password changed by its owner", func(h *house, token *identity.Token) error {
			return h.ChangePassword(context.Background(), token.UserID, demoPassword, next, "192.0.2.1")
		}},
		{"user disabled", func(h *house, token *identity.Token) error {
			_, err := h.UpdateUser(context.Background(), token.UserID, identity.UserChange{Enabled: &off})
			return err
		}},
		{"user deleted", func(h *house, token *identity.Token) error {
			return h.DeleteUser(context.Background(), token.UserID)
		}},
		{"project disabled", func(h *house, token *identity.Token) error {
			_, err := h.UpdateProject(context.Background(), token.ProjectID, identity.ProjectChange{Enabled: &off})
			return err
		}},
		{"project deleted", func(h *house, token *identity.Token) error {
			return h.DeleteProject(context.Background(), token.ProjectID)
		}},
		{"last role taken away", func(h *house, token *identity.Token) error {
			return h.Revoke(context.Background(), identity.Assignment{UserID: token.UserID, RoleID: h.ids["member"],
				Target: identity.Target{Kind: identity.OnProject, ID: token.ProjectID}})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			text, token := h.demo(t)
			h.accepted(t, "before", text)
			h.clock.pass(time.Second)
			if err := tc.change(h, token); err != nil {
				t.Fatal(err)
			}
			h.refused(t, "after", text)
		})
	}
}

func TestRoleGivenReachesTokensInMemory(t *testing.T) {
	h := newHouse(t)
	text, token := h.demo(t)
	err := h.Grant(t.Context(), identity.Assignment{UserID: token.UserID, RoleID: h.ids["admin"],
		Target: identity.Target{Kind: identity.OnProject, ID: token.ProjectID}})
	if err != nil {
		t.Fatal(err)
	}
	if now := h.accepted(t, "after", text); now == nil || !now.IsAdmin() {
		t.Error("the new role is not there")
	}
}

func TestDisablingVoidsTokensForGood(t *testing.T) {
	h := newHouse(t)
	text, token := h.demo(t)
	h.clock.pass(time.Second)
	for _, enabled := range []bool{false, true} {
		if _, err := h.UpdateUser(t.Context(), token.UserID, identity.UserChange{Enabled: &enabled}); err != nil {
			t.Fatal(err)
		}
	}
	h.refused(t, "enabled again", text)
	h.demo(t)
}

func TestWhatAnotherProcessChangedIsSeenWithinAMinute(t *testing.T) {
	h := newHouse(t)
	text, token := h.demo(t)
	err := h.store.ChangeIdentity(t.Context(), func(tx identity.Tx) error { return tx.DropUser(token.UserID) })
	if err != nil {
		t.Fatal(err)
	}
	h.clock.pass(time.Minute)
	h.refused(t, "a minute later", text)
}

func TestStoreThatFailsIsNotAnAnswerAboutTheToken(t *testing.T) {
	h := newHouse(t)
	text, _ := h.demo(t)
	broken := errors.New("disk on fire")
	h.clock.pass(time.Hour) // out of memory
	h.store.Fail(broken)
	if _, err := h.Validate(t.Context(), text); !errors.Is(err, broken) {
		t.Errorf("got %v, want the store's error", err)
	}
	if _, _, err := h.LogIn(t.Context(), as("demo", demoPassword)); !errors.Is(err, broken) {
		t.Errorf("a login got %v, want the store's error", err)
	}
	h.store.Fail(nil)
	h.accepted(t, "once the store is back", text)
}

func TestOneTokenHasOneSpelling(t *testing.T) {
	h := newHouse(t)
	text, _ := h.demo(t)
	for name, changed := range map[string]string{
		"a newline in it":    text[:20] + "\n" + text[20:],
		"a space at the end": text + " ",
		"cut":                text[:len(text)-1],
		"one bit":            flip(text, 30),
		"last character":     flip(text, len(text)-1),
		"empty":              "",
	} {
		h.refused(t, name, changed)
	}
}

func flip(s string, at int) string {
	b := []byte(s)
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

func TestValidatingATokenInMemoryAllocatesNothing(t *testing.T) {
	h := newHouse(t)
	text, _ := h.demo(t)
	n := testing.AllocsPerRun(200, func() {
		if _, err := h.Validate(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkValidateCached(b *testing.B) {
	h := newHouse(b)
	text, _ := h.demo(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Validate(context.Background(), text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidateUncached(b *testing.B) {
	h := newHouse(b)
	text, _ := h.demo(b)
	b.ReportAllocs()
	for b.Loop() {
		identity.Forget(h.Service)
		if _, err := h.Validate(context.Background(), text); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzToken holds that no text but what we sealed is a token.
func FuzzToken(f *testing.F) {
	h := newHouse(f)
	text, _ := h.demo(f)
	for _, seed := range []string{"", "g", text, text[1:], text + "=", "gAAAAA==", string(make([]byte, 600))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, guess string) {
		token, err := h.Validate(context.Background(), guess)
		bare := len(guess) >= len(text) && guess[:len(text)] == text && len(guess)-len(text) <= 2 // its padding
		if err == nil && !bare {
			t.Errorf("%q is a token of %s", guess, token.UserID)
		}
		if err != nil && identity.KindOf(err) != identity.Unauthenticated {
			t.Errorf("%q: %v", guess, err)
		}
	})
}

// FuzzPayload holds that what can be read is written the same way again.
func FuzzPayload(f *testing.F) {
	f.Add(identity.EncodeExample())
	f.Add([]byte{1, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		again, ok := identity.DecodePayload(b)
		if !ok {
			return
		}
		if _, ok := identity.DecodePayload(again); !ok {
			t.Errorf("%x is read, but what it is written as is not: %x", b, again)
		}
	})
}

// Another node believes a token for a minute after it was revoked here; but it
// makes no new one of it, which would hold for a day.
func TestATokenThatEndedElsewhereMakesNoOther(t *testing.T) {
	for name, end := range map[string]func(*house, *identity.Token) error{
		"password changed": func(h *house, token *identity.Token) error {
			return h.ChangePassword(context.Background(), token.UserID, demoPassword, "next", "")
		},
		"token revoked": func(h *house, token *identity.Token) error {
			return h.RevokeToken(context.Background(), token)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			other, err := identity.New(identity.Config{
				Store: h.store, Keys: h.keys, Clock: h.clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Cost: cheap,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(other.Close)
			text, token := h.demo(t)
			if _, err := other.Validate(t.Context(), text); err != nil {
				t.Fatal(err)
			}
			h.clock.pass(time.Second)
			if err := end(h, token); err != nil {
				t.Fatal(err)
			}
			h.clock.pass(time.Second)
			fresh, _, err := other.LogIn(t.Context(), identity.Login{Token: text, Scope: identity.Scope{Project: &identity.ProjectRef{ID: token.ProjectID}}})
			wantKind(t, "a new token by the old one", err, identity.Unauthenticated)
			if fresh != "" {
				h.refused(t, "the new one", fresh)
			}
		})
	}
}
