package suite

import (
	"context"
	"fmt"
)

// diskRules are rules of EVS on what a creation says that every family keeps, and shows
// alike. Source: EVS 6.1, 6.2, 7.3.
func (e *Env) diskRules(t T, all string) {
	e.shownAlike(t, all)
	e.ofServer(t)
	e.refusal(t, e.do(t, "POST", all, `{"OS-SCH-HNT:scheduler_hints":{"dedicated_storage_id":"pool"},`+disk("")[1:]), 400, "EVS.5400")
	e.refusal(t, e.do(t, "POST", all, `{"OS-SCH-HNT:scheduler_hints":5,`+disk("")[1:]), 400, "EVS.5400")
	e.refusal(t, e.do(t, "POST", all, `{"OS-SCH-HNT:scheduler_hints":{"dedicated_storage_id":5},`+disk("")[1:]), 400, "EVS.1018")
	if e.evs() {
		e.flashStays(t, all)
		e.snapshotSystemMetadata(t)
	}
}

// shownAlike makes an encrypted shared SCSI disk by one family and looks at it by each.
func (e *Env) shownAlike(t T, all string) {
	const key = "00000000-0000-4000-8000-000000000abc"
	id := e.disk(t, e.do(t, "POST", all, disk(`"multiattach":true,"metadata":{"__system__encrypted":"1","__system__cmkid":"`+key+`","hw:passthrough":"true"}`)))
	shown := map[string]map[string]any{
		"native":    e.do(t, "GET", e.native("/v2", "/cloudvolumes/"+id), nil).Under("volume"),
		"os-vendor": e.do(t, "GET", e.native("/v3", "/os-vendor-volumes/"+id), nil).Under("volume"),
		"v1":        e.do(t, "GET", e.native("/v1", "/volumes/"+id), nil).Under("volume"),
		"list":      rowsOf(e.do(t, "GET", e.native("/v2", "/cloudvolumes/detail?id="+id), nil), "volumes")[0],
		"cinder":    e.volumeOf(t, id),
	}
	for family, v := range shown {
		metadata, _ := v["metadata"].(map[string]any)
		if v["multiattach"] != true || metadata["__system__cmkid"] != key || metadata["hw:passthrough"] != "true" {
			t.Errorf("%s: got %v, want a shared SCSI disk", family, v)
		}
		if want := e.evs() || family != "cinder"; v["encrypted"] != want { // recorded Cinder knows no such key
			t.Errorf("%s: encrypted is %v, want %v", family, v["encrypted"], want)
		}
	}
	snap := e.standard(t, id, "")
	if v := e.do(t, "GET", e.native("/v5", "/snapshots/"+snap), nil).Under("snapshot"); v["encrypted"] != true || v["cmk_id"] != key {
		t.Errorf("its snapshot is %v, want it encrypted by the same key", v)
	}
}

// ofServer lists the disks that a server has.
func (e *Env) ofServer(t T) {
	id, free := e.ownVolume(t), e.ownVolume(t)
	server := free // any UUID that nothing else here has
	list := e.native("/v2", "/cloudvolumes/detail?server_id=")
	e.holdsRows(t, e.do(t, "GET", list+server, nil), "volumes", 0)
	act := e.native("/v2", "/volumes/"+id+"/action")
	status(t, e.do(t, "POST", act, `{"os-attach":{"instance_uuid":"`+server+`","mountpoint":"/dev/vdb"}}`), 202)
	e.holdsRows(t, e.do(t, "GET", list+server, nil), "volumes", 1, id)
	e.holdsRows(t, e.do(t, "GET", list+server+"&id="+free, nil), "volumes", 0)
	e.holdsRows(t, e.do(t, "GET", list+unknownID, nil), "volumes", 0)
	if e.Other != nil {
		a := e.as(t, e.Other, "GET", "/v2/"+e.Other.ProjectID+"/cloudvolumes/detail?server_id="+server, nil)
		e.holdsRows(t, a, "volumes", 0)
	}
	status(t, e.do(t, "POST", act, `{"os-detach":{}}`), 202)
	e.holdsRows(t, e.do(t, "GET", list+server, nil), "volumes", 0)
}

// flashStays: from SSD-backed types only others of them can be changed to.
func (e *Env) flashStays(t T, all string) {
	id := e.disk(t, e.do(t, "POST", all, disk(`"volume_type":"SATA"`)))
	path := e.native("/v2", "/volumes/"+id+"/retype")
	for _, step := range []struct{ to, code string }{{"SAS", ""}, {"GPSSD", ""}, {"SAS", "EVS.2087"}, {"ESSD", ""}, {"SATA", "EVS.2087"}} {
		a := e.do(t, "POST", path, `{"os-retype":{"new_type":"`+step.to+`"}}`)
		if step.code == "" {
			status(t, a, 202)
			e.finished(t, a, "/v2")
			continue
		}
		e.refusal(t, a, 400, step.code)
	}
	if v := e.volumeOf(t, id); v["volume_type"] != "ESSD" {
		t.Errorf("the type is %v, want ESSD", v["volume_type"])
	}
}

// snapshotSystemMetadata: what marks the snapshot of a server's backup is given when it
// is made, and nobody changes it later. Source: EVS 3.7; EVS.5403.
func (e *Env) snapshotSystemMetadata(t T) {
	a := e.do(t, "POST", e.path("/snapshots"), `{"snapshot":{"volume_id":"`+e.volume+`","metadata":{"__system__enableActive":"true","mine":"1"}}}`)
	status(t, a, 202)
	id, _ := a.Under("snapshot")["id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "snapshots", id) })
	e.comesTo(t, "snapshots", id, "available")
	path := e.path("/snapshots/" + id + "/metadata")
	for _, tc := range [][3]string{
		{"POST", "", `{"metadata":{"__system__mine":"1"}}`}, {"POST", "", `{"metadata":{"__system__enableActive":"false"}}`},
		{"PUT", "", `{"metadata":{"mine":"1"}}`}, {"PUT", "/__system__enableActive", `{"meta":{"__system__enableActive":"false"}}`}, {"DELETE", "/__system__enableActive", ""},
	} {
		e.fault(t, e.do(t, tc[0], path+tc[1], tc[2]), 403, "forbidden")
	}
	status(t, e.do(t, "DELETE", path+"/mine", nil), 200)
	if got := fmt.Sprint(e.do(t, "GET", path, nil).Under("metadata")); got != "map[__system__enableActive:true]" {
		t.Errorf("the metadata is %s", got)
	}
	for _, rollback := range []string{e.native("/v2", "/cloudsnapshots/"), e.native("/v2", "/os-vendor-snapshots/"), e.native("/v3", "/os-vendor-snapshots/"), e.native("/v5", "/snapshots/")} {
		if a := e.do(t, "POST", rollback+id+"/rollback", `{"rollback":{"volume_id":"`+e.volume+`"}}`); a.Status != 400 {
			t.Errorf("%s: a rollback to a backup's snapshot: got %s, want 400", rollback, a)
		}
	}
}
