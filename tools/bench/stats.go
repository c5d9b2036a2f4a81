package main

import (
	"math/rand/v2"
	"slices"
)

// spread is what several rounds gave: their median, and how far they lay apart.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf takes at least one value; of an even number the median is the mean of
// the middle two.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	s := slices.Clone(values)
	slices.Sort(s)
	middle := len(s) / 2
	median := s[middle]
	if len(s)%2 == 0 {
		median = (s[middle-1] + s[middle]) / 2
	}
	return spread{Median: median, Min: s[0], Max: s[len(s)-1]}
}

// ratiosOf divides value by value: each round by the limit of the same round.
// Rounds without a limit are left out.
func ratiosOf(ours, limits []float64) []float64 {
	var ratios []float64
	for i, limit := range limits {
		if limit > 0 && i < len(ours) {
			ratios = append(ratios, ours[i]/limit)
		}
	}
	return ratios
}

// shuffled is a copy in random order.
func shuffled[T any](rng *rand.Rand, items []T) []T {
	s := slices.Clone(items)
	rng.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return s
}

// pick takes one figure of each round.
func pick[T any](rounds []T, figure func(T) float64) []float64 {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = figure(r)
	}
	return values
}
