package cinder

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// maxFilterItems is how many items one metadata filter may name.
// Assumed: no source gives a bound; each is a condition of the query.
const maxFilterItems = 64

// filterRule is one key of a query that keeps rows of a list. Outside v3 a rule
// counts where v2 says so; on v3 from the microversion since.
type filterRule struct {
	key   string
	v2    bool
	since wire.Microversion
	admin bool // for administrators only; to others the key is unknown
	loose bool // an administrators' key that everybody may use up to 3.30
	parts bool // everybody's from 3.31 where lists find parts of values
	keep  func(q *listQuery, value string) error
}

// never is a microversion that no request has: the key is of one dialect alone.
const never wire.Microversion = 1 << 30

// listRules are the rules of one noun's lists.
type listRules struct {
	sort    func(x *wire.Exchange) wire.SortFields
	filters []filterRule
	// since is when the lists began to have pages, order and filters.
	since wire.Microversion
	// unknownKeepsNothing: an unknown filter keeps no row, whatever the version.
	unknownKeepsNothing bool
	// lenient: an unknown filter is ignored, whatever the version.
	lenient bool
}

// listQuery is what a list request asks for.
type listQuery struct {
	block.List
	marked bool // a marker is given, and may be empty
	all    bool // of all projects
	none   bool // nothing can match
	counts bool // tell how many match in all

	bothKinds bool // of types: those that are public and those that are not
}

// listCalls are what a list needs of the heart and of the view.
type listCalls[T any] struct {
	noun  string // Snapshot, in messages
	key   string // snapshots
	links string // empty: the key and _links
	rows  func(ctx context.Context, c block.Caller, list block.List, all bool) ([]T, error)
	count func(ctx context.Context, c block.Caller, list block.List, all bool) (int, error)
	id    func(row T) string
	item  func(b []byte, row T) []byte
}

// queryOf parses the query. Source: recording list-filter-name-bad-utf8.
func queryOf(x *wire.Exchange) (url.Values, error) {
	query, err := url.ParseQuery(x.Request.URL.RawQuery)
	if err != nil {
		return nil, block.Errorf(block.Invalid, "The query of the URL cannot be read: a character is not encoded as it must be.")
	}
	for key, values := range query {
		for _, text := range append(values, key) {
			if !utf8.ValidString(text) {
				return nil, block.Errorf(block.Invalid, "The query of the URL holds characters that are not UTF-8.")
			}
		}
	}
	return query, nil
}

// asked is the query and who asks, once the caller may.
func asked(x *wire.Exchange) (url.Values, block.Caller, error) {
	query, err := queryOf(x)
	if err != nil {
		return nil, block.Caller{}, err
	}
	caller, err := x.Authorize()
	return query, caller, err
}

// askedList is what a list is asked for and who asks, once the caller may.
func askedList(x *wire.Exchange, rules *listRules) (listQuery, block.Caller, error) {
	query, caller, err := asked(x)
	if err != nil {
		return listQuery{}, caller, err
	}
	q, err := readList(x, query, rules, caller.Admin)
	return q, caller, err
}

// readList reads page, order and filters. Up to 3.30, and outside v3, unknown
// filters are ignored; from 3.31 they are refused. Source: cinder-behaviours section 10.
func readList(x *wire.Exchange, query url.Values, rules *listRules, admin bool) (q listQuery, err error) {
	if x.Version < rules.since {
		query = url.Values{}
	}
	page, err := wire.ReadPage(query, rules.sort(x))
	if err != nil {
		return q, err
	}
	q.Limit, q.Offset, q.Sort = page.Limit, page.Offset, page.Sort
	q.Marker, q.marked = page.Marker, page.HasMarker
	if q.counts, err = readWithCount(x, query); err != nil {
		return q, err
	}
	if admin { // to others the key says nothing: clients always send it
		if q.all, err = queryBool(query, "all_tenants"); err != nil {
			return q, err
		}
	}
	return q, readFilters(x, query, rules, admin, &q)
}

// pageKeys are keys of a query that are no filters.
var pageKeys = []string{"limit", "offset", "marker", "sort", "sort_key", "sort_dir", "all_tenants"}

func readFilters(x *wire.Exchange, query url.Values, rules *listRules, admin bool, q *listQuery) error {
	strict := x.API == wire.V3 && x.Version >= wire.StrictFilters && !rules.lenient
	var unknown []string
	for key, values := range query {
		if slices.Contains(pageKeys, key) || (key == "with_count" && x.Version >= wire.WithCount) {
			continue
		}
		rule := rules.find(x, key, admin)
		if rule == nil {
			unknown = append(unknown, key)
			continue
		}
		for _, value := range values {
			if err := rule.keep(q, value); err != nil {
				return err
			}
		}
	}
	if rules.unknownKeepsNothing {
		q.none = q.none || len(unknown) > 0
		return nil
	}
	if !strict || len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return block.Errorf(block.Invalid, "Invalid filters %.200s are found in query options.", strings.Join(unknown, ", "))
}

func (r *listRules) find(x *wire.Exchange, key string, admin bool) *filterRule {
	for i := range r.filters {
		rule := &r.filters[i]
		served := rule.v2
		if x.API == wire.V3 {
			served = x.Version >= rule.since
		}
		if rule.parts && rule.key == key && x.Dialect.PartsForAll && x.API == wire.V3 && x.Version >= wire.StrictFilters {
			return rule
		}
		if rule.key == key && served && (admin || !rule.admin || (rule.loose && x.Version < wire.StrictFilters)) {
			return rule
		}
	}
	return nil
}

