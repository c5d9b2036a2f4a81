package store

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
)

// column is how lists may use a field.
type column struct {
	name     string
	nullable bool
	fold     bool // sorts without regard to the case of ASCII letters
	kind     columnKind
}

type columnKind int

const (
	textColumn columnKind = iota
	numberColumn
	flagColumn
)

// listed is a noun that has lists: the closed set of what their texts are made of.
type listed struct {
	table   string
	columns string // as the noun's scan reads them
	fields  map[block.Field]column
	tags    block.TagKind // of its tags; empty: it has none
	open    string        // condition of rows that the lists of all projects have; empty: none
}

// ofProject writes the condition that a list of one project has a row.
func (q *query) ofProject(n listed, id string) {
	q.condition()
	if n.open != "" {
		q.WriteString("(" + n.open + " OR ")
	}
	q.WriteString("project_id = ")
	q.arg(id)
	if n.open != "" {
		q.WriteString(")")
	}
}

// query is a text that grows with its arguments, numbered in order.
type query struct {
	strings.Builder
	args  []any
	where bool // a condition was written
}

// arg writes the next placeholder.
func (q *query) arg(v any) {
	q.args = append(q.args, v)
	q.WriteByte('$')
	q.WriteString(strconv.Itoa(len(q.args)))
}

// condition begins one more condition.
func (q *query) condition() {
	if q.where {
		q.WriteString(" AND ")
	} else {
		q.WriteString(" WHERE ")
	}
	q.where = true
}

// page is a list's text, ready to run.
type page struct {
	text string
	args []any
	room int // for the rows
}

// order is one key of a list as SQL.
type order struct {
	column
	desc bool
}

// expression is what the key compares.
func (o order) expression() string {
	if o.fold {
		return "lower(" + o.name + ")" // ASCII only: in SQLite always, in PostgreSQL by COLLATE "C"
	}
	return o.name
}

// maxConditions bounds the filters of one list; SQLite takes an expression of
// depth 1000. Assumed: no client asks for more.
const maxConditions = 100

// orders are the keys of list, each field once; the id comes last, in the
// direction of the key before it.
func (n listed) orders(list block.List) ([]order, error) {
	sort := list.Sort
	if len(sort) == 0 {
		sort = []block.SortKey{{Field: block.FieldCreatedAt, Desc: true}}
	}
	orders := make([]order, 0, len(sort)+1)
	for _, key := range sort {
		c, ok := n.fields[key.Field]
		if !ok {
			return nil, block.Errorf(block.Invalid, "Invalid input received: Invalid sort key: %s.", key.Field)
		}
		again := func(o order) bool { return o.name == c.name }
		if slices.ContainsFunc(orders, again) {
			continue // all that it could tell apart is told apart
		}
		orders = append(orders, order{c, key.Desc})
		if key.Field == block.FieldID {
			return orders, nil
		}
	}
	return append(orders, order{n.fields[block.FieldID], sort[len(sort)-1].Desc}), nil
}

// page makes the text of a page. It fails with sql.ErrNoRows when the marker is
// not there or is of a project that the list does not cover.
func (s *Store) page(ctx context.Context, n listed, list block.List) (page, error) {
	orders, err := n.orders(list)
	if err != nil {
		return page{}, err
	}
	q := &query{}
	q.WriteString("SELECT " + n.columns + " FROM " + n.table)
	if err := s.filter(q, n, list); err != nil {
		return page{}, err
	}
	if list.Marker != "" && !isID(list.Marker) {
		return page{}, sql.ErrNoRows
	}
	if list.Marker != "" {
		at, err := s.marker(ctx, n, list, orders)
		if err != nil {
			return page{}, err
		}
		q.condition()
		q.after(orders, at)
	}
	q.WriteString(" ORDER BY ")
	for i, o := range orders {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString(o.expression())
		q.WriteString(direction(o))
	}
	limit := list.Limit
	if limit <= 0 || limit > block.MaxPage {
		limit = block.MaxPage
	}
	q.WriteString(" LIMIT ")
	q.arg(limit)
	if list.Offset > 0 {
		q.WriteString(" OFFSET ")
		q.arg(list.Offset)
	}
	return page{q.String(), q.args, limit}, nil
}

