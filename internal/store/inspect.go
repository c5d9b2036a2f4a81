package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// inspect tells the schema version of the database file at path without changing
// or making any file, or why it must not be opened; fs.ErrNotExist when it is not
// there. It reads the file alone, as immutable: every file of ours holds its mark
// and version in itself (see migrateSQLite), even while its log holds newer rows.
func inspect(path string) (version int64, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, fmt.Errorf("%s is not a file", path)
	case info.Size() == 0:
		return 0, fmt.Errorf("%s is empty: no database of this program; remove it to start a new one", path)
	}
	conn, err := openLite(path, "mode=ro&immutable=1")
	if err != nil {
		return 0, unreadable(path, err)
	}
	defer func() { err = errors.Join(err, conn.close()) }()
	var id, pages, pageSize int64
	for query, into := range map[string]*int64{
		"SELECT application_id FROM pragma_application_id": &id,
		"SELECT page_count FROM pragma_page_count":         &pages,
		"SELECT page_size FROM pragma_page_size":           &pageSize,
	} {
		if err := conn.one(query, into); err != nil {
			return 0, unreadable(path, err)
		}
	}
	if id != applicationID {
		return 0, fmt.Errorf("%s is a SQLite database of another program (application id %#x); it is left as it is", path, id)
	}
	if err := conn.one(versionQuery, &version); err != nil {
		return 0, unreadable(path, err)
	}
	if version == 0 {
		return 0, fmt.Errorf("%s is damaged: its schema has no version", path)
	}
	if _, err := os.Stat(path + "-wal"); errors.Is(err, fs.ErrNotExist) {
		if info.Size() < pages*pageSize {
			return 0, fmt.Errorf("%s is damaged: it has %d bytes and must have %d", path, info.Size(), pages*pageSize)
		}
		return version, conn.touchTables(path)
	}
	return version, nil // pages that a crash left half copied are whole in the log
}

// one reads one number.
func (c *liteConn) one(query string, into *int64) error {
	return c.query(query, nil, func(r row) error { return r.Scan(into) })
}

// touchTables reads one row of each table: the pages of its first branch.
func (c *liteConn) touchTables(path string) error {
	var tables []string
	const all = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	err := c.query(all, nil, func(r row) error {
		var name string
		err := r.Scan(&name)
		tables = append(tables, name)
		return err
	})
	for _, name := range tables {
		if err != nil {
			break
		}
		err = c.query(`SELECT 1 FROM "`+name+`" LIMIT 1`, nil, func(row) error { return nil })
	}
	if err != nil {
		return unreadable(path, err)
	}
	return nil
}

// unreadable names the file and what SQLite says of it.
func unreadable(path string, err error) error {
	const notADatabase = 26
	if e, ok := errors.AsType[*liteError](err); ok && e.code&0xff == notADatabase {
		return fmt.Errorf("%s is not a SQLite database: %w", path, err)
	}
	return fmt.Errorf("%s is damaged or cannot be read: %w", path, err)
}
