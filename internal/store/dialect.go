package store

import "strings"

// dialect is all in which the texts for the two databases differ. The texts
// themselves are written once, with $1, $2 … in the order of their arguments.
type dialect struct {
	name string
	// forUpdate ends a SELECT whose rows the transaction will change. SQLite has
	// one writer and needs none.
	forUpdate string
	// forShare ends a SELECT whose rows must stay as they are until the transaction ends.
	forShare string
	// skipLocked ends a SELECT that leaves out rows which another node is about to change.
	skipLocked string
	// hasItem holds for rows whose column metadata has an item; arguments: key, value.
	hasItem [3]string // before the key, between key and value, after the value
}

// sqliteDialect compares keys in json_each and not by ->>, which reads "1", "$a"
// and "[0]" as paths and not as keys.
var sqliteDialect = dialect{
	name:    "sqlite",
	hasItem: [3]string{"EXISTS (SELECT 1 FROM json_each(metadata) AS item WHERE item.key = ", " AND item.value = ", ")"},
}

var postgresDialect = dialect{
	name:       "postgres",
	forUpdate:  " FOR UPDATE",
	forShare:   " FOR SHARE",
	skipLocked: " FOR UPDATE SKIP LOCKED",
	hasItem:    [3]string{"metadata::json ->> ", "::text = ", "::text"},
}

// migration spells a migration for the database. PostgreSQL sorts text by bytes,
// as SQLite does, only when told to; its rows are updated in place only where
// pages keep room. A table's closing bracket has a line of its own.
func (d dialect) migration(text string) string {
	if d.name != "postgres" {
		return text
	}
	return strings.NewReplacer(
		" TEXT", ` TEXT COLLATE "C"`,
		"\n) WITHOUT ROWID;", "\n) WITH (fillfactor = 70);",
		"\n);", "\n) WITH (fillfactor = 70);",
	).Replace(text)
}

// lock ends the text of a SELECT whose rows the transaction will change.
func (d dialect) lock(query string) string { return query + d.forUpdate }

// hold ends the text of a SELECT whose rows must stay as they are until the
// transaction ends.
func (d dialect) hold(query string) string { return query + d.forShare }
