package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestMedianIsHeldToTheGoal(t *testing.T) {
	ratio := func(v float64) *spread { return &spread{Median: v} }
	for _, tc := range []struct {
		name string
		row  row
		met  string
	}{
		{"ratio at the least", row{Ratio: ratio(0.75), Goal: goal{Least: 0.75}, Rounds: 5}, "yes"},
		{"ratio below the least", row{Ratio: ratio(0.74), Goal: goal{Least: 0.75}, Rounds: 5}, "no"},
		{"figure above the most", row{Ours: spread{Median: 51}, Goal: goal{Most: 50}, Rounds: 5}, "no"},
		{"within both", row{Ratio: ratio(1.05), Goal: goal{0.9, 1.1}, Rounds: 5}, "yes"},
		{"above both", row{Ratio: ratio(1.2), Goal: goal{0.9, 1.1}, Rounds: 5}, "no"},
		{"no goal", row{Ours: spread{Median: 51}, Rounds: 5}, "-"},
		{"no round that counts", row{Ratio: ratio(0), Goal: goal{Least: 0.3}}, "?"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.row.judge(); tc.row.Met != tc.met {
				t.Errorf("met %q, want %q", tc.row.Met, tc.met)
			}
		})
	}
}

func TestTableAndJSONSayTheSame(t *testing.T) {
	get := row{Name: "GET", Unit: "1/s", Ours: spread{40000, 39000, 41000}, Limit: &spread{50000, 49000, 51000},
		Ratio: &spread{0.8, 0.78, 0.82}, Goal: goal{Least: 0.75}, Rounds: 7}.with("against bare net/http")
	start := row{Name: "start", Unit: "ms", Ours: spread{12.34, 11, 19.5}, Goal: goal{Most: 50}, Rounds: 7, Marked: 2}
	get.judge()
	start.judge()
	r := report{Rows: []row{get, start}, Slot: "1s"}
	var table, text bytes.Buffer
	if err := r.writeTable(&table); err != nil {
		t.Fatal(err)
	}
	if err := r.writeJSON(&text); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"GET (1)  40000 1/s", "50000 1/s", "0.80 [0.78–0.82]", "≥ 0.75", "(1) against bare net/http",
		"12.3 [11–19.5] ms", "≤ 50 ms", "7 (2 marked, left out)",
	} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("the table lacks %q:\n%s", line, table.String())
		}
	}
	var back report
	if err := json.Unmarshal(text.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Rows[0].Ratio.Median != 0.8 || back.Rows[0].Met != "yes" || back.Rows[1].Ratio != nil {
		t.Errorf("JSON gives %+v", back.Rows)
	}
}

func TestFiguresAreShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 7: "7", 0.754: "0.75", 12.34: "12.3", 12345.6: "12346", 0.0021: "0.0021"} {
		if got := short(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}
