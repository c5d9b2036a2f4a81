package httpapi_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/httpapi"
	"github.com/breezeblock/breezeblock/internal/httpapi/cinder"
	"github.com/breezeblock/breezeblock/internal/httpapi/evs"
	"github.com/breezeblock/breezeblock/internal/httpapi/image"
	"github.com/breezeblock/breezeblock/internal/httpapi/keystone"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// clumsy has two calls that panic, before and after the answer began, and words
// its failures as another door does.
type clumsy struct{ wire.Door }

func (clumsy) Routes() []wire.Route {
	row := wire.Route{Method: "GET", Versions: wire.NoVersion, Permission: wire.Public, OK: 200, Source: "this test"}
	early, late := row, row
	early.Name, early.Path, early.Handle = "early", "/early", func(*wire.Exchange) error { panic("secret cause") }
	late.Name, late.Path = "late", "/late"
	late.Handle = func(x *wire.Exchange) error {
		_ = x.WriteJSON(http.StatusOK, []byte(`{"half":`)) // into a recorder
		panic("secret cause")
	}
	return []wire.Route{early, late}
}

// newHall builds a hall of one clumsy door. It tells what was observed.
func newHall(dialect wire.Dialect, door wire.Door, log *slog.Logger) (*httpapi.Hall, *[]httpapi.Observation) {
	observed := &[]httpapi.Observation{}
	return httpapi.New(httpapi.Config{
		Dialect:      dialect,
		NewRequestID: func() string { return "req-1" },
		Observe:      func(o httpapi.Observation) { *observed = append(*observed, o) },
		Log:          log, Now: time.Now,
		Mounts: []httpapi.Mount{{Door: clumsy{door}}},
	}), observed
}

func TestPanicIsAnsweredInTheDoorsShapeAndItsCauseIsForTheLogAlone(t *testing.T) {
	cinderDoor := func(l *slog.Logger) wire.Door { return cinder.New(nil, l) }
	for _, tc := range []struct {
		name, has string
		dialect   wire.Dialect
		door      func(*slog.Logger) wire.Door
	}{
		{"cinder's families in evs", `{"computeFault":{"message":"The server has either erred or is incapable of performing the requested operation.","code":"500"}}`, wire.EVS(), cinderDoor},
		{"cinder's families in cinder", `{"computeFault":{"message":"The server has either erred or is incapable of performing the requested operation.","code":500}}`, wire.Cinder(), cinderDoor},
		{"EVS's own", `{"error":{"message":"The server failed; its log says why.","code":"EVS.5500"}}`, wire.EVS(), func(l *slog.Logger) wire.Door { return evs.New(nil, l) }},
		{"identity", `{"error":{"code":500,"message":"An unexpected error prevented`, wire.EVS(), func(l *slog.Logger) wire.Door { return keystone.New(nil, l, "") }},
		{"images", `{"message":"The server failed; its log says why.","code":"500 Internal Server Error"`, wire.EVS(), func(l *slog.Logger) wire.Door { return image.New(nil, l) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var logged bytes.Buffer
			log := slog.New(slog.NewJSONHandler(&logged, nil))
			hall, observed := newHall(tc.dialect, tc.door(log), log)
			w := httptest.NewRecorder()
			hall.ServeHTTP(w, httptest.NewRequest("GET", "/early", nil))
			if body := w.Body.String(); w.Code != http.StatusInternalServerError || !strings.HasPrefix(body, tc.has) ||
				strings.Contains(body, "secret cause") || strings.Contains(body, "goroutine") {
				t.Errorf("got %d %s, want 500 %s", w.Code, body, tc.has)
			}
			if got := w.Header().Get("X-Openstack-Request-Id"); got != "req-1" {
				t.Errorf("request id %q", got)
			}
			for _, want := range []string{"secret cause", `"request_id":"req-1"`, "goroutine", `"level":"ERROR"`} {
				if !strings.Contains(logged.String(), want) {
					t.Errorf("the log does not have %s: %s", want, logged.String())
				}
			}
			if len(*observed) != 1 || (*observed)[0].Status != 500 || (*observed)[0].Route != "early" {
				t.Errorf("observed %+v", *observed)
			}
		})
	}
}

// An answer that has begun cannot become a 500: the connection breaks, so that
// nobody takes half an answer for a whole one.
func TestPanicInTheMiddleOfAnAnswerBreaksTheConnection(t *testing.T) {
	var logged bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	hall, observed := newHall(wire.EVS(), image.New(nil, log), log)
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("the panic became %v", p)
			}
		}()
		hall.ServeHTTP(w, httptest.NewRequest("GET", "/late", nil))
	}()
	if !strings.Contains(logged.String(), "secret cause") || strings.Contains(w.Body.String(), "failed") {
		t.Errorf("answered %s, logged %s", w.Body, logged.String())
	}
	if len(*observed) != 1 || (*observed)[0].Route != "late" {
		t.Errorf("observed %+v", *observed)
	}
}
