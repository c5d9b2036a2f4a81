// Package proof holds the service to its promises from outside: a reference model
// of the API, random histories, and the checks that must hold after each of them.
// Its tests are the proofs; docs/proofs.md lists them and what each one catches.
//
// The model (model.go, answer.go) says what every call must answer and what it
// leaves; slow work it only knows by what a status may become (observe.go). The
// tests run histories over HTTP in virtual time with faults and restarts, run each
// kind of job with a failure and a death at every point, check concurrent
// histories for an order that explains them, and kill the real process.
//
// Begin with history.go, then TestHistories. Keeps rules 2 to 7 of ARCHITECTURE.md.
package proof
