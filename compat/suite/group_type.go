package suite

import (
	"context"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/compat/client"
)

func groupTypeOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"group_type.create", v3, groupTypeCreate},
		{"group_type.show", v3, groupTypeShow},
		{"group_type.list", v3, groupTypeList},
		{"group_type.default", v3, groupTypeDefault},
		{"group_type.update", v3, groupTypeUpdate},
		{"group_type.delete", v3, groupTypeDelete},
		{"group_spec.list", v3, groupSpecs},
		{"group_spec.create", v3, groupSpecs},
		{"group_spec.show", v3, groupSpecs},
		{"group_spec.update", v3, groupSpecs},
		{"group_spec.delete", v3, groupSpecs},
	}
}

// groupVersion is the newest microversion that both dialects have.
var groupVersion = at("3.50")

// boss sends a call as the administrator, below the administrator's project.
func (e *Env) boss(t T, method, rest string, body any) *client.Answer {
	t.Helper()
	return e.as(t, e.Admin, method, "/v3/"+e.Admin.ProjectID+rest, body, groupVersion)
}

// mine sends a call as demo at groupVersion.
func (e *Env) mine(t T, method, rest string, body any) *client.Answer {
	t.Helper()
	return e.do(t, method, "/v3/"+e.Demo.ProjectID+rest, body, groupVersion)
}

// groupType makes a group type of a name of its own; it goes with the function.
func (e *Env) groupType(t T, fields string) map[string]any {
	t.Helper()
	e.needAdmin(t)
	for n := 0; ; n++ {
		a := e.boss(t, "POST", "/group_types", fmt.Sprintf(`{"group_type":{"name":"suite-group-type-%d"%s}}`, n, fields))
		if a.Status == 409 && n < 100 { // another function's
			continue
		}
		status(t, a, 202)
		made := a.Under("group_type")
		id, _ := made["id"].(string)
		afterwards(t, func(ctx context.Context) error {
			_, err := e.Admin.Do(ctx, client.Request{Method: "DELETE", Path: "/v3/" + e.Admin.ProjectID + "/group_types/" + id, Fields: []client.Field{groupVersion}})
			return err
		})
		return made
	}
}

func groupTypeCreate(t T, e *Env) {
	made := e.groupType(t, `,"description":"d","is_public":true,"group_specs":{"consistent_group_snapshot_enabled":"<is> False","none":null}`)
	if made["description"] != "d" || made["is_public"] != true || fmt.Sprint(made["group_specs"]) != "map[consistent_group_snapshot_enabled:<is> False none:<nil>]" {
		t.Errorf("got %v, want what was asked for", made)
	}
	taken := fmt.Sprintf(`{"group_type":{"name":%q}}`, made["name"])
	e.fault(t, e.boss(t, "POST", "/group_types", taken), 409, "conflictingRequest")
	e.fault(t, e.mine(t, "POST", "/group_types", `{"group_type":{"name":"x"}}`), 403, "forbidden")
	for _, bad := range []string{`{}`, `{"group_type":{}}`, `{"group_type":{"name":" "}}`, `{"group_type":{"name":5}}`, `{"group_type":{"name":"x","y":1}}`,
		`{"group_type":{"name":"x","is_public":"maybe"}}`, `{"group_type":{"name":"x","group_specs":{"a b":"c"}}}`, `{"group_type":{"name":"x","group_specs":{"a":1}}}`} {
		e.fault(t, e.boss(t, "POST", "/group_types", bad), 400, "badRequest")
	}
	path := "/v3/" + e.Admin.ProjectID + "/group_types"
	if a := e.as(t, e.Admin, "POST", path, taken, at("3.10")); a.Status != 404 {
		t.Errorf("at 3.10: got %s, want 404", a)
	}
}

func groupTypeShow(t T, e *Env) {
	made := e.groupType(t, ``)
	path := fmt.Sprint("/group_types/", made["id"])
	a := e.mine(t, "GET", path, nil)
	status(t, a, 200)
	if got := a.Under("group_type"); got["name"] != made["name"] || len(got) != 4 {
		t.Errorf("to a member: got %v, want four keys, and no specs", got)
	}
	private := e.groupType(t, `,"is_public":false`)
	e.fault(t, e.mine(t, "GET", fmt.Sprint("/group_types/", private["id"]), nil), 404, "itemNotFound")
	status(t, e.boss(t, "GET", fmt.Sprint("/group_types/", private["id"]), nil), 200)
	e.fault(t, e.mine(t, "GET", "/group_types/"+unknownID, nil), 404, "itemNotFound")
}

