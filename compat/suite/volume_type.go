package suite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

// typeOperations are the calls on volume types and on what belongs to them.
func typeOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"type.list", nil, typeList},
		{"type.show", nil, typeShow},
		{"type.default", nil, typeDefault},
		{"type.create", nil, typeCreate},
		{"type.update", nil, typeUpdate},
		{"type.delete", nil, typeDelete},
		{"type.specs.list", nil, typeSpecs},
		{"type.specs.set", nil, typeSpecs},
		{"type.specs.show", nil, typeSpecs},
		{"type.specs.update", nil, typeSpecs},
		{"type.specs.drop", nil, typeSpecs},
		{"type.access.list", nil, typeAccess},
		{"type.access.add", nil, typeAccess},
		{"type.access.remove", nil, typeAccess},
		{"type.encryption.show", nil, typeEncryption},
		{"type.encryption.create", nil, typeEncryption},
		{"type.encryption.item", nil, typeEncryption},
		{"type.encryption.update", nil, typeEncryption},
		{"type.encryption.delete", nil, typeEncryption},
		{"volume.encryption.show", nil, volumeEncryption},
		{"volume.encryption.item", nil, volumeEncryption},
		{"volume.retype", nil, volumeRetype},
		{"default_type.list", v3, defaultTypes},
		{"default_type.show", v3, defaultTypes},
		{"default_type.set", v3, defaultTypes},
		{"default_type.unset", v3, defaultTypes},
	}
}

// adminPath is a path of the environment's version below the administrator's project.
func (e *Env) adminPath(rest string) string { return "/" + e.Version + "/" + e.Admin.ProjectID + rest }

// unique makes a name that nothing else has.
func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, time.Now().UnixNano()) }

// newType makes a type with more members, which goes with the function, and tells
// its id and name.
func (e *Env) newType(t T, more string) (id, name string) {
	t.Helper()
	name = unique("suite-type")
	a := e.admin(t, "POST", "/types", `{"volume_type":{"name":"`+name+`"`+more+`}}`)
	status(t, a, 200)
	id, _ = a.Under("volume_type")["id"].(string)
	afterwards(t, func(ctx context.Context) error {
		a, err := e.Admin.Do(ctx, client.Request{Method: "DELETE", Path: e.adminPath("/types/" + id)})
		if err == nil && a.Status != 202 && a.Status != 404 {
			err = fmt.Errorf("delete type %s: %s", name, a)
		}
		return err
	})
	return id, name
}

const isPrivate = `,"os-volume-type-access:is_public":false`

// shownType is a type as somebody sees it.
func (e *Env) shownType(t T, who *client.Session, id string) map[string]any {
	t.Helper()
	a := e.as(t, who, "GET", "/"+e.Version+"/"+who.ProjectID+"/types/"+id, nil)
	status(t, a, 200)
	return a.Under("volume_type")
}

func typeCreate(t T, e *Env) {
	e.needAdmin(t)
	id, name := e.newType(t, `,"description":"d","extra_specs":{"multiattach":"<is> True","own:spec":"x"}`)
	got := e.shownType(t, e.Admin, id)
	if got["name"] != name || got["description"] != "d" || got["is_public"] != true || got["os-volume-type-access:is_public"] != true ||
		fmt.Sprint(got["extra_specs"]) != "map[multiattach:<is> True own:spec:x]" || got["qos_specs_id"] != nil {
		t.Errorf("got %v, want the type as it was made", got)
	}
	if got := e.shownType(t, e.Demo, id); fmt.Sprint(got["extra_specs"]) != "map[multiattach:<is> True]" {
		t.Errorf("a member sees %v, want the visible extra specs alone", got)
	}
	e.fault(t, e.admin(t, "POST", "/types", `{"volume_type":{"name":"`+name+`"}}`), 409, "conflictingRequest")
	e.fault(t, e.do(t, "POST", e.path("/types"), `{"volume_type":{"name":"mine"}}`), 403, "forbidden")
	for _, bad := range []string{`{"volume_type":{"name":""}}`, `{"volume_type":{}}`, `{"volume_type":{"name":"` + strings.Repeat("n", 256) + `"}}`,
		`{"volume_type":{"name":"x","extra_specs":{"a!":"b"}}}`, `{"volume_type":{"name":"x","extra_specs":["invalid"]}}`,
		`{"volume_type":{"name":"x","os-volume-type-access:is_public":"maybe"}}`, `{"volume_type":{"name":"x","size":1}}`,
		`{"volume_type":{"name":"x","extra_specs":{"multiattach":"<is> True","cacheable":"<is> True"}}}`} {
		e.fault(t, e.admin(t, "POST", "/types", bad), 400, "badRequest")
	}
	if made := e.made(t, volumeBody(`"volume_type":"`+name+`"`)); made["multiattach"] != true || made["volume_type"] != name {
		t.Errorf("a volume of it: got %v, want multiattach", made)
	}
}

