package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sealingFile holds the key that seals the secrets of access keys, beside the keys
// of tokens. Its name is no number, so Keystone's own tools leave it alone. It is not
// rotated: what it sealed lies in the database, and is lost without it.
const sealingFile = "sealing"

// sealer seals small secrets with AES-256-GCM. What a secret belongs to is sealed
// with it, so that one cannot be put in another's place.
type sealer struct {
	aead   cipher.AEAD
	random io.Reader
}

// sealerOf reads the sealing key of a key folder, or makes it.
func (k *Keys) sealerOf() (*sealer, error) {
	path := filepath.Join(k.dir, sealingFile)
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = k.write(path, linkOnce); err == nil {
			key, err = readKey(path)
		}
	}
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("use the sealing key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("use the sealing key: %w", err)
	}
	return &sealer{aead, k.random}, nil
}

// linkOnce is os.Link that leaves what is there: somebody else was first.
func linkOnce(from, to string) error {
	if err := os.Link(from, to); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// seal makes text of secret, which is bound to owner.
func (s *sealer) seal(secret []byte, owner string) (string, error) {
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(secret)+s.aead.Overhead())
	if _, err := io.ReadFull(s.random, nonce); err != nil {
		return "", fmt.Errorf("seal a secret: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, secret, []byte(owner))), nil
}

// open gives what seal sealed for owner.
func (s *sealer) open(text, owner string) (secret []byte, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < s.aead.NonceSize() || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	n := s.aead.NonceSize()
	secret, err = s.aead.Open(nil, raw[:n], raw[n:], []byte(owner))
	return secret, err == nil
}
