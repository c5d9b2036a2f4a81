package block

// Limits that the outside can rely on; docs/limits.md is made from this file.
const (
	// MaxText is the length of a name or description: bytes of UTF-8 in dialect
	// evs, characters in dialect cinder. Source: both seeds; recordings name-255.
	MaxText = 255
	// MaxMetadataKey is the length of a metadata key, in characters; of disks in dialect evs in
	// bytes of UTF-8. Source: Cinder, recorded 413; EVS 6.7.
	MaxMetadataKey = 255
	// MaxMetadataValue is the length of a metadata value, in characters; of disks in dialect evs in
	// bytes of UTF-8. Source: Cinder, recorded 413; EVS 6.7.
	MaxMetadataValue = 255
	// MaxMetadataItems is how many keys one object may have.
	// Assumed: no source gives a bound that is enforced (Cinder took 200); a loop needs one.
	MaxMetadataItems = 1000
	// MaxMetadataBytes is how much one object's metadata may hold, keys and values, in
	// bytes of UTF-8: each change writes all of it, each list shows all of it.
	// Assumed: 128 items of full length in ASCII, which is Cinder's quota metadata_items.
	MaxMetadataBytes = 65536
	// MaxPage is the number of rows in one answer, and the default of limit. Source: EVS 2.3; Cinder osapi_max_limit.
	MaxPage = 1000
	// MaxOffset is the largest offset of a list. Source: recordings list-offset-huge.
	MaxOffset = 2147483647
	// MaxSize is the size of a volume, in GiB. Source: EVS "Creating EVS Disks", size.
	MaxSize Size = 32768
	// MinDataSize is the size of a data disk with --strict-sizes, in GiB; without it disks have 1 or more. Source: EVS 6.1, size.
	MinDataSize Size = 10
	// MaxSystemSize is the size of a system disk with --strict-sizes, in GiB; it may have 1. Source: EVS 6.1, size.
	MaxSystemSize Size = 1024
	// MaxAttachments is how many attachments one volume may have. Source: EVS status page, 16 servers on a shared disk.
	MaxAttachments = 16
	// MaxConnector is the length of a connector, in bytes of JSON. Assumed: those of os-brick have some 500.
	MaxConnector = 16384
	// MaxBatch is how many volumes one call may make. Source: EVS 6.1, count.
	MaxBatch = 100
	// MaxRecycleAge is the largest least age, in days, that a recycle bin asks for. Source: EVS 12, threshold_time.
	MaxRecycleAge = 1000
	// MaxRecycleKeep is the longest time, in days, that a recycle bin keeps. Source: EVS 12, keep_time.
	MaxRecycleKeep = 365
	// MaxSnapshotsPerVolume bounds the chain of a volume. Settings and quotas are up to it.
	// Source: EVS v5 (256 per disk).
	MaxSnapshotsPerVolume = 256
	// MaxBlocks is how many places of the grid one answer lists. Source: EBS direct APIs, MaxResults.
	MaxBlocks = 10000
	// MaxFindings is how many findings of a verification are kept.
	// Assumed: who has more needs no list; the rest is counted.
	MaxFindings = 100
	// MaxRead is how much of a snapshot one request reads, in bytes.
	// Assumed: what a client on a slow line takes in the two minutes that an answer has.
	MaxRead = 64 << 20
	// MaxReaders is how many requests read snapshots at a time.
	// Assumed: each has 256 KiB and keeps its snapshot from being deleted.
	MaxReaders = 32
	// DefaultInstantSnapshots is how many snapshots with instant access one volume may have,
	// unless --instant-snapshots-per-volume says otherwise. Source: EVS 5.1.
	DefaultInstantSnapshots = 7
	// MaxTags is how many tags one object may have. Source: EVS 11; EVS.1061.
	MaxTags = 10
	// MaxTagKey is the length of a tag's key, in characters. Source: EVS 11; EVS.1062.
	MaxTagKey = 36
	// MaxTagValue is the length of a tag's value, in characters. Source: EVS 11; EVS.1062.
	MaxTagValue = 43
	// MaxTagMatches is how many keys a search by tags may name, and how many values
	// for each of them. Source: EVS 11, query.
	MaxTagMatches = 10
	// MaxProjectTags is how many keys and values the tags of a whole project are told.
	// Assumed: no source gives a bound; an answer needs one.
	MaxProjectTags = 10000
	// MaxGroupVolumes is how many volumes one group may have: a snapshot of it stops
	// the writes of all of them for a moment.
	// Assumed: no source gives a bound; a lock of so many needs one.
	MaxGroupVolumes = 256
	// MaxSnapshotGroup is how many volumes one snapshot group may have.
	// Source: EVS "Notes and Constraints", disks attached to one server; for volumes
	// of several servers Assumed.
	MaxSnapshotGroup = 60
	// MaxImages is how many images one project may have. Assumed: Glance has no bound unless one is set.
	MaxImages = 100
	// MaxImageBytes is how much one image may hold, in bytes. Source: Glance image_size_cap, 1 TiB.
	MaxImageBytes = 1 << 40
	// MaxImageBytesOfProject is how much all images of a project may hold, in bytes.
	// Assumed: as much as four of the largest.
	MaxImageBytesOfProject = 4 << 40
	// MaxImageTags is how many tags one image may have. Source: Glance image_tag_quota.
	MaxImageTags = 128
	// MaxImageProperties is how many properties one image may have. Source: Glance image_property_quota.
	MaxImageProperties = 128
	// MaxImageTransfers is how many requests send or read an image's bytes at a time.
	// Assumed: each has 512 KiB.
	MaxImageTransfers = 16
	// MaxGroupSpecs is how many specs one group type may have.
	// Assumed: no source gives a bound; each show tells all of them.
	MaxGroupSpecs = 100
	// MaxVolumeTypes is how many volume types there may be.
	// Assumed: no source gives a bound; each list of volumes reads them all.
	MaxVolumeTypes = 500
	// MaxQoSSpecs is how many QoS specs there may be. Assumed, as MaxVolumeTypes.
	MaxQoSSpecs = 500
	// MaxSpecs is how many extra specs a volume type, or figures QoS specs, may have.
	// Assumed: no source gives a bound.
	MaxSpecs = 128
	// MaxTypeProjects is how many projects may be given access to one private volume
	// type, and how many may have a default type of their own.
	// Assumed: no source gives a bound.
	MaxTypeProjects = 10000
)

// DefaultQuota is what a project may use until an administrator says otherwise;
// -1 is no limit. Source: design.md section 2; the names are Cinder's.
var DefaultQuota = Limits{
	"volumes":              10,
	"snapshots":            10,
	"gigabytes":            1000,
	"backups":              10,
	"backup_gigabytes":     1000,
	"per_volume_gigabytes": -1,
	"groups":               10,
}
