package replay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// maxPages ends a list whose links lead in a circle.
const maxPages = 100

// steps plays a series of calls on the snapshot.
func (s *stage) steps(ctx context.Context, row *Row, id string) ([]Difference, error) {
	var found []Difference
	for i, text := range row.Steps {
		var step Step
		if err := decode(text, &step); err != nil {
			return found, fmt.Errorf("step %d: %w", i+1, err)
		}
		call := client.Request{Method: step.Method, Path: "/v3/" + s.demo.ProjectID + "/snapshots/" + id}
		if step.Body.Text != nil {
			call.Body = s.names.expand(*step.Body.Text)
		}
		a, err := s.demo.Do(ctx, call)
		if err != nil {
			return found, err
		}
		found = append(found, s.step(step.Status, step.Response, a)...)
	}
	return found, nil
}

func (s *stage) step(status int, body any, a *client.Answer) []Difference {
	c := &comparison{names: s.names}
	if a.Status != status {
		c.add("status", "", status, a)
		return c.found
	}
	c.value("", s.names.expandAny(body), a.JSON())
	return c.found
}

// firstUpdate plays the row that shows a fresh snapshot, its first update, and it again.
func (s *stage) firstUpdate(ctx context.Context, row *Row) ([]Difference, error) {
	id, err := s.demo.CreateSnapshot(ctx, map[string]any{"volume_id": s.names.values["volume"],
		"name": "never-updated", "description": baseDescription})
	if err != nil {
		return nil, err
	}
	s.names.values["fresh_snapshot"] = id
	path := "/v3/" + s.demo.ProjectID + "/snapshots/" + id
	calls := []client.Request{
		{Method: "GET", Path: path},
		{Method: "PUT", Path: path, Body: `{"snapshot": {"name": "first-update"}}`},
		{Method: "GET", Path: path},
	}
	if len(calls) != len(row.Steps) {
		return nil, fmt.Errorf("the row has %d steps, want %d", len(row.Steps), len(calls))
	}
	var found []Difference
	for i, text := range row.Steps {
		var body any
		if err := decode(text, &body); err != nil {
			return found, err
		}
		a, err := s.demo.Do(ctx, calls[i])
		if err != nil {
			return found, err
		}
		found = append(found, s.step(http.StatusOK, body, a)...)
	}
	return found, nil
}

// writers lets several clients update at once: all are answered as recorded, and
// what is stored is what one of them sent.
func (s *stage) writers(ctx context.Context, id string, statuses []int) ([]Difference, error) {
	type answered struct {
		status int
		err    error
	}
	answers := make(chan answered, len(statuses))
	sent := map[string]bool{}
	for i := range statuses {
		name := fmt.Sprintf("writer-%d", i)
		sent[name] = true
		go func() {
			a, err := s.demo.Do(ctx, client.Request{Method: "PUT", Path: "/v3/" + s.demo.ProjectID + "/snapshots/" + id,
				Body: map[string]any{"snapshot": map[string]any{"name": name, "description": name}}})
			if err != nil {
				answers <- answered{err: err}
				return
			}
			answers <- answered{status: a.Status}
		}()
	}
	c := &comparison{names: s.names}
	for _, want := range statuses {
		got := <-answers
		if got.err != nil {
			return nil, got.err
		}
		if got.status != want {
			c.add("status", "", want, got.status)
		}
	}
	now, err := s.show(ctx, id)
	if err != nil {
		return nil, err
	}
	if name, _ := now["name"].(string); !sent[name] || now["description"] != name {
		c.add("stored", "name", "what one writer sent", now)
	}
	return c.found, nil
}

// pages follows the links of a list of three to its end.
func (s *stage) pages(ctx context.Context, row *Row) ([]Difference, error) {
	var got []any
	next := s.target.VolumeURL + "/v3/" + s.demo.ProjectID + "/snapshots?limit=3"
	for range maxPages {
		u, err := url.Parse(next)
		if err != nil {
			return nil, err
		}
		a, err := s.demo.Do(ctx, client.Request{Method: "GET", Path: u.RequestURI()})
		if err != nil {
			return nil, err
		}
		rows, _ := a.Object()["snapshots"].([]any)
		page := []any{}
		for _, r := range rows {
			snapshot, _ := r.(map[string]any)
			page = append(page, snapshot["id"])
		}
		got = append(got, page)
		if next = nextLink(a); next == "" {
			break
		}
	}
	var want []any
	for _, page := range row.Pages {
		var ids []any
		for _, id := range page {
			ids = append(ids, s.names.expand(id))
		}
		want = append(want, ids)
	}
	c := &comparison{names: s.names}
	c.value("pages", want, got)
	return c.found, nil
}

func nextLink(a *client.Answer) string {
	links, _ := a.Object()["snapshots_links"].([]any)
	for _, l := range links {
		link, _ := l.(map[string]any)
		if link["rel"] == "next" {
			href, _ := link["href"].(string)
			return strings.TrimSpace(href)
		}
	}
	return ""
}
