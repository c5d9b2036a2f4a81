package block

import "time"

// GroupType is a kind of group. Names are unique. Rows are values: change a copy, save it.
type GroupType struct {
	ID          string
	Name        string
	Description Text
	Public      bool            // otherwise administrators alone see it: no call gives access
	Specs       map[string]Text // never changed in place; a value may be null
	CreatedAt   time.Time
	UpdatedAt   time.Time // zero: never changed
	Version     int64     // moves with every write of the row
}

// LegacyGroupTypeName is the type of the groups that the calls of consistency groups
// make. Source: Cinder DEFAULT_CGSNAPSHOT_TYPE.
const LegacyGroupTypeName = "default_cgsnapshot_type"

// The specs of a group type that mean something here. Source: Cinder volume_utils
// is_group_a_cg_snapshot_type, Group.is_replicated.
const (
	specOneMoment           = "consistent_group_snapshot_enabled"
	specReplicated          = "group_replication_enabled"
	specReplicatedOneMoment = "consistent_group_replication_enabled"
)

// isTrue is how a spec says yes. Source: Cinder.
const isTrue = "<is> True"

// has tells whether a spec says yes.
func (t *GroupType) has(spec string) bool { return t.Specs[spec] == SetText(isTrue) }

// visible tells whether the caller may use and see the type.
func (t *GroupType) visible(c Caller) bool { return t.Public || c.Admin }
