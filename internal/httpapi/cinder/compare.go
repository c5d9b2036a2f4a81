package cinder

import (
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

// timeOps are the words that compare times. Source: Cinder common
// get_time_comparison_operators.
var timeOps = map[string]block.Op{
	"gt": block.Greater, "gte": block.GreaterOrEqual, "eq": block.Equal, "neq": block.NotEqual,
	"lt": block.Less, "lte": block.LessOrEqual,
}

// timeForms are the forms of a time in a query; without a zone UTC is meant.
var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02"}

// byTime keeps the rows whose time stands to the given ones as the words before
// them say: gte:2026-01-01T00:00:00,lt:2026-02-01. Source: Cinder v3 volumes.
func byTime(field block.Field) func(*listQuery, string) error {
	return func(q *listQuery, value string) error {
		for unit := range strings.SplitSeq(value, ",") {
			word, text, found := strings.Cut(unit, ":")
			op, known := timeOps[word]
			if !found || !known {
				return block.Errorf(block.Invalid, "Invalid %.64s operator: %s takes gt, gte, eq, neq, lt, lte and a time after a colon.", word, field)
			}
			at, err := readTime(text)
			if err != nil {
				return block.Errorf(block.Invalid, "Invalid %.64s value: %s takes times such as 2026-01-31T12:00:00Z.", text, field)
			}
			q.Filters = append(q.Filters, block.Filter{Field: field, Op: op, Value: block.TimeValue(at)})
		}
		return nil
	}
}

func readTime(text string) (at time.Time, err error) {
	text = strings.TrimSpace(text)
	if date := len("2026-01-31"); len(text) > date && text[date] == ' ' {
		text = text[:date] + "T" + text[date+1:]
	}
	text = strings.ReplaceAll(text, " ", "+") // what an unescaped plus of a zone became
	for _, form := range timeForms {
		if at, err = time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return at, err
}

// keepAll is a filter that leaves nothing out.
func keepAll(*listQuery, string) error { return nil }

// byPart keeps the rows whose text has the value in it, whatever the case.
// Source: Cinder v3.34; by default for administrators only.
func byPart(field block.Field) func(*listQuery, string) error {
	return func(q *listQuery, value string) error {
		if strings.Contains(value, "\x00") {
			q.none = true
			return nil
		}
		q.Filters = append(q.Filters, block.Filter{Field: field, Op: block.Contains, Value: value})
		return nil
	}
}
