package store

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/breezeblock/breezeblock/internal/block"
)

// maxStatements bounds the prepared statements of one connection; lists have many shapes.
const maxStatements = 256

// liteConn is one SQLite connection, used by one goroutine at a time. It calls
// SQLite's C interface as modernc.org/sqlite translates it, and not through
// database/sql: that costs a third of a point read and twenty allocations for
// each row of a list. This file alone knows of it.
type liteConn struct {
	tls        *libc.TLS
	db         uintptr              // sqlite3*
	statements map[string]*liteStmt // by their text as the noun's file has it
}

// liteError is what SQLite says of a call that failed.
type liteError struct {
	code    int // extended result code; sqlite.org/rescode.html
	message string
}

func (e *liteError) Error() string { return fmt.Sprintf("sqlite: %s (%d)", e.message, e.code) }

// openLite opens path with SQLite's URI parameters and runs pragmas.
func openLite(path, mode string, pragmas ...string) (*liteConn, error) {
	c := &liteConn{tls: libc.NewTLS(), statements: map[string]*liteStmt{}}
	name, err := libc.CString(liteURI(path, mode))
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	handle := c.tls.Alloc(pointerBytes)
	defer c.tls.Free(pointerBytes)
	const flags = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_URI | sqlite3.SQLITE_OPEN_NOMUTEX
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, handle, flags, 0)
	c.db = loadPointer(handle)
	if rc != sqlite3.SQLITE_OK {
		err := c.fault(rc)
		return nil, errors.Join(err, c.close())
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	for _, p := range pragmas {
		if err := c.query("PRAGMA "+p, nil, func(row) error { return nil }); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// liteURI names path in a way that no character in it is taken for a parameter.
func liteURI(path, mode string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String() + "?" + mode
}

const pointerBytes = int(unsafe.Sizeof(uintptr(0)))

// memory is n bytes of SQLite's memory, which Go's collector knows nothing of. It
// is good until SQLite is called again.
func memory(at uintptr, n int) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&at))), n)
}

// loadPointer reads a pointer that SQLite wrote into its own memory.
func loadPointer(at uintptr) uintptr {
	return **(**uintptr)(unsafe.Pointer(&at))
}

func (c *liteConn) fault(rc int32) error {
	e := &liteError{code: int(rc), message: libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))}
	if c.db != 0 && sqlite3.Xsqlite3_errcode(c.tls, c.db)&0xff == rc&0xff {
		e.code = int(sqlite3.Xsqlite3_extended_errcode(c.tls, c.db))
		e.message = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	}
	return e
}

func (c *liteConn) close() error {
	for _, st := range c.statements {
		st.free()
	}
	c.statements = nil
	var err error
	if rc := sqlite3.Xsqlite3_close_v2(c.tls, c.db); rc != sqlite3.SQLITE_OK {
		err = c.fault(rc)
	}
	c.tls.Close()
	return err
}

// inTransaction tells whether a transaction is open.
func (c *liteConn) inTransaction() bool { return sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// prepare finds or makes the statement for query.
func (c *liteConn) prepare(query string) (*liteStmt, error) {
	if st := c.statements[query]; st != nil {
		if st.busy {
			return nil, fmt.Errorf("a statement was run inside its own rows: %s", query)
		}
		return st, nil
	}
	if len(c.statements) >= maxStatements {
		for text, st := range c.statements {
			if !st.busy {
				st.free()
				delete(c.statements, text)
			}
		}
	}
	text, err := libc.CString(byPosition(query))
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	handle := c.tls.Alloc(pointerBytes)
	defer c.tls.Free(pointerBytes)
	rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, handle, 0)
	if rc != sqlite3.SQLITE_OK {
		return nil, fmt.Errorf("prepare %s: %w", query, c.fault(rc))
	}
	st := &liteStmt{conn: c, handle: loadPointer(handle)}
	st.cells = make([]liteCell, sqlite3.Xsqlite3_column_count(c.tls, st.handle))
	c.statements[query] = st
	return st, nil
}

// byPosition writes $1, $2 … as plain marks, which are arguments by their place;
// texts that do not name each once, in order, stay.
func byPosition(query string) string {
	var b strings.Builder
	next := 1
	for rest := query; ; {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			b.WriteString(rest)
			return b.String()
		}
		mark := "$" + strconv.Itoa(next)
		tail, ok := strings.CutPrefix(rest[i:], mark)
		if !ok || (tail != "" && tail[0] >= '0' && tail[0] <= '9') {
			return query
		}
		b.WriteString(rest[:i])
		b.WriteByte('?')
		rest = tail
		next++
	}
}

func (c *liteConn) exec(query string, args []any) (int64, error) {
	st, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	defer st.reset()
	if err := st.bind(args); err != nil {
		return 0, err
	}
	for {
		switch rc := sqlite3.Xsqlite3_step(c.tls, st.handle); rc {
		case sqlite3.SQLITE_ROW:
		case sqlite3.SQLITE_DONE:
			return int64(sqlite3.Xsqlite3_changes(c.tls, c.db)), nil
		default:
			return 0, c.fault(rc)
		}
	}
}

