package block

import "time"

// VolumeType is a kind of disk. Names are unique.
type VolumeType struct {
	ID          string
	Name        string
	Description Text
	Public      bool
	ExtraSpecs  map[string]string
	CreatedAt   time.Time
}

// DefaultTypeName is the type of a volume whose creator named none. Source: Cinder.
const DefaultTypeName = "__DEFAULT__"

// FirstTypes are the types that a new database has. Source: EVS volume_type; Cinder.
var FirstTypes = []string{DefaultTypeName, "SATA", "SAS", "GPSSD", "SSD", "ESSD"}
