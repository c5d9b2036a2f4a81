package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// NativeFaults are failures of the native families that belong to no one call, or
// need something done first. Source: evs-errors 3 and 5.
func NativeFaults() []Case {
	return []Case{
		{"native: callers who may not", nativeCallers},
		{"native: a body that is none", nativeBodies},
		{"native: what a status forbids", nativeStatuses},
		{"native: what a backup forbids", nativeBackups},
		{"native: what a quota forbids", nativeQuotas},
		{"native: ids of disks that are none", nativeDiskIDs},
		{"native: changes of type that are none", nativeRetypes},
	}
}

// nativeFamilies are a call that reads and one that writes of each native family.
func (e *Env) nativeFamilies() [][3]string {
	snapshot := `{"snapshot":{"volume_id":"` + e.volume + `"}}`
	return [][3]string{
		{"GET", "/v1", "/volumes/" + e.volume}, {"GET", "/v2", "/cloudvolumes/detail"}, {"GET", "/v2", "/cloudsnapshots/detail"},
		{"GET", "/v3", "/os-vendor-volumes/detail"}, {"GET", "/v3", "/recycle-bin-volumes/detail"}, {"GET", "/v5", "/snapshots/detail"},
		{"POST", "/v2", "/cloudvolumes" + "\n" + disk("")}, {"POST", "/v2.1", "/cloudvolumes" + "\n" + disk("")},
		{"POST", "/v3", "/cloudvolumes" + "\n" + disk("")}, {"POST", "/v2", "/cloudsnapshots" + "\n" + snapshot}, {"POST", "/v5", "/snapshots" + "\n" + snapshot},
	}
}

// nativeCallers are people who may not, by every family.
func nativeCallers(t T, e *Env) {
	before := fmt.Sprint(e.ids(t, "volumes"), e.ids(t, "snapshots"))
	for _, call := range e.nativeFamilies() {
		method, version := call[0], call[1]
		rest, text, _ := strings.Cut(call[2], "\n")
		var body any
		if text != "" {
			body = text
		}
		path := e.native(version, rest)
		e.refusal(t, e.as(t, e.nobody(), method, path, body), 401, "EVS.5401")
		e.refusal(t, e.do(t, method, path, body, client.Field{"X-Auth-Token", "gAAAAABnone"}), 401, "EVS.5401")
		e.refusal(t, e.do(t, method, version+"/"+strings.Repeat("0", 32)+rest, body), 400, "Common.0018")
		if version != "/v3" { // whose first segment need not be a project
			e.refusal(t, e.do(t, method, version+"/nobody"+rest, body), 400, "EVS.0001")
		}
		e.refusal(t, e.do(t, method, version+"/0123"+rest, body), 400, "EVS.0001")
		if method == "POST" && e.Reader != nil && e.evs() {
			e.refusal(t, e.as(t, e.Reader, method, path, body), 403, "EVS.5403")
		}
		if e.Other != nil {
			e.refusal(t, e.as(t, e.Other, method, path, body), 400, "Common.0018")
		}
	}
	if after := fmt.Sprint(e.ids(t, "volumes"), e.ids(t, "snapshots")); after != before {
		t.Errorf("there is %s, %s before", after, before)
	}
}

// nativeBodies are bodies that no call can read, and addresses that no call has.
func nativeBodies(t T, e *Env) {
	for _, call := range e.nativeFamilies() {
		method, version := call[0], call[1]
		rest, text, _ := strings.Cut(call[2], "\n")
		if text == "" {
			continue
		}
		path := e.native(version, rest)
		for _, body := range []string{`{`, text + "}", strings.Replace(text, ":", " ", 1), `{"a":"` + "\xff" + `"}`} {
			e.refusal(t, e.do(t, method, path, body), 400, "EVS.5400")
		}
		e.refusal(t, e.do(t, method, path, text, client.Field{"Content-Type", "text/plain"}), 415, "EVS.5400")
		e.refusal(t, e.do(t, "PATCH", path, text), 405, "EVS.5400")
		big := text + strings.Repeat(" ", MaxBody+1-len(text))
		e.refusal(t, e.do(t, method, path, big), 413, "EVS.5413")
	}
	e.refusal(t, e.do(t, "GET", e.native("/v2", "/cloudvolumes/x/y/z"), nil), 404, "EVS.5404")
	at := client.Field{"OpenStack-API-Version", "volume 3.99"}
	e.refusal(t, e.do(t, "GET", e.native("/v3", "/recycle-bin-volumes/policy"), nil, at), 406, "EVS.5400")
}

// put brings an object into a status until the function ends.
func (e *Env) put(t T, plural, id, state string) {
	t.Helper()
	if err := e.Admin.ResetStatus(t.Context(), plural, id, state); err != nil {
		t.Fatalf("%v", err)
	}
	afterwards(t, func(ctx context.Context) error { return e.Admin.ResetStatus(ctx, plural, id, "available") })
}

