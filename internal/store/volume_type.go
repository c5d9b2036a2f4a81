package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const volumeTypeColumns = `id, name, description, public, extra_specs, created_at`

// VolumeTypes are all types, oldest first.
func (s *Store) VolumeTypes(ctx context.Context) ([]*block.VolumeType, error) {
	const all = `SELECT ` + volumeTypeColumns + ` FROM volume_types ORDER BY created_at, id`
	var types []*block.VolumeType
	err := s.readRows(ctx, all, nil, func(r row) error {
		t := &block.VolumeType{}
		types = append(types, t)
		return r.Scan(&t.ID, &t.Name, &t.Description, &t.Public, &t.ExtraSpecs, &t.CreatedAt)
	})
	return types, err
}

// AddVolumeType fails with Conflict when the name is taken.
func (t *Tx) AddVolumeType(v *block.VolumeType) error {
	const add = `INSERT INTO volume_types (` + volumeTypeColumns + `) VALUES ($1, $2, $3, $4, $5, $6)`
	_, err := t.exec(add, v.ID, v.Name, v.Description, v.Public, v.ExtraSpecs, v.CreatedAt)
	if block.KindOf(err) == block.Conflict {
		return block.Because(err, block.Conflict, "Volume Type %s already exists.", v.Name)
	}
	return err
}
