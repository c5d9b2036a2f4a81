package compat_test

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/breezeblock/breezeblock/compat/client"
	"github.com/breezeblock/breezeblock/compat/suite"
)

// codeRow is one line of evs-codes.tsv: a code of EVS or of its gateway, the status it
// comes with, and the functions that raise it, or why nothing does.
type codeRow struct {
	code, status string
	by           []string // empty: it cannot arise
	why          string
}

// inJob stands in the place of the status of a code that a failed job has.
const inJob = "job"

func readCodes(t *testing.T) []codeRow {
	t.Helper()
	file, err := os.Open("evs-codes.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rows []codeRow
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if lines.Text() == "" || lines.Text()[0] == '#' {
			continue
		}
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) != 5 || cells[2] == "" {
			t.Fatalf("not five columns, code, status, meaning, raised by, remark: %q", lines.Text())
		}
		r := codeRow{code: cells[0], status: cells[1], why: cells[4]}
		if cells[3] != "" {
			r.by = strings.Split(cells[3], ", ")
		} else if r.why == "" {
			t.Errorf("%s %s: raised by nothing, and no reason is told", r.code, r.status)
		}
		rows = append(rows, r)
	}
	return rows
}

// codesSeen are the codes that answers had, by the function of the suite that was told
// them.
type codesSeen struct {
	mu  sync.Mutex
	now string
	by  map[string]map[[2]string]bool // function → code and status
}

// watch has every answer of a target's sessions looked at.
func watch(target *client.Target) *codesSeen {
	s := &codesSeen{by: map[string]map[[2]string]bool{}}
	target.Watch = func(_ client.Request, a *client.Answer) { s.look(a) }
	return s
}

// begin tells which function comes next.
func (s *codesSeen) begin(function string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now = function; s.by[function] == nil {
		s.by[function] = map[[2]string]bool{}
	}
}

var codeForm = regexp.MustCompile(`^(EVS|APIGW|Common)\.[0-9]{4}$`)

// look keeps the codes of an answer: of an error in both shapes, and of jobs.
func (s *codesSeen) look(a *client.Answer) {
	if a.Status >= 400 {
		s.note(a.Under("error")["code"], fmt.Sprint(a.Status))
		s.note(a.Object()["error_code"], fmt.Sprint(a.Status))
		return
	}
	if job := a.Object(); job["job_type"] != nil {
		s.note(job["error_code"], inJob)
	}
}

func (s *codesSeen) note(code any, status string) {
	text, _ := code.(string)
	if !codeForm.MatchString(text) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[s.now] != nil {
		s.by[s.now][[2]string{text, status}] = true
	}
}

// check holds what was seen to the table: each function that ran was told none that
// the table does not have and, in dialect evs, the codes that it is said to raise.
func (s *codesSeen) check(t *testing.T, dialect string, rows []codeRow) {
	t.Helper()
	raised := map[[2]string]bool{}
	for _, r := range rows {
		pair := [2]string{r.code, r.status}
		raised[pair] = raised[pair] || len(r.by) > 0
		for _, function := range r.by {
			if seen, ran := s.by[function]; ran && !seen[pair] && dialect == "evs" {
				t.Errorf("%s was not told %s (%s), which the table says it raises", function, r.code, r.status)
			}
		}
	}
	for function, seen := range s.by {
		for pair := range seen {
			if !raised[pair] {
				t.Errorf("%s was told %s (%s), which the table does not have, or says cannot arise", function, pair[0], pair[1])
			}
		}
	}
}

// TestCodesOfEVSAreRaisedByWhatIsThere holds the table to the functions of the suite
// and the tests of the tree that it names, and each pair of code and status stands once.
func TestCodesOfEVSAreRaisedByWhatIsThere(t *testing.T) {
	known := map[string]bool{}
	for _, f := range suite.All() {
		known[f.Name] = true
	}
	seen := map[[2]string]bool{}
	for _, r := range readCodes(t) {
		if pair := [2]string{r.code, r.status}; seen[pair] || !codeForm.MatchString(r.code) {
			t.Errorf("%s %s stands twice, or is no code", r.code, r.status)
		} else {
			seen[pair] = true
		}
		for _, function := range r.by {
			if file, test, is := strings.Cut(function, ".go:"); is {
				text, err := os.ReadFile("../" + file + ".go")
				if err != nil || !strings.Contains(string(text), "func "+test+"(t *testing.T)") {
					t.Errorf("%s: there is no test %s in %s (%v)", r.code, test, file, err)
				}
			} else if !known[function] {
				t.Errorf("%s: the suite has no function %q", r.code, function)
			}
		}
	}
	if len(seen) < 120 {
		t.Errorf("the table has %d rows, fewer than the reference has codes", len(seen))
	}
}

// TestFaultsAndLimitsOfTheNativeFamilies runs the suite's functions on them, in both
// dialects.
func TestFaultsAndLimitsOfTheNativeFamilies(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			e, rows := env(t, dialect), readCodes(t)
			seen := watch(e.Target)
			for _, c := range slices.Concat(suite.NativeFaults(), suite.NativeLimits()) {
				t.Run(c.Name, func(t *testing.T) {
					seen.begin(c.Name)
					c.Run(t, e.In("v3"))
				})
			}
			seen.check(t, dialect, rows)
		})
	}
}
