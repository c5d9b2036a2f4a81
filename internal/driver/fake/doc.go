// Package fake is a driver in memory, for tests: quick, thin at any size, and
// able to fail. It holds the promises of driver.go (drivertest runs over it), so
// that what passes with it passes with a real engine.
//
// Faults come in as values: New(Fault{...}) fails, hangs or loses the answer of
// the n-th call of a kind; Failing(err) refuses everything. Nothing is durable:
// Reopen gives the same bytes in the same process.
//
// Begin with fault.go. Keeps rule 7 of ARCHITECTURE.md.
package fake
