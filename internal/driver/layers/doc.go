// Package layers is the default driver: a volume is a chain of sparse files. The
// head, on top, takes all writes; a snapshot seals it and puts an empty one above.
// docs/drivers/layers.md has the layout on disk.
//
// Begin with pool.go, then snapshot.go (the order of steps that survives a cut),
// core.go and write.go (an open volume). manifest.go and bitmap.go are the formats.
// Layer files are cut into segments of 8 TiB, as ext4's files end at 16 TiB.
//
// Not here yet: a sealed layer with data that no snapshot needs any more stays in
// the chain, for nothing merges layers; no zero map, rollback, check or repair. A
// sealed layer without data is never kept. Keeps rule 7 of ARCHITECTURE.md.
package layers