// readWithCount reads with_count; before 3.45 it is a filter like others.
func readWithCount(x *wire.Exchange, query url.Values) (bool, error) {
	if x.Version < wire.WithCount {
		return false, nil
	}
	return queryBool(query, "with_count")
}

// queryBool reads a boolean of a query; absent is false.
// Source: recordings list-with_count-value-*; oslo.utils bool_from_string.
func queryBool(query url.Values, key string) (bool, error) {
	given := query[key]
	if given == nil {
		return false, nil
	}
	value, ok := boolWord(given[0])
	if !ok {
		return false, block.Errorf(block.Invalid, "Value '%.64s' for '%s' is not a boolean.", given[0], key)
	}
	return value, nil
}

func boolWord(word string) (value, ok bool) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "1", "t", "true", "on", "y", "yes":
		return true, true
	case "0", "f", "false", "off", "n", "no":
		return false, true
	}
	return false, false
}

// byField keeps the rows whose field is the value. A key given twice must hold
// twice. Source: recording list-filter-name-twice.
func byField(field block.Field) func(*listQuery, string) error {
	return func(q *listQuery, value string) error {
		for _, f := range q.Filters {
			if f.Field == field && f.Op == block.Equal {
				q.none = q.none || f.Value != value
				return nil
			}
		}
		if strings.Contains(value, "\x00") { // nothing that is stored has it
			q.none = true
			return nil
		}
		q.Filters = append(q.Filters, block.Filter{Field: field, Value: value})
		return nil
	}
}

// byFlag is byField for bootable and the like, in all the words for a boolean.
func byFlag(field block.Field) func(*listQuery, string) error {
	keep := byField(field)
	return func(q *listQuery, value string) error {
		flag, ok := boolWord(value)
		if !ok {
			return block.Errorf(block.Invalid, "Value '%.64s' for '%s' is not a boolean.", value, field)
		}
		return keep(q, strconv.FormatBool(flag))
	}
}

// byNumber is byField for sizes; what is no number is no row's.
func byNumber(field block.Field) func(*listQuery, string) error {
	keep := byField(field)
	return func(q *listQuery, value string) error {
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			q.none = true
			return nil
		}
		return keep(q, strconv.FormatInt(n, 10))
	}
}

// byMetadata keeps the rows that have all the items. A value that is no
// dictionary keeps none. Source: recordings list-filter-metadata-*.
func byMetadata(q *listQuery, value string) error {
	items, ok := wire.ReadPairs(value)
	if !ok {
		q.none = true
		return nil
	}
	for key, item := range items {
		if had, given := q.Metadata[key]; (given && had != item) || strings.Contains(key+item, "\x00") {
			q.none = true
			continue
		}
		if q.Metadata == nil {
			q.Metadata = map[string]string{}
		}
		q.Metadata[key] = item
	}
	if len(q.Metadata) > maxFilterItems {
		return block.Errorf(block.Invalid, "The filter metadata names %d items; at most %d are allowed.", len(q.Metadata), maxFilterItems)
	}
	return nil
}

// byQuota keeps what counts against the quota: here everything does.
func byQuota(q *listQuery, value string) error {
	counts, ok := boolWord(value)
	if !ok {
		return block.Errorf(block.Invalid, "Value '%.64s' for 'consumes_quota' is not a boolean.", value)
	}
	q.none = q.none || !counts
	return nil
}

// byNothing keeps the rows that have what no row has.
func byNothing(q *listQuery, _ string) error {
	q.none = true
	return nil
}

// answerList answers with one page.
func answerList[T any](x *wire.Exchange, caller block.Caller, q *listQuery, calls *listCalls[T]) error {
	if q.marked && !wire.IsUUID(q.Marker) {
		return block.Errorf(block.NotFound, "%s %.64s could not be found.", calls.noun, q.Marker)
	}
	rows, total, err := pageOf(x.Context(), caller, q, calls)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"`...)
		b = append(b, calls.key...)
		b = append(b, `":[`...)
		for i, row := range rows {
			if i > 0 {
				b = append(b, ',')
			}
			b = calls.item(b, row)
		}
		b = append(b, ']')
		if len(rows) > 0 && len(rows) == q.Limit { // full: more may follow
			b = append(b, `,"`...)
			b = append(b, cmp.Or(calls.links, calls.key+"_links")...)
			b = append(b, `":[{"rel":"next","href":`...)
			b = wire.AppendString(b, x.NextLink(calls.id(rows[len(rows)-1])))
			b = append(b, `}]`...)
		}
		if q.counts {
			b = append(b, `,"count":`...)
			b = strconv.AppendInt(b, int64(total), 10)
		}
		return append(b, '}')
	})
}

// pageOf reads the rows of a page, and how many match in all if asked.
func pageOf[T any](ctx context.Context, caller block.Caller, q *listQuery, calls *listCalls[T]) (rows []T, total int, err error) {
	if q.none {
		return nil, 0, nil
	}
	if q.Limit > 0 {
		if rows, err = calls.rows(ctx, caller, q.List, q.all); err != nil {
			return nil, 0, err
		}
	}
	if q.counts {
		total, err = calls.count(ctx, caller, q.List, q.all)
	}
	return rows, total, err
}
