package identity

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Limits that the outside can rely on.
const (
	// MaxName is the length of a name, in characters. Source: Keystone's user name;
	// its project name is 64 at most, and the longer one serves for both here.
	MaxName = 255
	// MaxDescription is the length of a description, in bytes. Assumed: Keystone
	// bounds only the whole body.
	MaxDescription = 65535
	// MaxPassword is the length of a password, in bytes. Source: Keystone max_password_length.
	MaxPassword = 4096
	// MaxPage is the number of rows in one list. Assumed: Keystone has none unless list_limit is set.
	MaxPage = 1000
	// MaxToken is the length of a token, in bytes; ours have about 200.
	MaxToken = 512
	// maxID is the length of an id. Source: Keystone's columns.
	maxID = 64
)

// DefaultLifetime is how long a token holds. Source: the recorded Keystone gave 24 hours.
const DefaultLifetime = 24 * time.Hour

// checkName holds a name to its limits, or fails with Invalid naming field.
func checkName(field, name string) error {
	switch n := utf8.RuneCountInString(name); {
	case strings.TrimSpace(name) == "":
		return Errorf(Invalid, "%s must hold at least one character that is not a space", field)
	case n > MaxName:
		return Errorf(Invalid, "%s has %d characters; %d at most", field, n, MaxName)
	case !storable(name):
		return Errorf(Invalid, "%s must be UTF-8 without NUL", field)
	}
	return nil
}

func checkDescription(field, text string) error {
	switch {
	case len(text) > MaxDescription:
		return Errorf(Invalid, "%s has %d bytes; %d at most", field, len(text), MaxDescription)
	case !storable(text):
		return Errorf(Invalid, "%s must be UTF-8 without NUL", field)
	}
	return nil
}

func checkPassword(field, password string) error {
	switch {
	case password == "":
		return Errorf(Invalid, "%s must not be empty", field)
	case len(password) > MaxPassword:
		return Errorf(Invalid, "%s has %d bytes; %d at most", field, len(password), MaxPassword)
	}
	return nil
}

// storable tells whether every database takes s as text.
func storable(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// plausibleID tells whether s can be an id at all, so that no database is asked
// for what it cannot hold.
func plausibleID(s string) bool { return s != "" && len(s) <= maxID && storable(s) }
