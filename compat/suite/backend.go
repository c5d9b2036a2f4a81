package suite

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

func backendOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"pool.list", nil, poolList},
		{"capability.show", nil, capabilityShow},
		{"host.list", nil, hostList},
		{"host.show", nil, hostShow},
		{"host.update", nil, hostUpdate},
		{"volume.summary", v3, volumeSummary},
		{"resource_filter.list", v3, resourceFilterList},
		{"service.list", nil, serviceList},
		{"service.enable", nil, serviceSwitch},
		{"service.disable", nil, serviceSwitch},
		{"service.disable_reason", nil, serviceSwitch},
		{"service.freeze", nil, freeze},
		{"service.thaw", nil, freeze},
		{"service.failover_host", nil, replicationRefused},
		{"service.failover", v3, replicationRefused},
		{"service.get_log", v3, logLevels},
		{"service.set_log", v3, logLevels},
		{"cluster.list", v3, clusterList},
		{"cluster.list_details", v3, clusterList},
		{"cluster.show", v3, clusterList},
		{"cluster.enable", v3, clusterList},
		{"cluster.disable", v3, clusterList},
		{"worker.cleanup", v3, workerCleanup},
		{"message.list", v3, messages},
		{"message.show", v3, messages},
		{"message.delete", v3, messages},
	}
}

// at asks for a microversion.
func at(version string) client.Field {
	return client.Field{"OpenStack-API-Version", "volume " + version}
}

// admin sends a call as the administrator in their own project.
func (e *Env) admin(t T, method, path string, body any, fields ...client.Field) *client.Answer {
	t.Helper()
	e.needAdmin(t)
	return e.as(t, e.Admin, method, "/"+e.Version+"/"+e.Admin.ProjectID+path, body, fields...)
}

// rows are the objects of an answer's list.
func rows(a *client.Answer, key string) []map[string]any {
	list, _ := a.Object()[key].([]any)
	all := []map[string]any{}
	for _, one := range list {
		row, _ := one.(map[string]any)
		all = append(all, row)
	}
	return all
}

// forAdmins checks that a member is refused.
func (e *Env) forAdmins(t T, method, path string, body any, fields ...client.Field) {
	t.Helper()
	e.fault(t, e.do(t, method, e.path(path), body, fields...), 403, "forbidden")
}

func poolList(t T, e *Env) {
	e.forAdmins(t, "GET", "/scheduler-stats/get_pools", nil)
	a := e.admin(t, "GET", "/scheduler-stats/get_pools?detail=True", nil)
	status(t, a, 200)
	pools := rows(a, "pools")
	if len(pools) == 0 {
		t.Fatalf("got %s, want a pool", a)
	}
	for _, p := range pools {
		able, _ := p["capabilities"].(map[string]any)
		allocated, err := fmt.Sscan(fmt.Sprint(able["allocated_capacity_gb"]), new(float64))
		if allocated != 1 || err != nil || able["volume_backend_name"] == nil || able["free_capacity_gb"] == nil {
			t.Errorf("got %v, want figures", p)
		}
	}
	brief := rows(e.admin(t, "GET", "/scheduler-stats/get_pools", nil), "pools")
	if len(brief) != len(pools) || brief[0]["name"] != pools[0]["name"] || brief[0]["capabilities"] != nil {
		t.Errorf("got %v, want the names of %v alone", brief, pools)
	}
	if e.Version == "v3" {
		named := e.admin(t, "GET", "/scheduler-stats/get_pools?name=nothing", nil, at("3.28"))
		if named.Status != 200 || len(rows(named, "pools")) != 0 {
			t.Errorf("of another name: got %s, want none", named)
		}
		e.fault(t, e.admin(t, "GET", "/scheduler-stats/get_pools?bogus=1", nil, at("3.31")), 400, "badRequest")
	}
}

func capabilityShow(t T, e *Env) {
	host := e.backend(t)
	e.forAdmins(t, "GET", "/capabilities/"+host, nil)
	a := e.admin(t, "GET", "/capabilities/"+host, nil)
	status(t, a, 200)
	if name, _ := a.Object()["volume_backend_name"].(string); name == "" || !strings.HasSuffix(fmt.Sprint(a.Object()["namespace"]), host) {
		t.Errorf("got %s, want the backend's capabilities", a)
	}
	e.fault(t, e.admin(t, "GET", "/capabilities/nothing@here", nil), 404, "itemNotFound")
}

// backend is the host of cinder-volume.
func (e *Env) backend(t T) string {
	t.Helper()
	for _, s := range rows(e.admin(t, "GET", "/os-services?binary=cinder-volume", nil), "services") {
		if host, _ := s["host"].(string); host != "" {
			return host
		}
	}
	t.Fatalf("there is no cinder-volume")
	return ""
}

func hostList(t T, e *Env) {
	host := e.backend(t)
	e.forAdmins(t, "GET", "/os-hosts", nil)
	a := e.admin(t, "GET", "/os-hosts", nil)
	status(t, a, 200)
	if !slices.ContainsFunc(rows(a, "hosts"), func(h map[string]any) bool { return h["host_name"] == host && h["service-status"] == "available" }) {
		t.Errorf("got %s, want %s", a, host)
	}
	if other := rows(e.admin(t, "GET", "/os-hosts?zone=nowhere", nil), "hosts"); len(other) != 0 {
		t.Errorf("in another zone: got %v, want none", other)
	}
}

