package suite

import (
	"context"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/compat/client"
)

func groupSnapshotOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"group_snapshot.create", v3, groupSnapshotCreate},
		{"group_snapshot.show", v3, groupSnapshotCreate},
		{"group_snapshot.list", v3, groupSnapshotList},
		{"group_snapshot.list_details", v3, groupSnapshotList},
		{"group_snapshot.update", v3, groupSnapshotUpdate},
		{"group_snapshot.delete", v3, groupSnapshotDelete},
		{"group_snapshot.reset_status", v3, groupSnapshotReset},
		{"group_snapshot.explain", v3, groupSnapshotExplain},
	}
}

// groupSnapshot makes a snapshot of a group; it goes with the function.
func (e *Env) groupSnapshot(t T, group string) string {
	t.Helper()
	a := e.mine(t, "POST", "/group_snapshots", fmt.Sprintf(`{"group_snapshot":{"group_id":%q,"name":" gs ","description":"d"}}`, group))
	status(t, a, 202)
	id, _ := a.Under("group_snapshot")["id"].(string)
	path := "/v3/" + e.Demo.ProjectID + "/group_snapshots/" + id
	afterwards(t, func(ctx context.Context) error {
		if _, err := e.Demo.Do(ctx, client.Request{Method: "DELETE", Path: path, Fields: []client.Field{groupVersion}}); err != nil {
			return err
		}
		left, err := e.settled(ctx, path, "group_snapshot")
		if err == nil && left != "" {
			err = fmt.Errorf("the group snapshot is %s, want it gone", left)
		}
		return err
	})
	if got, err := e.settled(t.Context(), path, "group_snapshot"); err != nil || got != "available" {
		t.Fatalf("the group snapshot became %q (%v), want available", got, err)
	}
	return id
}

// snapshotsIn are the snapshots of a group snapshot, as demo lists them.
func (e *Env) snapshotsIn(t T, groupSnapshot string) []map[string]any {
	t.Helper()
	a := e.mine(t, "GET", "/snapshots/detail", nil)
	status(t, a, 200)
	var in []map[string]any
	rows, _ := a.Object()["snapshots"].([]any)
	for _, row := range rows {
		if fields, _ := row.(map[string]any); fields["group_snapshot_id"] == groupSnapshot {
			in = append(in, fields)
		}
	}
	return in
}

func groupSnapshotCreate(t T, e *Env) {
	kind := e.anyGroupType(t)
	group := e.group(t, kind)
	volumes := []string{e.volumeIn(t, group), e.volumeIn(t, group)}
	id := e.groupSnapshot(t, group)
	a := e.mine(t, "GET", "/group_snapshots/"+id, nil)
	status(t, a, 200)
	if got := a.Under("group_snapshot"); got["group_id"] != group || got["group_type_id"] != kind || got["name"] != "gs" || got["description"] != "d" || len(got) != 7 {
		t.Errorf("got %v, want what was asked for", got)
	}
	members := e.snapshotsIn(t, id)
	var of []string
	for _, member := range members {
		of = append(of, fmt.Sprint(member["volume_id"]))
		if member["status"] != "available" || member["name"] != "gs" {
			t.Errorf("got the snapshot %v", member)
		}
		e.fault(t, e.mine(t, "DELETE", fmt.Sprint("/snapshots/", member["id"]), nil), 400, "badRequest") // not alone
	}
	if slices.Sort(of); !slices.Equal(of, slices.Sorted(slices.Values(volumes))) {
		t.Errorf("snapshots of %v, want of %v", of, volumes)
	}
	e.fault(t, e.mine(t, "POST", "/groups/"+group+"/action", `{"delete":{"delete-volumes":true}}`), 400, "badRequest") // it has snapshots
	e.fault(t, e.mine(t, "POST", "/group_snapshots", `{"group_snapshot":{"group_id":"`+unknownID+`"}}`), 404, "itemNotFound")
	for _, bad := range []string{`{}`, `{"group_snapshot":{}}`, `{"group_snapshot":{"group_id":"abc"}}`, `{"group_snapshot":{"group_id":"` + group + `","x":1}}`} {
		e.fault(t, e.mine(t, "POST", "/group_snapshots", bad), 400, "badRequest")
	}
	e.fault(t, e.mine(t, "GET", "/group_snapshots/"+unknownID, nil), 404, "itemNotFound")
	e.fault(t, e.as(t, e.Other, "GET", "/v3/"+e.Other.ProjectID+"/group_snapshots/"+id, nil, groupVersion), 404, "itemNotFound")
	if a := e.do(t, "GET", e.path("/group_snapshots/"+id), nil, at("3.13")); a.Status != 404 {
		t.Errorf("at 3.13: got %s, want 404", a)
	}
}

