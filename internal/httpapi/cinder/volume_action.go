package cinder

import (
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// extendVolume serves os-extend; of attached volumes from 3.42, and where there
// are no microversions. Source: recordings extend-*; EVS 6.6 (in-use on v2).
func (a *API) extendVolume(x *wire.Exchange) error {
	members, err := x.Object("os-extend")
	if err != nil {
		return err
	}
	value, given := members.Get("new_size")
	if !given {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute os-extend: 'new_size' is a required property.")
	}
	size, err := wire.ReadInt(value, "new_size", 1, maxGivenSize)
	if err != nil {
		return err
	}
	if err := members.Only("os-extend", "new_size"); err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	inUse := x.API != wire.V3 || x.Version >= wire.ExtendInUse
	if err := a.blocks.ExtendVolume(x.Context(), caller, x.PathValue("volume_id"), block.Size(size), inUse); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// Words that os-reset_status takes beside the status. Source: Cinder
// volume_actions reset_status.
var (
	attachStatuses    = []string{"attached", "detached"}
	migrationStatuses = []string{"migrating", "error", "success", "completing", "none", "starting"}
)

// resetVolumeStatus serves os-reset_status. The statuses of attachment and
// migration are checked and otherwise let be: the first follows from the
// attachments, and there is no migration.
func (a *API) resetVolumeStatus(x *wire.Exchange) error {
	members, err := x.Object("os-reset_status")
	if err != nil {
		return err
	}
	if err := members.Only("os-reset_status", "status", "attach_status", "migration_status"); err != nil {
		return err
	}
	if len(members) == 0 {
		return block.Errorf(block.Invalid, "os-reset_status needs one of status, attach_status and migration_status.")
	}
	for key, words := range map[string][]string{"attach_status": attachStatuses, "migration_status": migrationStatuses} {
		word, err := optionalString(members, key)
		if err != nil {
			return err
		}
		if word != "" && !slices.Contains(words, word) {
			return block.Errorf(block.Invalid, "Invalid input for field/attribute %s: %.64q is invalid, it takes %s.", key, word, listed(words))
		}
	}
	status := block.VolumeStatus("")
	if _, given := members.Get("status"); given {
		if status, err = readStatus(members, block.ResettableVolumeStatuses()); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if status == "" {
		_, err = a.blocks.Volume(x.Context(), caller, x.PathValue("volume_id"))
	} else {
		err = a.blocks.ResetVolumeStatus(x.Context(), caller, x.PathValue("volume_id"), status)
	}
	if err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// forceDeleteVolume serves os-force_delete; clients send {} or null with it.
func (a *API) forceDeleteVolume(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.ForceDeleteVolume(x.Context(), caller, x.PathValue("volume_id")); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// attachVolume serves os-attach: a note of who uses the volume.
// Source: EVS 6.6; Cinder os-attach.
func (a *API) attachVolume(x *wire.Exchange) error {
	at, err := readAttachment(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.AttachVolume(x.Context(), caller, x.PathValue("volume_id"), at); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

func readAttachment(x *wire.Exchange) (at block.Attached, err error) {
	members, err := x.Object("os-attach")
	if err != nil {
		return at, err
	}
	if err = members.Only("os-attach", "instance_uuid", "host_name", "mountpoint", "mode"); err != nil {
		return at, err
	}
	if at.ServerID, err = optionalUUID(members, "instance_uuid"); err != nil {
		return at, err
	}
	if at.HostName, err = shortString(members, "host_name"); err != nil {
		return at, err
	}
	if at.Device, err = shortString(members, "mountpoint"); err != nil {
		return at, err
	}
	if at.Mode, err = optionalString(members, "mode"); err != nil {
		return at, err
	}
	switch {
	case at.ServerID == "" && at.HostName == "":
		return at, block.Errorf(block.Invalid, "Invalid input for field/attribute os-attach: instance_uuid or host_name is needed.")
	case at.Device == "":
		return at, block.Errorf(block.Invalid, "Invalid input for field/attribute os-attach: mountpoint is needed.")
	case at.Mode == "":
		at.Mode = "rw"
	case at.Mode != "rw" && at.Mode != "ro":
		return at, block.Errorf(block.Invalid, "Invalid input for field/attribute mode: it must be rw or ro, not %.24q.", at.Mode)
	}
	return at, nil
}

// shortString is optionalString of at most block.MaxText bytes, none of them a control character.
func shortString(members wire.Members, field string) (string, error) {
	text, err := optionalString(members, field)
	if err == nil && len(text) > block.MaxText {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it is too long, %d bytes; at most %d are allowed.", field, len(text), block.MaxText)
	}
	if err == nil && strings.ContainsFunc(text, unicode.IsControl) {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute %s: control characters are not allowed.", field)
	}
	return text, err
}

// detachVolume serves os-detach.
func (a *API) detachVolume(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	attachment := ""
	if value, _ := top.Get("os-detach"); value.Kind() != 'n' {
		members, err := wire.ObjectOf(value, "os-detach")
		if err != nil {
			return err
		}
		if err := members.Only("os-detach", "attachment_id"); err != nil {
			return err
		}
		if attachment, err = optionalUUID(members, "attachment_id"); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DetachVolume(x.Context(), caller, x.PathValue("volume_id"), attachment); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// setBootable serves os-set_bootable: 200, unlike its neighbours. Source: EVS 6.6.
func (a *API) setBootable(x *wire.Exchange) error {
	bootable, err := readFlag(x, "os-set_bootable", "bootable")
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.SetVolumeBootable(x.Context(), caller, x.PathValue("volume_id"), bootable); err != nil {
		return err
	}
	return replyNothing(x, http.StatusOK)
}

// setReadonly serves os-update_readonly_flag.
func (a *API) setReadonly(x *wire.Exchange) error {
	readonly, err := readFlag(x, "os-update_readonly_flag", "readonly")
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.SetVolumeReadonly(x.Context(), caller, x.PathValue("volume_id"), readonly); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// readFlag reads {"action": {"key": true}} and nothing beside it.
func readFlag(x *wire.Exchange, action, key string) (bool, error) {
	members, err := x.Object(action)
	if err != nil {
		return false, err
	}
	if err := members.Only(action, key); err != nil {
		return false, err
	}
	value, given := members.Get(key)
	if !given {
		return false, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: '%s' is a required property.", action, key)
	}
	return wire.ReadBool(value, key)
}
