package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"modernc.org/sqlite"
)

// maxStatements bounds the prepared statements of one connection; lists have many shapes.
const maxStatements = 256

// liteConn is one SQLite connection, used by one goroutine at a time. It drives
// the driver itself: database/sql would add its own locks and copies to each
// statement, and a pool is not wanted where one goroutine owns the connection.
type liteConn struct {
	conn       driver.Conn
	statements map[string]*liteStmt // by their text as the noun's file has it
}

// liteStmt is a prepared statement with its arguments' and columns' room.
type liteStmt struct {
	stmt    driver.Stmt
	args    []driver.NamedValue
	columns []driver.Value
	busy    bool // its rows are being read
}

// openLite opens path with SQLite's URI parameters and pragmas.
func openLite(path, mode string, pragmas ...string) (*liteConn, error) {
	connector, err := sqlite.NewConnector(liteURI(path, mode, pragmas...))
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	return &liteConn{conn: conn, statements: map[string]*liteStmt{}}, nil
}

// liteURI names path in a way that no character in it is taken for a parameter.
func liteURI(path, mode string, pragmas ...string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	uri := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String() + "?" + mode + "&_error_rc=1"
	for _, p := range pragmas {
		uri += "&_pragma=" + url.QueryEscape(p)
	}
	return uri
}

func (c *liteConn) close() error {
	var errs []error
	for _, st := range c.statements {
		errs = append(errs, st.stmt.Close())
	}
	c.statements = nil
	return errors.Join(append(errs, c.conn.Close())...)
}

// onRollback calls fn whenever SQLite rolls the whole transaction back, asked or not.
// A nil fn takes it away, which must be done before close.
func (c *liteConn) onRollback(fn func()) {
	c.conn.(sqlite.HookRegisterer).RegisterRollbackHook(fn)
}

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
				_ = st.stmt.Close() // tells only of its last run
				delete(c.statements, text)
			}
		}
	}
	stmt, err := c.conn.Prepare(byPosition(query))
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", query, err)
	}
	st := &liteStmt{stmt: stmt}
	c.statements[query] = st
	return st, nil
}

// byPosition writes $1, $2 … as plain marks, which spares the driver a look-up by
// name for each argument; texts that do not name each once, in order, stay.
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

// bind puts args into the statement's room.
func (st *liteStmt) bind(args []any) error {
	if cap(st.args) < len(args) {
		st.args = make([]driver.NamedValue, len(args))
	}
	st.args = st.args[:len(args)]
	for i, a := range args {
		v, err := value(a)
		if err != nil {
			return err
		}
		st.args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return nil
}

func (c *liteConn) exec(query string, args []any) (int64, error) {
	st, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	if err := st.bind(args); err != nil {
		return 0, err
	}
	result, err := st.stmt.(driver.StmtExecContext).ExecContext(context.Background(), st.args)
	clear(st.args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (c *liteConn) query(query string, args []any, each func(row) error) (err error) {
	st, err := c.prepare(query)
	if err != nil {
		return err
	}
	if err := st.bind(args); err != nil {
		return err
	}
	rows, err := st.stmt.(driver.StmtQueryContext).QueryContext(context.Background(), st.args)
	clear(st.args)
	if err != nil {
		return err
	}
	st.busy = true
	defer func() {
		st.busy = false
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	if st.columns == nil {
		st.columns = make([]driver.Value, len(rows.Columns()))
	}
	defer clear(st.columns)
	for {
		switch err := rows.Next(st.columns); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := each(st); err != nil {
			return err
		}
	}
}

// Scan takes the columns of the current row.
func (st *liteStmt) Scan(dest ...any) error {
	if len(dest) != len(st.columns) {
		return fmt.Errorf("a row of %d columns was scanned into %d", len(st.columns), len(dest))
	}
	for i, d := range dest {
		if err := assign(d, st.columns[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}
