package suite

import (
	"context"
	"fmt"
	"slices"
)

func volumeOperations() []Operation {
	return []Operation{
		{"volume.create", nil, volumeCreate},
		{"volume.show", nil, volumeShow},
		{"volume.update", nil, volumeUpdate},
		{"volume.delete", nil, volumeDelete},
		{"volume.extend", nil, volumeExtend},
		{"volume.reset_status", nil, volumeReset},
		{"volume.force_delete", nil, volumeForceDelete},
		{"volume.attach", nil, volumeAttach},
		{"volume.detach", nil, volumeAttach},
		{"volume.set_bootable", nil, volumeBootable},
		{"volume.set_readonly", nil, volumeReadonly},
	}
}

// volumeKeys are what every volume shows. Source: recordings volume-show-3.0.
var volumeKeys = []string{"id", "status", "size", "availability_zone", "created_at", "updated_at", "name", "description", "volume_type",
	"snapshot_id", "source_volid", "metadata", "links", "user_id", "bootable", "encrypted", "replication_status", "consistencygroup_id",
	"multiattach", "attachments"}

// vendorVolumeKeys are what a volume shows besides in dialect evs, to members too. Source: EVS 6.2.
var vendorVolumeKeys = []string{"os-vol-host-attr:host", "os-vol-tenant-attr:tenant_id", "os-vol-mig-status-attr:migstat", "os-vol-mig-status-attr:name_id",
	"os-volume-replication:extended_status", "volume_image_metadata", "shareable", "storage_cluster_id"}

// made creates a volume, checks what came of it, and removes it afterwards.
func (e *Env) made(t T, body string) map[string]any {
	t.Helper()
	a := e.do(t, "POST", e.path("/volumes"), body)
	status(t, a, 202)
	id, _ := a.Under("volume")["id"].(string)
	afterwards(t, func(ctx context.Context) error {
		if _, err := e.Demo.Settle(ctx, "volumes", id); err != nil {
			return err
		}
		return e.Demo.Delete(ctx, "volumes", id)
	})
	if got := a.Under("volume"); got["status"] != "creating" || got["updated_at"] != nil {
		t.Errorf("got %v, want status creating and no updated_at", got)
	}
	if settled, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || settled != "available" {
		t.Fatalf("it became %q (%v), want available", settled, err)
	}
	return e.volumeOf(t, id)
}

func (e *Env) volumeOf(t T, id string) map[string]any {
	t.Helper()
	a := e.do(t, "GET", e.path("/volumes/"+id), nil)
	status(t, a, 200)
	return a.Under("volume")
}

func volumeCreate(t T, e *Env) {
	got := e.made(t, `{"volume":{"size":1,"name":" v ","description":"d","metadata":{"a":"b"}}}`)
	if got["name"] != "v" || got["description"] != "d" || fmt.Sprint(got["metadata"]) != "map[a:b]" || fmt.Sprint(got["size"]) != "1" {
		t.Errorf("got %v, want what was asked for", got)
	}
	s := e.subject(t)
	clone := e.made(t, `{"volume":{"snapshot_id":"`+s.id+`"}}`)
	if clone["snapshot_id"] != s.id || fmt.Sprint(clone["size"]) != "1" {
		t.Errorf("from a snapshot: got %v", clone)
	}
	if copied := e.made(t, `{"volume":{"source_volid":"`+e.volume+`","size":2}}`); copied["source_volid"] != e.volume || fmt.Sprint(copied["size"]) != "2" {
		t.Errorf("from a volume: got %v", copied)
	}
	if text := e.made(t, `{"volume":{"size":"1"}}`); fmt.Sprint(text["size"]) != "1" {
		t.Errorf("a size in quotes: got %v", text["size"])
	}
	e.nothingMade(t, "volumes", func() {
		e.fault(t, e.do(t, "POST", e.path("/volumes"), volumeBody(`"volume_type":"nope"`)), 404, "itemNotFound")
		e.fault(t, e.do(t, "POST", e.path("/volumes"), volumeBody(`"availability_zone":"nope"`)), 400, "badRequest")
		e.fault(t, e.do(t, "POST", e.path("/volumes"), volumeBody(`"snapshot_id":"`+unknownID+`"`)), 404, "itemNotFound")
	})
}

