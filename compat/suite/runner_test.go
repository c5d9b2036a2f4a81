package suite

import (
	"strings"
	"testing"
)

func TestRunTellsFailuresSkipsAndCleansUp(t *testing.T) {
	for _, tc := range []struct {
		name            string
		run             func(T)
		failed, skipped bool
		note            string
	}{
		{"passes", func(T) {}, false, false, ""},
		{"fails and goes on", func(t T) { t.Errorf("one"); t.Logf("two") }, true, false, "one two"},
		{"fails and ends", func(t T) { t.Fatalf("one"); t.Errorf("two") }, true, false, "one"},
		{"skips", func(t T) { t.Skipf("no %s", "administrator"); t.Errorf("two") }, false, true, "no administrator"},
		{"cleans up last things first", func(t T) {
			t.Cleanup(func() { t.Logf("first") })
			t.Cleanup(func() { t.Logf("second") })
		}, false, false, "second first"},
		{"survives its own fault", func(T) { panic("oh") }, true, false, "the suite itself failed: oh"},
	} {
		r := play(t.Context(), tc.name, tc.run)
		if r.Failed != tc.failed || r.Skipped != tc.skipped || strings.Join(r.Notes, " ") != tc.note {
			t.Errorf("%s: got %+v", tc.name, r)
		}
	}
}
