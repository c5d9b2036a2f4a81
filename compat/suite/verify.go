package suite

import (
	"fmt"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

// verifyOperations are extensions of Breezeblock: looking through a volume for damage.
func verifyOperations() []Operation {
	return []Operation{
		{"volume.verify", nil, volumeVerify},
		{"volume.verification", nil, volumeVerify},
	}
}

func volumeVerify(t T, e *Env) {
	id := e.ownVolume(t)
	url := e.path("/volumes/" + id + "/verify")
	e.fault(t, e.do(t, "GET", url, nil), 404, "itemNotFound") // there was none
	e.fault(t, e.do(t, "GET", e.path("/volumes/"+unknownID+"/verify"), nil), 404, "itemNotFound")
	e.fault(t, e.do(t, "POST", e.path("/volumes/"+unknownID+"/verify"), nil), 404, "itemNotFound")
	for _, bad := range []string{`{}`, `{"verify":null}`, `{"verify":{"x":1}}`, `{"verify":{"repair":"maybe"}}`, `{"verify":{},"x":1}`} {
		e.fault(t, e.do(t, "POST", url, bad), 400, "badRequest")
	}
	e.fault(t, e.do(t, "POST", url, `{"verify":{"repair":true}}`), 403, "forbidden")
	if e.Other != nil {
		e.fault(t, e.as(t, e.Other, "POST", strings.Replace(url, e.Demo.ProjectID, e.Other.ProjectID, 1), nil), 404, "itemNotFound")
	}
	if e.Reader != nil && e.evs() { // recorded Cinder lets readers do what members may
		e.fault(t, e.as(t, e.Reader, "POST", url, nil), 403, "forbidden")
	}
	for _, body := range []any{nil, `{"verify":{}}`, `{"verify":{"repair":false}}`} {
		a := e.do(t, "POST", url, body)
		status(t, a, 202)
		e.verified(t, e.Demo, url, a)
	}
	if e.Admin == nil {
		return
	}
	url = strings.Replace(url, e.Demo.ProjectID, e.Admin.ProjectID, 1)
	a := e.as(t, e.Admin, "POST", url, `{"verify":{"repair":true}}`)
	status(t, a, 202)
	if got := e.verified(t, e.Admin, url, a); got["repair"] != true {
		t.Errorf("got %v, want a repair", got)
	}
}

// verified waits until the verification that an answer began is over.
func (e *Env) verified(t T, who *client.Session, url string, begun *client.Answer) map[string]any {
	t.Helper()
	id := begun.Under("verification")["id"]
	for deadline := time.Now().Add(cleanupTimeout); ; {
		got := e.as(t, who, "GET", url, nil).Under("verification")
		if got["id"] != id {
			t.Fatalf("the last verification is %v, want %v", got["id"], id)
		}
		if got["status"] != "verifying" {
			if got["status"] != "done" || got["damaged"] != false || fmt.Sprintf("%v %v", got["findings"], got["more_findings"]) != "[] 0" || got["error"] != nil || got["finished_at"] == nil {
				t.Errorf("got %v, want a sound volume", got)
			}
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("it is still verifying: %v", got)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