func typeUpdate(t T, e *Env) {
	e.needAdmin(t)
	id, name := e.newType(t, "")
	renamed := unique("suite-renamed")
	quota := "/os-quota-sets/" + e.Other.ProjectID
	status(t, e.admin(t, "PUT", quota, `{"quota_set":{"volumes_`+name+`":7}}`), 200)
	a := e.admin(t, "PUT", "/types/"+id, `{"volume_type":{"name":"`+renamed+`","description":"new","is_public":false}}`)
	status(t, a, 200)
	for where, got := range map[string]map[string]any{"PUT": a.Under("volume_type"), "GET": e.shownType(t, e.Admin, id)} {
		if got["name"] != renamed || got["description"] != "new" || got["is_public"] != false {
			t.Errorf("%s: got %v, want the new values", where, got)
		}
	}
	set := e.admin(t, "GET", quota, nil).Under("quota_set")
	if _, left := set["volumes_"+name]; left || fmt.Sprint(set["volumes_"+renamed]) != "7" {
		t.Errorf("the quota has %v, want the limit under the new name", set)
	}
	status(t, e.admin(t, "PUT", "/types/"+id, `{"volume_type":{"name":null,"description":"kept"}}`), 200)
	if got := e.shownType(t, e.Admin, id); got["name"] != renamed || got["description"] != "kept" {
		t.Errorf("got %v, want null to keep the name", got)
	}
	for _, bad := range []string{`{"volume_type":{}}`, `{"volume_type":{"name":" "}}`, `{"volume_type":{"name":"` + strings.Repeat("n", 256) + `"}}`, `{}`} {
		e.fault(t, e.admin(t, "PUT", "/types/"+id, bad), 400, "badRequest")
	}
	e.fault(t, e.admin(t, "PUT", "/types/"+unknownID, `{"volume_type":{"name":"x"}}`), 404, "itemNotFound")
	e.fault(t, e.do(t, "PUT", e.path("/types/"+id), `{"volume_type":{"name":"x"}}`), 403, "forbidden")
	_, other := e.newType(t, "")
	e.fault(t, e.admin(t, "PUT", "/types/"+id, `{"volume_type":{"name":"`+other+`"}}`), 409, "conflictingRequest")
}

func typeDelete(t T, e *Env) {
	e.needAdmin(t)
	id, name := e.newType(t, "")
	vol := e.made(t, volumeBody(`"volume_type":"`+id+`"`))
	e.fault(t, e.admin(t, "DELETE", "/types/"+id, nil), 400, "badRequest") // a volume is of it
	e.fault(t, e.do(t, "DELETE", e.path("/types/"+id), nil), 403, "forbidden")
	if err := e.Demo.Delete(t.Context(), "volumes", fmt.Sprint(vol["id"])); err != nil {
		t.Errorf("%v", err)
	}
	status(t, e.admin(t, "PUT", "/os-quota-sets/"+e.Other.ProjectID, `{"quota_set":{"volumes_`+name+`":7}}`), 200)
	status(t, e.admin(t, "DELETE", "/types/"+id, nil), 202)
	e.fault(t, e.admin(t, "DELETE", "/types/"+id, nil), 404, "itemNotFound")
	e.fault(t, e.admin(t, "PUT", "/os-quota-sets/"+e.Other.ProjectID, `{"quota_set":{"volumes_`+name+`":7}}`), 400, "badRequest")
	standard := e.do(t, "GET", e.path("/types/default"), nil).Under("volume_type")
	e.fault(t, e.admin(t, "DELETE", "/types/"+fmt.Sprint(standard["id"]), nil), 400, "badRequest")
	e.fault(t, e.do(t, "POST", e.path("/volumes"), volumeBody(`"volume_type":"`+name+`"`)), 404, "itemNotFound")
	if e.Version == "v3" {
		typeOfGroupStays(t, e)
	}
}

