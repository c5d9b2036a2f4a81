package backup

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultLongest is how long one backup may take to write; see Config.Longest.
	DefaultLongest = 24 * time.Hour
	// sweepLife is how long a sweep may take; the marker of an older one counts no more.
	sweepLife = time.Hour
)

// Config is what a Repository needs. Zero values mean the defaults.
type Config struct {
	Objects Objects
	// Secret gives the 32 bytes that seal the repository's key, the same each time.
	// It is asked for when the repository is used first.
	Secret func() ([]byte, error)
	Random io.Reader // crypto/rand; safe for many goroutines
	Now    func() time.Time
	// Longest is how long one backup may take to write. What nobody refers to is
	// swept when it is older than that. DefaultLongest.
	Longest time.Duration
	Workers int // chunks at a time in one backup; 4
}

// Repository is a set of backups that share their chunks. It is safe for use by
// many goroutines. It touches its objects only when it is used, so that making one
// costs nothing.
type Repository struct {
	config  Config
	objects Objects

	mu      sync.Mutex
	secrets *secrets // nil: not opened yet
}

// New makes a Repository.
func New(c Config) *Repository {
	if c.Longest == 0 {
		c.Longest = DefaultLongest
	}
	if c.Workers == 0 {
		c.Workers = 4
	}
	return &Repository{config: c, objects: c.Objects}
}

// header is the object that makes a folder a repository.
type header struct {
	Format    int       `json:"format"`
	ChunkSize int       `json:"chunk_size"` // bytes
	Created   time.Time `json:"created"`
	Nonce     []byte    `json:"nonce"`
	SealedKey []byte    `json:"sealed_key"` // AES-256-GCM of the master key under a key derived from the secret
}

const (
	headerFormat = 1
	maxHeader    = 4096 // bytes
	keyLength    = 32
)

// open reads the repository's keys, or makes a new repository.
func (r *Repository) open(ctx context.Context) (*secrets, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets != nil {
		return r.secrets, nil
	}
	seal, err := r.seal()
	if err != nil {
		return nil, err
	}
	text, err := r.objects.Get(ctx, headerObject, maxHeader)
	if errors.Is(err, ErrNotFound) {
		if err = r.create(ctx, seal); err == nil || errors.Is(err, ErrExists) { // another node was first
			text, err = r.objects.Get(ctx, headerObject, maxHeader)
		}
	}
	if err != nil {
		return nil, err
	}
	master, err := unseal(text, seal)
	if err != nil {
		return nil, err
	}
	r.secrets, err = newSecrets(master)
	return r.secrets, err
}

// seal is the cipher under which the master key lies.
func (r *Repository) seal() (cipher.AEAD, error) {
	secret, err := r.config.Secret()
	if err != nil {
		return nil, fmt.Errorf("the secret of the backups: %w", err)
	}
	if len(secret) != keyLength {
		return nil, fmt.Errorf("%w: the secret of the backups has %d bytes, not %d", ErrInvalid, len(secret), keyLength)
	}
	key, err := hkdf.Expand(sha256.New, secret, "breezeblock backup 1: seal of the master key", keyLength)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// create makes the header. It refuses a folder that holds backups and has lost its
// header: a new key would not open them.
func (r *Repository) create(ctx context.Context, seal cipher.AEAD) error {
	for _, err := range r.objects.List(ctx, manifests) {
		if err == nil {
			err = fmt.Errorf("%w: there are backups, but the object %q that holds their key is gone", ErrDamaged, headerObject)
		}
		return err
	}
	drawn := make([]byte, keyLength+seal.NonceSize())
	if _, err := io.ReadFull(r.config.Random, drawn); err != nil {
		return fmt.Errorf("draw a key: %w", err)
	}
	h := header{Format: headerFormat, ChunkSize: ChunkSize, Created: r.config.Now().UTC(), Nonce: drawn[keyLength:]}
	h.SealedKey = seal.Seal(nil, h.Nonce, drawn[:keyLength], []byte(headerObject))
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := r.objects.Create(ctx, headerObject, append(text, '\n')); err != nil {
		return err
	}
	return r.objects.Flush(ctx)
}

// unseal reads the master key of a header.
func unseal(text []byte, seal cipher.AEAD) ([]byte, error) {
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, headerObject, err)
	}
	if h.Format != headerFormat || h.ChunkSize != ChunkSize {
		return nil, fmt.Errorf("%w: %s is of format %d with chunks of %d bytes; this version reads format %d with %d",
			ErrInvalid, headerObject, h.Format, h.ChunkSize, headerFormat, ChunkSize)
	}
	if len(h.Nonce) != seal.NonceSize() {
		return nil, fmt.Errorf("%w: %s has no nonce", ErrDamaged, headerObject)
	}
	master, err := seal.Open(nil, h.Nonce, h.SealedKey, []byte(headerObject))
	if err != nil || len(master) != keyLength {
		return nil, fmt.Errorf("%w: the key of the backups does not open with this secret", ErrInvalid)
	}
	return master, nil
}

// Manifest reads what is known of a backup. Fails with ErrNotFound, ErrDamaged.
func (r *Repository) Manifest(ctx context.Context, id string) (*Manifest, error) {
	p, err := r.press(ctx)
	if err != nil {
		return nil, err
	}
	defer p.close()
	return r.manifest(ctx, p, id)
}

func (r *Repository) press(ctx context.Context) (*press, error) {
	s, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	return newPress(s, r.config.Random)
}

func (r *Repository) manifest(ctx context.Context, p *press, id string) (*Manifest, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	object := manifests + id
	plain, err := r.unbox(ctx, p, manifestKind, object, nil)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(plain)
	if err == nil && m.ID != id {
		err = errBox(object, "it is of another backup")
	}
	return m, err
}

// unbox reads and opens a box, appended to into.
func (r *Repository) unbox(ctx context.Context, p *press, k kind, object string, into []byte) ([]byte, error) {
	box, err := r.objects.Get(ctx, object, maxBox)
	if err != nil {
		return nil, err
	}
	return p.open(k, object, box, into)
}

// content reads a chunk or index and holds it to its name. Into is emptied first.
func (r *Repository) content(ctx context.Context, p *press, k kind, n name, into []byte) ([]byte, error) {
	object := n.object(k)
	plain, err := r.unbox(ctx, p, k, object, into[:0])
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("%w: %s is gone", ErrDamaged, object)
	}
	if err != nil {
		return nil, err
	}
	if p.secrets.name(k, plain) != n {
		return nil, errBox(object, "it does not hold what its name says")
	}
	return plain, nil
}

// names reads the i-th index of a manifest. Without an index all chunks are zero.
func (r *Repository) names(ctx context.Context, p *press, m *Manifest, i int64) ([]name, error) {
	count := inIndex(m.Size, i)
	if m.indexes[i] == zeroName {
		return make([]name, count), nil
	}
	plain, err := r.content(ctx, p, indexKind, m.indexes[i], nil)
	if err != nil {
		return nil, err
	}
	return parseIndex(plain, count)
}

// List yields the ids of all backups, in no order. An error ends it.
func (r *Repository) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range r.objects.List(ctx, manifests) {
			if !yield(strings.TrimPrefix(info.Name, manifests), err) || err != nil {
				return
			}
		}
	}
}

// Delete removes a backup, durably; its chunks go with a later Sweep. Deleting what
// is not there succeeds.
func (r *Repository) Delete(ctx context.Context, id string) error {
	if err := CheckID(id); err != nil {
		return err
	}
	if err := r.objects.Delete(ctx, manifests+id); err != nil {
		return err
	}
	return r.objects.Flush(ctx)
}
