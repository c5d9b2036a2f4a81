package layers

// Step names a point within a call where it can be cut. Each is passed before
// the thing it names is done; what the call did until then is on the disk.
type Step string

// The steps in the order in which the calls pass them. Every manifest that is
// replaced passes the two manifest steps besides.
const (
	StepStage      Step = "stage"       // CreateX: fill a folder beside the volumes
	StepPublish    Step = "publish"     // CreateX: rename it among them
	StepPublished  Step = "published"   // CreateX: make the new name durable
	StepGrow       Step = "grow"        // Extend: lengthen the head
	StepResize     Step = "resize"      // Extend: the manifest tells the new size
	StepSyncHead   Step = "sync head"   // Snapshot: fdatasync while I/O goes on
	StepMakeHead   Step = "make head"   // Snapshot: make the empty layer
	StepNameHead   Step = "name head"   // Snapshot: the manifest names it
	StepSwitch     Step = "switch"      // Snapshot: writes go to the new head
	StepSyncSealed Step = "sync sealed" // Snapshot: fdatasync what came before the switch
	StepWriteMap   Step = "write map"   // Snapshot: the sealed layer's bitmap
	StepRecord     Step = "record"      // Snapshot: the manifest names the snapshot
	StepForget     Step = "forget"      // DeleteSnapshot: the manifest drops the name
	StepTrash      Step = "trash"       // Delete: rename the folder away
	StepTrashed    Step = "trashed"     // Delete: make that durable
	StepRemove     Step = "remove"      // Delete: remove the files
	StepBranch     Step = "branch"      // Rollback: the manifest puts a new head above the snapshot

	// In the background:
	StepSums        Step = "sums"         // count the sums of a sealed layer
	StepSumsRecord  Step = "sums record"  // the manifest tells of them
	StepMergeBegin  Step = "merge begin"  // the manifest tells of the merge
	StepMergeCopy   Step = "merge copy"   // copy between the layers
	StepMergeSync   Step = "merge sync"   // fdatasync of the one that stays
	StepMergeMap    Step = "merge map"    // its bitmap and sums
	StepMergeRecord Step = "merge record" // the manifest has one layer of two

	StepTakeOut        Step = "take out"        // remove files that the manifest has let go
	StepManifestRename Step = "manifest rename" // the new text is durable beside the old
	StepManifestSync   Step = "manifest sync"   // it has the name, not yet durably
)
