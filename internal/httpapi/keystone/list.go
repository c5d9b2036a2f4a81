package keystone

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// listLinks stand beside every list.
type listLinks struct {
	Next     *string `json:"next"`
	Self     string  `json:"self"`
	Previous *string `json:"previous"`
}

// replyList answers with rows under key. Next is the link to the rows after
// these, empty when these are the last.
func (a *API) replyList(x *wire.Exchange, key string, rows any, next string) error {
	links := listLinks{Self: x.Base + x.Path}
	if x.Request.URL.RawQuery != "" {
		links.Self += "?" + x.Request.URL.RawQuery
	}
	if next != "" {
		links.Next = &next
	}
	return reply(x, http.StatusOK, map[string]any{key: rows, "links": links})
}

// page is what a list asks for: limit and marker. Assumed: Keystone pages only
// when told to by its operator; here a list ends at identity.MaxPage anyway.
type page struct {
	limit  int
	marker string
}

func readPage(x *wire.Exchange) (p page, err error) {
	query := x.Request.URL.Query()
	p = page{identity.MaxPage, query.Get("marker")}
	if given := query.Get("limit"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 {
			return p, identity.Errorf(identity.Invalid, "limit must be a whole number from 1 to %d, not %.24q", identity.MaxPage, given)
		}
		p.limit = min(n, identity.MaxPage)
	}
	return p, nil
}

// next is the link to what follows a page of n rows that ends with the row lastID.
func (p page) next(x *wire.Exchange, n int, lastID string) string {
	if n < p.limit {
		return ""
	}
	return x.NextLink(lastID)
}

// readEnabled reads the filter enabled; nil when it is not given. Source: Keystone
// takes a bare ?enabled and every word but 0 and false for true.
func readEnabled(x *wire.Exchange) *bool {
	query := x.Request.URL.Query()
	if !query.Has("enabled") {
		return nil
	}
	word := strings.ToLower(query.Get("enabled"))
	enabled := word != "0" && word != "false"
	return &enabled
}
