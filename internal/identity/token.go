package identity

import "time"

// Token is a validated token and what it grants now. It is shared between
// requests: never change one.
type Token struct {
	AuditIDs  []string // its own, then that of the first token of its chain
	Methods   []string // how its holder logged in: password, token
	IssuedAt  time.Time
	ExpiresAt time.Time

	UserID     string
	User       *User
	UserDomain *Domain

	// At most one of Project and Domain is set; neither: the token is unscoped.
	ProjectID     string // empty when the scope is no project
	Project       *Project
	ProjectDomain *Domain
	Domain        *Domain

	Roles []Role // on the scope, with the implied ones, by name

	admin, member, reader bool // Roles, for the hot path
}

// IsAdmin tells whether the token grants the role admin on its scope.
func (t *Token) IsAdmin() bool { return t.admin }

// IsMember tells whether it grants member, which admin implies.
func (t *Token) IsMember() bool { return t.member }

// IsReader tells whether it grants reader, which member implies.
func (t *Token) IsReader() bool { return t.reader }

// HasRole tells whether the token grants the role, directly or implied.
func (t *Token) HasRole(name string) bool {
	for i := range t.Roles {
		if t.Roles[i].Name == name {
			return true
		}
	}
	return false
}

// grant sets what the token's roles are.
func (t *Token) grant(roles []Role) {
	t.Roles = roles
	t.admin, t.member, t.reader = t.HasRole(RoleAdmin), t.HasRole(RoleMember), t.HasRole(RoleReader)
}