// nativeStatuses tries calls on disks and snapshots in a status that forbids them.
func nativeStatuses(t T, e *Env) {
	e.needAdmin(t)
	volume := e.ownVolume(t)
	snap := e.subjectOf(t, volume)
	all := e.native("/v2", "/cloudvolumes")
	e.put(t, "snapshots", snap.id, "creating")
	e.refusal(t, e.do(t, "DELETE", e.native("/v2", "/cloudsnapshots/"+snap.id), nil), 400, "EVS.1047")
	e.refusal(t, e.do(t, "DELETE", e.native("/v5", "/snapshots/"+snap.id), nil), 400, "EVS.1047")
	from := disk(`"volume_type":"` + fmt.Sprint(e.volumeOf(t, volume)["volume_type"]) + `","snapshot_id":"` + snap.id + `"`)
	e.refusal(t, e.do(t, "POST", all, from), 400, "EVS.2043")
	e.put(t, "snapshots", snap.id, "backing-up")
	if a := e.do(t, "POST", all, from); e.evs() {
		e.dropMade(t, "volumes", a)
	} else {
		e.refusal(t, a, 400, "EVS.2043") // as recorded Cinder has it
	}
	e.put(t, "snapshots", snap.id, "creating")
	e.refusal(t, e.do(t, "POST", e.native("/v5", "/snapshots"), `{"snapshot":{"volume_id":"`+volume+`"}}`), 409, "EVS.2409")
	e.refusal(t, e.do(t, "POST", e.groupPath(""), groupBody(ofVolumes(volume))), 400, "EVS.2409")
	rollback := `{"rollback":{"volume_id":"` + volume + `"}}`
	e.refusal(t, e.do(t, "POST", e.native("/v2", "/cloudsnapshots/"+snap.id+"/rollback"), rollback), 400, "EVS.5400")
	e.refusal(t, e.do(t, "POST", e.native("/v5", "/snapshots/"+snap.id+"/rollback"), rollback), 400, "EVS.5400")

	e.put(t, "volumes", volume, "error_extending")
	e.refusal(t, e.do(t, "POST", e.native("/v2", "/cloudsnapshots"), `{"snapshot":{"volume_id":"`+volume+`","force":true}}`), 400, "EVS.5400")
	e.put(t, "volumes", volume, "attaching")
	one := e.native("/v2", "/cloudvolumes/"+volume)
	e.refusal(t, e.do(t, "DELETE", one, nil), 400, "EVS.1046")
	e.refusal(t, e.do(t, "POST", one+"/action", `{"os-extend":{"new_size":2}}`), 400, "EVS.1064")
	e.refusal(t, e.do(t, "POST", e.native("/v2.1", "/cloudvolumes/"+volume+"/action"), `{"os-extend":{"new_size":2}}`), 400, "EVS.1064")
	e.refusal(t, e.do(t, "POST", e.native("/v5", "/volumes/batch-extend"), `{"volumes":[{"id":"`+volume+`","new_size":2}]}`), 400, "EVS.1064")
	e.refusal(t, e.do(t, "POST", e.native("/v2", "/volumes/"+volume+"/retype"), `{"os-retype":{"new_type":"SSD"}}`), 400, "EVS.2087")
	if got := e.volumeOf(t, volume); got["status"] != "attaching" || fmt.Sprint(got["size"]) != "1" {
		t.Errorf("the disk is %v", got)
	}
}

// nativeBackups tries disks from backups that cannot be, and a deletion under one.
func nativeBackups(t T, e *Env) {
	e.needAdmin(t)
	volume := e.grown(t)
	backup, _ := e.backedUp(t, volume, map[string]any{"name": "suite"})["id"].(string)
	all := e.native("/v2", "/cloudvolumes")
	from := func(more string) string { return disk(`"backup_id":"` + backup + `"` + more) }
	e.refusal(t, e.do(t, "POST", all, from("")), 400, "EVS.1022")
	e.put(t, "backups", backup, "error")
	e.refusal(t, e.do(t, "POST", all, from(`,"size":2`)), 400, "EVS.1044")
}

// grown is a volume of its own of two GB.
func (e *Env) grown(t T) string {
	t.Helper()
	id, err := e.Demo.CreateVolume(t.Context(), map[string]any{"size": 2, "name": "suite-grown"})
	if err != nil {
		t.Fatalf("make a volume: %v", err)
	}
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "volumes", id) })
	return id
}

