package suite

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

// nativeOperations are the native EVS families. Source: EVS API 1.3 to 1.6.
func nativeOperations() []Operation {
	v2 := []string{"v2"}
	return []Operation{
		{"cloudsnapshot.create", v2, nativeSnapshotLife},
		{"cloudsnapshot.delete", v2, nativeSnapshotLife},
		{"cloudsnapshot.list", v2, nativeSnapshotList},
		{"cloudvolume.list", v2, func(t T, e *Env) { e.nativeVolumeList(t, "/v2", "/cloudvolumes") }},
		{"cloudvolume.list_details", v2, func(t T, e *Env) { e.nativeVolumeList(t, "/v2", "/cloudvolumes/detail") }},
		{"cloudvolume.vendor_list", nil, func(t T, e *Env) { e.nativeVolumeList(t, "/"+e.Version, "/os-vendor-volumes/detail") }},
		{"cloudvolume.show", v2, func(t T, e *Env) { e.nativeVolumeShow(t, "/v2", "/cloudvolumes/") }},
		{"cloudvolume.vendor_show", nil, func(t T, e *Env) { e.nativeVolumeShow(t, "/"+e.Version, "/os-vendor-volumes/") }},
		{"cloudvolume.update", v2, nativeVolumeUpdate},
		{"cloudvolume.extend", v2, func(t T, e *Env) { e.nativeVolumeExtend(t, "/v2", 200) }},
		{"cloudvolume.extend_v21", v2, func(t T, e *Env) { e.nativeVolumeExtend(t, "/v2.1", 202) }},
		{"cloudvolume.delete", v2, nativeVolumeDelete},
		{"job.show", v2, nativeJob},
		{"replication.create", v2, noReplication}, {"replication.list", v2, noReplication},
		{"replication.show", v2, noReplication}, {"replication.delete", v2, noReplication},
		{"replication_group.create", v2, noReplication}, {"replication_group.list", v2, noReplication},
		{"replication_group.show", v2, noReplication}, {"replication_group.update", v2, noReplication},
		{"replication_group.delete", v2, noReplication}, {"replication_group.action", v2, noReplication},
	}
}

// native is a path of a native family.
func (e *Env) native(version, rest string) string { return version + "/" + e.Demo.ProjectID + rest }

// refusal checks a native fault: {"error":{"code":"EVS.nnnn","message":…}}.
func (e *Env) refusal(t T, a *client.Answer, wantStatus int, code string) {
	t.Helper()
	got := a.Under("error")
	if text, _ := got["message"].(string); a.Status != wantStatus || got["code"] != code || text == "" {
		t.Errorf("got %s, want %d with code %s and a message", a, wantStatus, code)
	}
}

