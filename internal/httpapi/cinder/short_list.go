package cinder

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// shortList is a list of a noun of which there are so few that all are read, and
// sorted and paged here: volume types, QoS specs.
type shortList[T any] struct {
	noun  string // in messages
	key   string // of the rows in the body
	links string // key of the link to the next page
	id    func(T) string
	field func(row T, field block.Field) string // as it sorts; null is ""
	item  func(b []byte, row T) []byte
}

// answer replies with one page of rows.
func (l *shortList[T]) answer(x *wire.Exchange, page wire.Page, rows []T) error {
	rows, err := l.page(page, rows)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"`...)
		b = append(b, l.key...)
		b = append(b, `":[`...)
		for i, row := range rows {
			if i > 0 {
				b = append(b, ',')
			}
			b = l.item(b, row)
		}
		b = append(b, ']')
		if len(rows) > 0 && len(rows) == page.Limit { // full: more may follow
			b = append(b, `,"`...)
			b = append(b, l.links...)
			b = append(b, `":[{"rel":"next","href":`...)
			b = wire.AppendString(b, x.NextLink(l.id(rows[len(rows)-1])))
			b = append(b, `}]`...)
		}
		return append(b, '}')
	})
}

// page sorts the rows, newest first unless told otherwise, and cuts the page out.
// Fails with NotFound when the marker is none of them.
func (l *shortList[T]) page(page wire.Page, rows []T) ([]T, error) {
	order := page.Sort
	if len(order) == 0 {
		order = []block.SortKey{{Field: block.FieldCreatedAt, Desc: true}, {Field: block.FieldID, Desc: true}}
	}
	order = append(slices.Clone(order), block.SortKey{Field: block.FieldID, Desc: order[0].Desc})
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b T) int {
		for _, key := range order {
			if n := cmp.Compare(l.field(a, key.Field), l.field(b, key.Field)); n != 0 {
				if key.Desc {
					return -n
				}
				return n
			}
		}
		return 0
	})
	if page.HasMarker {
		i := slices.IndexFunc(rows, func(row T) bool { return l.id(row) == page.Marker })
		if i < 0 {
			return nil, block.Errorf(block.NotFound, "%s %.64s could not be found.", l.noun, page.Marker)
		}
		rows = rows[i+1:]
	}
	rows = rows[min(page.Offset, len(rows)):]
	return rows[:min(page.Limit, len(rows))], nil
}

// How fields sort: text without regard to case, times by their digits.

func textKey(t block.Text) string { return strings.ToLower(t.Value) }

func timeKey(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}
