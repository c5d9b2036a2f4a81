package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"crypto/rand"

	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/driver/layers"
	"github.com/breezeblock/breezeblock/internal/identity"
	"github.com/breezeblock/breezeblock/internal/store"
)

// Finding is whether one part works.
type Finding struct {
	Part  string // database, driver
	Place string
	Note  string // what is worth knowing though it works
	Err   error
}

// Check looks whether a server could work with database and driver. It changes
// neither, makes nothing where nothing is yet, and says so when a server runs.
func Check(ctx context.Context, c *config.Config) []Finding {
	database := Finding{Part: "database", Place: filepath.Join(c.Data, "breezeblock.db")}
	volumes := Finding{Part: "driver layers", Place: filepath.Join(c.Data, "volumes")}
	if isThere(c.Data) {
		lock, err := lockFolder(c.Data)
		if err != nil {
			return []Finding{{Part: "data folder", Place: c.Data, Err: err}}
		}
		defer func() { _ = lock.Close() }()
	}
	switch {
	case c.Database != "":
		database.Place = "(as set)"
		database.Note, database.Err = checkStore(ctx, c)
	case isThere(database.Place):
		database.Note, database.Err = checkStore(ctx, c)
	default:
		database.Place += " (made on first start)"
	}
	if isThere(volumes.Place) {
		volumes.Err = checkDriver(ctx, c)
	} else {
		volumes.Place += " (made on first start)"
	}
	return []Finding{database, volumes}
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func checkStore(ctx context.Context, c *config.Config) (note string, err error) {
	schema, err := store.Inspect(ctx, databaseURL(c))
	if err == nil && schema.Version < schema.Newest {
		note = fmt.Sprintf("the next start brings its tables from version %d to %d", schema.Version, schema.Newest)
	}
	return note, err
}

func checkDriver(ctx context.Context, c *config.Config) error {
	d, err := layers.Open(c.Data, layers.Options{})
	if err != nil {
		return err
	}
	_, err = d.Info(ctx)
	return errors.Join(err, d.Close())
}

// RotateKeys makes the next token key of a data folder primary, also beside a
// running server.
func RotateKeys(c *config.Config) error {
	dir := filepath.Join(c.Data, "keys")
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	keys, err := identity.OpenKeys(dir, rand.Reader, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return keys.Rotate()
}
