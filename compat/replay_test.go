package compat_test

import (
	"context"
	"flag"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/compat/client"
	"github.com/breezeblock/breezeblock/compat/replay"
	"github.com/breezeblock/breezeblock/internal/testserver"
)

// recordings lets other recordings of the same form be replayed.
var recordings = flag.String("recordings", "recordings", "folder of the recorded exchanges")

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
			t.Log(counts)
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	if *recordings == "recordings" && !t.Failed() {
		for _, entry := range replay.Idle(accepted) {
			t.Errorf("an entry of accepted.json excuses nothing: %s", entry)
		}
	}
}
