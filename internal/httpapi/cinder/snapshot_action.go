package cinder

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// resetSnapshotStatus serves os-reset_status: any case, stored in lower case.
// Source: recordings action-reset-*.
func (a *API) resetSnapshotStatus(x *wire.Exchange) error {
	members, err := x.Object("os-reset_status")
	if err != nil {
		return err
	}
	if err := members.Only("os-reset_status", "status"); err != nil {
		return err
	}
	status, err := readStatus(members, block.ResettableSnapshotStatuses())
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.ResetSnapshotStatus(x.Context(), caller, x.PathValue("snapshot_id"), status); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// readStatus reads the member status, which must be one of those allowed.
func readStatus[S ~string](members wire.Members, allowed []S) (S, error) {
	value, given := members.Get("status")
	if !given {
		return "", block.Errorf(block.Invalid, "'status' is a required property.")
	}
	text, err := wire.ReadString(value, "status")
	if err != nil {
		return "", err
	}
	status := S(strings.ToLower(text))
	if !slices.Contains(allowed, status) {
		return "", block.Errorf(block.Invalid, "Invalid input for field/attribute status: %.64q is invalid, valid statuses are: %s.", text, listed(allowed))
	}
	return status, nil
}

// listed joins words for a message.
func listed[S ~string](words []S) string {
	var text strings.Builder
	for i, word := range words {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(string(word))
	}
	return text.String()
}

// forceDeleteSnapshot serves os-force_delete; clients send {} or null with it.
func (a *API) forceDeleteSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.ForceDeleteSnapshot(x.Context(), caller, x.PathValue("snapshot_id")); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}

// updateSnapshotStatus serves os-update_snapshot_status, by which a data path
// tells how a snapshot comes along. Source: recordings action-update-status-*.
func (a *API) updateSnapshotStatus(x *wire.Exchange) error {
	members, err := x.Object("os-update_snapshot_status")
	if err != nil {
		return err
	}
	value, given := members.Get("status")
	if !given {
		return block.Errorf(block.Invalid, "'status' is a required property.")
	}
	status, err := wire.ReadString(value, "status")
	if err != nil {
		return err
	}
	progress, err := readProgress(members)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	err = a.blocks.UpdateSnapshotStatus(x.Context(), caller, x.PathValue("snapshot_id"), block.SnapshotStatus(status), progress)
	if err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// readProgress reads "80%", in percent; -1 when it is absent, null or empty.
func readProgress(members wire.Members) (int, error) {
	value, given := members.Get("progress")
	if !given || value.Kind() == 'n' {
		return -1, nil
	}
	text, err := wire.ReadString(value, "progress")
	if err != nil || text == "" {
		return -1, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	if err != nil || n < 0 || n > 100 {
		return -1, block.Errorf(block.Invalid, "Invalid input for field/attribute progress: it must be from 0%% to 100%%, not %.24q.", text)
	}
	return n, nil
}

// unmanageSnapshot serves os-unmanage; clients send {} or null with it.
func (a *API) unmanageSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.UnmanageSnapshot(x.Context(), caller, x.PathValue("snapshot_id")); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}
