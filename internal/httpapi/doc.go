// Package httpapi is the hall: what every request passes before a door opens.
// It canonicalises the path, gives the request its id, asks for the token, finds
// the row of the route table, negotiates the version, reads the body, compares
// the projects, and counts and logs the answer. The doors (cinder, evs, keystone,
// image) hold the rows and handlers of their families; wire lies beneath them.
//
// The order of checks is in hall.go, serve: 413, 401, 404/405, 400/406 (version),
// 415, 400 (JSON), 400 (project); then the handler: schema, permission, object.
//
// Begin with hall.go, then path.go. Keeps rules 8 and 9 of ARCHITECTURE.md.
package httpapi
