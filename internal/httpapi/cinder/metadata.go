package cinder

import (
	"context"
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// metadataOf serves the six calls on the metadata of one noun.
type metadataOf struct {
	noun string // Snapshot, in messages
	id   string // its wildcard in the path
	read func(ctx context.Context, c block.Caller, id string) (map[string]string, error)
	set  func(ctx context.Context, c block.Caller, id string, items map[string]string, replace bool) (map[string]string, error)
	drop func(ctx context.Context, c block.Caller, id, key string) error
}

func (a *API) snapshotMetadata() *metadataOf {
	return &metadataOf{
		noun: "Snapshot", id: "snapshot_id", set: a.blocks.SetSnapshotMetadata, drop: a.blocks.DropSnapshotMetadata,
		read: func(ctx context.Context, c block.Caller, id string) (map[string]string, error) {
			snap, err := a.blocks.Snapshot(ctx, c, id)
			if err != nil {
				return nil, err
			}
			return snap.Metadata, nil
		},
	}
}

func (a *API) volumeMetadata() *metadataOf {
	return &metadataOf{
		noun: "Volume", id: "volume_id", set: a.blocks.SetVolumeMetadata, drop: a.blocks.DropVolumeMetadata,
		read: func(ctx context.Context, c block.Caller, id string) (map[string]string, error) {
			vol, err := a.blocks.Volume(ctx, c, id)
			if err != nil {
				return nil, err
			}
			return vol.Metadata, nil
		},
	}
}

// list serves GET …/metadata.
func (m *metadataOf) list(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	items, err := m.read(x.Context(), caller, x.PathValue(m.id))
	if err != nil {
		return err
	}
	return replyItems(x, "metadata", items)
}

// merge serves POST …/metadata: given items are written over the stored ones.
func (m *metadataOf) merge(x *wire.Exchange) error {
	const replace = false
	return m.write(x, replace)
}

// replace serves PUT …/metadata: given items stand in place of the stored ones.
func (m *metadataOf) replace(x *wire.Exchange) error {
	const replace = true
	return m.write(x, replace)
}

// write reads {"metadata": {…}}; what stands beside it does no harm.
// Source: recordings metadata-post-*.
func (m *metadataOf) write(x *wire.Exchange, replace bool) error {
	items, err := readItems(x, "metadata")
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	stored, err := m.set(x.Context(), caller, x.PathValue(m.id), items, replace)
	if err != nil {
		return err
	}
	return replyItems(x, "metadata", stored)
}

// show serves GET …/metadata/{key}.
func (m *metadataOf) show(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id, key := x.PathValue(m.id), x.PathValue("key")
	items, err := m.read(x.Context(), caller, id)
	if err != nil {
		return err
	}
	value, there := items[key]
	if !there {
		return block.Errorf(block.NotFound, "%s %s has no metadata with key %.255s.", m.noun, id, key)
	}
	return replyItems(x, "meta", map[string]string{key: value})
}

// setOne serves PUT …/metadata/{key}: {"meta": {key: value}} with the URL's key.
func (m *metadataOf) setOne(x *wire.Exchange) error {
	items, err := readItems(x, "meta")
	if err != nil {
		return err
	}
	switch _, there := items[x.PathValue("key")]; {
	case len(items) > 1:
		return block.Errorf(block.Invalid, "Request body contains too many items: meta must hold one key, that of the URL.")
	case !there:
		return block.Errorf(block.Invalid, "Request body and URI mismatch: meta must hold one key, that of the URL.")
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	const replace = false
	if _, err := m.set(x.Context(), caller, x.PathValue(m.id), items, replace); err != nil {
		return err
	}
	return replyItems(x, "meta", items)
}

// dropOne serves DELETE …/metadata/{key}: 200, empty.
func (m *metadataOf) dropOne(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := m.drop(x.Context(), caller, x.PathValue(m.id), x.PathValue("key")); err != nil {
		return err
	}
	return replyPage(x, http.StatusOK)
}

func readItems(x *wire.Exchange, key string) (map[string]string, error) {
	top, err := x.Top()
	if err != nil {
		return nil, err
	}
	value, given := top.Get(key)
	if !given {
		return nil, block.Errorf(block.Invalid, "Missing required element '%s' in request body.", key)
	}
	return wire.ReadItems(value, key)
}

func replyItems(x *wire.Exchange, key string, items map[string]string) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"`...)
		b = append(b, key...)
		b = append(b, `":`...)
		b = wire.AppendMetadata(b, items)
		return append(b, '}')
	})
}
