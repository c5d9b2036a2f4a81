package suite

import (
	"context"
	"fmt"
	"strings"
)

// standardSnapshotOperations are the calls of EVS v5 on snapshots. Source: EVS API 5.
func standardSnapshotOperations() []Operation {
	v2 := []string{"v2"} // the native paths name their own version
	return []Operation{
		{"snapshot5.create", v2, standardLimits},
		{"snapshot5.show", v2, standardLife},
		{"snapshot5.update", v2, standardLife},
		{"snapshot5.delete", v2, standardLife},
		{"snapshot5.list", v2, standardList},
		{"snapshot5.rollback", v2, standardRollback},
		{"snapshot5.chains", v2, standardList},
		{"tag.snapshot_project", v2, standardTags},
		{"tag.snapshot_create", v2, standardTags},
		{"tag.snapshot_delete", v2, standardTags},
	}
}

// standard makes a snapshot by v5 and waits for its job.
func (e *Env) standard(t T, volume, more string) string {
	t.Helper()
	a := e.do(t, "POST", e.native("/v5", "/snapshots"), `{"snapshot":{"volume_id":"`+volume+`"`+more+`}}`)
	status(t, a, 202)
	id, _ := a.Object()["snapshot_id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "snapshots", id) })
	if job := e.finished(t, a, "/v2"); job["job_type"] != "createSnapshot" {
		t.Errorf("the job is %v", job)
	}
	return id
}

func standardLimits(t T, e *Env) {
	all, volume := e.native("/v5", "/snapshots"), e.ownVolume(t)
	with := func(more string) string { return `{"snapshot":{"volume_id":"` + volume + `"` + more + `}}` }
	for body, code := range map[string]string{
		`{}`: "EVS.5400", `{"snapshot":{}}`: "EVS.5400", with(`,"name":"` + strings.Repeat("n", 65) + `"`): "EVS.5400",
		with(`,"description":"` + strings.Repeat("d", 86) + `"`): "EVS.5400", with(`,"instant_access":"perhaps"`): "EVS.1018", `{"snapshot":{"volume_id":"x"}}`: "EVS.1002",
		with(`,"tags":{"a b":"v"}`): "EVS.1062", with(`,"tags":{"0":"","1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","10":""}`): "EVS.1061",
	} {
		e.refusal(t, e.do(t, "POST", all, body), 400, code)
	}
	e.refusal(t, e.do(t, "POST", all, `{"snapshot":{"volume_id":"`+unknownID+`"}}`), 404, "EVS.5404")
	last := ""
	for range 7 {
		last = e.standard(t, volume, `,"instant_access":true`)
	}
	e.refusal(t, e.do(t, "POST", all, with(`,"instant_access":true`)), 413, "EVS.5413")
	eighth := e.standard(t, volume, "")
	e.refusal(t, e.do(t, "PUT", all+"/"+eighth, `{"snapshot":{"instant_access":true}}`), 413, "EVS.5413")
	status(t, e.do(t, "PUT", all+"/"+last, `{"snapshot":{"instant_access":true}}`), 200)
}

func standardLife(t T, e *Env) {
	volume, name, text := e.ownVolume(t), strings.Repeat("n", 64), strings.Repeat("d", 85)
	id := e.standard(t, volume, `,"name":"`+name+`","description":"`+text+`","instant_access":true,"incremental":false,"tags":{"k":"v"}`)
	one := e.native("/v5", "/snapshots/"+id)
	got := e.do(t, "GET", one, nil).Under("snapshot")
	for key, want := range map[string]any{"id": id, "name": name, "description": text, "volume_id": volume, "status": "available", "instant_access": true,
		"incremental": false, "encrypted": false, "cmk_id": nil, "category": "standard", "snapshot_type": "user", "progress": "100%",
		"enterprise_project_id": "0", "retention_at": nil, "instant_access_retention_at": nil, "encrypt_algorithm": nil, "snapshot_group_id": nil} {
		if value, there := got[key]; !there || value != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if chains, _ := got["snapshot_chains"].([]any); len(chains) != 1 || fmt.Sprint(got["tags"]) != "map[k:v]" {
		t.Errorf("got the chains %v and the tags %v", got["snapshot_chains"], got["tags"])
	}
	for body, code := range map[string]string{
		`{}`: "EVS.5400", `{"snapshot":{}}`: "EVS.5400", `{"snapshot":{"name":5}}`: "EVS.1018",
		`{"snapshot":{"name":"` + strings.Repeat("n", 65) + `"}}`: "EVS.5400", `{"snapshot":{"instant_access":null}}`: "EVS.1018",
	} {
		e.refusal(t, e.do(t, "PUT", one, body), 400, code)
	}
	a := e.do(t, "PUT", one, `{"snapshot":{"name":"renamed","instant_access":false}}`)
	status(t, a, 200)
	if got := a.Under("snapshot"); got["name"] != "renamed" || got["description"] != text || got["instant_access"] != false {
		t.Errorf("got %v", got)
	}
	if shown := e.do(t, "GET", e.path("/snapshots/"+id), nil).Under("snapshot"); shown["name"] != "renamed" {
		t.Errorf("the other family shows %v", shown)
	}
	if e.Other != nil {
		e.refusal(t, e.as(t, e.Other, "GET", "/v5/"+e.Other.ProjectID+"/snapshots/"+id, nil), 404, "EVS.5404")
	}
	a = e.do(t, "DELETE", one, nil)
	status(t, a, 202)
	if job := e.finished(t, a, "/v2"); job["job_type"] != "deleteSnapshot" {
		t.Errorf("the job is %v", job)
	}
	for _, method := range []string{"GET", "DELETE"} {
		e.refusal(t, e.do(t, method, one, nil), 404, "EVS.5404")
	}
}

func standardList(t T, e *Env) {
	volume := e.ownVolume(t)
	older, newer := e.standard(t, volume, `,"tags":{"k":"v","l":"w"}`), e.standard(t, volume, `,"name":"n","tags":{"k":"x"}`)
	list, chains := e.native("/v5", "/snapshots/detail?volume_id="+volume), e.native("/v5", "/snapshot-chains?volume_id="+volume)
	tags := func(value string) string { return "&" + strings.TrimPrefix(tagFilter("tags", value), "?") }
	e.holdsRows(t, e.do(t, "GET", list, nil), "snapshots", 2, newer, older)
	for query, want := range map[string]string{
		"&name=n": newer, "&ids=" + older: older, "&tag_key=l": older, tags(`{"k":"x"}`): newer, tags(`{"k":"v","l":"w"}`): older,
	} {
		e.holdsRows(t, e.do(t, "GET", list+query, nil), "snapshots", 1, want)
	}
	e.holdsRows(t, e.do(t, "GET", list+"&limit=1&marker="+newer, nil), "snapshots", 2, older)
	e.holdsRows(t, e.do(t, "GET", list+"&limit=1&marker="+older, nil), "snapshots", 2)
	e.holdsRows(t, e.do(t, "GET", list+"&snapshot_chain_id="+volume+"&snapshot_type=user&sort_key=created_at&sort_dir=asc", nil), "snapshots", 2, older, newer)
	for _, query := range []string{"&snapshot_group_id=" + unknownID, "&snapshot_type=auto", "&snapshot_type=copy", "&status=error", tags(`{"k":"y"}`)} {
		e.holdsRows(t, e.do(t, "GET", list+query, nil), "snapshots", 0)
	}
	e.refusal(t, e.do(t, "GET", list+"&tags=x", nil), 400, "EVS.5400")
	e.refusal(t, e.do(t, "GET", list+"&availability_zone=mars", nil), 400, "EVS.1041")
	e.refusal(t, e.do(t, "GET", list+"&sort_key=size", nil), 400, "EVS.1039")
	e.badLists(t, list+"&")

	rows := rowsOf(e.do(t, "GET", chains+"&id="+volume+"&category=standard&limit=5", nil), "snapshot_chains")
	if len(rows) != 1 || rows[0]["volume_id"] != volume || fmt.Sprint(rows[0]["snapshot_count"]) != "2" || rows[0]["project_id"] != e.Demo.ProjectID {
		t.Errorf("the chains are %v", rows)
	}
	for _, query := range []string{"&id=" + unknownID, "&id=x", "&category=backup", "&marker=" + volume} {
		if rows := rowsOf(e.do(t, "GET", chains+query, nil), "snapshot_chains"); len(rows) != 0 {
			t.Errorf("%s: got %v, want none", query, rows)
		}
	}
	e.refusal(t, e.do(t, "GET", chains+"&limit=0", nil), 400, "EVS.1023")
}

func standardRollback(t T, e *Env) {
	volume := e.ownVolume(t)
	path := e.native("/v5", "/snapshots/"+e.standard(t, volume, "")+"/rollback")
	e.refusal(t, e.do(t, "POST", path, `{"rollback":{}}`), 400, "EVS.5400")
	e.refusal(t, e.do(t, "POST", path, `{"rollback":{"volume_id":"`+e.volume+`"}}`), 400, "EVS.5400")
	a := e.do(t, "POST", path, `{"rollback":{"volume_id":"`+volume+`","name":"suite-own"}}`)
	status(t, a, 202)
	if job := e.finished(t, a, "/v2"); job["job_type"] != "rollbackSnapshot" {
		t.Errorf("the job is %v", job)
	}
	if got := e.volumeOf(t, volume); got["status"] != "available" {
		t.Errorf("the disk is %v", got["status"])
	}
}

func standardTags(t T, e *Env) {
	id := e.subject(t).id
	path, word := e.native("/v5", "/snapshots/"+id), e.word(id)
	status(t, e.do(t, "POST", path+"/tags/create", tagBody("", map[string]string{"suite": word, "more": "m"})), 204)
	a := e.do(t, "GET", e.native("/v5", "/snapshots/tags"), nil)
	status(t, a, 200)
	if !strings.Contains(string(a.Body), `"`+word+`"`) {
		t.Errorf("the project's tags are %s", a)
	}
	status(t, e.do(t, "POST", path+"/tags/delete", `{"tags":[{"key":"suite"},{"key":"nobody"}]}`), 204)
	if got := e.do(t, "GET", path, nil).Under("snapshot"); fmt.Sprint(got["tags"]) != "map[more:m]" {
		t.Errorf("the tags are %v", got["tags"])
	}
	e.refusal(t, e.do(t, "POST", path+"/tags/create", `{"tags":[{"key":"a b","value":"v"}]}`), 400, "EVS.1062")
	e.refusal(t, e.do(t, "POST", path+"/tags/create", `{}`), 400, "EVS.5400")
	e.refusal(t, e.do(t, "POST", e.native("/v5", "/snapshots/"+unknownID+"/tags/delete"), `{"tags":[{"key":"k"}]}`), 404, "EVS.5404")
}
