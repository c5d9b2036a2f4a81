package suite

import (
	"fmt"
	"strings"
)

func typeEncryption(t T, e *Env) {
	e.needAdmin(t)
	id, _ := e.newType(t, "")
	path := "/types/" + id + "/encryption"
	if a := e.admin(t, "GET", path, nil); a.Status != 200 || len(a.Object()) != 0 {
		t.Errorf("before: got %s, want {}", a)
	}
	a := e.admin(t, "POST", path, `{"encryption":{"provider":"luks","key_size":256,"cipher":"aes-xts-plain64","control_location":"front-end"}}`)
	status(t, a, 200)
	made := a.Under("encryption")
	encryptionID, _ := made["encryption_id"].(string)
	if made["volume_type_id"] != id || encryptionID == "" || fmt.Sprint(made["key_size"]) != "256" {
		t.Errorf("made: got %v", made)
	}
	e.fault(t, e.admin(t, "POST", path, `{"encryption":{"provider":"luks","control_location":"front-end"}}`), 400, "badRequest") // it is there
	a = e.admin(t, "PUT", path+"/"+encryptionID, `{"encryption":{"key_size":128,"provider":"other","control_location":"back-end"}}`)
	status(t, a, 200)
	got := e.admin(t, "GET", path, nil).Object()
	if got["provider"] != "other" || fmt.Sprint(got["key_size"]) != "128" || got["cipher"] != "aes-xts-plain64" || got["control_location"] != "back-end" ||
		got["encryption_id"] != encryptionID || got["deleted"] != false || got["updated_at"] == nil {
		t.Errorf("shown: got %v", got)
	}
	if a := e.admin(t, "GET", path+"/cipher", nil); a.Status != 200 || fmt.Sprint(a.Object()) != "map[cipher:aes-xts-plain64]" {
		t.Errorf("one item: got %s", a)
	}
	e.fault(t, e.admin(t, "GET", path+"/nonsense", nil), 404, "itemNotFound")
	e.fault(t, e.do(t, "GET", e.path(path), nil), 403, "forbidden")
	for _, bad := range []string{`{"encryption":{}}`, `{"encryption":{"provider":"x","control_location":"elsewhere"}}`, `{"encryption":[]}`, `{}`,
		`{"encryption":{"provider":"x","control_location":"front-end","key_size":-1}}`} {
		e.fault(t, e.admin(t, "POST", path, bad), 400, "badRequest")
	}
	status(t, e.admin(t, "DELETE", path+"/"+encryptionID, nil), 202)
	e.fault(t, e.admin(t, "DELETE", path+"/"+encryptionID, nil), 404, "itemNotFound")
	if a := e.admin(t, "GET", path, nil); a.Status != 200 || len(a.Object()) != 0 {
		t.Errorf("afterwards: got %s, want {}", a)
	}
	e.fault(t, e.admin(t, "POST", "/types/"+unknownID+"/encryption", `{"encryption":{"provider":"luks","control_location":"front-end"}}`), 404, "itemNotFound")
}

func volumeEncryption(t T, e *Env) {
	e.needAdmin(t)
	if a := e.do(t, "GET", e.path("/volumes/"+e.volume+"/encryption"), nil); a.Status != 200 || fmt.Sprint(a.Object()) != "map[encryption_key_id:<nil>]" {
		t.Errorf("a plain volume: got %s", a)
	}
	id, _ := e.newType(t, "")
	path := "/types/" + id + "/encryption"
	status(t, e.admin(t, "POST", path, `{"encryption":{"provider":"luks","control_location":"front-end"}}`), 200)
	vol := e.made(t, volumeBody(`"volume_type":"`+id+`"`))
	volume := "/volumes/" + fmt.Sprint(vol["id"])
	if vol["encrypted"] != true {
		t.Errorf("encrypted: got %v, want true", vol["encrypted"])
	}
	a := e.do(t, "GET", e.path(volume+"/encryption"), nil)
	if o := a.Object(); a.Status != 200 || o["provider"] != "luks" || o["control_location"] != "front-end" || len(o) != 5 {
		t.Errorf("got %s", a)
	}
	if a := e.do(t, "GET", e.path(volume+"/encryption/provider"), nil); a.Status != 200 || !strings.Contains(fmt.Sprint(a.Object()), "luks") {
		t.Errorf("one item: got %s", a)
	}
	e.fault(t, e.do(t, "GET", e.path(volume+"/encryption/nonsense"), nil), 404, "itemNotFound")
	e.fault(t, e.do(t, "GET", e.path("/volumes/"+unknownID+"/encryption"), nil), 404, "itemNotFound")
	e.fault(t, e.as(t, e.Other, "GET", "/"+e.Version+"/"+e.Other.ProjectID+volume+"/encryption", nil), 404, "itemNotFound")
	e.fault(t, e.admin(t, "DELETE", path+"/x", nil), 400, "badRequest") // in use
	e.fault(t, e.do(t, "POST", e.path(volume+"/action"), `{"os-retype":{"new_type":"__DEFAULT__"}}`), 400, "badRequest")
}
