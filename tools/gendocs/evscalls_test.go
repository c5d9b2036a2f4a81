package main

import (
	"strings"
	"testing"
)

// The list has all calls that the reference counts, each once, and the rows that
// name the EVS reference as their source are in it.
func TestEVSCallsAreAllServed(t *testing.T) {
	calls, err := readEVSCalls("../../" + evsCallsFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(calls) != 180 {
		t.Errorf("the list has %d calls; the reference counts 180", len(calls))
	}
	rows, seen, missing := evsRows(), map[string]bool{}, 0
	for _, c := range calls {
		if seen[c.String()] {
			t.Errorf("%s stands twice in the list", c)
		}
		seen[c.String()] = true
		if _, is := rowOf(c, rows); !is {
			missing++
		}
		if c.note != "" && !strings.HasPrefix(c.note, refusal) {
			t.Errorf("%s: its note %q is no refusal", c, c.note)
		}
	}
	if missing > 0 {
		t.Errorf("%d calls are missing", missing)
	}
}
