package cinder_test

import (
	"fmt"
	"strings"
	"testing"
)

const noSuchID = "00000000-0000-0000-0000-000000000001"

func TestCreateVolume(t *testing.T) {
	s := newSite(t, "cinder")
	snap := s.snapshot(s.volume(`{"size":2,"volume_type":"SSD"}`), "")
	for _, tc := range []struct {
		name, body string
		status     int
		has        string
	}{
		{"size alone", `{"size":1}`, 202, `"volume_type":"__DEFAULT__"`},
		{"size in a string", `{"size":"1"}`, 202, `"size":1`},
		{"everything", `{"size":1,"name":"n","description":"d","metadata":{"a":"b"},"volume_type":"SSD","availability_zone":"az1","multiattach":false,"imageRef":null}`, 202, `"volume_type":"SSD"`},
		{"old spellings", `{"size":1,"display_name":"old","display_description":"od"}`, 202, `"name":"old","description":"od"`},
		{"the new spelling wins", `{"size":1,"name":"new","display_name":"old"}`, 202, `"name":"new"`},
		{"unknown keys are ignored", `{"size":1,"foo":"bar"}`, 202, `"creating"`},
		{"of a snapshot", `{"snapshot_id":"` + snap + `"}`, 202, `"size":2`},
		{"of a snapshot, larger", `{"snapshot_id":"` + snap + `","size":3}`, 202, `"size":3`},
		{"of a snapshot, smaller", `{"snapshot_id":"` + snap + `","size":1}`, 400, "size"},
		{"of an unknown snapshot", `{"size":1,"snapshot_id":"` + noSuchID + `"}`, 404, "Snapshot"},
		{"of an unknown volume", `{"source_volid":"` + noSuchID + `"}`, 404, "Volume"},
		{"of two things", `{"source_volid":"` + noSuchID + `","snapshot_id":"` + snap + `"}`, 400, "only one"},
		{"of an image", `{"size":1,"imageRef":"` + noSuchID + `"}`, 400, "image"},
		{"of no uuid", `{"size":1,"snapshot_id":"x"}`, 400, "snapshot_id"},
		{"no size", `{"name":"x"}`, 400, "size"},
		{"null size", `{"size":null}`, 400, "size"},
		{"size 0", `{"size":0}`, 400, "size"},
		{"negative size", `{"size":-1}`, 400, "size"},
		{"size 1.5", `{"size":1.5}`, 400, "size"},
		{"size in words", `{"size":"abc"}`, 400, "size"},
		{"huge size", `{"size":1099511627776}`, 400, "size"},
		{"size of many digits", `{"size":` + strings.Repeat("9", 400) + `}`, 400, "size"},
		{"unknown type", `{"size":1,"volume_type":"nope"}`, 404, "nope"},
		{"type of wrong type", `{"size":1,"volume_type":5}`, 400, "volume_type"},
		{"unknown zone", `{"size":1,"availability_zone":"nope"}`, 400, "nope"},
		{"multiattach", `{"size":1,"multiattach":true}`, 400, "multiattach"},
		{"long name", `{"size":1,"name":"` + strings.Repeat("a", 256) + `"}`, 400, "name"},
		{"name of wrong type", `{"size":1,"name":{}}`, 400, "name"},
		{"metadata of wrong type", `{"size":1,"metadata":{"a":1}}`, 400, "metadata.a"},
		{"too large for the quota", `{"size":2000}`, 413, "overLimit"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.do(s.demo, "POST", "/volumes", `{"volume":`+tc.body+`}`)
			if a.status != tc.status || !strings.Contains(a.body, tc.has) {
				t.Errorf("got %d %s, want %d with %s", a.status, a.body, tc.status, tc.has)
			}
		})
	}
	s.want(s.do(s.demo, "POST", "/volumes", ``), 400, "badRequest")
	s.want(s.do(s.demo, "POST", "/volumes", `{}`), 400, "volume")
	hints := `{"volume":{"size":1},"OS-SCH-HNT:scheduler_hints":{"dedicated_storage_id":"x"}}`
	s.want(s.do(s.demo, "POST", "/v2/{p}/volumes", hints), 202, "/v2/"+s.demo.project+"/volumes/")
}

