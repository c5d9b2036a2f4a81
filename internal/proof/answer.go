package proof

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Call is one request, what must be answered, and what it then leaves.
type Call struct {
	Who    Caller
	Method string
	Path   string // below /v3/{project}
	Body   any    // nil: none
	Want   int    // status
	Or     int    // another that is as right; 0: none
	Then   func(answered Shown) error
}

// Shown is an object as an answer shows it.
type Shown struct {
	ID          string            `json:"id"`
	Status      string            `json:"status"`
	Size        int64             `json:"size"`
	Name        *string           `json:"name"`
	Description *string           `json:"description"`
	Metadata    map[string]string `json:"metadata"`
	Type        string            `json:"volume_type"`
	VolumeID    string            `json:"volume_id"`
	Project     string            `json:"os-vol-tenant-attr:tenant_id"`
	Owner       string            `json:"os-extended-snapshot-attributes:project_id"`
	Attachments []json.RawMessage `json:"attachments"`
}

type members = map[string]any

// Call is what the operation asks, and what it must be answered now.
func (m *Model) Call(op Op) Call {
	who := m.Callers[op.Who%len(m.Callers)]
	c := Call{Who: who, Method: http.MethodPost, Then: func(Shown) error { return nil }}
	switch op.Verb {
	case CreateVolume, CloneVolume, RestoreVolume:
		m.createVolume(&c, op)
		return c
	case CreateSnapshot:
		m.createSnapshot(&c, op)
		return c
	case SetQuota:
		m.setQuota(&c, op)
		return c
	}
	id := m.pick(who, op, op.Noun)
	c.Path = "/" + string(op.Noun) + "s/" + id
	row := m.reach(who, op.Noun, id)
	switch op.Verb {
	case Show:
		c.Method, c.Want = http.MethodGet, http.StatusOK
		c.Then = func(s Shown) error { return row.equals(s) }
	case Update:
		c.Method, c.Want = http.MethodPut, http.StatusOK
		c.Body = members{string(op.Noun): members{"name": op.Name, "description": op.Name}}
		c.Then = func(s Shown) error { row.Text, row.described = op.Name, ""; return row.equals(s) }
	case MergeItems, ReplaceItems, DropItem:
		row.metadata(&c, op)
	case Extend:
		m.extend(&c, op, row)
	case Delete:
		m.delete(&c, op, row)
	case ForceDelete:
		m.forceDelete(&c, row)
	case Reset:
		m.reset(&c, op, row)
	case Attach, Detach:
		row.attach(&c, op)
	case RollBack:
		m.rollBack(&c, op, row)
	case Revert:
		m.revert(&c, op, row)
	}
	if row == nil && c.Want != http.StatusForbidden {
		c.Want = http.StatusNotFound
	}
	return c
}

// text is a name or description in a body; empty is null.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (m *Model) createVolume(c *Call, op Op) {
	body := members{"name": text(op.Name), "description": text(op.Name)}
	row := &Row{Noun: AVolume, Project: c.Who.Project, Status: "creating", Size: op.Size, Type: "__DEFAULT__", Text: op.Name, Items: map[string]string{}}
	c.Path, c.Body, c.Want = "/volumes", members{"volume": body}, http.StatusAccepted
	if op.Size != 0 || op.Verb == CreateVolume {
		row.Size = max(op.Size, 1)
		body["size"] = row.Size
	}
	var from *Row
	if op.Verb == CreateVolume {
		if op.Word != "" {
			row.Type, body["volume_type"] = op.Word, op.Word
		}
	} else {
		noun, key, usable := AVolume, "source_volid", []string{"available", "in-use"}
		if op.Verb == RestoreVolume {
			noun, key, usable = ASnapshot, "snapshot_id", []string{"available"}
		}
		row.Source = m.pick(c.Who, op, noun)
		body[key] = row.Source
		if from = m.reach(c.Who, noun, row.Source); from == nil {
			c.Want = http.StatusNotFound
			return
		}
		row.Type = from.Type
		if row.Size == 0 {
			row.Size = from.Size
		}
		if !slices.Contains(usable, from.Status) || row.Size < from.Size {
			c.Want = http.StatusBadRequest
			return
		}
	}
	m.fits(c, row, Usage{Volumes: 1, Gigabytes: row.Size})
	c.Then = func(s Shown) error {
		row.ID = s.ID
		if from != nil {
			row.vouched, row.stamp = from.vouched, from.stamp // what an administrator calls a source may be none
		}
		m.add(row)
		return row.equals(s)
	}
}

