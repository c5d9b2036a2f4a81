package evs

import (
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// volumeItem is a disk as the native family shows it. Source: EVS 6.2, 7.3.
type volumeItem struct {
	ID                 string            `json:"id"`
	Name               *string           `json:"name"`
	Description        *string           `json:"description"`
	Status             string            `json:"status"`
	Size               int64             `json:"size"`
	VolumeType         string            `json:"volume_type"`
	AvailabilityZone   string            `json:"availability_zone"`
	Attachments        []attachmentItem  `json:"attachments"`
	Bootable           string            `json:"bootable"`
	Encrypted          bool              `json:"encrypted"`
	Multiattach        bool              `json:"multiattach"`
	Shareable          string            `json:"shareable"`
	Metadata           map[string]string `json:"metadata"`
	ImageMetadata      map[string]string `json:"volume_image_metadata"`
	SnapshotID         *string           `json:"snapshot_id"`
	SourceVolumeID     *string           `json:"source_volid"`
	ConsistencyGroupID *string           `json:"consistencygroup_id"`
	ReplicationStatus  string            `json:"replication_status"`
	UserID             string            `json:"user_id"`
	CreatedAt          *string           `json:"created_at"`
	UpdatedAt          *string           `json:"updated_at"`
	Links              []link            `json:"links"`
	Host               *string           `json:"os-vol-host-attr:host"`
	ProjectID          string            `json:"os-vol-tenant-attr:tenant_id"`
	MigrationStatus    *string           `json:"os-vol-mig-status-attr:migstat"`
	MigrationName      *string           `json:"os-vol-mig-status-attr:name_id"`
	ReplicationDetail  *string           `json:"os-volume-replication:extended_status"`
	StorageCluster     *string           `json:"storage_cluster_id"`
	ServiceType        string            `json:"service_type"`
	Tags               map[string]string `json:"tags"`
	WWN                string            `json:"wwn"`
	SerialNumber       string            `json:"serial_number"`
	EnterpriseProject  string            `json:"enterprise_project_id"`
	DedicatedStorage   *string           `json:"dedicated_storage_id"`
	DedicatedName      *string           `json:"dedicated_storage_name"`
	IOPS               *boughtItem       `json:"iops,omitempty"`       // of types whose buyers say
	Throughput         *boughtItem       `json:"throughput,omitempty"` // in MiB/s
}

// boughtItem is a figure that was bought with a disk. Source: vendor's SDK, Iops and
// Throughput. Assumed: its id is the disk's, and nothing is frozen.
type boughtItem struct {
	ID     string `json:"id"`
	Frozen bool   `json:"frozened"`
	Total  int64  `json:"total_val"`
}

func bought(v *block.Volume, total int64) *boughtItem {
	if total == 0 {
		return nil
	}
	return &boughtItem{ID: v.ID, Total: total}
}

// attachmentItem is what a disk is attached to; id is the disk's. Source: EVS 6.2.
type attachmentItem struct {
	ID           string  `json:"id"`
	VolumeID     string  `json:"volume_id"`
	AttachmentID string  `json:"attachment_id"`
	ServerID     *string `json:"server_id"`
	HostName     *string `json:"host_name"`
	Device       *string `json:"device"`
	AttachedAt   *string `json:"attached_at"`
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// serialLength is how much of a disk's id its serial number has: what the disk
// interfaces of hypervisors carry. Assumed: no page says what it is.
const serialLength = 20

// viewVolume shows a disk without its tags. Its links are those of the Cinder family, as EVS's are.
func (a *API) viewVolume(x *wire.Exchange, v *block.Volume, types diskTypes) volumeItem {
	item := volumeItem{
		ID: v.ID, Name: textOf(v.Name), Description: textOf(v.Description), Status: string(v.Status), Size: int64(v.Size),
		VolumeType: types.name(v.TypeID), AvailabilityZone: v.AvailabilityZone, Bootable: boolText(v.Bootable),
		Encrypted: block.Encrypted(v.Metadata, types[v.TypeID]), Multiattach: v.Multiattach, Shareable: boolText(v.Multiattach),
		Metadata: v.Metadata, ImageMetadata: imageMetadata(v), SnapshotID: optional(v.SnapshotID), SourceVolumeID: optional(v.SourceVolumeID),
		ReplicationStatus: "disabled", UserID: v.UserID, CreatedAt: timeText(v.CreatedAt), UpdatedAt: timeText(v.UpdatedAt),
		ProjectID: v.ProjectID, ServiceType: serviceType, Tags: map[string]string{}, WWN: strings.ReplaceAll(v.ID, "-", ""),
		SerialNumber: v.ID[:serialLength], EnterpriseProject: v.EnterpriseProjectID,
		IOPS: bought(v, v.IOPS), Throughput: bought(v, v.Throughput),
		Links: []link{
			{"self", string(x.AppendURL(nil, "/volumes/"+v.ID))},
			{"bookmark", x.Base + "/" + x.Project + "/volumes/" + v.ID},
		},
	}
	for i := range v.Attachments {
		at := &v.Attachments[i]
		item.Attachments = append(item.Attachments, attachmentItem{
			ID: v.ID, VolumeID: v.ID, AttachmentID: at.ID, ServerID: optional(at.ServerID), HostName: optional(at.HostName),
			Device: optional(at.Device), AttachedAt: timeText(at.AttachedAt),
		})
	}
	return item
}

// imageMetadata is what a disk keeps of its image: an object in any case.
func imageMetadata(v *block.Volume) map[string]string {
	if v.ImageMetadata == nil {
		return map[string]string{}
	}
	return v.ImageMetadata
}

func boolText(v bool) string {
	if v {
		return "true"
	}
	return "false"
}

// optional is a string, or null when it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func textOf(t block.Text) *string {
	if !t.Valid {
		return nil
	}
	return &t.Value
}

// timeText is a time as EVS writes it, or null. Source: EVS 2.2.
func timeText(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format("2006-01-02T15:04:05.000000")
	return &text
}
