package block

import (
	"slices"
	"time"
)

// Size is how much a volume holds, in GiB (2^30 bytes); MaxSize at most.
// The API writes the unit as GB. Source: EVS "Creating EVS Disks", size.
type Size int64

// Bytes is the size in bytes.
func (s Size) Bytes() int64 { return int64(s) << 30 }

// VolumeStatus is a volume's place in volumeMoves. Source: EVS status page; Cinder.
type VolumeStatus string

const (
	VolumeCreating       VolumeStatus = "creating"
	VolumeAvailable      VolumeStatus = "available"
	VolumeReserved       VolumeStatus = "reserved"
	VolumeAttaching      VolumeStatus = "attaching"
	VolumeInUse          VolumeStatus = "in-use"
	VolumeDetaching      VolumeStatus = "detaching"
	VolumeExtending      VolumeStatus = "extending"
	VolumeDeleting       VolumeStatus = "deleting"
	VolumeDeleted        VolumeStatus = "deleted" // the row is gone
	VolumeError          VolumeStatus = "error"
	VolumeErrorDeleting  VolumeStatus = "error_deleting"
	VolumeErrorExtending VolumeStatus = "error_extending"
	VolumeMaintenance    VolumeStatus = "maintenance"
	VolumeAwaiting       VolumeStatus = "awaiting-transfer" // offered to another project
	// VolumeRecycled is deleted, and kept for a while. Assumed: no page says how the
	// recycle bin calls it; only the calls of the bin show it.
	VolumeRecycled VolumeStatus = "recycled"

	// A backup is made of it, and it is restored from one.
	VolumeUploading       VolumeStatus = "uploading"   // to an image
	VolumeDownloading     VolumeStatus = "downloading" // from an image
	VolumeBackingUp       VolumeStatus = "backing-up"
	VolumeRestoringBackup VolumeStatus = "restoring-backup"
	VolumeErrorRestoring  VolumeStatus = "error_restoring"

	// A rollback by the EVS calls, and by Cinder's revert.
	VolumeRollbacking      VolumeStatus = "rollbacking"
	VolumeErrorRollbacking VolumeStatus = "error_rollbacking"
	VolumeReverting        VolumeStatus = "reverting"
)

// volumeMoves holds every status change a call or job may make; os-reset_status
// is the one way round it. docs/states.md is made from it. From every status there
// is a way to deleting: os-force_delete takes it. What is done to a volume in use ends
// as its attachments are by then. Source: EVS status page 1.2.
var volumeMoves = map[VolumeStatus][]VolumeStatus{
	VolumeCreating:       {VolumeDownloading, VolumeAvailable, VolumeError, VolumeDeleting},
	VolumeAvailable:      {VolumeExtending, VolumeDeleting, VolumeReserved, VolumeAttaching, VolumeInUse, VolumeDetaching, VolumeAwaiting, VolumeRecycled, VolumeRollbacking, VolumeReverting, VolumeUploading, VolumeDownloading, VolumeBackingUp, VolumeRestoringBackup},
	VolumeInUse:          {VolumeAvailable, VolumeExtending, VolumeDeleting, VolumeReserved, VolumeAttaching, VolumeDetaching, VolumeUploading, VolumeBackingUp},
	VolumeExtending:      {VolumeAvailable, VolumeReserved, VolumeAttaching, VolumeInUse, VolumeDetaching, VolumeErrorExtending, VolumeDeleting},
	VolumeDeleting:       {VolumeDeleted, VolumeErrorDeleting},
	VolumeError:          {VolumeDownloading, VolumeDeleting},
	VolumeErrorExtending: {VolumeDeleting},
	VolumeErrorDeleting:  {VolumeDeleting},
	VolumeReserved:       {VolumeDownloading, VolumeAvailable, VolumeAttaching, VolumeInUse, VolumeDetaching, VolumeDeleting},
	VolumeAttaching:      {VolumeAvailable, VolumeReserved, VolumeInUse, VolumeDetaching, VolumeDeleting},
	VolumeDetaching:      {VolumeAvailable, VolumeReserved, VolumeAttaching, VolumeInUse, VolumeDeleting},
	VolumeMaintenance:    {VolumeDeleting},
	VolumeAwaiting:       {VolumeAvailable, VolumeDeleting},
	VolumeRecycled:       {VolumeAvailable, VolumeDeleting},

	VolumeUploading:       {VolumeAvailable, VolumeReserved, VolumeAttaching, VolumeInUse, VolumeDetaching, VolumeDeleting},
	VolumeDownloading:     {VolumeAvailable, VolumeReserved, VolumeAttaching, VolumeInUse, VolumeDetaching, VolumeError, VolumeDeleting},
	VolumeBackingUp:       {VolumeAvailable, VolumeReserved, VolumeAttaching, VolumeInUse, VolumeDetaching, VolumeDeleting},
	VolumeRestoringBackup: {VolumeAvailable, VolumeErrorRestoring, VolumeDeleting},
	VolumeErrorRestoring:  {VolumeDeleting},

	VolumeRollbacking:      {VolumeAvailable, VolumeErrorRollbacking, VolumeDeleting},
	VolumeErrorRollbacking: {VolumeRollbacking, VolumeDeleting},
	VolumeReverting:        {VolumeAvailable, VolumeError, VolumeDeleting},
}

// Volume is a disk of a project. Rows are values: change a copy, save it.
type Volume struct {
	ID               string
	ProjectID        string
	UserID           string
	Name             Text
	Description      Text
	Status           VolumeStatus
	Size             Size
	ExtendTo         Size // what an extension that is not done yet reserves; 0: none
	TypeID           string
	AvailabilityZone string
	Metadata         map[string]string // never changed in place
	SnapshotID       string            // made from this snapshot; empty otherwise
	SourceVolumeID   string            // made from this volume; empty otherwise
	ImageID          string            // made from this image; empty otherwise
	ImageMetadata    map[string]string // kept of the image; never changed in place
	GroupID          string            // of its group; empty: none
	GroupLegacy      bool              // its group is one of the old calls; see Group
	Bootable         bool
	Multiattach      bool
	Writable         Writable
	Performance                 // of types whose buyers say
	Attachments      []Attached // notes of the rows; changed with them
	RecycledAt       time.Time  // when it came into the recycle bin; zero: it is not there
	RecycledUntil    time.Time  // when it is deleted for good
	CreatedAt        time.Time
	UpdatedAt        time.Time // zero: never changed
	Version          int64     // moves with every write of the row

	EnterpriseProjectID string // of EVS; the Cinder families know nothing of it
}

// gigabytes is what the volume uses of its project's quota: an extension counts in
// full from the moment it is asked for.
func (v *Volume) gigabytes() int64 { return int64(max(v.Size, v.ExtendTo)) }

// moveTo changes the status in memory, or fails with WrongStatus.
func (v *Volume) moveTo(next VolumeStatus) error {
	if !slices.Contains(volumeMoves[v.Status], next) {
		return Errorf(WrongStatus, "volume %s is %s and cannot become %s", v.ID, v.Status, next)
	}
	v.Status = next
	return nil
}
