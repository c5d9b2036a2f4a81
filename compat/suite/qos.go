package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

func qosOperations() []Operation {
	return []Operation{
		{"qos.list", nil, qosCalls},
		{"qos.create", nil, qosCalls},
		{"qos.show", nil, qosCalls},
		{"qos.set", nil, qosCalls},
		{"qos.delete", nil, qosAssociations},
		{"qos.delete_keys", nil, qosCalls},
		{"qos.associations", nil, qosAssociations},
		{"qos.associate", nil, qosAssociations},
		{"qos.disassociate", nil, qosAssociations},
		{"qos.disassociate_all", nil, qosAssociations},
	}
}

// newQoS makes QoS specs, which go with the function.
func (e *Env) newQoS(t T, more string) (id, name string) {
	t.Helper()
	name = unique("suite-qos")
	a := e.admin(t, "POST", "/qos-specs", `{"qos_specs":{"name":" `+name+` "`+more+`}}`)
	status(t, a, 200)
	made := a.Under("qos_specs")
	id, _ = made["id"].(string)
	if made["name"] != name || a.Object()["links"] == nil {
		t.Errorf("got %s, want the name, trimmed, and links", a)
	}
	afterwards(t, func(ctx context.Context) error {
		_, err := e.Admin.Do(ctx, client.Request{Method: "DELETE", Path: e.adminPath("/qos-specs/" + id + "?force=true")})
		return err
	})
	return id, name
}

func qosCalls(t T, e *Env) {
	e.needAdmin(t)
	id, name := e.newQoS(t, `,"consumer":"front-end","read_iops_sec":"2000"`)
	path := "/qos-specs/" + id
	shown := func() map[string]any {
		t.Helper()
		a := e.admin(t, "GET", path, nil)
		status(t, a, 200)
		return a.Under("qos_specs")
	}
	if got := fmt.Sprint(shown()); got != fmt.Sprint(map[string]any{"id": id, "name": name, "consumer": "front-end", "specs": map[string]any{"read_iops_sec": "2000"}}) {
		t.Errorf("got %s", got)
	}
	if plain, _ := e.newQoS(t, ""); e.admin(t, "GET", "/qos-specs/"+plain, nil).Under("qos_specs")["consumer"] != "back-end" {
		t.Errorf("the consumer is not back-end when none is given")
	}
	a := e.admin(t, "PUT", path, `{"qos_specs":{"iops_bytes":"500","consumer":"both"}}`)
	status(t, a, 200)
	if got := fmt.Sprint(a.Under("qos_specs")); got != "map[consumer:both iops_bytes:500]" {
		t.Errorf("set: got %s, want what was sent", got)
	}
	if got := shown(); fmt.Sprint(got["specs"]) != "map[iops_bytes:500 read_iops_sec:2000]" || got["consumer"] != "both" {
		t.Errorf("after it: got %v", got)
	}
	e.fault(t, e.admin(t, "PUT", path+"/delete_keys", `{"keys":["iops_bytes","nonsense"]}`), 404, "itemNotFound")
	status(t, e.admin(t, "PUT", path+"/delete_keys", `{"keys":["iops_bytes"]}`), 202)
	if got := fmt.Sprint(shown()["specs"]); got != "map[read_iops_sec:2000]" {
		t.Errorf("after delete_keys: got %s", got)
	}
	for query, has := range map[string]bool{"": true, "?name=" + name: true, "?consumer=both&sort=name:asc": true, "?consumer=front-end&name=" + name: false} {
		a := e.admin(t, "GET", "/qos-specs"+query, nil)
		status(t, a, 200)
		if strings.Contains(fmt.Sprint(a.Object()["qos_specs"]), id) != has {
			t.Errorf("list %s: got %s, want it there: %v", query, a, has)
		}
	}
	e.forAdmins(t, "GET", "/qos-specs", nil)
	e.forAdmins(t, "GET", path, nil)
	e.forAdmins(t, "POST", "/qos-specs", `{"qos_specs":{"name":"`+unique("theirs")+`"}}`)
	e.forAdmins(t, "PUT", path, `{"qos_specs":{"read_iops_sec":"1"}}`)
	e.forAdmins(t, "PUT", path+"/delete_keys", `{"keys":["read_iops_sec"]}`)
	e.fault(t, e.admin(t, "GET", "/qos-specs/"+unknownID, nil), 404, "itemNotFound")
	e.fault(t, e.admin(t, "POST", "/qos-specs", `{"qos_specs":{"name":"`+name+`"}}`), 409, "conflictingRequest")
	for _, bad := range []string{`{"qos_specs":{}}`, `{"qos_specs":{"name":" "}}`, `{"qos_specs":{"name":"x","consumer":"nobody"}}`,
		`{"qos_specs":{"name":"x","a":5}}`, `{"qos_specs":[]}`, `{}`, `{"qos_specs":{"name":"` + strings.Repeat("n", 256) + `"}}`} {
		e.fault(t, e.admin(t, "POST", "/qos-specs", bad), 400, "badRequest")
	}
	for _, bad := range []string{`{"qos_specs":{"consumer":"nobody"}}`, `{"qos_specs":{"a!":"b"}}`, `{}`} {
		e.fault(t, e.admin(t, "PUT", path, bad), 400, "badRequest")
	}
	for _, bad := range []string{`{}`, `{"keys":"a"}`, `{"keys":[5]}`, `{"keys":[""]}`, `{"keys":["a","a"]}`} {
		e.fault(t, e.admin(t, "PUT", path+"/delete_keys", bad), 400, "badRequest")
	}
}

