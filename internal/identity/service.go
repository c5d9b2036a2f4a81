package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/time/rate"
)

// Config is what a Service is made of.
type Config struct {
	Store  Store
	Keys   *Keys
	Clock  func() time.Time
	Random io.Reader // cryptographic
	Log    *slog.Logger

	Region   string        // of every endpoint in the catalog
	Lifetime time.Duration // of a token; 0 is DefaultLifetime
	Cost     Cost          // of a password; zero is DefaultCost
	Cores    int           // hashes at once; 0 is GOMAXPROCS
}

// Service carries out every call. Close it to stop its timer.
type Service struct {
	store    Store
	keys     *Keys
	clock    func() time.Time
	random   io.Reader
	log      *slog.Logger
	region   string
	lifetime time.Duration
	hasher   *hasher
	sealer   *sealer
	guard    guard
	cache    cache
}

// New makes a Service. It does no work yet; see EnsureFirst.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Keys == nil || c.Clock == nil || c.Random == nil || c.Log == nil {
		return nil, errors.New("identity needs a store, keys, a clock, randomness and a log")
	}
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if c.Cost == (Cost{}) {
		c.Cost = DefaultCost()
	}
	if c.Cores == 0 {
		c.Cores = runtime.GOMAXPROCS(0)
	}
	sealing, err := c.Keys.sealerOf()
	if err != nil {
		return nil, err
	}
	h, err := newHasher(c.Cost, c.Random, c.Cores)
	if err != nil {
		return nil, err
	}
	return &Service{
		store: c.Store, keys: c.Keys, clock: c.Clock, random: c.Random, log: c.Log,
		region: c.Region, lifetime: c.Lifetime, hasher: h, sealer: sealing,
		guard: guard{failed: map[guardKey]*rate.Limiter{}},
	}, nil
}

// Close stops what runs by itself.
func (s *Service) Close() { s.hasher.close() }

// RotateKeys makes the next key primary. Tokens made before hold until the key
// that sealed them is removed, MaxKeys-1 rotations later.
func (s *Service) RotateKeys() error {
	defer s.forget()
	return s.keys.Rotate()
}

// change is the only way this room writes. What tokens grant may be different after
// it, and is even if the answer got lost.
func (s *Service) change(ctx context.Context, work func(Tx) error) error {
	defer s.forget()
	return s.store.ChangeIdentity(ctx, work)
}

// forget drops every validated token from memory. It is the one place that a
// change made by another node must reach as well.
func (s *Service) forget() { s.cache.forget() }

// now is the time as rows and tokens hold it: UTC, whole microseconds.
func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// newID makes an id of 32 hex digits.
func (s *Service) newID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(s.random, b[:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}
