// Package evs is the door of the native EVS families: snapshots, disks and jobs as
// the vendor's own clients ask for them. The objects are those of the Cinder family.
//
// The rows are in routes.go. Every failure goes through fault.go: a table by kind,
// and one of finer codes by call and by what an error is about. list.go reads what
// all native lists share. What both families read and show is in wire.
package evs
