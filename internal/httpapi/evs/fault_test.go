package evs

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// Failures that no request to a whole server brings about at will have their codes, too.
func TestFaultsOfEveryKindAndReason(t *testing.T) {
	const project = "0123456789abcdef0123456789abcdef"
	for _, tc := range []struct {
		name, call, project string
		err                 error
		status              int
		code                string
	}{
		{"our own", "cloudvolume.show", project, errors.New("secret"), 500, "EVS.5500"},
		{"our own, with a note", "cloudvolume.create", project, block.On("size", block.Errorf(block.Internal, "secret")), 500, "EVS.5500"},
		{"one that passes", "cloudvolume.show", project, block.Errorf(block.Unavailable, "Too many changes are waiting."), 503, "EVS.5503"},
		{"one that passes, of a known call", "cloudvolume.delete", project, block.On("size", block.Errorf(block.Unavailable, "x")), 503, "EVS.5503"},
		{"changed meanwhile", "cloudvolume.update", project, block.Errorf(block.Conflict, "x"), 409, "EVS.5400"},
		{"identity's", "cloudvolume.show", project, identity.Errorf(identity.Unauthenticated, "x"), 401, "EVS.5401"},
		{"too slow", "cloudvolume.update", project, wire.Refuse(wire.Timeout, "x"), 408, "EVS.5400"},
		{"too many", "", project, wire.Refuse(wire.TooManyRequests, "x"), 429, "EVS.5400"},
		{"another's project", "", project, wire.Refuse(wire.WrongProject, "x"), 400, "Common.0018"},
		{"no project", "", "", wire.Refuse(wire.WrongProject, "x"), 400, "EVS.0001"},
		{"no project's id", "", project[1:], wire.Refuse(wire.WrongProject, "x"), 400, "EVS.0001"},
		{"no hex", "", "g" + project[1:], wire.Refuse(wire.WrongProject, "x"), 400, "EVS.0001"},
		{"a field", "cloudvolume.create_v3", project, block.On("size", block.Errorf(block.Invalid, "x")), 400, "EVS.1010"},
		{"a part of a field", "cloudvolume.create_v3", project, block.On("size.a.b", block.Errorf(block.Invalid, "x")), 400, "EVS.1010"},
		{"a type of a field", "cloudvolume.create", project, block.On("size"+wire.AboutType, block.Errorf(block.Invalid, "x")), 400, "EVS.1010"},
		{"a type", "cloudvolume.create", project, block.On("colour"+wire.AboutType, block.Errorf(block.Invalid, "x")), 400, "EVS.1018"},
		{"a type, of a call without codes", "replication.create", project, block.On("colour"+wire.AboutType, block.Errorf(block.Invalid, "x")), 400, "EVS.1018"},
		{"a field without a code", "cloudvolume.create", project, block.On("colour", block.Errorf(block.Invalid, "x")), 400, "EVS.5400"},
		{"of a status", "cloudvolume.extend_v21", project, block.Errorf(block.WrongStatus, "x"), 400, "EVS.1064"},
		{"under a backup", "cloudvolume.delete", project, block.On(block.AboutBackupRunning, block.Errorf(block.WrongStatus, "x")), 400, "EVS.2130"},
	} {
		dialect := wire.EVS()
		w := httptest.NewRecorder()
		x := wire.NewExchange(w, httptest.NewRequest("GET", "/", nil), &dialect, "req-1", "http://h")
		x.Project = tc.project
		if tc.call != "" {
			x.Route = &wire.Route{Name: tc.call}
		}
		New(nil, slog.New(slog.DiscardHandler)).WriteFault(x, tc.err)
		var body struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != tc.status || body.Error.Code != tc.code || body.Error.Message == "" || body.Error.Message == "secret" {
			t.Errorf("%s: got %d %s, want %d %s", tc.name, w.Code, w.Body, tc.status, tc.code)
		}
		if again := w.Header().Get("Retry-After"); (again != "") != (w.Code == 503) {
			t.Errorf("%s: Retry-After is %q", tc.name, again)
		}
		x.End()
	}
}
