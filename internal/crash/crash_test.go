package crash_test

import (
	"testing"

	"github.com/breezeblock/breezeblock/internal/crash"
)

// A build without the tag goes on whatever the environment says.
func TestPointsAreAbsentFromReleases(t *testing.T) {
	for _, name := range crash.Points() {
		t.Setenv("BREEZEBLOCK_CRASH", name)
		crash.At(name)
	}
}
