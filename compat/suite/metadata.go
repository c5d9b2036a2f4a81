package suite

import (
	"fmt"
	"strings"
)

// metadataOperations are the six calls on the metadata of snapshots and volumes.
func metadataOperations() []Operation {
	var all []Operation
	for _, plural := range []string{"snapshots", "volumes"} {
		noun := strings.TrimSuffix(plural, "s")
		for name, run := range map[string]func(T, *Env, string){
			"list": metadataList, "merge": metadataMerge, "replace": metadataReplace,
			"show": metadataShow, "set": metadataSet, "drop": metadataDrop,
		} {
			all = append(all, Operation{Name: noun + ".metadata." + name, Run: func(t T, e *Env) {
				run(t, e, e.path("/"+plural+"/"+e.holder(t, plural)+"/metadata"))
			}})
		}
	}
	return all
}

// holder is a fresh object with the metadata {k: v}.
func (e *Env) holder(t T, plural string) string {
	t.Helper()
	if plural == "volumes" {
		return e.ownVolume(t)
	}
	return e.subject(t).id
}

// holds checks all metadata at path.
func (e *Env) holds(t T, path string, want map[string]any) {
	t.Helper()
	a := e.do(t, "GET", path, nil)
	if got := a.Under("metadata"); a.Status != 200 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("metadata: got %s, want %v", a, want)
	}
}

func metadataList(t T, e *Env, path string) {
	e.holds(t, path, map[string]any{"k": "v"})
	a := e.do(t, "GET", e.path("/snapshots/"+unknownID+"/metadata"), nil)
	e.fault(t, a, 404, "itemNotFound")
}

func metadataMerge(t T, e *Env, path string) {
	status(t, e.do(t, "POST", path, `{"metadata":{"k":"changed","new":"n"}}`), 200)
	e.holds(t, path, map[string]any{"k": "changed", "new": "n"})
	status(t, e.do(t, "POST", path, `{"metadata":{}}`), 200)
	e.holds(t, path, map[string]any{"k": "changed", "new": "n"})
	for _, bad := range []string{`{"metadata":null}`, `{"metadata":{"":"v"}}`, `{"metadata":{"a":1}}`, `{"meta":{"a":"b"}}`, `{}`, `nope`} {
		e.fault(t, e.do(t, "POST", path, bad), 400, "badRequest")
	}
	e.holds(t, path, map[string]any{"k": "changed", "new": "n"})
}

func metadataReplace(t T, e *Env, path string) {
	a := e.do(t, "PUT", path, `{"metadata":{"only":"this"}}`)
	status(t, a, 200)
	e.holds(t, path, map[string]any{"only": "this"})
	status(t, e.do(t, "PUT", path, `{"metadata":{}}`), 200)
	e.holds(t, path, map[string]any{})
}

func metadataShow(t T, e *Env, path string) {
	a := e.do(t, "GET", path+"/k", nil)
	if a.Status != 200 || a.Under("meta")["k"] != "v" {
		t.Errorf("got %s, want {meta: {k: v}}", a)
	}
	e.fault(t, e.do(t, "GET", path+"/zzz", nil), 404, "itemNotFound")
	e.fault(t, e.do(t, "GET", path+"/K", nil), 404, "itemNotFound")
}

func metadataSet(t T, e *Env, path string) {
	a := e.do(t, "PUT", path+"/k", `{"meta":{"k":"set"}}`)
	if a.Status != 200 || a.Under("meta")["k"] != "set" {
		t.Errorf("got %s, want {meta: {k: set}}", a)
	}
	status(t, e.do(t, "PUT", path+"/c", `{"meta":{"c":"3"}}`), 200)
	e.holds(t, path, map[string]any{"k": "set", "c": "3"})
	for _, bad := range []string{`{"meta":{"b":"x"}}`, `{"meta":{"k":"x","b":"y"}}`, `{"meta":{}}`, `{"metadata":{"k":"x"}}`, `{"meta":{"k":1}}`} {
		e.fault(t, e.do(t, "PUT", path+"/k", bad), 400, "badRequest")
	}
	e.holds(t, path, map[string]any{"k": "set", "c": "3"})
}

func metadataDrop(t T, e *Env, path string) {
	status(t, e.do(t, "DELETE", path+"/k", nil), 200)
	e.holds(t, path, map[string]any{})
	e.fault(t, e.do(t, "DELETE", path+"/k", nil), 404, "itemNotFound")
}
