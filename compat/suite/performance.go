package suite

import (
	"fmt"

	"github.com/breezeblock/breezeblock/compat/client"
)

// performance buys IOPS and throughput of the types that have them to sell, at each
// limit, one past and far past. Source: EVS 7.2, 7.3; General Purpose SSD V2 Disks;
// Extreme SSD V2 Disks.
func (e *Env) performance(t T, all string) {
	if !e.evs() {
		return // the types are those of dialect evs
	}
	buy := func(members string) *client.Answer { return e.do(t, "POST", all, disk(members)) }
	e.nothingMade(t, "volumes", func() {
		for _, bad := range []string{
			`"volume_type":"GPSSD2","size":100,"iops":2999`, `"volume_type":"GPSSD2","size":100,"iops":50001`, `"volume_type":"GPSSD2","size":1000,"iops":128001`,
			`"volume_type":"GPSSD2","size":1000,"iops":2147483647`, `"volume_type":"GPSSD2","size":1000,"iops":99999999999999999999`, `"volume_type":"GPSSD2","iops":-1`,
			`"volume_type":"GPSSD2","throughput":124`, `"volume_type":"GPSSD2","iops":3000,"throughput":751`, `"volume_type":"GPSSD2","size":1000,"iops":128000,"throughput":1001`,
			`"volume_type":"ESSD2","iops":99`, `"volume_type":"ESSD2","iops":1001`, `"volume_type":"ESSD2","size":1000,"iops":256001`, `"volume_type":"ESSD2","iops":1000,"throughput":125`,
			`"volume_type":"SSD","iops":3000`, `"volume_type":"SATA","throughput":125`,
		} {
			e.refusal(t, buy(bad), 400, "EVS.5400")
		}
		for _, bad := range []string{`"volume_type":"GPSSD2","size":1000,"iops":1e30`, `"volume_type":"GPSSD2","iops":true`, `"volume_type":"GPSSD2","throughput":"x"`} {
			e.refusal(t, buy(bad), 400, "EVS.1018")
		}
	})
	for members, want := range map[string][2]int{ // IOPS and throughput; 0: not shown
		`"volume_type":"GPSSD2"`: {3000, 125},
		`"volume_type":"GPSSD2","size":100,"iops":50000,"throughput":1000`:  {50000, 1000},
		`"volume_type":"GPSSD2","size":256,"iops":128000,"throughput":1000`: {128000, 1000},
		`"volume_type":"GPSSD2","iops":3000,"throughput":750`:               {3000, 750},
		`"volume_type":"ESSD2"`:                          {100, 0},
		`"volume_type":"ESSD2","size":256,"iops":256000`: {256000, 0},
		`"volume_type":"SSD","size":100`:                 {0, 0},
		`"volume_type":"SAS"`:                            {0, 0},
	} {
		id := e.disk(t, buy(members))
		e.showsPerformance(t, id, want[0], want[1])
		if want[1] == 0 {
			continue
		}
		path := e.native("/v5", "/cloudvolumes/"+id+"/qos")
		e.refusal(t, e.do(t, "PUT", path, `{"qos_modify":{"iops":2999}}`), 400, "EVS.5400")
		e.refusal(t, e.do(t, "PUT", path, `{"qos_modify":{"iops":128001}}`), 400, "EVS.5400")
		e.refusal(t, e.do(t, "PUT", path, `{"qos_modify":{"iops":3000,"throughput":751}}`), 400, "EVS.5400")
		e.showsPerformance(t, id, want[0], want[1])
		a := e.do(t, "PUT", path, `{"qos_modify":{"iops":3000,"throughput":700}}`)
		status(t, a, 202)
		e.finished(t, a, "/v2")
		e.showsPerformance(t, id, 3000, 700)
		a = e.do(t, "POST", e.native("/v2", "/volumes/"+id+"/retype"), `{"os-retype":{"new_type":"ESSD2","iops":500}}`)
		status(t, a, 202)
		e.showsPerformance(t, id, 500, 0)
		status(t, e.do(t, "POST", e.native("/v2", "/volumes/"+id+"/retype"), `{"os-retype":{"new_type":"SSD"}}`), 202)
		e.showsPerformance(t, id, 0, 0)
	}
}

// showsPerformance checks what is shown of a disk, by itself and in the list.
func (e *Env) showsPerformance(t T, id string, iops, throughput int) {
	t.Helper()
	shown := e.do(t, "GET", e.native("/v2", "/cloudvolumes/"+id), nil).Under("volume")
	listed := rowsOf(e.do(t, "GET", e.native("/v2", "/cloudvolumes/detail?id="+id), nil), "volumes")
	for _, v := range append(listed, shown) {
		for key, want := range map[string]int{"iops": iops, "throughput": throughput} {
			got, there := v[key].(map[string]any)
			if want == 0 && !there && v[key] == nil {
				continue
			}
			if fmt.Sprint(got["total_val"]) != fmt.Sprint(want) || got["frozened"] != false || got["id"] != id {
				t.Errorf("%s of disk %s is %v, want %d", key, id, v[key], want)
			}
		}
	}
	if len(listed) != 1 {
		t.Errorf("the list has %d rows of disk %s", len(listed), id)
	}
}
