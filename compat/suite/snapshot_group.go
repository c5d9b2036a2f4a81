package suite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// snapshotGroupOperations are the calls of EVS v5 on snapshot groups. Source: EVS API 5.5.
func snapshotGroupOperations() []Operation {
	v2 := []string{"v2"} // the paths name their own version
	return []Operation{
		{"snapshot_group5.create", v2, func(t T, e *Env) { snapshotGroupLimits(t, e); snapshotGroupOfServer(t, e) }},
		{"snapshot_group5.show", v2, snapshotGroupLife},
		{"snapshot_group5.update", v2, snapshotGroupLife},
		{"snapshot_group5.delete", v2, snapshotGroupDelete},
		{"snapshot_group5.list", v2, snapshotGroupList},
		{"tag.snapshot_group_project", v2, snapshotGroupTags},
		{"tag.snapshot_group_create", v2, snapshotGroupTags},
		{"tag.snapshot_group_delete", v2, snapshotGroupTags},
	}
}

// groupPath is the path of a snapshot group, or of what rest says.
func (e *Env) groupPath(rest string) string { return e.native("/v5", "/snapshot-groups"+rest) }

func groupBody(more string) string { return `{"snapshot_group":{` + more + `}}` }

func ofVolumes(ids ...string) string { return `"volume_ids":["` + strings.Join(ids, `","`) + `"]` }

// snapshotGroup5 makes a snapshot group and waits for its job.
func (e *Env) snapshotGroup5(t T, more string) string {
	t.Helper()
	a := e.do(t, "POST", e.groupPath(""), groupBody(more))
	status(t, a, 202)
	id, _ := a.Object()["snapshot_group_id"].(string)
	path := e.groupPath("/" + id)
	afterwards(t, func(ctx context.Context) error {
		if _, err := e.Demo.Do(ctx, client.Request{Method: "DELETE", Path: path}); err != nil {
			return err
		}
		left, err := e.settled(ctx, path, "snapshot_group")
		if err == nil && left != "" {
			err = fmt.Errorf("the snapshot group is %s, want it gone", left)
		}
		return err
	})
	if job := e.finished(t, a, "/v2"); job["job_type"] != "createSnapshotGroup" {
		t.Errorf("the job is %v", job)
	}
	return id
}

// groupMembers are the snapshots of a group, as v5 lists them.
func (e *Env) groupMembers(t T, group string) []map[string]any {
	t.Helper()
	a := e.do(t, "GET", e.native("/v5", "/snapshots/detail?snapshot_group_id="+group), nil)
	status(t, a, 200)
	return rowsOf(a, "snapshots")
}

func snapshotGroupLimits(t T, e *Env) {
	volume := e.ownVolume(t)
	one := ofVolumes(volume)
	many := make([]string, 61)
	for i := range many {
		many[i] = fmt.Sprintf("00000000-0000-4000-8000-%012x", i)
	}
	for body, code := range map[string]string{
		`{}`: "EVS.5400", `{"snapshot_group":[]}`: "EVS.5400", groupBody(""): "EVS.1032", groupBody(`"volume_ids":[],"server_id":null`): "EVS.1032",
		groupBody(`"volume_ids":"` + volume + `"`): "EVS.1002", groupBody(`"volume_ids":["x"]`): "EVS.1002", groupBody(`"volume_ids":[null]`): "EVS.1002",
		groupBody(ofVolumes(volume, volume)): "EVS.1002", groupBody(ofVolumes(many...)): "EVS.1021", groupBody(`"server_id":"x"`): "EVS.2229",
		groupBody(`"server_id":5`): "EVS.2229", groupBody(`"server_id":"` + unknownID + `"`): "EVS.2229", groupBody(one + `,"server_id":"` + unknownID + `"`): "EVS.1002",
		groupBody(one + `,"name":"` + strings.Repeat("n", 256) + `"`): "EVS.5400", groupBody(one + `,"description":"` + strings.Repeat("d", 256) + `"`): "EVS.5400",
		groupBody(one + `,"name":5`): "EVS.1018", groupBody(one + `,"instant_access":"perhaps"`): "EVS.1018", groupBody(one + `,"incremental":[]`): "EVS.1018",
		groupBody(one + `,"tags":{"a b":"v"}`): "EVS.1062", groupBody(one + `,"tags":{"0":"","1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","10":""}`): "EVS.1061",
		groupBody(one + `,"enterprise_project_id":"1"`): "EVS.2059",
	} {
		e.refusal(t, e.do(t, "POST", e.groupPath(""), body), 400, code)
	}
	e.refusal(t, e.do(t, "POST", e.groupPath(""), groupBody(ofVolumes(volume, unknownID))), 404, "EVS.5404")
	if e.Other != nil {
		e.refusal(t, e.as(t, e.Other, "POST", "/v5/"+e.Other.ProjectID+"/snapshot-groups", groupBody(one)), 404, "EVS.5404")
	}
	if rows := rowsOf(e.do(t, "GET", e.native("/v5", "/snapshots/detail?volume_id="+volume), nil), "snapshots"); len(rows) != 0 {
		t.Errorf("what was refused left the snapshots %v", rows)
	}
	e.enterpriseGroups(t)
	const instant = `,"instant_access":true`
	for range 7 {
		e.snapshotGroup5(t, one+instant)
	}
	e.refusal(t, e.do(t, "POST", e.groupPath(""), groupBody(one+instant)), 413, "EVS.5413")
	e.snapshotGroup5(t, one) // more than 7 in all: the bound is that of v5
}

