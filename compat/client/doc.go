// Package client is the black-box side of HTTP: it knows addresses, names and
// passwords, and sends bytes exactly as told, also those that net/http's client
// would mend (lower-case methods, doubled slashes, wrong lengths, half bodies).
//
// It knows nothing of the server's code. Begin with raw.go (one exchange), then
// session.go (a token of a project), then stage.go (projects, users, quotas).
package client
