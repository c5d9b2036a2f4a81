package telemetry_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/telemetry"
)

// What a caller sends is shown, cut to a length, and never breaks the line: a log
// that cannot be read hides the request.
func TestEveryLineOfTheAccessLogIsJSONWhateverWasSent(t *testing.T) {
	for sent, want := range map[string]string{
		"/v3/snapshots/s":                 "/v3/snapshots/s",
		"/\xff\x00\"\n":                   "/\ufffd\x00\"\n",
		strings.Repeat("é", 600) + "x":    strings.Repeat("é", 512),
		"/" + strings.Repeat("é", 600):    "/" + strings.Repeat("é", 511) + "\ufffd",
		`/"},{"level":"ERROR"` + "\u2028": `/"},{"level":"ERROR"` + "\u2028",
	} {
		var out bytes.Buffer
		log := telemetry.NewAccessLog(&out)
		log.Write(telemetry.Access{Method: sent, Path: sent, Remote: sent, Status: 404})
		log.Close()
		var line struct{ Method, Path, Remote string }
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || strings.Count(out.String(), "\n") != 1 {
			t.Fatalf("%q gives %v: %s", sent, err, out.String())
		}
		if line.Path != want || line.Method != want || line.Remote != want {
			t.Errorf("%q is shown as %q, want %q", sent, line.Path, want)
		}
	}
}