func snapshotGroupLife(t T, e *Env) {
	a, b := e.ownVolume(t), e.ownVolume(t)
	name, text := strings.Repeat("n", 255), strings.Repeat("d", 255)
	id := e.snapshotGroup5(t, ofVolumes(a, b)+`,"name":"`+name+`","description":"`+text+`","instant_access":true,"incremental":true,"enterprise_project_id":"0","tags":{"k":"v"}`)
	path := e.groupPath("/" + id)
	got := e.do(t, "GET", path, nil).Under("snapshot_group")
	for key, want := range map[string]any{"id": id, "name": name, "description": text, "status": "available", "server_id": nil,
		"project_id": e.Demo.ProjectID, "enterprise_project_id": "0"} {
		if value, there := got[key]; !there || value != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if created, _ := got["created_at"].(string); created == "" || fmt.Sprint(got["tags"]) != "map[k:v]" || len(got) != 10 {
		t.Errorf("got %v", got)
	}
	var of []string
	for _, member := range e.groupMembers(t, id) {
		of = append(of, fmt.Sprint(member["volume_id"]))
		if member["status"] != "available" || member["snapshot_group_id"] != id || member["instant_access"] != true || member["incremental"] != true || fmt.Sprint(member["tags"]) != "map[]" {
			t.Errorf("a snapshot of the group is %v", member)
		}
		e.memberInOtherFamilies(t, fmt.Sprint(member["id"]), name)
	}
	if slices.Sort(of); !slices.Equal(of, slices.Sorted(slices.Values([]string{a, b}))) {
		t.Errorf("snapshots of %v, want of both disks", of)
	}
	for _, body := range []string{`{}`, groupBody(""), groupBody(`"name":"` + name + `n"`), groupBody(`"server_id":null`)} {
		e.refusal(t, e.do(t, "PUT", path, body), 400, "EVS.5400")
	}
	e.refusal(t, e.do(t, "PUT", path, groupBody(`"name":5`)), 400, "EVS.1018")
	changed := e.do(t, "PUT", path, groupBody(`"name":"renamed","description":""`))
	status(t, changed, 200)
	if got := changed.Under("snapshot_group"); got["name"] != "renamed" || got["description"] != "" || got["updated_at"] == nil || len(got) != 10 {
		t.Errorf("got %v", got)
	}
	e.groupInCinder(t, id)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		body := map[string]any{"PUT": groupBody(`"name":"n"`)}[method]
		e.refusal(t, e.do(t, method, e.groupPath("/"+unknownID), body), 404, "EVS.5404")
		if e.Other != nil {
			e.refusal(t, e.as(t, e.Other, method, "/v5/"+e.Other.ProjectID+"/snapshot-groups/"+id, body), 404, "EVS.5404")
		}
	}
}

// memberInOtherFamilies sees that a snapshot of a group is one to all, and that none
// deletes it alone.
func (e *Env) memberInOtherFamilies(t T, id, name string) {
	t.Helper()
	for _, family := range []string{e.native("/v5", "/snapshots/"), e.native("/v2", "/cloudsnapshots/"), e.native("/v3", "/snapshots/")} {
		got := e.do(t, "GET", family+id, nil)
		status(t, got, 200)
		if shown := got.Under("snapshot"); shown["name"] != name || shown["status"] != "available" {
			t.Errorf("%s shows %v", family, shown)
		}
	}
	e.refusal(t, e.do(t, "DELETE", e.native("/v5", "/snapshots/"+id), nil), 400, "EVS.1047")
	e.refusal(t, e.do(t, "DELETE", e.native("/v2", "/cloudsnapshots/"+id), nil), 400, "EVS.1047")
	e.fault(t, e.do(t, "DELETE", e.native("/v3", "/snapshots/"+id), nil), 400, "badRequest")
}

