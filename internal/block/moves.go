package block

import "maps"

// VolumeMoves is a copy of the table of status changes of volumes.
func VolumeMoves() map[VolumeStatus][]VolumeStatus { return maps.Clone(volumeMoves) }

// SnapshotMoves is a copy of the table of status changes of snapshots.
func SnapshotMoves() map[SnapshotStatus][]SnapshotStatus { return maps.Clone(snapshotMoves) }

// AttachmentMoves is a copy of the table of status changes of attachments.
func AttachmentMoves() map[AttachmentStatus][]AttachmentStatus { return maps.Clone(attachmentMoves) }

// GroupMoves is a copy of the table of status changes of groups.
func GroupMoves() map[GroupStatus][]GroupStatus { return maps.Clone(groupMoves) }

// GroupSnapshotMoves is a copy of the table of status changes of group snapshots.
func GroupSnapshotMoves() map[GroupSnapshotStatus][]GroupSnapshotStatus {
	return maps.Clone(groupSnapshotMoves)
}

// BackupMoves is a copy of the table of status changes of backups.
func BackupMoves() map[BackupStatus][]BackupStatus { return maps.Clone(backupMoves) }
