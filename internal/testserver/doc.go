// Package testserver is a whole server inside a test: on port 0, with a data
// folder of its own, users admin and demo, and helpers to speak HTTP to it.
// Tests enter by the front: whatever they check, they reach it by a request.
package testserver
