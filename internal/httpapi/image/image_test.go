package image_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/image"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// call runs the row of a path as the hall would, with a token or without.
func call(t *testing.T, path string, token *identity.Token) *httptest.ResponseRecorder {
	t.Helper()
	door := image.New(nil, slog.New(slog.DiscardHandler))
	for _, row := range door.Routes() {
		if row.Path != path {
			continue
		}
		w, dialect := httptest.NewRecorder(), wire.EVS()
		x := wire.NewExchange(w, httptest.NewRequest("GET", "/image", nil), &dialect, "req-1", "http://cloud.example:8776")
		x.Route, x.Token = &row, token
		if err := row.Handle(x); err != nil {
			door.WriteFault(x, err)
		}
		if w.Code != row.OK && token != nil {
			t.Errorf("%s answers %d, its row says %d", path, w.Code, row.OK)
		}
		return w
	}
	t.Fatalf("there is no row %q", path)
	return nil
}

// Source: keystone-calls 3.
func TestVersionsAreToldWithoutAToken(t *testing.T) {
	for _, path := range []string{"", "/", "/versions"} {
		w := call(t, path, nil)
		const want = `{"versions":[{"id":"v2.9","status":"CURRENT","links":[{"rel":"self","href":"http://cloud.example:8776/image/v2/"}]}]}`
		if w.Code != http.StatusMultipleChoices || w.Body.String() != want {
			t.Errorf("%q: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestEveryCallButTheVersionsNeedsAToken(t *testing.T) {
	for _, path := range []string{"/v2/images", "/v2/images/{image_id}", "/v2/schemas/image"} {
		if w := call(t, path, nil); w.Code != 401 || w.Header().Get("Www-Authenticate") == "" {
			t.Errorf("%s without a token: %d", path, w.Code)
		}
	}
}

func TestEachFailureHasItsStatus(t *testing.T) {
	for status, err := range map[int]error{
		404: wire.Refuse(wire.NoRoute, "x"),
		405: &wire.Refusal{Reason: wire.NoMethod, Message: "x", Allow: "GET"},
		401: wire.Refuse(wire.Unauthenticated, "x"),
		413: wire.Refuse(wire.BodyTooLarge, "x"),
		403: block.Errorf(block.Forbidden, "x"),
		503: block.Errorf(block.Unavailable, "x"),
		400: block.Errorf(block.Invalid, "x"),
		409: block.Errorf(block.Conflict, "x"),
		500: errors.New("x"),
	} {
		w, dialect := httptest.NewRecorder(), wire.EVS()
		x := wire.NewExchange(w, httptest.NewRequest("GET", "/image/x", nil), &dialect, "req-1", "http://h")
		image.New(nil, slog.New(slog.DiscardHandler)).WriteFault(x, err)
		if w.Code != status {
			t.Errorf("%v answers %d, want %d", err, w.Code, status)
		}
	}
}
