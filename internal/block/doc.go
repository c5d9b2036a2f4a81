// Package block is the heart: the nouns of block storage (volume, snapshot,
// type, quota), their statuses and rules, the kinds of error, the limits, and
// the Service that carries out each call.
//
// It knows no HTTP, no SQL and no disk. What it needs of the outside it names
// itself: Store (rows, in transactions) and driver.Driver (bytes). Slow work is
// a row in the job table, queued in the transaction that changes the status.
//
// Begin with snapshot.go (the noun and its rules), then update_snapshot in
// service_snapshot.go. Keeps rules 2, 4 and 6 of ARCHITECTURE.md: one write per
// noun guarded by a version, status is the lock, usage changes with the noun.
package block