// direction says where nulls go only for columns that have them: both databases
// use an index without it.
func direction(o order) string {
	switch {
	case o.desc && o.nullable:
		return " DESC NULLS LAST"
	case o.desc:
		return " DESC"
	case o.nullable:
		return " ASC NULLS FIRST"
	}
	return " ASC"
}

// filter writes the conditions of list, without its marker.
func (s *Store) filter(q *query, n listed, list block.List) error {
	if len(list.Filters)+len(list.Metadata)+len(list.ImageItems) > maxConditions {
		return block.Errorf(block.Invalid, "Invalid input received: at most %d filters.", maxConditions)
	}
	if list.ProjectID != "" {
		q.ofProject(n, list.ProjectID)
	}
	for _, f := range list.Filters {
		c, ok := n.fields[f.Field]
		if !ok {
			return block.Errorf(block.Invalid, "Invalid filter: %s.", f.Field)
		}
		v, err := c.filterValue(f)
		if err != nil {
			return err
		}
		q.condition()
		q.compare(c, f.Op, v)
	}
	for key, item := range list.ImageItems {
		q.condition()
		q.WriteString(strings.Replace(s.sql.hasItem[0], "metadata", "image_metadata", 1))
		q.arg(key)
		q.WriteString(s.sql.hasItem[1])
		q.arg(item)
		q.WriteString(s.sql.hasItem[2])
	}
	for key, item := range list.Metadata {
		q.condition()
		q.WriteString(s.sql.hasItem[0])
		q.arg(key)
		q.WriteString(s.sql.hasItem[1])
		q.arg(item)
		q.WriteString(s.sql.hasItem[2])
	}
	return q.filterTags(n, list.Tags)
}

// comparisons are the relations of a filter as SQL.
var comparisons = map[block.Op]string{
	block.Equal: " = ", block.NotEqual: " <> ", block.Greater: " > ", block.GreaterOrEqual: " >= ",
	block.Less: " < ", block.LessOrEqual: " <= ",
}

// compare writes that a column stands to a value as op says.
func (q *query) compare(c column, op block.Op, v any) {
	text, _ := v.(string)
	switch op {
	case block.Contains:
		q.WriteString("lower(" + c.name + ") LIKE ")
		q.arg("%" + likeLiteral.Replace(asciiLower(text)) + "%")
		q.WriteString(` ESCAPE '!'`)
	case block.OneOf:
		q.WriteString(c.name + " IN (")
		for i, one := range strings.Split(text, ",") {
			if i > 0 {
				q.WriteString(", ")
			}
			q.arg(one)
		}
		q.WriteString(")")
	default:
		q.WriteString(c.name + comparisons[op])
		q.arg(v)
	}
}

// likeLiteral keeps what LIKE would read as a pattern.
var likeLiteral = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// asciiLower is lower() of SQLite, and of PostgreSQL by COLLATE "C".
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func (c column) filterValue(f block.Filter) (any, error) {
	switch c.kind {
	case numberColumn:
		n, err := strconv.ParseInt(f.Value, 10, 64)
		if err != nil {
			return nil, block.Errorf(block.Invalid, "Invalid filter: %s must be a whole number.", f.Field)
		}
		return n, nil
	case flagColumn:
		switch f.Value {
		case "true":
			return int64(1), nil
		case "false":
			return int64(0), nil
		}
		return nil, block.Errorf(block.Invalid, "Invalid filter: %s must be true or false.", f.Field)
	}
	return f.Value, nil
}

// count counts what matches, whatever marker, offset and limit.
func (s *Store) count(ctx context.Context, n listed, list block.List) (int, error) {
	q := &query{}
	q.WriteString("SELECT count(*) FROM " + n.table)
	if err := s.filter(q, n, list); err != nil {
		return 0, err
	}
	var total int
	err := s.readRow(ctx, q.String(), q.args, &total)
	return total, err
}
