package proof

import (
	"net/http"
	"slices"
)

// unsure stands for what was written last where nobody can tell: in a volume whose
// rollback failed, and in what is made from it.
const unsure = -1

// rollBack is what a rollback by the EVS call must be answered; row is the snapshot,
// of which any will do.
func (m *Model) rollBack(c *Call, op Op, row *Row) {
	c.Path, c.Want = "/os-vendor-snapshots/"+m.pick(c.Who, op, ASnapshot)+"/rollback", http.StatusAccepted
	body := members{"volume_id": nobody}
	c.Body = members{"rollback": body}
	if op.Flag {
		body["breezeblock:safety_snapshot"] = true
	}
	if row == nil {
		return
	}
	body["volume_id"] = row.Parent
	vol := m.Rows[row.Parent]
	if row.Status != "available" || !slices.Contains([]string{"available", "error_rollbacking"}, vol.Status) || vol.Attached > 0 {
		c.Want = http.StatusBadRequest
		return
	}
	safety := &Row{Noun: ASnapshot, Project: vol.Project, Status: "creating", Size: vol.Size, Type: vol.Type, Parent: vol.ID,
		Text: "before rollback to " + row.ID, Items: map[string]string{}, vouched: vol.vouched, stamp: vol.stamp}
	safety.described = "What volume " + vol.ID + " held before it was rolled back to snapshot " + row.ID + ". Roll back to this one to undo that."
	if op.Flag {
		m.fits(c, safety, Usage{Snapshots: 1, Gigabytes: safety.Size})
	}
	c.Then = func(s Shown) error {
		vol.rollTo(row, "rollbacking", "rollbacking")
		if op.Flag {
			safety.ID = s.ID
			m.add(safety)
		}
		return nil
	}
}

// revert is what Cinder's call must be answered: to the newest snapshot only.
func (m *Model) revert(c *Call, op Op, row *Row) {
	volume, id := nobody, m.pick(c.Who, op, ASnapshot)
	c.Want = http.StatusAccepted
	if row != nil {
		volume = row.Parent
	}
	c.Path, c.Body = "/volumes/"+volume+"/action", members{"revert": members{"snapshot_id": id}}
	if row == nil {
		return
	}
	all, vol := m.snapshotsOf(volume), m.Rows[volume]
	switch {
	case vol.Size != row.Size, all[len(all)-1] != row: // whatever the clock says, the newest was made last
		c.Want = http.StatusBadRequest
	case vol.Status != "available" || row.Status != "available":
		c.Want = http.StatusConflict
	case vol.Attached > 0:
		c.Want = http.StatusBadRequest
	}
	c.Then = func(Shown) error { vol.rollTo(row, "reverting", "restoring"); return nil }
}

// rollTo begins a rollback of a volume to a snapshot.
func (r *Row) rollTo(snap *Row, status, snapStatus string) {
	r.Status, snap.Status = status, snapStatus
	r.rolledTo, r.vouched = snap.stamp, r.vouched || snap.vouched
}

// rolled is what a rollback may have made of a row; false is none.
func (m *Model) rolled(r *Row, status string) bool {
	switch {
	case slices.Contains([]string{"rollbacking", "restoring", "reverting"}, r.Status) && status == "available":
		if r.Noun == AVolume {
			r.stamp = r.rolledTo
		}
		return true
	case (r.Status == "rollbacking" && status == "error_rollbacking") || (r.Status == "reverting" && status == "error"):
		r.stamp = unsure
		return r.Noun == AVolume && m.Trouble
	}
	return false
}