// typeOfGroupStays: a type is not deleted while a group may have volumes of it.
func typeOfGroupStays(t T, e *Env) {
	id, _ := e.newType(t, "")
	a := e.mine(t, "POST", "/groups", fmt.Sprintf(`{"group":{"group_type":%q,"volume_types":[%q]}}`, e.anyGroupType(t), id))
	status(t, a, 202)
	group := fmt.Sprint(a.Under("group")["id"])
	afterwards(t, func(ctx context.Context) error { return e.removeGroup(ctx, group) })
	e.groupBecomes(t, group, "available")
	e.fault(t, e.admin(t, "DELETE", "/types/"+id, nil), 400, "badRequest")
	e.dropGroup(t, group)
	status(t, e.admin(t, "DELETE", "/types/"+id, nil), 202)
}

func typeSpecs(t T, e *Env) {
	e.needAdmin(t)
	id, _ := e.newType(t, `,"extra_specs":{"spec1":"val1"}`)
	specs := "/types/" + id + "/extra_specs"
	a := e.admin(t, "POST", specs, `{"extra_specs":{"spec2":"val2","multiattach":"<is> False"}}`)
	status(t, a, 200)
	if got := fmt.Sprint(a.Under("extra_specs")); got != "map[multiattach:<is> False spec2:val2]" {
		t.Errorf("set: got %s, want what was sent", got)
	}
	if a := e.admin(t, "PUT", specs+"/spec1", `{"spec1":"new"}`); a.Status != 200 || a.Object()["spec1"] != "new" {
		t.Errorf("update: got %s", a)
	}
	if got := fmt.Sprint(e.admin(t, "GET", specs, nil).Under("extra_specs")); got != "map[multiattach:<is> False spec1:new spec2:val2]" {
		t.Errorf("list: got %s", got)
	}
	if a := e.admin(t, "GET", specs+"/spec2", nil); a.Status != 200 || fmt.Sprint(a.Object()) != "map[spec2:val2]" {
		t.Errorf("show: got %s", a)
	}
	if got := fmt.Sprint(e.do(t, "GET", e.path(specs), nil).Under("extra_specs")); got != "map[multiattach:<is> False]" {
		t.Errorf("a member sees %s, want the visible ones alone", got)
	}
	e.fault(t, e.do(t, "GET", e.path(specs+"/spec2"), nil), 404, "itemNotFound")
	e.fault(t, e.do(t, "POST", e.path(specs), `{"extra_specs":{"a":"b"}}`), 403, "forbidden")
	status(t, e.admin(t, "DELETE", specs+"/spec2", nil), 202)
	e.fault(t, e.admin(t, "GET", specs+"/spec2", nil), 404, "itemNotFound")
	e.fault(t, e.admin(t, "DELETE", specs+"/spec2", nil), 404, "itemNotFound")
	for _, bad := range []string{`{"extra_specs":["invalid"]}`, `{"extra_specs":{"a b":"c"}}`, `{"extra_specs":{"":"c"}}`, `{"extra_specs":{"a":5}}`, `{}`,
		`{"extra_specs":{"a":"` + strings.Repeat("x", 256) + `"}}`} {
		e.fault(t, e.admin(t, "POST", specs, bad), 400, "badRequest")
	}
	for _, bad := range []string{`{"other":"x"}`, `{"spec1":"a","spec2":"b"}`, `{}`, `{"spec1":{}}`} {
		e.fault(t, e.admin(t, "PUT", specs+"/spec1", bad), 400, "badRequest")
	}
	const nowhere = "/types/" + unknownID + "/extra_specs"
	e.fault(t, e.admin(t, "GET", nowhere, nil), 404, "itemNotFound")
	e.fault(t, e.admin(t, "POST", nowhere, `{"extra_specs":{"a":"b"}}`), 404, "itemNotFound")
	e.fault(t, e.admin(t, "PUT", nowhere+"/a", `{"a":"b"}`), 404, "itemNotFound")
	e.fault(t, e.admin(t, "DELETE", nowhere+"/a", nil), 404, "itemNotFound")
	for _, key := range []string{"spec1", "multiattach"} { // no backend has the one, and none is told to lack the other
		status(t, e.admin(t, "DELETE", specs+"/"+key, nil), 202)
	}
	e.made(t, volumeBody(`"volume_type":"`+id+`"`))
	e.fault(t, e.admin(t, "POST", specs, `{"extra_specs":{"a":"b"}}`), 400, "badRequest") // in use
}

