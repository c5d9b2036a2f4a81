package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Target is a service to talk to.
type Target struct {
	// VolumeURL is the block storage base, without version and trailing slash.
	VolumeURL string
	// IdentityURL ends in /v3.
	IdentityURL string
	// Dialect is evs or cinder; it decides expectations. Source: design, dialects.
	Dialect string
	// LeastSize is the size of the suite's own volume, in GB; 0 is 1.
	LeastSize int
	Demo      Login
	// Admin may be empty; what needs an administrator is then left out.
	Admin Login
	// Watch is told of each answer to a session; nil: nobody is. It may be called by
	// several goroutines at once.
	Watch func(Request, *Answer)
}

// Login names a user and a project, both by name.
type Login struct {
	User, Password, Project string
	// Domain is the domain of both; empty is Default.
	Domain string
}

func (l Login) domain() string {
	if l.Domain == "" {
		return "Default"
	}
	return l.Domain
}

// Session is a token and what it stands for.
type Session struct {
	Target    *Target
	Token     string
	UserID    string
	ProjectID string // empty: unscoped
}

// Request is a call on behalf of a session.
type Request struct {
	Method string
	Path   string // from the version on: /v3/…; or with a base of its own
	Base   string // empty: the target's block storage
	Fields []Field
	Body   any // nil, string and []byte as they stand; all else as JSON
}

// LogIn gets a token of the login's project.
func (t *Target) LogIn(ctx context.Context, l Login) (*Session, error) {
	return t.token(ctx, l, map[string]any{"project": map[string]any{
		"name": l.Project, "domain": map[string]any{"name": l.domain()}}})
}

// LogInUnscoped gets a token that stands for no project.
func (t *Target) LogInUnscoped(ctx context.Context, l Login) (*Session, error) {
	return t.token(ctx, l, "unscoped")
}

func (t *Target) token(ctx context.Context, l Login, scope any) (*Session, error) {
	auth := map[string]any{
		"identity": map[string]any{
			"methods": []string{"password"},
			"password": map[string]any{"user": map[string]any{
				"name": l.User, "password": l.Password, "domain": map[string]any{"name": l.domain()}}},
		},
		"scope": scope,
	}
	nobody := &Session{Target: t}
	a, err := nobody.Do(ctx, Request{Method: "POST", Base: t.IdentityURL, Path: "/auth/tokens",
		Body: map[string]any{"auth": auth}})
	if err != nil {
		return nil, fmt.Errorf("log in as %s: %w", l.User, err)
	}
	if a.Status != http.StatusCreated {
		return nil, fmt.Errorf("log in as %s: got %s", l.User, a)
	}
	s := &Session{Target: t, Token: a.Header.Get("X-Subject-Token")}
	token := a.Under("token")
	if user, ok := token["user"].(map[string]any); ok {
		s.UserID, _ = user["id"].(string)
	}
	if project, ok := token["project"].(map[string]any); ok {
		s.ProjectID, _ = project["id"].(string)
	}
	return s, nil
}

// Revoke ends the session's token.
func (s *Session) Revoke(ctx context.Context) error {
	a, err := s.Do(ctx, Request{Method: "DELETE", Base: s.Target.IdentityURL, Path: "/auth/tokens",
		Fields: []Field{{"X-Subject-Token", s.Token}}})
	if err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	if a.Status != http.StatusNoContent {
		return fmt.Errorf("revoke a token: got %s", a)
	}
	return nil
}

// Do sends r with the session's token; a Content-Type of JSON goes with a body
// unless the request names one.
func (s *Session) Do(ctx context.Context, r Request) (*Answer, error) {
	base := r.Base
	if base == "" {
		base = s.Target.VolumeURL
	}
	body, err := r.bytes()
	if err != nil {
		return nil, err
	}
	raw := Raw{Method: r.Method, Target: pathOf(base) + r.Path, Body: body}
	raw.Fields = append(raw.Fields, Field{"Accept", "application/json"})
	raw.Fields = append(raw.Fields, r.Fields...)
	if s.Token != "" && !raw.has("X-Auth-Token") {
		raw.Fields = append(raw.Fields, Field{"X-Auth-Token", s.Token})
	}
	if body != nil && !raw.has("Content-Type") {
		raw.Fields = append(raw.Fields, Field{"Content-Type", "application/json"})
	}
	a, err := Send(ctx, base, raw)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, shorten(r.Path, 200), err)
	}
	if s.Target.Watch != nil {
		s.Target.Watch(r, a)
	}
	return a, nil
}

func (r Request) bytes() ([]byte, error) {
	switch b := r.Body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	case []byte:
		return b, nil
	}
	b, err := json.Marshal(r.Body)
	if err != nil {
		return nil, fmt.Errorf("body of %s %s: %w", r.Method, r.Path, err)
	}
	return b, nil
}

// pathOf is the path part of a base address: empty for a bare host.
func pathOf(base string) string {
	_, rest, found := strings.Cut(base, "://")
	if !found {
		rest = base
	}
	_, path, found := strings.Cut(rest, "/")
	if !found {
		return ""
	}
	return "/" + strings.TrimSuffix(path, "/")
}
