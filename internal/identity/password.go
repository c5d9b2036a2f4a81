package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

// Cost is what one password hash by argon2id costs.
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultCost takes about 20 ms of one core. Source: OWASP's password storage sheet.
func DefaultCost() Cost { return Cost{Memory: 19 * 1024, Passes: 2, Threads: 1} }

// A stored hash may not cost more than this: a row is not trusted with the memory.
const (
	maxCostMemory  = 256 * 1024
	maxCostPasses  = 16
	maxCostThreads = 16
)

const (
	saltBytes = 16
	hashBytes = 32
	// maxQueued is how many logins wait for a core, at most: five seconds' worth on two.
	maxQueued = 512
	// memory is given back once no hash has run for freeAfter, at most every freeEvery.
	freeAfter = time.Second
	freeEvery = 10 * time.Second
)

// hasher hashes passwords, as many at once as there are cores: each takes
// Cost.Memory, and a storm of logins must not take it all.
type hasher struct {
	cost   Cost
	random io.Reader
	nobody string // a hash that no password fits: what an unknown user is checked against

	slots  chan struct{}
	queued atomic.Int64
	done   atomic.Int64 // hashes computed; tests count them

	free   func()
	mu     sync.Mutex
	timer  *time.Timer
	freed  time.Time
	closed bool
}

func newHasher(cost Cost, random io.Reader, cores int) (*hasher, error) {
	h := &hasher{cost: cost, random: random, slots: make(chan struct{}, cores), free: debug.FreeOSMemory}
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(random, salt); err != nil {
		return nil, fmt.Errorf("make a salt: %w", err)
	}
	h.nobody = phc(cost, salt, make([]byte, hashBytes))
	return h, nil
}

// phc writes a hash in the PHC string format.
func phc(c Cost, salt, hash []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		c.Memory, c.Passes, c.Threads, b64.EncodeToString(salt), b64.EncodeToString(hash))
}

// parsePHC reads what phc wrote.
func parsePHC(text string) (c Cost, salt, hash []byte, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, fmt.Errorf("not an argon2id hash of version %d", argon2.Version)
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Threads); err != nil {
		return c, nil, nil, fmt.Errorf("the hash's cost: %w", err)
	}
	if c.Memory < 8 || c.Memory > maxCostMemory || c.Passes < 1 || c.Passes > maxCostPasses ||
		c.Threads < 1 || c.Threads > maxCostThreads {
		return c, nil, nil, fmt.Errorf("the hash's cost %s is out of bounds", parts[3])
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, fmt.Errorf("the hash's salt: %w", err)
	}
	if hash, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return c, nil, nil, fmt.Errorf("the hash: %w", err)
	}
	if len(hash) < 16 || len(hash) > 64 || len(salt) < 8 || len(salt) > 64 {
		return c, nil, nil, fmt.Errorf("the hash has %d bytes and %d of salt", len(hash), len(salt))
	}
	return c, salt, hash, nil
}

// hash makes a PHC string of password, or fails with Busy.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	var sum []byte
	err := h.inTurn(ctx, func() error {
		sum = h.derive(password, salt, h.cost, hashBytes)
		return nil
	})
	if err != nil {
		return "", err
	}
	return phc(h.cost, salt, sum), nil
}

// matches tells whether password fits stored; an empty stored fits nothing and
// costs as much. It must run in turn.
func (h *hasher) matches(password, stored string) (bool, error) {
	if stored == "" {
		stored = h.nobody
	}
	cost, salt, want, err := parsePHC(stored)
	if err != nil {
		return false, fmt.Errorf("a stored password: %w", err)
	}
	got := h.derive(password, salt, cost, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && stored != h.nobody, nil
}

func (h *hasher) derive(password string, salt []byte, c Cost, n uint32) []byte {
	h.done.Add(1)
	return argon2.IDKey([]byte(password), salt, c.Passes, c.Memory, c.Threads, n)
}

// inTurn runs work when a core is free. Fails with Busy when too many wait, or
// when the caller does not wait any longer.
func (h *hasher) inTurn(ctx context.Context, work func() error) error {
	if h.queued.Add(1) > maxQueued+int64(cap(h.slots)) {
		h.queued.Add(-1)
		return &Error{Kind: Busy, Message: "Too many logins at once; try again.", RetryAfter: time.Second}
	}
	defer h.queued.Add(-1)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return &Error{Kind: Busy, Message: "The login ended before its turn came; try again.", RetryAfter: time.Second, cause: ctx.Err()}
	}
	defer h.leave()
	return work()
}

// leave frees the slot and has the memory given back once things are quiet:
// argon2's blocks would otherwise stay with the process for minutes.
func (h *hasher) leave() {
	<-h.slots
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.timer != nil {
		return
	}
	wait := max(freeAfter, freeEvery-time.Since(h.freed))
	h.timer = time.AfterFunc(wait, h.giveBack)
}

func (h *hasher) giveBack() {
	h.mu.Lock()
	h.timer = nil
	idle := !h.closed && h.queued.Load() == 0
	if idle {
		h.freed = time.Now()
	}
	free := h.free
	h.mu.Unlock()
	if idle {
		free()
	}
}

// close stops the timer.
func (h *hasher) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
}
