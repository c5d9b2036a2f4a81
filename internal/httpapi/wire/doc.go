// Package wire lies beneath the doors: the row of the route table, the exchange
// (one request and its answer), strict reading of JSON bodies, lengths of texts,
// microversions, paging, and the switches of the dialects.
//
// It decides nothing about volumes or snapshots and writes no failure: a door's
// writeFault does. A handler reads its body, then calls Exchange.Authorize, the
// only way to a block.Caller, so no handler can forget its route's permission.
//
// Begin with route.go and exchange.go. Keeps rules 8 and 9 of ARCHITECTURE.md.
package wire
