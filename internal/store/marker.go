package store

import (
	"context"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
)

// marker reads what the list's keys are at its marker.
func (s *Store) marker(ctx context.Context, n listed, list block.List, orders []order) ([]any, error) {
	q := &query{}
	q.WriteString("SELECT ")
	at := make([]any, len(orders))
	into := make([]any, len(orders))
	for i, o := range orders {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString(o.expression())
		into[i] = &at[i]
	}
	q.WriteString(" FROM " + n.table)
	q.condition()
	q.WriteString("id = ")
	q.arg(list.Marker)
	if list.ProjectID != "" {
		q.ofProject(n, list.ProjectID)
	}
	if err := s.readRow(ctx, q.String(), q.args, into...); err != nil {
		return nil, err
	}
	return at, nil
}

// after writes the condition that a row comes after the marker, whose keys are at.
// Keys without nulls in one direction compare as a row, which an index can serve.
func (q *query) after(orders []order, at []any) {
	if comparesAsRow(orders) {
		names := make([]string, len(orders))
		for i, o := range orders {
			names[i] = o.expression()
		}
		q.WriteString("(" + strings.Join(names, ", ") + ")" + comparison(orders[0]) + "(")
		for i, v := range at {
			if i > 0 {
				q.WriteString(", ")
			}
			q.arg(v)
		}
		q.WriteString(")")
		return
	}
	q.WriteString("(")
	first := true
	for i, o := range orders {
		if o.desc && at[i] == nil {
			continue // nothing is smaller than null
		}
		if !first {
			q.WriteString(" OR ")
		}
		first = false
		q.WriteString("(")
		for j, before := range orders[:i] {
			q.equal(before, at[j])
			q.WriteString(" AND ")
		}
		q.beyond(o, at[i])
		q.WriteString(")")
	}
	q.WriteString(")")
}

func comparesAsRow(orders []order) bool {
	for _, o := range orders {
		if o.nullable || o.desc != orders[0].desc {
			return false
		}
	}
	return true
}

func comparison(o order) string {
	if o.desc {
		return " < "
	}
	return " > "
}

// equal writes that the key is as at the marker.
func (q *query) equal(o order, at any) {
	q.WriteString(o.expression())
	if at == nil {
		q.WriteString(" IS NULL")
		return
	}
	q.WriteString(" = ")
	q.arg(at)
}

// beyond writes that the key comes after the marker's.
func (q *query) beyond(o order, at any) {
	if at == nil { // ascending: all but null come after
		q.WriteString(o.expression() + " IS NOT NULL")
		return
	}
	if o.desc && o.nullable {
		q.WriteString("(" + o.expression() + " IS NULL OR ")
		defer q.WriteString(")")
	}
	q.WriteString(o.expression() + comparison(o))
	q.arg(at)
}
