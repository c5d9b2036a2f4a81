package suite

import (
	"context"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/compat/client"
)

func manageOperations() []Operation {
	v3 := []string{"v3"}
	old := managedAt{volumes: "/os-volume-manage", snapshots: "/os-snapshot-manage"}
	new := managedAt{volumes: "/manageable_volumes", snapshots: "/manageable_snapshots", fields: []client.Field{at("3.8")}}
	return []Operation{
		{"volume.unmanage", nil, old.volume},
		{"volume_manage.list", nil, old.volume},
		{"volume_manage.list_details", nil, old.volume},
		{"volume_manage.manage", nil, old.volume},
		{"manageable_volume.list", v3, new.volume},
		{"manageable_volume.list_details", v3, new.volume},
		{"manageable_volume.manage", v3, new.volume},
		{"snapshot.unmanage", nil, old.snapshot},
		{"snapshot_manage.list", nil, old.snapshot},
		{"snapshot_manage.list_details", nil, old.snapshot},
		{"snapshot_manage.manage", nil, old.snapshot},
		{"manageable_snapshot.list", v3, new.snapshot},
		{"manageable_snapshot.list_details", v3, new.snapshot},
		{"manageable_snapshot.manage", v3, new.snapshot},
		{"volume.migrate", nil, migrationRefused},
		{"volume.force_detach", nil, forceDetach},
		{"volume.migrate_completion", nil, migrationRefused},
	}
}

// managedAt is one of the two names of these calls.
type managedAt struct {
	volumes, snapshots string
	fields             []client.Field
}

// manageable finds an object of the storage in a list, and checks its paging.
func (m managedAt) manageable(t T, e *Env, path, key, host, id string) map[string]any {
	t.Helper()
	e.forAdmins(t, "GET", path+"?host="+host, nil, m.fields...)
	a := e.admin(t, "GET", path+"?host="+host+"&sort=reference:asc", nil, m.fields...)
	status(t, a, 200)
	all := rows(a, key)
	i := slices.IndexFunc(all, func(row map[string]any) bool { return fmt.Sprint(row["reference"]) == "map[source-name:"+id+"]" })
	if i < 0 {
		t.Fatalf("got %s, want %s", a, id)
	}
	one := rows(e.admin(t, "GET", path+"?host="+host+"&sort=reference:asc&limit=1&offset="+fmt.Sprint(i), nil, m.fields...), key)
	if len(one) != 1 || fmt.Sprint(one[0]["reference"]) != fmt.Sprint(all[i]["reference"]) {
		t.Errorf("offset %d, limit 1: got %v, want %v", i, one, all[i])
	}
	e.fault(t, e.admin(t, "GET", path, nil, m.fields...), 400, "badRequest")
	e.fault(t, e.admin(t, "GET", path+"?host="+host+"&sort=name", nil, m.fields...), 400, "badRequest")
	e.fault(t, e.admin(t, "GET", path+"?host="+host+"&marker=nothing", nil, m.fields...), 400, "badRequest")
	return all[i]
}

// volume lets go of a volume, finds it in the lists, and takes it back.
func (m managedAt) volume(t T, e *Env) {
	host := e.backend(t)
	id := e.adminVolume(t)
	if row := m.manageable(t, e, m.volumes, "manageable-volumes", host, id); row["safe_to_manage"] != false {
		t.Errorf("a managed volume: got %v", row)
	}
	e.fault(t, e.do(t, "POST", e.path("/volumes/"+e.volume+"/action"), `{"os-unmanage":{}}`), 403, "forbidden")
	status(t, e.admin(t, "POST", "/volumes/"+id+"/action", `{"os-unmanage":{}}`), 202)
	e.fault(t, e.admin(t, "GET", "/volumes/"+id, nil), 404, "itemNotFound")
	row := m.manageable(t, e, m.volumes+"/detail", "manageable-volumes", host, id)
	if row["safe_to_manage"] != true || fmt.Sprint(row["size"]) != "1" || row["cinder_id"] != nil || row["reason_not_safe"] != nil {
		t.Errorf("after unmanage: got %v", row)
	}
	body := func(member string) string {
		return `{"volume":{"host":"` + host + `",` + member + `,"name":"back","metadata":{"a":"b"}}}`
	}
	e.forAdmins(t, "POST", m.volumes, body(`"ref":{"source-name":"`+id+`"}`), m.fields...)
	for _, bad := range []string{`{}`, `{"volume":{"host":"` + host + `"}}`, `{"volume":{"ref":{"source-name":"` + id + `"}}}`, body(`"ref":{"source-name":"nothing"}`),
		body(`"ref":{"source-id":"` + unknownID + `"}`), body(`"ref":{"name":"x"}`), body(`"ref":5`), body(`"ref":{"source-name":"` + id + `"},"bogus":1`),
		`{"volume":{"host":"nothing@here","ref":{"source-name":"` + id + `"}}}`} {
		e.fault(t, e.admin(t, "POST", m.volumes, bad, m.fields...), 400, "badRequest")
	}
	a := e.admin(t, "POST", m.volumes, body(`"ref":{"source-name":"volume-`+id+`"}`), m.fields...) // as Cinder's templates name it, or bare
	status(t, a, 202)
	if got := a.Under("volume"); got["id"] != id || got["name"] != "back" || fmt.Sprint(got["size"]) != "1" || got["status"] != "available" {
		t.Errorf("got %v, want the volume again", got)
	}
	e.fault(t, e.admin(t, "POST", m.volumes, body(`"ref":{"source-name":"`+id+`"}`), m.fields...), 400, "badRequest")
}