func hostShow(t T, e *Env) {
	host := e.backend(t)
	e.forAdmins(t, "GET", "/os-hosts/"+host, nil)
	a := e.admin(t, "GET", "/os-hosts/"+host, nil)
	status(t, a, 200)
	used := e.usage(t, e.path("/os-quota-sets/"+e.Demo.ProjectID+"?usage=1"))
	found := false
	for _, row := range rows(a, "host") {
		share, _ := row["resource"].(map[string]any)
		if share["project"] == e.Demo.ProjectID {
			found = share["volume_count"] == fmt.Sprint(used["volumes"]) && share["snapshot_count"] == fmt.Sprint(used["snapshots"])
		}
	}
	if !found {
		t.Errorf("got %s, want %v of the project", a, used)
	}
	e.fault(t, e.admin(t, "GET", "/os-hosts/nothing@here", nil), 404, "itemNotFound")
}

func volumeSummary(t T, e *Env) {
	before := e.do(t, "GET", e.path("/volumes/summary"), nil, at("3.36"))
	status(t, before, 200)
	e.ownVolume(t) // with metadata k: v
	a := e.do(t, "GET", e.path("/volumes/summary"), nil, at("3.36"))
	status(t, a, 200)
	sum, old := a.Under("volume-summary"), before.Under("volume-summary")
	number := func(v any) int64 { n, _ := v.(json.Number); i, _ := n.Int64(); return i }
	if number(sum["total_count"]) != number(old["total_count"])+1 || number(sum["total_size"]) != number(old["total_size"])+1 {
		t.Errorf("got %v after %v and a volume of 1 GB", sum, old)
	}
	items, _ := sum["metadata"].(map[string]any)
	if values, _ := items["k"].([]any); !slices.Contains(values, any("v")) {
		t.Errorf("metadata: got %v, want k with v", items)
	}
	named := e.do(t, "GET", e.path("/volumes/summary?name=no-such-volume"), nil, at("3.12"))
	if sum := named.Under("volume-summary"); number(sum["total_count"]) != 0 || sum["metadata"] != nil {
		t.Errorf("of another name: got %v, want none, and no metadata before 3.36", sum)
	}
	if a := e.do(t, "GET", e.path("/volumes/summary"), nil, at("3.11")); a.Status != 404 {
		t.Errorf("before 3.12: got %s, want 404", a)
	}
}

func resourceFilterList(t T, e *Env) {
	a := e.do(t, "GET", e.path("/resource_filters"), nil, at("3.33"))
	status(t, a, 200)
	for _, row := range rows(a, "resource_filters") {
		one := e.do(t, "GET", e.path("/resource_filters?resource="+fmt.Sprint(row["resource"])), nil, at("3.33"))
		if got := rows(one, "resource_filters"); len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(row) {
			t.Errorf("got %s, want %v", one, row)
		}
	}
	if len(rows(a, "resource_filters")) < 3 {
		t.Errorf("got %s, want several resources", a)
	}
	if none := rows(e.do(t, "GET", e.path("/resource_filters?resource=nothing"), nil, at("3.33")), "resource_filters"); len(none) != 0 {
		t.Errorf("of nothing: got %v", none)
	}
}

// messages: what failed is not to be had at will from outside; the rest is.
func messages(t T, e *Env) {
	a := e.do(t, "GET", e.path("/messages"), nil, at("3.3"))
	if _, ok := a.Object()["messages"].([]any); a.Status != 200 || !ok {
		t.Errorf("got %s, want a list", a)
	}
	if a := e.do(t, "GET", e.path("/messages?limit=1&sort=created_at:asc&resource_type=VOLUME"), nil, at("3.5")); a.Status != 200 {
		t.Errorf("got %s, want 200", a)
	}
	e.fault(t, e.do(t, "GET", e.path("/messages?bogus=1"), nil, at("3.31")), 400, "badRequest")
	e.fault(t, e.do(t, "GET", e.path("/messages?limit=x"), nil, at("3.5")), 400, "badRequest")
	e.fault(t, e.do(t, "GET", e.path("/messages/"+unknownID), nil, at("3.3")), 404, "itemNotFound")
	e.fault(t, e.do(t, "DELETE", e.path("/messages/"+unknownID), nil, at("3.3")), 404, "itemNotFound")
	if a := e.do(t, "GET", e.path("/messages"), nil, at("3.2")); a.Status != 404 {
		t.Errorf("before 3.3: got %s, want 404", a)
	}
}

// hostUpdate only enables what is enabled: others make volumes beside this.
func hostUpdate(t T, e *Env) {
	host := e.backend(t)
	e.forAdmins(t, "PUT", "/os-hosts/"+host, `{"status":"enable"}`)
	a := e.admin(t, "PUT", "/os-hosts/"+host, `{"status":"enable"}`)
	if a.Status != 200 || a.Object()["status"] != "enabled" {
		t.Errorf("got %s, want it enabled", a)
	}
	e.fault(t, e.admin(t, "PUT", "/os-hosts/nothing@here", `{"status":"enable"}`), 404, "itemNotFound")
	for _, bad := range []string{`{}`, `{"status":"off"}`, `{"status":5}`, `{"bogus":"enable"}`} {
		e.fault(t, e.admin(t, "PUT", "/os-hosts/"+host, bad), 400, "badRequest")
	}
}
