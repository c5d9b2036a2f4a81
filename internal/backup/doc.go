// Package backup keeps backups of block devices in an object store: chunks named
// by a keyed hash of what they hold, compressed and encrypted, and for each backup
// a manifest that names all of its chunks, so that every backup restores alone.
// It knows no volumes, projects, HTTP or SQL.
//
// Begin with repository.go; write.go, restore.go, verify.go and sweep.go are its
// four pieces of work, box.go and manifest.go the formats (docs/adr/0017), objects.go
// the contract with a store of objects and directory.go the one there is.
//
// Never here: a live volume (it reads whatever io.ReaderAt it is given, and the
// caller gives a snapshot), a chunk that is handed out unchecked.
package backup
