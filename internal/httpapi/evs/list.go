package evs

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// maxIDs is how many ids one list may name. Source: EVS 7.3, ids; EVS.2228.
const maxIDs = 60

// listRules are what a native list of one noun can be kept and ordered by.
type listRules struct {
	sort wire.SortFields
	// filters read a parameter into the list; unknown ones are ignored, as the
	// native family does. Source: EVS 4.2, 7.3.
	filters map[string]func(q *listQuery, value string) error
}

// listQuery is what a request asks for.
type listQuery struct {
	block.List
	ids    []string // any of these; empty: all
	server string   // that has it; empty: any, or none
	none   bool     // nothing can match
}

// readList reads a list's query. Source: EVS 2.3; evs-errors 5.
func readList(x *wire.Exchange, rules *listRules) (q listQuery, err error) {
	query, err := url.ParseQuery(x.Request.URL.RawQuery)
	if err != nil || !utf8.ValidString(x.Request.URL.RawQuery) {
		return q, block.On(undecoded(x.Request.URL.RawQuery), block.Errorf(block.Invalid, "The query of the URL cannot be read: a character is not encoded as it must be."))
	}
	if err := q.readPage(query); err != nil {
		return q, err
	}
	if err := q.readOrder(query, rules.sort); err != nil {
		return q, err
	}
	for key, values := range query {
		read := rules.filters[key]
		if read == nil {
			continue
		}
		for _, value := range values {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return q, block.On(key, block.Errorf(block.Invalid, "The parameter %s holds characters that are not allowed.", key))
			}
			if err := read(&q, value); err != nil {
				return q, block.On(key, err)
			}
		}
	}
	return q, nil
}

// undecoded tells which parameter of a query that cannot be read an error is about:
// only metadata has a code of its own. Source: EVS.1025.
func undecoded(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		value, is := strings.CutPrefix(pair, "metadata=")
		if _, err := url.QueryUnescape(value); is && err != nil {
			return "metadata.encoding"
		}
	}
	return ""
}

// readPage reads limit, offset and marker.
func (q *listQuery) readPage(query url.Values) error {
	q.Limit = block.MaxPage
	if query.Has("limit") {
		n, err := strconv.Atoi(query.Get("limit"))
		switch { // of a number too long for us Atoi gives the largest, or the least
		case n > block.MaxPage:
			return block.On("limit.large", block.Errorf(block.Invalid, "limit must be at most %d, not %.24s.", block.MaxPage, query.Get("limit")))
		case err != nil || n < 1:
			return block.On("limit", block.Errorf(block.Invalid, "limit must be an integer from 1 to %d.", block.MaxPage))
		}
		q.Limit = n
	}
	if query.Has("offset") {
		n, err := strconv.Atoi(query.Get("offset"))
		if err != nil || n < 0 || n > block.MaxOffset {
			return block.On("offset", block.Errorf(block.Invalid, "offset must be an integer from 0 to %d.", block.MaxOffset))
		}
		q.Offset = n
	}
	if q.Marker = query.Get("marker"); query.Has("marker") && !wire.IsUUID(q.Marker) {
		return block.On("marker", block.Errorf(block.Invalid, "marker must be a UUID."))
	}
	return nil
}

func (q *listQuery) readOrder(query url.Values, fields wire.SortFields) error {
	if !query.Has("sort_key") && !query.Has("sort_dir") {
		return nil
	}
	key := block.SortKey{Field: block.FieldCreatedAt, Desc: true}
	if name := query.Get("sort_key"); query.Has("sort_key") {
		field, known := fields[name]
		if !known {
			return block.On("sort_key", block.Errorf(block.Invalid, "sort_key must be one of %s, not %.64q.", strings.Join(slices.Sorted(maps.Keys(fields)), ", "), name))
		}
		key.Field = field
	}
	if dir := query.Get("sort_dir"); query.Has("sort_dir") {
		if dir != "asc" && dir != "desc" {
			return block.On("sort_dir", block.Errorf(block.Invalid, "sort_dir must be asc or desc, not %.64q.", dir))
		}
		key.Desc = dir == "desc"
	}
	q.Sort = []block.SortKey{key}
	return nil
}

