package suite

import (
	"context"
	"fmt"

	"github.com/breezeblock/breezeblock/compat/client"
)

func snapshotOperations() []Operation {
	v2 := []string{"v2"}
	return []Operation{
		{"snapshot.create", nil, snapshotCreate},
		{"snapshot.show", nil, snapshotShow},
		{"snapshot.update", nil, plainUpdate},
		{"snapshot.delete", nil, snapshotDelete},
		{"snapshot.reset_status", nil, snapshotReset},
		{"snapshot.force_delete", nil, snapshotForceDelete},
		{"snapshot.update_status", nil, snapshotUpdateStatus},
		{"cloudsnapshot.show", v2, cloudSnapshot},
		{"cloudsnapshot.update", v2, cloudSnapshot},
	}
}

func snapshotCreate(t T, e *Env) {
	a := e.do(t, "POST", e.path("/snapshots"), map[string]any{"snapshot": map[string]any{"volume_id": e.volume,
		"name": "  made ", "description": "d", "metadata": map[string]string{"a": "b"}, "force": false}})
	status(t, a, 202)
	made := a.Under("snapshot")
	id, _ := made["id"].(string)
	s := &subject{Env: e, id: id}
	afterwards(t, s.remove)
	for key, want := range map[string]any{"name": "made", "description": "d", "status": "creating", "volume_id": e.volume, "updated_at": nil} {
		if made[key] != want {
			t.Errorf("%s: got %#v, want %#v", key, made[key], want)
		}
	}
	settled, err := e.Demo.Settle(t.Context(), "snapshots", id)
	if err != nil || settled != "available" {
		t.Fatalf("it became %q (%v), want available", settled, err)
	}
	if got := s.show(t); got["name"] != "made" || fmt.Sprint(got["metadata"]) != "map[a:b]" || fmt.Sprint(got["size"]) != "1" {
		t.Errorf("got %v, want what was asked for", got)
	}
	e.nothingMade(t, "snapshots", func() {
		a := e.do(t, "POST", e.path("/snapshots"), `{"snapshot":{"volume_id":"`+unknownID+`"}}`)
		if message := e.fault(t, a, 404, "itemNotFound"); message != "Volume "+unknownID+" could not be found." {
			t.Errorf("message: got %q", message)
		}
		e.fault(t, e.do(t, "POST", e.path("/snapshots"), `{"snapshot":{"volume_id":"abc"}}`), 400, "badRequest")
		e.fault(t, e.do(t, "POST", e.path("/snapshots"), `{"snapshot":{"name":"x"}}`), 400, "badRequest")
	})
}

func snapshotShow(t T, e *Env) {
	s := e.subject(t)
	got := s.show(t)
	for _, key := range append(append([]string{}, nine...), extended...) {
		if _, there := got[key]; !there {
			t.Errorf("no key %s in %v", key, got)
		}
	}
	a := e.do(t, "GET", e.path("/snapshots/"+unknownID), nil)
	e.fault(t, a, 404, "itemNotFound")
}

func snapshotDelete(t T, e *Env) {
	s := e.subject(t)
	a := s.do(t, "DELETE", s.url(), nil)
	status(t, a, 202)
	if len(a.Body) != 0 {
		t.Errorf("got the body %q, want none", a.Body)
	}
	if left, err := e.Demo.Settle(t.Context(), "snapshots", s.id); err != nil || left != "" {
		t.Errorf("it is %q (%v), want it gone", left, err)
	}
	e.fault(t, s.do(t, "DELETE", s.url(), nil), 404, "itemNotFound")
	if e.Admin == nil {
		return
	}
	busy := e.subject(t)
	afterwards(t, func(ctx context.Context) error { return e.Admin.ResetStatus(ctx, "snapshots", busy.id, "available") })
	for _, state := range []string{"creating", "deleting", "error_deleting", "backing-up"} {
		if err := e.Admin.ResetStatus(t.Context(), "snapshots", busy.id, state); err != nil {
			t.Errorf("%v", err)
			continue
		}
		e.fault(t, busy.do(t, "DELETE", busy.url(), nil), 400, "badRequest")
	}
}

// adminAction calls an action as the administrator, below the administrator's project.
func (e *Env) adminAction(t T, plural, id, body string) *client.Answer {
	t.Helper()
	return e.as(t, e.Admin, "POST", "/"+e.Version+"/"+e.Admin.ProjectID+"/"+plural+"/"+id+"/action", body)
}

