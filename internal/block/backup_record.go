package block

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
)

// BackupService is what exported records name as the service that made them: the
// prefix is Cinder's, which clients look for. Source: tempest test_volumes_backup.
const BackupService = "cinder.backup.drivers.breezeblock"

// backupRecord is a backup's row in an exported record. Source: Cinder
// objects/backup.py encode_record.
type backupRecord struct {
	ID               string            `json:"id"`
	UserID           string            `json:"user_id"`
	ProjectID        string            `json:"project_id"`
	VolumeID         string            `json:"volume_id"`
	Host             *string           `json:"host"`
	AvailabilityZone string            `json:"availability_zone"`
	Container        *string           `json:"container"`
	ParentID         *string           `json:"parent_id"`
	Status           string            `json:"status"`
	FailReason       *string           `json:"fail_reason"`
	Size             int64             `json:"size"`
	Name             *string           `json:"display_name"`
	Description      *string           `json:"display_description"`
	ServiceMetadata  string            `json:"service_metadata"` // the manifest
	Service          string            `json:"service"`
	ObjectCount      int64             `json:"object_count"`
	SnapshotID       *string           `json:"snapshot_id"`
	DataTimestamp    string            `json:"data_timestamp"`
	CreatedAt        string            `json:"created_at"`
	Metadata         map[string]string `json:"metadata"`
	EncryptionKeyID  *string           `json:"encryption_key_id"`
	DriverInfo       struct{}          `json:"driver_info"`
}

func textPointer(t Text) *string {
	if !t.Valid {
		return nil
	}
	return &t.Value
}

func pointerText(p *string) Text {
	if p == nil {
		return Text{}
	}
	return SetText(*p)
}

func idPointer(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

// ExportBackup describes a backup, so that it can be imported again when its row is
// lost; for administrators. Fails with NotFound, WrongStatus. Source: Cinder
// backup/api.py export_record.
func (s *Service) ExportBackup(ctx context.Context, c Caller, id string) (service, url string, err error) {
	b, err := s.Backup(ctx, c, id)
	if err != nil {
		return "", "", err
	}
	if b.Status != BackupAvailable {
		return "", "", Errorf(WrongStatus, "Invalid backup: Backup status must be available and not %s.", b.Status)
	}
	text, err := json.Marshal(backupRecord{
		ID: b.ID, UserID: b.UserID, ProjectID: b.ProjectID, VolumeID: b.VolumeID, AvailabilityZone: b.AvailabilityZone,
		Container: textPointer(b.Container), ParentID: idPointer(b.ParentID), Status: string(b.Status), Size: int64(b.Size),
		Name: textPointer(b.Name), Description: textPointer(b.Description), ServiceMetadata: b.Manifest, Service: BackupService,
		ObjectCount: b.ObjectCount, SnapshotID: idPointer(b.SnapshotID), DataTimestamp: b.DataTimestamp.UTC().Format(time.RFC3339Nano),
		CreatedAt: b.CreatedAt.UTC().Format(time.RFC3339Nano), Metadata: b.Metadata,
	})
	return BackupService, base64.StdEncoding.EncodeToString(text), err
}

// ImportBackup adds the row of an exported record to the caller's project, in status
// creating, and queues the look whether what it refers to is there; for
// administrators. Fails with Invalid, OverLimit. Source: Cinder backup/api.py import_record.
func (s *Service) ImportBackup(ctx context.Context, c Caller, service, url string) (*Backup, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(BackupService, service) || service == "" {
		return nil, Errorf(Invalid, "Invalid backup: Import record failed, cannot find backup service to perform the import. Request service %.64s.", service)
	}
	b, err := readRecord(url)
	if err != nil {
		return nil, err
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		_, err := tx.Backup(b.ID)
		if err == nil {
			return Errorf(Invalid, "Invalid backup: Backup already exists in database.")
		}
		if !isGone(err) {
			return err
		}
		b.ProjectID, b.UserID, b.AvailabilityZone = c.ProjectID, c.UserID, s.parts.Zone
		b.Status, b.CreatedAt, b.UpdatedAt = BackupCreating, tx.Now(), time.Time{}
		if err := s.reserveBackup(tx, b); err != nil {
			return err
		}
		if err := tx.AddBackup(b); err != nil {
			return err
		}
		return s.enqueue(tx, jobImportBackup, b.ID, b.ID, b.ProjectID)
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// readRecord reads an exported record; fails with Invalid, naming what is wrong.
func readRecord(url string) (*Backup, error) {
	bad := func(format string, args ...any) error {
		return Errorf(Invalid, "Invalid input received: "+format, args...)
	}
	text, err := base64.StdEncoding.DecodeString(url)
	if err != nil {
		return nil, bad("Can't decode backup record.")
	}
	var given map[string]json.RawMessage
	var r backupRecord
	if json.Unmarshal(text, &given) != nil || json.Unmarshal(text, &r) != nil {
		return nil, bad("Can't parse backup record.")
	}
	for _, key := range []string{"id", "size"} {
		if _, there := given[key]; !there {
			return nil, bad("Provided backup record is missing %s.", key)
		}
	}
	switch moment, err := time.Parse(time.RFC3339Nano, r.DataTimestamp); {
	case !isUUID(r.ID) || !isUUID(r.VolumeID):
		return nil, bad("The id or volume_id of the backup record is no UUID.")
	case !uuidOrNone(r.ParentID) || !uuidOrNone(r.SnapshotID):
		return nil, bad("The parent_id or snapshot_id of the backup record is no UUID.")
	case r.Size < 1 || Size(r.Size) > MaxSize:
		return nil, bad("The size of the backup record must be from 1 to %d GB.", MaxSize)
	case backup.CheckID(r.ServiceMetadata) != nil:
		return nil, bad("The service_metadata of the backup record names no backup of this service.")
	case err != nil || moment.Year() < 1970 || moment.Year() > 9999:
		return nil, bad("The data_timestamp of the backup record is no time.")
	case tooLong(r.Name) || tooLong(r.Description) || tooLong(r.Container):
		return nil, bad("A text of the backup record has more than %d characters, or a NUL.", MaxText)
	case CheckMetadata(r.Metadata) != nil:
		return nil, bad("The metadata of the backup record: %s", MessageOf(CheckMetadata(r.Metadata)))
	default:
		b := &Backup{ID: r.ID, VolumeID: r.VolumeID, Name: pointerText(r.Name), Description: pointerText(r.Description),
			Container: pointerText(r.Container), Size: Size(r.Size), Metadata: r.Metadata, Manifest: r.ServiceMetadata,
			DataTimestamp: moment.UTC().Truncate(time.Microsecond)}
		if r.ParentID != nil {
			b.ParentID = *r.ParentID
		}
		if r.SnapshotID != nil {
			b.SnapshotID = *r.SnapshotID
		}
		return b, nil
	}
}

func tooLong(p *string) bool {
	return p != nil && (len([]rune(*p)) > MaxText || strings.IndexByte(*p, 0) >= 0)
}

func uuidOrNone(p *string) bool { return p == nil || isUUID(*p) }
