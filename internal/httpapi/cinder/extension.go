package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// extension is a part of the API that clients look for by its alias.
type extension struct {
	name, alias, description, updated string
}

// extensions are those whose calls or attributes this door has. Source of names,
// aliases and dates: recording service-member-extensions; EVS 9.
var extensions = []extension{
	{"UsedLimits", "os-used-limits", "Limits that are used, beside those that are set.", "2013-10-03T00:00:00+00:00"},
	{"AdminActions", "os-admin-actions", "Actions of administrators: os-reset_status, os-force_delete.", "2012-08-25T00:00:00+00:00"},
	{"SnapshotActions", "os-snapshot-actions", "Actions on snapshots.", "2013-07-16T00:00:00+00:00"},
	{"Backups", "backups", "Backups of volumes and snapshots.", "2012-12-12T00:00:00+00:00"},
	{"Quotas", "os-quota-sets", "Quotas of projects.", "2011-08-08T00:00:00+00:00"},
	{"QuotaClasses", "os-quota-class-sets", "Quotas by class; the class default holds every project's defaults.", "2012-03-12T00:00:00+00:00"},
	{"VolumeActions", "os-volume-actions", "Actions on volumes.", "2012-05-31T00:00:00+00:00"},
	{"VolumeImageMetadata", "os-vol-image-meta", "What volumes keep of the image they were made from.", "2012-12-07T00:00:00+00:00"},
	{"CreateVolumeExtension", "os-image-create", "Volumes are made from images.", "2012-08-13T00:00:00+00:00"},
	{"SchedulerHints", "OS-SCH-HNT", "Hints beside a volume that is made.", "2013-04-18T00:00:00+00:00"},
	{"ExtendedServices", "os-extended-services", "Why a service is disabled.", "2014-01-10T00:00:00-00:00"},
	{"AvailabilityZones", "os-availability-zone", "Availability zones.", "2013-06-27T00:00:00+00:00"},
	{"VolumeTransfer", "os-volume-transfer", "Volumes change hands.", "2013-05-29T00:00:00+00:00"},
	{"Services", "os-services", "Services.", "2012-10-28T00:00:00-00:00"},
	{"Hosts", "os-hosts", "Hosts and what they hold, for administrators.", "2011-06-29T00:00:00+00:00"},
	{"Scheduler_stats", "scheduler-stats", "Pools and their figures, for administrators.", "2014-09-07T00:00:00+00:00"},
	{"VolumeManage", "os-volume-manage", "Volumes that the storage holds come under management.", "2014-02-10T00:00:00+00:00"},
	{"VolumeUnmanage", "os-volume-unmanage", "Volumes are let go, and their bytes stay.", "2012-05-31T00:00:00+00:00"},
	{"SnapshotManage", "os-snapshot-manage", "Snapshots that the storage holds come under management.", "2014-12-31T00:00:00+00:00"},
	{"SnapshotUnmanage", "os-snapshot-unmanage", "Snapshots are let go, and their bytes stay.", "2014-12-31T00:00:00+00:00"},
	{"Capabilities", "capabilities", "Capabilities of backends, for administrators.", "2015-08-31T00:00:00+00:00"},
	{"TypesManage", "os-types-manage", "Volume types, made and changed by administrators.", "2011-08-24T00:00:00+00:00"},
	{"TypesExtraSpecs", "os-types-extra-specs", "Extra specs of volume types.", "2011-08-24T00:00:00+00:00"},
	{"VolumeTypeEncryption", "encryption", "Encryption of volume types.", "2013-07-01T00:00:00+00:00"},
	{"VolumeEncryptionMetadata", "os-volume-encryption-metadata", "What a volume's type says of encryption.", "2013-07-10T00:00:00+00:00"},
	{"Qos_specs_manage", "qos-specs", "QoS specs and the volume types that they count for.", "2013-08-02T00:00:00+00:00"},
	{"VolumeTypeAccess", "os-volume-type-access", "Who may use a volume type.", "2014-06-26T00:00:00Z"},
	{"ExtendedSnapshotAttributes", "os-extended-snapshot-attributes", "Project and progress of a snapshot.", "2012-06-19T00:00:00+00:00"},
	{"VolumeHostAttribute", "os-vol-host-attr", "Host of a volume, for administrators.", "2011-11-03T00:00:00+00:00"},
	{"VolumeTenantAttribute", "os-vol-tenant-attr", "Project of a volume.", "2011-11-03T00:00:00+00:00"},
	{"Consistencygroups", "consistencygroups", "Consistency groups, by the calls that came before groups.", "2014-08-18T00:00:00+00:00"},
	{"Cgsnapshots", "cgsnapshots", "Snapshots of consistency groups.", "2014-08-18T00:00:00+00:00"},
	{"VolumeMigStatusAttribute", "os-vol-mig-status-attr", "Migration of a volume, for administrators.", "2013-08-08T00:00:00+00:00"},
}

// listExtensions serves GET /extensions.
func (a *API) listExtensions(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return x.Reply(http.StatusOK, appendExtensions)
}

func appendExtensions(b []byte) []byte {
	b = append(b, `{"extensions":[`...)
	for i := range extensions {
		e := &extensions[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = wire.AppendString(b, e.name)
		b = append(b, `,"alias":`...)
		b = wire.AppendString(b, e.alias)
		b = append(b, `,"description":`...)
		b = wire.AppendString(b, e.description)
		b = append(b, `,"updated":`...)
		b = wire.AppendString(b, e.updated)
		b = append(b, `,"links":[]}`...)
	}
	return append(b, "]}"...)
}
