// Package identity is the porter: domains, projects, users, roles, who holds
// which role where, passwords, tokens and the catalog. It follows Keystone v3 and
// knows no HTTP and no SQL: Store is what it needs kept.
//
// A token is a Fernet message of some eighty bytes (payload.go) under the keys of a
// key repository laid out like Keystone's (keys.go). What it grants is looked up when it is
// validated, never trusted from the token, and remembered for a short while
// (cache.go); Service.forget is the one place where that memory is dropped.
//
// Begin with login.go (a token is made) and validate.go (a token is checked).
// Permissions belong to the doors' route tables: nothing here asks who is calling.
// Errors are *Error; a store's own errors pass through wrapped.
package identity
