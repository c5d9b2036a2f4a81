package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
)

func quiet(string, ...any) {}

func fixed(f figures, calls *[]string, name string) side {
	return func(context.Context) (figures, error) {
		*calls = append(*calls, name)
		return f, nil
	}
}

func TestEachRoundHasBothSidesInEitherOrder(t *testing.T) {
	var calls []string
	p := &pair{name: "p", ours: fixed(figures{rate: 50, cpu: 20}, &calls, "ours"), limit: fixed(figures{rate: 100, cpu: 10}, &calls, "limit")}
	if err := runPairs(t.Context(), rand.New(rand.NewPCG(1, 1)), 20, []*pair{p}, quiet); err != nil {
		t.Fatal(err)
	}
	oursFirst := 0
	for i := 0; i < len(calls); i += 2 {
		if calls[i] == calls[i+1] {
			t.Fatalf("round %d ran %s twice", i/2, calls[i])
		}
		if calls[i] == "ours" {
			oursFirst++
		}
	}
	if len(calls) != 40 || oursFirst == 0 || oursFirst == 20 {
		t.Errorf("%d slots, ours first in %d of 20 rounds: not shuffled", len(calls), oursFirst)
	}
	if r := p.rate("rate", goal{Least: 0.4}); r.Ratio.Median != 0.5 || r.Rounds != 20 {
		t.Errorf("rate row: %+v", r)
	}
	if r := p.cpuRatio("cpu", goal{}); r.Ratio.Median != 2 {
		t.Errorf("CPU row: %+v", r)
	}
}

func TestRoundsWithASlowDiskAreMarkedLeftOutAndRunAgain(t *testing.T) {
	var calls []string
	tries := 0
	p := &pair{name: "put", ours: fixed(figures{rate: 30}, &calls, "ours"), limit: fixed(figures{rate: 100}, &calls, "limit"), least: 2000}
	p.gate = func(context.Context) (float64, error) {
		tries++
		if tries <= 4 { // before and after, in the first two rounds
			return 900, nil
		}
		return 5000, nil
	}
	if err := runPairs(t.Context(), rand.New(rand.NewPCG(1, 1)), 5, []*pair{p}, quiet); err != nil {
		t.Fatal(err)
	}
	if r := p.rate("put", goal{Least: 0.3}); r.Rounds != 5 || r.Marked != 2 {
		t.Errorf("%d rounds counted and %d marked, want 5 and 2", r.Rounds, r.Marked)
	}
}

func TestADiskThatStaysSlowEndsTheRunUnjudged(t *testing.T) {
	var calls []string
	p := &pair{name: "put", ours: fixed(figures{rate: 30}, &calls, "ours"), limit: fixed(figures{rate: 100}, &calls, "limit"), least: 2000}
	p.gate = func(context.Context) (float64, error) { return 230, nil }
	if err := runPairs(t.Context(), rand.New(rand.NewPCG(1, 1)), 5, []*pair{p}, quiet); err != nil {
		t.Fatal(err)
	}
	r := p.rate("put", goal{Least: 0.3})
	if r.judge(); r.Met != "?" || r.Marked != 15 || r.Ratio.Median != 0.3 {
		t.Errorf("judged %q with %d marked rounds and ratio %v, want ? with 15 and 0.3", r.Met, r.Marked, r.Ratio.Median)
	}
}

func TestAFailedSlotEndsTheRun(t *testing.T) {
	broken := errors.New("connection refused")
	p := &pair{name: "get", ours: func(context.Context) (figures, error) { return figures{}, broken }}
	if err := runPairs(t.Context(), rand.New(rand.NewPCG(1, 1)), 5, []*pair{p}, quiet); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
