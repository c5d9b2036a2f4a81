package cinder

import (
	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// backupSort are the sort keys of Cinder's table that say something here, and those
// that are the same for all rows. Source: Cinder db models Backup.
var backupSort = wire.SortFields{
	"id": block.FieldID, "created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt,
	"display_name": block.FieldName, "display_description": block.FieldDescription, "status": block.FieldStatus,
	"volume_id": block.FieldVolumeID, "size": block.FieldSize, "project_id": block.FieldProjectID, "user_id": block.FieldUserID,
	"snapshot_id": block.FieldSnapshotID, "parent_id": block.FieldParentID, "container": block.FieldContainer,
	"data_timestamp": block.FieldDataTimestamp, "availability_zone": block.FieldCreatedAt, "deleted": block.FieldCreatedAt,
	"host": block.FieldCreatedAt, "service": block.FieldCreatedAt,
}

// backupSortNamed has name too, from 3.37. Source: Cinder microversions BACKUP_SORT_NAME.
var backupSortNamed = withName(backupSort)

// backupRules are the filters and sort keys of lists of backups. Source: Cinder
// api/contrib/backups.py; recording service-member-resource_filters.
func backupRules() *listRules {
	return &listRules{
		sort: func(x *wire.Exchange) wire.SortFields {
			if x.API == wire.V3 && x.Version < wire.BackupSortName {
				return backupSort
			}
			return backupSortNamed
		},
		filters: []filterRule{
			{key: "name", v2: true, keep: byField(block.FieldName)},
			{key: "status", v2: true, keep: byField(block.FieldStatus)},
			{key: "volume_id", v2: true, keep: byField(block.FieldVolumeID)},
			{key: "id", v2: true, admin: true, keep: byField(block.FieldID)},
			{key: "project_id", v2: true, admin: true, keep: byField(block.FieldProjectID)},
			{key: "user_id", v2: true, admin: true, keep: byField(block.FieldUserID)},
			{key: "snapshot_id", v2: true, admin: true, keep: byField(block.FieldSnapshotID)},
			{key: "parent_id", v2: true, admin: true, keep: byField(block.FieldParentID)},
			{key: "size", v2: true, admin: true, keep: byNumber(block.FieldSize)},
		},
	}
}

// bySnapshotQuota keeps the snapshots that count against the quota, or those that do
// not: the ones that backups made.
func bySnapshotQuota(q *listQuery, value string) error {
	counts, ok := boolWord(value)
	if !ok {
		return block.Errorf(block.Invalid, "Value '%.64s' for 'consumes_quota' is not a boolean.", value)
	}
	origin := block.OriginBackup
	if counts {
		origin = block.OriginUser
	}
	return byField(block.FieldOrigin)(q, origin.String())
}

// listBackups serves GET /v{2,3}/{project_id}/backups: id, name and links.
func (a *API) listBackups(x *wire.Exchange) error {
	return a.answerBackups(x, func(dst []byte, b *block.Backup, _ bool) []byte { return appendBackupSummary(dst, x, b) })
}

// listBackupDetails serves GET /v{2,3}/{project_id}/backups/detail.
func (a *API) listBackupDetails(x *wire.Exchange) error {
	return a.answerBackups(x, func(dst []byte, b *block.Backup, admin bool) []byte { return appendBackup(dst, x, b, admin) })
}

func (a *API) answerBackups(x *wire.Exchange, item func(dst []byte, b *block.Backup, admin bool) []byte) error {
	q, caller, err := askedList(x, a.backupList)
	if err != nil {
		return err
	}
	return answerList(x, caller, &q, &listCalls[*block.Backup]{
		noun: "Backup", key: "backups", rows: a.blocks.Backups, count: a.blocks.CountBackups,
		id:   func(b *block.Backup) string { return b.ID },
		item: func(dst []byte, b *block.Backup) []byte { return item(dst, b, caller.Admin) },
	})
}
