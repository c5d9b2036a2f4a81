package identity_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/breezeblock/breezeblock/internal/identity"
	"github.com/breezeblock/breezeblock/internal/identity/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is an identity with its first accounts, on a clock that stands still.
type house struct {
	*identity.Service
	store *fake.Store
	keys  *identity.Keys
	dir   string
	clock *clock
	ids   map[string]string // of roles, by name
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// cheap makes a hash in well under a millisecond.
var cheap = identity.Cost{Memory: 8, Passes: 1, Threads: 1}

const adminPassword, demoPassword = "admin's", "demo's"

func newHouse(t testing.TB) *house {
	t.Helper()
	h := newEmptyHouse(t)
	ctx := context.Background()
	if _, err := h.EnsureFirst(ctx, identity.First{AdminPassword: adminPassword, DemoPassword: demoPassword}); err != nil {
		t.Fatal(err)
	}
	roles, err := h.Roles(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roles {
		h.ids[r.Name] = r.ID
	}
	h.clock.pass(time.Second)
	return h
}

// newEmptyHouse is one before its first start.
func newEmptyHouse(t testing.TB) *house {
	t.Helper()
	h := &house{
		store: fake.New(), dir: filepath.Join(t.TempDir(), "keys"), ids: map[string]string{},
		clock: &clock{now: time.Date(2026, 11, 21, 19, 57, 42, 0, time.UTC)},
	}
	var err error
	if h.keys, err = identity.OpenKeys(h.dir, rand.Reader, h.clock.Now, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	h.Service, err = identity.New(identity.Config{
		Store: h.store, Keys: h.keys, Clock: h.clock.Now, Random: rand.Reader,
		Log: slog.New(slog.DiscardHandler), Region: "RegionOne", Cost: cheap, Cores: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// inDefault is the domain of everybody here.
var inDefault = identity.DomainRef{Name: "Default"}

// as is a login by name to the project of the same name.
func as(name, password string) identity.Login {
	return identity.Login{
		Password: &identity.PasswordProof{User: identity.UserRef{Name: name, Domain: inDefault}, Password: password},
		Scope:    identity.Scope{Project: &identity.ProjectRef{Name: name, Domain: inDefault}},
		Address:  "192.0.2.1",
	}
}

func (h *house) logIn(t testing.TB, login identity.Login) (string, *identity.Token) {
	t.Helper()
	text, token, err := h.LogIn(context.Background(), login)
	if err != nil {
		t.Fatal(err)
	}
	return text, token
}

func (h *house) demo(t testing.TB) (string, *identity.Token) {
	t.Helper()
	return h.logIn(t, as("demo", demoPassword))
}

// refused holds a validation to Unauthenticated.
func (h *house) refused(t testing.TB, why, text string) {
	t.Helper()
	if token, err := h.Validate(context.Background(), text); identity.KindOf(err) != identity.Unauthenticated {
		t.Errorf("%s: got %v, %v; want Unauthenticated", why, token, err)
	}
}

func (h *house) accepted(t testing.TB, why, text string) *identity.Token {
	t.Helper()
	token, err := h.Validate(context.Background(), text)
	if err != nil {
		t.Errorf("%s: %v", why, err)
	}
	return token
}

func wantKind(t testing.TB, what string, err error, kind identity.Kind) {
	t.Helper()
	if err == nil || identity.KindOf(err) != kind {
		t.Errorf("%s: got %v, want kind %d", what, err, kind)
	}
}