func TestUpdateVolume(t *testing.T) {
	s := newSite(t, "cinder")
	id := s.volume(`{"size":1,"name":"n","description":"d","metadata":{"a":"b"}}`)
	for _, tc := range []struct {
		name, body string
		status     int
		has        string
	}{
		{"both", `{"volume":{"name":"n2","description":"d2"}}`, 200, `"name":"n2","description":"d2"`},
		{"one keeps the other", `{"volume":{"name":"n3"}}`, 200, `"name":"n3","description":"d2"`},
		{"nothing", `{"volume":{}}`, 200, `"name":"n3","description":"d2"`},
		{"null", `{"volume":{"description":null}}`, 200, `"description":null`},
		{"metadata replaces", `{"volume":{"metadata":{"z":"1"}}}`, 200, `"metadata":{"z":"1"}`},
		{"metadata is cleared", `{"volume":{"metadata":{}}}`, 200, `"metadata":{}`},
		{"size is not ours to set", `{"volume":{"size":9}}`, 400, "size"},
		{"long name", `{"volume":{"name":"` + strings.Repeat("a", 256) + `"}}`, 400, "name"},
		{"no volume", `{"snapshot":{}}`, 400, "volume"},
		{"no object", `{"volume":[]}`, 400, "volume"},
		{"something beside it", `{"volume":{"name":"x"},"y":1}`, 400, "y"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.do(s.demo, "PUT", "/volumes/"+id, tc.body)
			if a.status != tc.status || !strings.Contains(a.body, tc.has) {
				t.Errorf("got %d %s, want %d with %s", a.status, a.body, tc.status, tc.has)
			}
		})
	}
	s.want(s.do(s.demo, "PUT", "/volumes/"+noSuchID, `{"volume":{"name":"x"}}`), 404, "itemNotFound")
	s.want(s.do(s.demo, "PUT", "/volumes/"+noSuchID, `{"volume":{}}`), 404, "itemNotFound")
}

func TestExtendVolume(t *testing.T) {
	s := newSite(t, "cinder")
	id := s.volume(`{"size":1}`)
	action := func(body, version string) answer {
		return s.do(s.demo, "POST", "/volumes/"+id+"/action", body, version)
	}
	for body, has := range map[string]string{
		`{"new_size":1}`: "greater than current", `{"new_size":0}`: "new_size", `{"new_size":-1}`: "new_size", `{"new_size":"abc"}`: "new_size",
		`{"new_size":null}`: "new_size", `{"new_size":2.5}`: "new_size", `{}`: "new_size", `{"new_size":2,"x":1}`: "x", `{"new_size":1099511627776}`: "new_size",
		`null`: "os-extend",
	} {
		s.want(action(`{"os-extend":`+body+`}`, at70), 400, has)
	}
	s.want(action(`{"os-extend":{"new_size":2000}}`, at70), 413, "overLimit")
	s.want(action(`{"os-extend":{"new_size":"3"}}`, "volume 3.0"), 202, "")
	s.until(s.demo, "/volumes/"+id, "available", "volume", "status")
	s.want(s.do(s.demo, "GET", "/volumes/"+id, ""), 200, `"size":3`)

	s.want(action(`{"os-attach":{"instance_uuid":"`+noSuchID+`","mountpoint":"/dev/vdz"}}`, "volume 3.0"), 202, "")
	s.want(action(`{"os-extend":{"new_size":4}}`, "volume 3.41"), 400, "in-use")
	s.want(action(`{"os-extend":{"new_size":4}}`, "volume 3.42"), 202, "")
	s.until(s.demo, "/volumes/"+id, "in-use", "volume", "status")
	s.want(s.do(s.demo, "GET", "/volumes/"+id, ""), 200, `"size":4`)
}

