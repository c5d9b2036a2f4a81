package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// spelledFS holds the migrations as one database spells them.
type spelledFS struct {
	fs.FS
	dialect dialect
}

// spelledFile is one of them.
type spelledFile struct {
	fs.File
	text io.Reader
}

func (f spelledFile) Read(p []byte) (int, error) { return f.text.Read(p) }

func (f spelledFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return file, err
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return spelledFile{file, strings.NewReader(f.dialect.migration(string(text)))}, nil
}

// ReadDir is what embed.FS gives; without it fs would open the folder and fail to list it.
func (f spelledFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.FS, name) }

// newestVersion is the number of the last migration this program knows.
func newestVersion() (int64, error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no migrations are built in: %w", err)
	}
	last := strings.TrimPrefix(files[len(files)-1], "migrations/") // Glob sorts
	number, _, _ := strings.Cut(last, "_")
	return strconv.ParseInt(number, 10, 64)
}

// migrate brings db to the newest version.
func (d dialect) migrate(ctx context.Context, db *sql.DB, options ...goose.ProviderOption) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return err
	}
	kind := goose.DialectSQLite3
	if d.name == "postgres" {
		kind = goose.DialectPostgres
	}
	options = append(options, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	provider, err := goose.NewProvider(kind, db, spelledFS{files, d}, options...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// versionQuery is the version that a database has been migrated to; goose keeps it.
const versionQuery = `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`

// tooNew tells of a database that a later program has migrated.
func tooNew(name string, has, known int64) error {
	return fmt.Errorf("%s has schema version %d, and this program knows no later one than %d: use the newer program",
		name, has, known)
}
