package identity

import "context"

// Hashes is how many passwords were hashed so far.
func Hashes(s *Service) int64 { return s.hasher.done.Load() }

// InTurn runs work where hashes run.
func InTurn(ctx context.Context, s *Service, work func() error) error {
	return s.hasher.inTurn(ctx, work)
}

// MaxQueued is how many logins wait at most.
const MaxQueued = maxQueued

// Guarded is how many pairs of user and address are watched.
func Guarded(s *Service) int {
	s.guard.mu.Lock()
	defer s.guard.mu.Unlock()
	return len(s.guard.failed)
}

// NoteFailure counts a failed login without the cost of one.
func NoteFailure(s *Service, user, address string) {
	s.guard.note(guardKeyOf(user, address), s.clock())
}

// MaxGuarded bounds Guarded.
const MaxGuarded = maxGuarded

// SetFree replaces what gives memory back.
func SetFree(s *Service, free func()) {
	s.hasher.mu.Lock()
	defer s.hasher.mu.Unlock()
	s.hasher.free = free
}

// DecodePayload reports whether b is a payload, and what it encodes to again.
func DecodePayload(b []byte) (again []byte, ok bool) {
	p, ok := decodePayload(b)
	if !ok {
		return nil, false
	}
	return p.encode(), true
}

// EncodeExample is a payload as a login to a project makes it.
func EncodeExample() []byte {
	p := payload{userID: "0123456789abcdef0123456789abcdef", methods: byPassword, scope: Target{OnDomain, DefaultDomainID}}
	return p.encode()
}

// Forget drops what is remembered of validated tokens.
func Forget(s *Service) { s.forget() }
