package block

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// Rollback is what a request to roll a volume back says.
type Rollback struct {
	SnapshotID string
	VolumeID   string // must be the snapshot's own
	Safety     bool   // first take a snapshot of the volume as it is
}

// rollbackArgs is what the job needs beside the volume's row.
type rollbackArgs struct {
	Snapshot string `json:"snapshot"`
	Safety   string `json:"safety,omitempty"` // the snapshot that is taken first
}

// safetyTaken is the step at which the safety snapshot holds the volume as it was.
const safetyTaken = "safety snapshot taken"

// argsOfRollback reads what startRollback wrote.
func argsOfRollback(job *jobs.Job) (args rollbackArgs, err error) {
	if err = json.Unmarshal([]byte(job.Args), &args); err == nil && args.Snapshot == "" {
		err = fmt.Errorf("job %s names no snapshot", job.ID)
	}
	return args, err
}

// rolls tells whether a rollback is under way.
func (v *Volume) rolls() bool {
	return v.Status == VolumeRollbacking || v.Status == VolumeReverting
}

// rolls tells whether the snapshot's volume is being rolled back to it.
func (s *Snapshot) rolls() bool {
	return s.Status == SnapshotRollbacking || s.Status == SnapshotRestoring
}

// ofRollback tells whether a job is a rollback that is to do something with a
// snapshot: roll back to it, or take it first. One that was cancelled still frees it.
func ofRollback(job *jobs.Job, snapshotID string) bool {
	if job.Kind != jobRollback {
		return false
	}
	args, err := argsOfRollback(job)
	return err == nil && (args.Snapshot == snapshotID || args.Safety == snapshotID)
}

// inRollback tells whether a live job of those that are asked for is a rollback that
// is to do something with a snapshot.
func inRollback(tx Tx, snap *Snapshot, asked func(*jobs.Job) bool) (bool, error) {
	live, err := tx.LiveJobsOf(snap.VolumeID)
	return slices.ContainsFunc(live, func(j *jobs.Job) bool { return asked(j) && ofRollback(j, snap.ID) }), err
}

// backupPrefixes begin the names of snapshots that a backup made.
// Source: evs-status.md 4.1.
var backupPrefixes = []string{"autobk_snapshot_", "manualbk_snapshot_"}

// serverBackupKey is in the metadata of a snapshot that the backup of a server
// made. Source: evs-status.md 4.1.
const serverBackupKey = "__system__enableActive"

// ofBackup tells whether a snapshot looks as one that a backup made.
func (s *Snapshot) ofBackup() bool {
	_, ofServer := s.Metadata[serverBackupKey]
	return ofServer || s.Origin == OriginBackup || slices.ContainsFunc(backupPrefixes, func(p string) bool { return strings.HasPrefix(s.Name.Value, p) })
}

// canRollBack tells whether volume and snapshot allow a rollback by the EVS calls:
// to any snapshot. Source: evs-status.md 1.1, 2.1; EVS API 4.3.
func canRollBack(v *Volume, s *Snapshot) error {
	switch {
	case s.ofBackup():
		return Errorf(WrongStatus, "Invalid snapshot: Snapshot %s was made by a backup and cannot be rolled back to.", s.ID)
	case v.Status != VolumeAvailable && v.Status != VolumeErrorRollbacking:
		return Errorf(WrongStatus, "Invalid volume: Volume %s status must be available or error_rollbacking to roll back, but current status is: %s.", v.ID, v.Status)
	case s.Status != SnapshotAvailable:
		return Errorf(WrongStatus, "Invalid snapshot: Snapshot %s status must be available to roll back to it, but current status is: %s.", s.ID, s.Status)
	}
	return nil
}

// canRevert is canRollBack for Cinder's revert: only to the newest snapshot, and of
// the same size. Source of the rules, their order and texts: Cinder
// api/v3/volumes.py revert, volume/api.py revert_to_snapshot.
func canRevert(v *Volume, snapshotID string, all []*Snapshot) error {
	if len(all) == 0 {
		return Errorf(Invalid, "Volume %s doesn't have any snapshots.", v.ID)
	}
	latest := all[len(all)-1]
	if snapshotID != latest.ID {
		if snapshotID == "" {
			snapshotID = "None"
		}
		return Errorf(Invalid, "Specified snapshot %.64s is None or not the latest one of volume %s.", snapshotID, v.ID)
	}
	cannot := fmt.Sprintf("Can't revert volume %s to its latest snapshot %s.", v.ID, latest.ID)
	switch {
	case v.Size != latest.Size:
		return Errorf(Invalid, "%s The volume size must be equal to the snapshot size.", cannot)
	case v.Status != VolumeAvailable:
		return Errorf(Conflict, "Invalid volume: %s Volume's status must be 'available'.", cannot)
	case latest.Status != SnapshotAvailable:
		return Errorf(Conflict, "Invalid snapshot: %s Snapshot's status must be 'available'.", cannot)
	}
	return nil
}
