// Package server is the only wiring: New builds the rooms from a Config and
// joins them, Start opens the listeners, Stop ends in order. The front door
// (cmd/breezeblock), the guest room and testserver all call it; nothing else
// builds a room, and nothing registers itself.
//
// A server has no global state, so a thousand fit in one process. Files of a
// data folder are made here: lock, openrc, openrc-admin.
//
// Begin with server.go, New.
package server
