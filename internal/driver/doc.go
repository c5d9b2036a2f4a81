// Package driver is the contract between the heart and the bytes. A driver keeps
// volumes and their snapshots under IDs that are ours; it never learns of
// projects, users, HTTP or SQL.
//
// To write a driver: read driver.go, answer three questions in an ADR (where do
// the bytes lie, what makes a snapshot, what survives a power cut), implement
// Driver, and run drivertest.Run over it. Every call is idempotent: repeating
// one that was cut off finishes it or finds it done.
//
// Keeps rule 7 of ARCHITECTURE.md: drivers are small and one suite holds them all.
package driver
