// Package keystone is the door of the identity API: Keystone v3 as far as stock
// clients use it. It reads and writes the wire; internal/identity does the work.
//
// One API is made for each place it is served at: below /identity on the main
// listener, at the root of the identity listener. Begin with routes.go, then
// auth.go (a token is asked for) and fault.go (the one fault table).
// Unknown keys of a body are passed over, as Keystone does.
// Keeps rules 8 and 9 of ARCHITECTURE.md.
package keystone
