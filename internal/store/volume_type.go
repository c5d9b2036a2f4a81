package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	volumeTypeColumns = `id, name, description, public, extra_specs, qos_id, encryption, created_at, updated_at, version`
	volumeTypeByID    = `SELECT ` + volumeTypeColumns + ` FROM volume_types WHERE id = $1`
)

var volumeTypeRows = rows[block.VolumeType]{scan: scanVolumeType, gone: noVolumeType}

// scanVolumeType reads volumeTypeColumns.
func scanVolumeType(r row) (*block.VolumeType, error) {
	t := &block.VolumeType{}
	var encryption block.Text
	err := r.Scan(&t.ID, &t.Name, &t.Description, &t.Public, &t.ExtraSpecs, &t.QoSID, &encryption,
		&t.CreatedAt, &t.UpdatedAt, &t.Version)
	if err != nil || !encryption.Valid {
		return t, err
	}
	t.Encryption = &block.Encryption{}
	if err := json.Unmarshal([]byte(encryption.Value), t.Encryption); err != nil {
		return nil, fmt.Errorf("stored encryption of type %s: %w", t.ID, err)
	}
	return t, nil
}

// encryptionText is what the column holds.
func encryptionText(e *block.Encryption) (any, error) {
	if e == nil {
		return nil, nil
	}
	text, err := json.Marshal(e)
	return string(text), err
}

// noVolumeType is Cinder's message.
func noVolumeType(id string) error {
	return block.Errorf(block.NotFound, "Volume type %.64s could not be found.", id)
}

// VolumeTypes are all types, oldest first.
func (s *Store) VolumeTypes(ctx context.Context) ([]*block.VolumeType, error) {
	const all = `SELECT ` + volumeTypeColumns + ` FROM volume_types ORDER BY created_at, id`
	return volumeTypeRows.all(s.beside(ctx), all)
}

// VolumeType reads for writing; fails with NotFound.
func (t *Tx) VolumeType(id string) (*block.VolumeType, error) {
	return volumeTypeRows.one(t.query, t.store.sql.lock(volumeTypeByID), id)
}

// UseVolumeType reads a type that must not change or go before the transaction
// ends; fails with NotFound.
func (t *Tx) UseVolumeType(id string) (*block.VolumeType, error) {
	return volumeTypeRows.one(t.query, t.store.sql.hold(volumeTypeByID), id)
}

// AddVolumeType fails with Conflict when the name is taken.
func (t *Tx) AddVolumeType(v *block.VolumeType) error {
	const add = `INSERT INTO volume_types (` + volumeTypeColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	encryption, err := encryptionText(v.Encryption)
	if err != nil {
		return err
	}
	v.Version = 1
	_, err = t.exec(add, v.ID, v.Name, v.Description, v.Public, v.ExtraSpecs, orNull(v.QoSID), encryption,
		v.CreatedAt, v.UpdatedAt, v.Version)
	return takenType(err, v.Name)
}

// takenType is Cinder's message for a name that is taken.
func takenType(err error, name string) error {
	if block.KindOf(err) == block.Conflict {
		return block.Because(err, block.Conflict, "Volume Type %s already exists.", name)
	}
	return err
}

// SaveVolumeType writes what can change of v, sets UpdatedAt to Now and raises
// Version; fails with Conflict if the row changed since it was read, or the name
// is taken.
func (t *Tx) SaveVolumeType(v *block.VolumeType) error {
	const save = `UPDATE volume_types
		SET name = $1, description = $2, public = $3, extra_specs = $4, qos_id = $5, encryption = $6,
			updated_at = $7, version = version + 1
		WHERE id = $8 AND version = $9`
	encryption, err := encryptionText(v.Encryption)
	if err != nil {
		return err
	}
	n, err := t.exec(save, v.Name, v.Description, v.Public, v.ExtraSpecs, orNull(v.QoSID), encryption,
		t.now, v.ID, v.Version)
	if err := changedOne(n, takenType(err, v.Name), "volume type", v.ID); err != nil {
		return err
	}
	v.UpdatedAt = t.now
	v.Version++
	return nil
}

// DropVolumeType removes the row, who has access to it, and its rows of usage,
// which must be zero; fails with Conflict like SaveVolumeType.
func (t *Tx) DropVolumeType(v *block.VolumeType) error {
	const drop = `DELETE FROM volume_types WHERE id = $1 AND version = $2`
	n, err := t.exec(drop, v.ID, v.Version)
	if err := changedOne(n, err, "volume type", v.ID); err != nil {
		return err
	}
	for _, text := range []string{
		`DELETE FROM volume_type_projects WHERE type_id = $1`,
		`DELETE FROM usages WHERE type_id = $1`,
	} {
		if _, err := t.exec(text, v.ID); err != nil {
			return err
		}
	}
	return nil
}

// CountVolumeTypes counts all types.
func (t *Tx) CountVolumeTypes() (int, error) {
	return t.countRows(`SELECT count(*) FROM volume_types`)
}

// countRows runs a query for one number.
func (t *Tx) countRows(text string, args ...any) (int, error) {
	n := 0
	err := t.queryRow(text, args, &n)
	return n, err
}

// TypeUsed tells whether there are volumes or snapshots of the type: usage is
// counted where they change.
func (t *Tx) TypeUsed(typeID string) (bool, error) {
	const used = `SELECT count(*) FROM usages WHERE type_id = $1 AND (volumes <> 0 OR snapshots <> 0)`
	n, err := t.countRows(used, typeID)
	return n > 0, err
}

// RenameLimits moves the limits that a type's name is in to its new name, for
// projects and classes; an empty one drops them. What an older type of the new
// name may have left is dropped.
func (t *Tx) RenameLimits(from, to string) error {
	for _, table := range []string{"quota_limits", "quota_class_limits"} {
		for _, of := range []string{"gigabytes_", "snapshots_", "volumes_"} {
			stale := of + from
			if to != "" {
				stale = of + to
			}
			if _, err := t.exec(`DELETE FROM `+table+` WHERE resource = $1`, stale); err != nil {
				return err
			}
			if to == "" {
				continue
			}
			if _, err := t.exec(`UPDATE `+table+` SET resource = $1 WHERE resource = $2`, of+to, of+from); err != nil {
				return err
			}
		}
	}
	return nil
}
