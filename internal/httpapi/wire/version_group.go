package wire

// Microversions of groups and what belongs to them; see version.go.
const (
	GroupTypes               Microversion = 11 // group types and their specs
	GroupSnapshots           Microversion = 14 // group snapshots, and groups made from others
	GroupSnapshotResetStatus Microversion = 19 // reset_status of group snapshots
	GroupResetStatus         Microversion = 20 // reset_status of groups
	GroupListVolume          Microversion = 25 // list_volume shows the volumes of groups
	GroupSnapshotPaging      Microversion = 29 // lists of group snapshots have pages and filters
	GroupReplication         Microversion = 38 // actions on the replication of groups
	GroupProjectID           Microversion = 58 // groups and their snapshots carry project_id, for administrators
)
