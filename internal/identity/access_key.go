package identity

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// MaxAccessKeys is how many permanent access keys one user may have. Source:
	// Huawei IAM, quotas.
	MaxAccessKeys = 2

	accessKeyBytes = 15 // 24 letters and digits; 120 bits
	secretBytes    = 30 // 40 characters
)

// AccessKey is half of a pair that signs requests; its secret is told once, when
// it is made, and kept sealed. Rows are values: change a copy, save it.
type AccessKey struct {
	ID          string // what clients call AK
	UserID      string
	Sealed      string // the secret, as sealer.seal made it for ID
	Description string
	Enabled     bool
	CreatedAt   time.Time
	LastUsedAt  time.Time // to the hour; zero: never
	Version     int64     // moves with every write of the row, but for LastUsedAt
}

// AccessKeyChange is what a request says of a key; nil keeps what is stored.
type AccessKeyChange struct {
	Description *string
	Enabled     *bool
}

// CreateAccessKey makes a key for a user and tells its secret. Fails with NotFound
// for an unknown user, with Invalid beyond MaxAccessKeys.
func (s *Service) CreateAccessKey(ctx context.Context, userID, description string) (*AccessKey, string, error) {
	if err := checkDescription("credential.description", description); err != nil {
		return nil, "", err
	}
	if _, err := s.User(ctx, userID); err != nil {
		return nil, "", err
	}
	id, secret, err := s.newPair()
	if err != nil {
		return nil, "", err
	}
	k := &AccessKey{ID: id, UserID: userID, Description: description, Enabled: true, CreatedAt: s.now()}
	if k.Sealed, err = s.sealer.seal([]byte(secret), k.ID); err != nil {
		return nil, "", err
	}
	if err := s.change(ctx, func(tx Tx) error { return tx.AddAccessKey(k, MaxAccessKeys) }); err != nil {
		return nil, "", err
	}
	return k, secret, nil
}

// newPair makes the two halves of a key.
func (s *Service) newPair() (id, secret string, err error) {
	var b [accessKeyBytes + secretBytes]byte
	if _, err := io.ReadFull(s.random, b[:]); err != nil {
		return "", "", fmt.Errorf("make an access key: %w", err)
	}
	return base32.StdEncoding.EncodeToString(b[:accessKeyBytes]), base64.RawURLEncoding.EncodeToString(b[accessKeyBytes:]), nil
}

// AccessKey fails with NotFound.
func (s *Service) AccessKey(ctx context.Context, id string) (*AccessKey, error) {
	if !plausibleID(id) {
		return nil, missing("access key", id)
	}
	return s.store.AccessKey(ctx, id)
}

// AccessKeys lists the keys of a user; an unknown user has none.
func (s *Service) AccessKeys(ctx context.Context, userID string) ([]*AccessKey, error) {
	if !plausibleID(userID) {
		return nil, nil
	}
	return s.store.AccessKeys(ctx, userID, MaxPage)
}

// UpdateAccessKey changes what is given. A disabled key signs nothing.
func (s *Service) UpdateAccessKey(ctx context.Context, id string, change AccessKeyChange) (*AccessKey, error) {
	if change.Description != nil {
		if err := checkDescription("credential.description", *change.Description); err != nil {
			return nil, err
		}
	}
	if !plausibleID(id) {
		return nil, missing("access key", id)
	}
	var saved *AccessKey
	err := s.change(ctx, func(tx Tx) error {
		k, err := tx.AccessKey(id)
		if err != nil {
			return err
		}
		set(&k.Description, change.Description)
		set(&k.Enabled, change.Enabled)
		saved = k
		return tx.SaveAccessKey(k)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// DeleteAccessKey fails with NotFound.
func (s *Service) DeleteAccessKey(ctx context.Context, id string) error {
	if !plausibleID(id) {
		return missing("access key", id)
	}
	return s.change(ctx, func(tx Tx) error { return tx.DropAccessKey(id) })
}

// Why a key does not sign a request; for the log, never for the caller.
var (
	ErrKeyUnknown  = errors.New("there is no such access key")
	ErrKeyDisabled = errors.New("the access key is disabled")
	ErrKeySealed   = errors.New("the secret cannot be read with the sealing key of this server")
	ErrKeyToken    = errors.New("the security token is not one of this access key, or has expired")
)
