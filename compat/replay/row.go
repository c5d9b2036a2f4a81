package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/breezeblock/breezeblock/compat/client"
)

// maxLine bounds one row of a recording, in bytes.
const maxLine = 4 << 20

// Row is one recorded exchange, or a short series of them.
type Row struct {
	ID    string `json:"id"`
	Group string `json:"group"`

	Request      *Request       `json:"request"`
	Response     *Response      `json:"response"`
	StoredChange map[string]any `json:"stored_change"` // nil: not recorded
	StateBefore  string         `json:"state_before"`

	Steps    []json.RawMessage `json:"steps"`
	Pages    [][]string        `json:"pages"`
	Statuses []int             `json:"statuses"`
	NotRun   string            `json:"not_run"`
	Note     string            `json:"note"`
}

// Request is what was sent.
type Request struct {
	Method string         `json:"method"`
	Path   string         `json:"path"`
	Fields []client.Field `json:"headers"`
	Body   Body           `json:"body"`
}

// Response is what Cinder answered; Status 0 when the connection ended without one.
type Response struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body"`
}

// Step is one exchange of a series on the row's own snapshot.
type Step struct {
	Method   string `json:"method"`
	Body     Body   `json:"body"`
	Status   int    `json:"status"`
	Response any    `json:"response"`
}

// Load reads a recording, one row a line.
func Load(file string) ([]*Row, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rows, nil
}

func read(from io.Reader) ([]*Row, error) {
	var rows []*Row
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		row := new(Row)
		if err := decode(lines.Bytes(), row); err != nil {
			return nil, fmt.Errorf("row %d: %w", len(rows)+1, err)
		}
		rows = append(rows, row)
	}
	return rows, lines.Err()
}

// decode keeps numbers as they are written.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}
