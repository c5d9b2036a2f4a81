package main

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSpreadIsMedianAndEnds(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values []float64
		want   spread
	}{
		{"nothing", nil, spread{}},
		{"one", []float64{3}, spread{3, 3, 3}},
		{"odd, unsorted", []float64{9, 1, 5}, spread{5, 1, 9}},
		{"even: the mean of the middle two", []float64{4, 1, 10, 2}, spread{3, 1, 10}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := slices.Clone(tc.values)
			if got := spreadOf(tc.values); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if !slices.Equal(before, tc.values) {
				t.Error("the rounds were put into another order: pairs would be torn apart")
			}
		})
	}
}

func TestRatiosAreTakenWithinARound(t *testing.T) {
	// The machine became ten times slower in the second round: the ratio did not.
	got := ratiosOf([]float64{800, 90, 5}, []float64{1000, 100, 0})
	if want := []float64{0.8, 0.9}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if s := spreadOf(got); s.Median < 0.84 || s.Median > 0.86 {
		t.Errorf("median %v, want 0.85", s.Median)
	}
}

func TestShufflingKeepsEveryItemAndRepeatsWithItsSeed(t *testing.T) {
	items := []int{1, 2, 3, 4, 5, 6, 7, 8}
	first := shuffled(rand.New(rand.NewPCG(7, 7)), items)
	again := shuffled(rand.New(rand.NewPCG(7, 7)), items)
	if !slices.Equal(first, again) {
		t.Errorf("the same seed gave %v and %v", first, again)
	}
	if slices.Equal(first, items) {
		t.Error("nothing was shuffled")
	}
	slices.Sort(first)
	if !slices.Equal(first, items) {
		t.Errorf("shuffling gave %v", first)
	}
}
