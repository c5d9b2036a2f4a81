package store

import (
	"context"
	"slices"

	"github.com/breezeblock/breezeblock/internal/block"
)

// HeldBy is what each project holds, by its id.
func (s *Store) HeldBy(ctx context.Context) (map[string]block.Held, error) {
	const held = `SELECT project_id, CAST(sum(volumes) AS BIGINT), CAST(sum(volume_size) AS BIGINT),
			CAST(sum(snapshots) AS BIGINT), CAST(sum(snapshot_size) AS BIGINT)
		FROM (SELECT project_id, 1 AS volumes, size AS volume_size, 0 AS snapshots, 0 AS snapshot_size FROM volumes
			UNION ALL SELECT project_id, 0, 0, 1, size FROM snapshots) AS held
		GROUP BY project_id`
	all := map[string]block.Held{}
	err := s.readRows(ctx, held, nil, func(r row) error {
		var project string
		var h block.Held
		err := r.Scan(&project, &h.Volumes, &h.VolumeSize, &h.Snapshots, &h.SnapshotSize)
		all[project] = h
		return err
	})
	return all, err
}

// SumVolumes is the number and size of the volumes that list's filters keep, and
// which values each key of their metadata has, in order.
func (s *Store) SumVolumes(ctx context.Context, list block.List) (block.VolumeSum, error) {
	sum := block.VolumeSum{Metadata: map[string][]string{}}
	q := &query{}
	q.WriteString("SELECT size, metadata FROM volumes")
	if err := s.filter(q, volumeRows.listed, list); err != nil {
		return sum, err
	}
	err := s.readRows(ctx, q.String(), q.args, func(r row) error {
		var size block.Size
		var items map[string]string
		if err := r.Scan(&size, &items); err != nil {
			return err
		}
		sum.Count++
		sum.Size += size
		for key, value := range items {
			values := sum.Metadata[key]
			if at, there := slices.BinarySearch(values, value); !there {
				sum.Metadata[key] = slices.Insert(values, at, value)
			}
		}
		return nil
	})
	return sum, err
}
