package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// recycleOperations are those of the recycle bin. A disk must be a day old to be kept,
// which no disk of a run is: what becomes of one that is kept is tried where the clock
// can be set. Source: EVS 12.
func recycleOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"recycle.show_policy", v3, recyclePolicy},
		{"recycle.set_policy", v3, recyclePolicy},
		{"recycle.list", v3, recycleList},
		{"recycle.show", v3, func(t T, e *Env) { e.notInBin(t, "GET", "") }},
		{"recycle.delete", v3, func(t T, e *Env) { e.notInBin(t, "DELETE", "") }},
		{"recycle.revert", v3, func(t T, e *Env) { e.notInBin(t, "POST", "/revert") }},
	}
}

func (e *Env) bin(rest string) string { return e.native("/v3", "/recycle-bin-volumes"+rest) }

// policy sets the recycle bin's policy until the function ends.
func (e *Env) policy(t T, body string) {
	t.Helper()
	status(t, e.do(t, "PUT", e.bin("/policy"), body), 200) // not 204, which the vendor's Terraform provider refuses
	afterwards(t, func(ctx context.Context) error {
		_, err := e.Demo.Do(ctx, client.Request{Method: "PUT", Path: e.bin("/policy"), Body: `{"switch":false,"threshold_time":7,"keep_time":7}`})
		return err
	})
}

func recyclePolicy(t T, e *Env) {
	shown := func(want string) {
		t.Helper()
		a := e.do(t, "GET", e.bin("/policy"), nil)
		status(t, a, 200)
		if got := a.Object(); len(got) != 3 || fmt.Sprint(got["switch"], " ", got["threshold_time"], " ", got["keep_time"]) != want {
			t.Errorf("got %s, want %s", a, want)
		}
	}
	shown("false 7 7")
	e.policy(t, `{"switch":true,"threshold_time":1000,"keep_time":365}`)
	shown("true 1000 365")
	e.policy(t, `{"switch":true,"threshold_time":1,"keep_time":1}`)
	shown("true 1 1")
	e.policy(t, `{"switch":false}`)
	shown("false 1 1")
	for body, code := range map[string]string{
		"": "EVS.5400", `[]`: "EVS.5400", `{"switch":5}`: "EVS.1018", `{"switch":null}`: "EVS.1018", `{"policy":{}}`: "EVS.5400",
		`{"threshold_time":0}`: "EVS.5400", `{"threshold_time":1001}`: "EVS.5400", `{"threshold_time":-1}`: "EVS.5400", `{"threshold_time":"x"}`: "EVS.1018",
		`{"keep_time":0}`: "EVS.5400", `{"keep_time":366}`: "EVS.5400", `{"keep_time":99999999999999999999}`: "EVS.5400", `{"keep_time":1e30}`: "EVS.1018",
	} {
		e.refusal(t, e.do(t, "PUT", e.bin("/policy"), body), 400, code)
	}
	shown("false 1 1")
	if e.Reader != nil && e.evs() {
		e.refusal(t, e.as(t, e.Reader, "PUT", e.bin("/policy"), `{"switch":true}`), 403, "EVS.5403")
	}
}

// recycleList deletes a disk that is too young to be kept.
func recycleList(t T, e *Env) {
	e.policy(t, `{"switch":true,"threshold_time":1,"keep_time":1}`)
	a := e.do(t, "POST", e.native("/v3", "/cloudvolumes"), disk(`"name":"young"`))
	status(t, a, 200)
	id := madeIDs(e.finished(t, a, "/v2"))[0]
	a = e.do(t, "DELETE", e.native("/v2", "/cloudvolumes/"+id), nil)
	status(t, a, 200)
	e.finished(t, a, "/v2")
	a = e.do(t, "GET", e.bin("/detail?name=young&limit=10&offset=0&service_type=EVS"), nil)
	e.holdsRows(t, a, "volumes", 0)
	e.refusal(t, e.do(t, "GET", e.bin("/detail?limit=1001"), nil), 400, "EVS.2142")
	e.refusal(t, e.do(t, "GET", e.bin("/detail?availability_zone=mars"), nil), 400, "EVS.1041")
	e.refusal(t, e.do(t, "GET", e.bin("/detail?limit=0"), nil), 400, "EVS.1023")
	e.refusal(t, e.do(t, "GET", e.bin("/detail?name="+strings.Repeat("n", 65)), nil), 400, "EVS.1003")
}

// notInBin is what the bin says of disks that are not in it.
func (e *Env) notInBin(t T, method, rest string) {
	for _, id := range []string{e.volume, unknownID} {
		e.refusal(t, e.do(t, method, e.bin("/"+id+rest), nil), 404, "EVS.5404")
	}
	e.refusal(t, e.do(t, method, e.bin("/x"+rest), nil), 400, "EVS.1002")
}
