package block

import "time"

// Field is a column that lists can filter or sort by; a closed set, so that
// no text of a request ever becomes SQL.
type Field string

const (
	FieldID               Field = "id"
	FieldName             Field = "name"
	FieldDescription      Field = "description"
	FieldStatus           Field = "status"
	FieldVolumeID         Field = "volume_id"
	FieldProjectID        Field = "project_id"
	FieldUserID           Field = "user_id"
	FieldSize             Field = "size"
	FieldTypeID           Field = "type_id"
	FieldAvailabilityZone Field = "availability_zone"
	FieldBootable         Field = "bootable"
	FieldSnapshotID       Field = "snapshot_id"
	FieldSourceVolumeID   Field = "source_volume_id"
	FieldMultiattach      Field = "multiattach"
	FieldServerID         Field = "server_id"
	FieldHostName         Field = "host_name"
	FieldAttachedAt       Field = "attached_at"
	FieldCreatedAt        Field = "created_at"
	FieldUpdatedAt        Field = "updated_at"
	FieldRecycledUntil    Field = "recycled_until"
	FieldEnterprise       Field = "enterprise_project_id"
	FieldExpiresAt        Field = "expires_at"
	FieldRequestID        Field = "request_id"
	FieldResourceType     Field = "resource_type"
	FieldResourceID       Field = "resource_uuid"
	FieldEventID          Field = "event_id"
	FieldLevel            Field = "message_level"
	FieldVisibility       Field = "visibility"
	FieldProtected        Field = "protected"
	FieldHidden           Field = "os_hidden"
	FieldDiskFormat       Field = "disk_format"
	FieldContainerFormat  Field = "container_format"
	FieldMinDisk          Field = "min_disk"
	FieldMinRAM           Field = "min_ram"
	FieldGroupID          Field = "group_id"
	FieldGroupSnapshotID  Field = "group_snapshot_id"
	FieldSourceGroupID    Field = "source_group_id"
	FieldLegacy           Field = "legacy"
	FieldPublic           Field = "is_public"
	FieldQoSID            Field = "qos_id"
	FieldConsumer         Field = "consumer"
	FieldOrigin           Field = "origin"
	FieldParentID         Field = "parent_id"
	FieldContainer        Field = "container"
	FieldDataTimestamp    Field = "data_timestamp"
)

// Filter keeps the rows whose field equals the value exactly, or stands to it as
// Op says. Flags (bootable, multiattach) compare with "true" or "false", times with
// TimeValue; nothing that is null stands in any relation.
type Filter struct {
	Field Field
	Op    Op // zero: equal
	Value string
}

// Op is how a field stands to a filter's value.
type Op int

const (
	Equal Op = iota
	NotEqual
	Greater
	GreaterOrEqual
	Less
	LessOrEqual
	// Contains is for texts: the value is part of the field, without regard to the
	// case of ASCII letters.
	Contains
	// OneOf is for texts: the field is one of the values, which commas part.
	OneOf
)

// TimeValue is a time as filters compare it: UTC, whole microseconds.
func TimeValue(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }

// SortKey orders a list. Null sorts as the smallest value; text without regard to
// the case of ASCII letters. Source: recordings list-sort-name-asc.
type SortKey struct {
	Field Field
	Desc  bool
}

// List is one page of a list.
type List struct {
	ProjectID  string            // empty: all projects
	Filters    []Filter          // all must hold
	Metadata   map[string]string // all these items must be there
	Tags       []TagCondition    // all must hold
	ImageItems map[string]string // of volumes: all these items must be kept of their image
	Sort       []SortKey         // empty: newest first; the id always breaks ties
	Marker     string            // id of the last row of the page before; empty: the first page
	Offset     int               // rows to leave out after the marker
	Limit      int               // rows at most; MaxPage at most
}
