package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

func attachmentOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"attachment.create", v3, attachmentCreate},
		{"attachment.show", v3, attachmentModes},
		{"attachment.update", v3, attachmentLife},
		{"attachment.complete", v3, attachmentLife},
		{"attachment.delete", v3, attachmentLife},
		{"attachment.list", v3, attachmentList},
		{"attachment.list_details", v3, attachmentList},
		{"volume.reserve", nil, volumeReserve},
		{"volume.unreserve", nil, volumeReserve},
		{"volume.initialize_connection", nil, volumeConnection},
		{"volume.terminate_connection", nil, volumeConnection},
		{"volume.begin_detaching", nil, volumeDetaching},
		{"volume.roll_detaching", nil, volumeDetaching},
	}
}

// servers are ids that stand for servers; nobody looks whether they are there.
const (
	oneServer   = "00000000-0000-4000-8000-00000000000a"
	otherServer = "00000000-0000-4000-8000-00000000000b"
)

// at sends a call at a microversion.
func (e *Env) at(t T, minor, method, path string, body any) *client.Answer {
	t.Helper()
	return e.do(t, method, path, body, client.Field{"OpenStack-API-Version", "volume 3." + minor})
}

// reserved makes an attachment of a volume, which is removed afterwards if it is still there.
func (e *Env) reserved(t T, volume, more string) map[string]any {
	t.Helper()
	a := e.at(t, "50", "POST", e.path("/attachments"), `{"attachment":{"volume_uuid":"`+volume+`"`+more+`}}`)
	status(t, a, 200)
	made := a.Under("attachment")
	afterwards(t, func(ctx context.Context) error {
		_, err := e.Demo.Do(ctx, client.Request{Method: "DELETE", Path: e.path("/attachments/" + fmt.Sprint(made["id"])),
			Fields: []client.Field{{"OpenStack-API-Version", "volume 3.50"}}})
		return err
	})
	return made
}

// volumeIs checks a volume's status, and whether attachments are shown.
func (e *Env) volumeIs(t T, id, want string, attached int) {
	t.Helper()
	got := e.volumeOf(t, id)
	shown, _ := got["attachments"].([]any)
	if got["status"] != want || len(shown) != attached {
		t.Errorf("the volume is %v with the attachments %v, want %s with %d", got["status"], shown, want, attached)
	}
}

func attachmentCreate(t T, e *Env) {
	id := e.ownVolume(t)
	path := e.path("/attachments")
	for _, bad := range []string{`{"attachment":{}}`, `{"attachment":[]}`, `{"attachment":{"volume_uuid":"abc"}}`, `{}`,
		`{"attachment":{"volume_uuid":"` + id + `","x":1}}`, `{"attachment":{"volume_uuid":"` + id + `"},"x":1}`,
		`{"attachment":{"volume_uuid":"` + id + `","instance_uuid":"abc"}}`, `{"attachment":{"volume_uuid":"` + id + `","connector":"abc"}}`,
		`{"attachment":{"volume_uuid":"` + id + `","connector":{"host":5}}}`, `{"attachment":{"volume_uuid":"` + id + `","mode":"rw"}}`,
		`{"attachment":{"volume_uuid":"` + id + `","connector":{"host":"` + strings.Repeat("h", 256) + `"}}}`,
		`{"attachment":{"volume_uuid":"` + id + `","connector":{"mode":"wr"}}}`} {
		e.fault(t, e.at(t, "50", "POST", path, bad), 400, "badRequest")
	}
	e.volumeIs(t, id, "available", 0)
	e.fault(t, e.at(t, "50", "POST", path, `{"attachment":{"volume_uuid":"`+unknownID+`"}}`), 404, "itemNotFound")
	if a := e.at(t, "26", "POST", path, `{"attachment":{"volume_uuid":"`+id+`"}}`); a.Status != 404 {
		t.Errorf("at 3.26: got %s, want 404", a)
	}
	made := e.reserved(t, id, `,"instance_uuid":"`+oneServer+`"`)
	for key, want := range map[string]any{"status": "reserved", "instance": oneServer, "volume_id": id, "attached_at": "", "detached_at": "", "attach_mode": "null"} {
		if made[key] != want {
			t.Errorf("%s: got %#v, want %#v", key, made[key], want)
		}
	}
	if info, _ := made["connection_info"].(map[string]any); info == nil || len(info) != 0 {
		t.Errorf("connection_info: got %v, want an empty object", made["connection_info"])
	}
	e.volumeIs(t, id, "reserved", 0)
	e.fault(t, e.at(t, "50", "POST", path, `{"attachment":{"volume_uuid":"`+id+`","instance_uuid":"`+otherServer+`"}}`), 400, "badRequest")
	e.fault(t, e.do(t, "DELETE", e.path("/volumes/"+id), nil), 400, "badRequest")
	if e.Other != nil {
		theirs := e.Other.ProjectID
		for _, method := range []string{"GET", "DELETE"} {
			a, err := e.Other.Do(t.Context(), client.Request{Method: method, Path: "/v3/" + theirs + "/attachments/" + fmt.Sprint(made["id"]),
				Fields: []client.Field{{"OpenStack-API-Version", "volume 3.50"}}})
			if err != nil {
				t.Fatalf("%v", err)
			}
			e.fault(t, a, 404, "itemNotFound")
		}
	}
}

