package suite

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// standardSnapshotOperations are the calls of EVS v5 on snapshots. Source: EVS API 5.
func standardSnapshotOperations() []Operation {
	v2 := []string{"v2"} // the native paths name their own version
	return []Operation{
		{"snapshot5.create", v2, standardLimits},
		{"snapshot5.show", v2, standardFields},
		{"snapshot5.update", v2, standardLife},
		{"snapshot5.delete", v2, standardLife},
		{"snapshot5.list", v2, standardList},
		{"snapshot5.rollback", v2, standardRollback},
		{"snapshot5.chains", v2, standardChains},
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
		with(`,"enterprise_project_id":"none"`): "EVS.2059", with(`,"enterprise_project_id":1`): "EVS.2059",
		with(`,"tags":{"a b":"v"}`): "EVS.1062", with(`,"tags":{"0":"","1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","10":""}`): "EVS.1061",
	} {
		e.refusal(t, e.do(t, "POST", all, body), 400, code)
	}
	e.refusal(t, e.do(t, "POST", all, `{"snapshot":{"volume_id":"`+unknownID+`"}}`), 404, "EVS.5404")
	e.enterpriseSnapshots(t)
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

// standardFields has every field of a snapshot, in the type of the reference, of an
// encrypted disk and of another, shown and listed. Source: EVS 5.2.
func standardFields(t T, e *Env) {
	const key = "00000000-0000-4000-8000-00000000ce7a"
	a := e.do(t, "POST", e.native("/v2", "/cloudvolumes"), disk(`"metadata":{"__system__encrypted":"1","__system__cmkid":"`+key+`"}`))
	status(t, a, 200)
	sealed := madeIDs(e.finished(t, a, "/v1"))[0]
	e.forget(t, sealed)
	for volume, want := range map[string]map[string]any{sealed: {"encrypted": true, "cmk_id": key}, e.ownVolume(t): {"encrypted": false, "cmk_id": nil}} {
		id := e.standard(t, volume, `,"name":"n","tags":{"k":"v"}`)
		shown := e.do(t, "GET", e.native("/v5", "/snapshots/"+id), nil).Under("snapshot")
		listed := rowsOf(e.do(t, "GET", e.native("/v5", "/snapshots/detail?id="+id), nil), "snapshots")
		if len(listed) != 1 || !reflect.DeepEqual(shown, listed[0]) {
			t.Errorf("listed is %v, want %v as shown", listed, shown)
		}
		for field, kind := range map[string]string{
			"id": "string", "name": "string", "description": "<nil>", "created_at": "time", "updated_at": "time", "volume_id": "string", "size": "number",
			"status": "string", "enterprise_project_id": "string", "encrypted": "bool", "category": "string", "availability_zone": "string",
			"tags": "object", "instant_access": "bool", "retention_at": "<nil>", "instant_access_retention_at": "<nil>", "incremental": "bool",
			"snapshot_type": "string", "progress": "string", "encrypt_algorithm": "<nil>", "snapshot_chains": "array", "snapshot_group_id": "<nil>", "cmk_id": "",
		} {
			if value, there := shown[field]; !there || (kind != "" && kindOf(value) != kind) {
				t.Errorf("%s is %v, want %s", field, value, kind)
			}
		}
		if len(shown) != 23 || shown["encrypted"] != want["encrypted"] || shown["cmk_id"] != want["cmk_id"] {
			t.Errorf("got %v, want 23 fields and %v", shown, want)
		}
	}
	e.refusal(t, e.do(t, "GET", e.native("/v5", "/snapshots/"+unknownID), nil), 404, "EVS.5404")
}

var writtenTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`)

// kindOf is what JSON calls a value; a time is told from other strings.
func kindOf(value any) string {
	switch v := value.(type) {
	case string:
		if writtenTime.MatchString(v) {
			return "time"
		}
		return "string"
	case json.Number:
		return "number"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	}
	return fmt.Sprintf("%T", value)
}

// standardChains: a disk has one chain, of its full and its incremental snapshots,
// and each of them shows it. Source: EVS 5.5.
func standardChains(t T, e *Env) {
	volume, other := e.ownVolume(t), e.ownVolume(t)
	chains := e.native("/v5", "/snapshot-chains")
	chainOf := func() []map[string]any {
		return rowsOf(e.do(t, "GET", chains+"?volume_id="+volume+"&id="+volume+"&category=standard&limit=5", nil), "snapshot_chains")
	}
	if rows := chainOf(); len(rows) != 0 {
		t.Errorf("a disk without snapshots has the chains %v", rows)
	}
	full, second := e.standard(t, volume, `,"incremental":false`), e.standard(t, volume, `,"incremental":true`)
	e.finished(t, e.do(t, "POST", e.native("/v2", "/cloudvolumes/"+volume+"/action"), `{"os-extend":{"new_size":2}}`), "/v2")
	third := e.standard(t, volume, "")
	show := func(id string) map[string]any {
		return e.do(t, "GET", e.native("/v5", "/snapshots/"+id), nil).Under("snapshot")
	}
	rows := chainOf()
	if len(rows) != 1 {
		t.Fatalf("the chains are %v, want one", rows)
	}
	for field, want := range map[string]any{"id": volume, "volume_id": volume, "project_id": e.Demo.ProjectID, "category": "standard", "availability_zone": show(full)["availability_zone"],
		"snapshot_count": json.Number("3"), "capacity": json.Number("4"), "created_at": show(full)["created_at"], "updated_at": show(third)["created_at"]} {
		if rows[0][field] != want {
			t.Errorf("%s is %v, want %v", field, rows[0][field], want)
		}
	}
	for id, incremental := range map[string]bool{full: false, second: true, third: true} {
		if got := show(id); got["incremental"] != incremental || !reflect.DeepEqual(got["snapshot_chains"], []any{rows[0]}) || len(rows[0]) != 9 {
			t.Errorf("the snapshot is %v, want incremental %v in the chain %v", got, incremental, rows[0])
		}
	}
	e.standard(t, other, "")
	e.chainPages(t, chains, volume, other)
	for _, query := range []string{"id=" + unknownID, "id=x", "category=backup", "category=server_backup", "volume_id=" + volume + "&marker=" + volume, "id=" + volume + "&volume_id=" + other} {
		if rows := rowsOf(e.do(t, "GET", chains+"?"+query, nil), "snapshot_chains"); len(rows) != 0 {
			t.Errorf("%s: got %v, want none", query, rows)
		}
	}
	for query, code := range map[string]string{"limit=0": "EVS.1023", "limit=1001": "EVS.2142", "marker=x": "EVS.1024"} {
		e.refusal(t, e.do(t, "GET", chains+"?"+query, nil), 400, code)
	}
	if e.Other != nil {
		if rows := rowsOf(e.as(t, e.Other, "GET", "/v5/"+e.Other.ProjectID+"/snapshot-chains?volume_id="+volume, nil), "snapshot_chains"); len(rows) != 0 {
			t.Errorf("a stranger sees %v", rows)
		}
	}
	e.finished(t, e.do(t, "DELETE", e.native("/v5", "/snapshots/"+full), nil), "/v2")
	if rows := chainOf(); len(rows) != 1 || rows[0]["snapshot_count"] != json.Number("2") || rows[0]["capacity"] != json.Number("3") || show(second)["status"] != "available" {
		t.Errorf("without the full one the chains are %v", rows)
	}
}

// chainPages reads all chains one by one: each comes once, in the order of the ids.
func (e *Env) chainPages(t T, chains string, want ...string) {
	t.Helper()
	var ids []string
	for marker := ""; len(ids) < 1000; {
		rows := rowsOf(e.do(t, "GET", chains+"?limit=1"+marker, nil), "snapshot_chains")
		if len(rows) == 0 {
			break
		}
		ids = append(ids, fmt.Sprint(rows[0]["id"]))
		marker = "&marker=" + ids[len(ids)-1]
	}
	for _, id := range want {
		if !slices.Contains(ids, id) {
			t.Errorf("%s is on no page of %v", id, ids)
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("the pages have %v, want each once, in order", ids)
	}
}

func standardList(t T, e *Env) {
	volume := e.ownVolume(t)
	older, newer := e.standard(t, volume, `,"tags":{"k":"v","l":"w"}`), e.standard(t, volume, `,"name":"n","tags":{"k":"x"}`)
	list := e.native("/v5", "/snapshots/detail?volume_id="+volume)
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

	zone, _ := rowsOf(e.do(t, "GET", list, nil), "snapshots")[0]["availability_zone"].(string)
	e.holdsRows(t, e.do(t, "GET", list+"&availability_zone="+zone+"&enterprise_project_id=0&status=available&offset=1", nil), "snapshots", 2, older)
	for _, query := range []string{"&enterprise_project_id=1", "&status=creating", "&id=" + unknownID} {
		e.holdsRows(t, e.do(t, "GET", list+query, nil), "snapshots", 0)
	}
	e.refusal(t, e.do(t, "GET", list+"&availability_zone=nowhere", nil), 400, "EVS.1041")
	byID := []string{older, newer}
	slices.Sort(byID)
	e.holdsRows(t, e.do(t, "GET", list+"&sort_key=id&sort_dir=asc", nil), "snapshots", 2, byID...)
	e.holdsRows(t, e.do(t, "GET", list+"&sort_key=status&id="+older, nil), "snapshots", 1, older)
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

// projectHasTag looks for a key and a value in a list of all tags of v5.
func (e *Env) projectHasTag(t T, path, key, value string) {
	a := e.do(t, "GET", e.native("/v5", path), nil)
	status(t, a, 200)
	var got struct {
		Tags []struct {
			Key   string   `json:"key"`
			Value []string `json:"value"`
		} `json:"tags"`
	}
	if err := json.Unmarshal(a.Body, &got); err != nil {
		t.Errorf("the project's tags cannot be read: %v: %s", err, a)
		return
	}
	for _, tag := range got.Tags {
		if tag.Key == key && slices.Contains(tag.Value, value) {
			return
		}
	}
	t.Errorf("the project's tags have no %s=%s: %s", key, value, a)
}

func standardTags(t T, e *Env) {
	id := e.subject(t).id
	path, word := e.native("/v5", "/snapshots/"+id), e.word(id)
	status(t, e.do(t, "POST", path+"/tags/create", tagBody("", map[string]string{"suite": word, "more": "m"})), 204)
	e.projectHasTag(t, "/snapshots/tags", "suite", word)
	status(t, e.do(t, "POST", path+"/tags/delete", `{"tags":[{"key":"suite"},{"key":"nobody"}]}`), 204)
	if got := e.do(t, "GET", path, nil).Under("snapshot"); fmt.Sprint(got["tags"]) != "map[more:m]" {
		t.Errorf("the tags are %v", got["tags"])
	}
	e.refusal(t, e.do(t, "POST", path+"/tags/create", `{"tags":[{"key":"a b","value":"v"}]}`), 400, "EVS.1062")
	e.refusal(t, e.do(t, "POST", path+"/tags/create", `{}`), 400, "EVS.5400")
	e.refusal(t, e.do(t, "POST", e.native("/v5", "/snapshots/"+unknownID+"/tags/delete"), `{"tags":[{"key":"k"}]}`), 404, "EVS.5404")
}
