package telemetry_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
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

// A pipe that nobody reads must hold up no request; what the log could not keep
// meanwhile is told once the pipe is read again.
func TestStalledOutputHoldsUpNobodyAndTellsWhatWasLost(t *testing.T) {
	const lines = 50_000 // of more than 4 MiB together
	read, write := io.Pipe()
	log := telemetry.NewAccessLog(write)
	for range lines {
		log.Write(telemetry.Access{Method: "GET", Path: "/v3/snapshots"})
	}
	go func() {
		log.Close()
		_ = write.Close() // never fails
	}()
	shown, lost := 0, 0
	for scan := bufio.NewScanner(read); scan.Scan(); {
		var line struct {
			Method string
			Lines  int
		}
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, scan.Text())
		}
		if line.Method == "GET" {
			shown++
		}
		lost += line.Lines
	}
	if shown+lost != lines || lost == 0 || shown < lines/10 {
		t.Errorf("%d lines are shown and %d told as lost; together they must be %d, and some of both", shown, lost, lines)
	}
}
