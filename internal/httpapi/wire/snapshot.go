package wire

import (
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
)

// ReadSnapshotChange reads the body of an update: name, description, or both.
// Source: both seeds; update-snapshot.md 16-58.
func ReadSnapshotChange(x *Exchange) (block.SnapshotChange, error) {
	var change block.SnapshotChange
	members, err := x.Object("snapshot")
	if err != nil {
		return change, err
	}
	if change.Name, change.Description, err = x.ReadTexts(members); err != nil {
		return change, err
	}
	if err := members.Only("snapshot", "name", "description", "display_name", "display_description"); err != nil {
		return change, err
	}
	if !change.Name.Given && !change.Description.Given {
		return change, block.Errorf(block.Invalid,
			"Invalid input for field/attribute snapshot: at least one of name, description, display_name, display_description is needed.")
	}
	return change, x.OnlyKey("snapshot")
}

// AppendSnapshot appends {"snapshot":{…}}.
func AppendSnapshot(b []byte, x *Exchange, s *block.Snapshot, extended bool) []byte {
	b = append(b, `{"snapshot":`...)
	b = AppendSnapshotItem(b, x, s, extended)
	return append(b, '}')
}

// AppendSnapshotItem appends the nine fields, those of the microversion, and the
// two extended ones if asked. Source: both seeds, response; recordings show-mv-*.
func AppendSnapshotItem(b []byte, x *Exchange, s *block.Snapshot, extended bool) []byte {
	b = AppendSnapshotCore(b, s)
	if x.Version >= GroupSnapshotID {
		b = append(b, `,"group_snapshot_id":`...)
		b = AppendOptional(b, s.GroupSnapshotID)
	}
	if x.Version >= SnapshotUserID {
		b = append(b, `,"user_id":`...)
		b = AppendString(b, s.UserID)
	}
	if x.Version >= ConsumesQuota {
		b = append(b, `,"consumes_quota":`...)
		b = AppendBool(b, s.Origin != block.OriginBackup)
	}
	if extended {
		b = append(b, `,"os-extended-snapshot-attributes:project_id":"`...)
		b = append(b, s.ProjectID...)
		b = append(b, `","os-extended-snapshot-attributes:progress":"`...)
		b = strconv.AppendInt(b, int64(s.Progress), 10)
		b = append(b, `%"`...)
	}
	return append(b, '}')
}

// AppendSnapshotCore appends the nine fields without the closing brace. Ids and
// statuses are ours and need no escaping.
func AppendSnapshotCore(b []byte, s *block.Snapshot) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, s.ID...)
	b = append(b, `","created_at":`...)
	b = AppendTime(b, s.CreatedAt)
	b = append(b, `,"updated_at":`...)
	b = AppendTime(b, s.UpdatedAt)
	b = append(b, `,"name":`...)
	b = AppendText(b, s.Name)
	b = append(b, `,"description":`...)
	b = AppendText(b, s.Description)
	b = append(b, `,"volume_id":"`...)
	b = append(b, s.VolumeID...)
	b = append(b, `","status":"`...)
	b = append(b, s.Status...)
	b = append(b, `","size":`...)
	b = strconv.AppendInt(b, int64(s.Size), 10)
	b = append(b, `,"metadata":`...)
	return AppendMetadata(b, s.Metadata)
}