func qosAssociations(t T, e *Env) {
	e.needAdmin(t)
	id, _ := e.newQoS(t, `,"read_iops_sec":"2000"`)
	other, _ := e.newQoS(t, "")
	path := "/qos-specs/" + id
	types := make([]string, 3)
	for i := range types {
		types[i], _ = e.newType(t, "")
		status(t, e.admin(t, "GET", path+"/associate?vol_type_id="+types[i], nil), 202)
	}
	associated := func() string {
		t.Helper()
		a := e.admin(t, "GET", path+"/associations", nil)
		status(t, a, 200)
		return fmt.Sprint(a.Object()["qos_associations"])
	}
	for _, typeID := range types {
		if got := associated(); !strings.Contains(got, typeID) || !strings.Contains(got, "volume_type") {
			t.Errorf("associations: got %s, want %s in them", got, typeID)
		}
		if got := e.shownType(t, e.Admin, typeID)["qos_specs_id"]; got != id {
			t.Errorf("qos_specs_id: got %v, want %s", got, id)
		}
	}
	status(t, e.admin(t, "GET", path+"/associate?vol_type_id="+types[0], nil), 202) // once more is nothing new
	e.fault(t, e.admin(t, "GET", "/qos-specs/"+other+"/associate?vol_type_id="+types[0], nil), 400, "badRequest")
	for _, call := range []string{"/associate", "/disassociate"} {
		e.fault(t, e.admin(t, "GET", path+call, nil), 400, "badRequest")
		e.fault(t, e.admin(t, "GET", path+call+"?vol_type_id="+unknownID, nil), 404, "itemNotFound")
		e.fault(t, e.admin(t, "GET", "/qos-specs/"+unknownID+call+"?vol_type_id="+types[0], nil), 404, "itemNotFound")
		e.fault(t, e.do(t, "GET", e.path(path+call+"?vol_type_id="+types[0]), nil), 403, "forbidden")
	}
	e.forAdmins(t, "GET", path+"/associations", nil)
	e.forAdmins(t, "GET", path+"/disassociate_all", nil)
	e.forAdmins(t, "DELETE", path+"?force=true", nil)
	status(t, e.admin(t, "GET", path+"/disassociate?vol_type_id="+types[0], nil), 202)
	if got := associated(); strings.Contains(got, types[0]) || !strings.Contains(got, types[1]) {
		t.Errorf("after disassociate: got %s", got)
	}
	e.fault(t, e.admin(t, "DELETE", path, nil), 400, "badRequest") // in use
	status(t, e.admin(t, "GET", path+"/disassociate_all", nil), 202)
	if got := associated(); got != "[]" {
		t.Errorf("after disassociate_all: got %s", got)
	}
	status(t, e.admin(t, "DELETE", path, nil), 202)
	e.fault(t, e.admin(t, "DELETE", path, nil), 404, "itemNotFound")
	status(t, e.admin(t, "GET", "/qos-specs/"+other+"/associate?vol_type_id="+types[2], nil), 202)
	status(t, e.admin(t, "DELETE", "/qos-specs/"+other+"?force=true", nil), 202)
	if got := e.shownType(t, e.Admin, types[2])["qos_specs_id"]; got != nil {
		t.Errorf("after a forced deletion the type has QoS specs %v", got)
	}
}
