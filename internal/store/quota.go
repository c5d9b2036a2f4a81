package store

import (
	"context"
	"maps"
	"slices"

	"github.com/breezeblock/breezeblock/internal/block"
)

// Usages are a project's figures by type id; "" is the sum of all types.
func (s *Store) Usages(ctx context.Context, projectID string) (map[string]block.Usage, error) {
	const of = `SELECT type_id, volumes, snapshots, gigabytes, backups, backup_gigabytes FROM usages WHERE project_id = $1`
	usages := map[string]block.Usage{}
	err := s.readRows(ctx, of, []any{projectID}, func(r row) error {
		var typeID string
		var u block.Usage
		if err := r.Scan(&typeID, &u.Volumes, &u.Snapshots, &u.Gigabytes, &u.Backups, &u.BackupGigabytes); err != nil {
			return err
		}
		usages[typeID] = u
		return nil
	})
	return usages, err
}

// AddUsage adds change to the project's figures of one type and of all types, and
// tells both as they are then. The sum comes first, so that two transactions lock
// the rows in the same order.
func (t *Tx) AddUsage(projectID, typeID string, change block.Usage) (ofType, ofAll block.Usage, err error) {
	ofAll, err = t.addUsage(projectID, "", change)
	if err != nil || typeID == "" {
		return ofAll, ofAll, err
	}
	ofType, err = t.addUsage(projectID, typeID, change)
	return ofType, ofAll, err
}

func (t *Tx) addUsage(projectID, typeID string, change block.Usage) (u block.Usage, err error) {
	const add = `INSERT INTO usages (project_id, type_id, volumes, snapshots, gigabytes, backups, backup_gigabytes)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (project_id, type_id) DO UPDATE SET
			volumes = usages.volumes + excluded.volumes,
			snapshots = usages.snapshots + excluded.snapshots,
			gigabytes = usages.gigabytes + excluded.gigabytes,
			backups = usages.backups + excluded.backups,
			backup_gigabytes = usages.backup_gigabytes + excluded.backup_gigabytes
		RETURNING volumes, snapshots, gigabytes, backups, backup_gigabytes`
	err = t.queryRow(add, []any{projectID, typeID, change.Volumes, change.Snapshots, change.Gigabytes, change.Backups, change.BackupGigabytes},
		&u.Volumes, &u.Snapshots, &u.Gigabytes, &u.Backups, &u.BackupGigabytes)
	return u, err
}

const quotaLimitsOf = `SELECT resource, hard_limit FROM quota_limits WHERE project_id = $1`

// QuotaLimits are the limits set for a project, without the defaults.
func (s *Store) QuotaLimits(ctx context.Context, projectID string) (block.Limits, error) {
	limits := block.Limits{}
	err := s.readRows(ctx, quotaLimitsOf, []any{projectID}, intoLimits(limits))
	return limits, err
}

// QuotaLimits are the limits set for a project, without the defaults.
func (t *Tx) QuotaLimits(projectID string) (block.Limits, error) {
	limits := block.Limits{}
	err := t.query(quotaLimitsOf, []any{projectID}, intoLimits(limits))
	return limits, err
}

// intoLimits puts rows of quotaLimitsOf into limits.
func intoLimits(limits block.Limits) func(row) error {
	return func(r row) error {
		var resource string
		var limit int64
		err := r.Scan(&resource, &limit)
		limits[resource] = limit
		return err
	}
}

// SetQuotaLimits sets the named limits and leaves the others.
func (t *Tx) SetQuotaLimits(projectID string, limits block.Limits) error {
	const set = `INSERT INTO quota_limits (project_id, resource, hard_limit) VALUES ($1, $2, $3)
		ON CONFLICT (project_id, resource) DO UPDATE SET hard_limit = excluded.hard_limit`
	for _, resource := range slices.Sorted(maps.Keys(limits)) { // one order for all who lock
		if _, err := t.exec(set, projectID, resource, limits[resource]); err != nil {
			return err
		}
	}
	return nil
}

// DropQuotaLimits forgets the limits set for a project: the defaults count again.
func (t *Tx) DropQuotaLimits(projectID string) error {
	const drop = `DELETE FROM quota_limits WHERE project_id = $1`
	_, err := t.exec(drop, projectID)
	return err
}

const classLimitsOf = `SELECT resource, hard_limit FROM quota_class_limits WHERE class = $1`

// ClassLimits are the limits set for a quota class, without the defaults.
func (s *Store) ClassLimits(ctx context.Context, class string) (block.Limits, error) {
	limits := block.Limits{}
	err := s.readRows(ctx, classLimitsOf, []any{class}, intoLimits(limits))
	return limits, err
}

