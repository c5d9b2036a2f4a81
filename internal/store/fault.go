package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/breezeblock/breezeblock/internal/block"
)

// SQLite's primary result codes that the store tells apart. Source: sqlite.org/rescode.html.
const (
	liteBusy        = 5
	liteNoMem       = 7
	liteInterrupt   = 9
	liteIOErr       = 10
	liteFull        = 13
	liteCannotOpen  = 14
	liteUnique      = 19 | 8<<8
	litePrimaryKey  = 19 | 6<<8
	pgUnique        = "23505"
	pgSerialization = "40001"
	pgDeadlock      = "40P01"
	pgBadText       = "22021"
)

// fault gives an error of a database its kind: Conflict for a unique value that
// is taken, Unavailable for what passes (disk full, connection lost), Internal
// for the rest.
func fault(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, ours := errors.AsType[*block.Error](err); ours {
		return err
	}
	if e, ok := errors.AsType[*liteError](err); ok {
		return liteFault(e.code, err)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return postgresFault(e.Code, err)
	}
	var network net.Error
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &network), errors.As(err, &connect), errors.Is(err, driver.ErrBadConn),
		errors.Is(err, sql.ErrConnDone), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), pgconn.SafeToRetry(err):
		return block.Because(err, block.Unavailable, "The database does not answer.")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ended(err)
	}
	return fmt.Errorf("database: %w", err)
}

func liteFault(code int, err error) error {
	switch code {
	case liteUnique, litePrimaryKey:
		return taken(err)
	}
	switch code & 0xff {
	case liteFull:
		return block.Because(err, block.Unavailable, "The database's disk is full.")
	case liteIOErr, liteCannotOpen:
		return block.Because(err, block.Unavailable, "The database's disk failed.")
	case liteBusy, liteNoMem, liteInterrupt:
		return block.Because(err, block.Unavailable, "The database is busy.")
	}
	return fmt.Errorf("database: %w", err)
}

// postgresFault goes by SQLSTATE. Source: PostgreSQL manual, appendix A.
func postgresFault(code string, err error) error {
	switch {
	case code == pgUnique:
		return taken(err)
	case code == pgBadText:
		return block.Because(err, block.Invalid, "Text must be valid UTF-8 without the character NUL.")
	case code == pgSerialization, code == pgDeadlock:
		return block.Because(err, block.Unavailable, "The database is busy.")
	case code[:2] == "53": // disk full, out of memory, too many connections
		return block.Because(err, block.Unavailable, "The database has no room.")
	case code[:2] == "08", code[:2] == "57", code[:2] == "58": // connection, shut-down, system
		return block.Because(err, block.Unavailable, "The database does not answer.")
	}
	return fmt.Errorf("database: %w", err)
}

func taken(err error) error {
	return block.Because(err, block.Conflict, "An object with this id or name exists already.")
}

// ended is a call whose context ended before its work began.
func ended(cause error) error {
	return block.Because(cause, block.Unavailable, "The request ended before its work began.")
}

// errClosed is a call after Close.
func errClosed() error { return block.Errorf(block.Unavailable, "The server is shutting down.") }

// panicked turns a panic of a transaction's work into an error of its caller.
func panicked(p any) error {
	return fmt.Errorf("a transaction's work panicked: %v\n%s", p, debug.Stack())
}

func isUnavailable(err error) bool { return block.KindOf(err) == block.Unavailable }
