package cinder

import (
	"log/slog"

	"github.com/breezeblock/breezeblock/internal/block"
)

// API is the door of the Cinder families.
type API struct {
	blocks *block.Service
	log    *slog.Logger

	snapshotList *listRules // never changed
	volumeList   *listRules
	transferList *listRules
	messageList  *listRules

	level *slog.LevelVar // of log

	readers chan struct{} // one in it for each read of a snapshot

	groupTypeList, groupList, groupSnapshotList *listRules
	oldGroupList, oldGroupSnapshotList          *listRules // of consistency groups
	backupList                                  *listRules
}

// New makes the door.
func New(blocks *block.Service, log *slog.Logger) *API {
	a := &API{blocks: blocks, log: log, volumeList: volumeRules(), level: new(slog.LevelVar)}
	a.snapshotList = a.snapshotRules()
	a.transferList, a.messageList = transferRules(), messageRules()
	a.backupList = backupRules()
	a.readers = make(chan struct{}, block.MaxReaders)
	a.groupTypeList, a.groupList, a.groupSnapshotList = groupTypeRules(), groupRules(), groupSnapshotRules()
	a.oldGroupList, a.oldGroupSnapshotList = lenient(groupRules()), lenient(groupSnapshotRules())
	return a
}

// WithLevel tells the level that the log is held to, for get-log and set-log.
func (a *API) WithLevel(level *slog.LevelVar) *API {
	a.level = level
	return a
}