func groupSnapshotList(t T, e *Env) {
	group := e.group(t, e.anyGroupType(t))
	first, second := e.groupSnapshot(t, group), e.groupSnapshot(t, group) // of an empty group
	for _, path := range []string{"/group_snapshots", "/group_snapshots/detail"} {
		for query, want := range map[string][]string{
			"": {second, first}, "?sort_key=created_at&sort_dir=asc": {first, second}, "?limit=1": {second}, "?marker=" + second: {first},
			"?group_id=" + group: {second, first}, "?group_id=" + unknownID: nil, "?status=available": {second, first}, "?status=error": nil, "?name=gs": {second, first},
		} {
			a := e.mine(t, "GET", path+query, nil)
			status(t, a, 200)
			if got := idsIn(a, "group_snapshots"); !slices.Equal(got, want) {
				t.Errorf("%s%s: got %v, want %v", path, query, got, want)
			}
		}
		if got := idsIn(e.do(t, "GET", e.path(path+"?limit=1"), nil, at("3.28")), "group_snapshots"); len(got) != 2 {
			t.Errorf("%s: there are pages at 3.28: %v", path, got)
		}
		if links, _ := e.mine(t, "GET", path+"?limit=1", nil).Object()["group_snapshot_links"].([]any); len(links) != 1 {
			t.Errorf("%s: no link to the next page", path)
		}
		e.fault(t, e.mine(t, "GET", path+"?foo=bar", nil), 400, "badRequest")
	}
}

func groupSnapshotUpdate(t T, e *Env) {
	id := e.groupSnapshot(t, e.group(t, e.anyGroupType(t)))
	path := "/group_snapshots/" + id
	status(t, e.mine(t, "PUT", path, `{"group_snapshot":{"name":"n2","description":null}}`), 200)
	if got := e.mine(t, "GET", path, nil).Under("group_snapshot"); got["name"] != "n2" || got["description"] != nil {
		t.Errorf("got %v, want the new texts", got)
	}
	for _, bad := range []string{`{"group_snapshot":{}}`, `{"group_snapshot":{"name":5}}`, `{"group_snapshot":{"status":"error"}}`} {
		e.fault(t, e.mine(t, "PUT", path, bad), 400, "badRequest")
	}
	e.fault(t, e.mine(t, "PUT", "/group_snapshots/"+unknownID, `{"group_snapshot":{"name":"x"}}`), 404, "itemNotFound")
}

func groupSnapshotDelete(t T, e *Env) {
	group := e.group(t, e.anyGroupType(t))
	e.volumeIn(t, group)
	id := e.groupSnapshot(t, group)
	path := "/group_snapshots/" + id
	status(t, e.mine(t, "DELETE", path, nil), 202)
	if got, err := e.settled(t.Context(), "/v3/"+e.Demo.ProjectID+path, "group_snapshot"); err != nil || got != "" {
		t.Errorf("it is %q (%v), want it gone", got, err)
	}
	if left := e.snapshotsIn(t, id); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
	e.fault(t, e.mine(t, "DELETE", path, nil), 404, "itemNotFound")
	busy := "/group_snapshots/" + e.groupSnapshot(t, group)
	status(t, e.boss(t, "POST", busy+"/action", `{"reset_status":{"status":"creating"}}`), 202)
	e.fault(t, e.mine(t, "DELETE", busy, nil), 400, "badRequest")
	status(t, e.boss(t, "POST", busy+"/action", `{"reset_status":{"status":"available"}}`), 202)
}

func groupSnapshotReset(t T, e *Env) {
	id := e.groupSnapshot(t, e.group(t, e.anyGroupType(t)))
	action := "/group_snapshots/" + id + "/action"
	e.fault(t, e.mine(t, "POST", action, `{"reset_status":{"status":"error"}}`), 403, "forbidden")
	e.fault(t, e.boss(t, "POST", action, `{"reset_status":{"status":"in-use"}}`), 400, "badRequest")
	for _, state := range []string{"creating", "error", "available"} {
		status(t, e.boss(t, "POST", action, `{"reset_status":{"status":"`+state+`"}}`), 202)
		if got := e.mine(t, "GET", "/group_snapshots/"+id, nil).Under("group_snapshot")["status"]; got != state {
			t.Errorf("reset to %s: got %v", state, got)
		}
	}
	if a := e.as(t, e.Admin, "POST", "/v3/"+e.Admin.ProjectID+action, `{"reset_status":{"status":"error"}}`, at("3.18")); a.Status != 404 {
		t.Errorf("at 3.18: got %s, want 404", a)
	}
}

func groupSnapshotExplain(t T, e *Env) {
	id := e.groupSnapshot(t, e.group(t, e.anyGroupType(t)))
	a := e.mine(t, "GET", "/group_snapshots/"+id+"/explain", nil)
	status(t, a, 200)
	if got := a.Under("explanation"); got["status"] != "available" || got["id"] != id {
		t.Errorf("got %v", got)
	}
	e.fault(t, e.mine(t, "GET", "/group_snapshots/"+unknownID+"/explain", nil), 404, "itemNotFound")
}
