package suite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

func groupOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"group.create", v3, groupCreate},
		{"group.show", v3, groupShow},
		{"group.list", v3, groupList},
		{"group.list_details", v3, groupList},
		{"group.update", v3, groupUpdate},
		{"group.delete", v3, groupDelete},
		{"group.create_from_src", v3, groupFromSource},
		{"group.reset_status", v3, groupReset},
		{"group.explain", v3, groupExplain},
		{"group.enable_replication", v3, groupReplication},
		{"group.disable_replication", v3, groupReplication},
		{"group.failover_replication", v3, groupReplication},
		{"group.list_replication_targets", v3, groupReplication},
	}
}

// volumeType is the type of the volumes in the suite's groups.
const volumeType = "__DEFAULT__"

// group makes a group of demo's; it goes with the function, with its volumes.
func (e *Env) group(t T, groupType string) string {
	t.Helper()
	a := e.mine(t, "POST", "/groups", fmt.Sprintf(`{"group":{"name":" g ","description":"d","group_type":%q,"volume_types":[%q]}}`, groupType, volumeType))
	status(t, a, 202)
	id, _ := a.Under("group")["id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.removeGroup(ctx, id) })
	e.groupBecomes(t, id, "available")
	return id
}

// removeGroup deletes a group with its volumes and waits until it is gone.
func (e *Env) removeGroup(ctx context.Context, id string) error {
	path := "/v3/" + e.Demo.ProjectID + "/groups/" + id
	a, err := e.Demo.Do(ctx, client.Request{Method: "POST", Path: path + "/action", Body: `{"delete":{"delete-volumes":true}}`, Fields: []client.Field{groupVersion}})
	if err != nil || a.Status == 404 {
		return err
	}
	if a.Status != 202 {
		return fmt.Errorf("delete group %s: got %s", id, a)
	}
	_, err = e.settled(ctx, path, "group")
	return err
}

func (e *Env) dropGroup(t T, id string) {
	t.Helper()
	if err := e.removeGroup(t.Context(), id); err != nil {
		t.Fatalf("%v", err)
	}
}

// settled waits until work on what lies at path has ended and tells its status;
// empty when it is gone.
func (e *Env) settled(ctx context.Context, path, key string) (string, error) {
	for range 6000 {
		a, err := e.Demo.Do(ctx, client.Request{Method: "GET", Path: path, Fields: []client.Field{groupVersion}})
		if err != nil || a.Status == 404 {
			return "", err
		}
		state, _ := a.Under(key)["status"].(string)
		if state != "creating" && state != "deleting" {
			return state, nil
		}
		select {
		case <-ctx.Done():
			return state, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return "", fmt.Errorf("%s does not come to rest", path)
}

func (e *Env) groupBecomes(t T, id, want string) {
	t.Helper()
	if got, err := e.settled(t.Context(), "/v3/"+e.Demo.ProjectID+"/groups/"+id, "group"); err != nil || got != want {
		t.Fatalf("the group became %q (%v), want %q", got, err, want)
	}
}

func (e *Env) groupOf(t T, id string) map[string]any {
	t.Helper()
	a := e.mine(t, "GET", "/groups/"+id+"?list_volume=true", nil)
	status(t, a, 200)
	return a.Under("group")
}

// anyGroupType makes a group type and tells its id.
func (e *Env) anyGroupType(t T) string {
	t.Helper()
	return fmt.Sprint(e.groupType(t, ``)["id"])
}

// volumeIn makes a volume in a group; it goes with the group.
func (e *Env) volumeIn(t T, group string) string {
	t.Helper()
	a := e.mine(t, "POST", "/volumes", fmt.Sprintf(`{"volume":{"size":1,"volume_type":%q,"group_id":%q}}`, volumeType, group))
	status(t, a, 202)
	made := a.Under("volume")
	id, _ := made["id"].(string)
	if made["group_id"] != group {
		t.Errorf("group_id: got %v, want %s", made["group_id"], group)
	}
	if settled, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || settled != "available" {
		t.Fatalf("the volume became %q (%v), want available", settled, err)
	}
	return id
}

func groupCreate(t T, e *Env) {
	kind := e.anyGroupType(t)
	id := e.group(t, kind)
	got := e.groupOf(t, id)
	if got["name"] != "g" || got["description"] != "d" || got["group_type"] != kind || fmt.Sprint(got["volumes"]) != "[]" {
		t.Errorf("got %v, want what was asked for", got)
	}
	volume := e.volumeIn(t, id)
	if got := e.groupOf(t, id); fmt.Sprint(got["volumes"]) != "["+volume+"]" {
		t.Errorf("volumes: got %v", got["volumes"])
	}
	e.fault(t, e.mine(t, "DELETE", "/volumes/"+volume, nil), 400, "badRequest") // not alone
	for _, bad := range []string{
		`{"volume":{"size":1,"group_id":"` + id + `"}}`, // no type
		`{"volume":{"size":1,"volume_type":"SSD","group_id":"` + id + `"}}`,
	} {
		e.fault(t, e.mine(t, "POST", "/volumes", bad), 400, "badRequest")
	}
	e.fault(t, e.mine(t, "POST", "/volumes", `{"volume":{"size":1,"volume_type":"SSD","group_id":"`+unknownID+`"}}`), 404, "itemNotFound")
	for body, want := range map[string]int{
		`{}`: 400, `{"group":{}}`: 400, `{"group":{"group_type":"` + kind + `"}}`: 400, `{"group":{"group_type":"` + kind + `","volume_types":[]}}`: 400,
		`{"group":{"group_type":"` + kind + `","volume_types":"SSD"}}`: 400, `{"group":{"group_type":"` + kind + `","volume_types":["SSD","SSD"]}}`: 400,
		`{"group":{"group_type":"` + kind + `","volume_types":["nope"]}}`: 404, `{"group":{"group_type":"nope","volume_types":["SSD"]}}`: 404,
		`{"group":{"group_type":"default_cgsnapshot_type","volume_types":["SSD"]}}`:                        400,
		`{"group":{"group_type":"` + kind + `","volume_types":["SSD"],"availability_zone":"nope"}}`:        400,
		`{"group":{"group_type":"` + kind + `","volume_types":["SSD"],"name":5}}`:                          400,
		`{"group":{"group_type":"` + kind + `","volume_types":["SSD"],"status":"error","name":"smuggle"}}`: 400,
	} {
		if a := e.mine(t, "POST", "/groups", body); a.Status != want {
			t.Errorf("%s: got %s, want %d", body, a, want)
		}
	}
	if a := e.do(t, "GET", e.path("/groups"), nil, at("3.12")); a.Status != 404 {
		t.Errorf("at 3.12: got %s, want 404", a)
	}
}

func groupShow(t T, e *Env) {
	id := e.group(t, e.anyGroupType(t))
	for version, keys := range map[string]int{"3.13": 8, "3.14": 10, "3.25": 11, "3.38": 12} {
		a := e.do(t, "GET", e.path("/groups/"+id+"?list_volume=1"), nil, at(version))
		status(t, a, 200)
		if got := a.Under("group"); len(got) != keys {
			t.Errorf("at %s: got %d keys, want %d: %v", version, len(got), keys, got)
		}
	}
	e.fault(t, e.mine(t, "GET", "/groups/"+unknownID, nil), 404, "itemNotFound")
	e.fault(t, e.as(t, e.Other, "GET", "/v3/"+e.Other.ProjectID+"/groups/"+id, nil, groupVersion), 404, "itemNotFound")
}

func groupList(t T, e *Env) {
	kind := e.anyGroupType(t)
	ids := []string{e.group(t, kind), e.group(t, kind), e.group(t, kind)}
	status(t, e.mine(t, "PUT", "/groups/"+ids[1], `{"group":{"name":"list-b"}}`), 202)
	old := e.consistencyGroup(t)
	for _, path := range []string{"/groups", "/groups/detail"} {
		for query, want := range map[string][]string{
			"": {ids[2], ids[1], ids[0]}, "?sort=created_at:asc": ids, "?name=list-b": {ids[1]}, "?limit=2": {ids[2], ids[1]},
			"?marker=" + ids[2]: {ids[1], ids[0]}, "?offset=2": {ids[0]}, "?name=nope": nil, "?list_volume=true&limit=1": {ids[2]},
		} {
			a := e.mine(t, "GET", path+query, nil)
			status(t, a, 200)
			if got := idsIn(a, "groups"); !slices.Equal(got, want) {
				t.Errorf("%s%s: got %v, want %v", path, query, got, want)
			}
		}
		if links, _ := e.mine(t, "GET", path+"?limit=1", nil).Object()["group_links"].([]any); len(links) != 1 {
			t.Errorf("%s: no link to the next page", path)
		}
		e.fault(t, e.mine(t, "GET", path+"?foo=bar", nil), 400, "badRequest")
		e.fault(t, e.mine(t, "GET", path+"?marker="+unknownID, nil), 404, "itemNotFound")
		if got := idsIn(e.boss(t, "GET", path+"?all_tenants=1", nil), "groups"); !slices.Contains(got, ids[0]) {
			t.Errorf("an administrator with all_tenants does not list the group: %v", got)
		}
	}
	e.fault(t, e.mine(t, "GET", "/groups/"+old, nil), 400, "badRequest") // the old calls' alone
}

func groupUpdate(t T, e *Env) {
	id := e.group(t, e.anyGroupType(t))
	path := "/groups/" + id
	status(t, e.mine(t, "PUT", path, `{"group":{"name":"renamed","description":"e"}}`), 202)
	if got := e.groupOf(t, id); got["name"] != "renamed" || got["description"] != "e" {
		t.Errorf("got %v, want the new texts", got)
	}
	volume := e.ownVolume(t)
	status(t, e.mine(t, "PUT", path, `{"group":{"add_volumes":"`+volume+`,"}}`), 202)
	e.groupBecomes(t, id, "available")
	if got := e.groupOf(t, id); fmt.Sprint(got["volumes"]) != "["+volume+"]" {
		t.Errorf("added: got %v", got["volumes"])
	}
	other := e.group(t, e.anyGroupType(t))
	e.fault(t, e.mine(t, "PUT", "/groups/"+other, `{"group":{"add_volumes":"`+volume+`"}}`), 400, "badRequest")
	for _, bad := range []string{`{"group":{}}`, `{"group":{"name":"renamed"}}`, `{"group":{"add_volumes":"` + volume + `"}}`, `{"group":{"add_volumes":"` + unknownID + `"}}`,
		`{"group":{"remove_volumes":"` + e.volume + `"}}`, `{"group":{"add_volumes":"` + volume + `","remove_volumes":"` + volume + `"}}`,
		`{"group":{"add_volumes":5}}`, `{"group":{"status":"error"}}`} {
		e.fault(t, e.mine(t, "PUT", path, bad), 400, "badRequest")
	}
	status(t, e.mine(t, "PUT", path, `{"group":{"remove_volumes":"`+volume+`"}}`), 202)
	if got := e.groupOf(t, id); fmt.Sprint(got["volumes"]) != "[]" {
		t.Errorf("removed: got %v", got["volumes"])
	}
	e.fault(t, e.as(t, e.Other, "PUT", "/v3/"+e.Other.ProjectID+path, `{"group":{"name":"x"}}`, groupVersion), 404, "itemNotFound")
}

func groupDelete(t T, e *Env) {
	kind := e.anyGroupType(t)
	id := e.group(t, kind)
	volume := e.volumeIn(t, id)
	action := "/groups/" + id + "/action"
	e.fault(t, e.mine(t, "POST", action, `{"delete":{"delete-volumes":false}}`), 400, "badRequest")
	for _, bad := range []string{`{"delete":{"delete-volumes":"maybe"}}`, `{"delete":{"x":1}}`, `{"delete":null}`} {
		e.fault(t, e.mine(t, "POST", action, bad), 400, "badRequest")
	}
	status(t, e.mine(t, "POST", action, `{"delete":{"delete-volumes":true}}`), 202)
	e.groupBecomes(t, id, "")
	if a := e.mine(t, "GET", "/volumes/"+volume, nil); a.Status != 404 {
		t.Errorf("the volume: got %s, want 404", a)
	}
	empty := e.group(t, kind)
	status(t, e.mine(t, "POST", "/groups/"+empty+"/action", `{"delete":{}}`), 202)
	e.groupBecomes(t, empty, "")
}

func groupFromSource(t T, e *Env) {
	id := e.group(t, e.anyGroupType(t))
	for _, source := range []string{"source_group_id", "group_snapshot_id"} {
		e.fault(t, e.mine(t, "POST", "/groups/action", `{"create-from-src":{"`+source+`":"`+unknownID+`"}}`), 404, "itemNotFound")
	}
	e.fault(t, e.mine(t, "POST", "/groups/action", `{"create-from-src":{"source_group_id":"`+id+`"}}`), 400, "badRequest") // empty
	e.volumeIn(t, id)
	e.volumeIn(t, id)
	snap := e.groupSnapshot(t, id)
	for _, bad := range []string{`{"create-from-src":{}}`, `{"create-from-src":{"source_group_id":"` + id + `","group_snapshot_id":"` + snap + `"}}`,
		`{"create-from-src":{"source_group_id":"abc"}}`, `{"create-from-src":{"source_group_id":"` + id + `","x":1}}`} {
		e.fault(t, e.mine(t, "POST", "/groups/action", bad), 400, "badRequest")
	}
	for source, from := range map[string]string{"source_group_id": id, "group_snapshot_id": snap} {
		a := e.mine(t, "POST", "/groups/action", fmt.Sprintf(`{"create-from-src":{"name":"copy",%q:%q}}`, source, from))
		status(t, a, 202)
		made, _ := a.Under("group")["id"].(string)
		afterwards(t, func(ctx context.Context) error { return e.removeGroup(ctx, made) })
		e.groupBecomes(t, made, "available")
		got := e.groupOf(t, made)
		volumes, _ := got["volumes"].([]any)
		if got["name"] != "copy" || got[source] != from || len(volumes) != 2 {
			t.Errorf("from %s: got %v, want two volumes", source, got)
		}
		for _, volume := range volumes {
			if v := e.mine(t, "GET", fmt.Sprint("/volumes/", volume), nil).Under("volume"); v["status"] != "available" || v["group_id"] != made {
				t.Errorf("from %s: got the volume %v", source, v)
			}
		}
	}
}

func groupReset(t T, e *Env) {
	id := e.group(t, e.anyGroupType(t))
	action := "/groups/" + id + "/action"
	e.fault(t, e.mine(t, "POST", action, `{"reset_status":{"status":"error"}}`), 403, "forbidden")
	for _, bad := range []string{`{"reset_status":{"status":"bogus"}}`, `{"reset_status":{}}`, `{"reset_status":{"status":null}}`} {
		e.fault(t, e.boss(t, "POST", action, bad), 400, "badRequest")
	}
	for _, state := range []string{"creating", "ERROR", "updating", "available"} {
		status(t, e.boss(t, "POST", action, `{"reset_status":{"status":"`+state+`"}}`), 202)
	}
	if got := e.groupOf(t, id)["status"]; got != "available" {
		t.Errorf("got %v, want available", got)
	}
	if a := e.as(t, e.Admin, "POST", "/v3/"+e.Admin.ProjectID+action, `{"reset_status":{"status":"error"}}`, at("3.19")); a.Status != 404 {
		t.Errorf("at 3.19: got %s, want 404", a)
	}
}

func groupExplain(t T, e *Env) {
	id := e.group(t, e.anyGroupType(t))
	a := e.mine(t, "GET", "/groups/"+id+"/explain", nil)
	status(t, a, 200)
	if got := a.Under("explanation"); got["status"] != "available" || got["id"] != id {
		t.Errorf("got %v", got)
	}
	e.fault(t, e.mine(t, "GET", "/groups/"+unknownID+"/explain", nil), 404, "itemNotFound")
}

// groupReplication: the storage does not replicate, so every type is refused.
func groupReplication(t T, e *Env) {
	plain := e.group(t, e.anyGroupType(t))
	replicated := e.group(t, fmt.Sprint(e.groupType(t, `,"group_specs":{"consistent_group_replication_enabled":"<is> True"}`)["id"]))
	for _, action := range []string{"enable_replication", "disable_replication", "failover_replication", "list_replication_targets"} {
		for _, id := range []string{plain, replicated} {
			e.fault(t, e.mine(t, "POST", "/groups/"+id+"/action", `{"`+action+`":{}}`), 400, "badRequest")
		}
		e.fault(t, e.mine(t, "POST", "/groups/"+unknownID+"/action", `{"`+action+`":{}}`), 404, "itemNotFound")
	}
}
