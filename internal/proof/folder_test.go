package proof

import (
	"os"
	"testing"
)

// folder is a fresh folder in memory, where there is such a file system: what is
// tested with it is the order of things, not that they reach a disk.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "breezeblock-proof-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
