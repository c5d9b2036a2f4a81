// Package cinder is the door of the Cinder families: /v2 and /v3 of snapshots,
// volumes, their metadata and actions, types, quotas, limits and the version
// documents. Each noun has one file here with its rows' handlers and views.
//
// The rows are in routes.go; every failure goes through the one fault table in
// fault.go. What the lists of volumes and snapshots share is in list.go, what
// their metadata calls share in metadata.go; snapshots are shown by wire/snapshot.go.
//
// Begin with snapshot.go, updateSnapshot. Keeps rules 8 and 9 of ARCHITECTURE.md.
package cinder
