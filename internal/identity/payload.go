package identity

import (
	"encoding/binary"
	"encoding/hex"
	"time"
)

// payload is what a token says: who, where, how, and until when. What it grants is
// looked up. One form byte, one scope byte, one byte of methods, two times of eight
// bytes, two audit ids of sixteen, then the user's and the scope's id.
type payload struct {
	userID  string
	scope   Target // zero: unscoped
	methods methods
	issued  time.Time // UTC, whole microseconds
	expires time.Time // UTC, whole microseconds
	audit   [16]byte
	first   [16]byte // audit id of the first token of the chain; audit itself for a first one
}

// methods is a set of login methods.
type methods uint8

const (
	byPassword methods = 1 << iota
	byToken
	anyMethod = byPassword | byToken
)

func (m methods) names() []string {
	var names []string
	if m&byToken != 0 {
		names = append(names, "token")
	}
	if m&byPassword != 0 {
		names = append(names, "password")
	}
	return names
}

const (
	payloadForm  = 1
	payloadFixed = 3 + 8 + 8 + 16 + 16
)

// Scope bytes.
const (
	scopeNone = iota
	scopeProject
	scopeDomain
)

func (p *payload) encode() []byte {
	b := make([]byte, 0, 96)
	scope := byte(scopeNone)
	switch p.scope.Kind {
	case OnProject:
		scope = scopeProject
	case OnDomain:
		scope = scopeDomain
	}
	b = append(b, payloadForm, scope, byte(p.methods))
	b = binary.BigEndian.AppendUint64(b, uint64(p.issued.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(p.expires.UnixMicro()))
	b = append(b, p.audit[:]...)
	b = append(b, p.first[:]...)
	b = appendID(b, p.userID)
	return appendID(b, p.scope.ID)
}

// decodePayload reads what encode wrote; false for anything else.
func decodePayload(b []byte) (p payload, ok bool) {
	if len(b) < payloadFixed || b[0] != payloadForm {
		return p, false
	}
	switch b[1] {
	case scopeNone:
	case scopeProject:
		p.scope.Kind = OnProject
	case scopeDomain:
		p.scope.Kind = OnDomain
	default:
		return p, false
	}
	p.methods = methods(b[2])
	if p.methods == 0 || p.methods&^anyMethod != 0 {
		return p, false
	}
	p.issued = time.UnixMicro(int64(binary.BigEndian.Uint64(b[3:]))).UTC()
	p.expires = time.UnixMicro(int64(binary.BigEndian.Uint64(b[11:]))).UTC()
	copy(p.audit[:], b[19:])
	copy(p.first[:], b[35:])
	rest := b[payloadFixed:]
	if p.userID, rest, ok = cutID(rest); !ok || p.userID == "" {
		return p, false
	}
	if p.scope.ID, rest, ok = cutID(rest); !ok || len(rest) != 0 {
		return p, false
	}
	return p, (p.scope.ID != "") == (p.scope.Kind != "")
}

// packed marks an id of lower-case hex digits that is stored in half its length.
const packed = 0x80

// appendID appends an id with its length in front.
func appendID(b []byte, id string) []byte {
	raw, err := hex.DecodeString(id)
	if err == nil && len(raw) > 0 && hex.EncodeToString(raw) == id {
		return append(append(b, packed|byte(len(raw))), raw...)
	}
	return append(append(b, byte(len(id))), id...) // maxID is below packed
}

func cutID(b []byte) (id string, rest []byte, ok bool) {
	if len(b) == 0 {
		return "", nil, false
	}
	n := int(b[0] &^ packed)
	if n > maxID || len(b) < 1+n {
		return "", nil, false
	}
	raw := b[1 : 1+n]
	if b[0]&packed != 0 {
		return hex.EncodeToString(raw), b[1+n:], true
	}
	return string(raw), b[1+n:], true
}
