package identity

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// failedLogins may come at once from one address for one user; then one more a second.
	failedLogins = 20
	failedEvery  = time.Second
	// maxGuarded is how many pairs of user and address are watched.
	maxGuarded = 4096
)

// guard slows the guessing of passwords: it counts failed logins by user and
// address. Logins that succeed cost nothing, however many there are.
type guard struct {
	mu     sync.Mutex
	failed map[guardKey]*rate.Limiter
}

type guardKey [16]byte

// guardKeyOf makes the key of user at address. An IPv6 address counts with its /64,
// which is what one customer has.
func guardKeyOf(user, address string) guardKey {
	if a, err := netip.ParseAddr(address); err == nil && a.Is6() && !a.Is4In6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			address = p.String()
		}
	}
	sum := sha256.Sum256([]byte(address + "\x00" + user))
	return guardKey(sum[:len(guardKey{})])
}

// check fails with TooMany when there were too many failures.
func (g *guard) check(key guardKey, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.failed[key]
	if l == nil || l.TokensAt(now) >= 1 {
		return nil
	}
	wait := time.Duration((1 - l.TokensAt(now)) * float64(failedEvery))
	return &Error{
		Kind:       TooMany,
		Message:    "Too many failed logins; wait before the next one.",
		RetryAfter: wait.Truncate(time.Second) + time.Second,
	}
}

// note counts one failure.
func (g *guard) note(key guardKey, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.failed[key]
	if l == nil {
		g.makeRoom(now)
		l = rate.NewLimiter(rate.Every(failedEvery), failedLogins)
		g.failed[key] = l
	}
	l.AllowN(now, 1)
}

// makeRoom drops the pairs whose failures have worn off, or else any one.
func (g *guard) makeRoom(now time.Time) {
	if len(g.failed) < maxGuarded {
		return
	}
	for key, l := range g.failed {
		if l.TokensAt(now) >= failedLogins {
			delete(g.failed, key)
		}
	}
	if len(g.failed) < maxGuarded {
		return
	}
	for key := range g.failed { // the map's order is random enough
		delete(g.failed, key)
		return
	}
}