// finished waits for a job of the native family and gives it.
func (e *Env) finished(t T, a *client.Answer, version string) map[string]any {
	t.Helper()
	id, _ := a.Object()["job_id"].(string)
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) {
		t.Fatalf("got %s, want a job_id", a)
	}
	for end := time.Now().Add(20 * time.Second); ; {
		got := e.do(t, "GET", e.native(version, "/jobs/"+id), nil)
		status(t, got, 200)
		job := got.Object()
		switch job["status"] {
		case "SUCCESS":
			return job
		case "INIT", "RUNNING":
		default:
			t.Fatalf("the job became %v", job)
		}
		if time.Now().After(end) {
			t.Fatalf("the job is still %v", job)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%v", t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func nativeSnapshotLife(t T, e *Env) {
	all := e.native("/v2", "/cloudsnapshots")
	e.refusal(t, e.do(t, "POST", all, `{"snapshot":{}}`), 400, "EVS.5400")
	e.refusal(t, e.do(t, "POST", all, `{"snapshot":{"volume_id":"`+unknownID+`"}}`), 404, "EVS.5404")
	e.refusal(t, e.do(t, "POST", all, `{"snapshot":{"volume_id":"`+e.volume+`","name":"`+strings.Repeat("n", 256)+`"}}`), 400, "EVS.5400")
	a := e.do(t, "POST", all, `{"snapshot":{"volume_id":"`+e.volume+`","name":"native","description":"d","metadata":{"k":"v"}}}`)
	status(t, a, 202)
	made := a.Under("snapshot")
	id, _ := made["id"].(string)
	if made["status"] != "creating" || made["name"] != "native" || made["volume_id"] != e.volume {
		t.Errorf("got %v", made)
	}
	if settled, err := e.Demo.Settle(t.Context(), "snapshots", id); err != nil || settled != "available" {
		t.Fatalf("it became %q (%v), want available", settled, err)
	}
	if got := e.do(t, "GET", e.path("/snapshots/"+id), nil).Under("snapshot"); got["name"] != "native" || fmt.Sprint(got["metadata"]) != "map[k:v]" {
		t.Errorf("the other family shows %v", got)
	}
	a = e.do(t, "DELETE", all+"/"+id, nil)
	status(t, a, 202)
	if len(a.Body) != 0 {
		t.Errorf("a deletion answers %s, want nothing", a)
	}
	if a := e.do(t, "DELETE", all+"/"+id, nil); a.Status == 400 {
		e.refusal(t, a, 400, "EVS.1047") // still deleting
	} else {
		e.refusal(t, a, 404, "EVS.5404")
	}
}

func nativeSnapshotList(t T, e *Env) {
	volume := e.ownVolume(t)
	older, newer := e.subjectOf(t, volume), e.subjectOf(t, volume)
	list := e.native("/v2", "/cloudsnapshots/detail?volume_id="+volume)
	a := e.do(t, "GET", list, nil)
	status(t, a, 200)
	e.holdsRows(t, a, "snapshots", 2, newer.id, older.id)
	row := rowsOf(a, "snapshots")[0]
	for key, want := range map[string]any{"service_type": "EVS", "dedicated_storage_id": nil, "os-extended-snapshot-attributes:progress": "100%"} {
		if got, there := row[key]; !there || got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	e.holdsRows(t, e.do(t, "GET", list+"&id="+older.id+"&id="+unknownID, nil), "snapshots", 1, older.id)
	e.holdsRows(t, e.do(t, "GET", list+"&limit=1&offset=1", nil), "snapshots", 2, older.id)
	first := e.do(t, "GET", list+"&limit=1", nil)
	e.holdsRows(t, first, "snapshots", 2, newer.id)
	if links, _ := first.Object()["snapshots_links"].([]any); len(links) != 1 {
		t.Errorf("no link to the next page: %s", first)
	}
	e.holdsRows(t, e.do(t, "GET", list+"&limit=1&marker="+newer.id, nil), "snapshots", 2, older.id)
	e.holdsRows(t, e.do(t, "GET", list+"&service_type=DSS", nil), "snapshots", 0)
	e.holdsRows(t, e.do(t, "GET", list+"&limit=1&availability_zone=az1", nil), "snapshots", 2, newer.id)
	e.refusal(t, e.do(t, "GET", list+"&availability_zone=mars", nil), 400, "EVS.1041")
	e.badLists(t, list+"&")
}

// rowsOf are the objects of a list.
func rowsOf(a *client.Answer, key string) []map[string]any {
	var rows []map[string]any
	list, _ := a.Object()[key].([]any)
	for _, item := range list {
		row, _ := item.(map[string]any)
		rows = append(rows, row)
	}
	return rows
}

// holdsRows checks the ids of a list, in order, and its count.
func (e *Env) holdsRows(t T, a *client.Answer, key string, count int, ids ...string) {
	t.Helper()
	status(t, a, 200)
	var got []string
	for _, row := range rowsOf(a, key) {
		got = append(got, fmt.Sprint(row["id"]))
	}
	if fmt.Sprint(got) != fmt.Sprint(ids) || fmt.Sprint(a.Object()["count"]) != fmt.Sprint(count) {
		t.Errorf("got %v and count %v, want %v and %d", got, a.Object()["count"], ids, count)
	}
}

// badLists tries what native lists refuse. Source: evs-errors 5.
func (e *Env) badLists(t T, list string) {
	t.Helper()
	for query, code := range map[string]string{
		"limit=0": "EVS.1023", "limit=x": "EVS.1023", "limit=-1": "EVS.1023", "limit=1001": "EVS.2142",
		"marker=none": "EVS.1024", "sort_key=colour": "EVS.1039", "sort_dir=up": "EVS.1040", "offset=-1": "EVS.5400",
	} {
		e.refusal(t, e.do(t, "GET", list+query, nil), 400, code)
	}
}

func (e *Env) nativeVolumeList(t T, version, path string) {
	id := e.ownVolume(t)
	list := e.native(version, path)
	a := e.do(t, "GET", list+"?id="+id, nil)
	e.holdsRows(t, a, "volumes", 1, id)
	e.nativeVolume(t, rowsOf(a, "volumes")[0], id)
	e.holdsRows(t, e.do(t, "GET", list+"?ids=['"+id+"','"+unknownID+"']&status=available", nil), "volumes", 1, id)
	e.holdsRows(t, e.do(t, "GET", list+"?ids="+id+"&multiattach=true", nil), "volumes", 0)
	e.refusal(t, e.do(t, "GET", list+"?ids="+strings.Repeat(unknownID+",", 60)+id, nil), 400, "EVS.2228")
	e.refusal(t, e.do(t, "GET", list+"?availability_zone=mars", nil), 400, "EVS.1041")
	e.refusal(t, e.do(t, "GET", list+"?metadata=x", nil), 400, "EVS.1058")
	e.refusal(t, e.do(t, "GET", list+"?limit=1&metadata=%zz", nil), 400, "EVS.1025")
	e.refusal(t, e.do(t, "GET", list+"?name=%zz", nil), 400, "EVS.5400")
	e.badLists(t, list+"?")
}

// nativeVolume checks the types of what is shown of a disk. Source: EVS 6.2, 7.3.
func (e *Env) nativeVolume(t T, v map[string]any, id string) {
	t.Helper()
	for key, want := range map[string]any{"id": id, "service_type": "EVS", "bootable": "false", "enterprise_project_id": "0",
		"dedicated_storage_id": nil, "dedicated_storage_name": nil, "os-vol-tenant-attr:tenant_id": e.Demo.ProjectID, "shareable": "false"} {
		if got, there := v[key]; !there || got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	for _, key := range []string{"wwn", "serial_number", "created_at", "volume_type", "availability_zone"} {
		if text, _ := v[key].(string); text == "" {
			t.Errorf("%s is %v, want a string", key, v[key])
		}
	}
	for _, key := range []string{"tags", "metadata"} {
		if _, is := v[key].(map[string]any); !is {
			t.Errorf("%s is %v, want an object", key, v[key])
		}
	}
	if _, is := v["attachments"].([]any); !is {
		t.Errorf("attachments is %v, want a list", v["attachments"])
	}
}

func (e *Env) nativeVolumeShow(t T, version, path string) {
	a := e.do(t, "GET", e.native(version, path+e.volume), nil)
	status(t, a, 200)
	e.nativeVolume(t, a.Under("volume"), e.volume)
	e.refusal(t, e.do(t, "GET", e.native(version, path+unknownID), nil), 404, "EVS.5404")
	if e.Other != nil {
		if a := e.as(t, e.Other, "GET", version+"/"+e.Other.ProjectID+path+e.volume, nil); a.Status != 404 {
			t.Errorf("a stranger got %s, want 404", a)
		}
	}
}

func nativeVolumeUpdate(t T, e *Env) {
	id := e.ownVolume(t)
	path := e.native("/v2", "/cloudvolumes/"+id)
	for body, code := range map[string]string{
		`{}`: "EVS.1001", `{"volume":{}}`: "EVS.1007", `{"volume":{"name":null,"description":null}}`: "EVS.1007", `{"volume":{"name":5}}`: "EVS.1003",
		`{"volume":{"description":"` + strings.Repeat("d", 256) + `"}}`: "EVS.1004",
	} {
		e.refusal(t, e.do(t, "PUT", path, body), 400, code)
	}
	a := e.do(t, "PUT", path, `{"volume":{"name":"native","description":null}}`)
	status(t, a, 200)
	if got := a.Object(); got["name"] != "native" || got["description"] != nil || got["id"] != id {
		t.Errorf("got %s, want the disk without a wrapper", a)
	}
	if got := e.volumeOf(t, id); got["name"] != "native" {
		t.Errorf("the other family shows %v", got)
	}
	status(t, e.do(t, "PUT", path, `{"volume":{"name":null,"description":"told"}}`), 200)
	if got := e.volumeOf(t, id); got["name"] != "native" || got["description"] != "told" {
		t.Errorf("after a name of null the disk is %v, want the name as it was", got)
	}
}

func (e *Env) nativeVolumeExtend(t T, version string, ok int) {
	id := e.ownVolume(t)
	path := e.native(version, "/cloudvolumes/"+id+"/action")
	for body, code := range map[string]string{
		"": "EVS.1011", `{"os-extend":null}`: "EVS.1011", `{}`: "EVS.5400", `{"os-shrink":{}}`: "EVS.5400", `{"os-extend":{}}`: "EVS.1015", `{"os-extend":{"new_size":1}}`: "EVS.1015", `{"os-extend":{"new_size":"x"}}`: "EVS.1015",
		`{"os-extend":{"new_size":-1}}`: "EVS.1015", `{"os-extend":{"new_size":32769}}`: "EVS.1010", `{"os-extend":{"new_size":1e30}}`: "EVS.1010",
	} {
		e.refusal(t, e.do(t, "POST", path, body), 400, code)
	}
	a := e.do(t, "POST", path, `{"os-extend":{"new_size":2}}`)
	status(t, a, ok)
	job := e.finished(t, a, "/v2")
	if entities, _ := job["entities"].(map[string]any); job["job_type"] != "extendVolume" || entities["volume_id"] != id || fmt.Sprint(entities["size"]) != "2" {
		t.Errorf("the job is %v", job)
	}
	if got := e.volumeOf(t, id); fmt.Sprint(got["size"]) != "2" {
		t.Errorf("the size is %v, want 2", got["size"])
	}
	e.extensionRules(t, version)
}

func nativeVolumeDelete(t T, e *Env) {
	a := e.do(t, "POST", e.path("/volumes"), `{"volume":{"size":1}}`)
	status(t, a, 202)
	id, _ := a.Under("volume")["id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "volumes", id) })
	if settled, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || settled != "available" {
		t.Fatalf("it became %q (%v), want available", settled, err)
	}
	a = e.do(t, "DELETE", e.native("/v2", "/cloudvolumes/"+id), nil)
	status(t, a, 200)
	job := e.finished(t, a, "/v1")
	if job["job_type"] != "deleteVolume" || job["error_code"] != nil || job["end_time"] == "" {
		t.Errorf("the job is %v", job)
	}
	e.refusal(t, e.do(t, "DELETE", e.native("/v2", "/cloudvolumes/"+id), nil), 404, "EVS.5404")
}

func nativeJob(t T, e *Env) {
	id := e.ownVolume(t)
	a := e.do(t, "POST", e.native("/v2", "/cloudvolumes/"+id+"/action"), `{"os-extend":{"new_size":2}}`)
	status(t, a, 200)
	for _, version := range []string{"/v1", "/v2"} {
		job := e.finished(t, a, version)
		for key, pattern := range map[string]string{
			"job_id": `^[0-9a-f]{32}$`, "job_type": `^extendVolume$`, "status": `^SUCCESS$`,
			"begin_time": `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, "end_time": `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`,
		} {
			if text, _ := job[key].(string); !regexp.MustCompile(pattern).MatchString(text) {
				t.Errorf("%s: %s is %v", version, key, job[key])
			}
		}
		if job["error_code"] != nil || job["fail_reason"] != nil {
			t.Errorf("%s: a job that went well is %v", version, job)
		}
		e.refusal(t, e.do(t, "GET", e.native(version, "/jobs/"+strings.Repeat("0", 32)), nil), 400, "Common.0011")
		if e.Other != nil {
			stranger := e.as(t, e.Other, "GET", version+"/"+e.Other.ProjectID+"/jobs/"+fmt.Sprint(job["job_id"]), nil)
			e.refusal(t, stranger, 400, "Common.0011")
		}
	}
}

// noReplication: none is there and none can be made. Source: EVS API 1.4, deprecated.
func noReplication(t T, e *Env) {
	for path, key := range map[string]string{"/os-vendor-replications": "replications", "/os-vendor-replication-consistency-groups": "replication_consistency_groups"} {
		all := e.native("/v2", path)
		a := e.do(t, "GET", all, nil)
		status(t, a, 200)
		if rows, is := a.Object()[key].([]any); !is || len(rows) != 0 {
			t.Errorf("got %s, want an empty list of %s", a, key)
		}
		e.refusal(t, e.do(t, "POST", all, `{"replication":{"name":"r"}}`), 400, "EVS.5400")
		for _, method := range []string{"GET", "DELETE"} {
			e.refusal(t, e.do(t, method, all+"/"+unknownID, nil), 404, "EVS.5404")
		}
	}
	group := e.native("/v2", "/os-vendor-replication-consistency-groups/"+unknownID)
	e.refusal(t, e.do(t, "PUT", group, `{"replication_consistency_group":{"name":"g"}}`), 404, "EVS.5404")
	for _, action := range []string{"failover-replication-consistency-group", "reverse-replication-consistency-group", "stop-replication-consistency-group",
		"reprotect-replication-consistency-group", "sync-replication-consistency-group", "extend-replication-volumes"} {
		e.refusal(t, e.do(t, "POST", group+"/action", `{"os-`+action+`":{}}`), 404, "EVS.5404")
	}
}
