package cinder

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// exchange makes an exchange as the hall would, and a recorder of its answer.
func exchange(d wire.Dialect, api wire.Versions, mv wire.Microversion, target string) (*wire.Exchange, *httptest.ResponseRecorder) {
	w := httptest.NewRecorder()
	x := wire.NewExchange(w, httptest.NewRequest(http.MethodGet, target, nil), &d, "req-1", "http://host")
	x.API, x.Version, x.Project, x.Path = api, mv, testProject, x.Request.URL.Path
	x.Route = &wire.Route{Name: "test", Permission: wire.Reader}
	return x, w
}

const testProject = "0c2eba2c5af04d3f9e9d0d410b371fde"

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func TestEveryKindAndReasonHasItsFault(t *testing.T) {
	for kind := block.Internal + 1; kind <= block.Unavailable; kind++ {
		if f := faults[kind]; f.status < 400 || f.status == 500 || f.name == "" {
			t.Errorf("kind %d: no row in the fault table", kind)
		}
	}
	for reason := wire.NoRoute; reason <= wire.Timeout; reason++ {
		if f := refusals[reason]; f.status < 400 || f.name == "" {
			t.Errorf("reason %d: no row in the fault table", reason)
		}
	}
}

func TestFaultBodiesAreOfTheFamilyInBothDialects(t *testing.T) {
	a := &API{log: quiet()}
	for _, tc := range []struct {
		name   string
		err    error
		status int
		evs    string
		cinder string
	}{
		{"invalid", block.Errorf(block.Invalid, `say "x"`), 400,
			`{"badRequest":{"message":"say \"x\"","code":"400"}}`, `{"badRequest":{"message":"say \"x\"","code":400}}`},
		{"not found", block.Errorf(block.NotFound, "gone"), 404,
			`{"itemNotFound":{"message":"gone","code":"404"}}`, `{"itemNotFound":{"message":"gone","code":404}}`},
		{"over quota", block.Errorf(block.OverLimit, "full"), 413,
			`{"overLimit":{"message":"full","code":"413","retryAfter":"0"}}`, `{"overLimit":{"message":"full","code":413,"retryAfter":"0"}}`},
		{"no route", wire.Refuse(wire.NoRoute, "The resource could not be found."), 404,
			`{"itemNotFound":{"message":"The resource could not be found.","code":"404"}}`,
			`{"message":"The resource could not be found.<br /><br />\n\n\n","code":"404 Not Found","title":"Not Found"}`},
		{"no token", wire.Refuse(wire.Unauthenticated, "no"), 401,
			`{"unauthorized":{"message":"no","code":"401"}}`,
			`{"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}}`},
	} {
		for dialect, want := range map[string]string{"evs": tc.evs, "cinder": tc.cinder} {
			d, _ := wire.DialectNamed(dialect)
			x, w := exchange(d, wire.V3, 0, "/v3/snapshots")
			a.WriteFault(x, tc.err)
			if w.Code != tc.status || w.Body.String() != want {
				t.Errorf("%s in %s: got %d %s, want %d %s", tc.name, dialect, w.Code, w.Body, tc.status, want)
			}
		}
	}
}

func TestWhatIsOursToMendIsNotToldToTheCaller(t *testing.T) {
	a := &API{log: quiet()}
	x, w := exchange(wire.EVS(), wire.V3, 0, "/v3/snapshots")
	a.WriteFault(x, errors.New("secret of the database"))
	var body map[string]map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if w.Code != 500 || body["computeFault"]["message"] == "" || body["computeFault"]["message"] == "secret of the database" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestMethodsThatAreNotThereAreNamedOnlyWhereTheDialectSaysSo(t *testing.T) {
	a := &API{log: quiet()}
	refusal := &wire.Refusal{Reason: wire.NoMethod, Message: "no", Allow: "GET, PUT"}
	x, w := exchange(wire.EVS(), wire.V3, 0, "/v3/snapshots")
	a.WriteFault(x, refusal)
	if w.Code != 405 || w.Header().Get("Allow") != "GET, PUT" {
		t.Errorf("evs: got %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	x, w = exchange(wire.Cinder(), wire.V3, 0, "/v3/snapshots")
	a.WriteFault(x, refusal)
	if w.Code != 404 || w.Header().Get("Allow") != "" {
		t.Errorf("cinder: got %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}
