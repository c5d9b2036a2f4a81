package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

func serviceList(t T, e *Env) {
	e.forAdmins(t, "GET", "/os-services", nil)
	a := e.admin(t, "GET", "/os-services", nil)
	status(t, a, 200)
	for _, s := range rows(a, "services") {
		if s["state"] != "up" || s["host"] == "" || s["binary"] == "" || s["zone"] == "" {
			t.Errorf("got %v, want it up, with host, binary and zone", s)
		}
		if _, there := s["cluster"]; there {
			t.Errorf("got %v: cluster comes with 3.7", s)
		}
	}
	host := e.backend(t)
	for query, want := range map[string]int{"?host=" + host: 1, "?binary=cinder-volume": 1, "?host=nothing": 0, "?binary=nova-compute": 0} {
		if got := rows(e.admin(t, "GET", "/os-services"+query, nil), "services"); len(got) != want {
			t.Errorf("%s: got %v, want %d", query, got, want)
		}
	}
}

// serviceSwitch takes the scheduler out and in: without cinder-volume others that
// run beside this could make no volumes.
func serviceSwitch(t T, e *Env) {
	scheduler := rows(e.admin(t, "GET", "/os-services?binary=cinder-scheduler", nil), "services")
	if len(scheduler) == 0 {
		t.Fatalf("there is no cinder-scheduler")
	}
	host := fmt.Sprint(scheduler[0]["host"])
	body := map[string]any{"host": host, "binary": "cinder-scheduler"}
	e.forAdmins(t, "PUT", "/os-services/disable", body)
	state := func() (any, any) {
		one := rows(e.admin(t, "GET", "/os-services?binary=cinder-scheduler", nil), "services")[0]
		return one["status"], one["disabled_reason"]
	}
	status(t, e.admin(t, "PUT", "/os-services/disable-log-reason", map[string]any{"host": host, "binary": "cinder-scheduler", "disabled_reason": "repairs"}), 200)
	if is, why := state(); is != "disabled" || why != "repairs" {
		t.Errorf("after disable-log-reason: %v, %v", is, why)
	}
	a := e.admin(t, "PUT", "/os-services/enable", body)
	status(t, a, 200)
	if is, why := state(); is != "enabled" || why != nil || a.Object()["disabled"] != false {
		t.Errorf("after enable: %v, %v, %s", is, why, a)
	}
	status(t, e.admin(t, "PUT", "/os-services/disable", body), 200)
	if is, why := state(); is != "disabled" || why != nil {
		t.Errorf("after disable: %v, %v", is, why)
	}
	status(t, e.admin(t, "PUT", "/os-services/enable", body), 200)
	e.fault(t, e.admin(t, "PUT", "/os-services/disable", `{"host":"nothing","binary":"cinder-volume"}`), 404, "itemNotFound")
	for _, bad := range []string{`{}`, `[]`, `{"host":"h"}`, `{"binary":"cinder-volume"}`, `{"host":5,"binary":"b"}`, `{"host":"h","binary":"b","bogus":1}`} {
		e.fault(t, e.admin(t, "PUT", "/os-services/disable", bad), 400, "badRequest")
	}
}

func freeze(t T, e *Env) {
	vol := e.ownVolume(t)
	host := map[string]any{"host": e.backend(t)}
	state := func() (status, reason, frozen any) {
		for _, row := range rows(e.admin(t, "GET", "/os-services?binary=cinder-volume", nil), "services") {
			status, reason, frozen = row["status"], row["disabled_reason"], row["frozen"]
		}
		return
	}
	for _, word := range []string{"freeze", "thaw"} {
		e.forAdmins(t, "PUT", "/os-services/"+word, host)
		for _, bad := range []any{map[string]any{"host": "nothing"}, `{}`, `[]`, `{"host":5}`, map[string]any{"host": host["host"], "bogus": 1}} {
			e.fault(t, e.admin(t, "PUT", "/os-services/"+word, bad), 400, "badRequest")
		}
	}
	e.fault(t, e.admin(t, "PUT", "/os-services/thaw", host), 400, "badRequest") // it is not frozen
	afterwards(t, func(ctx context.Context) error {
		_, err := e.Admin.Do(ctx, client.Request{Method: "PUT", Path: e.adminPath("/os-services/thaw"), Body: host})
		return err
	})
	status(t, e.admin(t, "PUT", "/os-services/freeze", host), 200)
	if is, why, frozen := state(); is != "disabled" || why != "frozen" || frozen != true {
		t.Errorf("after freeze: %v, %v, %v", is, why, frozen)
	}
	e.fault(t, e.admin(t, "PUT", "/os-services/freeze", host), 400, "badRequest") // twice
	e.fault(t, e.do(t, "POST", e.path("/snapshots"), map[string]any{"snapshot": map[string]any{"volume_id": vol}}), 400, "badRequest")
	e.fault(t, e.do(t, "DELETE", e.path("/volumes/"+vol), nil), 400, "badRequest")
	status(t, e.do(t, "PUT", e.path("/volumes/"+vol), `{"volume":{"name":"w"}}`), 200) // what is only in the row
	status(t, e.admin(t, "PUT", "/os-services/thaw", host), 200)
	if is, why, frozen := state(); is != "enabled" || why != nil || frozen != false {
		t.Errorf("after thaw: %v, %v, %v", is, why, frozen)
	}
	if err := e.Demo.Delete(t.Context(), "volumes", vol); err != nil {
		t.Errorf("after thaw: %v", err)
	}
}

