package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// maxGivenSize is the largest size the schema lets through, in GiB; what the
// service can hold is the heart's to say. Source: recording volume-create-size-huge.
const maxGivenSize = 2147483647

// createVolume serves POST /v{2,3}/{project_id}/volumes.
func (a *API) createVolume(x *wire.Exchange) error {
	wanted, err := readNewVolumes(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	made, err := a.blocks.CreateVolumes(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return a.replyVolume(x, http.StatusAccepted, caller, made.Volumes[0], false)
}

// readNewVolumes reads the body of a creation, and how many volumes it is of.
// Source: EVS 6.1, count.
func readNewVolumes(x *wire.Exchange) (n block.NewVolumes, err error) {
	n.Count = 1
	if n.NewVolume, err = readNewVolume(x); err != nil || !x.Dialect.VendorDisks {
		return n, err
	}
	n.Vendor = true
	members, err := x.Object("volume")
	if err != nil {
		return n, err
	}
	if value, given := members.Get("count"); given && value.Kind() != 'n' {
		count, err := wire.ReadTruncated(value, "count", 1, block.MaxBatch)
		n.Count = int(count)
		return n, err
	}
	return n, nil
}

// readNewVolume reads the body of a creation. Keys it does not know are ignored,
// inside and beside volume. Source: recordings volume-create-*; EVS 6.1 (scheduler hints).
func readNewVolume(x *wire.Exchange) (n block.NewVolume, err error) {
	members, err := x.Object("volume")
	if err != nil {
		return n, err
	}
	name, description, err := x.ReadTexts(members)
	if err != nil {
		return n, err
	}
	n.Name, n.Description = name.To, description.To
	if n.Metadata, err = wire.ReadMetadata(members, "metadata"); err != nil {
		return n, err
	}
	if n.TypeName, err = optionalString(members, "volume_type"); err != nil {
		return n, err
	}
	if n.Zone, err = optionalString(members, "availability_zone"); err != nil {
		return n, err
	}
	if value, given := members.Get("multiattach"); given && value.Kind() != 'n' {
		if n.Multiattach, err = wire.ReadBool(value, "multiattach"); err != nil {
			return n, err
		}
		if n.Multiattach && !x.Dialect.SharedByRequest { // Source: recording volume-create-multiattach
			return n, block.Errorf(block.Invalid, "multiattach parameter has been removed. Use a volume type that has the extra spec multiattach.")
		}
	}
	if err = readVolumeSource(x, members, &n); err != nil {
		return n, err
	}
	if value, given := members.Get("size"); given && value.Kind() != 'n' {
		size, err := wire.ReadInt(value, "size", 1, maxGivenSize)
		n.Size = block.Size(size)
		return n, err
	}
	if n.SnapshotID == "" && n.SourceVolumeID == "" && n.BackupID == "" {
		return n, block.Errorf(block.Invalid, "Invalid input for field/attribute size: it is needed, in GB, unless snapshot_id, source_volid or backup_id is given.")
	}
	return n, nil
}

// readVolumeSource reads what the volume is made from: nothing, a snapshot, or
// another volume, a backup, or an image, and the group it is to be in.
func readVolumeSource(x *wire.Exchange, members wire.Members, n *block.NewVolume) (err error) {
	if n.SnapshotID, err = optionalUUID(members, "snapshot_id"); err != nil {
		return err
	}
	if n.SourceVolumeID, err = optionalUUID(members, "source_volid"); err != nil {
		return err
	}
	backup, err := optionalUUID(members, "backup_id")
	if err != nil {
		return err
	}
	if x.Version >= wire.VolumeFromBackup {
		n.BackupID = backup
	}
	sources := 0
	if n.ImageID, err = readImageRef(members); err != nil {
		return err
	}
	for _, id := range []string{n.SnapshotID, n.SourceVolumeID, n.BackupID, n.ImageID} {
		if id != "" {
			sources++
		}
	}
	if sources > 1 {
		return block.Errorf(block.Invalid, "Invalid input: only one of snapshot_id, source_volid, backup_id and imageRef may be given.")
	}
	n.GroupID, err = readGroupID(x, members)
	return err
}

// readGroupID reads the group that a volume is to be in: group_id from 3.13, or
// consistencygroup_id, which it wins over. Source: Cinder volumes create.
func readGroupID(x *wire.Exchange, members wire.Members) (string, error) {
	old, err := optionalUUID(members, "consistencygroup_id")
	if err != nil {
		return "", err
	}
	id, err := optionalUUID(members, "group_id")
	if err != nil || id == "" || x.Version < wire.VolumeGroupID {
		return old, err
	}
	return id, nil
}

// optionalString reads a string; absent and null are the empty one.
func optionalString(members wire.Members, field string) (string, error) {
	value, given := members.Get(field)
	if !given || value.Kind() == 'n' {
		return "", nil
	}
	text, err := wire.ReadString(value, field)
	if err == nil && len(text) > 4*block.MaxText {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it is too long; at most %d characters are allowed.", field, block.MaxText)
	}
	return text, err
}

// optionalUUID reads the id of an object; absent and null are none.
func optionalUUID(members wire.Members, field string) (string, error) {
	id, err := optionalString(members, field)
	if err == nil && id != "" && !wire.IsUUID(id) {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute %s: %.64q is not a UUID.", field, id)
	}
	return id, err
}

// showVolume serves GET /v{2,3}/{project_id}/volumes/{volume_id}.
func (a *API) showVolume(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	vol, err := a.blocks.Volume(x.Context(), caller, x.PathValue("volume_id"))
	if err != nil {
		return err
	}
	return a.replyVolume(x, http.StatusOK, caller, vol, true)
}

// updateVolume serves PUT /v{2,3}/{project_id}/volumes/{volume_id}. An update of
// nothing is none; metadata stands in place of the stored. Source: recordings
// volume-update-*; EVS 6.4.
func (a *API) updateVolume(x *wire.Exchange) error {
	members, err := x.Object("volume")
	if err != nil {
		return err
	}
	var change block.VolumeChange
	if change.Name, change.Description, err = x.ReadTexts(members); err != nil {
		return err
	}
	if change.Metadata, err = wire.ReadMetadata(members, "metadata"); err != nil {
		return err
	}
	if err := members.Only("volume", "name", "description", "display_name", "display_description", "metadata"); err != nil {
		return err
	}
	if err := x.OnlyKey("volume"); err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	vol, err := a.changeVolume(x, caller, change)
	if err != nil {
		return err
	}
	return a.replyVolume(x, http.StatusOK, caller, vol, false)
}

// changeVolume updates the volume, or only reads it when nothing is to change.
func (a *API) changeVolume(x *wire.Exchange, caller block.Caller, change block.VolumeChange) (*block.Volume, error) {
	id := x.PathValue("volume_id")
	if !change.Name.Given && !change.Description.Given && change.Metadata == nil {
		return a.blocks.Volume(x.Context(), caller, id)
	}
	return a.blocks.UpdateVolume(x.Context(), caller, id, change)
}

// deleteVolume serves DELETE /v{2,3}/{project_id}/volumes/{volume_id}?cascade=.
func (a *API) deleteVolume(x *wire.Exchange) error {
	query, err := queryOf(x)
	if err != nil {
		return err
	}
	cascade, err := queryBool(query, "cascade")
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DeleteVolume(x.Context(), caller, x.PathValue("volume_id"), cascade); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// replyVolume answers with one volume; whole adds what only show and detail have.
func (a *API) replyVolume(x *wire.Exchange, status int, caller block.Caller, v *block.Volume, whole bool) error {
	view, err := a.volumeView(x, caller)
	if err != nil {
		return err
	}
	return x.Reply(status, func(b []byte) []byte {
		b = append(b, `{"volume":`...)
		b = view.appendItem(b, v, whole)
		return append(b, '}')
	})
}
