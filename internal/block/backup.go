package block

import (
	"context"
	"slices"
	"time"
)

// BackupStatus is a backup's place in backupMoves. Source: Cinder objects/fields.py BackupStatus.
type BackupStatus string

const (
	BackupCreating      BackupStatus = "creating"
	BackupAvailable     BackupStatus = "available"
	BackupRestoring     BackupStatus = "restoring"
	BackupDeleting      BackupStatus = "deleting"
	BackupDeleted       BackupStatus = "deleted" // the row is gone
	BackupError         BackupStatus = "error"
	BackupErrorDeleting BackupStatus = "error_deleting"
)

// backupMoves holds every status change a call or job may make; os-reset_status is
// the one way round it. docs/states.md is made from it. From every status there is a
// way to deleting: os-force_delete takes it.
var backupMoves = map[BackupStatus][]BackupStatus{
	BackupCreating:      {BackupAvailable, BackupError, BackupDeleting},
	BackupAvailable:     {BackupRestoring, BackupDeleting},
	BackupRestoring:     {BackupAvailable, BackupDeleting},
	BackupDeleting:      {BackupDeleted, BackupErrorDeleting},
	BackupError:         {BackupDeleting},
	BackupErrorDeleting: {BackupDeleting},
}

// Backup is what a volume held at one moment, kept apart from it. Rows are values:
// change a copy, save it.
type Backup struct {
	ID               string
	ProjectID        string
	UserID           string
	VolumeID         string // it may be gone
	SnapshotID       string // the user's own that it was made of; empty: of the volume
	ParentID         string // the backup it was made after; empty: a full one
	Name             Text
	Description      Text
	Status           BackupStatus
	FailReason       string // of its last failure, for its owner; empty: none
	Size             Size
	ObjectCount      int64 // chunks that hold more than zeroes
	Container        Text  // noted and shown; there is one place for all backups
	AvailabilityZone string
	Metadata         map[string]string // never changed in place
	Manifest         string            // in the repository; rows that were imported may share one
	BaseID           string            // the snapshot whose bytes it holds; empty: not known here
	RestoreVolumeID  string            // what it is restored to, or was last
	DataTimestamp    time.Time         // when what it holds was on the volume
	CreatedAt        time.Time
	UpdatedAt        time.Time // zero: never changed
	Version          int64     // moves with every write of the row
	Dependents       int       // backups whose parent it is; counted at each read
}

// uses is what the backup uses of its project's quota.
func (b *Backup) uses() Usage { return Usage{Backups: 1, BackupGigabytes: int64(b.Size)} }

// moveTo changes the status in memory, or fails with WrongStatus.
func (b *Backup) moveTo(next BackupStatus) error {
	if !slices.Contains(backupMoves[b.Status], next) {
		return Errorf(WrongStatus, "backup %s is %s and cannot become %s", b.ID, b.Status, next)
	}
	b.Status = next
	return nil
}

// Origin is who made a snapshot: a column, and not a guess from the name, which
// anybody may choose. Source: EVS v5 snapshot_type; evs-status.md 4.
type Origin int

const (
	// OriginUser is a snapshot that somebody asked for.
	OriginUser Origin = iota
	// OriginBackup is one that a backup of its volume made. It counts against no
	// quota and goes with its volume. Source: evs-status.md 4.1, FAQ: free of charge,
	// the latest per disk is kept. Assumed: free of charge means outside the quota.
	OriginBackup
)

func (o Origin) String() string {
	if o == OriginBackup {
		return "backup"
	}
	return "user"
}

// OriginNamed is the origin of a name; OriginUser for any other.
func OriginNamed(name string) Origin {
	if name == OriginBackup.String() {
		return OriginBackup
	}
	return OriginUser
}

// uses is what the snapshot uses of its project's quota.
func (s *Snapshot) uses() Usage {
	if s.Origin == OriginBackup {
		return Usage{}
	}
	return Usage{Snapshots: 1, Gigabytes: int64(s.Size)}
}

// backupSnapshotPrefix begins the names of snapshots that a backup makes. Source: both seeds.
const backupSnapshotPrefix = "autobk_snapshot_"

// BackupStore reads backups.
type BackupStore interface {
	// Backup fails with NotFound.
	Backup(ctx context.Context, id string) (*Backup, error)
	// Backups fails with NotFound when the marker is no row the list could hold.
	Backups(ctx context.Context, list List) ([]*Backup, error)
	CountBackups(ctx context.Context, list List) (int, error)
}

// BackupTx changes backups.
type BackupTx interface {
	// Backup reads for writing (FOR UPDATE); fails with NotFound.
	Backup(id string) (*Backup, error)
	AddBackup(b *Backup) error
	SaveBackup(b *Backup) error
	DropBackup(b *Backup) error
	// LastBackup is the newest of those of a volume in a project that are available
	// and whose data is older than before, which may be zero; nil when there is none.
	LastBackup(volumeID, projectID string, before time.Time) (*Backup, error)
	// BackupsBusyWith are those being made of a volume or snapshot, or restored to
	// the volume; 100 at most.
	BackupsBusyWith(id string) ([]*Backup, error)
	// CountManifestUsers counts the backups that share a manifest.
	CountManifestUsers(manifest string) (int, error)
}

// BackupChange is all that an update of a backup can change.
type BackupChange struct {
	Name        TextChange
	Description TextChange
	Metadata    map[string]string // nil keeps; otherwise in place of the stored
}

// NewBackup is what a request to make a backup says.
type NewBackup struct {
	VolumeID    string
	SnapshotID  string // empty: of the volume as it is
	Name        Text
	Description Text
	Container   Text
	Zone        string // empty: the one there is
	Metadata    map[string]string
	Incremental bool
	Force       bool // of an attached volume, too
}
