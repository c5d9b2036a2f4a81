package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// nativeCreateOperations are creations, and what else came with them.
func nativeCreateOperations() []Operation {
	v2 := []string{"v2"}
	return []Operation{
		{"cloudvolume.create", v2, func(t T, e *Env) {
			e.nativeCreate(t, "/v2", 200)
			e.enterpriseDisks(t, e.native("/v2", "/cloudvolumes"))
		}},
		{"cloudvolume.create_v21", v2, func(t T, e *Env) {
			e.nativeCreate(t, "/v2.1", 202)
			e.enterpriseDisks(t, e.native("/v2.1", "/cloudvolumes"))
			e.nativeTokens(t, "/v2.1", 202)
		}},
		{"cloudvolume.create_v3", []string{"v3"}, func(t T, e *Env) {
			e.nativeCreate(t, "/v3", 200)
			e.enterpriseDisks(t, e.native("/v3", "/cloudvolumes"))
			e.nativeTokens(t, "/v3", 200)
		}},
		{"cloudvolume.batch_extend", v2, nativeBatchExtend},
		{"cloudvolume.unsubscribe", v2, nativeUnsubscribe},
		{"cloudvolume.internal_info", []string{"v3"}, nativeInternalInfo},
		{"cloudvolume.show_v1", v2, nativeShowV1},
		{"cloudvolume.retype", v2, nativeRetype},
		{"cloudvolume.set_qos", v2, nativeQoS},
	}
}

