package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/breezeblock/breezeblock/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(killVariable); path != "" {
		child(path)
	}
	storetest.Main(m, func() error { return goleak.Find() })
}

// freshSQLite is the URL of a database that is not there yet.
func freshSQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "breezeblock.db")
}

func TestPromisesOnSQLite(t *testing.T)   { storetest.Run(t, freshSQLite) }
func TestPromisesOnPostgres(t *testing.T) { storetest.Run(t, storetest.Postgres) }