// fits wants 202 or 413, whether or not the change is within the project's limits;
// where overruled extensions may still hold a share, both are right.
func (m *Model) fits(c *Call, r *Row, change Usage) {
	c.Want = http.StatusAccepted
	if !m.within(r.Project, r.Type, change) {
		c.Want = http.StatusRequestEntityTooLarge
	}
	if change.Gigabytes += m.haunted(r.Project); !m.within(r.Project, r.Type, change) {
		c.Or = http.StatusRequestEntityTooLarge
	}
}

func (m *Model) createSnapshot(c *Call, op Op) {
	id := m.pick(c.Who, op, AVolume)
	body := members{"volume_id": id, "name": text(op.Name), "description": text(op.Name)}
	if op.Flag {
		body["force"] = true
	}
	c.Path, c.Body = "/snapshots", members{"snapshot": body}
	vol := m.reach(c.Who, AVolume, id)
	if vol == nil {
		c.Want = http.StatusNotFound
		return
	}
	if vol.Status != "available" && (!op.Flag || vol.Status != "in-use") {
		c.Want = http.StatusBadRequest
		return
	}
	row := &Row{Noun: ASnapshot, Project: vol.Project, Status: "creating", Size: vol.Size, Type: vol.Type,
		Text: op.Name, Items: map[string]string{}, Parent: id, vouched: vol.vouched, stamp: vol.stamp}
	m.fits(c, row, Usage{Snapshots: 1, Gigabytes: row.Size})
	c.Then = func(s Shown) error {
		row.ID = s.ID
		m.add(row)
		return row.equals(s)
	}
}

func (m *Model) setQuota(c *Call, op Op) {
	target := m.Callers[max(op.Target, 0)%len(m.Callers)].Project
	c.Method, c.Path, c.Want = http.MethodPut, "/os-quota-sets/"+target, http.StatusOK
	c.Body = members{"quota_set": members{op.Word: op.Count}, "skip_validation": true} // below what is used, too
	c.Then = func(Shown) error { m.Limits[target][op.Word] = int64(op.Count); return nil }
	if !c.Who.Admin {
		c.Want = http.StatusForbidden
	}
}

func (r *Row) metadata(c *Call, op Op) {
	c.Path += "/metadata"
	c.Body, c.Want = members{"metadata": members{op.Key: op.Name}}, http.StatusOK
	switch op.Verb {
	case MergeItems:
		c.Then = func(Shown) error { r.Items = merged(r.Items, op.Key, op.Name, false); return nil }
	case ReplaceItems:
		c.Method = http.MethodPut
		c.Then = func(Shown) error { r.Items = merged(nil, op.Key, op.Name, true); return nil }
	case DropItem:
		c.Method, c.Path, c.Body = http.MethodDelete, c.Path+"/"+op.Key, nil
		if r != nil {
			if _, there := r.Items[op.Key]; !there {
				c.Want = http.StatusNotFound
			}
		}
		c.Then = func(Shown) error {
			r.Items = maps.Clone(r.Items)
			delete(r.Items, op.Key)
			return nil
		}
	}
}

func (m *Model) extend(c *Call, op Op, row *Row) {
	c.Path += "/action"
	c.Body, c.Want = members{"os-extend": members{"new_size": max(op.Size, 1)}}, http.StatusAccepted
	if row == nil {
		return
	}
	grows := max(op.Size, 1) - row.Size
	if row.Status != "available" || grows <= 0 {
		c.Want = http.StatusBadRequest
		return
	}
	m.fits(c, row, Usage{Gigabytes: grows})
	c.Then = func(Shown) error { row.Status, row.grows = "extending", grows; return nil }
}

// What DELETE takes. Source: EVS status page 1.1; Cinder; recordings delete-status-*.
var deletable = map[Noun][]string{
	AVolume:   {"available", "error", "error_extending", "error_rollbacking", "error_deleting"},
	ASnapshot: {"available", "error"},
}

