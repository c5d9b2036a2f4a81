package store

import (
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

const requestColumns = `project_id, token, fingerprint, job_id, volume_ids, created_at`

// AddRequest adds a row unless the project's token has one, and then tells it. On
// PostgreSQL it waits for another transaction that is adding the same.
func (t *Tx) AddRequest(r *block.Request) (*block.Request, error) {
	const add = `INSERT INTO requests (` + requestColumns + `) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (project_id, token) DO NOTHING`
	const read = `SELECT ` + requestColumns + ` FROM requests WHERE project_id = $1 AND token = $2`
	n, err := t.exec(add, r.ProjectID, r.Token, r.Fingerprint, r.JobID, r.VolumeIDs, r.CreatedAt)
	if err != nil || n > 0 {
		return nil, err
	}
	there := &block.Request{}
	err = t.query(read, []any{r.ProjectID, r.Token}, func(row row) error {
		return row.Scan(&there.ProjectID, &there.Token, &there.Fingerprint, &there.JobID, &there.VolumeIDs, &there.CreatedAt)
	})
	return there, err
}

// AnswerRequest notes the answer of a row.
func (t *Tx) AnswerRequest(r *block.Request) error {
	_, err := t.exec(`UPDATE requests SET job_id = $1, volume_ids = $2 WHERE project_id = $3 AND token = $4`,
		r.JobID, r.VolumeIDs, r.ProjectID, r.Token)
	return err
}

// DropRequests removes rows made before then; limit at most.
func (t *Tx) DropRequests(before time.Time, limit int) error {
	const drop = `DELETE FROM requests WHERE created_at < $1 AND (project_id, token) IN
		(SELECT project_id, token FROM requests WHERE created_at < $2 ORDER BY created_at LIMIT $3)`
	_, err := t.exec(drop, before, before, limit)
	return err
}
