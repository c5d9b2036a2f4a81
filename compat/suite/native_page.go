package suite

import (
	"fmt"
	"strings"
)

// nativeLists tries what every native list takes of pages, and of a name.
func nativeLists(t T, e *Env) {
	e.subject(t)
	long := []string{strings.Repeat("n", 256), strings.Repeat("n", 6000), strings.Repeat(threeBytes, 86)}
	for _, list := range []struct{ path, name string }{
		{e.native("/v2", "/cloudvolumes"), "EVS.1003"}, {e.native("/v2", "/cloudvolumes/detail"), "EVS.1003"}, {e.native("/v2", "/os-vendor-volumes/detail"), "EVS.1003"},
		{e.native("/v3", "/os-vendor-volumes/detail"), "EVS.1003"}, {e.native("/v2", "/cloudsnapshots/detail"), "EVS.5400"}, {e.native("/v5", "/snapshots/detail"), "EVS.5400"},
		{e.groupPath("/detail"), "EVS.5400"}, {e.bin("/detail"), "EVS.1003"}, {e.native("/v5", "/snapshot-chains"), ""},
	} {
		refused := func(code string, queries ...string) {
			t.Helper()
			for _, query := range queries {
				e.refusal(t, e.do(t, "GET", list.path+"?"+query, nil), 400, code)
			}
		}
		refused("EVS.1023", "limit=0", "limit=-1", "limit=-99999999999999999999", "limit=", "limit=x", "limit=1.5", "limit=1e2", "limit=0x1", "limit=%00")
		refused("EVS.2142", "limit=1001", "limit=2147483648", "limit=99999999999999999999999")
		refused("EVS.5400", "offset=-1", "offset=", "offset=x", "offset=2147483648", "offset=99999999999999999999999", "limit=1&offset=1.5")
		refused("EVS.1024", "marker=", "marker=x", "marker="+unknownID[1:], "marker="+unknownID+"0", "marker="+strings.ReplaceAll(unknownID, "-", ""), "marker="+strings.Repeat("a", 6000))
		if list.name != "" { // chains have neither; a marker of theirs is the place of a disk's id, whose chain may be gone
			refused("EVS.1024", "marker="+unknownID, "marker="+strings.ToUpper(unknownID))
			for _, name := range long {
				refused(list.name, "name="+name)
			}
		}
		for _, query := range []string{"limit=1", "limit=1000", "offset=0", "offset=2147483647", "limit=1000&offset=1000", "name=" + strings.Repeat("n", 64), "colour=red"} {
			status(t, e.do(t, "GET", list.path+"?"+query, nil), 200)
		}
	}
	e.nativeOrders(t)
	query := e.native("/v2", "/cloudvolumes/resource_instances/action")
	for value, code := range map[string]string{
		`"limit":1001`: "EVS.2142", `"limit":"99999999999999999999999"`: "EVS.2142", `"limit":0`: "EVS.1023", `"limit":"-99999999999999999999999"`: "EVS.1023",
		`"limit":null`: "EVS.1023", `"offset":2147483648`: "EVS.5400", `"offset":"99999999999999999999999"`: "EVS.5400",
	} {
		e.refusal(t, e.do(t, "POST", query, `{"action":"filter","tags":[],`+value+`}`), 400, code)
	}
	status(t, e.do(t, "POST", query, `{"action":"filter","tags":[],"limit":"1000","offset":2147483647}`), 200)
	ten := func(format string) string {
		var items []string
		for n := range 10 {
			items = append(items, fmt.Sprintf(format, n))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	keys := strings.ReplaceAll(ten(`{"key":"suite-k%d","values":VALUES}`), "VALUES", ten(`"v%d"`))
	status(t, e.do(t, "POST", query, `{"action":"filter","tags":`+keys+`}`), 200)
	e.refusal(t, e.do(t, "POST", query, `{"action":"filter","tags":`+strings.Replace(keys, "[", `[{"key":"k"},`, 1)+`}`), 400, "EVS.5400")
	e.refusal(t, e.do(t, "POST", query, `{"action":"filter","tags":`+strings.Replace(keys, `["v0"`, `["w","v0"`, 1)+`}`), 400, "EVS.1062")
}

// nativeOrders tries every key that a list can be ordered by, and others.
func (e *Env) nativeOrders(t T) {
	for path, keys := range map[string]string{
		e.native("/v2", "/cloudvolumes/detail"): "id status size created_at", e.native("/v2", "/cloudsnapshots/detail"): "id status size created_at",
		e.native("/v5", "/snapshots/detail"): "id status created_at", e.groupPath("/detail"): "id status created_at",
	} {
		for key := range strings.FieldsSeq(keys) {
			for _, dir := range []string{"", "&sort_dir=asc", "&sort_dir=desc"} {
				status(t, e.do(t, "GET", path+"?sort_key="+key+dir, nil), 200)
			}
		}
		for _, key := range []string{"", "ID", "id,status", "id:asc", "project_id", "%00", strings.Repeat("i", 6000)} {
			e.refusal(t, e.do(t, "GET", path+"?sort_key="+key, nil), 400, "EVS.1039")
		}
		for _, dir := range []string{"", "ASC", "up", "asc,desc", strings.Repeat("a", 6000)} {
			e.refusal(t, e.do(t, "GET", path+"?sort_dir="+dir, nil), 400, "EVS.1040")
		}
	}
	ids := e.native("/v2", "/cloudvolumes/detail?ids=") + strings.Repeat(unknownID+",", 59) + e.volume
	e.holdsRows(t, e.do(t, "GET", ids, nil), "volumes", 1, e.volume) // sixty
	e.refusal(t, e.do(t, "GET", ids+","+unknownID, nil), 400, "EVS.2228")
	e.refusal(t, e.do(t, "GET", ids+strings.Repeat(","+unknownID, 100), nil), 400, "EVS.2228")
}