func typeAccess(t T, e *Env) {
	e.needAdmin(t)
	id, name := e.newType(t, isPrivate)
	body := volumeBody(`"volume_type":"` + name + `"`)
	action, list := "/types/"+id+"/action", "/types/"+id+"/os-volume-type-access"
	mine := `{"project":"` + e.Demo.ProjectID + `"}`
	seen := func() bool {
		return slices.ContainsFunc(e.types(t), func(o map[string]any) bool { return o["id"] == id })
	}
	hidden := func() {
		t.Helper()
		e.fault(t, e.do(t, "GET", e.path("/types/"+id), nil), 404, "itemNotFound")
		e.fault(t, e.do(t, "POST", e.path("/volumes"), body), 404, "itemNotFound")
		e.fault(t, e.do(t, "POST", e.path("/volumes/"+e.volume+"/action"), `{"os-retype":{"new_type":"`+name+`"}}`), 404, "itemNotFound")
		if _, line := e.do(t, "GET", e.path("/os-quota-sets/"+e.Demo.ProjectID), nil).Under("quota_set")["volumes_"+name]; seen() || line {
			t.Errorf("a member sees the private type in the list or the quota")
		}
	}
	hidden()
	status(t, e.admin(t, "POST", action, `{"addProjectAccess":`+mine+`}`), 202)
	e.fault(t, e.admin(t, "POST", action, `{"addProjectAccess":`+mine+`}`), 409, "conflictingRequest")
	status(t, e.admin(t, "POST", action, `{"addProjectAccess":{"project":"`+e.Other.ProjectID+`"}}`), 202)
	rows, _ := e.admin(t, "GET", list, nil).Object()["volume_type_access"].([]any)
	if len(rows) != 2 || !strings.Contains(fmt.Sprint(rows), e.Demo.ProjectID) || !strings.Contains(fmt.Sprint(rows), id) {
		t.Errorf("access: got %v, want the two projects", rows)
	}
	if e.shownType(t, e.Demo, id)["os-volume-type-access:is_public"] != false || !seen() {
		t.Errorf("the project with access does not see the type")
	}
	e.made(t, body)
	e.fault(t, e.do(t, "POST", e.path(action), `{"addProjectAccess":`+mine+`}`), 403, "forbidden")
	e.fault(t, e.do(t, "GET", e.path(list), nil), 403, "forbidden")
	for _, bad := range []string{`{}`, `{"project":""}`, `{"project":5}`, `{"project":"a","x":1}`, `{"project":"` + strings.Repeat("p", 256) + `"}`} {
		e.fault(t, e.admin(t, "POST", action, `{"addProjectAccess":`+bad+`}`), 400, "badRequest")
	}
	status(t, e.admin(t, "POST", action, `{"removeProjectAccess":`+mine+`}`), 202)
	e.fault(t, e.admin(t, "POST", action, `{"removeProjectAccess":`+mine+`}`), 404, "itemNotFound")
	e.fault(t, e.do(t, "POST", e.path("/volumes"), body), 404, "itemNotFound")
	public, _ := e.newType(t, "")
	e.fault(t, e.admin(t, "GET", "/types/"+public+"/os-volume-type-access", nil), 404, "itemNotFound")
	e.fault(t, e.admin(t, "POST", "/types/"+public+"/action", `{"addProjectAccess":`+mine+`}`), 400, "badRequest")
}