func attachmentLife(t T, e *Env) {
	id := e.ownVolume(t)
	made := e.reserved(t, id, `,"instance_uuid":"`+oneServer+`"`)
	path := e.path("/attachments/" + fmt.Sprint(made["id"]))
	for _, bad := range []string{`{"attachment":{}}`, `{"attachment":{"connector":{}}}`, `{"attachment":{"connector":null}}`, `{"attachment":{"connector":{"host":"h"},"mode":"ro"}}`} {
		e.fault(t, e.at(t, "50", "PUT", path, bad), 400, "badRequest")
	}
	e.volumeIs(t, id, "reserved", 0)
	const connector = `{"attachment":{"connector":{"host":"h","mountpoint":"/dev/vdb","initiator":"iqn.1","multipath":false}}}`
	a := e.at(t, "50", "PUT", path, connector)
	status(t, a, 200)
	info, _ := a.Under("attachment")["connection_info"].(map[string]any)
	if a.Under("attachment")["status"] != "attaching" || a.Under("attachment")["attach_mode"] != "rw" || info["access_mode"] != "rw" || info["driver_volume_type"] == nil {
		t.Errorf("got %s, want it attaching, to be written, with the way to connect", a)
	}
	e.volumeIs(t, id, "attaching", 0)
	if a := e.at(t, "43", "POST", path+"/action", `{"os-complete":{}}`); a.Status != 404 {
		t.Errorf("os-complete at 3.43: got %s, want 404", a)
	}
	status(t, e.at(t, "44", "POST", path+"/action", `{"os-complete":null}`), 204)
	e.volumeIs(t, id, "in-use", 1)
	noted, _ := e.volumeOf(t, id)["attachments"].([]any)[0].(map[string]any)
	for key, want := range map[string]any{"id": id, "volume_id": id, "attachment_id": made["id"], "server_id": oneServer, "host_name": "h", "device": "/dev/vdb"} {
		if noted[key] != want {
			t.Errorf("the volume's note, %s: got %#v, want %#v", key, noted[key], want)
		}
	}
	shown := e.at(t, "50", "GET", path, nil)
	status(t, shown, 200)
	if got := shown.Under("attachment"); got["status"] != "attached" || fmt.Sprint(got["connection_info"]) != fmt.Sprint(info) {
		t.Errorf("got %s, want it attached, with the connection as before", shown)
	}
	e.fault(t, e.do(t, "DELETE", e.path("/volumes/"+id), nil), 400, "badRequest")
	left := e.at(t, "50", "DELETE", path, nil)
	status(t, left, 200)
	if list, _ := left.Object()["attachments"].([]any); list == nil || len(list) != 0 {
		t.Errorf("got %s, want an empty list", left)
	}
	e.volumeIs(t, id, "available", 0)
	for method, body := range map[string]any{"GET": nil, "PUT": connector, "DELETE": nil} {
		e.fault(t, e.at(t, "50", method, path, body), 404, "itemNotFound")
	}
	e.fault(t, e.at(t, "50", "POST", path+"/action", `{"os-complete":{}}`), 404, "itemNotFound")
}

func attachmentList(t T, e *Env) {
	one, two := e.ownVolume(t), e.ownVolume(t)
	first := e.reserved(t, one, `,"instance_uuid":"`+oneServer+`"`)
	second := e.reserved(t, two, `,"connector":{"host":"h"}`)
	for query, want := range map[string][]any{
		"?volume_id=" + one:                               {first["id"]},
		"?volume_id=" + two:                               {second["id"]},
		"?volume_id=" + two + "&attach_status=reserved":   {},
		"?instance_id=" + oneServer + "&volume_id=" + one: {first["id"]},
		"?limit=1": {second["id"]},
		"?limit=1&marker=" + fmt.Sprint(second["id"]): {first["id"]},
	} {
		for _, form := range []string{"", "/detail"} {
			a := e.at(t, "50", "GET", e.path("/attachments"+form+query), nil)
			status(t, a, 200)
			list, _ := a.Object()["attachments"].([]any)
			var ids []any
			for _, item := range list {
				object, _ := item.(map[string]any)
				ids = append(ids, object["id"])
				if _, whole := object["connection_info"]; whole != (form != "") {
					t.Errorf("%s%s: got %v", form, query, object)
				}
			}
			if fmt.Sprint(ids) != fmt.Sprint(want) && len(ids)+len(want) > 0 {
				t.Errorf("%s%s: got %v, want %v", form, query, ids, want)
			}
		}
	}
	e.fault(t, e.at(t, "50", "GET", e.path("/attachments?bogus=1"), nil), 400, "badRequest")
	e.fault(t, e.at(t, "50", "GET", e.path("/attachments?limit=-1"), nil), 400, "badRequest")
	e.fault(t, e.at(t, "50", "GET", e.path("/attachments?marker="+unknownID), nil), 404, "itemNotFound")
}

