package evs

import (
	"net/http"
	"unicode/utf8"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// standardSnapshotRoutes are the calls of v5 on snapshots.
func (a *API) standardSnapshotRoutes() []wire.Route {
	const all, one = "/snapshots", "/snapshots/{snapshot_id}"
	return []wire.Route{
		{Name: "snapshot5.create", Method: "POST", Path: all, Versions: wire.V5, Permission: wire.Member, OK: 202, Source: evs17, Handle: a.createStandard},
		{Name: "snapshot5.list", Method: "GET", Path: all + "/detail", Versions: wire.V5, Permission: wire.Reader, OK: 200, Source: evs17, Handle: a.listStandard},
		{Name: "snapshot5.show", Method: "GET", Path: one, Versions: wire.V5, Permission: wire.Reader, OK: 200, Source: evs17, Handle: a.showStandard},
		{Name: "snapshot5.update", Method: "PUT", Path: one, Versions: wire.V5, Permission: wire.Member, OK: 200, Source: evs17, Handle: a.updateStandard},
		{Name: "snapshot5.delete", Method: "DELETE", Path: one, Versions: wire.V5, Permission: wire.Member, OK: 202, Source: evs17, Handle: a.deleteStandard},
		{Name: "snapshot5.rollback", Method: "POST", Path: one + "/rollback", Versions: wire.V5, Permission: wire.Member, OK: 202, Source: evs17, Handle: a.rollBackStandard},
		{Name: "snapshot5.chains", Method: "GET", Path: "/snapshot-chains", Versions: wire.V5, Permission: wire.Reader, OK: 200, Source: evs17, Handle: a.listChains},
		{Name: "tag.snapshot_project", Method: "GET", Path: all + "/tags", Versions: wire.V5, Permission: wire.Reader, OK: 200, Source: evs17, Handle: a.listProjectTags(block.TagSnapshot)},
		{Name: "tag.snapshot_create", Method: "POST", Path: one + "/tags/create", Versions: wire.V5, Permission: wire.Member, OK: 204, Source: evs17, Handle: a.snapshotTags(true)},
		{Name: "tag.snapshot_delete", Method: "POST", Path: one + "/tags/delete", Versions: wire.V5, Permission: wire.Member, OK: 204, Source: evs17, Handle: a.snapshotTags(false)},
	}
}

// snapshot5Faults are for the calls of v5. Source: evs-errors 3.
var snapshot5Faults = with(tagFaults, map[string]fault{
	block.AboutSnapshotBusy: {409, "EVS.2409"}, "volume_id": {400, "EVS.1002"}, "volume_id.none": {400, "EVS.5400"},
	"enterprise_project_id": {400, "EVS.2059"},
})

// Lengths of the texts of v5, in characters. Source: EVS 5.1.
const (
	maxStandardName        = 64
	maxStandardDescription = 85
)

// snapshotTags serves POST …/tags/create and …/tags/delete.
func (a *API) snapshotTags(create bool) wire.Handler {
	return func(x *wire.Exchange) error {
		top, err := x.Top()
		if err != nil {
			return err
		}
		return a.changeTags(x, top, create, block.TagSnapshot, x.PathValue("snapshot_id"))
	}
}

// readStandardText reads a name or description of v5.
func readStandardText(x *wire.Exchange, members wire.Members, field string, rule wire.TextField, most int) (change block.TextChange, err error) {
	value, given := members.Get(field)
	if !given {
		return change, nil
	}
	change.Given = true
	if change.To, err = x.Dialect.ReadText(value, field, rule); err != nil {
		return change, err
	}
	if n := utf8.RuneCountInString(change.To.Value); n > most {
		return change, block.On(field, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it is too long, %d characters; at most %d are allowed.", field, n, most))
	}
	return change, nil
}

func readStandardTexts(x *wire.Exchange, members wire.Members) (change block.SnapshotChange, err error) {
	if change.Name, err = readStandardText(x, members, "name", wire.Name, maxStandardName); err != nil {
		return change, err
	}
	change.Description, err = readStandardText(x, members, "description", wire.Description, maxStandardDescription)
	return change, err
}

func readFlag(members wire.Members, field string, otherwise bool) (bool, error) {
	value, given := members.Get(field)
	if !given || value.Kind() == 'n' {
		return otherwise, nil
	}
	return wire.ReadBool(value, field)
}

// createStandard serves POST /v5/{project_id}/snapshots. A disk in use is taken, too:
// the call knows no force. Source: EVS 5.1.
func (a *API) createStandard(x *wire.Exchange) error {
	n, err := readStandard(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.CreateSnapshot(x.Context(), caller, n)
	if err != nil {
		return err
	}
	job, err := a.blocks.JobOn(x.Context(), block.JobCreateSnapshot, snap.ID)
	if err != nil {
		return err
	}
	return reply(x, http.StatusAccepted, map[string]string{"snapshot_id": snap.ID, "job_id": job})
}

func readStandard(x *wire.Exchange) (n block.NewSnapshot, err error) {
	members, err := x.Object("snapshot")
	if err != nil {
		return n, err
	}
	if n.VolumeID, err = members.UUID("volume_id", "Volume"); err != nil {
		return n, err
	}
	texts, err := readStandardTexts(x, members)
	if err != nil {
		return n, err
	}
	n.Name, n.Description, n.Force, n.Standard = texts.Name.To, texts.Description.To, true, true
	if value, given := members.Get(tagsKey); given && value.Kind() != 'n' {
		if n.Tags, err = readTagObject(value, tagsKey); err != nil {
			return n, err
		}
	}
	if n.InstantAccess, err = readFlag(members, "instant_access", false); err != nil {
		return n, err
	}
	incremental, err := readFlag(members, "incremental", true)
	if err != nil {
		return n, err
	}
	n.FullCopy = !incremental
	n.EnterpriseProjectID, err = readEnterpriseProject(members)
	return n, err
}

// showStandard serves GET /v5/{project_id}/snapshots/{snapshot_id}.
func (a *API) showStandard(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.Snapshot(x.Context(), caller, x.PathValue("snapshot_id"))
	if err != nil {
		return err
	}
	return a.replyStandard(x, caller, snap)
}

func (a *API) replyStandard(x *wire.Exchange, c block.Caller, snap *block.Snapshot) error {
	items, err := a.viewStandard(x, c, []*block.Snapshot{snap})
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, map[string]any{"snapshot": items[0]})
}

// updateStandard serves PUT /v5/{project_id}/snapshots/{snapshot_id}. Source: EVS 5.4.
func (a *API) updateStandard(x *wire.Exchange) error {
	members, err := x.Object("snapshot")
	if err != nil {
		return err
	}
	change, err := readStandardTexts(x, members)
	if err != nil {
		return err
	}
	var instant *bool
	if value, given := members.Get("instant_access"); given {
		on, err := wire.ReadBool(value, "instant_access")
		if err != nil {
			return err
		}
		instant = &on
	}
	if !change.Name.Given && !change.Description.Given && instant == nil {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute snapshot: at least one of name, description and instant_access is needed.")
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.UpdateStandardSnapshot(x.Context(), caller, x.PathValue("snapshot_id"), change, instant)
	if err != nil {
		return err
	}
	return a.replyStandard(x, caller, snap)
}

// deleteStandard serves DELETE /v5/{project_id}/snapshots/{snapshot_id}.
func (a *API) deleteStandard(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id := x.PathValue("snapshot_id")
	if err := a.blocks.DeleteSnapshot(x.Context(), caller, id); err != nil {
		return err
	}
	return a.replyJob(x, http.StatusAccepted, block.JobDeleteSnapshot, id)
}

// rollBackStandard serves POST /v5/{project_id}/snapshots/{snapshot_id}/rollback.
func (a *API) rollBackStandard(x *wire.Exchange) error {
	wanted, err := wire.ReadRollback(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	safety, err := a.blocks.RollBack(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	x.TellSafety(safety)
	return a.replyJob(x, http.StatusAccepted, block.JobRollback, wanted.VolumeID)
}
