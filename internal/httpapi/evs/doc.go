// Package evs is the door of the native EVS families. For now it opens on
// /v2/{project_id}/cloudsnapshots/{snapshot_id}, show, update and rollback: the same
// object and the same requests as in the Cinder family, with native errors.
//
// The rows are in routes.go; every failure goes through the one fault table in
// fault.go. What both families read and show of a snapshot is in wire/snapshot.go.
package evs
