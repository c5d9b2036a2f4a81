// Command bench measures what docs/benchmarks.md promises: the service as a built
// binary over loopback, and the store in process, each beside its limit in the
// same run — bare net/http, the bare disk loop, the bare encoding of the same rows.
//
// Ratios are medians over shuffled, paired rounds, because a machine's speed moves
// more between runs than our code does. It knows Linux only.
//
// Begin with main.go (the rows in order) and pair.go (how rounds are paired).
package main