func TestAttachAndDetachFlipTheStatus(t *testing.T) {
	s := newSite(t, "evs")
	id := s.volume(`{"size":1}`)
	action := func(body string) answer { return s.do(s.demo, "POST", "/v2/{p}/volumes/"+id+"/action", body) }
	for body, has := range map[string]string{
		`{"mountpoint":"/dev/vdb"}`:                                                   "instance_uuid",
		`{"instance_uuid":"x","mountpoint":"/dev/vdb"}`:                               "instance_uuid",
		`{"instance_uuid":"` + noSuchID + `"}`:                                        "mountpoint",
		`{"host_name":"h","mountpoint":"/dev/vdb","mode":"wo"}`:                       "mode",
		`{"host_name":"` + strings.Repeat("h", 256) + `","mountpoint":"/dev/vdb"}`:    "host_name",
		`{"host_name":"h","mountpoint":"/dev/vdb","mode":"rw","other":"thing"}`:       "other",
		`{"host_name":{"a":"b"},"mountpoint":"/dev/vdb"}`:                             "host_name",
		`{"host_name":"h","mountpoint":"` + strings.Repeat("/", 256) + `","mode":""}`: "mountpoint",
	} {
		s.want(action(`{"os-attach":`+body+`}`), 400, has)
	}
	s.want(action(`{"os-attach":{"instance_uuid":"`+noSuchID+`","host_name":"h","mountpoint":"/dev/vdb","mode":"ro"}}`), 202, "")
	a := s.want(s.do(s.demo, "GET", "/volumes/"+id, ""), 200, `"status":"in-use"`)
	s.want(a, 200, `"server_id":"`+noSuchID+`","host_name":"h","device":"/dev/vdb"`)
	s.want(a, 200, `"metadata":{"attached_mode":"ro","readonly":"False"}`)
	s.want(action(`{"os-attach":{"host_name":"h","mountpoint":"/dev/vdc"}}`), 400, "in-use")
	s.want(s.do(s.demo, "DELETE", "/volumes/"+id, ""), 400, "badRequest")
	s.want(action(`{"os-detach":{"attachment_id":"`+noSuchID+`"}}`), 404, "attachment")
	s.want(action(`{"os-detach":{}}`), 202, "")
	s.want(s.do(s.demo, "GET", "/volumes/"+id, ""), 200, `"attachments":[]`)
}

func TestFlagsOfVolumes(t *testing.T) {
	s := newSite(t, "cinder")
	id := s.volume(`{"size":1}`)
	action := func(body string) answer { return s.do(s.demo, "POST", "/volumes/"+id+"/action", body) }
	s.want(action(`{"os-set_bootable":{"bootable":true}}`), 200, "")
	s.want(s.do(s.demo, "GET", "/volumes/"+id, ""), 200, `"bootable":"true"`)
	s.want(s.do(s.demo, "GET", "/volumes?bootable=True", ""), 200, id)
	s.want(action(`{"os-set_bootable":{"bootable":"maybe"}}`), 400, "bootable")
	s.want(action(`{"os-update_readonly_flag":{"readonly":true}}`), 202, "")
	s.want(s.do(s.demo, "GET", "/volumes/"+id, ""), 200, `"readonly":"True"`)
	s.want(action(`{"os-update_readonly_flag":{}}`), 400, "readonly")
}

func TestResetAndForceDeleteOfVolumesAreForAdministrators(t *testing.T) {
	s := newSite(t, "cinder")
	id := s.volume(`{"size":1}`)
	action := func(u user, body string) answer { return s.do(u, "POST", "/volumes/"+id+"/action", body) }
	s.want(action(s.demo, `{"os-reset_status":{"status":"error"}}`), 403, "forbidden")
	s.want(action(s.demo, `{"os-force_delete":{}}`), 403, "forbidden")
	s.want(action(s.admin, `{"os-reset_status":{"status":"in-use"}}`), 400, "attachments")
	s.want(action(s.admin, `{"os-reset_status":{"status":"bogus"}}`), 400, "status")
	s.want(action(s.admin, `{"os-reset_status":{}}`), 400, "status")
	s.want(action(s.admin, `{"os-reset_status":{"attach_status":"detached","migration_status":"none"}}`), 202, "")
	s.want(action(s.admin, `{"os-reset_status":{"attach_status":"bogus"}}`), 400, "attach_status")
	s.want(action(s.admin, `{"os-reset_status":{"status":"MAINTENANCE"}}`), 202, "")
	s.want(s.do(s.demo, "GET", "/volumes/"+id, ""), 200, `"status":"maintenance"`)
	s.want(s.do(s.demo, "DELETE", "/volumes/"+id, ""), 400, "maintenance")
	s.want(action(s.admin, `{"os-force_delete":{}}`), 202, "")
	s.until(s.demo, "/volumes/"+id, "gone")
}

