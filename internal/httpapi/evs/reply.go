package evs

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// reply answers with v as JSON. The native family is not called often enough for
// writing by hand.
func reply(x *wire.Exchange, status int, v any) error {
	body, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(false), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return x.WriteJSON(status, body)
}

// jobAnswer is the answer of calls that queue a job.
type jobAnswer struct {
	JobID string `json:"job_id"`
}
