package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// exportBackup serves GET /v{2,3}/{project_id}/backups/{backup_id}/export_record.
func (a *API) exportBackup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	service, url, err := a.blocks.ExportBackup(x.Context(), caller, x.PathValue("backup_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(dst []byte) []byte {
		dst = append(dst, `{"backup-record":{"backup_service":`...)
		dst = wire.AppendString(dst, service)
		dst = append(dst, `,"backup_url":`...)
		dst = wire.AppendString(dst, url)
		return append(dst, "}}"...)
	})
}

// importBackup serves POST /v{2,3}/{project_id}/backups/import_record.
func (a *API) importBackup(x *wire.Exchange) error {
	members, err := x.Object("backup-record")
	if err != nil {
		return err
	}
	if err := members.Only("backup-record", "backup_service", "backup_url"); err != nil {
		return err
	}
	if err := x.OnlyKey("backup-record"); err != nil {
		return err
	}
	var given [2]string
	for i, key := range []string{"backup_service", "backup_url"} {
		value, there := members.Get(key)
		if !there {
			return block.Errorf(block.Invalid, "'%s' is a required property.", key)
		}
		if given[i], err = wire.ReadString(value, key); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	b, err := a.blocks.ImportBackup(x.Context(), caller, given[0], given[1])
	if err != nil {
		return err
	}
	return replyBackup(x, http.StatusCreated, b)
}
