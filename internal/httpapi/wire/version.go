package wire

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Microversion is N of 3.N; 0 on every other API version.
type Microversion int

func (m Microversion) String() string { return "3." + strconv.Itoa(int(m)) }

// Microversions at which an answer or a rule changes. Source: Cinder's
// microversion history; the recordings on both sides of each.
const (
	Messages            Microversion = 3  // messages to users
	MessagePages        Microversion = 5  // messages have filters, markers and order
	UploadVisibility    Microversion = 1  // images made of volumes say who sees them
	ImageMetadataFilter Microversion = 4  // lists filter volumes by what they keep of their image
	Clusters            Microversion = 7  // clusters, of which there are none
	ManageableLists     Microversion = 8  // what the storage holds, by new names
	VolumeSummary       Microversion = 12 // sums of volumes
	WorkersCleanup      Microversion = 24 // what a dead service left
	ClusterReplication  Microversion = 26 // failover of clusters
	PoolFilter          Microversion = 28 // pools are filtered
	LogLevels           Microversion = 32 // levels of logs are read and set
	ResourceFilters     Microversion = 33 // which filters lists take
	LikeFilters         Microversion = 34 // lists find parts of texts, for administrators
	PoolTypeFilter      Microversion = 35 // pools are filtered by volume type
	SummaryMetadata     Microversion = 36 // sums of volumes carry metadata
	BackendState        Microversion = 49 // services carry backend_state
	GroupSnapshotID     Microversion = 14 // snapshots carry group_snapshot_id
	VolumeGroupFilter   Microversion = 10 // lists filter volumes by group_id
	VolumeGroupID       Microversion = 13 // volumes carry group_id
	ProviderID          Microversion = 21 // volumes carry provider_id, for administrators
	MetadataFilter      Microversion = 22 // lists filter snapshots by metadata
	SortByName          Microversion = 30 // snapshots sort by name
	StrictFilters       Microversion = 31 // unknown filters are refused
	Attachments         Microversion = 27 // attachments are objects of their own
	AttachmentComplete  Microversion = 44 // attachments are completed by the client
	AttachmentMode      Microversion = 54 // attachments are made with a mode
	ExtendInUse         Microversion = 42 // os-extend works on attached volumes
	RevertToSnapshot    Microversion = 40 // the action revert
	SnapshotUserID      Microversion = 41 // snapshots carry user_id
	LimitsOfProject     Microversion = 39 // limits of another project, for administrators
	WithCount           Microversion = 45 // lists count
	BackupUpdate        Microversion = 9  // backups can be renamed
	BackupProject       Microversion = 18 // backups carry their project, for administrators
	BackupSortName      Microversion = 37 // backups sort by name
	BackupMetadata      Microversion = 43 // backups carry metadata
	BackupZone          Microversion = 51 // backups are made in a zone
	BackupUser          Microversion = 56 // backups carry user_id, for administrators
	VolumeFromBackup    Microversion = 47 // volumes are made from backups
	SharedTargets       Microversion = 48 // volumes carry shared_targets, service_uuid
	TypeFilters         Microversion = 52 // lists filter volume types by extra_specs, and refuse unknown filters
	TransferSnapshots   Microversion = 55 // transfers can leave snapshots behind, and say so
	TransferHistory     Microversion = 57 // transfers carry source and destination project
	TransferPages       Microversion = 59 // transfers have markers and order
	TimeComparison      Microversion = 60 // lists compare created_at and updated_at of volumes
	DefaultTypes        Microversion = 62 // projects have default types of their own
	ClusterName         Microversion = 61 // volumes carry cluster_name, for administrators
	VolumeTypeID        Microversion = 63 // volumes carry volume_type_id
	ConsumesQuota       Microversion = 65 // volumes and snapshots carry consumes_quota
	Reimage             Microversion = 68 // os-reimage
	SnapshotInUseAlways Microversion = 66 // force is no longer needed, and false is refused
	TransferEncrypted   Microversion = 70 // transfers take volumes of encrypted types
)

const versionHeader = "Openstack-Api-Version" // canonical form of OpenStack-API-Version

var versionForm = regexp.MustCompile(`^([1-9]\d*)\.([1-9]\d*|0)$`)

// negotiate reads the microversion a v3 request asks for. told is what the
// answer's header says; empty where the recordings have no header.
// Source: cinder-behaviours section 5.
func negotiate(h http.Header, highest Microversion) (m Microversion, told string, err error) {
	values, given := h[versionHeader]
	if !given {
		return 0, "volume 3.0", nil
	}
	asked, err := askedVersion(strings.Join(values, ","))
	if err != nil {
		return 0, "", err
	}
	if asked == "latest" {
		return highest, "volume " + highest.String(), nil
	}
	parts := versionForm.FindStringSubmatch(asked)
	if parts == nil {
		return 0, "", Refuse(BadVersion, "API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.", shorten(asked))
	}
	minor, tooBig := strconv.Atoi(parts[2])
	if parts[1] != "3" || tooBig != nil || minor > int(highest) {
		if parts[1] != "1" && parts[1] != "2" {
			told = "volume " + shorten(asked)
		}
		return 0, told, Refuse(UnknownVersion, "Version %s is not supported by the API. Minimum is 3.0 and maximum is %s.", shorten(asked), highest)
	}
	return Microversion(minor), fmt.Sprintf("volume 3.%d", minor), nil
}

// askedVersion finds the version of the first element that names the volume service.
func askedVersion(header string) (string, error) {
	for element := range strings.SplitSeq(header, ",") {
		if !strings.Contains(element, "volume") {
			continue
		}
		words := strings.Fields(element)
		if len(words) == 2 && strings.Contains(words[0], "volume") {
			return words[1], nil
		}
		break
	}
	return "", Refuse(BadVersion, "OpenStack-API-Version must be: volume 3.N, or: volume latest.")
}

// shorten keeps echoed input to a readable length.
func shorten(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "..."
	}
	return s
}