// groupInCinder sees that a snapshot group is a group snapshot, of no group.
func (e *Env) groupInCinder(t T, id string) {
	t.Helper()
	a := e.mine(t, "GET", "/group_snapshots/"+id, nil)
	status(t, a, 200)
	got := a.Under("group_snapshot")
	if group, there := got["group_id"]; !there || group != nil || got["group_type_id"] != nil || got["name"] != "renamed" || got["status"] != "available" {
		t.Errorf("the Cinder family shows %v", got)
	}
	if ids := idsIn(e.mine(t, "GET", "/group_snapshots/detail?name=renamed", nil), "group_snapshots"); !slices.Contains(ids, id) {
		t.Errorf("the Cinder family lists %v, want %s among them", ids, id)
	}
	for _, member := range e.snapshotsIn(t, id) {
		if member["group_snapshot_id"] != id {
			t.Errorf("the Cinder family shows the snapshot %v", member)
		}
	}
	e.fault(t, e.mine(t, "POST", "/groups/action", `{"create-from-src":{"group_snapshot_id":"`+id+`"}}`), 400, "badRequest")
}

// snapshotGroupOfServer takes the disks of a server, which a disk's id names here.
func snapshotGroupOfServer(t T, e *Env) {
	a, b, apart := e.ownVolume(t), e.ownVolume(t), e.ownVolume(t)
	server := a
	for _, volume := range []string{a, b} {
		status(t, e.do(t, "POST", e.native("/v2", "/volumes/"+volume+"/action"), `{"os-attach":{"instance_uuid":"`+server+`","mountpoint":"/dev/vdb"}}`), 202)
		afterwards(t, func(ctx context.Context) error {
			_, err := e.Demo.Do(ctx, client.Request{Method: "POST", Path: e.native("/v2", "/volumes/"+volume+"/action"), Body: `{"os-detach":{}}`})
			return err
		})
	}
	of := `"server_id":"` + server + `"`
	e.refusal(t, e.do(t, "POST", e.groupPath(""), groupBody(of+","+ofVolumes(a, apart))), 400, "EVS.1002")
	if e.Other != nil {
		e.refusal(t, e.as(t, e.Other, "POST", "/v5/"+e.Other.ProjectID+"/snapshot-groups", groupBody(of)), 400, "EVS.2229")
	}
	for more, want := range map[string]int{of: 2, of + "," + ofVolumes(b): 1, ofVolumes(b, apart): 2} {
		id := e.snapshotGroup5(t, more)
		if members := e.groupMembers(t, id); len(members) != want {
			t.Errorf("%s: got %d snapshots, want %d", more, len(members), want)
		}
		shown := e.do(t, "GET", e.groupPath("/"+id), nil).Under("snapshot_group")["server_id"]
		if named := strings.HasPrefix(more, of); (named && shown != server) || (!named && shown != nil) {
			t.Errorf("%s: the server is %v", more, shown)
		}
	}
	listed := e.do(t, "GET", e.groupPath("/detail?server_id="+server), nil)
	if rows := rowsOf(listed, "snapshot_groups"); len(rows) != 2 || fmt.Sprint(listed.Object()["count"]) != "2" {
		t.Errorf("the groups of the server are %s", listed)
	}
}

func snapshotGroupDelete(t T, e *Env) {
	a, b := e.ownVolume(t), e.ownVolume(t)
	id := e.snapshotGroup5(t, ofVolumes(a, b))
	members := e.groupMembers(t, id)
	deleted := e.do(t, "DELETE", e.groupPath("/"+id), nil)
	status(t, deleted, 202)
	job := e.finished(t, deleted, "/v2")
	entities, _ := job["entities"].(map[string]any)
	if subs, _ := entities["sub_jobs"].([]any); job["job_type"] != "deleteSnapshotGroup" || len(subs) != len(members) || len(members) != 2 {
		t.Errorf("the job is %v, want one for each of two snapshots", job)
	}
	for _, member := range members {
		e.refusal(t, e.do(t, "GET", e.native("/v5", "/snapshots/"+fmt.Sprint(member["id"])), nil), 404, "EVS.5404")
	}
	for _, method := range []string{"GET", "DELETE"} {
		e.refusal(t, e.do(t, method, e.groupPath("/"+id), nil), 404, "EVS.5404")
	}

	lost := e.snapshotGroup5(t, ofVolumes(a)) // it goes with its only disk
	e.finished(t, e.do(t, "DELETE", e.native("/v2", "/cloudvolumes/"+a), nil), "/v1")
	e.refusal(t, e.do(t, "GET", e.groupPath("/"+lost), nil), 404, "EVS.5404")
}

