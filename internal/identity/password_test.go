package identity_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breezeblock/breezeblock/internal/identity"
)

func TestPasswordsAreStoredAsPHCStrings(t *testing.T) {
	h := newHouse(t)
	users, err := h.store.Users(t.Context(), identity.UserList{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=8,t=1,p=1$") {
			t.Errorf("%s has %q", u.Name, u.PasswordHash)
		}
	}
	if users[0].PasswordHash == users[1].PasswordHash {
		t.Error("two users share a salt")
	}
}

func TestPasswordLimits(t *testing.T) {
	h := newHouse(t)
	for name, tc := range map[string]struct {
		password string
		ok       bool
	}{
		"one byte":   {"x", true},
		"4096 bytes": {strings.Repeat("x", 4096), true},
		"4097 bytes": {strings.Repeat("x", 4097), false},
	} {
		_, err := h.CreateUser(t.Context(), identity.User{Name: name, DomainID: "default"}, tc.password)
		if tc.ok && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !tc.ok {
			wantKind(t, name, err, identity.Invalid)
			if !strings.Contains(err.Error(), "user.password") || !strings.Contains(err.Error(), "4096") {
				t.Errorf("%q names neither field nor limit", err)
			}
		}
	}
	empty := ""
	users, _ := h.Users(t.Context(), identity.UserList{Name: "demo"})
	_, err := h.UpdateUser(t.Context(), users[0].ID, identity.UserChange{Password: &empty})
	wantKind(t, "an empty new password", err, identity.Invalid)
}

func TestStoredPasswordThatIsDamagedIsOurFault(t *testing.T) {
	h := newHouse(t)
	users, _ := h.Users(t.Context(), identity.UserList{Name: "demo"})
	for _, hash := range []string{
		"plain", "$argon2id$v=19$m=999999999,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
		"$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$",
	} {
		err := h.store.ChangeIdentity(t.Context(), func(tx identity.Tx) error {
			u, err := tx.User(users[0].ID)
			if err != nil {
				return err
			}
			u.PasswordHash = hash
			return tx.SaveUser(u)
		})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = h.LogIn(t.Context(), as("demo", demoPassword))
		wantKind(t, hash, err, identity.Internal)
	}
}

func TestOnlyAsManyHashesRunAsThereAreCores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t) // with two cores
		var mu sync.Mutex
		running, most, done := 0, 0, 0
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				err := identity.InTurn(t.Context(), h.Service, func() error {
					mu.Lock()
					running++
					most = max(most, running)
					mu.Unlock()
					time.Sleep(time.Second) // in synctest's time
					mu.Lock()
					running--
					done++
					mu.Unlock()
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most != 2 || done != 10 {
			t.Errorf("%d ran at once and %d in all; want 2 and 10", most, done)
		}
		h.Close()
	})
}

func TestLoginsBeyondTheQueueAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		gate := make(chan struct{})
		var all sync.WaitGroup
		for range identity.MaxQueued + 2 {
			all.Go(func() {
				if err := identity.InTurn(t.Context(), h.Service, func() error { <-gate; return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		_, _, err := h.LogIn(t.Context(), as("demo", demoPassword))
		wantKind(t, "one more", err, identity.Busy)
		close(gate)
		all.Wait()
		h.demo(t)
		h.Close()
	})
}

// A client that goes away while it waits is no failure of ours.
func TestALoginThatIsNotWaitedForIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t) // with two cores
		gate := make(chan struct{})
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				if err := identity.InTurn(t.Context(), h.Service, func() error { <-gate; return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := h.LogIn(ctx, as("demo", demoPassword))
		wantKind(t, "one that waits a second", err, identity.Busy)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want its cause for the log", err)
		}
		close(gate)
		all.Wait()
		h.Close()
	})
}

func TestMemoryIsGivenBackOnceQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		var freed atomic.Int64
		identity.SetFree(h.Service, func() { freed.Add(1) })
		for range 50 {
			h.demo(t)
		}
		time.Sleep(1100 * time.Millisecond) // in synctest's time
		synctest.Wait()
		if freed.Load() != 1 {
			t.Errorf("freed %d times a second after the last login, want once", freed.Load())
		}
		h.demo(t)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if freed.Load() != 1 {
			t.Errorf("freed %d times within ten seconds, want once", freed.Load())
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if freed.Load() != 2 {
			t.Errorf("freed %d times in all, want twice", freed.Load())
		}
		h.Close()
	})
}

func TestWatchedAddressesAreBounded(t *testing.T) {
	h := newHouse(t)
	for i := range identity.MaxGuarded + 500 {
		identity.NoteFailure(h.Service, "user", "192.0.2."+string(rune(i)))
	}
	if n := identity.Guarded(h.Service); n > identity.MaxGuarded {
		t.Errorf("%d pairs are watched, at most %d should be", n, identity.MaxGuarded)
	}
	h.clock.pass(time.Minute)
	identity.NoteFailure(h.Service, "user", "198.51.100.1")
	if n := identity.Guarded(h.Service); n != 1 {
		t.Errorf("%d pairs are watched though all but one wore off", n)
	}
}

func TestChangePasswordNeedsThePresentOne(t *testing.T) {
	h := newHouse(t)
	_, demo := h.demo(t)
	wantKind(t, "a wrong one", h.ChangePassword(t.Context(), demo.UserID, "wrong", "next", ""), identity.Unauthenticated)
	wantKind(t, "an empty new one", h.ChangePassword(t.Context(), demo.UserID, demoPassword, "", ""), identity.Invalid)
	wantKind(t, "an unknown user", h.ChangePassword(t.Context(), "feed", demoPassword, "next", ""), identity.Unauthenticated)
	if err := h.ChangePassword(t.Context(), demo.UserID, demoPassword, "next", ""); err != nil {
		t.Fatal(err)
	}
	h.logIn(t, as("demo", "next"))
	_, _, err := h.LogIn(t.Context(), as("demo", demoPassword))
	wantKind(t, "the old one", err, identity.Unauthenticated)
}
