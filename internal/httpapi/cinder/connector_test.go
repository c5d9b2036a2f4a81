package cinder

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
)

// A connector is kept as it was sent, so it is bounded; spaces between its members do
// not count.
func TestConnectorsAreBounded(t *testing.T) {
	most := strings.Repeat("x", block.MaxConnector-len(`{"host":"h","x":""}`))
	for body, ok := range map[string]bool{
		`{"host":"h","x":"` + most + `"}`:             true,
		`{ "host": "h", "x": "` + most + `" }`:        true,
		`{"host":"h","x":"` + most + `x"}`:            false,
		`{"host":"` + strings.Repeat("h", 256) + `"}`: false,
		`{"host":5}`:                false,
		`{"mode":"wr"}`:             false,
		`{"mode":"ro","mode":"rw"}`: true,
		`[]`:                        false,
	} {
		from, err := readConnector(jsontext.Value(body))
		if (err == nil) != ok || (err != nil && block.KindOf(err) != block.Invalid) {
			t.Errorf("%.40s…: got %v, want it taken: %v", body, err, ok)
		}
		if ok && err == nil && len(from.JSON) > block.MaxConnector {
			t.Errorf("%.40s…: %d bytes are kept", body, len(from.JSON))
		}
	}
}