// byField keeps rows with exactly the value.
func byField(field block.Field) func(*listQuery, string) error {
	return func(q *listQuery, value string) error {
		q.Filters = append(q.Filters, block.Filter{Field: field, Value: value})
		return nil
	}
}

// byName keeps rows of exactly the name, which has block.MaxText bytes at most.
// Source: EVS 4.2, name.
func byName(q *listQuery, value string) error {
	if len(value) > block.MaxText {
		return block.Errorf(block.Invalid, "name has %d bytes; at most %d are allowed.", len(value), block.MaxText)
	}
	return byField(block.FieldName)(q, value)
}

// byID keeps rows of one more id; ids that are none keep no row.
func byID(q *listQuery, value string) error {
	if len(q.ids) >= maxIDs {
		return block.Errorf(block.Invalid, "At most %d ids can be asked for.", maxIDs)
	}
	q.ids = append(q.ids, value)
	return nil
}

// onlyValue keeps everything when the value is the one that all rows have, and
// nothing otherwise.
func onlyValue(values ...string) func(*listQuery, string) error {
	return func(q *listQuery, value string) error {
		for _, v := range values {
			if v == value {
				return nil
			}
		}
		q.none = true
		return nil
	}
}

// byZone keeps everything in the zone that there is, and refuses another. Source:
// EVS.1041.
func byZone(zone string) func(*listQuery, string) error {
	return func(_ *listQuery, value string) error {
		if value != zone {
			return block.Errorf(block.Invalid, "The availability zone %.64q is not there; the zone is %s.", value, zone)
		}
		return nil
	}
}

// page reads a page of rows and counts all that match.
func page[T any](x *wire.Exchange, c block.Caller, q *listQuery,
	rows func(context.Context, block.Caller, block.List, bool) ([]T, error),
	count func(context.Context, block.Caller, block.List, bool) (int, error),
) (found []T, all int, err error) {
	if q.none {
		return nil, 0, nil
	}
	if len(q.ids) > 0 {
		q.Filters = append(q.Filters, block.Filter{Field: block.FieldID, Op: block.OneOf, Value: strings.Join(q.ids, ",")})
	}
	const ownProject = false
	found, err = rows(x.Context(), c, q.List, ownProject)
	if block.KindOf(err) == block.NotFound && q.Marker != "" {
		err = block.On("marker", block.Errorf(block.Invalid, "marker must be the id of a row of the list; %s is none.", q.Marker))
	}
	if err != nil {
		return nil, 0, err
	}
	all, err = count(x.Context(), c, q.List, ownProject)
	return found, all, err
}

func appendCount(b []byte, count int) []byte {
	b = append(b, `,"count":`...)
	return strconv.AppendInt(b, int64(count), 10)
}

// appendNext appends the link to the next page while there may be one. Source: EVS 2.3.
func appendNext(b []byte, x *wire.Exchange, q *listQuery, noun string, rows int, last string) []byte {
	if rows < q.Limit {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, noun...)
	b = append(b, `_links":[{"rel":"next","href":`...)
	b = wire.AppendString(b, x.NextLink(last))
	return append(b, `}]`...)
}

// byFlag keeps rows where a flag is true or false.
func byFlag(field block.Field) func(*listQuery, string) error {
	return func(q *listQuery, value string) error {
		flag, err := strconv.ParseBool(value)
		if err != nil {
			return block.Errorf(block.Invalid, "It must be true or false, not %.64q.", value)
		}
		return byField(field)(q, strconv.FormatBool(flag))
	}
}

// byIDs reads ids=['a','b'], which stands above id. Source: EVS 7.3.
func byIDs(q *listQuery, value string) error {
	list := strings.NewReplacer("[", "", "]", "", "'", "", `"`, "", " ", "").Replace(value)
	for id := range strings.SplitSeq(list, ",") {
		if err := byID(q, id); err != nil {
			return err
		}
	}
	return nil
}

// byMetadata reads {'k':'v'} or {"k":"v"}. Source: EVS 6.3, metadata.
func byMetadata(q *listQuery, value string) error {
	value = strings.ReplaceAll(value, "'", `"`)
	var items map[string]string
	if err := json.Unmarshal([]byte(value), &items); err != nil || len(items) > maxIDs {
		return block.Errorf(block.Invalid, "metadata must be an object of at most %d strings, not %.64q.", maxIDs, value)
	}
	q.Metadata = items
	return nil
}
