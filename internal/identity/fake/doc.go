// Package fake is an identity.Store in memory, for the tests of identity and of the
// doors that use it. It keeps the promises of storetest's identity suite, and can
// be told to fail. It is no store for a server: nothing survives the process.
//
// Begin with store.go.
package fake
