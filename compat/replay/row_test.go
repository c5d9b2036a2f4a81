package replay

import (
	"path/filepath"
	"testing"
)

// The files are read whole, so every described body has met its digest.
func TestRecordingsLoadAndDescribedBodiesMeetTheirDigests(t *testing.T) {
	for file, want := range map[string]int{UpdateFile: 259, OtherFile: 516} {
		rows, err := Load(filepath.Join("../recordings", file))
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != want {
			t.Errorf("%s has %d rows, want %d", file, len(rows), want)
		}
	}
}
