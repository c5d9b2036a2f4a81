//go:build race

package wire

// raceDetector is on: sync.Pool then forgets at random, so that allocations say nothing.
const raceDetector = true
