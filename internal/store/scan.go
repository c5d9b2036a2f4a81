package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// row is one row of a result. Scan takes pointers to string, int, int64, bool,
// time.Time, map[string]string, any and the named types of assign; null becomes
// the zero value.
type row interface {
	Scan(dest ...any) error
}

// noItems is what every row without metadata shares; metadata is never changed in place.
var noItems = map[string]string{}

// value turns an argument into what both databases take: string, int64 or nil.
func value(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, int64:
		return v, nil
	case int:
		return int64(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case block.Text:
		if !v.Valid {
			return nil, nil
		}
		return v.Value, nil
	case block.Size:
		return int64(v), nil
	case block.SnapshotStatus:
		return string(v), nil
	case block.VolumeStatus:
		return string(v), nil
	case block.AttachmentStatus:
		return string(v), nil
	case block.Writable:
		return string(v), nil
	case block.GroupStatus:
		return string(v), nil
	case block.GroupSnapshotStatus:
		return string(v), nil
	case []string:
		return idsText(v)
	case map[string]block.Text:
		return textsText(v)
	case jobs.State:
		return string(v), nil
	case time.Time:
		if v.IsZero() {
			return nil, nil
		}
		return timeText(v), nil
	case map[string]string:
		return itemsText(v)
	case []block.Attached:
		if len(v) == 0 {
			return "[]", nil
		}
		text, err := json.Marshal(v)
		return string(text), err
	}
	return nil, fmt.Errorf("an argument of type %T is none that the store can write", v)
}

// orNull is text, or null when it is empty.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// assign puts a column (string, int64 or nil) into the variable that dest points to.
func assign(dest, from any) error {
	if from == nil {
		return assignNull(dest)
	}
	if number, ok := from.(int64); ok {
		return assignNumber(dest, number)
	}
	text, ok := from.(string)
	if !ok {
		return fmt.Errorf("a column came as %T", from)
	}
	return assignText(dest, text)
}

func assignText(dest any, text string) error {
	switch d := dest.(type) {
	case *string:
		*d = text
	case *block.Text:
		*d = block.SetText(text)
	case *block.SnapshotStatus:
		*d = block.SnapshotStatus(text)
	case *block.VolumeStatus:
		*d = block.VolumeStatus(text)
	case *block.AttachmentStatus:
		*d = block.AttachmentStatus(text)
	case *block.Writable:
		*d = block.Writable(text)
	case *block.GroupStatus:
		*d = block.GroupStatus(text)
	case *block.GroupSnapshotStatus:
		*d = block.GroupSnapshotStatus(text)
	case *[]string:
		return parseIDs(text, d)
	case *map[string]block.Text:
		return parseTexts(text, d)
	case *jobs.State:
		*d = jobs.State(text)
	case *time.Time:
		t, err := parseTime(text)
		*d = t
		return err
	case *map[string]string:
		return parseItems(text, d)
	case *[]block.Attached:
		if text == "[]" {
			*d = nil
			return nil
		}
		return json.Unmarshal([]byte(text), d)
	case *any:
		*d = text
	default:
		return fmt.Errorf("a text column does not fit into %T", dest)
	}
	return nil
}

func assignNumber(dest any, number int64) error {
	switch d := dest.(type) {
	case *int64:
		*d = number
	case *int:
		*d = int(number)
	case *bool:
		*d = number != 0
	case *block.Size:
		*d = block.Size(number)
	case *any:
		*d = number
	default:
		return fmt.Errorf("a number column does not fit into %T", dest)
	}
	return nil
}

func assignNull(dest any) error {
	switch d := dest.(type) {
	case *string:
		*d = ""
	case *block.Text:
		*d = block.Text{}
	case *time.Time:
		*d = time.Time{}
	case *int64:
		*d = 0
	case *any:
		*d = nil
	default:
		return fmt.Errorf("null does not fit into %T", dest)
	}
	return nil
}

// timeLayout is how times stand in the database: UTC, fixed width, so that text
// sorts as time does.
const timeLayout = "2006-01-02T15:04:05.000000"

// stored is t as a read of the database would give it.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func timeText(t time.Time) string { return t.UTC().Format(timeLayout) }

// parseTime reads timeLayout; it is called for each row of a page, so it does not
// go through time.Parse.
func parseTime(s string) (time.Time, error) {
	if len(s) != len(timeLayout) {
		return time.Time{}, fmt.Errorf("%q is no time of this database", s)
	}
	for i := range len(s) {
		if c, l := s[i], timeLayout[i]; l >= '0' && l <= '9' {
			if c < '0' || c > '9' {
				return time.Time{}, fmt.Errorf("%q is no time of this database", s)
			}
		} else if c != l {
			return time.Time{}, fmt.Errorf("%q is no time of this database", s)
		}
	}
	return time.Date(digits(s[0:4]), time.Month(digits(s[5:7])), digits(s[8:10]),
		digits(s[11:13]), digits(s[14:16]), digits(s[17:19]), digits(s[20:26])*1000, time.UTC), nil
}

func digits(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func orNoItems(items map[string]string) map[string]string {
	if items == nil {
		return noItems
	}
	return items
}

func itemsText(items map[string]string) (string, error) {
	if len(items) == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(items)
	return string(text), err
}

func parseItems(text string, into *map[string]string) error {
	if text == "{}" {
		*into = noItems
		return nil
	}
	items := map[string]string{}
	if err := json.Unmarshal([]byte(text), &items); err != nil {
		return fmt.Errorf("stored items: %w", err)
	}
	*into = items
	return nil
}

// isID tells whether a text of a URL can be the id of anything: PostgreSQL takes
// neither NUL nor what is not UTF-8, SQLite would find nothing.
func isID(id string) bool {
	return utf8.ValidString(id) && strings.IndexByte(id, 0) < 0
}
