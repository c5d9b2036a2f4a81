package compat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
	"github.com/breezeblock/breezeblock/compat/suite"
	"github.com/breezeblock/breezeblock/internal/testserver"
)

// dialects are both; every function of the suite runs in each.
var dialects = []string{"evs", "cinder"}

// senderTimeout is how long the servers of these tests wait for a slow sender.
const senderTimeout = 2 * time.Second

// env is a fresh server with the suite's people and volume.
func env(t *testing.T, dialect string, options ...testserver.Option) *suite.Env {
	t.Helper()
	e, _ := envOf(t, target(t, dialect, options...))
	return e
}

// envOf tells besides what the answers are held against; nothing in dialect cinder.
func envOf(t *testing.T, to *client.Target) (*suite.Env, *contract) {
	t.Helper()
	var c *contract
	if to.Dialect == "evs" {
		c = holdAnswers(t, to)
	}
	e, err := suite.NewEnv(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return e, c
}

// TestUpdateSnapshotKeepsEveryStatement runs the statements by number, on each API
// version that they speak of.
func TestUpdateSnapshotKeepsEveryStatement(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			e := env(t, dialect)
			for _, s := range suite.Statements() {
				t.Run(s.Name(), func(t *testing.T) {
					for _, version := range s.Versions() {
						t.Run(version, func(t *testing.T) { s.Run(t, e.In(version)) })
					}
				})
			}
		})
	}
}

func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			e := env(t, dialect, testserver.ReadTimeout(senderTimeout))
			e.ReadTimeout = senderTimeout
			for _, c := range suite.BadInput() {
				t.Run(c.Name, func(t *testing.T) {
					for _, version := range []string{"v2", "v3"} {
						t.Run(version, func(t *testing.T) { c.Run(t, e.In(version)) })
					}
				})
			}
		})
	}
}

func TestEveryOperationDoesWhatItSays(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			e, c := envOf(t, target(t, dialect))
			seen := watch(e.Target)
			ran := 0
			for _, o := range suite.Operations() {
				t.Run(o.Name, func(t *testing.T) {
					ran++
					seen.begin(o.Name)
					for _, version := range o.TriedOn() {
						t.Run(version, func(t *testing.T) { o.Run(t, e.In(version)) })
					}
				})
			}
			seen.check(t, dialect, readCodes(t))
			if c != nil && ran == len(suite.Operations()) { // and not what -run names
				c.wantEvery()
			}
		})
	}
}

// TestStrictSizesAreThoseOfEVS runs what only servers with the setting promise.
func TestStrictSizesAreThoseOfEVS(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			where := target(t, dialect, testserver.Set("strict-sizes", "true"))
			where.LeastSize = 10
			e, _ := envOf(t, where)
			for _, c := range suite.StrictSizes() {
				t.Run(c.Name, func(t *testing.T) {
					for _, version := range []string{"v2", "v3"} {
						t.Run(version, func(t *testing.T) { c.Run(t, e.In(version)) })
					}
				})
			}
		})
	}
}

// TestSnapshotsOfAVolumeAreBoundedBySettings runs with the defaults of dialect evs and with others.
func TestSnapshotsOfAVolumeAreBoundedBySettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dialect  string
		bounds   suite.SnapshotBounds
		settings []testserver.Option
	}{
		{"evs", suite.SnapshotBounds{Legacy: 7, Standard: 8, Instant: 7}, []testserver.Option{testserver.Set("standard-snapshots-per-volume", "8")}},
		{"evs", suite.SnapshotBounds{Legacy: 1, Standard: 3, Instant: 1}, []testserver.Option{testserver.Set("snapshots-per-volume", "1"),
			testserver.Set("standard-snapshots-per-volume", "3"), testserver.Set("instant-snapshots-per-volume", "1")}},
		{"cinder", suite.SnapshotBounds{Legacy: 2, Standard: 3, Instant: 1}, []testserver.Option{testserver.Set("snapshots-per-volume", "2"),
			testserver.Set("standard-snapshots-per-volume", "3"), testserver.Set("instant-snapshots-per-volume", "1")}},
	} {
		t.Run(fmt.Sprintf("%s %+v", tc.dialect, tc.bounds), func(t *testing.T) {
			t.Parallel()
			e := env(t, tc.dialect, tc.settings...)
			for _, version := range []string{"v2", "v3"} {
				t.Run(version, func(t *testing.T) { tc.bounds.Run(t, e.In(version)) })
			}
		})
	}
}

func TestDialectCinderBehavesAsObserved(t *testing.T) {
	t.Parallel()
	e := env(t, "cinder")
	for _, c := range suite.Observed() {
		t.Run(c.Name, func(t *testing.T) {
			for _, version := range []string{"v2", "v3"} {
				t.Run(version, func(t *testing.T) { c.Run(t, e.In(version)) })
			}
		})
	}
}

// TestEveryNumberButTheRemarksIsAStatement holds the suite against the list.
func TestEveryNumberButTheRemarksIsAStatement(t *testing.T) {
	count := map[int]int{}
	for _, s := range suite.Statements() {
		count[s.Number]++
		if s.Text == "" || s.Run == nil || !slices.Contains([]string{"U2", "U3", "U2+U3"}, s.Applies) {
			t.Errorf("statement %d is not complete", s.Number)
		}
	}
	for n := 1; n <= suite.LastNumber; n++ {
		want := 1
		if slices.Contains(suite.Remarks, n) {
			want = 0
		}
		if count[n] != want {
			t.Errorf("statement %d: %d functions, want %d", n, count[n], want)
		}
	}
}

func TestOperationNamesAreOfTheTablesForm(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range suite.Operations() {
		if seen[o.Name] || o.Name == "" || strings.ContainsAny(o.Name, " /") || o.Run == nil {
			t.Errorf("operation %q is there twice, or has no name, or does nothing", o.Name)
		}
		seen[o.Name] = true
	}
}

var _ suite.T = (*testing.T)(nil)

// adminless is a target without administrator, as conform may meet one.
func adminless(target *client.Target) *client.Target {
	copied := *target
	copied.Admin = client.Login{}
	return &copied
}

// TestTheSuiteRunsWithoutAnAdministrator: what needs one is skipped, nothing fails.
func TestTheSuiteRunsWithoutAnAdministrator(t *testing.T) {
	t.Parallel()
	e, err := suite.NewEnv(t.Context(), adminless(target(t, "evs")))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suite.Statements() {
		if s.Number < 16 || (s.Number > 60 && s.Number < 68) {
			t.Run(s.Name(), func(t *testing.T) { s.Run(t, e.In("v3")) })
		}
	}
}
