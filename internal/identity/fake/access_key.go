package fake

import (
	"context"
	"time"

	"github.com/breezeblock/breezeblock/internal/identity"
)

func keysOf(r *rows) map[string]identity.AccessKey { return r.keys }

// AccessKey reads a key.
func (s *Store) AccessKey(_ context.Context, id string) (*identity.AccessKey, error) {
	return one(s, "access key", id, keysOf)
}

// AccessKeys lists the keys of a user.
func (s *Store) AccessKeys(_ context.Context, userID string, limit int) ([]*identity.AccessKey, error) {
	return many(s, keysOf, "", limit, func(_ *rows, k *identity.AccessKey) bool { return k.UserID == userID })
}

// AccessKey reads for writing.
func (t *tx) AccessKey(id string) (*identity.AccessKey, error) {
	k, there := t.keys[id]
	if !there {
		return nil, missing("access key", id)
	}
	return &k, nil
}

// AddAccessKey adds a key unless the user has most.
func (t *tx) AddAccessKey(k *identity.AccessKey, most int) error {
	if _, there := t.users[k.UserID]; !there {
		return missing("user", k.UserID)
	}
	held := 0
	for _, other := range t.keys {
		if other.UserID == k.UserID {
			held++
		}
	}
	if held >= most {
		return identity.Errorf(identity.Invalid, "the user has %d access keys already; %d at most", held, most)
	}
	if _, there := t.keys[k.ID]; there {
		return identity.Errorf(identity.Conflict, "there is an access key %s", k.ID)
	}
	t.keys[k.ID] = *k
	return nil
}

// SaveAccessKey writes a key that has not changed since it was read.
func (t *tx) SaveAccessKey(k *identity.AccessKey) error {
	row, there := t.keys[k.ID]
	if !there || row.Version != k.Version {
		return identity.Errorf(identity.Conflict, "access key %s was changed meanwhile", k.ID)
	}
	k.Version++
	row.Description, row.Enabled, row.Version = k.Description, k.Enabled, k.Version
	t.keys[k.ID] = row
	return nil
}

// UseAccessKey notes when a key was last used.
func (t *tx) UseAccessKey(id string, when time.Time) error {
	if k, there := t.keys[id]; there {
		k.LastUsedAt = when
		t.keys[id] = k
	}
	return nil
}

// DropAccessKey removes a key.
func (t *tx) DropAccessKey(id string) error {
	if _, there := t.keys[id]; !there {
		return missing("access key", id)
	}
	delete(t.keys, id)
	return nil
}