func replicationRefused(t T, e *Env) {
	host := e.backend(t)
	e.forAdmins(t, "PUT", "/os-services/failover_host", map[string]any{"host": host})
	e.fault(t, e.admin(t, "PUT", "/os-services/failover_host", map[string]any{"host": host}), 400, "badRequest")
	if e.Version == "v3" {
		e.fault(t, e.admin(t, "PUT", "/os-services/failover", map[string]any{"host": host, "backend_id": "b"}, at("3.26")), 400, "badRequest")
	}
}

func logLevels(t T, e *Env) {
	e.forAdmins(t, "PUT", "/os-services/get-log", `{}`, at("3.32"))
	e.forAdmins(t, "PUT", "/os-services/set-log", `{"level":"DEBUG"}`, at("3.32"))
	level := func() string {
		a := e.admin(t, "PUT", "/os-services/get-log", `{"binary":"cinder-api"}`, at("3.32"))
		status(t, a, 200)
		for _, row := range rows(a, "log_levels") {
			levels, _ := row["levels"].(map[string]any)
			for _, word := range levels {
				return fmt.Sprint(word)
			}
		}
		t.Fatalf("got %s, want a level", a)
		return ""
	}
	before := level()
	for _, word := range []string{"warning", before} {
		status(t, e.admin(t, "PUT", "/os-services/set-log", map[string]any{"level": word}, at("3.32")), 202)
		if got := level(); got != strings.ToUpper(word) {
			t.Errorf("set to %s: got %s", word, got)
		}
	}
	for _, bad := range []string{`{}`, `{"level":"LOUD"}`, `{"level":5}`, `{"level":"INFO","binary":"nova-api"}`, `{"level":"INFO","bogus":1}`} {
		e.fault(t, e.admin(t, "PUT", "/os-services/set-log", bad, at("3.32")), 400, "badRequest")
	}
}

func clusterList(t T, e *Env) {
	e.forAdmins(t, "GET", "/clusters", nil, at("3.7"))
	for _, path := range []string{"/clusters", "/clusters/detail?is_up=true"} {
		a := e.admin(t, "GET", path, nil, at("3.7"))
		if list, ok := a.Object()["clusters"].([]any); a.Status != 200 || !ok || len(list) != 0 {
			t.Errorf("%s: got %s, want an empty list", path, a)
		}
	}
	e.fault(t, e.admin(t, "GET", "/clusters?bogus=1", nil, at("3.7")), 400, "badRequest")
	e.fault(t, e.admin(t, "GET", "/clusters/c", nil, at("3.7")), 404, "itemNotFound")
	for _, word := range []string{"enable", "disable"} {
		e.fault(t, e.admin(t, "PUT", "/clusters/"+word, `{"name":"c"}`, at("3.7")), 404, "itemNotFound")
		e.fault(t, e.admin(t, "PUT", "/clusters/"+word, `{}`, at("3.7")), 400, "badRequest")
	}
}

func workerCleanup(t T, e *Env) {
	e.forAdmins(t, "POST", "/workers/cleanup", `{}`, at("3.24"))
	a := e.admin(t, "POST", "/workers/cleanup", `{"is_up":true,"resource_type":"Volume"}`, at("3.24"))
	if _, told := a.Object()["cleaning"].([]any); a.Status != 202 || !told {
		t.Errorf("got %s, want what is cleaned up", a)
	}
	for _, bad := range []string{`{"resource_type":"Server"}`, `{"binary":"nova"}`, `{"is_up":"maybe"}`, `{"resource_id":"x"}`, `{"bogus":1}`, `{"resource_id":"` + unknownID + `"}`} {
		e.fault(t, e.admin(t, "POST", "/workers/cleanup", bad, at("3.24")), 400, "badRequest")
	}
}
