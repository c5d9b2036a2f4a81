package wire

import "slices"

// Permission is what a route asks of the caller's roles.
type Permission int

const (
	// Public asks for no token.
	Public Permission = iota
	// Anyone asks for a valid token, of any scope.
	Anyone
	// Reader asks for a role on the token's project: reader, member or admin.
	Reader
	// Member asks for member or admin; for reader too where the dialect says so.
	Member
	// Admin asks for admin.
	Admin
)

func (p Permission) String() string {
	return [...]string{"public", "anyone", "reader", "member", "admin"}[p]
}

// Versions are the API versions, as path prefixes, that serve a row.
type Versions uint8

const (
	V1 Versions = 1 << iota
	V2
	V21
	V3
	V5
	// NoVersion is a path of its own: /healthcheck, or one below the door's prefix.
	NoVersion
)

// V2V3 is the Cinder family.
const V2V3 = V2 | V3

// Handler serves one route. An error it returns is answered by the door's
// writeFault; it must not have written anything then.
type Handler func(x *Exchange) error

// Route is one row of the route table: everything the outside can rely on about
// one call. docs/routes.md is made from the rows.
type Route struct {
	Name       string // snapshot.update
	Method     string
	Path       string   // below version and project: /snapshots/{snapshot_id}
	Action     string   // of several calls on one path, the key of the body that names this one
	Beside     []string // keys of the body that may stand beside the action
	Versions   Versions
	Permission Permission
	Since      Microversion // lowest 3.N that has it
	OK         int          // status of success
	Source     string       // document and section, or recording
	Handle     Handler
	// Raw leaves the body to the handler: it is no JSON, or of another media type.
	Raw bool
}

// Named tells whether a body names the row: by its action, once, and nothing else that
// may not stand beside it.
func (r *Route) Named(body Members) bool {
	named := 0
	for _, m := range body {
		if m.Name == r.Action {
			named++
		} else if !slices.Contains(r.Beside, m.Name) {
			return false
		}
	}
	return named == 1
}

// Door is one family of calls: its rows and its way to say that something failed.
type Door interface {
	Routes() []Route
	// WriteFault answers with err and logs what is ours to mend. Nothing else
	// writes a failure of this family.
	WriteFault(x *Exchange, err error)
}
