package wire

import (
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
)

// AppendText appends a name or description: a string or null.
func AppendText(b []byte, t block.Text) []byte {
	if !t.Valid {
		return append(b, "null"...)
	}
	return AppendString(b, t.Value)
}

// AppendTime appends a time as the API writes it: UTC, six digits, no zone.
// The zero time is null. Source: both seeds, created_at; update-snapshot.md 83-85.
func AppendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000")
	return append(b, '"')
}

// AppendMetadata appends an object of strings, keys in order; never null.
func AppendMetadata(b []byte, items map[string]string) []byte {
	if len(items) == 0 {
		return append(b, "{}"...)
	}
	keys := make([]string, 0, len(items))
	for key := range items {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for i, key := range keys {
		if i == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		b = AppendString(b, key)
		b = append(b, ':')
		b = AppendString(b, items[key])
	}
	return append(b, '}')
}

// AppendBool appends true or false.
func AppendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// AppendOptional appends a string, or null for the empty one.
func AppendOptional(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return AppendString(b, s)
}

// AppendString appends s as a JSON string; what is not UTF-8, as an id of a URL
// can be, is replaced.
func AppendString(b []byte, s string) []byte {
	quoted, _ := jsontext.AppendQuote(b, s) // fails only for what it replaced
	return quoted
}