// defaultTypes covers the four calls, whose paths have no project. Source: recordings
// service-*-default-types; Cinder router.
func defaultTypes(t T, e *Env) {
	e.needAdmin(t)
	if e.evs() {
		t.Skipf("needs microversion 3.62, and dialect evs ends before it")
	}
	since := at("3.62")
	call := func(who *client.Session, method, rest string, body any) *client.Answer {
		t.Helper()
		return e.as(t, who, method, "/v3/default-types"+rest, body, since)
	}
	id, name := e.newType(t, "")
	mine := "/" + e.Demo.ProjectID
	afterwards(t, func(ctx context.Context) error {
		_, err := e.Admin.Do(ctx, client.Request{Method: "DELETE", Path: "/v3/default-types" + mine, Fields: []client.Field{since}})
		return err
	})
	e.fault(t, call(e.Admin, "GET", mine, nil), 404, "itemNotFound")
	a := call(e.Admin, "PUT", mine, `{"default_type":{"volume_type":"`+name+`"}}`)
	status(t, a, 200)
	want := fmt.Sprint(map[string]any{"project_id": e.Demo.ProjectID, "volume_type_id": id})
	if got := fmt.Sprint(a.Under("default_type")); got != want {
		t.Errorf("set: got %s, want %s", got, want)
	}
	if got := fmt.Sprint(call(e.Admin, "GET", mine, nil).Under("default_type")); got != want {
		t.Errorf("show: got %s, want %s", got, want)
	}
	if got := fmt.Sprint(call(e.Admin, "GET", "", nil).Object()["default_types"]); !strings.Contains(got, want) {
		t.Errorf("list: got %s, want %s in it", got, want)
	}
	if got := e.do(t, "GET", e.path("/types/default"), nil).Under("volume_type"); got["id"] != id {
		t.Errorf("the project's default: got %v", got)
	}
	if made := e.made(t, volumeBody(`"name":"v"`)); made["volume_type"] != name {
		t.Errorf("a volume without a type is of %v, want %s", made["volume_type"], name)
	}
	e.fault(t, e.admin(t, "DELETE", "/types/"+id, nil), 400, "badRequest")
	e.fault(t, call(e.Demo, "PUT", mine, `{"default_type":{"volume_type":"`+name+`"}}`), 403, "forbidden")
	e.fault(t, call(e.Demo, "GET", "", nil), 403, "forbidden")
	for _, bad := range []string{`{}`, `{"default_type":{}}`, `{"default_type":{"volume_type":"nope"}}`, `{"default_type":{"volume_type":5}}`} {
		e.fault(t, call(e.Admin, "PUT", mine, bad), 400, "badRequest")
	}
	status(t, e.as(t, e.Admin, "GET", e.adminPath("/default-types"), nil, since), 404)
	status(t, call(e.Admin, "DELETE", mine, nil), 204)
	e.fault(t, call(e.Admin, "GET", mine, nil), 404, "itemNotFound")
}

func (e *Env) types(t T) []map[string]any {
	t.Helper()
	a := e.do(t, "GET", e.path("/types"), nil)
	status(t, a, 200)
	list, _ := a.Object()["volume_types"].([]any)
	var types []map[string]any
	for _, v := range list {
		o, _ := v.(map[string]any)
		types = append(types, o)
	}
	return types
}

func typeList(t T, e *Env) {
	types := e.types(t)
	if len(types) == 0 {
		t.Fatalf("there are no volume types")
	}
	for _, o := range types {
		for _, key := range []string{"id", "name", "is_public", "description", "extra_specs"} {
			if _, there := o[key]; !there {
				t.Errorf("a type lacks %s: %v", key, o)
			}
		}
	}
}

func typeShow(t T, e *Env) {
	for _, o := range e.types(t) {
		a := e.do(t, "GET", e.path("/types/"+fmt.Sprint(o["id"])), nil)
		if a.Status != 200 || a.Under("volume_type")["name"] != o["name"] {
			t.Errorf("got %s, want the type %v", a, o["name"])
		}
		if _, there := a.Under("volume_type")["qos_specs_id"]; there != e.evs() { // Source: EVS 9
			t.Errorf("qos_specs_id is there: %v, for a member: %s", there, a)
		}
	}
	e.fault(t, e.do(t, "GET", e.path("/types/"+unknownID), nil), 404, "itemNotFound")
}

func typeDefault(t T, e *Env) {
	a := e.do(t, "GET", e.path("/types/default"), nil)
	status(t, a, 200)
	if name, _ := a.Under("volume_type")["name"].(string); name == "" {
		t.Errorf("got %s, want a type with a name", a)
	}
}