func snapshotGroupList(t T, e *Env) {
	volume := e.ownVolume(t)
	older := e.snapshotGroup5(t, ofVolumes(volume)+`,"name":"`+volume+`","tags":{"k":"v","l":"`+e.word(volume)+`"}`)
	newer := e.snapshotGroup5(t, ofVolumes(volume)+`,"name":"`+volume+`","tags":{"k":"x"}`)
	list := e.groupPath("/detail?name=" + volume)
	tags := func(value string) string { return "&" + strings.TrimPrefix(tagFilter("tags", value), "?") }
	first := e.do(t, "GET", list+"&limit=1", nil)
	e.holdsRows(t, e.do(t, "GET", list, nil), "snapshot_groups", 2, newer, older)
	e.holdsRows(t, first, "snapshot_groups", 2, newer)
	if links, _ := first.Object()["snapshot_groups_links"].([]any); len(links) != 1 {
		t.Errorf("no link to the next page: %s", first)
	}
	for query, want := range map[string]string{"&id=" + older: older, "&tag_key=l": older, tags(`{"k":"x"}`): newer, tags(`{"k":"v","l":"` + e.word(volume) + `"}`): older} {
		e.holdsRows(t, e.do(t, "GET", list+query, nil), "snapshot_groups", 1, want)
	}
	for _, query := range []string{"&limit=1&marker=" + newer, "&limit=1&offset=1"} {
		e.holdsRows(t, e.do(t, "GET", list+query, nil), "snapshot_groups", 2, older)
	}
	for _, key := range []string{"id", "status", "created_at", "size"} {
		if rows := rowsOf(e.do(t, "GET", list+"&sort_dir=asc&sort_key="+key, nil), "snapshot_groups"); len(rows) != 2 {
			t.Errorf("by %s: got %v", key, rows)
		}
	}
	e.holdsRows(t, e.do(t, "GET", list+"&sort_key=created_at&sort_dir=asc&status=available&enterprise_project_id=0", nil), "snapshot_groups", 2, older, newer)
	for _, query := range []string{"&status=error", "&server_id=" + unknownID, "&enterprise_project_id=1", "&id=" + unknownID, tags(`{"k":"y"}`)} {
		e.holdsRows(t, e.do(t, "GET", list+query, nil), "snapshot_groups", 0)
	}
	e.refusal(t, e.do(t, "GET", list+"&tags=x", nil), 400, "EVS.5400")
	e.badLists(t, list+"&")
}

func snapshotGroupTags(t T, e *Env) {
	id := e.snapshotGroup5(t, ofVolumes(e.ownVolume(t)))
	path, word := e.groupPath("/"+id), e.word(id)
	a := e.do(t, "POST", path+"/tags/create", tagBody("", map[string]string{"suite": word, "more": "m"}))
	status(t, a, 204)
	if len(a.Body) != 0 {
		t.Errorf("it answers %s, want nothing", a)
	}
	e.projectHasTag(t, "/snapshot-groups/tags", "suite", word)
	status(t, e.do(t, "POST", path+"/tags/delete", `{"tags":[{"key":"suite"},{"key":"nobody"}]}`), 204)
	if got := e.do(t, "GET", path, nil).Under("snapshot_group"); fmt.Sprint(got["tags"]) != "map[more:m]" {
		t.Errorf("the tags are %v", got["tags"])
	}
	ten := map[string]string{}
	for i := range 10 {
		ten[fmt.Sprint("k", i)] = ""
	}
	e.refusal(t, e.do(t, "POST", path+"/tags/create", tagBody("", ten)), 400, "EVS.1061") // it has one already
	e.refusal(t, e.do(t, "POST", path+"/tags/create", `{"tags":[{"key":"a b","value":"v"}]}`), 400, "EVS.1062")
	e.refusal(t, e.do(t, "POST", path+"/tags/create", `{}`), 400, "EVS.5400")
	e.refusal(t, e.do(t, "POST", e.groupPath("/"+unknownID+"/tags/delete"), `{"tags":[{"key":"k"}]}`), 404, "EVS.5404")
	if e.Other != nil {
		theirs := "/v5/" + e.Other.ProjectID + "/snapshot-groups/" + id + "/tags/create"
		e.refusal(t, e.as(t, e.Other, "POST", theirs, tagBody("", map[string]string{"k": "v"})), 404, "EVS.5404")
	}
}