func TestDeleteVolumeTakesItsSnapshotsOnlyWhenAsked(t *testing.T) {
	s := newSite(t, "cinder")
	id := s.volume(`{"size":1}`)
	snap := s.snapshot(id, "")
	s.want(s.do(s.demo, "DELETE", "/volumes/"+id, ""), 400, "snapshots")
	s.want(s.do(s.demo, "DELETE", "/volumes/"+id+"?cascade=maybe", ""), 400, "cascade")
	s.want(s.do(s.demo, "DELETE", "/volumes/"+id+"?cascade=True", ""), 202, "")
	s.until(s.demo, "/volumes/"+id, "gone")
	s.until(s.demo, "/snapshots/"+snap, "gone")
	s.want(s.do(s.demo, "GET", "/v3/{p}/limits", ""), 200, `"totalVolumesUsed":0,"totalGigabytesUsed":0,"totalSnapshotsUsed":0`)
}

func TestVolumeLists(t *testing.T) {
	s := newSite(t, "cinder")
	for i, rest := range []string{`,"metadata":{"a":"b"}`, `,"volume_type":"SSD"`, ``} {
		s.volume(fmt.Sprintf(`{"size":%d,"name":"v%d"%s}`, i+1, i, rest))
	}
	for query, want := range map[string]string{
		"": "v2 v1 v0", "sort=size:asc": "v0 v1 v2", "sort_key=name&sort_dir=asc": "v0 v1 v2", "name=v1": "v1", "status=available": "v2 v1 v0",
		"status=in-use": "", "metadata=%7B%27a%27:%27b%27%7D": "v0", "availability_zone=az1": "v2 v1 v0", "availability_zone=az2": "",
		"bootable=false": "v2 v1 v0", "bootable=1": "", "size=2": "v1", "limit=1&offset=1": "v1", "consumes_quota=false": "",
	} {
		for _, path := range []string{"/volumes", "/volumes/detail"} {
			if a := s.do(s.demo, "GET", path+"?"+query, "", at70); a.status != 200 || a.names("volumes") != want {
				t.Errorf("%s?%s: got %d %q, want %q", path, query, a.status, a.names("volumes"), want)
			}
		}
	}
	s.want(s.do(s.demo, "GET", "/volumes?limit=1", "", at70), 200, `"volumes_links":[{"rel":"next"`)
	s.want(s.do(s.demo, "GET", "/volumes/detail?with_count=1&limit=1", "", at70), 200, `"count":3`)
	s.want(s.do(s.demo, "GET", "/volumes?foo=bar", "", at70), 400, "foo")
	s.want(s.do(s.admin, "GET", "/volumes?all_tenants=1&project_id="+s.demo.project, ""), 200, `"name":"v1"`)
	s.want(s.do(s.admin, "GET", "/volumes/detail", ""), 200, `{"volumes":[]}`)
}

func TestVolumesOfOthersAreNotThere(t *testing.T) {
	s := newSite(t, "cinder")
	made := s.do(s.admin, "POST", "/volumes", `{"volume":{"size":1}}`)
	id := made.text("volume", "id")
	s.until(s.admin, "/volumes/"+id, "available", "volume", "status")
	for _, call := range []struct{ method, path, body string }{
		{"GET", "", ""}, {"PUT", "", `{"volume":{"name":"x"}}`}, {"DELETE", "", ""},
		{"POST", "/action", `{"os-extend":{"new_size":9}}`}, {"POST", "/action", `{"os-detach":{}}`},
		{"POST", "/action", `{"os-set_bootable":{"bootable":true}}`}, {"GET", "/metadata", ""},
	} {
		s.want(s.do(s.demo, call.method, "/volumes/"+id+call.path, call.body), 404, "Volume "+id+" could not be found")
	}
	a := s.want(s.do(s.admin, "GET", "/volumes/"+id, ""), 200, `"os-vol-host-attr:host":"breezeblock`)
	s.want(a, 200, `"migration_status":null`)
}
