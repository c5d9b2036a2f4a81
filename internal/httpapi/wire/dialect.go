package wire

import "github.com/breezeblock/breezeblock/internal/block"

// Dialect is every point where dialect evs and dialect cinder differ; no other
// code asks which of the two is spoken. docs/compatibility.md is made from the
// field comments. Source: design.md section 4.
type Dialect struct {
	Name string
	// TextInCharacters: a name or description may have 255 characters instead of 255 bytes of UTF-8.
	TextInCharacters bool
	// StringCodes: `code` in a fault body of the Cinder families is a string ("404") instead of an integer.
	StringCodes bool
	// ExtendedOnV2Update: the v2 PUT answer has os-extended-snapshot-attributes:progress and :project_id.
	ExtendedOnV2Update bool
	// PlainNames: control characters in a name are refused (after trimming); otherwise only NUL is.
	PlainNames bool
	// PlainImageNames: an image made of a volume has a name of 1 to 128 letters, digits, hyphens, dots and underscores, and spaces within; otherwise 1 to 255 characters.
	PlainImageNames bool
	// BasicPlaneDescriptions: a description takes only printable characters of the basic plane and spaces; otherwise only control characters are refused.
	BasicPlaneDescriptions bool
	// MethodNotAllowed: a method the path does not have gives 405 with Allow instead of 404.
	MethodNotAllowed bool
	// RecordedBodies: 401 and unknown routes answer with the recorded bodies instead of the family's fault shape.
	RecordedBodies bool
	// ReadersWrite: the role reader may call what the role member may.
	ReadersWrite bool
	// OpenVersionDocument: GET /v3 and /v3/ answer without a token, and /v3 without sending on to /v3/.
	OpenVersionDocument bool
	// OlderListed: the version document at / names v1 and v2 beside v3, and /v1 has one of its own; both are served in any case.
	OlderListed bool
	// MethodInQuery: POST …?_method=PUT is a PUT, as recorded.
	MethodInQuery bool
	// SharedByRequest: multiattach in the body of a creation makes a shared volume; otherwise only the volume type says so, and the word is refused.
	SharedByRequest bool
	// VendorDisks: a creation may make several disks (count); what EVS says of the metadata of disks (__system__…, hw:passthrough, full_clone) and of disks from snapshots holds; a system disk, an encrypted one or one with snapshots or backups is not given away.
	VendorDisks bool
	// DiskClasses: the types that a new database has do as many IOPS and MiB/s as EVS's disks of that name, and GPSSD2 and ESSD2 are among them.
	DiskClasses bool
	// SnapshotsPerVolume is how many snapshots a volume may have, of calls other than v5, where neither `--snapshots-per-volume` nor a quota says.
	SnapshotsPerVolume int
	// WholeDisks: a disk of the Cinder families has every field that EVS lists, for members as well (os-vol-host-attr:host, os-vol-mig-status-attr:*, os-volume-replication:extended_status, shareable, storage_cluster_id, volume_image_metadata).
	WholeDisks bool
	// PartsForAll: lists of snapshots find parts of names, statuses and ids of volumes (name~, status~, volume_id~) for everybody from 3.31 on; otherwise parts of names and descriptions for administrators from 3.34.
	PartsForAll bool
	// MaxMicroversion is the highest 3.N.
	MaxMicroversion Microversion
}

// EVS is the default dialect: it follows the seeds.
func EVS() Dialect {
	return Dialect{
		Name: "evs", StringCodes: true, ExtendedOnV2Update: true, PlainNames: true, PlainImageNames: true,
		SharedByRequest: true, VendorDisks: true, WholeDisks: true, MethodNotAllowed: true, OpenVersionDocument: true, OlderListed: true, PartsForAll: true,
		DiskClasses: true, SnapshotsPerVolume: 7, MaxMicroversion: 50,
	}
}

// Cinder follows recorded Cinder 21.3.1.
func Cinder() Dialect {
	return Dialect{
		Name: "cinder", TextInCharacters: true, BasicPlaneDescriptions: true,
		RecordedBodies: true, ReadersWrite: true, MethodInQuery: true, SnapshotsPerVolume: block.MaxSnapshotsPerVolume, MaxMicroversion: 70,
	}
}

// DialectNamed finds a dialect by its flag value.
func DialectNamed(name string) (Dialect, bool) {
	switch name {
	case "evs":
		return EVS(), true
	case "cinder":
		return Cinder(), true
	}
	return Dialect{}, false
}
