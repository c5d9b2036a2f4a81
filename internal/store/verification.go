package store

import (
	"context"
	"encoding/json"

	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	verificationColumns = `volume_id, id, status, repair, requested_at, finished_at, verified, unverified, findings, more, error`
	verificationOf      = `SELECT ` + verificationColumns + ` FROM verifications WHERE volume_id = $1`
)

func scanVerification(r row) (*block.Verification, error) {
	v := &block.Verification{}
	var status, findings string
	err := r.Scan(&v.VolumeID, &v.ID, &status, &v.Repair, &v.RequestedAt, &v.FinishedAt, &v.Verified, &v.Unverified, &findings, &v.More, &v.Error)
	if err != nil {
		return nil, err
	}
	v.Status = block.VerificationStatus(status)
	return v, json.Unmarshal([]byte(findings), &v.Findings)
}

var verificationRows = rows[block.Verification]{
	scan: scanVerification,
	gone: func(volumeID string) error {
		return block.Errorf(block.NotFound, "Volume %s has not been verified.", volumeID)
	},
}

// Verification fails with NotFound when the volume was never verified.
func (s *Store) Verification(ctx context.Context, volumeID string) (*block.Verification, error) {
	return verificationRows.one(s.beside(ctx), verificationOf, volumeID)
}

// Verification reads for writing; fails with NotFound.
func (t *Tx) Verification(volumeID string) (*block.Verification, error) {
	return verificationRows.one(t.query, t.store.sql.lock(verificationOf), volumeID)
}

// SaveVerification puts v in the place of what the volume had.
func (t *Tx) SaveVerification(v *block.Verification) error {
	const save = `INSERT INTO verifications (` + verificationColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (volume_id) DO UPDATE SET id = excluded.id, status = excluded.status, repair = excluded.repair,
			requested_at = excluded.requested_at, finished_at = excluded.finished_at, verified = excluded.verified,
			unverified = excluded.unverified, findings = excluded.findings, more = excluded.more, error = excluded.error`
	findings, err := json.Marshal(v.Findings)
	if err != nil {
		return err
	}
	_, err = t.exec(save, v.VolumeID, v.ID, string(v.Status), v.Repair, v.RequestedAt, v.FinishedAt, v.Verified, v.Unverified,
		string(findings), v.More, v.Error)
	return err
}

// DropVerification removes the row, if there is one.
func (t *Tx) DropVerification(volumeID string) error {
	_, err := t.exec(`DELETE FROM verifications WHERE volume_id = $1`, volumeID)
	return err
}
