package suite

import (
	"context"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/compat/client"
)

func consistencyGroupOperations() []Operation {
	return []Operation{
		{"consistencygroup.create", nil, consistencyGroups},
		{"consistencygroup.show", nil, consistencyGroups},
		{"consistencygroup.list", nil, consistencyGroups},
		{"consistencygroup.list_details", nil, consistencyGroups},
		{"consistencygroup.update", nil, consistencyGroups},
		{"consistencygroup.put", nil, consistencyGroups},
		{"consistencygroup.delete", nil, consistencyGroups},
		{"consistencygroup.create_from_src", nil, cgSnapshots},
		{"cgsnapshot.create", nil, cgSnapshots},
		{"cgsnapshot.show", nil, cgSnapshots},
		{"cgsnapshot.list", nil, cgSnapshots},
		{"cgsnapshot.list_details", nil, cgSnapshots},
		{"cgsnapshot.delete", nil, cgSnapshots},
	}
}

// consistencyGroup makes a group by the old calls; it goes with the function, with
// its volumes.
func (e *Env) consistencyGroup(t T) string {
	t.Helper()
	a := e.do(t, "POST", e.path("/consistencygroups"), `{"consistencygroup":{"name":"cg","description":"d","volume_types":"`+volumeType+`,"}}`)
	status(t, a, 202)
	id, _ := a.Under("consistencygroup")["id"].(string)
	e.removeOldGroup(t, id)
	return id
}

// removeOldGroup deletes a group with its volumes when the function has ended.
func (e *Env) removeOldGroup(t T, id string) {
	path := e.path("/consistencygroups/" + id)
	afterwards(t, func(ctx context.Context) error {
		a, err := e.Demo.Do(ctx, client.Request{Method: "POST", Path: path + "/delete", Body: `{"consistencygroup":{"force":true}}`})
		if err == nil && a.Status != 202 && a.Status != 404 {
			err = fmt.Errorf("delete the group: got %s", a)
		}
		if err != nil {
			return err
		}
		_, err = e.settled(ctx, path, "consistencygroup")
		return err
	})
}

func consistencyGroups(t T, e *Env) {
	id := e.consistencyGroup(t)
	path := e.path("/consistencygroups/" + id)
	show := func() map[string]any {
		t.Helper()
		a := e.do(t, "GET", path, nil)
		status(t, a, 200)
		return a.Under("consistencygroup")
	}
	if got := show(); got["name"] != "cg" || got["description"] != "d" || got["status"] != "available" || len(got) != 7 {
		t.Errorf("got %v, want what was asked for", got)
	}
	volume := e.ownVolume(t)
	status(t, e.do(t, "PUT", path+"/update", `{"consistencygroup":{"name":"cg2","add_volumes":"`+volume+`"}}`), 202)
	if got := show(); got["name"] != "cg2" {
		t.Errorf("got %v, want the new name", got)
	}
	if got := e.volumeOf(t, volume)["consistencygroup_id"]; got != id {
		t.Errorf("consistencygroup_id: got %v, want %s", got, id)
	}
	for _, list := range []string{"/consistencygroups", "/consistencygroups/detail"} {
		a := e.do(t, "GET", e.path(list+"?limit=1"), nil)
		status(t, a, 200)
		if got := idsIn(a, "consistencygroups"); !slices.Equal(got, []string{id}) {
			t.Errorf("%s: got %v", list, got)
		}
	}
	e.fault(t, e.do(t, "POST", path+"/delete", `{"consistencygroup":{"force":false}}`), 400, "badRequest") // it has a volume
	status(t, e.do(t, "PUT", path, `{"consistencygroup":{"remove_volumes":"`+volume+`"}}`), 202)
	for _, bad := range []string{`{"consistencygroup":{}}`, `{"consistencygroup":{"add_volumes":"x"}}`, `{"consistencygroup":{"name":5}}`, `{}`} {
		e.fault(t, e.do(t, "PUT", path+"/update", bad), 400, "badRequest")
	}
	for _, bad := range []string{`{}`, `{"consistencygroup":{}}`, `{"consistencygroup":{"volume_types":""}}`, `{"consistencygroup":{"volume_types":[]}}`} {
		e.fault(t, e.do(t, "POST", e.path("/consistencygroups"), bad), 400, "badRequest")
	}
	e.fault(t, e.do(t, "POST", e.path("/consistencygroups"), `{"consistencygroup":{"volume_types":"nope"}}`), 404, "itemNotFound")
	e.fault(t, e.do(t, "GET", e.path("/consistencygroups/"+unknownID), nil), 404, "itemNotFound")
	e.fault(t, e.do(t, "POST", path+"/delete", `{"consistencygroup":{"force":"maybe"}}`), 400, "badRequest")
	status(t, e.do(t, "POST", path+"/delete", nil), 202)
	e.fault(t, e.do(t, "GET", path, nil), 404, "itemNotFound")
}

