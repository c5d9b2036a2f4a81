package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// updateSnapshot serves PUT /v{2,3}/{project_id}/snapshots/{snapshot_id}.
func (a *API) updateSnapshot(x *wire.Exchange) error {
	change, err := wire.ReadSnapshotChange(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.UpdateSnapshot(x.Context(), caller, x.PathValue("snapshot_id"), change)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		return wire.AppendSnapshot(b, x, snap, x.API == wire.V2 && x.Dialect.ExtendedOnV2Update)
	})
}

// showSnapshot serves GET /v{2,3}/{project_id}/snapshots/{snapshot_id}.
func (a *API) showSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.Snapshot(x.Context(), caller, x.PathValue("snapshot_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return wire.AppendSnapshot(b, x, snap, true) })
}

// createSnapshot serves POST /v{2,3}/{project_id}/snapshots.
func (a *API) createSnapshot(x *wire.Exchange) error {
	wanted, err := readNewSnapshot(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.CreateSnapshot(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte { return wire.AppendSnapshot(b, x, snap, false) })
}

// readNewSnapshot reads the body of a creation. display_name is taken here,
// display_description is not. Source: recordings create-*.
func readNewSnapshot(x *wire.Exchange) (n block.NewSnapshot, err error) {
	members, err := x.Object("snapshot")
	if err != nil {
		return n, err
	}
	if err = x.OnlyKey("snapshot"); err != nil {
		return n, err
	}
	if err = members.Only("snapshot", "volume_id", "name", "display_name", "description", "metadata", "force"); err != nil {
		return n, err
	}
	for _, key := range []string{"display_name", "name"} {
		if value, given := members.Get(key); given {
			if n.Name, err = x.Dialect.ReadText(value, key, wire.Name); err != nil {
				return n, err
			}
		}
	}
	if value, given := members.Get("description"); given {
		if n.Description, err = x.Dialect.ReadText(value, "description", wire.Description); err != nil {
			return n, err
		}
	}
	if n.Metadata, err = wire.ReadMetadata(members, "metadata"); err != nil {
		return n, err
	}
	if n.Force, err = readForce(x, members); err != nil {
		return n, err
	}
	n.VolumeID, err = members.UUID("volume_id", "Volume")
	return n, err
}

// readForce reads force, which from 3.66 is always meant and never false.
// Source: recordings create-force-*.
func readForce(x *wire.Exchange, members wire.Members) (bool, error) {
	value, given := members.Get("force")
	if given && value.Kind() == 'n' && x.Version < wire.SnapshotInUseAlways {
		given = false // what the stock cinder client sends for: not said
	}
	force := false
	if given {
		var err error
		if force, err = wire.ReadBool(value, "force"); err != nil {
			return false, err
		}
	}
	if x.Version < wire.SnapshotInUseAlways {
		return force, nil
	}
	if given && !force {
		return false, block.Errorf(block.Invalid, "Since microversion 3.66 the 'force' flag is invalid for this request: it must be true or absent.")
	}
	return true, nil
}

// deleteSnapshot serves DELETE /v{2,3}/{project_id}/snapshots/{snapshot_id}.
func (a *API) deleteSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DeleteSnapshot(x.Context(), caller, x.PathValue("snapshot_id")); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}
