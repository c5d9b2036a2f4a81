package store

import (
	"context"
	"time"

	"github.com/breezeblock/breezeblock/internal/identity"
)

const (
	accessKeyColumns = `id, user_id, secret, description, enabled, created_at, last_used_at, version`
	accessKeyByID    = `SELECT ` + accessKeyColumns + ` FROM access_keys WHERE id = $1`
	accessKeysOfUser = `SELECT ` + accessKeyColumns + ` FROM access_keys WHERE user_id = $1 ORDER BY id LIMIT $2`
)

func scanAccessKey(r row) (*identity.AccessKey, error) {
	k := &identity.AccessKey{}
	return k, r.Scan(&k.ID, &k.UserID, &k.Sealed, &k.Description, &k.Enabled, &k.CreatedAt, &k.LastUsedAt, &k.Version)
}

// AccessKey fails with NotFound.
func (s identityStore) AccessKey(ctx context.Context, id string) (*identity.AccessKey, error) {
	return oneOf(s.beside(ctx), "access key", id, accessKeyByID, scanAccessKey)
}

// AccessKeys lists the keys of a user by id.
func (s identityStore) AccessKeys(ctx context.Context, userID string, limit int) ([]*identity.AccessKey, error) {
	return allOf(s.beside(ctx), accessKeysOfUser, []any{userID, limit}, scanAccessKey)
}

// AccessKey reads for writing; fails with NotFound.
func (x identityTx) AccessKey(id string) (*identity.AccessKey, error) {
	return oneOf(x.read, "access key", id, accessKeyByID+x.t.store.sql.forUpdate, scanAccessKey)
}

// AddAccessKey fails with NotFound when the user is gone, with Invalid when it has
// most keys already. The user's row is held, so that no two calls count at once.
func (x identityTx) AddAccessKey(k *identity.AccessKey, most int) error {
	if _, err := x.User(k.UserID); err != nil {
		return err
	}
	held, err := allOf(x.read, accessKeysOfUser, []any{k.UserID, most}, scanAccessKey)
	if err != nil {
		return err
	}
	if len(held) >= most {
		return identity.Errorf(identity.Invalid, "the user has %d access keys already; %d at most", len(held), most)
	}
	return x.add("access key", k.ID, `INSERT INTO access_keys (`+accessKeyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		k.ID, k.UserID, k.Sealed, k.Description, k.Enabled, k.CreatedAt, k.LastUsedAt, k.Version)
}

// SaveAccessKey writes what can change; fails with Conflict.
func (x identityTx) SaveAccessKey(k *identity.AccessKey) error {
	n, err := x.t.exec(`UPDATE access_keys SET description = $1, enabled = $2, version = version + 1
		WHERE id = $3 AND version = $4`, k.Description, k.Enabled, k.ID, k.Version)
	if err != nil {
		return err
	}
	return moved(n, &k.Version, "access key", k.ID)
}

// UseAccessKey notes when a key was last used; one that is gone is left alone.
func (x identityTx) UseAccessKey(id string, when time.Time) error {
	_, err := x.t.exec(`UPDATE access_keys SET last_used_at = $1 WHERE id = $2`, when, id)
	return err
}

// DropAccessKey fails with NotFound.
func (x identityTx) DropAccessKey(id string) error {
	n, err := x.t.exec(`DELETE FROM access_keys WHERE id = $1`, id)
	if err == nil && n == 0 {
		return noSuch("access key", id)
	}
	return err
}

// dropAccessKeysOf removes the keys of a user who goes.
func (x identityTx) dropAccessKeysOf(userID string) error {
	_, err := x.t.exec(`DELETE FROM access_keys WHERE user_id = $1`, userID)
	return err
}
