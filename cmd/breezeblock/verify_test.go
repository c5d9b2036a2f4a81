package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestVerifyFindsDamageInAStoppedFolder(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	if code, out := run(t, nil, "verify", "--data", data); code != 1 || !strings.Contains(out, "no server was ever started") {
		t.Errorf("without a folder: ended with %d: %s", code, out)
	}
	server := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=a-password-of-a-test"}, "--data", data)
	s := server.logIn("demo", "a-password-of-a-test")
	sound, broken := s.volume(), s.volume()
	s.snapshot(broken)
	if code, out := run(t, nil, "verify", "--data", data); code != 1 || !strings.Contains(out, "in use by another server") || !strings.Contains(out, "POST") {
		t.Errorf("beside a server: ended with %d: %s", code, out)
	}
	server.signal(syscall.SIGTERM)
	server.exit()
	if code, out := run(t, nil, "verify", "--data", data); code != 0 || strings.Count(out, ": sound;") != 2 {
		t.Errorf("of a sound folder: ended with %d: %s", code, out)
	}
	stray := filepath.Join(data, "volumes", sound, "manifest.new")
	if err := os.WriteFile(stray, []byte("left over"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := run(t, nil, "verify", "--data", data, sound); code != 0 || !strings.Contains(out, "left over") || !strings.Contains(out, stray) {
		t.Errorf("with a stray file: ended with %d: %s", code, out)
	}
	if code, out := run(t, nil, "verify", "--data", data, "--repair", sound); code != 0 || !strings.Contains(out, "removed") {
		t.Errorf("repaired: ended with %d: %s", code, out)
	}
	if _, err := os.Stat(stray); !os.IsNotExist(err) {
		t.Errorf("the stray file is still there: %v", err)
	}

	if err := os.Remove(filepath.Join(data, "volumes", broken, "layer-000001.0")); err != nil {
		t.Fatal(err)
	}
	code, out := run(t, nil, "verify", "--data", data, broken, "00000000-0000-4000-8000-000000000000")
	for _, word := range []string{"DAMAGED", "layer-000001.0", "seen by the volume", "cannot be verified"} {
		if !strings.Contains(out, word) {
			t.Errorf("it does not say %q: %s", word, out)
		}
	}
	if code != 1 {
		t.Errorf("of a broken volume: ended with %d", code)
	}
	code, out = run(t, nil, "verify", "--data", data, "--json")
	damaged := map[string]bool{}
	for line := range strings.Lines(out) {
		one := struct {
			Volume   string `json:"volume_id"`
			Damaged  bool
			Findings []struct{ Damage bool }
		}{}
		if json.Unmarshal([]byte(line), &one) == nil {
			damaged[one.Volume] = one.Damaged && len(one.Findings) == 1 && one.Findings[0].Damage
		}
	}
	if code != 1 || len(damaged) != 2 || damaged[sound] || !damaged[broken] {
		t.Errorf("as JSON: ended with %d: %s", code, out)
	}
}
