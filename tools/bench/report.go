package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// goal is what a median is held to: the ratio's where there is a limit, else ours.
// Zero is no bound.
type goal struct {
	Least float64 `json:"least,omitempty"`
	Most  float64 `json:"most,omitempty"`
}

func (g goal) none() bool { return g == goal{} }

func (g goal) met(v float64) bool {
	return (g.Least == 0 || v >= g.Least) && (g.Most == 0 || v <= g.Most)
}

func (g goal) text(unit string) string {
	if unit != "" {
		unit = " " + unit
	}
	switch {
	case g.none():
		return "-"
	case g.Least == 0:
		return "≤ " + short(g.Most) + unit
	case g.Most == 0:
		return "≥ " + short(g.Least) + unit
	}
	return short(g.Least) + "–" + short(g.Most) + unit
}

// row is one line of the table.
type row struct {
	Name   string   `json:"name"`
	Unit   string   `json:"unit"`
	Ours   spread   `json:"ours"`
	Limit  *spread  `json:"limit,omitempty"`
	Ratio  *spread  `json:"ratio,omitempty"`
	Goal   goal     `json:"goal"`
	Met    string   `json:"met"` // yes, no, "-" without a goal, "?" without rounds
	Rounds int      `json:"rounds"`
	Marked int      `json:"marked,omitempty"` // rounds left out: the machine was not fit
	Notes  []string `json:"notes,omitempty"`
}

func (r *row) judge() {
	value := r.Ours.Median
	if r.Ratio != nil {
		value = r.Ratio.Median
	}
	switch {
	case r.Goal.none():
		r.Met = "-"
	case r.Rounds == 0 || math.IsNaN(value):
		r.Met = "?"
	case r.Goal.met(value):
		r.Met = "yes"
	default:
		r.Met = "no"
	}
}

// rounds tells how many rounds the row is judged by.
func (r *row) rounds() string {
	switch {
	case r.Marked == 0:
		return fmt.Sprint(r.Rounds)
	case r.Rounds == 0:
		return fmt.Sprintf("0 (%d marked, told all the same)", r.Marked)
	}
	return fmt.Sprintf("%d (%d marked, left out)", r.Rounds, r.Marked)
}

// report is all of one run.
type report struct {
	Machine machine `json:"machine"`
	Rounds  int     `json:"rounds_asked"`
	Slot    string  `json:"slot"`
	Seed    uint64  `json:"seed"`
	Rows    []row   `json:"rows"`
}

// machine is where a run was made.
type machine struct {
	Processor  string `json:"processor"`
	Cores      int    `json:"cores"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	FileSystem string `json:"file_system"`
	Commit     string `json:"commit,omitempty"`
}

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func (r *report) writeTable(w io.Writer) error {
	m := r.Machine
	fmt.Fprintf(w, "%s, %d cores, Linux %s, %s; data on %s\n", m.Processor, m.Cores, m.Kernel, m.Go, m.FileSystem)
	fmt.Fprintf(w, "medians of the paired rounds [min–max]; slots of %s, seed %d\n\n", r.Slot, r.Seed)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\tours\tlimit\tratio\tgoal\tmet\trounds")
	var notes []string
	for _, row := range r.Rows {
		name := row.Name
		for _, note := range row.Notes {
			notes = append(notes, note)
			name += fmt.Sprintf(" (%d)", len(notes))
		}
		limit, ratio, unit := "-", "-", row.Unit
		if row.Limit != nil {
			limit = short(row.Limit.Median) + " " + row.Unit
			ratio, unit = row.Ratio.text(), ""
		}
		ours := row.Ours.text() + " " + row.Unit
		if row.Limit != nil {
			ours = short(row.Ours.Median) + " " + row.Unit
		}
		fmt.Fprintln(t, strings.Join([]string{name, ours, limit, ratio, row.Goal.text(unit), row.Met, row.rounds()}, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i, note := range notes {
		fmt.Fprintf(w, "(%d) %s\n", i+1, note)
	}
	return nil
}

// text is median [min–max]; one figure alone when there is no spread.
func (s spread) text() string {
	if s.Min == s.Max {
		return short(s.Median)
	}
	return fmt.Sprintf("%s [%s–%s]", short(s.Median), short(s.Min), short(s.Max))
}

// short writes three figures that count, and whole numbers from a hundred on.
func short(v float64) string {
	switch size := math.Abs(v); {
	case v == math.Trunc(v) && size < 1e6, size >= 100:
		return fmt.Sprintf("%.0f", v)
	case size >= 10:
		return fmt.Sprintf("%.1f", v)
	case size >= 0.01:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.4f", v)
}
