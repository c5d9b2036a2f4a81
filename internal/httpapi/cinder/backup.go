package cinder

import (
	"net/http"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// backupRoutes are the calls on backups. Source of permissions: Cinder
// policies/backups.py, backup_actions.py.
func (a *API) backupRoutes() []wire.Route {
	const all, one = "/backups", "/backups/{backup_id}"
	return append([]wire.Route{
		{Name: "backup.create", Method: "POST", Path: all, Versions: wire.V2V3, Permission: wire.Member, OK: 202, Source: cinderAPI, Handle: a.createBackup},
		{Name: "backup.list", Method: "GET", Path: all, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: recorded, Handle: a.listBackups},
		{Name: "backup.list_details", Method: "GET", Path: all + "/detail", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.listBackupDetails},
		{Name: "backup.show", Method: "GET", Path: one, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.showBackup},
		{Name: "backup.explain", Method: "GET", Path: one + "/explain", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: ours, Handle: a.explainBackup},
		{Name: "backup.update", Method: "PUT", Path: one, Versions: wire.V3, Since: wire.BackupUpdate, Permission: wire.Member, OK: 200, Source: cinderAPI, Handle: a.updateBackup},
		{Name: "backup.delete", Method: "DELETE", Path: one, Versions: wire.V2V3, Permission: wire.Member, OK: 202, Source: cinderAPI, Handle: a.deleteBackup},
		{Name: "backup.restore", Method: "POST", Path: one + "/restore", Versions: wire.V2V3, Permission: wire.Member, OK: 202, Source: cinderAPI, Handle: a.restoreBackup},
		{Name: "backup.export_record", Method: "GET", Path: one + "/export_record", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.exportBackup},
		{Name: "backup.import_record", Method: "POST", Path: all + "/import_record", Versions: wire.V2V3, Permission: wire.Admin, OK: 201, Source: cinderAPI, Handle: a.importBackup},
	}, actions(one+"/action", []wire.Route{
		{Name: "backup.reset_status", Action: "os-reset_status", Permission: wire.Admin, Source: cinderAPI, Handle: a.resetBackupStatus},
		{Name: "backup.force_delete", Action: "os-force_delete", Permission: wire.Admin, Source: cinderAPI, Handle: a.forceDeleteBackup},
	})...)
}

// createBackup serves POST /v{2,3}/{project_id}/backups.
func (a *API) createBackup(x *wire.Exchange) error {
	wanted, err := readNewBackup(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	b, err := a.blocks.CreateBackup(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return replyBackup(x, http.StatusAccepted, b)
}

// readNewBackup reads the body of a creation. Source: Cinder schemas/backups.py.
func readNewBackup(x *wire.Exchange) (n block.NewBackup, err error) {
	members, err := x.Object("backup")
	if err != nil {
		return n, err
	}
	allowed := []string{"volume_id", "container", "description", "incremental", "force", "name", "snapshot_id"}
	if x.Version >= wire.BackupMetadata {
		allowed = append(allowed, "metadata")
	}
	if x.Version >= wire.BackupZone {
		allowed = append(allowed, "availability_zone")
	}
	if err = members.Only("backup", allowed...); err != nil {
		return n, err
	}
	if err = x.OnlyKey("backup"); err != nil {
		return n, err
	}
	if n.Name, n.Description, n.Container, err = readBackupTexts(x, members); err != nil {
		return n, err
	}
	for key, into := range map[string]*bool{"incremental": &n.Incremental, "force": &n.Force} {
		if value, given := members.Get(key); given {
			if *into, err = wire.ReadBool(value, key); err != nil {
				return n, err
			}
		}
	}
	if n.Metadata, err = wire.ReadMetadata(members, "metadata"); err != nil {
		return n, err
	}
	if n.Zone, err = shortString(members, "availability_zone"); err != nil {
		return n, err
	}
	if n.SnapshotID, err = optionalUUID(members, "snapshot_id"); err != nil {
		return n, err
	}
	n.VolumeID, err = members.UUID("volume_id", "Volume")
	return n, err
}

// readBackupTexts reads name, description and container; those that are not given are null.
func readBackupTexts(x *wire.Exchange, members wire.Members) (name, description, container block.Text, err error) {
	for _, t := range []struct {
		key  string
		rule wire.TextField
		into *block.Text
	}{{"name", wire.Name, &name}, {"description", wire.Description, &description}, {"container", wire.Name, &container}} {
		if value, given := members.Get(t.key); given {
			if *t.into, err = x.Dialect.ReadText(value, t.key, t.rule); err != nil {
				return name, description, container, err
			}
		}
	}
	return name, description, container, nil
}

// showBackup serves GET /v{2,3}/{project_id}/backups/{backup_id}.
func (a *API) showBackup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	b, err := a.blocks.Backup(x.Context(), caller, x.PathValue("backup_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(dst []byte) []byte {
		return append(appendBackup(append(dst, `{"backup":`...), x, b, caller.Admin), '}')
	})
}

// updateBackup serves PUT /v3/{project_id}/backups/{backup_id}, from 3.9. A body
// that names nothing changes nothing. Source: Cinder api/v3/backups.py update.
func (a *API) updateBackup(x *wire.Exchange) error {
	members, err := x.Object("backup")
	if err != nil {
		return err
	}
	allowed := []string{"name", "description"}
	if x.Version >= wire.BackupMetadata {
		allowed = append(allowed, "metadata")
	}
	if err := members.Only("backup", allowed...); err != nil {
		return err
	}
	if err := x.OnlyKey("backup"); err != nil {
		return err
	}
	var change block.BackupChange
	if change.Name, change.Description, err = x.ReadTexts(members); err != nil {
		return err
	}
	if change.Metadata, err = wire.ReadMetadata(members, "metadata"); err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	b, err := a.blocks.UpdateBackup(x.Context(), caller, x.PathValue("backup_id"), change)
	if err != nil {
		return err
	}
	return replyBackup(x, http.StatusOK, b)
}

// deleteBackup serves DELETE /v{2,3}/{project_id}/backups/{backup_id}.
func (a *API) deleteBackup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DeleteBackup(x.Context(), caller, x.PathValue("backup_id")); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// restoreBackup serves POST /v{2,3}/{project_id}/backups/{backup_id}/restore.
// Clients send null with it, too. Source: Cinder schemas/backups.py restore.
func (a *API) restoreBackup(x *wire.Exchange) error {
	volumeID, name, err := readRestore(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	b, vol, err := a.blocks.RestoreBackup(x.Context(), caller, x.PathValue("backup_id"), volumeID, name)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(dst []byte) []byte {
		dst = append(dst, `{"restore":{"backup_id":`...)
		dst = wire.AppendString(dst, b.ID)
		dst = append(dst, `,"volume_id":`...)
		dst = wire.AppendString(dst, vol.ID)
		dst = append(dst, `,"volume_name":`...)
		dst = wire.AppendText(dst, vol.Name)
		return append(dst, "}}"...)
	})
}

func readRestore(x *wire.Exchange) (volumeID string, name block.Text, err error) {
	if err := x.OnlyKey("restore"); err != nil {
		return "", name, err
	}
	top, err := x.Top()
	if err != nil {
		return "", name, err
	}
	if value, given := top.Get("restore"); given && value.Kind() == 'n' {
		return "", name, nil
	}
	members, err := x.Object("restore")
	if err != nil {
		return "", name, err
	}
	if err := members.Only("restore", "name", "volume_id"); err != nil {
		return "", name, err
	}
	if value, given := members.Get("name"); given {
		if name, err = x.Dialect.ReadText(value, "name", wire.Name); err != nil {
			return "", name, err
		}
	}
	volumeID, err = optionalUUID(members, "volume_id")
	return volumeID, name, err
}

// resetBackupStatus serves os-reset_status.
func (a *API) resetBackupStatus(x *wire.Exchange) error {
	members, err := x.Object("os-reset_status")
	if err != nil {
		return err
	}
	if err := members.Only("os-reset_status", "status"); err != nil {
		return err
	}
	status, err := readStatus(members, block.ResettableBackupStatuses())
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.ResetBackupStatus(x.Context(), caller, x.PathValue("backup_id"), status); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// forceDeleteBackup serves os-force_delete; clients send {} or null with it.
func (a *API) forceDeleteBackup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.ForceDeleteBackup(x.Context(), caller, x.PathValue("backup_id")); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// replyBackup answers with the three fields that creations, updates and the simple
// list have. Source: Cinder views/backups.py summary.
func replyBackup(x *wire.Exchange, status int, b *block.Backup) error {
	return x.Reply(status, func(dst []byte) []byte {
		return append(appendBackupSummary(append(dst, `{"backup":`...), x, b), '}')
	})
}

func appendBackupSummary(dst []byte, x *wire.Exchange, b *block.Backup) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendString(dst, b.ID)
	dst = append(dst, `,"name":`...)
	dst = wire.AppendText(dst, b.Name)
	dst = appendItemLinks(dst, x, "/backups/"+b.ID)
	return append(dst, '}')
}

// appendBackup appends all that is shown of a backup. Source: Cinder
// views/backups.py detail; api/v3/backups.py show.
func appendBackup(dst []byte, x *wire.Exchange, b *block.Backup, admin bool) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendString(dst, b.ID)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, b.Status...)
	dst = append(dst, `","size":`...)
	dst = strconv.AppendInt(dst, int64(b.Size), 10)
	dst = append(dst, `,"object_count":`...)
	dst = strconv.AppendInt(dst, b.ObjectCount, 10)
	dst = append(dst, `,"availability_zone":`...)
	dst = wire.AppendOptional(dst, b.AvailabilityZone)
	dst = append(dst, `,"container":`...)
	dst = wire.AppendText(dst, b.Container)
	dst = append(dst, `,"created_at":`...)
	dst = wire.AppendTime(dst, b.CreatedAt)
	dst = append(dst, `,"updated_at":`...)
	dst = wire.AppendTime(dst, b.UpdatedAt)
	dst = append(dst, `,"name":`...)
	dst = wire.AppendText(dst, b.Name)
	dst = append(dst, `,"description":`...)
	dst = wire.AppendText(dst, b.Description)
	dst = append(dst, `,"fail_reason":`...)
	dst = wire.AppendOptional(dst, b.FailReason)
	dst = append(dst, `,"volume_id":`...)
	dst = wire.AppendString(dst, b.VolumeID)
	dst = appendItemLinks(dst, x, "/backups/"+b.ID)
	dst = append(dst, `,"is_incremental":`...)
	dst = wire.AppendBool(dst, b.ParentID != "")
	dst = append(dst, `,"has_dependent_backups":`...)
	dst = wire.AppendBool(dst, b.Dependents > 0)
	dst = append(dst, `,"snapshot_id":`...)
	dst = wire.AppendOptional(dst, b.SnapshotID)
	dst = append(dst, `,"data_timestamp":`...)
	dst = wire.AppendTime(dst, b.DataTimestamp)
	if x.Version >= wire.BackupMetadata {
		dst = append(dst, `,"metadata":`...)
		dst = wire.AppendMetadata(dst, b.Metadata)
	}
	if x.Version >= wire.BackupProject && admin {
		dst = append(dst, `,"os-backup-project-attr:project_id":`...)
		dst = wire.AppendString(dst, b.ProjectID)
	}
	if x.Version >= wire.BackupUser && admin {
		dst = append(dst, `,"user_id":`...)
		dst = wire.AppendString(dst, b.UserID)
	}
	return append(dst, '}')
}
