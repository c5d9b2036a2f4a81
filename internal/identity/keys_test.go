package identity_test

import (
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/identity"
)

func keyFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "sealing" { // no key of tokens
			names = append(names, e.Name())
		}
	}
	return names
}

func TestFirstStartMakesStagedAndPrimaryKeyForOwnerOnly(t *testing.T) {
	h := newHouse(t)
	if got := keyFiles(t, h.dir); !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("files are %v", got)
	}
	for path, want := range map[string]os.FileMode{h.dir: 0o700, filepath.Join(h.dir, "0"): 0o600, filepath.Join(h.dir, "1"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestTokensHoldUntilTheirKeyGoes(t *testing.T) {
	h := newHouse(t)
	old, _ := h.demo(t)
	wants := [][]string{{"0", "1", "2"}, {"0", "2", "3"}, {"0", "3", "4"}}
	for i, want := range wants {
		if err := h.RotateKeys(); err != nil {
			t.Fatal(err)
		}
		if got := keyFiles(t, h.dir); !slices.Equal(got, want) {
			t.Fatalf("rotation %d leaves %v, want %v", i+1, got, want)
		}
		if i == 0 {
			h.accepted(t, "after one rotation", old)
		} else {
			h.refused(t, "after its key went", old)
		}
		fresh, _ := h.demo(t)
		h.accepted(t, "one made after the rotation", fresh)
	}
}

func TestKeysRotatedByAnotherProcessAreFound(t *testing.T) {
	h := newHouse(t)
	other, err := identity.OpenKeys(h.dir, rand.Reader, h.clock.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	twin, err := identity.New(identity.Config{Store: h.store, Keys: other, Clock: h.clock.Now,
		Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Cost: cheap, Cores: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer twin.Close()
	for range 2 { // after the second the twin's primary is one we have never seen
		if err := twin.RotateKeys(); err != nil {
			t.Fatal(err)
		}
	}
	text, _, err := twin.LogIn(t.Context(), as("demo", demoPassword))
	if err != nil {
		t.Fatal(err)
	}
	h.clock.pass(time.Second)
	h.accepted(t, "a token under the other's key", text)
}

func TestRotationThatWasCutOffIsFinished(t *testing.T) {
	h := newHouse(t)
	old, _ := h.demo(t)
	if err := os.Rename(filepath.Join(h.dir, "0"), filepath.Join(h.dir, "2")); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.OpenKeys(h.dir, rand.Reader, h.clock.Now, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if got := keyFiles(t, h.dir); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("files are %v", got)
	}
	h.accepted(t, "a token from before", old)
}

func TestKeysThatCannotBeReadAgainStayInUse(t *testing.T) {
	h := newHouse(t)
	text, _ := h.demo(t)
	for _, name := range keyFiles(t, h.dir) {
		if err := os.WriteFile(filepath.Join(h.dir, name), []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.clock.pass(time.Hour)
	h.accepted(t, "with damaged files", text)
}

func TestDamagedOrOpenKeysAreRefusedAtStart(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"damaged":           func(path string) error { return os.WriteFile(path, []byte("damaged"), 0o600) },
		"open to everybody": func(path string) error { return os.Chmod(path, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			if err := spoil(filepath.Join(h.dir, "1")); err != nil {
				t.Fatal(err)
			}
			_, err := identity.OpenKeys(h.dir, rand.Reader, h.clock.Now, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want an error that says %q", err, name)
			}
		})
	}
}
