// Package compat holds the promises to the outside, tested from the outside:
// client (a plain HTTP client that can send exact bytes), replay (recorded
// exchanges with a real Cinder, played against a server), suite (the statements
// and operations, run by go test and by breezeblock conform), samples (golden
// request and answer shapes), openapi (the EVS API field by field),
// recordings, and accepted.json (each difference from a recording that is meant).
//
// Nothing here knows a package of internal/; only the tests of this folder
// start a server. Begin with suite/statement.go for what the service promises,
// and replay/run.go for how a recording is played.
package compat
