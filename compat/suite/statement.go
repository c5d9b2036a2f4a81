package suite

import (
	"context"
	"fmt"
	"slices"
)

// T is what a runner offers to a function of the suite; *testing.T does.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

// Statement is one promise about updating a snapshot. The numbers are those of
// the project's list of requirements, worked out from both seeds.
type Statement struct {
	Number  int
	Applies string // U2, U3 or U2+U3: PUT …/snapshots/{id} on /v2, /v3 or both
	Text    string
	Run     func(t T, e *Env)
}

// Name is the statement's name in a run, with its number.
func (s Statement) Name() string {
	return fmt.Sprintf("%s/%03d %s", s.Applies, s.Number, s.Text)
}

// Versions are the API versions that the statement is tried on.
func (s Statement) Versions() []string {
	switch s.Applies {
	case "U2":
		return []string{"v2"}
	case "U3":
		return []string{"v3"}
	}
	return []string{"v2", "v3"}
}

// Remarks are numbers of the list that state nothing to test: absences in the
// documents, notes about their examples, and the order of keys.
var Remarks = []int{21, 77, 82, 89, 95, 98}

// LastNumber is the highest number of the list.
const LastNumber = 101

// Statements are all statements, by number.
func Statements() []Statement {
	all := slices.Concat(addressing(), bodies(), values(), preconditions(), answers(), times(), faults())
	slices.SortStableFunc(all, func(a, b Statement) int { return a.Number - b.Number })
	return all
}

// Case is any other named function of the suite.
type Case struct {
	Name string
	Run  func(t T, e *Env)
}
