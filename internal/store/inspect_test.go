package store_test

import (
	"maps"
	"path/filepath"
	"testing"

	"github.com/breezeblock/breezeblock/internal/store"
)

// A database that an earlier program left is told as such, and left as it is.
func TestInspectChangesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "breezeblock.db")
	ours(t, path)
	execute(t, "sqlite", path, "DELETE FROM goose_db_version WHERE version_id > 2", "PRAGMA wal_checkpoint(TRUNCATE)")
	before := contents(t, filepath.Dir(path))
	schema, err := store.Inspect(t.Context(), "sqlite:"+path)
	if err != nil || schema.Version != 2 || schema.Newest < 3 {
		t.Errorf("it tells %+v, %v", schema, err)
	}
	if after := contents(t, filepath.Dir(path)); !maps.Equal(before, after) {
		t.Error("it changed something")
	}
	for _, url := range []string{"sqlite:" + path + ".none", "mysql://x"} {
		if _, err := store.Inspect(t.Context(), url); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
	if _, err := store.Open(t.Context(), store.Config{URL: "mysql://x"}); err == nil {
		t.Error("it opened a database of another kind")
	}
}
