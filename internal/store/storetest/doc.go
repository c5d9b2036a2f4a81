// Package storetest states what a store promises as tests that run on every
// database, and starts the throw-away PostgreSQL that other rooms' tests use too.
//
// A new promise of block.Store, block.Tx or jobs.Store is a test in the file of
// its noun here, never in one database's own test. Begin with run.go.
package storetest