func volumeShow(t T, e *Env) {
	got := e.volumeOf(t, e.volume)
	keys := volumeKeys
	if e.evs() {
		keys = slices.Concat(keys, vendorVolumeKeys)
		if got["replication_status"] != "disabled" || got["shareable"] != "false" || got["os-vol-host-attr:host"] != nil {
			t.Errorf("got %v, want no replication, no sharing and no host", got)
		}
	}
	for _, key := range keys {
		if _, there := got[key]; !there {
			t.Errorf("no key %s in %v", key, got)
		}
	}
	if _, ok := got["bootable"].(string); !ok {
		t.Errorf("bootable: got %#v, want a string", got["bootable"])
	}
	for _, key := range []string{"created_at", "updated_at"} {
		if text, _ := got[key].(string); !timeForm.MatchString(text) {
			t.Errorf("%s: got %#v", key, got[key])
		}
	}
	e.fault(t, e.do(t, "GET", e.path("/volumes/"+unknownID), nil), 404, "itemNotFound")
	e.fault(t, e.do(t, "GET", e.path("/volumes/by-name"), nil), 404, "itemNotFound")
}

func volumeUpdate(t T, e *Env) {
	id := e.ownVolume(t)
	path := e.path("/volumes/" + id)
	a := e.do(t, "PUT", path, `{"volume":{"name":"renamed","description":"d2"}}`)
	status(t, a, 200)
	if got := e.volumeOf(t, id); got["name"] != "renamed" || got["description"] != "d2" {
		t.Errorf("got %v, want the new texts", got)
	}
	status(t, e.do(t, "PUT", path, `{"volume":{"metadata":{"z":"1"}}}`), 200)
	if got := e.volumeOf(t, id); fmt.Sprint(got["metadata"]) != "map[z:1]" || got["name"] != "renamed" {
		t.Errorf("got %v, want the new metadata and the name", got)
	}
	for _, bad := range []string{`{"volume":{"name":5}}`, `{"volume":[]}`, `{}`} {
		e.fault(t, e.do(t, "PUT", path, bad), 400, "badRequest")
	}
}

func volumeDelete(t T, e *Env) {
	s := e.subject(t)
	e.fault(t, s.do(t, "DELETE", e.path("/volumes/"+e.volume), nil), 400, "badRequest") // it has a snapshot
	s.untouched(t, "a refused deletion of the volume")
	id := e.ownVolume(t)
	status(t, e.do(t, "DELETE", e.path("/volumes/"+id), nil), 202)
	if left, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || left != "" {
		t.Errorf("it is %q (%v), want it gone", left, err)
	}
	e.fault(t, e.do(t, "DELETE", e.path("/volumes/"+id), nil), 404, "itemNotFound")
}

func volumeExtend(t T, e *Env) {
	id := e.ownVolume(t)
	action := e.path("/volumes/" + id + "/action")
	for _, size := range []string{`1`, `0`, `-1`, `"abc"`, `null`, `2.5`, `1099511627776`, `2,"x":1`} {
		e.fault(t, e.do(t, "POST", action, `{"os-extend":{"new_size":`+size+`}}`), 400, "badRequest")
	}
	e.fault(t, e.do(t, "POST", action, `{"os-extend":{}}`), 400, "badRequest")
	for i, size := range []string{`2`, `"3"`} {
		status(t, e.do(t, "POST", action, `{"os-extend":{"new_size":`+size+`}}`), 202)
		if settled, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || settled != "available" {
			t.Fatalf("it became %q (%v), want available", settled, err)
		}
		if got := fmt.Sprint(e.volumeOf(t, id)["size"]); got != fmt.Sprint(i+2) {
			t.Errorf("size: got %s, want %d", got, i+2)
		}
	}
	e.fault(t, e.do(t, "POST", e.path("/volumes/"+unknownID+"/action"), `{"os-extend":{"new_size":9}}`), 404, "itemNotFound")
}

