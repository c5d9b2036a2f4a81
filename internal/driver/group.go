package driver

import "context"

// GroupSnapshotter is a Driver that can keep several volumes as they are at one
// moment. It is asked for by a type assertion; a driver that cannot has no such method.
type GroupSnapshotter interface {
	// SnapshotGroup keeps each volume under the name of its snapshot, all as they are
	// at one moment, durable on return: of two writes, to whichever volumes, of which
	// one was begun after the other had been answered, no snapshots hold the later and
	// not the earlier. A volume comes once. The fence counts for each of them. A call
	// that was cut off may leave some of the snapshots; repeating it takes all anew,
	// unless all are there: then it was done.
	SnapshotGroup(ctx context.Context, refs []Ref, fence Fence) error
}
