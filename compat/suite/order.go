package suite

import (
	"fmt"

	"github.com/breezeblock/breezeblock/compat/client"
)

// badOrders are values of bssParam that say nothing, or ask for an order, which is not
// to be had. Source: EVS 7.2; vendor's SDK, BssParamForCreateVolume.
var badOrders = []string{
	`5`, `[]`, `"x"`, `{"chargingMode":"later"}`, `{"chargingMode":5}`, `{"isAutoPay":true}`, `{"isAutoPay":"yes"}`, `{"isAutoRenew":"TRUE"}`, `{"isAutoRenew":0}`,
	`{"periodType":"week"}`, `{"periodNum":0}`, `{"periodNum":10}`, `{"periodNum":"x"}`, `{"periodType":"year","periodNum":2}`, `{"periodNum":1e9}`,
	`{"chargingMode":"prePaid","periodType":"month","periodNum":1,"isAutoPay":"true"}`, `{"chargingMode":"prePaid"}`,
}

// goodOrders mean what no order means: disks are paid for by use.
var goodOrders = []string{
	`null`, `{}`, `{"isAutoPay":"false"}`, `{"chargingMode":"postPaid","isAutoPay":"true","isAutoRenew":"false","periodType":"month","periodNum":9}`,
	`{"periodType":"year","periodNum":1}`, `{"isAutoPay":null,"other":5}`,
}

// orders tries what a call takes of paying; of what it takes, the last must be done.
func (e *Env) orders(t T, call func(order string) *client.Answer, done func(*client.Answer)) {
	t.Helper()
	for _, order := range badOrders {
		if a := call(order); a.Status != 400 || a.Under("error")["code"] != "EVS.2147" {
			t.Errorf("%s: got %s, want 400 with EVS.2147", order, a)
		}
	}
	for _, order := range goodOrders {
		done(call(order))
	}
}

// extensionRules are those of what stands beside os-extend, and of shared disks.
// Source: EVS 7.3; EVS.1065; evs-status 1.1.
func (e *Env) extensionRules(t T, version string) {
	id := e.ownVolume(t)
	path := e.native(version, "/cloudvolumes/"+id+"/action")
	if version == "/v2" {
		e.refusal(t, e.do(t, "POST", path, `{"os-extend":{"new_size":2},"bssParam":{}}`), 400, "EVS.5400")
	} else {
		size := 1
		e.orders(t, func(order string) *client.Answer {
			return e.do(t, "POST", path, fmt.Sprintf(`{"bssParam":%s,"os-extend":{"new_size":%d}}`, order, size+1))
		}, func(a *client.Answer) {
			status(t, a, 202)
			e.finished(t, a, "/v2")
			size++
		})
		for _, body := range []string{`{"bssParam":{}}`, `{"os-extend":{"new_size":99},"other":1}`, `{"os-extend":{"new_size":99},"os-other":{}}`, `{"os-extend":{"new_size":99},"os-extend":{"new_size":98}}`} {
			e.refusal(t, e.do(t, "POST", path, body), 400, "EVS.5400")
		}
		if got := e.volumeOf(t, id); fmt.Sprint(got["size"]) != fmt.Sprint(size) {
			t.Errorf("the size is %v, want %d", got["size"], size)
		}
	}
	e.sharedInUse(t, version)
}

// sharedInUse extends a shared disk while a server has it, and when none has.
func (e *Env) sharedInUse(t T, version string) {
	made := e.do(t, "POST", e.native("/v2", "/cloudvolumes"), disk(`"multiattach":true`))
	id := e.disk(t, made)
	status(t, e.do(t, "POST", e.native("/v2", "/volumes/"+id+"/action"), `{"os-attach":{"host_name":"h","mountpoint":"/dev/vdb"}}`), 202)
	const body = `{"os-extend":{"new_size":2}}`
	path := e.native(version, "/cloudvolumes/"+id+"/action")
	e.refusal(t, e.do(t, "POST", path, body), 400, "EVS.1065")
	e.refusal(t, e.do(t, "POST", e.native("/v5", "/volumes/batch-extend"), `{"volumes":[{"id":"`+id+`","new_size":2}]}`), 400, "EVS.1065")
	if e.evs() {
		e.fault(t, e.do(t, "POST", e.native("/v2", "/volumes/"+id+"/action"), body), 400, "badRequest")
	}
	if got := e.volumeOf(t, id); got["status"] != "in-use" || fmt.Sprint(got["size"]) != "1" {
		t.Errorf("a refused extension left %v GB, %v", got["size"], got["status"])
	}
	status(t, e.do(t, "POST", e.native("/v2", "/volumes/"+id+"/action"), `{"os-detach":{}}`), 202)
	a := e.do(t, "POST", path, body)
	if a.Status >= 300 {
		t.Errorf("when nobody has it: got %s", a)
		return
	}
	e.finished(t, a, "/v2")
}
