package store

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/block"
)

const qosColumns = `id, name, consumer, specs, created_at, updated_at, version`

var qosRows = rows[block.QoSSpecs]{scan: scanQoS, gone: noQoS}

// scanQoS reads qosColumns.
func scanQoS(r row) (*block.QoSSpecs, error) {
	q := &block.QoSSpecs{}
	err := r.Scan(&q.ID, &q.Name, &q.Consumer, &q.Specs, &q.CreatedAt, &q.UpdatedAt, &q.Version)
	return q, err
}

func noQoS(id string) error {
	return block.Errorf(block.NotFound, "No such QoS spec %.64s.", id)
}

// QoSSpecs are all QoS specs, oldest first.
func (s *Store) QoSSpecs(ctx context.Context) ([]*block.QoSSpecs, error) {
	const text = `SELECT ` + qosColumns + ` FROM qos_specs ORDER BY created_at, id`
	return qosRows.all(s.beside(ctx), text)
}

// QoS reads for writing; fails with NotFound.
func (t *Tx) QoS(id string) (*block.QoSSpecs, error) {
	const one = `SELECT ` + qosColumns + ` FROM qos_specs WHERE id = $1`
	return qosRows.one(t.query, t.store.sql.lock(one), id)
}

// AddQoS fails with Conflict when the name is taken.
func (t *Tx) AddQoS(q *block.QoSSpecs) error {
	const add = `INSERT INTO qos_specs (` + qosColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	q.Version = 1
	_, err := t.exec(add, q.ID, q.Name, q.Consumer, q.Specs, q.CreatedAt, q.UpdatedAt, q.Version)
	if block.KindOf(err) == block.Conflict {
		return block.Because(err, block.Conflict, "QoS Specs %s already exists.", q.Name)
	}
	return err
}

// SaveQoS writes consumer and specs, sets UpdatedAt to Now and raises Version; fails
// with Conflict if the row changed since it was read.
func (t *Tx) SaveQoS(q *block.QoSSpecs) error {
	const save = `UPDATE qos_specs SET consumer = $1, specs = $2, updated_at = $3, version = version + 1
		WHERE id = $4 AND version = $5`
	n, err := t.exec(save, q.Consumer, q.Specs, t.now, q.ID, q.Version)
	if err := changedOne(n, err, "QoS spec", q.ID); err != nil {
		return err
	}
	q.UpdatedAt = t.now
	q.Version++
	return nil
}

// DropQoS removes the row; fails with Conflict like SaveQoS.
func (t *Tx) DropQoS(q *block.QoSSpecs) error {
	n, err := t.exec(`DELETE FROM qos_specs WHERE id = $1 AND version = $2`, q.ID, q.Version)
	return changedOne(n, err, "QoS spec", q.ID)
}

// CountQoS counts all QoS specs.
func (t *Tx) CountQoS() (int, error) { return t.countRows(`SELECT count(*) FROM qos_specs`) }

// TypesOfQoS are the types that QoS specs count for, in order of their ids, read
// for writing.
func (t *Tx) TypesOfQoS(id string) ([]*block.VolumeType, error) {
	const of = `SELECT ` + volumeTypeColumns + ` FROM volume_types WHERE qos_id = $1 ORDER BY id`
	return volumeTypeRows.all(t.query, t.store.sql.lock(of), id)
}
