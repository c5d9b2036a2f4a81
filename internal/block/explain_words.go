package block

import "fmt"

// words are what there is to say of a status.
type words struct {
	work      string // what a job is to do; empty: the status needs no job
	good, bad string // how the work ends
	waits     string // without work: what it waits for
	then      string // without work: what happens by itself
	can       []string
	adminCan  []string
}

// What administrators can do in any status.
const (
	canReset = "set its status by hand (os-reset_status)"
	canForce = "delete it whatever is being done to it (os-force_delete)"
)

// wordsOfVolume are the words of each status; see volumeMoves.
func wordsOfVolume(v *Volume) words {
	w := words{adminCan: []string{canReset, canForce}}
	readable := []string{"rename it", "change its metadata"}
	switch v.Status {
	case VolumeCreating:
		w.work, w.good, w.bad = "for the storage to make the volume", "becomes available", "error"
	case VolumeDownloading:
		w.work, w.good, w.bad = "for the storage to write an image to the volume", "holds the image and is "+string(v.rests()), "error"
	case VolumeUploading:
		w.work, w.good = "for the storage to copy the volume to an image", "is "+string(v.rests())+" again"
		w.bad = string(v.rests()) + " again, and there is no image"
	case VolumeDeleting:
		w.work, w.good, w.bad = "for the storage to delete the volume", "is gone, with its snapshots and what they used of the quota", "error_deleting"
		return w
	case VolumeExtending:
		w.work = fmt.Sprintf("for the storage to extend the volume to %d GB", max(v.ExtendTo, v.Size))
		w.good, w.bad = "has its new size and is "+string(v.rests()), "error_extending"
	case VolumeAvailable:
		w.can = []string{"attach it", "extend it", "take a snapshot", "roll it back to a snapshot", "make a volume from it", "delete it; with cascade its snapshots, too"}
	case VolumeInUse:
		w.can = []string{"detach it", "take a snapshot with force", "make a volume from it", "extend it (microversion 3.42 or EVS)"}
		if v.isCuttingOff() {
			w.then = "A client that was detached could not be cut off: it is cut off when it is detached again, or when the server starts anew."
		}
	case VolumeError:
		w.then = "Its creation failed, or its reversion to a snapshot; nothing happens by itself."
		w.can = []string{"delete it", "make another"}
	case VolumeRollbacking, VolumeReverting:
		w.work, w.good = "for the storage to roll the volume back to a snapshot", "holds what the snapshot holds and is available"
		w.bad = string(exitOfVolume(v.Status))
	case VolumeBackingUp:
		w.work, w.good, w.bad = "for a backup of it to be made", "is "+string(v.rests()), string(v.rests())+", and the backup says error"
	case VolumeRestoringBackup:
		w.work, w.good, w.bad = "for a backup to be restored to it", "holds what the backup holds and is available", "error_restoring"
	case VolumeErrorRestoring:
		w.then = "A restoration to it failed: it holds some of the backup and some of what it held; nothing happens by itself."
		w.can = []string{"delete it", "ask an administrator to set it available (os-reset_status), and restore to it again"}
	case VolumeErrorRollbacking:
		w.then = "Its rollback failed: it holds what it held, or what the snapshot holds; nothing happens by itself."
		w.can = []string{"roll it back again, to any of its snapshots", "delete it; with cascade its snapshots, too"}
	case VolumeErrorDeleting:
		w.then = "Its deletion failed; nothing happens by itself."
		w.can = []string{"delete it again"}
	case VolumeErrorExtending:
		w.then = "Its extension failed: it holds what it held, at its old size; nothing happens by itself."
		w.can = []string{"delete it", "ask an administrator to set it available (os-reset_status)"}
	case VolumeReserved, VolumeAttaching:
		w.waits = "for whoever reserved it to attach it (os-attach, or update and completion of its attachment)"
		w.can = []string{"attach it", "give it back (os-unreserve, or deletion of its attachment)"}
	case VolumeDetaching:
		w.waits = "for whoever began it to detach it (os-detach)"
		w.can = []string{"detach it", "leave it attached (os-roll_detaching)"}
	case VolumeAwaiting:
		w.waits = "for another project to accept the offer of it, or for its own to call that off (deletion of the transfer)"
		w.can = []string{"accept it elsewhere, with the transfer's key", "call it off: delete the transfer"}
	case VolumeRecycled:
		w.waits = "in the recycle bin, until " + TimeValue(v.RecycledUntil) + ", to be deleted for good"
		w.can = []string{"give it back (recycle-bin-volumes/revert)", "delete it for good (recycle-bin-volumes)"}
	case VolumeMaintenance:
		w.waits = "for an administrator to end the maintenance (os-reset_status)"
	default:
		w.work, w.good, w.bad = "for work of another version of this service", "goes on", "error"
	}
	if v.GroupID != "" {
		w.can = membersCan(w.can, "take it out of its group (remove_volumes), or delete the group with its volumes")
	}
	w.can = append(w.can, readable...)
	return w
}

// wordsOfSnapshot are the words of each status; see snapshotMoves.
func wordsOfSnapshot(s *Snapshot) words {
	w := words{adminCan: []string{canReset, canForce}}
	switch s.Status {
	case SnapshotCreating:
		w.work, w.good, w.bad = "for the storage to take the snapshot", "becomes available", "error"
	case SnapshotDeleting:
		w.work, w.good, w.bad = "for the storage to delete the snapshot", "is gone, with what it used of the quota", "error_deleting"
		return w
	case SnapshotAvailable:
		w.can = []string{"make a volume from it", "roll its volume back to it", "delete it"}
	case SnapshotError:
		w.then = "Its creation failed; nothing happens by itself."
		w.can = []string{"delete it", "take another"}
	case SnapshotErrorDeleting:
		w.then = "Its deletion failed; nothing happens by itself."
		w.can = []string{"delete its volume with cascade", "ask an administrator to delete it (os-force_delete)"}
	case SnapshotRollbacking, SnapshotRestoring:
		w.work, w.good = "for the storage to roll its volume back to it", "is available again, as its volume is"
		w.bad = "available again, and that of its volume says that the rollback failed"
	case SnapshotBackingUp:
		w.work, w.good, w.bad = "for a backup of it to be made", "is available", "available, and the backup says error"
	case SnapshotDeleted, SnapshotUpdating, SnapshotUnmanaging:
		w.waits = "for an administrator, who set this status by hand, to set another (os-reset_status)"
	default:
		w.work, w.good, w.bad = "for work of another version of this service", "goes on", "error"
	}
	if s.GroupSnapshotID != "" {
		w.can = membersCan(w.can, "delete the group snapshot that it is a part of")
	}
	w.can = append(w.can, "rename it", "change its metadata")
	return w
}
