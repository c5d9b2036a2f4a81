package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Accepted is one difference from the recordings that is meant.
type Accepted struct {
	// Row is an id, or patterns with * and ?, separated by blanks.
	Row string `json:"row"`
	// Where is status, body, headers or stored; several separated by |.
	Where string `json:"where"`
	// At narrows body, headers and stored to paths that match; patterns as in Row,
	// empty is everything there. A path reads volumes[0].status.
	At string `json:"at,omitempty"`
	// Reason says why we differ.
	Reason string `json:"reason"`
	// Source says what decided it.
	Source string `json:"source"`

	used int // differences it excused in this run
}

// LoadAccepted reads accepted.json; every entry must say why and from where.
func LoadAccepted(file string) ([]*Accepted, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var entries []*Accepted
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&entries); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var faults []error
	for i, e := range entries {
		if e.Row == "" || e.Where == "" || e.Reason == "" || e.Source == "" {
			faults = append(faults, fmt.Errorf("%s: entry %d (%s) lacks row, where, reason or source", file, i+1, e.Row))
		}
	}
	return entries, errors.Join(faults...)
}

// Idle names the entries that excused nothing in this run.
func Idle(entries []*Accepted) []string {
	var idle []string
	for _, e := range entries {
		if e.used == 0 {
			idle = append(idle, e.Row+" ("+e.Where+" "+e.At+"): "+e.Reason)
		}
	}
	return idle
}

// excuse finds an entry for one difference.
func excuse(entries []*Accepted, row string, d Difference) *Accepted {
	for _, e := range entries {
		if anyMatch(e.Row, " ", row) && contains(e.Where, d.Where) && (e.At == "" || anyMatch(e.At, " ", d.At)) {
			e.used++
			return e
		}
	}
	return nil
}

func contains(list, word string) bool {
	for w := range strings.SplitSeq(list, "|") {
		if w == word {
			return true
		}
	}
	return false
}

func anyMatch(patterns, separator, text string) bool {
	for p := range strings.SplitSeq(patterns, separator) {
		if p != "" && match(p, text) {
			return true
		}
	}
	return false
}

// match is * for any run of characters and ? for one; ids hold slashes and
// brackets, so path.Match will not do.
func match(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	switch pattern[0] {
	case '*':
		for i := len(text); i >= 0; i-- {
			if match(pattern[1:], text[i:]) {
				return true
			}
		}
		return false
	case '?':
		return text != "" && match(pattern[1:], text[1:])
	}
	return text != "" && text[0] == pattern[0] && match(pattern[1:], text[1:])
}