func (m *Model) delete(c *Call, op Op, row *Row) {
	c.Method, c.Want = http.MethodDelete, http.StatusAccepted
	if op.Noun == AVolume && op.Flag {
		c.Path += "?cascade=true"
	}
	if row == nil {
		return
	}
	if !slices.Contains(deletable[row.Noun], row.Status) || row.Attached > 0 {
		c.Want = http.StatusBadRequest
		return
	}
	snaps := m.snapshotsOf(row.ID)
	if len(snaps) > 0 && !op.Flag {
		c.Want = http.StatusBadRequest
	}
	c.Then = func(Shown) error {
		row.Status = "deleting"
		for _, snap := range snaps {
			snap.overrule() // whatever is being done to it is cancelled
			snap.Status = "deleting"
		}
		return nil
	}
}

func (m *Model) forceDelete(c *Call, row *Row) {
	c.Path += "/action"
	c.Body, c.Want = members{"os-force_delete": members{}}, http.StatusAccepted
	if !c.Who.Admin {
		c.Want = http.StatusForbidden
		return
	}
	if row != nil && len(m.snapshotsOf(row.ID)) > 0 {
		c.Want = http.StatusBadRequest
		if row.Status == "deleting" { // by a cascade, which goes on
			c.Or = http.StatusAccepted
		}
	}
	c.Then = func(Shown) error {
		row.overrule()
		row.Status, row.Attached = "deleting", 0
		return nil
	}
}

// overrule is what an administrator's word does to work that is going on.
func (r *Row) overrule() {
	if r.grows != 0 {
		r.ghosts, r.grows = append(r.ghosts, r.grows), 0
		r.odd = true
	}
	if slices.Contains(waiting, r.Status) {
		r.loose = true
	}
}

func (m *Model) reset(c *Call, op Op, row *Row) {
	c.Path += "/action"
	c.Body, c.Want = members{"os-reset_status": members{"status": op.Word}}, http.StatusAccepted
	if !c.Who.Admin {
		c.Want = http.StatusForbidden
		return
	}
	if row != nil && op.Word == "in-use" && row.Attached == 0 {
		c.Want = http.StatusBadRequest
	}
	c.Then = func(Shown) error {
		row.overrule()
		row.Status, row.vouched = op.Word, true
		return nil
	}
}

func (r *Row) attach(c *Call, op Op) {
	c.Path += "/action"
	c.Want = http.StatusAccepted
	if op.Verb == Attach {
		c.Body = members{"os-attach": members{"host_name": "h", "mountpoint": "/dev/vdb"}}
		if r != nil && r.Status != "available" && r.Status != "attaching" {
			c.Want = http.StatusBadRequest
		}
		c.Then = func(Shown) error {
			r.Status, r.Attached, r.marked = "in-use", 1, true // the same host is attached once
			return nil
		}
		return
	}
	c.Body = members{"os-detach": members{}}
	if r != nil && (r.Attached > 1 || (r.Status != "in-use" && r.Status != "detaching")) {
		c.Want = http.StatusBadRequest
	}
	c.Then = func(Shown) error { r.Status, r.Attached = "available", 0; return nil }
}

// equals tells how an answer differs from the row.
func (r *Row) equals(s Shown) error {
	shown := &Row{Noun: r.Noun, ID: s.ID, Project: r.Project, Status: s.Status, Size: s.Size, Type: r.Type, Items: s.Metadata}
	if s.Name != nil {
		shown.Text = *s.Name
	}
	described := ""
	if s.Description != nil {
		described = *s.Description
	}
	if s.Project+s.Owner != "" {
		shown.Project = s.Project + s.Owner
	}
	if s.Type != "" {
		shown.Type = s.Type
	}
	must := *r
	if r.Attached > 0 { // Source: Cinder's views show these two beside the stored items
		must.Items = merged(r.Items, "attached_mode", "rw", false)
	}
	if r.marked {
		must.Items = merged(must.Items, "readonly", "False", false)
	}
	text := must.Text
	if must.described != "" {
		text = must.described
	}
	if shown.String() != must.String() || described != text || (r.Noun == ASnapshot && s.VolumeID != r.Parent) {
		return fmt.Errorf("shown is %s (description %q, volume %s),\n  must be %s (volume %s)", shown, described, s.VolumeID, &must, r.Parent)
	}
	return nil
}
