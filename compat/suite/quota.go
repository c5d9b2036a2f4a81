package suite

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// quotaOperations are the calls on quotas that change or describe them.
func quotaOperations() []Operation {
	return []Operation{
		{"quota.reset", nil, quotaReset},
		{"quota_class.show", nil, quotaClass},
		{"quota_class.update", nil, quotaClass},
		{"volume.explain", nil, explain},
		{"snapshot.explain", nil, explain},
	}
}

func quotaReset(t T, e *Env) {
	e.needAdmin(t)
	const nobody = "00000000000000000000000000000abc" // no project: its quota is kept all the same
	path := "/os-quota-sets/" + nobody
	defaults := e.admin(t, "GET", path+"/defaults", nil).Under("quota_set")
	status(t, e.admin(t, "PUT", path, `{"quota_set":{"volumes":77,"gigabytes":-1}}`), 200)
	if got := e.admin(t, "GET", path, nil).Under("quota_set"); fmt.Sprint(got["volumes"]) != "77" || fmt.Sprint(got["gigabytes"]) != "-1" {
		t.Errorf("set: got %v", got)
	}
	e.fault(t, e.do(t, "DELETE", e.path(path), nil), 403, "forbidden")
	e.fault(t, e.do(t, "GET", e.path(path), nil), 403, "forbidden")
	e.fault(t, e.do(t, "GET", e.path(path+"/defaults"), nil), 403, "forbidden")
	status(t, e.admin(t, "DELETE", path, nil), 200)
	got := e.admin(t, "GET", path, nil).Under("quota_set")
	for _, name := range quotas {
		if fmt.Sprint(got[name]) != fmt.Sprint(defaults[name]) {
			t.Errorf("%s after a reset: got %v, want %v", name, got[name], defaults[name])
		}
	}
	long := "/os-quota-sets/" + strings.Repeat("p", 256)
	e.fault(t, e.admin(t, "PUT", long, `{"quota_set":{"volumes":1}}`), 400, "badRequest")
	e.belowUsage(t)
}

// belowUsage: a limit below what is used is taken only when the check is waived.
func (e *Env) belowUsage(t T) {
	t.Helper()
	mine := "/os-quota-sets/" + e.Demo.ProjectID
	before := fmt.Sprint(e.do(t, "GET", e.path(mine), nil).Under("quota_set")["volumes"])
	afterwards(t, func(ctx context.Context) error {
		_, err := e.Admin.Do(ctx, client.Request{Method: "PUT", Path: e.adminPath(mine), Body: `{"quota_set":{"volumes":` + before + `}}`})
		return err
	})
	e.fault(t, e.admin(t, "PUT", mine, `{"quota_set":{"volumes":0}}`), 400, "badRequest") // the suite's own volume
	e.fault(t, e.admin(t, "PUT", mine, `{"quota_set":{"volumes":0},"skip_validation":"False"}`), 400, "badRequest")
	e.fault(t, e.admin(t, "PUT", mine, `{"quota_set":{"volumes":0},"skip_validation":"perhaps"}`), 400, "badRequest")
	if got := fmt.Sprint(e.do(t, "GET", e.path(mine), nil).Under("quota_set")["volumes"]); got != before {
		t.Errorf("a refused limit was set: %s, want %s", got, before)
	}
	status(t, e.admin(t, "PUT", mine, `{"quota_set":{"volumes":0},"skip_validation":true}`), 200)
	e.fault(t, e.do(t, "POST", e.path("/volumes"), volumeBody(`"name":"v"`)), 413, "overLimit")
	status(t, e.admin(t, "PUT", mine, `{"quota_set":{"volumes":`+before+`}}`), 200)
}

// quotaClass: the class default holds every project's defaults.
func quotaClass(t T, e *Env) {
	e.needAdmin(t)
	const path = "/os-quota-class-sets/default"
	const nobody = "/os-quota-sets/00000000000000000000000000000def"
	a := e.admin(t, "GET", path, nil)
	status(t, a, 200)
	before, isNumber := a.Under("quota_class_set")["backups"].(json.Number)
	if !isNumber || a.Under("quota_class_set")["id"] != "default" {
		t.Fatalf("got %s, want limits and the id", a)
	}
	afterwards(t, func(ctx context.Context) error {
		_, err := e.Admin.Do(ctx, client.Request{Method: "PUT", Path: e.adminPath(path), Body: `{"quota_class_set":{"backups":` + before.String() + `}}`})
		return err
	})
	a = e.admin(t, "PUT", path, `{"quota_class_set":{"backups":41,"class_name":"default"}}`)
	status(t, a, 200)
	if got := fmt.Sprint(a.Under("quota_class_set")["backups"]); got != "41" {
		t.Errorf("update: got %s, want 41", got)
	}
	for _, of := range []string{nobody, nobody + "/defaults"} {
		if got := fmt.Sprint(e.admin(t, "GET", of, nil).Under("quota_set")["backups"]); got != "41" {
			t.Errorf("GET %s: got %s, want 41", of, got)
		}
	}
	status(t, e.admin(t, "PUT", "/os-quota-class-sets/suite", `{"quota_class_set":{"backups":3}}`), 200)
	if got := fmt.Sprint(e.admin(t, "GET", nobody, nil).Under("quota_set")["backups"]); got != "41" {
		t.Errorf("another class counts for a project: got %s", got)
	}
	for _, bad := range []string{`{"quota_class_set":{"bogus":1}}`, `{"quota_class_set":{"backups":-2}}`, `{"quota_class_set":[]}`, `{}`} {
		e.fault(t, e.admin(t, "PUT", path, bad), 400, "badRequest")
	}
	e.fault(t, e.do(t, "GET", e.path(path), nil), 403, "forbidden")
	e.fault(t, e.do(t, "PUT", e.path(path), `{"quota_class_set":{"backups":1}}`), 403, "forbidden")
}

// explain is ours: why an object is as it is, and what can be done.
func explain(t T, e *Env) {
	s := e.subject(t)
	for noun, id := range map[string]string{"volume": e.volume, "snapshot": s.id} {
		path := "/" + noun + "s/" + id + "/explain"
		a := e.do(t, "GET", e.path(path), nil)
		status(t, a, 200)
		got := a.Under("explanation")
		if got["object"] != noun || got["id"] != id || got["status"] != "available" || got["held_by"] != nil {
			t.Errorf("got %s, want an available %s that nobody holds", a, noun)
		}
		if words, _ := got["you_can"].([]any); len(words) == 0 {
			t.Errorf("you_can: got %v, want something to do", got["you_can"])
		}
		e.fault(t, e.do(t, "GET", e.path("/"+noun+"s/"+unknownID+"/explain"), nil), 404, "itemNotFound")
		if e.Other != nil {
			e.fault(t, e.as(t, e.Other, "GET", "/"+e.Version+"/"+e.Other.ProjectID+path, nil), 404, "itemNotFound")
		}
	}
}