func (c *liteConn) query(query string, args []any, each func(row) error) error {
	st, err := c.prepare(query)
	if err != nil {
		return err
	}
	st.busy = true
	defer st.reset()
	if err := st.bind(args); err != nil {
		return err
	}
	for {
		switch rc := sqlite3.Xsqlite3_step(c.tls, st.handle); rc {
		case sqlite3.SQLITE_ROW:
			if err := each(st); err != nil {
				return err
			}
		case sqlite3.SQLITE_DONE:
			return nil
		default:
			return c.fault(rc)
		}
	}
}

// liteStmt is a prepared statement, its arguments' memory and its current row.
type liteStmt struct {
	conn   *liteConn
	handle uintptr // sqlite3_stmt*
	room   uintptr // holds the text of arguments while the statement runs
	size   int     // of room
	cells  []liteCell
	text   []byte // of the current row's columns, one after another
	busy   bool   // its rows are being read
}

// liteCell is one column of the current row.
type liteCell struct {
	kind     int32
	number   int64
	from, to int // in the row's text
}

func (st *liteStmt) free() {
	sqlite3.Xsqlite3_finalize(st.conn.tls, st.handle)
	libc.Xfree(st.conn.tls, st.room)
}

// reset makes the statement ready for its next run. What it answers is what the
// last step did.
func (st *liteStmt) reset() {
	sqlite3.Xsqlite3_reset(st.conn.tls, st.handle)
	sqlite3.Xsqlite3_clear_bindings(st.conn.tls, st.handle)
	st.busy = false
}

// bind hands over the arguments. Text is copied once, into memory of SQLite's
// side that the statement keeps.
func (st *liteStmt) bind(args []any) error {
	total := 0
	for i, a := range args {
		switch v := a.(type) {
		case string:
			total += len(v)
		case block.Text:
			total += len(v.Value)
		default:
			plain, err := value(a)
			if err != nil {
				return err
			}
			if text, ok := plain.(string); ok {
				total += len(text)
			}
			args[i] = plain
		}
	}
	if err := st.makeRoom(total); err != nil {
		return err
	}
	at := st.room
	for i, a := range args {
		var rc int32
		switch v := a.(type) {
		case string:
			rc = st.bindText(i+1, v, &at)
		case block.Text:
			if v.Valid {
				rc = st.bindText(i+1, v.Value, &at)
			} else {
				rc = sqlite3.Xsqlite3_bind_null(st.conn.tls, st.handle, int32(i+1))
			}
		case int64:
			rc = sqlite3.Xsqlite3_bind_int64(st.conn.tls, st.handle, int32(i+1), v)
		default: // nil
			rc = sqlite3.Xsqlite3_bind_null(st.conn.tls, st.handle, int32(i+1))
		}
		if rc != sqlite3.SQLITE_OK {
			return st.conn.fault(rc)
		}
	}
	return nil
}

// makeRoom has at least one byte: SQLite takes text at address 0 for null.
func (st *liteStmt) makeRoom(total int) error {
	const least = 256
	if st.size >= max(total, 1) {
		return nil
	}
	libc.Xfree(st.conn.tls, st.room)
	st.size = 0
	if st.room = libc.Xmalloc(st.conn.tls, types.Size_t(max(total, least))); st.room == 0 {
		return &liteError{code: liteNoMem, message: "out of memory"}
	}
	st.size = max(total, least)
	return nil
}

func (st *liteStmt) bindText(i int, text string, at *uintptr) int32 {
	from := *at
	*at += uintptr(copy(memory(from, len(text)), text))
	return sqlite3.Xsqlite3_bind_text(st.conn.tls, st.handle, int32(i), from, int32(len(text)), 0)
}

// Scan takes the columns of the current row. All its text is one string.
func (st *liteStmt) Scan(dest ...any) error {
	if len(dest) != len(st.cells) {
		return fmt.Errorf("a row of %d columns was scanned into %d", len(st.cells), len(dest))
	}
	st.load()
	text := string(st.text)
	for i, d := range dest {
		var err error
		switch cell := &st.cells[i]; cell.kind {
		case sqlite3.SQLITE_INTEGER:
			err = assignNumber(d, cell.number)
		case sqlite3.SQLITE_NULL:
			err = assignNull(d)
		case sqlite3.SQLITE_TEXT:
			err = assignText(d, text[cell.from:cell.to])
		default:
			err = fmt.Errorf("it is of kind %d", cell.kind)
		}
		if err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// load copies the current row out of SQLite's memory.
func (st *liteStmt) load() {
	tls := st.conn.tls
	st.text = st.text[:0]
	for i := range st.cells {
		cell := &st.cells[i]
		cell.kind = sqlite3.Xsqlite3_column_type(tls, st.handle, int32(i))
		switch cell.kind {
		case sqlite3.SQLITE_INTEGER:
			cell.number = sqlite3.Xsqlite3_column_int64(tls, st.handle, int32(i))
		case sqlite3.SQLITE_TEXT:
			from := sqlite3.Xsqlite3_column_text(tls, st.handle, int32(i))
			n := int(sqlite3.Xsqlite3_column_bytes(tls, st.handle, int32(i)))
			cell.from, cell.to = len(st.text), len(st.text)+n
			if n > 0 {
				st.text = append(st.text, memory(from, n)...)
			}
		}
	}
}