// act calls an action on a volume as demo.
func (e *Env) act(t T, id, body string) *client.Answer {
	t.Helper()
	return e.do(t, "POST", e.path("/volumes/"+id+"/action"), body)
}

func volumeReserve(t T, e *Env) {
	id := e.ownVolume(t)
	status(t, e.act(t, id, `{"os-reserve":{}}`), 202)
	e.volumeIs(t, id, "attaching", 0)
	e.fault(t, e.act(t, id, `{"os-reserve":{}}`), 400, "badRequest")
	status(t, e.act(t, id, `{"os-unreserve":null}`), 202)
	e.volumeIs(t, id, "available", 0)
	status(t, e.act(t, id, `{"os-unreserve":{}}`), 202)
	e.volumeIs(t, id, "available", 0)
	for _, action := range []string{"os-reserve", "os-unreserve"} {
		e.fault(t, e.act(t, unknownID, `{"`+action+`":{}}`), 404, "itemNotFound")
	}
}

func volumeConnection(t T, e *Env) {
	id := e.ownVolume(t)
	const begin = `{"os-initialize_connection":{"connector":{"host":"h","ip":"192.0.2.1"}}}`
	status(t, e.act(t, id, `{"os-reserve":{}}`), 202)
	afterwards(t, func(ctx context.Context) error {
		_, err := e.Demo.Do(ctx, client.Request{Method: "POST", Path: e.path("/volumes/" + id + "/action"), Body: `{"os-unreserve":{}}`})
		return err
	})
	a := e.act(t, id, begin)
	status(t, a, 200)
	data, _ := a.Under("connection_info")["data"].(map[string]any)
	if a.Under("connection_info")["driver_volume_type"] == nil || data["access_mode"] != "rw" {
		t.Errorf("got %s, want the way to connect", a)
	}
	for _, bad := range []string{`{}`, `[]`, `null`, `{"connector":5}`, `{"connector":null}`, `{"connector":{},"x":1}`} {
		e.fault(t, e.act(t, id, `{"os-initialize_connection":`+bad+`}`), 400, "badRequest")
	}
	status(t, e.act(t, id, `{"os-attach":{"host_name":"h","mountpoint":"/dev/vdb"}}`), 202)
	e.volumeIs(t, id, "in-use", 1)
	status(t, e.act(t, id, `{"os-begin_detaching":{}}`), 202)
	status(t, e.act(t, id, `{"os-terminate_connection":{"connector":{"host":"h"}}}`), 202)
	e.volumeIs(t, id, "detaching", 1)
	status(t, e.act(t, id, `{"os-detach":{}}`), 202)
	e.volumeIs(t, id, "available", 0)
	e.fault(t, e.act(t, id, `{"os-terminate_connection":{}}`), 400, "badRequest")
	e.fault(t, e.act(t, unknownID, begin), 404, "itemNotFound")
}

func volumeDetaching(t T, e *Env) {
	id := e.ownVolume(t)
	e.fault(t, e.act(t, id, `{"os-begin_detaching":{}}`), 400, "badRequest")
	status(t, e.act(t, id, `{"os-roll_detaching":{}}`), 202)
	e.volumeIs(t, id, "available", 0)
	status(t, e.act(t, id, `{"os-attach":{"instance_uuid":"`+oneServer+`","mountpoint":"/dev/vdb","mode":"ro"}}`), 202)
	status(t, e.act(t, id, `{"os-begin_detaching":{}}`), 202)
	e.volumeIs(t, id, "detaching", 1)
	e.fault(t, e.act(t, id, `{"os-begin_detaching":{}}`), 400, "badRequest")
	status(t, e.act(t, id, `{"os-roll_detaching":{}}`), 202)
	e.volumeIs(t, id, "in-use", 1)
	status(t, e.act(t, id, `{"os-detach":{}}`), 202)
	e.volumeIs(t, id, "available", 0)
}
