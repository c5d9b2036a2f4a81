// Package layers is the default driver: a volume is a chain of sparse files. The
// head, on top, takes all writes; a snapshot seals it and puts an empty one above.
// docs/drivers/layers.md has the layout on disk.
//
// Begin with pool.go, then snapshot.go (the order of steps that survives a cut),
// core.go and write.go (an open volume). manifest.go and bitmap.go are the formats.
// Layer files are cut into segments of 8 TiB, as ext4's files end at 16 TiB.
//
// Layers that are only seen together are merged in the background (merge.go), sealed
// ones have checksums (sums.go, verify.go), check.go finds and mends damage.
// powercut_test.go is the proof of the orders of steps.
//
// Keeps rule 7 of ARCHITECTURE.md: drivers are small and one suite holds them all.
package layers
