package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/cinder"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// memoryRows is a store that has the rows of one page at hand; nothing else is asked of it.
type memoryRows struct {
	block.Store
	rows []*block.Snapshot
}

func (m memoryRows) Snapshots(context.Context, block.List) ([]*block.Snapshot, error) {
	return m.rows, nil
}

// discard is an answer that nobody reads; it keeps the first one to be looked at.
type discard struct {
	header http.Header
	status int
	first  []byte
}

func (d *discard) Header() http.Header    { return d.header }
func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(p []byte) (int, error) {
	if d.first == nil {
		d.first = bytes.Clone(p)
	}
	return len(p), nil
}

// doorPage is the door's own list call over rows in memory: query, page, view,
// link, headers; no hall, no database, no network.
func doorPage(ctx context.Context, rows []*block.Snapshot) (page func() error, err error) {
	blocks := block.NewService(memoryRows{rows: rows}, nil, block.Parts{Now: time.Now})
	var route *wire.Route
	for _, r := range cinder.New(blocks, slog.New(slog.DiscardHandler)).Routes() {
		if r.Method == http.MethodGet && r.Path == "/snapshots" {
			route = &r
		}
	}
	if route == nil {
		return nil, errors.New("the door has no list of snapshots")
	}
	route.Permission = wire.Anyone // a token's roles are identity's to give
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1/v3/p/snapshots?limit=%d", pageRows), nil)
	if err != nil {
		return nil, err
	}
	dialect, _ := wire.DialectNamed("evs")
	token, answer := &identity.Token{ProjectID: "p"}, &discard{header: http.Header{}}
	page = func() error {
		x := wire.NewExchange(answer, request, &dialect, "req-bench", "http://127.0.0.1")
		x.API, x.Project, x.Path, x.Route, x.Token = wire.V3, "p", "/v3/p/snapshots", route, token
		defer x.End()
		return route.Handle(x)
	}
	if err := page(); err != nil {
		return nil, err
	}
	if n := bytes.Count(answer.first, []byte(`"volume_id":`)); answer.status != http.StatusOK || n != len(rows) {
		return nil, fmt.Errorf("the door answered %d with %d rows, want %d", answer.status, n, len(rows))
	}
	return page, nil
}