func snapshotReset(t T, e *Env) {
	e.needAdmin(t)
	s := e.subject(t)
	e.fault(t, s.do(t, "POST", s.url()+"/action", `{"os-reset_status":{"status":"error"}}`), 403, "forbidden")
	s.untouched(t, "a member's reset")
	for _, body := range []string{`{"os-reset_status":{"status":"bogus"}}`, `{"os-reset_status":{"status":null}}`, `{"os-reset_status":{"status":""}}`,
		`{"os-reset_status":{"status":1}}`, `{"os-reset_status":{}}`, `{"os-reset_status":{"status":"error","x":1}}`} {
		e.fault(t, e.adminAction(t, "snapshots", s.id, body), 400, "badRequest")
	}
	s.untouched(t, "a refused reset")
	afterwards(t, func(ctx context.Context) error { return e.Admin.ResetStatus(ctx, "snapshots", s.id, "available") })
	for _, state := range []string{"error", "AVAILABLE", "deleting", "available"} {
		a := e.adminAction(t, "snapshots", s.id, `{"os-reset_status":{"status":"`+state+`"}}`)
		status(t, a, 202)
		want := map[string]string{"AVAILABLE": "available"}[state]
		if want == "" {
			want = state
		}
		if got := s.show(t)["status"]; got != want {
			t.Errorf("reset to %s: got %v", state, got)
		}
	}
	e.fault(t, e.adminAction(t, "snapshots", unknownID, `{"os-reset_status":{"status":"error"}}`), 404, "itemNotFound")
}

func snapshotForceDelete(t T, e *Env) {
	e.needAdmin(t)
	s := e.subject(t)
	e.fault(t, s.do(t, "POST", s.url()+"/action", `{"os-force_delete":{}}`), 403, "forbidden")
	s.untouched(t, "a member's force")
	if err := e.Admin.ResetStatus(t.Context(), "snapshots", s.id, "error_deleting"); err != nil {
		t.Fatalf("%v", err)
	}
	status(t, e.adminAction(t, "snapshots", s.id, `{"os-force_delete":{}}`), 202)
	if left, err := e.Demo.Settle(t.Context(), "snapshots", s.id); err != nil || left != "" {
		t.Errorf("it is %q (%v), want it gone", left, err)
	}
}

func snapshotUpdateStatus(t T, e *Env) {
	e.needAdmin(t)
	s := e.subject(t)
	const action = `{"os-update_snapshot_status":{"status":"available","progress":"80%"}}`
	e.fault(t, s.do(t, "POST", s.url()+"/action", action), 400, "badRequest")
	s.untouched(t, "an update of status outside creation")
	if err := e.Admin.ResetStatus(t.Context(), "snapshots", s.id, "creating"); err != nil {
		t.Fatalf("%v", err)
	}
	status(t, e.adminAction(t, "snapshots", s.id, action), 202)
	if got := s.show(t); got["status"] != "available" || got[extended[0]] != "80%" {
		t.Errorf("got %v, want available at 80%%", got)
	}
}

func cloudSnapshot(t T, e *Env) {
	s := e.subject(t)
	path := "/v2/" + e.Demo.ProjectID + "/cloudsnapshots/" + s.id
	a := e.do(t, "PUT", path, `{"snapshot":{"name":"cloud","description":"d"}}`)
	status(t, a, 200)
	for where, got := range map[string]map[string]any{
		"the answer":          a.Under("snapshot"),
		"read by cloud":       e.do(t, "GET", path, nil).Under("snapshot"),
		"read as a snapshot":  s.show(t),
		"read as v3 snapshot": e.do(t, "GET", "/v3/"+e.Demo.ProjectID+"/snapshots/"+s.id, nil).Under("snapshot"),
	} {
		if got["name"] != "cloud" || got["description"] != "d" || got["id"] != s.id {
			t.Errorf("%s: got %v", where, got)
		}
	}
	if a := e.do(t, "PUT", "/v2/"+e.Demo.ProjectID+"/cloudsnapshots/"+unknownID, rename); a.Status != 404 {
		t.Errorf("an unknown id: got %s, want 404", a)
	}
	if a := e.do(t, "PUT", path, `{"snapshot":{"name":5}}`); a.Status != 400 {
		t.Errorf("a wrong type: got %s, want 400", a)
	}
}
