package wire

import (
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
)

// Page is what a list request says of paging and order, as Cinder reads it.
// Source: cinder-behaviours section 10; recordings list-*.
type Page struct {
	Limit     int // rows asked for; MaxPage at most
	Offset    int
	Marker    string
	HasMarker bool
	Sort      []block.SortKey
}

// SortFields are the names a list can be sorted by, and the fields they mean.
type SortFields map[string]block.Field

// ReadPage reads limit, offset, marker and the order. Of a parameter given twice
// the first counts.
func ReadPage(query url.Values, fields SortFields) (Page, error) {
	page := Page{Limit: block.MaxPage}
	if given := query["limit"]; given != nil {
		limit, err := wholeNumber("limit", given[0], math.MaxInt)
		if err != nil {
			return page, err
		}
		page.Limit = min(limit, block.MaxPage)
	}
	if given := query["offset"]; given != nil {
		offset, err := wholeNumber("offset", given[0], block.MaxOffset)
		if err != nil {
			return page, err
		}
		page.Offset = offset
	}
	if given := query["marker"]; given != nil {
		page.Marker, page.HasMarker = given[0], true
	}
	sort, err := readSort(query, fields)
	page.Sort = byAge(sort)
	return page, err
}

// byAge orders rows that the keys leave equal by their age, in the direction of
// the first key. Source: recordings list-sort-two, list-mvsort-*.
func byAge(keys []block.SortKey) []block.SortKey {
	settled := slices.ContainsFunc(keys, func(k block.SortKey) bool {
		return k.Field == block.FieldCreatedAt || k.Field == block.FieldID
	})
	if len(keys) == 0 || settled {
		return keys
	}
	return append(keys, block.SortKey{Field: block.FieldCreatedAt, Desc: keys[0].Desc})
}

// wholeNumber reads a number as Python's int does: spaces around it and leading
// zeros are fine, and numbers of any length are numbers.
func wholeNumber(name, value string, most int) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if errors.Is(err, strconv.ErrRange) {
		err = nil // too long for us is as good as the largest
	}
	switch {
	case err != nil:
		return 0, block.Errorf(block.Invalid, "%s param must be an integer, not %s.", name, quoted(value))
	case n < 0:
		return 0, block.Errorf(block.Invalid, "%s param must be positive, not %s.", name, quoted(value))
	case n > most:
		return 0, block.Errorf(block.Invalid, "%s param must be at most %d.", name, most)
	}
	return n, nil
}

// readSort reads sort=key[:dir],… or the older sort_key and sort_dir.
func readSort(query url.Values, fields SortFields) ([]block.SortKey, error) {
	sort, given := query["sort"]
	if !given {
		return oldSort(query, fields)
	}
	if query["sort_key"] != nil || query["sort_dir"] != nil {
		return nil, block.Errorf(block.Invalid, "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.")
	}
	var keys []block.SortKey
	for part := range strings.SplitSeq(sort[0], ",") {
		name, direction, directed := strings.Cut(part, ":")
		if !directed {
			direction = "desc"
		}
		key, err := sortKey(strings.TrimSpace(name), strings.TrimSpace(direction), fields)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(keys, func(k block.SortKey) bool { return k.Field == key.Field }) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func oldSort(query url.Values, fields SortFields) ([]block.SortKey, error) {
	if query["sort_key"] == nil && query["sort_dir"] == nil {
		return nil, nil
	}
	name, direction := "created_at", "desc"
	if given := query["sort_key"]; given != nil {
		name = strings.TrimSpace(given[0])
	}
	if given := query["sort_dir"]; given != nil {
		direction = strings.TrimSpace(given[0])
	}
	key, err := sortKey(name, direction, fields)
	if err != nil {
		return nil, err
	}
	return []block.SortKey{key}, nil
}

func sortKey(name, direction string, fields SortFields) (block.SortKey, error) {
	field, known := fields[name]
	if !known {
		return block.SortKey{}, block.Errorf(block.Invalid, "Invalid input received: Invalid sort key %s.", quoted(name))
	}
	if direction != "asc" && direction != "desc" {
		return block.SortKey{}, block.Errorf(block.Invalid, "Invalid input received: Invalid sort direction %s: it must be asc or desc.", quoted(direction))
	}
	return block.SortKey{Field: field, Desc: direction == "desc"}, nil
}

// NextLink is the link to the page after lastID: the request's own path and
// query with the marker moved to the end. Source: recordings snapshots_links.
func (x *Exchange) NextLink(lastID string) string {
	var link strings.Builder // a query has 64 KiB at most, and may be ten thousand pairs
	link.WriteString(x.Base + x.Path + "?")
	for pair := range strings.SplitSeq(x.Request.URL.RawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		text, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil || name == "" || name == "marker" {
			continue
		}
		link.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(text) + "&")
	}
	link.WriteString("marker=" + url.QueryEscape(lastID))
	return link.String()
}