// adminVolume is a volume of the administrator's project.
func (e *Env) adminVolume(t T) string {
	t.Helper()
	e.needAdmin(t)
	id, err := e.Admin.CreateVolume(t.Context(), map[string]any{"size": 1, "name": "suite-managed"})
	if err != nil {
		t.Fatalf("make a volume: %v", err)
	}
	afterwards(t, func(ctx context.Context) error { return e.Admin.Delete(ctx, "volumes", id) })
	return id
}

// snapshot lets go of a snapshot, finds it in the lists, and takes it back.
func (m managedAt) snapshot(t T, e *Env) {
	host := e.backend(t)
	s := e.subject(t)
	e.fault(t, s.do(t, "POST", s.url()+"/action", `{"os-unmanage":{}}`), 403, "forbidden")
	s.untouched(t, "a refused unmanage")
	status(t, e.adminAction(t, "snapshots", s.id, `{"os-unmanage":{}}`), 202)
	e.fault(t, s.do(t, "GET", s.url(), nil), 404, "itemNotFound")
	row := m.manageable(t, e, m.snapshots+"/detail", "manageable-snapshots", host, s.id)
	if row["safe_to_manage"] != true || fmt.Sprint(row["size"]) != "1" || fmt.Sprint(row["source_reference"]) != "map[source-name:"+e.volume+"]" {
		t.Errorf("after unmanage: got %v", row)
	}
	body := func(ref string) string {
		return `{"snapshot":{"volume_id":"` + e.volume + `","ref":` + ref + `,"name":"back"}}`
	}
	for _, bad := range []string{`{}`, `{"snapshot":{}}`, body(`{"source-name":"nothing"}`), body(`{}`), body(`null`), `{"snapshot":{"ref":"` + s.id + `"}}`} {
		e.fault(t, e.admin(t, "POST", m.snapshots, bad, m.fields...), 400, "badRequest")
	}
	e.fault(t, e.admin(t, "POST", m.snapshots, `{"snapshot":{"volume_id":"`+unknownID+`","ref":"`+s.id+`"}}`, m.fields...), 404, "itemNotFound")
	a := e.admin(t, "POST", m.snapshots, body(`{"source-name":"_snapshot-`+s.id+`"}`), m.fields...)
	status(t, a, 202)
	if got := s.show(t); got["name"] != "back" || got["volume_id"] != e.volume || got["status"] != "available" {
		t.Errorf("got %v, want the snapshot again, in the volume's project", got)
	}
	e.fault(t, e.admin(t, "POST", m.snapshots, body(`"`+s.id+`"`), m.fields...), 400, "badRequest")
}

func migrationRefused(t T, e *Env) {
	host := e.backend(t)
	path := "/volumes/" + e.volume + "/action"
	e.forAdmins(t, "POST", path, `{"os-migrate_volume":{"host":"`+host+`"}}`)
	for _, body := range []string{
		`{"os-migrate_volume":{"host":"` + host + `"}}`, `{"os-migrate_volume":{"host":"elsewhere@here#there"}}`, `{"os-migrate_volume":{"host":5}}`,
		`{"os-migrate_volume":{"bogus":1}}`, `{"os-migrate_volume_completion":{"new_volume":"` + e.volume + `"}}`, `{"os-migrate_volume_completion":{}}`,
	} {
		e.fault(t, e.admin(t, "POST", path, body), 400, "badRequest")
	}
	e.fault(t, e.admin(t, "POST", "/volumes/"+unknownID+"/action", `{"os-migrate_volume":{"host":"`+host+`"}}`), 404, "itemNotFound")
	if got := e.volumeOf(t, e.volume); got["status"] != "available" {
		t.Errorf("the volume is %v, want available", got["status"])
	}
}

func forceDetach(t T, e *Env) {
	e.needAdmin(t)
	id := e.ownVolume(t)
	act := func(body string) *client.Answer { return e.admin(t, "POST", "/volumes/"+id+"/action", body) }
	e.fault(t, act(`{"os-force_detach":{}}`), 400, "badRequest") // nobody holds it
	status(t, e.do(t, "POST", e.path("/volumes/"+id+"/action"), `{"os-attach":{"host_name":"h","mountpoint":"/dev/vdb"}}`), 202)
	e.fault(t, e.do(t, "POST", e.path("/volumes/"+id+"/action"), `{"os-force_detach":{}}`), 403, "forbidden")
	for _, bad := range []string{`{"os-force_detach":{"attachment_id":"` + unknownID + `"}}`, `{"os-force_detach":{"attachment_id":5}}`,
		`{"os-force_detach":{"connector":"x"}}`, `{"os-force_detach":{"bogus":1}}`, `{"os-force_detach":[]}`} {
		e.fault(t, act(bad), 400, "badRequest")
	}
	held, _ := e.volumeOf(t, id)["attachments"].([]any)
	if len(held) != 1 {
		t.Fatalf("after refusals it has %v, want one attachment", held)
	}
	one, _ := held[0].(map[string]any)
	status(t, act(`{"os-force_detach":{"attachment_id":"`+fmt.Sprint(one["attachment_id"])+`","connector":{"host":"h"}}}`), 202)
	if left, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || left != "available" {
		t.Errorf("it is %q (%v), want available", left, err)
	}
	e.fault(t, e.admin(t, "POST", "/volumes/"+unknownID+"/action", `{"os-force_detach":{}}`), 404, "itemNotFound")
}