func groupTypeList(t T, e *Env) {
	public, private := e.groupType(t, ``), e.groupType(t, `,"is_public":false`)
	names := func(a *client.Answer) []string {
		t.Helper()
		status(t, a, 200)
		var all []string
		rows, _ := a.Object()["group_types"].([]any)
		for _, row := range rows {
			fields, _ := row.(map[string]any)
			all = append(all, fmt.Sprint(fields["name"]))
		}
		return all
	}
	for query, want := range map[string][2]bool{"": {true, false}, "?is_public=None": {true, true}, "?is_public=false": {false, true}, "?is_public=1": {true, false}} {
		got := names(e.boss(t, "GET", "/group_types"+query, nil))
		if slices.Contains(got, fmt.Sprint(public["name"])) != want[0] || slices.Contains(got, fmt.Sprint(private["name"])) != want[1] {
			t.Errorf("%q: got %v", query, got)
		}
		if got := names(e.mine(t, "GET", "/group_types"+query, nil)); slices.Contains(got, fmt.Sprint(private["name"])) {
			t.Errorf("%q: a member lists a private type: %v", query, got)
		}
	}
	if got := names(e.mine(t, "GET", "/group_types", nil)); !slices.Contains(got, "default_cgsnapshot_type") {
		t.Errorf("got %v, want default_cgsnapshot_type among them", got)
	}
	one := e.boss(t, "GET", "/group_types?limit=1&sort=name:asc", nil)
	if links, _ := one.Object()["group_type_links"].([]any); len(links) != 1 || len(names(one)) != 1 {
		t.Errorf("got %s, want one type and a link to the next", one)
	}
}

// groupTypeDefault: no type is the default until an operator names one.
func groupTypeDefault(t T, e *Env) {
	e.fault(t, e.mine(t, "GET", "/group_types/default", nil), 404, "itemNotFound")
}

func groupTypeUpdate(t T, e *Env) {
	made := e.groupType(t, `,"description":"d"`)
	path := fmt.Sprint("/group_types/", made["id"])
	a := e.boss(t, "PUT", path, `{"group_type":{"name":"suite-renamed","description":"e","is_public":false}}`)
	status(t, a, 200)
	got := e.boss(t, "GET", path, nil).Under("group_type")
	if got["name"] != "suite-renamed" || got["description"] != "e" || got["is_public"] != false {
		t.Errorf("got %v, want the new values", got)
	}
	e.fault(t, e.boss(t, "PUT", path, `{"group_type":{"name":"default_cgsnapshot_type"}}`), 409, "conflictingRequest")
	for _, bad := range []string{`{"group_type":{}}`, `{"group_type":{"name":""}}`, `{"group_type":{"name":null,"description":null}}`, `{"group_type":{"group_specs":{}}}`} {
		e.fault(t, e.boss(t, "PUT", path, bad), 400, "badRequest")
	}
	e.fault(t, e.mine(t, "PUT", path, `{"group_type":{"name":"x"}}`), 403, "forbidden")
	e.fault(t, e.boss(t, "PUT", "/group_types/"+unknownID, `{"group_type":{"name":"x"}}`), 404, "itemNotFound")
}

func groupTypeDelete(t T, e *Env) {
	made := e.groupType(t, ``)
	path := fmt.Sprint("/group_types/", made["id"])
	e.fault(t, e.mine(t, "DELETE", path, nil), 403, "forbidden")
	used := e.group(t, fmt.Sprint(made["id"]))
	e.fault(t, e.boss(t, "DELETE", path, nil), 400, "badRequest")
	e.dropGroup(t, used)
	status(t, e.boss(t, "DELETE", path, nil), 202)
	e.fault(t, e.boss(t, "DELETE", path, nil), 404, "itemNotFound")
}

func groupSpecs(t T, e *Env) {
	made := e.groupType(t, `,"group_specs":{"a":"1"}`)
	path := fmt.Sprint("/group_types/", made["id"], "/group_specs")
	a := e.boss(t, "POST", path, `{"group_specs":{"b":"2","c:d.e-f_g":null}}`)
	status(t, a, 202)
	if got := fmt.Sprint(a.Under("group_specs")); got != "map[b:2 c:d.e-f_g:<nil>]" {
		t.Errorf("create: got %s, want what was sent", got)
	}
	a = e.boss(t, "PUT", path+"/b", `{"b":"3"}`)
	status(t, a, 200)
	if got := fmt.Sprint(a.Object()); got != "map[b:3]" {
		t.Errorf("update: got %s", got)
	}
	status(t, e.boss(t, "DELETE", path+"/a", nil), 202)
	a = e.boss(t, "GET", path, nil)
	status(t, a, 200)
	if got := fmt.Sprint(a.Under("group_specs")); got != "map[b:3 c:d.e-f_g:<nil>]" {
		t.Errorf("list: got %s", got)
	}
	if got := fmt.Sprint(e.boss(t, "GET", path+"/b", nil).Object()); got != "map[b:3]" {
		t.Errorf("show: got %s", got)
	}
	e.fault(t, e.boss(t, "GET", path+"/a", nil), 404, "itemNotFound")
	e.fault(t, e.boss(t, "DELETE", path+"/a", nil), 404, "itemNotFound")
	e.fault(t, e.boss(t, "GET", "/group_types/"+unknownID+"/group_specs", nil), 404, "itemNotFound")
	for _, bad := range []string{`{"x":"1"}`, `{"b":"1","c":"2"}`, `{"b":1}`, `{}`, `[]`} {
		e.fault(t, e.boss(t, "PUT", path+"/b", bad), 400, "badRequest")
	}
	for _, bad := range []string{`{"group_specs":{"a b":"1"}}`, `{"group_specs":[]}`, `{"group_specs":{"a":{}}}`, `{}`} {
		e.fault(t, e.boss(t, "POST", path, bad), 400, "badRequest")
	}
	for method, body := range map[string]any{"GET": nil, "POST": `{"group_specs":{"x":"1"}}`} {
		e.fault(t, e.mine(t, method, path, body), 403, "forbidden")
	}
}
