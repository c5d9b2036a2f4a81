package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// groupView writes the groups of one answer.
type groupView struct {
	x       *wire.Exchange
	admin   bool
	volumes map[string][]string // by group; nil: not asked for
}

// groupView makes the view for an answer; the volumes are read once for all its rows.
func (a *API) groupView(x *wire.Exchange, caller block.Caller, groups ...*block.Group) (w *groupView, err error) {
	w = &groupView{x: x, admin: caller.Admin}
	query, err := queryOf(x)
	if err != nil {
		return nil, err
	}
	listed := false
	if x.Version >= wire.GroupListVolume {
		if listed, err = queryBool(query, "list_volume"); err != nil || !listed {
			return w, err
		}
		w.volumes, err = a.blocks.VolumesOfGroups(x.Context(), groups...)
	}
	return w, err
}

// appendItem appends a group. Source: Cinder api/v3/views/groups.py detail.
func (w *groupView) appendItem(b []byte, g *block.Group) []byte {
	b = appendGroupCore(b, g)
	b = append(b, `,"group_type":"`...)
	b = append(b, g.TypeID...)
	b = append(b, `","volume_types":`...)
	b = appendIDs(b, g.VolumeTypes)
	if w.x.Version >= wire.GroupSnapshots {
		b = append(b, `,"group_snapshot_id":`...)
		b = wire.AppendOptional(b, g.GroupSnapshotID)
		b = append(b, `,"source_group_id":`...)
		b = wire.AppendOptional(b, g.SourceGroupID)
	}
	if w.volumes != nil {
		b = append(b, `,"volumes":`...)
		b = appendIDs(b, w.volumes[g.ID])
	}
	if w.x.Version >= wire.GroupReplication {
		b = append(b, `,"replication_status":"disabled"`...)
	}
	if w.x.Version >= wire.GroupProjectID && w.admin {
		b = append(b, `,"project_id":"`...)
		b = append(b, g.ProjectID...)
		b = append(b, '"')
	}
	return append(b, '}')
}

// appendGroupCore begins a group, as the calls of every age show it.
func appendGroupCore(b []byte, g *block.Group) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, g.ID...)
	b = append(b, `","status":"`...)
	b = append(b, g.Status...)
	b = append(b, `","availability_zone":`...)
	b = wire.AppendString(b, g.AvailabilityZone)
	b = append(b, `,"created_at":`...)
	b = wire.AppendTime(b, g.CreatedAt)
	b = append(b, `,"name":`...)
	b = wire.AppendText(b, g.Name)
	b = append(b, `,"description":`...)
	return wire.AppendText(b, g.Description)
}

// appendIDs appends an array of ids, which are ours and need no escaping.
func appendIDs(b []byte, ids []string) []byte {
	b = append(b, '[')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, id...)
		b = append(b, '"')
	}
	return append(b, ']')
}

// showGroup serves GET /groups/{group_id}.
func (a *API) showGroup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	g, err := a.group(x, caller, x.PathValue("group_id"))
	if err != nil {
		return err
	}
	view, err := a.groupView(x, caller, g)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"group":`...)
		b = view.appendItem(b, g)
		return append(b, '}')
	})
}