// ClassLimits are the limits set for a quota class, without the defaults.
func (t *Tx) ClassLimits(class string) (block.Limits, error) {
	limits := block.Limits{}
	err := t.query(classLimitsOf, []any{class}, intoLimits(limits))
	return limits, err
}

// SetClassLimits sets the named limits of a quota class and leaves the others.
func (t *Tx) SetClassLimits(class string, limits block.Limits) error {
	const set = `INSERT INTO quota_class_limits (class, resource, hard_limit) VALUES ($1, $2, $3)
		ON CONFLICT (class, resource) DO UPDATE SET hard_limit = excluded.hard_limit`
	for _, resource := range slices.Sorted(maps.Keys(limits)) { // one order for all who lock
		if _, err := t.exec(set, class, resource, limits[resource]); err != nil {
			return err
		}
	}
	return nil
}

// usedRows is what each volume, snapshot and backup uses. An extension counts in full
// from the moment it is asked for; a snapshot that a backup made counts nothing; a
// backup has no type.
const usedRows = `SELECT project_id, type_id, 1 AS volumes, 0 AS snapshots,
			CASE WHEN extend_to > size THEN extend_to ELSE size END AS gigabytes, 0 AS backups, 0 AS backup_gigabytes FROM volumes
		UNION ALL SELECT project_id, type_id, 0, 1, size, 0, 0 FROM snapshots WHERE origin = 'user'
		UNION ALL SELECT project_id, '', 0, 0, 0, 1, size FROM backups`

// AllUsages are the figures of all projects, as they are kept. Rows of zeros are left out.
func (s *Store) AllUsages(ctx context.Context) (map[block.UsageOf]block.Usage, error) {
	const kept = `SELECT project_id, type_id, volumes, snapshots, gigabytes, backups, backup_gigabytes FROM usages
		WHERE volumes <> 0 OR snapshots <> 0 OR gigabytes <> 0 OR backups <> 0 OR backup_gigabytes <> 0`
	return s.usages(ctx, kept)
}

// CountUsages are the figures of all projects as they follow from the rows.
func (s *Store) CountUsages(ctx context.Context) (map[block.UsageOf]block.Usage, error) {
	const counted = `SELECT project_id, type_id, CAST(sum(volumes) AS BIGINT), CAST(sum(snapshots) AS BIGINT),
			CAST(sum(gigabytes) AS BIGINT), CAST(sum(backups) AS BIGINT), CAST(sum(backup_gigabytes) AS BIGINT)
		FROM (` + usedRows + `) AS used GROUP BY project_id, type_id`
	usages, err := s.usages(ctx, counted)
	if err != nil {
		return nil, err
	}
	for of, used := range maps.Clone(usages) {
		if of.TypeID == "" {
			continue // counts in all only, and is there
		}
		all := block.UsageOf{ProjectID: of.ProjectID}
		usages[all] = usages[all].Plus(used)
	}
	return usages, nil
}

func (s *Store) usages(ctx context.Context, text string) (map[block.UsageOf]block.Usage, error) {
	usages := map[block.UsageOf]block.Usage{}
	err := s.readRows(ctx, text, nil, func(r row) error {
		var of block.UsageOf
		var u block.Usage
		err := r.Scan(&of.ProjectID, &of.TypeID, &u.Volumes, &u.Snapshots, &u.Gigabytes, &u.Backups, &u.BackupGigabytes)
		usages[of] = u
		return err
	})
	return usages, err
}

// RecountUsages writes the figures of all projects anew, as they follow from the
// rows. It is for repairs while nobody works.
func (t *Tx) RecountUsages() error {
	const forget = `DELETE FROM usages`
	const ofTypes = `INSERT INTO usages (project_id, type_id, volumes, snapshots, gigabytes, backups, backup_gigabytes)
		SELECT project_id, type_id, sum(volumes), sum(snapshots), sum(gigabytes), sum(backups), sum(backup_gigabytes)
		FROM (` + usedRows + `) AS used WHERE type_id <> '' GROUP BY project_id, type_id`
	const inAll = `INSERT INTO usages (project_id, type_id, volumes, snapshots, gigabytes, backups, backup_gigabytes)
		SELECT project_id, '', sum(volumes), sum(snapshots), sum(gigabytes), sum(backups), sum(backup_gigabytes)
		FROM (` + usedRows + `) AS used GROUP BY project_id`
	for _, text := range []string{forget, ofTypes, inAll} {
		if _, err := t.exec(text); err != nil {
			return err
		}
	}
	return nil
}
