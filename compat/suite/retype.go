package suite

import (
	"fmt"

	"github.com/breezeblock/breezeblock/compat/client"
)

func volumeRetype(t T, e *Env) {
	e.needAdmin(t)
	to, name := e.newType(t, "")
	shared, _ := e.newType(t, `,"extra_specs":{"multiattach":"<is> True"}`)
	vol := e.made(t, volumeBody(`"name":"v"`))
	id := fmt.Sprint(vol["id"])
	retype := func(inner string) *client.Answer {
		t.Helper()
		return e.do(t, "POST", e.path("/volumes/"+id+"/action"), `{"os-retype":`+inner+`}`)
	}
	status(t, retype(`{"new_type":"`+to+`","migration_policy":"never"}`), 202)
	if settled, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || settled != "available" {
		t.Fatalf("it became %q (%v), want available", settled, err)
	}
	if got := e.volumeOf(t, id); got["volume_type"] != name || got["name"] != "v" || got["multiattach"] != false {
		t.Errorf("got %v, want the new type", got)
	}
	set := e.do(t, "GET", e.path("/os-quota-sets/"+e.Demo.ProjectID+"?usage=True"), nil).Under("quota_set")
	if line, _ := set["volumes_"+name].(map[string]any); fmt.Sprint(line["in_use"]) != "1" {
		t.Errorf("usage of the new type: got %v, want 1", line)
	}
	e.fault(t, retype(`{"new_type":"`+name+`"}`), 400, "badRequest") // its own
	e.fault(t, retype(`{"new_type":"nope"}`), 404, "itemNotFound")
	for _, bad := range []string{`{}`, `{"new_type":5}`, `{"new_type":"` + shared + `","migration_policy":"often"}`, `{"new_type":"` + shared + `","x":1}`, `[]`} {
		e.fault(t, retype(bad), 400, "badRequest")
	}
	status(t, retype(`{"new_type":"`+shared+`","migration_policy":"on-demand"}`), 202)
	if got := e.volumeOf(t, id); got["multiattach"] != true {
		t.Errorf("got %v, want multiattach of the type", got)
	}
	if err := e.Admin.ResetStatus(t.Context(), "volumes", id, "error"); err != nil {
		t.Fatalf("%v", err)
	}
	e.fault(t, retype(`{"new_type":"`+to+`"}`), 400, "badRequest")
	if err := e.Admin.ResetStatus(t.Context(), "volumes", id, "available"); err != nil {
		t.Fatalf("%v", err)
	}
	status(t, retype(`{"new_type":"`+to+`"}`), 202)
	project := "/os-quota-sets/" + e.Demo.ProjectID
	_, full := e.newType(t, "")
	status(t, e.admin(t, "PUT", project, `{"quota_set":{"volumes_`+full+`":0}}`), 200)
	e.fault(t, retype(`{"new_type":"`+full+`"}`), 413, "overLimit")
	if got := e.volumeOf(t, id); got["volume_type"] != name {
		t.Errorf("a refused change left %v", got["volume_type"])
	}
	e.fault(t, e.do(t, "POST", e.path("/volumes/"+unknownID+"/action"), `{"os-retype":{"new_type":"`+to+`"}}`), 404, "itemNotFound")
}
