package block

import "fmt"

// Limits is what a project may use, by Cinder's resource names; -1 is no limit.
// Per-type names are the resource, an underline and the type's name: volumes_SSD.
type Limits map[string]int64

// Usage is what a project uses, in all or of one type. Gigabytes count volumes
// and snapshots. Source: EVS quota page; recordings limits.
type Usage struct {
	Volumes         int64
	Snapshots       int64
	Gigabytes       int64
	Backups         int64 // in all only: backups have no type
	BackupGigabytes int64
}

// UsageOf names figures of usage: of one project and type; an empty type is all types.
type UsageOf struct{ ProjectID, TypeID string }

func (u Usage) String() string {
	return fmt.Sprintf("%d volumes, %d snapshots, %d GB, %d backups of %d GB", u.Volumes, u.Snapshots, u.Gigabytes, u.Backups, u.BackupGigabytes)
}

// Plus is the sum of both.
func (u Usage) Plus(d Usage) Usage {
	return Usage{u.Volumes + d.Volumes, u.Snapshots + d.Snapshots, u.Gigabytes + d.Gigabytes,
		u.Backups + d.Backups, u.BackupGigabytes + d.BackupGigabytes}
}

func (u Usage) negative() Usage {
	return Usage{-u.Volumes, -u.Snapshots, -u.Gigabytes, -u.Backups, -u.BackupGigabytes}
}
