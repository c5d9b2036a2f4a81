package evs

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestARecycledDiskIsShownAsADiskWithItsDates: clients read one flat object.
func TestARecycledDiskIsShownAsADiskWithItsDates(t *testing.T) {
	day := "2026-11-22T00:00:00.000000"
	got, err := json.Marshal(recycledItem{volumeItem{ID: "i", Status: "recycled"}, &day, nil})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"id":"i"`, `"status":"recycled"`, `"pre_deleted_at":"` + day + `"`, `"plan_delete_at":null`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s has no %s", got, want)
		}
	}
}