// nativeQuotas goes beyond each quota by one.
func nativeQuotas(t T, e *Env) {
	e.needAdmin(t)
	volume := e.ownVolume(t)
	snapshot := `{"snapshot":{"volume_id":"` + volume + `"}}`
	extend := `{"os-extend":{"new_size":2}}`
	for _, tc := range []struct {
		quota, version, path, body string
		status                     int
		code                       string
	}{
		{"volumes", "/v2", "/cloudvolumes", disk(""), 400, "EVS.1034"}, {"volumes", "/v2.1", "/cloudvolumes", disk(""), 400, "EVS.1034"}, {"volumes", "/v3", "/cloudvolumes", disk(""), 400, "EVS.1034"},
		{"gigabytes", "/v2", "/cloudvolumes", disk(""), 400, "EVS.1042"}, {"gigabytes", "/v2.1", "/cloudvolumes", disk(""), 400, "EVS.1042"},
		{"gigabytes", "/v2", "/cloudvolumes/" + volume + "/action", extend, 400, "EVS.1042"},
		{"gigabytes", "/v2.1", "/cloudvolumes/" + volume + "/action", extend, 400, "EVS.1042"},
		{"gigabytes", "/v5", "/volumes/batch-extend", `{"volumes":[{"id":"` + volume + `","new_size":2}]}`, 400, "EVS.1042"},
		{"snapshots", "/v2", "/cloudsnapshots", snapshot, 413, "EVS.5413"}, {"snapshots", "/v5", "/snapshots", snapshot, 413, "EVS.5413"},
	} {
		used := e.used(t, tc.quota)
		if err := e.Admin.SetQuota(t.Context(), e.Demo.ProjectID, map[string]int{tc.quota: used}); err != nil {
			t.Fatalf("%v", err)
		}
		a := e.do(t, "POST", e.native(tc.version, tc.path), tc.body)
		now := e.used(t, tc.quota)
		if err := e.Admin.SetQuota(t.Context(), e.Demo.ProjectID, map[string]int{tc.quota: map[string]int{"volumes": 2000, "snapshots": 2000, "gigabytes": 20000}[tc.quota]}); err != nil {
			t.Fatalf("%v", err)
		}
		e.refusal(t, a, tc.status, tc.code)
		if now != used {
			t.Errorf("%s: %d are counted after a refusal, %d before", tc.quota, now, used)
		}
	}
}

// nativeDiskIDs asks for disks by what is no id of one.
func nativeDiskIDs(t T, e *Env) {
	for _, id := range []string{"x", unknownID[1:], unknownID + "0", strings.ReplaceAll(unknownID, "-", ""), strings.Repeat("a", 4000), "%27%20OR%201=1"} {
		for _, call := range [][3]string{
			{"GET", "/v1", "/volumes/" + id}, {"GET", "/v2", "/cloudvolumes/" + id}, {"DELETE", "/v2", "/cloudvolumes/" + id}, {"GET", "/v3", "/os-vendor-volumes/" + id},
			{"GET", "/v2", "/cloudvolumes/" + id + "/tags"}, {"GET", "/v3", "/os-vendor-volumes/" + id + "/internal-info"}, {"GET", "/v3", "/recycle-bin-volumes/" + id},
		} {
			e.refusal(t, e.do(t, call[0], e.native(call[1], call[2]), nil), 400, "EVS.1002")
		}
		e.refusal(t, e.do(t, "PUT", e.native("/v2", "/cloudvolumes/"+id), `{"volume":{"name":"n"}}`), 400, "EVS.1002")
		e.refusal(t, e.do(t, "POST", e.native("/v2", "/cloudvolumes/"+id+"/action"), `{"os-extend":{"new_size":2}}`), 400, "EVS.1002")
		e.refusal(t, e.do(t, "POST", e.native("/v2", "/volumes/"+id+"/retype"), `{"os-retype":{"new_type":"SSD"}}`), 400, "EVS.1002")
		e.refusal(t, e.do(t, "PUT", e.native("/v5", "/cloudvolumes/"+id+"/qos"), `{"qos_modify":{"iops":3000}}`), 400, "EVS.1002")
	}
}

// nativeRetypes asks for types that a disk cannot get.
func nativeRetypes(t T, e *Env) {
	volume := e.ownVolume(t)
	path := e.native("/v2", "/volumes/"+volume+"/retype")
	for _, tc := range [][2]string{
		{`{}`, "EVS.5400"}, {`{"os-retype":{}}`, "EVS.1020"}, {`{"os-retype":{"new_type":5}}`, "EVS.1020"}, {`{"os-retype":{"new_type":"FLOPPY"}}`, "EVS.2070"},
		{`{"os-retype":{"new_type":"` + fmt.Sprint(e.volumeOf(t, volume)["volume_type"]) + `"}}`, "EVS.2087"},
	} {
		e.refusal(t, e.do(t, "POST", path, tc[0]), 400, tc[1])
	}
	e.needAdmin(t)
	types := "/v3/" + e.Admin.ProjectID + "/types"
	made := e.as(t, e.Admin, "POST", types, `{"volume_type":{"name":"sealed-`+volume+`"}}`)
	status(t, made, 200)
	id, _ := made.Under("volume_type")["id"].(string)
	afterwards(t, func(ctx context.Context) error {
		_, err := e.Admin.Do(ctx, client.Request{Method: "DELETE", Path: types + "/" + id})
		return err
	})
	status(t, e.as(t, e.Admin, "POST", types+"/"+id+"/encryption", `{"encryption":{"provider":"luks","control_location":"front-end"}}`), 200)
	e.refusal(t, e.do(t, "POST", path, `{"os-retype":{"new_type":"`+id+`"}}`), 400, "EVS.2088")
}
