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

	readers chan struct{} // one in it for each read of a snapshot
}

// New makes the door.
func New(blocks *block.Service, log *slog.Logger) *API {
	a := &API{blocks: blocks, log: log, volumeList: volumeRules()}
	a.snapshotList = a.snapshotRules()
	a.transferList = transferRules()
	a.readers = make(chan struct{}, block.MaxReaders)
	return a
}
