package compat_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/compat/client"
	"github.com/breezeblock/breezeblock/compat/replay"
	"github.com/breezeblock/breezeblock/internal/testserver"
)

// recordings lets other recordings of the same form be replayed.
var recordings = flag.String("recordings", "recordings", "folder of the recorded exchanges")

// fidelityFile is how each recorded exchange came out, in numbers; docs/compatibility.md shows it.
const fidelityFile = "fidelity.tsv"

// keepCounts fails when rows have got lost, and with -update writes the counts. A row
// that is wrong has failed already, and one that is excused has an entry that says why.
func keepCounts(t *testing.T, name string, counts map[replay.Verdict]int) {
	t.Helper()
	text, err := os.ReadFile(fidelityFile)
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d", name, counts[replay.Same], counts[replay.Excused],
		counts[replay.Wrong], counts[replay.Waits], counts[replay.NotTaken])
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+"\t") })
	if at < 0 {
		t.Fatalf("%s has no line for %q", fidelityFile, name)
	}
	if *update {
		lines[at] = line
		if err := os.WriteFile(fidelityFile, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, all := 0, 0
	for _, cell := range strings.Split(lines[at], "\t")[1:] {
		n, err := strconv.Atoi(cell)
		if err != nil {
			t.Fatalf("%s: %q: %v", fidelityFile, lines[at], err)
		}
		kept += n
	}
	for _, n := range counts {
		all += n
	}
	switch {
	case all < kept:
		t.Errorf("%d rows were played; it was %d", all, kept)
	case line != lines[at]:
		t.Logf("%s says otherwise; go test ./compat -run Recorded -update writes it anew", fidelityFile)
	}
}

// target is a fresh server in the dialect, as the black-box packages see it.
func target(t *testing.T, dialect string, options ...testserver.Option) *client.Target {
	t.Helper()
	s := testserver.New(t, append([]testserver.Option{testserver.Dialect(dialect)}, options...)...)
	return &client.Target{
		VolumeURL: s.URL, IdentityURL: s.IdentityURL, Dialect: dialect,
		Demo:  client.Login{User: "demo", Password: s.DemoPassword, Project: "demo"},
		Admin: client.Login{User: "admin", Password: s.AdminPassword, Project: "admin"},
	}
}

// TestRecordedExchangesAreAnsweredAsRecorded replays both recordings in full; what
// differs must stand in accepted.json, and what stands there must differ.
func TestRecordedExchangesAreAnsweredAsRecorded(t *testing.T) {
	t.Parallel()
	accepted, err := replay.LoadAccepted("accepted.json")
	if err != nil {
		t.Fatal(err)
	}
	type player func(context.Context, *client.Target, string, []*replay.Accepted) ([]replay.Outcome, error)
	for _, file := range []struct {
		name string
		play player
	}{
		{"updating a snapshot", replay.Updates},
		{"the calls beside it", replay.Others},
	} {
		t.Run(file.name, func(t *testing.T) {
			outcomes, err := file.play(t.Context(), target(t, "cinder"), *recordings, accepted)
			counts := map[replay.Verdict]int{}
			for _, o := range outcomes {
				counts[o.Verdict]++
				t.Run(strings.ReplaceAll(o.Row.ID, "/", "∕"), func(t *testing.T) {
					switch o.Verdict {
					case replay.Wrong:
						t.Error(o)
					case replay.Waits, replay.NotTaken:
						t.Skip(o.Reasons)
					case replay.Excused:
						t.Log(o.Reasons)
					}
				})
			}
			t.Logf("fidelity, %s: %d same, %d accepted with a reason, %d wrong, %d wait for their call, %d not taken",
				file.name, counts[replay.Same], counts[replay.Excused], counts[replay.Wrong], counts[replay.Waits], counts[replay.NotTaken])
			if err != nil {
				t.Fatal(err)
			}
			if *recordings == "recordings" && !t.Failed() {
				keepCounts(t, file.name, counts)
			}
		})
	}
	if *recordings == "recordings" && !t.Failed() {
		for _, entry := range replay.Idle(accepted) {
			t.Errorf("an entry of accepted.json excuses nothing: %s", entry)
		}
	}
}
