package suite

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

func backupOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"backup.create", nil, backupCreate},
		{"backup.list", nil, backupList},
		{"backup.list_details", nil, backupList},
		{"backup.show", nil, backupShow},
		{"backup.explain", nil, backupExplain},
		{"backup.update", v3, backupUpdate},
		{"backup.delete", nil, backupDelete},
		{"backup.restore", nil, backupRestore},
		{"backup.export_record", nil, backupExport},
		{"backup.import_record", nil, backupExport},
		{"backup.reset_status", nil, backupReset},
		{"backup.force_delete", nil, backupForceDelete},
	}
}

// backupKeys are what every backup shows. Source: Cinder views/backups.py; tempest
// api_schema backups.py.
var backupKeys = []string{"id", "status", "size", "object_count", "availability_zone", "container", "created_at", "updated_at", "name",
	"description", "fail_reason", "volume_id", "links", "is_incremental", "has_dependent_backups", "snapshot_id", "data_timestamp"}

// backedUp makes a backup of a volume, waits until it is there, and removes it afterwards.
func (e *Env) backedUp(t T, volume string, more map[string]any, fields ...client.Field) map[string]any {
	t.Helper()
	body := map[string]any{"volume_id": volume}
	for key, value := range more {
		body[key] = value
	}
	a := e.do(t, "POST", e.path("/backups"), map[string]any{"backup": body}, fields...)
	status(t, a, 202)
	id, _ := a.Under("backup")["id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "backups", id) })
	if len(a.Under("backup")) != 3 {
		t.Errorf("got %v, want id, name and links", a.Under("backup"))
	}
	e.comesTo(t, "backups", id, "available")
	return e.backupOf(t, id, fields...)
}

// comesTo waits for an object to come to a status.
func (e *Env) comesTo(t T, plural, id, want string) {
	t.Helper()
	if got, err := e.Demo.Settle(t.Context(), plural, id); err != nil || got != want {
		t.Fatalf("%s %s became %q (%v), want %q", plural, id, got, err, want)
	}
}

func (e *Env) backupOf(t T, id string, fields ...client.Field) map[string]any {
	t.Helper()
	a := e.do(t, "GET", e.path("/backups/"+id), nil, fields...)
	status(t, a, 200)
	return a.Under("backup")
}

func backupCreate(t T, e *Env) {
	volume := e.ownVolume(t)
	full := e.backedUp(t, volume, map[string]any{"name": " full ", "description": "d", "container": "c", "force": "false", "snapshot_id": nil})
	for key, want := range map[string]any{"name": "full", "description": "d", "container": "c", "status": "available", "volume_id": volume,
		"is_incremental": false, "has_dependent_backups": false, "snapshot_id": nil, "fail_reason": nil} {
		if full[key] != want {
			t.Errorf("%s: got %#v, want %#v", key, full[key], want)
		}
	}
	e.comesTo(t, "volumes", volume, "available")
	kept := e.do(t, "GET", e.path("/snapshots?volume_id="+volume), nil)
	status(t, kept, 200)
	if list, _ := kept.Object()["snapshots"].([]any); len(list) != 1 || !strings.Contains(fmt.Sprint(list), "autobk_snapshot_") {
		t.Errorf("the snapshots of the volume are %v, want the one that the backup took", list)
	}
	next := e.backedUp(t, volume, map[string]any{"incremental": true})
	if next["is_incremental"] != true || next["name"] != nil {
		t.Errorf("got %v, want an incremental one without a name", next)
	}
	if got := e.backupOf(t, full["id"].(string)); got["has_dependent_backups"] != true {
		t.Errorf("got %v, want it to have a dependent one", got)
	}
	e.fault(t, e.do(t, "DELETE", e.path("/backups/"+full["id"].(string)), nil), 400, "badRequest")
	if err := e.Demo.Delete(t.Context(), "backups", next["id"].(string)); err != nil {
		t.Errorf("%v", err)
	}
	snapshot := e.subjectOf(t, volume)
	of := e.backedUp(t, volume, map[string]any{"snapshot_id": snapshot.id})
	if of["snapshot_id"] != snapshot.id || of["data_timestamp"] != snapshot.show(t)["created_at"] {
		t.Errorf("got %v, want it of the snapshot and of its moment", of)
	}
	backupRefused(t, e, volume)
}

// backupRefused sends creations that are wrong; none leaves a trace.
func backupRefused(t T, e *Env, volume string) {
	t.Helper()
	e.nothingMade(t, "backups", func() {
		for _, body := range []string{`{}`, `{"backup":{}}`, `{"backup":[]}`, `{"backup":{"volume_id":"x"}}`, `{"backup":{"volume_id":5}}`,
			`{"backup":{"volume_id":"` + volume + `","name":5}}`, `{"backup":{"volume_id":"` + volume + `","incremental":"perhaps"}}`,
			`{"backup":{"volume_id":"` + volume + `","name":"` + strings.Repeat("x", 256) + `"}}`, `{"backup":{"volume_id":"` + volume + `","unknown":1}}`,
			`{"backup":{"volume_id":"` + e.volume + `","incremental":true}}`, `{"backup":{"volume_id":"` + volume + `"},"more":1}`} {
			e.fault(t, e.do(t, "POST", e.path("/backups"), body), 400, "badRequest")
		}
		for _, body := range []string{`{"backup":{"volume_id":"` + unknownID + `"}}`, `{"backup":{"volume_id":"` + volume + `","snapshot_id":"` + unknownID + `"}}`} {
			e.fault(t, e.do(t, "POST", e.path("/backups"), body), 404, "itemNotFound")
		}
		if e.Other != nil {
			a := e.as(t, e.Other, "POST", "/"+e.Version+"/"+e.Other.ProjectID+"/backups", `{"backup":{"volume_id":"`+volume+`"}}`)
			e.fault(t, a, 404, "itemNotFound")
		}
	})
}

func backupList(t T, e *Env) {
	volume := e.ownVolume(t)
	first := e.backedUp(t, volume, map[string]any{"name": "b-first"})["id"].(string)
	second := e.backedUp(t, volume, map[string]any{"name": "a-second"})["id"].(string)
	for query, want := range map[string][]string{
		"":                                  {second, first},
		"&name=b-first":                     {first},
		"&status=available&limit=1":         {second},
		"&status=error":                     {},
		"&limit=1&marker=" + second:         {first},
		"&sort=created_at:asc":              {first, second},
		"&sort_key=id&sort_dir=asc&limit=0": {},
		"&offset=1":                         {first},
	} {
		for _, path := range []string{"/backups", "/backups/detail"} {
			a := e.do(t, "GET", e.path(path+"?volume_id="+volume+query), nil)
			status(t, a, 200)
			list, _ := a.Object()["backups"].([]any)
			var got []string
			for _, item := range list {
				one := item.(map[string]any)
				got = append(got, one["id"].(string))
				if whole := len(one) >= len(backupKeys); whole != strings.HasSuffix(path, "detail") {
					t.Errorf("%s%s: an item has %d keys", path, query, len(one))
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s%s: got %v, want %v", path, query, got, want)
			}
		}
	}
	counted := e.do(t, "GET", "/v3/"+e.Demo.ProjectID+"/backups?with_count=true&limit=1&volume_id="+volume, nil, at("3.45"))
	if fmt.Sprint(counted.Object()["count"]) != "2" {
		t.Errorf("got %s, want a count of 2", counted)
	}
	e.fault(t, e.do(t, "GET", e.path("/backups?marker="+unknownID), nil), 404, "itemNotFound")
	e.fault(t, e.do(t, "GET", e.path("/backups?sort=bogus"), nil), 400, "badRequest")
	e.fault(t, e.do(t, "GET", "/v3/"+e.Demo.ProjectID+"/backups?bogus=1", nil, at("3.31")), 400, "badRequest")
}

func backupShow(t T, e *Env) {
	made := e.backedUp(t, e.ownVolume(t), map[string]any{"name": "shown"})
	for _, key := range backupKeys {
		if _, there := made[key]; !there {
			t.Errorf("no key %s in %v", key, made)
		}
	}
	if len(made) != len(backupKeys) {
		t.Errorf("got %v, want %v and no more", made, backupKeys)
	}
	id := made["id"].(string)
	for version, keys := range map[string][]string{"3.42": nil, "3.43": {"metadata"}} {
		got := e.do(t, "GET", "/v3/"+e.Demo.ProjectID+"/backups/"+id, nil, at(version)).Under("backup")
		if len(got) != len(backupKeys)+len(keys) {
			t.Errorf("at %s: got %v, want %v more", version, got, keys)
		}
	}
	if e.Admin != nil {
		got := e.as(t, e.Admin, "GET", "/v3/"+e.Admin.ProjectID+"/backups/"+id, nil, at("3.18")).Under("backup")
		if got["os-backup-project-attr:project_id"] != e.Demo.ProjectID {
			t.Errorf("to an administrator: got %v, want its project", got)
		}
	}
	if e.Other != nil {
		e.fault(t, e.as(t, e.Other, "GET", "/"+e.Version+"/"+e.Other.ProjectID+"/backups/"+id, nil), 404, "itemNotFound")
	}
	e.fault(t, e.do(t, "GET", e.path("/backups/"+unknownID), nil), 404, "itemNotFound")
	e.fault(t, e.do(t, "GET", e.path("/backups/by-name"), nil), 404, "itemNotFound")
}

// backupExplain is ours: why a backup is as it is, and what can be done.
func backupExplain(t T, e *Env) {
	id := e.backedUp(t, e.ownVolume(t), nil)["id"].(string)
	a := e.do(t, "GET", e.path("/backups/"+id+"/explain"), nil)
	status(t, a, 200)
	got := a.Under("explanation")
	words, _ := got["you_can"].([]any)
	if got["object"] != "backup" || got["id"] != id || got["status"] != "available" || got["held_by"] != nil || len(words) == 0 {
		t.Errorf("got %s, want an available backup that nobody holds, and something to do", a)
	}
	e.fault(t, e.do(t, "GET", e.path("/backups/"+unknownID+"/explain"), nil), 404, "itemNotFound")
	if e.Other != nil {
		e.fault(t, e.as(t, e.Other, "GET", "/"+e.Version+"/"+e.Other.ProjectID+"/backups/"+id+"/explain", nil), 404, "itemNotFound")
	}
}

func backupUpdate(t T, e *Env) {
	id := e.backedUp(t, e.ownVolume(t), map[string]any{"name": "old", "metadata": map[string]string{"k": "v"}}, at("3.43"))["id"].(string)
	path := e.path("/backups/" + id)
	status(t, e.do(t, "PUT", path, `{"backup":{"name":" new ","description":"d"}}`, at("3.9")), 200)
	status(t, e.do(t, "PUT", path, `{"backup":{"metadata":{"z":"1"}}}`, at("3.43")), 200)
	got := e.backupOf(t, id, at("3.43"))
	if got["name"] != "new" || got["description"] != "d" || fmt.Sprint(got["metadata"]) != "map[z:1]" {
		t.Errorf("got %v, want the new texts and metadata", got)
	}
	for _, bad := range []string{`{"backup":{"name":5}}`, `{"backup":[]}`, `{}`, `{"backup":{"size":2}}`, `{"backup":{"metadata":{"z":"1"}}}`} {
		e.fault(t, e.do(t, "PUT", path, bad, at("3.9")), 400, "badRequest")
	}
	e.fault(t, e.do(t, "PUT", e.path("/backups/"+unknownID), `{"backup":{"name":"x"}}`, at("3.9")), 404, "itemNotFound")
	if a := e.do(t, "PUT", path, `{"backup":{"name":"x"}}`, at("3.8")); a.Status != 404 {
		t.Errorf("at 3.8: got %s, want 404", a)
	}
}

func backupDelete(t T, e *Env) {
	volume := e.ownVolume(t)
	id := e.backedUp(t, volume, nil)["id"].(string)
	if err := e.Demo.Delete(t.Context(), "volumes", volume); err != nil { // the snapshot that the backup took goes along
		t.Fatalf("%v", err)
	}
	if e.Other != nil {
		e.fault(t, e.as(t, e.Other, "DELETE", "/"+e.Version+"/"+e.Other.ProjectID+"/backups/"+id, nil), 404, "itemNotFound")
	}
	a := e.do(t, "DELETE", e.path("/backups/"+id), nil)
	status(t, a, 202)
	if left, err := e.Demo.Settle(t.Context(), "backups", id); err != nil || left != "" {
		t.Errorf("it is %q (%v), want it gone", left, err)
	}
	e.fault(t, e.do(t, "DELETE", e.path("/backups/"+id), nil), 404, "itemNotFound")
}

// restored restores a backup to a volume of its own, which goes afterwards.
func (e *Env) restored(t T, path string, body any) map[string]any {
	t.Helper()
	a := e.do(t, "POST", path, body)
	status(t, a, 202)
	id, _ := a.Under("restore")["volume_id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "volumes", id) })
	e.comesTo(t, "volumes", id, "available")
	return a.Under("restore")
}

func backupRestore(t T, e *Env) {
	volume := e.ownVolume(t)
	id := e.backedUp(t, volume, nil)["id"].(string)
	path := e.path("/backups/" + id + "/restore")
	for body, name := range map[string]string{`{"restore":{}}`: "restore_backup_" + id, `{"restore":null}`: "restore_backup_" + id, `{"restore":{"name":"mine","volume_id":null}}`: "mine"} {
		got := e.restored(t, path, body)
		if got["backup_id"] != id || got["volume_name"] != name || len(got) != 3 {
			t.Errorf("%s: got %v", body, got)
		}
		of := e.volumeOf(t, got["volume_id"].(string))
		if fmt.Sprint(of["metadata"]) != "map[k:v src_backup_id:"+id+"]" {
			t.Errorf("%s: got %v, want the metadata of the volume and where it is from", body, of["metadata"])
		}
		e.comesTo(t, "backups", id, "available")
	}
	a := e.do(t, "POST", path, `{"restore":{"volume_id":"`+volume+`"}}`)
	status(t, a, 202)
	e.comesTo(t, "volumes", volume, "available")
	e.comesTo(t, "backups", id, "available")
	made := e.do(t, "POST", "/v3/"+e.Demo.ProjectID+"/volumes", `{"volume":{"backup_id":"`+id+`"}}`, at("3.47"))
	status(t, made, 202)
	from := made.Under("volume")["id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "volumes", from) })
	e.comesTo(t, "volumes", from, "available")
	e.nothingMade(t, "volumes", func() {
		for _, body := range []string{`{}`, `{"restore":[]}`, `{"restore":{"volume_id":"x"}}`, `{"restore":{"name":5}}`, `{"restore":{"size":1}}`} {
			e.fault(t, e.do(t, "POST", path, body), 400, "badRequest")
		}
		e.fault(t, e.do(t, "POST", path, `{"restore":{"volume_id":"`+unknownID+`"}}`), 404, "itemNotFound")
		e.fault(t, e.do(t, "POST", e.path("/backups/"+unknownID+"/restore"), `{"restore":{}}`), 404, "itemNotFound")
	})
}

func backupExport(t T, e *Env) {
	e.needAdmin(t)
	id := e.backedUp(t, e.ownVolume(t), map[string]any{"name": "exported"})["id"].(string)
	e.fault(t, e.do(t, "GET", e.path("/backups/"+id+"/export_record"), nil), 403, "forbidden")
	admin := "/" + e.Version + "/" + e.Admin.ProjectID + "/backups"
	a := e.as(t, e.Admin, "GET", admin+"/"+id+"/export_record", nil)
	status(t, a, 200)
	record := a.Under("backup-record")
	service, _ := record["backup_service"].(string)
	text, err := base64.StdEncoding.DecodeString(fmt.Sprint(record["backup_url"]))
	var inside map[string]any
	if err != nil || json.Unmarshal(text, &inside) != nil || inside["id"] != id || !strings.HasPrefix(service, "cinder.backup.drivers") {
		t.Fatalf("got %v, which holds %s", record, text)
	}
	send := func(who *client.Session, path, url string) *client.Answer {
		return e.as(t, who, "POST", path+"/import_record", map[string]any{"backup-record": map[string]any{"backup_service": service, "backup_url": url}})
	}
	for _, url := range []string{"", "no base64!", base64.StdEncoding.EncodeToString([]byte("no JSON")), fmt.Sprint(record["backup_url"])} {
		e.fault(t, send(e.Admin, admin, url), 400, "badRequest")
	}
	const imported = "5a17a2d6-0e3a-4b61-9a43-6a4f2a6e0c11"
	inside["id"] = imported
	again, err := json.Marshal(inside)
	if err != nil {
		t.Fatalf("%v", err)
	}
	url := base64.StdEncoding.EncodeToString(again)
	e.fault(t, send(e.Demo, e.path("/backups"), url), 403, "forbidden")
	made := send(e.Admin, admin, url)
	status(t, made, 201)
	if made.Under("backup")["id"] != imported {
		t.Errorf("got %v", made.Under("backup"))
	}
	afterwards(t, func(ctx context.Context) error { return e.Admin.Delete(ctx, "backups", imported) })
	if got, err := e.Admin.Settle(t.Context(), "backups", imported); err != nil || got != "available" {
		t.Errorf("it became %q (%v), want available", got, err)
	}
}

func backupReset(t T, e *Env) {
	e.needAdmin(t)
	id := e.backedUp(t, e.ownVolume(t), nil)["id"].(string)
	path := e.path("/backups/" + id + "/action")
	e.fault(t, e.do(t, "POST", path, `{"os-reset_status":{"status":"error"}}`), 403, "forbidden")
	for _, bad := range []string{"bogus", "creating", ""} {
		e.fault(t, e.adminAction(t, "backups", id, `{"os-reset_status":{"status":"`+bad+`"}}`), 400, "badRequest")
	}
	status(t, e.adminAction(t, "backups", id, `{"os-reset_status":{"status":"error"}}`), 202)
	if got := e.backupOf(t, id); got["status"] != "error" {
		t.Errorf("got %v, want status error", got)
	}
	e.fault(t, e.do(t, "POST", e.path("/backups/"+id+"/restore"), `{"restore":{}}`), 400, "badRequest")
	status(t, e.adminAction(t, "backups", id, `{"os-reset_status":{"status":"AVAILABLE"}}`), 202)
	e.comesTo(t, "backups", id, "available")
}

func backupForceDelete(t T, e *Env) {
	e.needAdmin(t)
	id := e.backedUp(t, e.ownVolume(t), nil)["id"].(string)
	e.fault(t, e.do(t, "POST", e.path("/backups/"+id+"/action"), `{"os-force_delete":{}}`), 403, "forbidden")
	status(t, e.adminAction(t, "backups", id, `{"os-force_delete":{}}`), 202)
	if left, err := e.Demo.Settle(t.Context(), "backups", id); err != nil || left != "" {
		t.Errorf("it is %q (%v), want it gone", left, err)
	}
}
