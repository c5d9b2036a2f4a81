// Package store is the cellar: all SQL, for SQLite and PostgreSQL from one text.
// It implements block.Store, block.Tx and jobs.Store; it knows no rule of the
// nouns and no HTTP.
//
// Begin with store.go and tx.go: every noun's file is written with six helpers
// only, (*Store).write, readRow and readRows beside the writer, and (*Tx).exec,
// queryRow and query inside. Arguments and destinations of both are the types of
// scan.go. What differs between the databases is in dialect.go; how SQLite commits
// in groups is in writer.go; what a file must be to be opened is in open.go.
//
// A new table is a file migrations/NNNN_name.sql, one text for both databases:
// TEXT, BIGINT, and WITHOUT ROWID where the key is text (see dialect.migration).
// Keeps rules 1, 2 and 3 of ARCHITECTURE.md.
package store
