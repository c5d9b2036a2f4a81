// Package nbd serves driver.Devices to hypervisors and hosts over the NBD
// protocol: the fixed newstyle handshake, TLS, structured replies, block status.
//
// What lives here: the wire format, limits, fair shares (QoS), and who may still
// speak after a detach. What does not: which export names there are and whose they
// are (Exports, of internal/server), and the bytes (driver).
//
// Begin with Server in server.go; a connection's life is in conn.go, its two halves
// in handshake.go and transmit.go; wire.go holds every number of the protocol.
// Names of exports are secrets: they are never logged (LogName).
//
// Why it is built so: docs/adr/0011-nbd-server.md.
package nbd
