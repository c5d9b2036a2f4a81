package replay

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// names holds what stands for the recording's ids and tokens in this run.
type names struct {
	values  map[string]string // "snapshot" for {snapshot}
	learned map[string]string // ids of the recording that no placeholder names
	target  *client.Target
}

func newNames(target *client.Target) *names {
	return &names{values: map[string]string{}, learned: map[string]string{}, target: target}
}

// setSnapshot binds a snapshot's id and the two other ways it is written.
func (n *names) setSnapshot(id string) {
	n.values["snapshot"] = id
	n.values["SNAPSHOT-UPPER"] = strings.ToUpper(id)
	n.values["snapshot-no-dashes"] = strings.ReplaceAll(id, "-", "")
}

var placeholder = regexp.MustCompile(`\{[A-Za-z][A-Za-z0-9_.-]*\}`)

// firstDigit is the one row that encodes an id's first character: the recorded
// id began with a digit, so %3 in front of it made %3d.
var firstDigit = regexp.MustCompile(`%3(\{[a-z0-9_]+\})`)

// expand puts this run's values in. Placeholders it does not know stay as they
// are: bodies may hold such text of their own.
func (n *names) expand(text string) string {
	text = firstDigit.ReplaceAllStringFunc(text, func(found string) string {
		id := n.expand(found[len("%3"):])
		return fmt.Sprintf("%%%02x%s", id[0], id[1:])
	})
	text = placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if value, known := n.values[found[1:len(found)-1]]; known {
			return value
		}
		return found
	})
	return strings.ReplaceAll(text, "http://HOST", n.target.VolumeURL)
}

// expandAny expands every text in a parsed document.
func (n *names) expandAny(v any) any {
	switch v := v.(type) {
	case string:
		return n.expand(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = n.expandAny(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[n.expand(key)] = n.expandAny(value)
		}
		return out
	}
	return v
}

// unbound names the placeholders left in a request that this run has no value
// for, which is a fault of the stage and not of the server.
func (n *names) unbound(text string) []string {
	var missing []string
	for _, found := range placeholder.FindAllString(text, -1) {
		if strings.HasPrefix(found, "{new_") || strings.HasSuffix(found, "_token}") {
			missing = append(missing, found)
		}
	}
	return missing
}

// upper are rows that write an id in capitals, which the recording shows
// literally: the row, and the name of the object meant.
var upper = map[string]string{
	"show-upper-uuid":     "s1",
	"list-marker-upper":   "s4",
	"create-volume-upper": "volume_a",
	"url-project-upper":   "project",
}

var capitals = regexp.MustCompile(`\b[0-9A-F]{8}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{12}\b`)

// request is the row's request with this run's ids, ready to be sent.
func (n *names) request(row *Row) client.Raw {
	put := func(text string) string {
		if object, ok := upper[row.ID]; ok {
			text = capitals.ReplaceAllString(text, strings.ToUpper(n.values[object]))
		}
		return n.expand(text)
	}
	raw := client.Raw{Method: row.Request.Method, Target: put(row.Request.Path)}
	host := strings.TrimPrefix(strings.TrimPrefix(n.target.VolumeURL, "http://"), "https://")
	for _, field := range row.Request.Fields {
		value := put(field[1])
		if strings.EqualFold(field[0], "Host") {
			value = host
		}
		raw.Fields = append(raw.Fields, client.Field{field[0], value})
	}
	switch body := row.Request.Body; {
	case body.Text != nil:
		raw.Body = []byte(put(*body.Text))
	case !body.Absent:
		raw.Body = body.Bytes
	}
	raw.HeadFirst = strings.HasPrefix(row.ID, "size-head-first-")
	return raw
}