// disk is the body of a creation with members over the usual ones.
func disk(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"volume":{"availability_zone":"az1","volume_type":"SSD","size":1` + members + `}}`
}

// forget deletes disks when the function has ended.
func (e *Env) forget(t T, ids ...string) {
	for _, id := range ids {
		afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "volumes", id) })
	}
}

// madeIDs are the disks that a job of a creation made, in order.
func madeIDs(job map[string]any) []string {
	var ids []string
	entities, _ := job["entities"].(map[string]any)
	if id, one := entities["volume_id"].(string); one {
		return []string{id}
	}
	subs, _ := entities["sub_jobs"].([]any)
	for _, sub := range subs {
		one, _ := sub.(map[string]any)
		ids = append(ids, madeIDs(one)...)
	}
	return ids
}

func (e *Env) nativeCreate(t T, version string, ok int) {
	all := e.native(version, "/cloudvolumes")
	for _, tc := range badDisks(e.volume) {
		if a := e.do(t, "POST", all, tc[0]); a.Status != 400 || a.Under("error")["code"] != tc[1] {
			t.Errorf("%s: got %s, want 400 with %s", tc[0], a, tc[1])
		}
	}
	a := e.do(t, "POST", all, disk(`"size":1.9,"count":1.5,"name":"native","description":"d","metadata":{"k":"v","hw:passthrough":"true","create_for_volume_id":"true"},"multiattach":true,"tags":{"team":"a"}`))
	status(t, a, ok)
	job := e.finished(t, a, "/v1")
	ids := madeIDs(job)
	if len(ids) != 1 || job["job_type"] != "createVolume" || fmt.Sprint(a.Object()["volume_ids"]) != fmt.Sprint(ids) {
		t.Fatalf("got %s and the job %v", a, job)
	}
	e.forget(t, ids...)
	v := e.do(t, "GET", e.native("/v2", "/cloudvolumes/"+ids[0]), nil).Under("volume")
	if fmt.Sprint(v["tags"]) != "map[team:a]" {
		t.Errorf("its tags are %v", v["tags"])
	}
	if v["name"] != "native" || fmt.Sprint(v["metadata"]) != "map[hw:passthrough:true k:v]" || v["multiattach"] != true || fmt.Sprint(v["size"]) != "1" || v["volume_type"] != "SSD" {
		t.Errorf("got %v", v)
	}
	e.nativeBatch(t, all, ok)
	e.nativeFromSnapshot(t, all)
	e.nativeFromImage(t, all)
	e.performance(t, all)
	e.diskRules(t, all)
	e.orders(t, func(order string) *client.Answer { return e.do(t, "POST", all, `{"bssParam":`+order+`,`+disk("")[1:]) }, func(a *client.Answer) { e.disk(t, a) })
	if e.evs() {
		e.cinderBatch(t)
	}
}

// cinderBatch makes several volumes by the Cinder family, and tries what EVS refuses
// there. Source: EVS 6.1, count.
func (e *Env) cinderBatch(t T) {
	e.fault(t, e.do(t, "POST", e.path("/volumes"), `{"volume":{"size":1,"count":101}}`), 400, "badRequest")
	e.fault(t, e.do(t, "POST", e.path("/volumes"), `{"volume":{"size":1,"metadata":{"hw:passthrough":"yes"}}}`), 400, "badRequest")
	name := "batch-" + e.freshID(t)
	a := e.do(t, "POST", e.path("/volumes"), `{"volume":{"size":1,"count":2.5,"name":"`+name+`"}}`)
	status(t, a, 202)
	second := e.do(t, "GET", e.path("/volumes?name="+name+"-0002"), nil)
	if rows := rowsOf(second, "volumes"); a.Under("volume")["name"] != name+"-0001" || len(rows) != 1 {
		t.Errorf("got %s, and by the second's name %s", a, second)
	} else {
		e.forget(t, fmt.Sprint(a.Under("volume")["id"]), fmt.Sprint(rows[0]["id"]))
		if settled, err := e.Demo.Settle(t.Context(), "volumes", fmt.Sprint(rows[0]["id"])); err != nil || settled != "available" {
			t.Errorf("the second became %q (%v), want available", settled, err)
		}
	}
}

// badDisks are bodies of creations and the codes that refuse them. Source: evs-errors 3.
func badDisks(volume string) [][2]string {
	long := strings.Repeat("n", 256)
	key := strings.Repeat("k", 36)
	return [][2]string{
		{"", "EVS.1008"}, {`{}`, "EVS.1009"}, {`{"volume":[]}`, "EVS.1009"}, {`{"volume":null}`, "EVS.1009"},
		{`{"volume":{"volume_type":"SSD","size":1}}`, "EVS.1036"}, {disk(`"availability_zone":"mars"`), "EVS.1036"},
		{`{"volume":{"availability_zone":"az1","size":1}}`, "EVS.1020"}, {disk(`"volume_type":"FLOPPY"`), "EVS.2070"},
		{disk(`"size":null`), "EVS.1010"}, {disk(`"size":0`), "EVS.1010"}, {disk(`"size":32769`), "EVS.1010"},
		{disk(`"size":1e30`), "EVS.1010"}, {disk(`"size":"x"`), "EVS.1010"}, {disk(`"size":0.9`), "EVS.1010"},
		{disk(`"count":0`), "EVS.1021"}, {disk(`"count":101`), "EVS.1021"}, {disk(`"count":-1`), "EVS.1021"}, {disk(`"count":true`), "EVS.1021"},
		{disk(`"name":"` + long + `"`), "EVS.1003"}, {disk(`"name":5`), "EVS.1003"}, {disk(`"count":2,"name":"` + long[:251] + `"`), "EVS.1003"},
		{disk(`"description":"` + long + `"`), "EVS.1004"}, {disk(`"metadata":{"a":null}`), "EVS.5400"}, {disk(`"metadata":5`), "EVS.5400"},
		{disk(`"metadata":{"` + long + `":"v"}`), "EVS.5400"}, {disk(`"shareable":"perhaps"`), "EVS.1054"},
		{disk(`"snapshot_id":"x"`), "EVS.2045"}, {disk(`"snapshot_id":"` + unknownID + `"`), "EVS.2045"},
		{disk(`"backup_id":"` + unknownID + `"`), "EVS.1006"}, {disk(`"backup_id":"` + unknownID + `","count":2`), "EVS.1051"},
		{disk(`"imageRef":"` + unknownID + `"`), "EVS.2046"}, {disk(`"imageRef":"` + unknownID + `","multiattach":true`), "EVS.2094"},
		{disk(`"imageRef":"` + unknownID + `","snapshot_id":"` + unknownID + `"`), "EVS.1016"},
		{disk(`"source_volid":"` + volume + `"`), "EVS.5400"}, {disk(`"enterprise_project_id":"mine"`), "EVS.2059"},
		{disk(`"metadata":{"__system__encrypted":"2"}`), "EVS.2041"}, {disk(`"metadata":{"__system__encrypted":"1"}`), "EVS.2041"},
		{disk(`"metadata":{"__system__encrypted":"1","__system__cmkid":"` + key[1:] + `"}`), "EVS.2041"}, {disk(`"metadata":{"__system__cmkid":"` + key + `"}`), "EVS.2041"},
		{disk(`"metadata":{"__system__encrypted":"1","__system__cmkid":"` + key + `k"}`), "EVS.2041"}, {disk(`"metadata":{"__system__encrypted":"0","__system__cmkid":"` + key + `"}`), "EVS.2041"},
		{disk(`"metadata":{"__system__mine":"1"}`), "EVS.2047"}, {disk(`"metadata":{"a":"` + long[1:] + `"},"size":0`), "EVS.1010"}, {disk(manyItems()), "EVS.1005"},
		{disk(`"metadata":{"hw:passthrough":"yes"}`), "EVS.1057"}, {disk(`"metadata":{"full_clone":"2"}`), "EVS.1063"},
		{`{"server_id":"` + unknownID + `",` + disk("")[1:], "EVS.2229"},
		{disk(`"tags":5`), "EVS.1062"}, {disk(`"tags":{"a b":"c"}`), "EVS.1062"}, {disk(`"tags":{"` + key + `k":"c"}`), "EVS.1062"},
		{disk(`"tags":{"a":"1","b":"1","c":"1","d":"1","e":"1","f":"1","g":"1","h":"1","i":"1","j":"1","k":"1"}`), "EVS.1061"},
		{disk(`"iops":3000`), "EVS.5400"}, {disk(`"throughput":125`), "EVS.5400"},
	}
}

// manyItems is more metadata than one disk may have: 65,536 bytes of it.
func manyItems() string {
	var items []string
	for n := range 256 {
		items = append(items, fmt.Sprintf(`"%04d":"%s"`, n, strings.Repeat("v", 253)))
	}
	return `"metadata":{` + strings.Join(items, ",") + `}`
}

// nativeBatch makes several disks at once, and none when one is too many.
func (e *Env) nativeBatch(t T, all string, ok int) {
	name := strings.Repeat("b", 250)
	a := e.do(t, "POST", all, `{"bssParam":{"chargingMode":"postPaid"},"OS-SCH-HNT:scheduler_hints":{"dedicated_storage_id":null},`+disk(`"count":3,"name":"` + name + `"`)[1:])
	status(t, a, ok)
	job := e.finished(t, a, "/v2")
	ids := madeIDs(job)
	if len(ids) != 3 || job["job_type"] != "batchCreateVolume" || a.Object()["volume_ids"] != nil {
		t.Fatalf("got %s and the job %v", a, job)
	}
	e.forget(t, ids...)
	for i, id := range ids {
		if got := e.volumeOf(t, id)["name"]; got != fmt.Sprintf("%s-%04d", name, i+1) {
			t.Errorf("disk %d of the job is called %q", i+1, got)
		}
	}
	if e.Admin == nil {
		return
	}
	before := e.used(t, "volumes")
	e.limitVolumes(t, before+2)
	a = e.do(t, "POST", all, disk(`"count":3`))
	e.limitVolumes(t, 2000)
	e.refusal(t, a, 400, "EVS.1034")
	if after := e.used(t, "volumes"); after != before {
		t.Errorf("%d disks are counted after a refusal, %d before", after, before)
	}
}

// used is what demo's quota counts of something.
func (e *Env) used(t T, quota string) int {
	t.Helper()
	a := e.do(t, "GET", "/v3/"+e.Demo.ProjectID+"/os-quota-sets/"+e.Demo.ProjectID+"?usage=True", nil)
	status(t, a, 200)
	line, _ := a.Under("quota_set")[quota].(map[string]any)
	n := 0
	if _, err := fmt.Sscan(fmt.Sprint(line["in_use"]), &n); err != nil {
		t.Fatalf("the quota is %s", a)
	}
	return n
}

// limitVolumes sets demo's limit of disks.
func (e *Env) limitVolumes(t T, limit int) {
	t.Helper()
	if err := e.Admin.SetQuota(t.Context(), e.Demo.ProjectID, map[string]int{"volumes": limit}); err != nil {
		t.Fatalf("%v", err)
	}
}

// nativeFromSnapshot makes a disk from a snapshot, which hands on what its disk was.
func (e *Env) nativeFromSnapshot(t T, all string) {
	key := strings.Repeat("k", 36)
	a := e.do(t, "POST", all, disk(`"metadata":{"__system__encrypted":"1","__system__cmkid":"`+key+`","hw:passthrough":"true"}`))
	source := madeIDs(e.finished(t, a, "/v2"))
	e.forget(t, source...)
	snap := e.subjectOf(t, source[0])
	from := `"snapshot_id":"` + snap.id + `"`
	e.refusal(t, e.do(t, "POST", all, disk(from+`,"volume_type":"SAS"`)), 400, "EVS.2096")
	e.refusal(t, e.do(t, "POST", all, disk(from+`,"metadata":{"hw:passthrough":"false"}`)), 400, "EVS.1043")
	e.refusal(t, e.do(t, "POST", all, disk(from+`,"metadata":{"__system__encrypted":"0"}`)), 400, "EVS.1043")
	a = e.do(t, "POST", all, disk(from+`,"metadata":{"full_clone":"0"}`))
	made := madeIDs(e.finished(t, a, "/v2"))
	e.forget(t, made...)
	e.systemMetadata(t, made[0])
	e.deviceMode(t, all)
	v := e.do(t, "GET", e.native("/v2", "/cloudvolumes/"+made[0]), nil).Under("volume")
	metadata, _ := v["metadata"].(map[string]any)
	if v["encrypted"] != true || v["snapshot_id"] != snap.id || metadata["__system__cmkid"] != key || metadata["hw:passthrough"] != "true" || metadata["full_clone"] != "0" {
		t.Errorf("got %v", v)
	}
}

// nativeFromImage makes a system disk, which has the image's bytes.
func (e *Env) nativeFromImage(t T, all string) {
	image, empty := e.imageOf(t, strings.Repeat("native", 1000), `,"min_disk":2`), e.image(t, "")
	from := `"imageRef":"` + image + `"`
	e.nothingMade(t, "volumes", func() {
		for _, tc := range [][2]string{
			{from + `,"size":1`, "EVS.1010"}, {from + `,"size":null`, "EVS.1010"}, {from + `,"size":2,"multiattach":true`, "EVS.2094"}, {from + `,"size":2,"volume_type":"FLOPPY"`, "EVS.2070"},
			{from + `,"size":2,"metadata":{"hw:passthrough":"true"}`, "EVS.1043"}, {from + `,"size":2,"metadata":{"__system__encrypted":"0"}`, "EVS.1043"},
			{`"imageRef":"` + empty + `","size":2`, "EVS.2046"}, {`"imageRef":"` + unknownID + `","size":2`, "EVS.2046"}, {`"imageRef":"x","size":2`, "EVS.2046"}, {`"imageRef":5,"size":2`, "EVS.2046"},
		} {
			e.refusal(t, e.do(t, "POST", all, disk(tc[0])), 400, tc[1])
		}
	})
	a := e.do(t, "POST", all, disk(from+`,"size":2,"count":2`))
	made := madeIDs(e.finished(t, a, "/v2"))
	e.forget(t, made...)
	for _, id := range made {
		v := e.do(t, "GET", e.native("/v2", "/cloudvolumes/"+id), nil).Under("volume")
		kept, _ := v["volume_image_metadata"].(map[string]any)
		if v["bootable"] != "true" || v["status"] != "available" || fmt.Sprint(v["size"]) != "2" || kept["image_id"] != image {
			t.Errorf("got %v, want a system disk of 2 GB", v)
		}
		s := e.subjectOf(t, id)
		held := e.do(t, "GET", e.path("/snapshots/"+s.id+"/data"), nil, client.Field{"Range", "bytes=5994-6005"})
		if held.Status != 206 || string(held.Body) != "native\x00\x00\x00\x00\x00\x00" {
			t.Errorf("the disk holds %d %q, want the image's bytes and zeroes", held.Status, held.Body)
		}
	}
}

// systemMetadata tries to change what only the service writes. Source: evs-errors 3, EVS.5403.
func (e *Env) systemMetadata(t T, id string) {
	path := e.path("/volumes/" + id)
	for _, tc := range [][3]string{
		{"POST", "/metadata", `{"metadata":{"__system__mine":"1"}}`}, {"POST", "/metadata", `{"metadata":{"__system__encrypted":"0"}}`},
		{"PUT", "/metadata", `{"metadata":{}}`}, {"PUT", "/metadata/__system__encrypted", `{"meta":{"__system__encrypted":"0"}}`},
		{"DELETE", "/metadata/__system__encrypted", ""}, {"PUT", "", `{"volume":{"metadata":{"a":"b"}}}`},
	} {
		if !e.evs() {
			continue // recorded Cinder knows no such keys
		}
		e.fault(t, e.do(t, tc[0], path+tc[1], tc[2]), 403, "forbidden")
	}
	status(t, e.do(t, "POST", path+"/metadata", `{"metadata":{"mine":"1"}}`), 200)
	status(t, e.do(t, "DELETE", path+"/metadata/mine", nil), 200)
}

// deviceMode replaces the metadata of a SCSI disk, which stays one. Source: EVS User
// Guide, Disk Modes; so that Terraform's plan is empty after evs_volume_metadata.
func (e *Env) deviceMode(t T, all string) {
	if !e.evs() {
		return // recorded Cinder knows of no modes
	}
	id := madeIDs(e.finished(t, e.do(t, "POST", all, disk(`"metadata":{"hw:passthrough":"true","a":"b"}`)), "/v2"))[0]
	e.forget(t, id)
	a := e.do(t, "PUT", e.path("/volumes/"+id+"/metadata"), `{"metadata":{"c":"d"}}`)
	status(t, a, 200)
	if got := fmt.Sprint(a.Under("metadata")); got != "map[c:d hw:passthrough:true]" {
		t.Errorf("the metadata is %s", got)
	}
}

// nativeTokens asks for the same twice. Source: EVS 2.1, X-Client-Token.
func (e *Env) nativeTokens(t T, version string, ok int) {
	all := e.native(version, "/cloudvolumes")
	body := disk(`"name":"once","metadata":{"create_for_volume_id":"true"}`)
	with := func(token, body string) *client.Answer {
		return e.do(t, "POST", all, body, client.Field{"X-Client-Token", token})
	}
	e.refusal(t, with("mine", body), 400, "EVS.2218")
	token := e.freshID(t)
	first := with(token, body)
	status(t, first, ok)
	e.forget(t, madeIDs(e.finished(t, first, "/v2"))...)
	again := with(token, body)
	status(t, again, ok)
	if string(again.Body) != string(first.Body) {
		t.Errorf("the second time it answered %s, the first time %s", again, first)
	}
	e.refusal(t, with(token, disk(`"name":"other"`)), 400, "EVS.2219")
	other := strings.Replace(body, `"name"`, `"enterprise_project_id":"`+token+`","name"`, 1)
	e.refusal(t, with(token, other), 400, "EVS.2219")
	for _, path := range []string{e.native("/v2", "/cloudvolumes"), e.native("/v5", "/volumes/batch-extend")} {
		e.refusal(t, e.do(t, "POST", path, body, client.Field{"X-Client-Token", token}), 400, "EVS.2223")
	}
}

// freshID is a UUID that nobody had before: that of a disk of its own.
func (e *Env) freshID(t T) string { return e.ownVolume(t) }

func nativeBatchExtend(t T, e *Env) {
	path := e.native("/v5", "/volumes/batch-extend")
	one, two := e.ownVolume(t), e.ownVolume(t)
	item := func(id string, size int) string { return fmt.Sprintf(`{"id":%q,"new_size":%d}`, id, size) }
	for _, tc := range [][2]string{
		{"", "EVS.1011"}, {`{}`, "EVS.5400"}, {`{"volumes":[]}`, "EVS.5400"}, {`{"volumes":[5]}`, "EVS.5400"},
		{`{"volumes":[` + item("x", 2) + `]}`, "EVS.1002"}, {`{"volumes":[{"id":"` + one + `"}]}`, "EVS.1015"},
		{`{"volumes":[` + item(one, 32769) + `]}`, "EVS.1010"}, {`{"volumes":[` + item(one, 2) + "," + item(two, 1) + `]}`, "EVS.1015"}, {`{"volumes":[` + item(one, 2) + "," + item(one, 3) + `]}`, "EVS.1064"},
		{`{"volumes":[` + strings.Repeat(item(one, 2)+",", 100) + item(two, 2) + `]}`, "EVS.5400"},
	} {
		e.refusal(t, e.do(t, "POST", path, tc[0]), 400, tc[1])
	}
	e.refusal(t, e.do(t, "POST", path, `{"volumes":[`+item(one, 2)+","+item(unknownID, 2)+`]}`), 404, "EVS.5404")
	if got := e.volumeOf(t, one); got["status"] != "available" || fmt.Sprint(got["size"]) != "1" {
		t.Errorf("a refused batch left %v", got)
	}
	for _, order := range []string{`5`, `{"is_auto_pay":1}`, `{"is_auto_pay":"maybe"}`} {
		e.refusal(t, e.do(t, "POST", path, `{"volumes":[`+item(one, 2)+`],"bss_param":`+order+`}`), 400, "EVS.2147")
	}
	a := e.do(t, "POST", path, `{"volumes":[`+item(one, 2)+","+item(two, 3)+`],"bss_param":{"is_auto_pay":"false"}}`)
	status(t, a, 202)
	if job := e.finished(t, a, "/v2"); job["job_type"] != "batchExtendVolume" || len(madeIDs(job)) != 2 {
		t.Errorf("the job is %v", job)
	}
	if a, b := e.volumeOf(t, one), e.volumeOf(t, two); fmt.Sprint(a["size"]) != "2" || fmt.Sprint(b["size"]) != "3" {
		t.Errorf("the sizes are %v and %v, want 2 and 3", a["size"], b["size"])
	}
	a = e.do(t, "POST", path, `{"volumes":[`+item(one, 3)+`],"bss_param":{"is_auto_pay":false}}`) // as Terraform writes it
	status(t, a, 202)
	e.finished(t, a, "/v2")
}

func nativeUnsubscribe(t T, e *Env) {
	path := e.native("/v2", "/cloudvolumes/unsubscribe")
	for _, tc := range [][2]string{
		{`{"volume_ids":[]}`, "EVS.1032"}, {`{"volume_ids":["x"]}`, "EVS.1002"}, {`{"volume_ids":5}`, "EVS.5400"}, {`{}`, "EVS.5400"},
		{`{"volume_ids":[` + strings.Repeat(`"`+unknownID+`",`, 60) + `"` + unknownID + `"]}`, "EVS.1053"},
	} {
		e.refusal(t, e.do(t, "POST", path, tc[0]), 400, tc[1])
	}
	most := e.do(t, "POST", path, `{"volume_ids":[`+strings.Repeat(`"`+unknownID+`",`, 59)+`"`+unknownID+`"]}`)
	if status(t, most, 200); strings.Count(string(most.Body), `"FAIL"`) != 60 {
		t.Errorf("of sixty: got %s", most)
	}
	a := e.do(t, "POST", path, `{"volume_ids":["`+e.volume+`","`+unknownID+`"]}`)
	status(t, a, 200)
	list, _ := a.JSON().([]any) // as the vendor's SDK reads it: an array around the object
	if len(list) != 1 {
		t.Fatalf("got %s, want an array of one", a)
	}
	of, _ := list[0].(map[string]any)
	rows, _ := of["results"].([]any)
	if len(rows) != 2 {
		t.Fatalf("got %s, want two results", a)
	}
	mine, _ := rows[0].(map[string]any)
	unknown, _ := rows[1].(map[string]any)
	if mine["result"] != "FAIL" || unknown["result"] != "FAIL" || mine["volume_id"] != e.volume || mine["fail_reason"] == unknown["fail_reason"] {
		t.Errorf("got %s", a)
	}
	if got := e.volumeOf(t, e.volume); got["status"] != "available" {
		t.Errorf("the disk is %v", got["status"])
	}
}

func nativeInternalInfo(t T, e *Env) {
	a := e.do(t, "GET", e.native("/v3", "/os-vendor-volumes/"+e.volume+"/internal-info"), nil)
	status(t, a, 200)
	if fmt.Sprint(a.Under("info")["loading_progress"]) != "100" {
		t.Errorf("got %s, want 100", a)
	}
	e.refusal(t, e.do(t, "GET", e.native("/v3", "/os-vendor-volumes/"+unknownID+"/internal-info"), nil), 404, "EVS.5404")
}

func nativeShowV1(t T, e *Env) {
	a := e.do(t, "GET", e.native("/v1", "/volumes/"+e.volume), nil)
	status(t, a, 200)
	v := a.Under("volume")
	if v["id"] != e.volume || v["display_name"] != "suite" || v["bootable"] != "false" || v["status"] != "available" {
		t.Errorf("got %v", v)
	}
	if _, there := v["display_description"]; !there || v["name"] != nil {
		t.Errorf("got %v, want the older names", v)
	}
	e.refusal(t, e.do(t, "GET", e.native("/v1", "/volumes/"+unknownID), nil), 404, "EVS.5404")
}

func nativeRetype(t T, e *Env) {
	id := e.ownVolume(t)
	path := e.native("/v2", "/volumes/"+id+"/retype")
	for _, body := range []string{`{"os-retype":{"new_type":"FLOPPY"}}`, `{"os-retype":{}}`, `{}`, `{"os-retype":{"new_type":"SSD","iops":3000}}`, `{"os-retype":{"new_type":5}}`} {
		if a := e.do(t, "POST", path, body); a.Status != 400 {
			t.Errorf("%s: got %s, want 400", body, a)
		}
	}
	e.orders(t, func(order string) *client.Answer {
		return e.do(t, "POST", path, `{"os-retype":{"new_type":"SAS"},"bssParam":`+order+`}`)
	}, func(a *client.Answer) {
		status(t, a, 202)
		status(t, e.do(t, "POST", path, `{"os-retype":{"new_type":"SATA"}}`), 202)
	})
	a := e.do(t, "POST", path, `{"os-retype":{"new_type":"SSD"},"bssParam":{"isAutoPay":"false"}}`)
	status(t, a, 202)
	if job := e.finished(t, a, "/v2"); job["job_type"] != "retypeVolume" || madeIDs(job)[0] != id {
		t.Errorf("the job is %v", job)
	}
	if got := e.volumeOf(t, id); got["volume_type"] != "SSD" {
		t.Errorf("the type is %v, want SSD", got["volume_type"])
	}
	if a := e.do(t, "POST", path, `{"os-retype":{"new_type":"SSD"}}`); a.Status != 400 {
		t.Errorf("to the type that it has: got %s, want 400", a)
	}
	if a := e.do(t, "POST", e.native("/v2", "/volumes/"+unknownID+"/retype"), `{"os-retype":{"new_type":"SSD"}}`); a.Status != 404 {
		t.Errorf("of no disk: got %s, want 404", a)
	}
}

// nativeQoS buys IOPS of a type that an administrator made for it.
func nativeQoS(t T, e *Env) {
	id := e.ownVolume(t)
	path := e.native("/v5", "/cloudvolumes/"+id+"/qos")
	for _, body := range []string{`{}`, `{"qos_modify":{}}`, `{"qos_modify":{"iops":0}}`, `{"qos_modify":{"iops":3000}}`} {
		e.refusal(t, e.do(t, "PUT", path, body), 400, "EVS.5400")
	}
	e.refusal(t, e.do(t, "PUT", path, `{"qos_modify":{"iops":"x"}}`), 400, "EVS.1018")
	e.refusal(t, e.do(t, "PUT", e.native("/v5", "/cloudvolumes/"+unknownID+"/qos"), `{"qos_modify":{"iops":3000}}`), 404, "EVS.5404")
	e.needAdmin(t)
	name := "bought-" + id
	types := "/v3/" + e.Admin.ProjectID + "/types"
	made := e.as(t, e.Admin, "POST", types, `{"volume_type":{"name":"`+name+`","extra_specs":{"evs:performance":"GPSSD2"}}}`)
	status(t, made, 200)
	typeID, _ := made.Under("volume_type")["id"].(string)
	a := e.do(t, "POST", e.native("/v2.1", "/cloudvolumes"), disk(`"volume_type":"`+name+`","iops":3000,"throughput":125`))
	status(t, a, 202)
	disks := madeIDs(e.finished(t, a, "/v2"))
	afterwards(t, func(ctx context.Context) error {
		if err := e.Demo.Delete(ctx, "volumes", disks[0]); err != nil {
			return err
		}
		_, err := e.Admin.Do(ctx, client.Request{Method: "DELETE", Path: types + "/" + typeID})
		return err
	})
	path = e.native("/v5", "/cloudvolumes/"+disks[0]+"/qos")
	e.refusal(t, e.do(t, "PUT", path, `{"qos_modify":{"iops":2999}}`), 400, "EVS.5400")
	e.refusal(t, e.do(t, "PUT", path, `{"qos_modify":{"iops":3001,"throughput":751}}`), 400, "EVS.5400")
	a = e.do(t, "PUT", path, `{"qos_modify":{"iops":3000,"throughput":150}}`)
	status(t, a, 202)
	if job := e.finished(t, a, "/v2"); job["job_type"] != "modifyVolumeQos" {
		t.Errorf("the job is %v", job)
	}
}
