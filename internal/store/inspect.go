package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// Schema is how far a database's tables have come.
type Schema struct {
	Version int64 // of the database; 0: it has no tables yet
	Newest  int64 // that this program knows, and brings it to when it opens it
}

// Inspect tells the schema of the database at url without changing anything, or
// why Open would refuse it.
func Inspect(ctx context.Context, url string) (Schema, error) {
	newest, err := newestVersion()
	if err != nil {
		return Schema{}, err
	}
	schema := Schema{Newest: newest}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if schema.Version, err = inspect(path); err == nil && schema.Version > newest {
			err = tooNew(path, schema.Version, newest)
		}
		return schema, err
	}
	if !isPostgres(url) {
		return schema, errNoDatabase
	}
	pool, err := postgresPool(url, 1)
	if err != nil {
		return schema, err
	}
	defer func() { _ = pool.Close() }() // read from only
	schema.Version, err = inspectPostgres(ctx, pool, databaseName(url), newest)
	return schema, err
}

// inspect tells the schema version of the database file at path without changing
// it, or why it must not be opened; fs.ErrNotExist when it is not there. Whose it
// is stands in its first bytes. Beside a log the file alone is not whole: a
// checkpoint that was cut off leaves the new length on the first page and not yet
// the pages; then it is read through the log. Without one it is read as immutable,
// and no other file is made.
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
	if err := checkHeader(path); err != nil {
		return 0, err
	}
	mode := "mode=ro"
	_, err = os.Stat(path + "-wal")
	alone := errors.Is(err, fs.ErrNotExist)
	if alone {
		mode += "&immutable=1"
	}
	conn, err := openLite(path, mode)
	if err != nil {
		return 0, unreadable(path, err)
	}
	defer func() { err = errors.Join(err, conn.close()) }()
	var pages, pageSize int64
	for query, into := range map[string]*int64{
		"SELECT page_count FROM pragma_page_count": &pages,
		"SELECT page_size FROM pragma_page_size":   &pageSize,
		versionQuery:                               &version,
	} {
		if err := conn.one(query, into); err != nil {
			return 0, unreadable(path, err)
		}
	}
	switch {
	case version == 0:
		return 0, fmt.Errorf("%s is damaged: its schema has no version", path)
	case !alone:
		return version, nil
	case info.Size() < pages*pageSize:
		return 0, fmt.Errorf("%s is damaged: it has %d bytes and must have %d", path, info.Size(), pages*pageSize)
	}
	return version, conn.touchTables(path)
}

// checkHeader looks for SQLite's mark and ours. Source: sqlite.org/fileformat.html, section 1.3.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var header [100]byte
	if _, err := io.ReadFull(f, header[:]); err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return fmt.Errorf("%s is not a SQLite database", path)
	}
	if id := binary.BigEndian.Uint32(header[68:]); id != applicationID {
		return fmt.Errorf("%s is a SQLite database of another program (application id %#x); it is left as it is", path, id)
	}
	return nil
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
