package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDoctorComparesAndMendsAStoppedFolder(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	if code, out := run(t, nil, "doctor", "--data", data); code != 1 || !strings.Contains(out, "no server was ever started") {
		t.Errorf("without a folder: ended with %d: %s", code, out)
	}
	server := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=a-password-of-a-test"}, "--data", data)
	s := server.logIn("demo", "a-password-of-a-test")
	kept, lost := s.volume(), s.volume()
	snapshot := s.snapshot(kept)
	if code, out := run(t, nil, "doctor", "--data", data); code != 1 || !strings.Contains(out, "in use by another server") {
		t.Errorf("beside a server: ended with %d: %s", code, out)
	}
	server.signal(syscall.SIGTERM)
	server.exit()
	doctor := func(wantCode int, flags string, words ...string) {
		t.Helper()
		code, out := run(t, nil, append([]string{"doctor", "--data", data}, strings.Fields(flags)...)...)
		for _, word := range words {
			if !strings.Contains(out, word) {
				t.Errorf("doctor %s does not say %q: %s", flags, word, out)
			}
		}
		if code != wantCode {
			t.Errorf("doctor %s ended with %d, want %d: %s", flags, code, wantCode, out)
		}
	}
	doctor(0, "", "looked at 2 volumes, 1 snapshots", "nothing is wrong")

	execute(t, filepath.Join(data, "breezeblock.db"), "DELETE FROM snapshots", "UPDATE usages SET gigabytes = 40 WHERE type_id = ''")
	if err := os.RemoveAll(filepath.Join(data, "volumes", lost)); err != nil {
		t.Fatal(err)
	}
	findings := []string{"orphan: snapshot " + snapshot, "missing: volume " + lost, "usage: project ", "count anew"}
	doctor(1, "", append(findings, "nothing was changed")...)
	doctor(1, "--verify", findings...)
	code, out := run(t, nil, "doctor", "--data", data, "--json")
	answer := struct {
		Findings []struct{ Problem, Object, ID, Says, Plan string }
		Healthy  bool
		Left     int
	}{}
	text, _, _ := strings.Cut(out, "\nbreezeblock:")
	if err := json.Unmarshal([]byte(text), &answer); err != nil || code != 1 || answer.Healthy || answer.Left != len(answer.Findings) || answer.Left < 3 {
		t.Errorf("as JSON: ended with %d, %v: %s", code, err, out)
	}
	doctor(0, "--repair", "done: remove it from the driver", "all mended")
	doctor(0, "", "nothing is wrong")

	manifest := filepath.Join(data, "volumes", kept, "manifest")
	change(t, manifest, func(b []byte) []byte { b[len(b)/2] ^= 0x40; return b })
	doctor(1, "--repair", "damaged: volume "+kept, "plan: none", "1 left after the repair")
}
