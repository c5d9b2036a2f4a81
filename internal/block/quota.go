package block

// Limits is what a project may use, by Cinder's resource names; -1 is no limit.
// Per-type names are the resource, an underline and the type's name: volumes_SSD.
type Limits map[string]int64

// Usage is what a project uses, in all or of one type. Gigabytes count volumes
// and snapshots. Source: EVS quota page; recordings limits.
type Usage struct {
	Volumes   int64
	Snapshots int64
	Gigabytes int64
}

func (u Usage) negative() Usage { return Usage{-u.Volumes, -u.Snapshots, -u.Gigabytes} }