func cgSnapshots(t T, e *Env) {
	id := e.consistencyGroup(t)
	made := e.made(t, `{"volume":{"size":1,"volume_type":"`+volumeType+`"}}`)
	group := e.path("/consistencygroups/" + id)
	status(t, e.do(t, "PUT", group+"/update", fmt.Sprintf(`{"consistencygroup":{"add_volumes":%q}}`, made["id"])), 202)
	a := e.do(t, "POST", e.path("/cgsnapshots"), `{"cgsnapshot":{"consistencygroup_id":"`+id+`","name":"cs"}}`)
	status(t, a, 202)
	snap, _ := a.Under("cgsnapshot")["id"].(string)
	path := e.path("/cgsnapshots/" + snap)
	if got, err := e.settled(t.Context(), path, "cgsnapshot"); err != nil || got != "available" {
		t.Fatalf("it became %q (%v), want available", got, err)
	}
	if got := e.do(t, "GET", path, nil).Under("cgsnapshot"); got["consistencygroup_id"] != id || got["name"] != "cs" || len(got) != 6 {
		t.Errorf("got %v", got)
	}
	for _, list := range []string{"/cgsnapshots", "/cgsnapshots/detail"} {
		if got := idsIn(e.do(t, "GET", e.path(list), nil), "cgsnapshots"); !slices.Equal(got, []string{snap}) {
			t.Errorf("%s: got %v", list, got)
		}
	}
	e.fault(t, e.mine(t, "GET", "/group_snapshots/"+snap, nil), 400, "badRequest") // the old calls' alone
	for _, key := range []string{"source_cgid", "cgsnapshot_id"} {
		from := map[string]string{"source_cgid": id, "cgsnapshot_id": snap}[key]
		a := e.do(t, "POST", e.path("/consistencygroups/create_from_src"), fmt.Sprintf(`{"consistencygroup-from-src":{"name":"copy",%q:%q}}`, key, from))
		status(t, a, 202)
		copied, _ := a.Under("consistencygroup")["id"].(string)
		e.removeOldGroup(t, copied)
		if got, err := e.settled(t.Context(), e.path("/consistencygroups/"+copied), "consistencygroup"); err != nil || got != "available" {
			t.Fatalf("from %s: it became %q (%v), want available", key, got, err)
		}
		status(t, e.do(t, "POST", e.path("/consistencygroups/"+copied+"/delete"), `{"consistencygroup":{"force":true}}`), 202)
		if got, err := e.settled(t.Context(), e.path("/consistencygroups/"+copied), "consistencygroup"); err != nil || got != "" {
			t.Fatalf("from %s: it is %q (%v), want it gone", key, got, err)
		}
	}
	for _, bad := range []string{`{"consistencygroup-from-src":{}}`, `{"consistencygroup-from-src":{"source_cgid":"` + id + `","cgsnapshot_id":"` + snap + `"}}`} {
		e.fault(t, e.do(t, "POST", e.path("/consistencygroups/create_from_src"), bad), 400, "badRequest")
	}
	e.fault(t, e.do(t, "POST", e.path("/cgsnapshots"), `{"cgsnapshot":{}}`), 400, "badRequest")
	e.fault(t, e.do(t, "POST", e.path("/cgsnapshots"), `{"cgsnapshot":{"consistencygroup_id":"`+unknownID+`"}}`), 404, "itemNotFound")
	status(t, e.do(t, "DELETE", path, nil), 202)
	if got, err := e.settled(t.Context(), path, "cgsnapshot"); err != nil || got != "" {
		t.Fatalf("it is %q (%v), want it gone", got, err)
	}
	e.fault(t, e.do(t, "DELETE", path, nil), 404, "itemNotFound")
	status(t, e.do(t, "PUT", group+"/update", fmt.Sprintf(`{"consistencygroup":{"remove_volumes":%q}}`, made["id"])), 202)
}