func volumeReset(t T, e *Env) {
	e.needAdmin(t)
	id := e.ownVolume(t)
	e.fault(t, e.do(t, "POST", e.path("/volumes/"+id+"/action"), `{"os-reset_status":{"status":"error"}}`), 403, "forbidden")
	afterwards(t, func(ctx context.Context) error { return e.Admin.ResetStatus(ctx, "volumes", id, "available") })
	for _, state := range []string{"error", "creating", "error_deleting", "maintenance", "available"} {
		status(t, e.adminAction(t, "volumes", id, `{"os-reset_status":{"status":"`+state+`"}}`), 202)
		if got := e.volumeOf(t, id)["status"]; got != state {
			t.Errorf("reset to %s: got %v", state, got)
		}
	}
	e.fault(t, e.adminAction(t, "volumes", id, `{"os-reset_status":{"status":"bogus"}}`), 400, "badRequest")
	e.fault(t, e.adminAction(t, "volumes", id, `{"os-reset_status":{"status":"in-use"}}`), 400, "badRequest") // nothing is attached
}

func volumeForceDelete(t T, e *Env) {
	e.needAdmin(t)
	id := e.ownVolume(t)
	e.fault(t, e.do(t, "POST", e.path("/volumes/"+id+"/action"), `{"os-force_delete":{}}`), 403, "forbidden")
	if err := e.Admin.ResetStatus(t.Context(), "volumes", id, "error_deleting"); err != nil {
		t.Fatalf("%v", err)
	}
	status(t, e.adminAction(t, "volumes", id, `{"os-force_delete":{}}`), 202)
	if left, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || left != "" {
		t.Errorf("it is %q (%v), want it gone", left, err)
	}
}

func volumeAttach(t T, e *Env) {
	id := e.ownVolume(t)
	action := e.path("/volumes/" + id + "/action")
	const server = "00000000-0000-0000-0000-000000000005"
	status(t, e.do(t, "POST", action, `{"os-attach":{"instance_uuid":"`+server+`","mountpoint":"/dev/vdz","mode":"rw"}}`), 202)
	got := e.volumeOf(t, id)
	list, _ := got["attachments"].([]any)
	if got["status"] != "in-use" || len(list) != 1 {
		t.Fatalf("got %v, want in-use with one attachment", got)
	}
	attachment, _ := list[0].(map[string]any)
	if attachment["server_id"] != server || attachment["volume_id"] != id || attachment["device"] != "/dev/vdz" {
		t.Errorf("attachment: got %v", attachment)
	}
	e.fault(t, e.do(t, "DELETE", e.path("/volumes/"+id), nil), 400, "badRequest")
	e.fault(t, e.do(t, "POST", e.path("/snapshots"), `{"snapshot":{"volume_id":"`+id+`"}}`), 400, "badRequest") // without force
	status(t, e.do(t, "POST", action, `{"os-detach":{}}`), 202)
	if got := e.volumeOf(t, id); got["status"] != "available" || fmt.Sprint(got["attachments"]) != "[]" {
		t.Errorf("got %v, want available without attachments", got)
	}
}

func volumeBootable(t T, e *Env) {
	id := e.ownVolume(t)
	action := e.path("/volumes/" + id + "/action")
	for _, value := range []string{"true", "false"} {
		status(t, e.do(t, "POST", action, `{"os-set_bootable":{"bootable":`+value+`}}`), 200)
		if got := e.volumeOf(t, id)["bootable"]; got != value {
			t.Errorf("bootable: got %#v, want %q", got, value)
		}
	}
	for _, bad := range []string{`{"os-set_bootable":{}}`, `{"os-set_bootable":{"bootable":null}}`, `{"os-set_bootable":{"bootable":"maybe"}}`} {
		e.fault(t, e.do(t, "POST", action, bad), 400, "badRequest")
	}
}

func volumeReadonly(t T, e *Env) {
	id := e.ownVolume(t)
	action := e.path("/volumes/" + id + "/action")
	for _, tc := range [][2]string{{"true", "True"}, {"false", "False"}} {
		status(t, e.do(t, "POST", action, `{"os-update_readonly_flag":{"readonly":`+tc[0]+`}}`), 202)
		metadata, _ := e.volumeOf(t, id)["metadata"].(map[string]any)
		if metadata["readonly"] != tc[1] {
			t.Errorf("readonly: got %v, want %q", metadata, tc[1])
		}
	}
	for _, bad := range []string{`{"os-update_readonly_flag":{}}`, `{"os-update_readonly_flag":{"readonly":"maybe"}}`} {
		e.fault(t, e.do(t, "POST", action, bad), 400, "badRequest")
	}
}
