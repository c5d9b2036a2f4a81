package suite

import "fmt"

// attachmentModes are the rules of who may read and write, and how many may at once.
func attachmentModes(t T, e *Env) {
	id := e.ownVolume(t)
	status(t, e.act(t, id, `{"os-update_readonly_flag":{"readonly":true}}`), 202)
	made := e.reserved(t, id, `,"connector":{"host":"h","mode":"rw"}`)
	if info, _ := made["connection_info"].(map[string]any); made["attach_mode"] != "ro" || info["access_mode"] != "ro" {
		t.Errorf("of a volume that may only be read: got %v", made)
	}
	status(t, e.at(t, "50", "DELETE", e.path("/attachments/"+fmt.Sprint(made["id"])), nil), 200)
	status(t, e.act(t, id, `{"os-update_readonly_flag":{"readonly":false}}`), 202)

	// A host that was attached to read is connected to read.
	status(t, e.act(t, id, `{"os-attach":{"host_name":"h","mountpoint":"/dev/vdb","mode":"ro"}}`), 202)
	for range 2 { // asked again, it is told the same
		a := e.act(t, id, `{"os-initialize_connection":{"connector":{"host":"h"}}}`)
		status(t, a, 200)
		if data, _ := a.Under("connection_info")["data"].(map[string]any); data["access_mode"] != "ro" {
			t.Errorf("attached to read: got %s", a)
		}
	}
	e.fault(t, e.act(t, id, `{"os-attach":{"host_name":"other","mountpoint":"/dev/vdb"}}`), 400, "badRequest")
	status(t, e.act(t, id, `{"os-detach":{}}`), 202)
	e.volumeIs(t, id, "available", 0)
	attachmentsShared(t, e)
}

// attachmentsShared is a volume with two attachments, which another volume may not have.
func attachmentsShared(t T, e *Env) {
	_, name := e.newType(t, `,"extra_specs":{"multiattach":"<is> True"}`)
	alone, shared := e.ownVolume(t), fmt.Sprint(e.made(t, volumeBody(`"volume_type":"`+name+`"`))["id"])
	first := func(volume, server string) string {
		t.Helper()
		made := fmt.Sprint(e.reserved(t, volume, `,"instance_uuid":"`+server+`","connector":{"host":"`+server+`"}`)["id"])
		status(t, e.at(t, "50", "POST", e.path("/attachments/"+made+"/action"), `{"os-complete":{}}`), 204)
		return made
	}
	first(alone, oneServer)
	e.fault(t, e.at(t, "50", "POST", e.path("/attachments"), `{"attachment":{"volume_uuid":"`+alone+`","instance_uuid":"`+otherServer+`"}}`), 400, "badRequest")
	one := first(shared, oneServer)
	two := first(shared, otherServer)
	e.volumeIs(t, shared, "in-use", 2)
	for _, id := range []string{one, two} {
		if a := e.at(t, "50", "POST", e.path("/attachments/"+id+"/action"), `{"os-complete":{}}`); a.Status != 204 {
			t.Errorf("os-complete again: got %s", a)
		}
	}
	e.fault(t, e.act(t, shared, `{"os-detach":{}}`), 400, "badRequest")
	status(t, e.at(t, "50", "DELETE", e.path("/attachments/"+one), nil), 200)
	e.volumeIs(t, shared, "in-use", 1)
	status(t, e.act(t, shared, `{"os-detach":{"attachment_id":"`+two+`"}}`), 202)
	e.volumeIs(t, shared, "available", 0)
}
