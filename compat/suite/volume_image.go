package suite

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// volumeImageOperations are what volumes have to do with images.
func volumeImageOperations() []Operation {
	return []Operation{
		{"volume.create_from_image", nil, volumeFromImage},
		{"volume.upload_image", nil, volumeUploadImage},
		{"volume.reimage", []string{"v3"}, volumeReimage},
		{"volume.set_image_metadata", nil, volumeImageMetadata},
		{"volume.unset_image_metadata", nil, volumeImageMetadata},
		{"volume.show_image_metadata", nil, volumeImageMetadata},
	}
}

// madeVolume makes a volume that goes with the function, and waits for it.
func (e *Env) madeVolume(t T, fields map[string]any) map[string]any {
	t.Helper()
	a := e.do(t, "POST", e.path("/volumes"), map[string]any{"volume": fields})
	status(t, a, 202)
	id, _ := a.Under("volume")["id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "volumes", id) })
	if got, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || got != "available" {
		t.Fatalf("volume %s is %q (%v), want available", id, got, err)
	}
	return e.volumeOf(t, id)
}

func volumeFromImage(t T, e *Env) {
	image := e.imageOf(t, strings.Repeat("image", 1000), `,"min_disk":2,"hw_key":"value"`)
	v := e.madeVolume(t, map[string]any{"imageRef": image, "size": 3})
	kept, _ := v["volume_image_metadata"].(map[string]any)
	for key, want := range map[string]any{"image_id": image, "image_name": "suite", "disk_format": "raw", "container_format": "bare", "min_disk": "2", "size": "5000", "hw_key": "value"} {
		if kept[key] != want {
			t.Errorf("volume_image_metadata %s: got %#v, want %#v", key, kept[key], want)
		}
	}
	if v["bootable"] != "true" || fmt.Sprint(v["size"]) != "3" {
		t.Errorf("got %v, want a bootable volume of 3 GB", v)
	}
	clone := e.madeVolume(t, map[string]any{"source_volid": v["id"]})
	if fmt.Sprint(clone["volume_image_metadata"]) != fmt.Sprint(kept) || clone["bootable"] != "true" {
		t.Errorf("a clone: got %v, want what its source has", clone)
	}
	s := e.subjectOf(t, fmt.Sprint(v["id"]))
	if again := e.madeVolume(t, map[string]any{"snapshot_id": s.id}); fmt.Sprint(again["volume_image_metadata"]) != fmt.Sprint(kept) || again["bootable"] != "true" {
		t.Errorf("a volume of a snapshot: got %v, want what its source has", again)
	}
	empty := e.image(t, "")
	e.nothingMade(t, "volumes", func() {
		for _, bad := range []string{`"imageRef":"` + image + `","size":1`, `"imageRef":"` + unknownID + `","size":3`, `"imageRef":"x","size":3`, `"imageRef":5,"size":3`,
			`"imageRef":"` + empty + `","size":3`, `"imageRef":"` + image + `"`, `"imageRef":"` + image + `","size":3,"source_volid":"` + e.volume + `"`} {
			e.fault(t, e.do(t, "POST", e.path("/volumes"), `{"volume":{`+bad+`}}`), 400, "badRequest")
		}
	})
}

func volumeUploadImage(t T, e *Env) {
	v := e.madeVolume(t, map[string]any{"size": 1, "description": "d"})
	url := e.path("/volumes/" + fmt.Sprint(v["id"]) + "/action")
	for _, bad := range []string{`{}`, `{"image_name":""}`, `{"image_name":5}`, `{"image_name":"x","disk_format":"qcow2"}`, `{"image_name":"x","disk_format":"bogus"}`,
		`{"image_name":"x","container_format":"ovf"}`, `{"image_name":"x","bogus":1}`, `{"image_name":"x","visibility":"private"}`, `{"image_name":"x","__os_type":"dos"}`} {
		e.fault(t, e.do(t, "POST", url, `{"os-volume_upload_image":`+bad+`}`), 400, "badRequest")
	}
	if e.evs() {
		e.fault(t, e.do(t, "POST", url, `{"os-volume_upload_image":{"image_name":" x"}}`), 400, "badRequest")
	}
	e.fault(t, e.do(t, "POST", e.path("/volumes/"+unknownID+"/action"), `{"os-volume_upload_image":{"image_name":"x"}}`), 404, "itemNotFound")
	body, fields := `{"os-volume_upload_image":{"image_name":"of-volume","disk_format":"raw","container_format":"bare","force":false}}`, []client.Field(nil)
	if e.Version == "v3" {
		body, fields = strings.Replace(body, `"force"`, `"visibility":"private","protected":true,"force"`, 1), []client.Field{at("3.1")}
	}
	a := e.do(t, "POST", url, body, fields...)
	status(t, a, 202)
	got := a.Under("os-volume_upload_image")
	id, _ := got["image_id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.dropImage(ctx, id) })
	for key, want := range map[string]any{"id": v["id"], "status": "uploading", "image_name": "of-volume", "disk_format": "raw", "container_format": "bare", "display_description": "d"} {
		if got[key] != want {
			t.Errorf("%s: got %#v, want %#v", key, got[key], want)
		}
	}
	if kind, _ := got["volume_type"].(map[string]any); kind["name"] != v["volume_type"] || kind["is_public"] != true {
		t.Errorf("volume_type: got %v", got["volume_type"])
	}
	if e.Version == "v3" && (got["visibility"] != "private" || got["protected"] != true) {
		t.Errorf("got %v, want it private and protected", got)
	}
	image := e.activeImage(t, id)
	if fmt.Sprint(image["size"]) != "1073741824" || image["checksum"] != "cd573cfaace07e7949bc0c46028904ff" { // of 1 GiB of zeroes
		t.Errorf("got %v, want 1 GiB of zeroes", image)
	}
	if left, err := e.Demo.Settle(t.Context(), "volumes", fmt.Sprint(v["id"])); err != nil || left != "available" {
		t.Errorf("the volume is %q (%v), want available", left, err)
	}
}

func volumeImageMetadata(t T, e *Env) {
	v := e.madeVolume(t, map[string]any{"size": 1})
	act := func(body string) *client.Answer {
		return e.do(t, "POST", e.path("/volumes/"+fmt.Sprint(v["id"])+"/action"), body)
	}
	a := act(`{"os-set_image_metadata":{"metadata":{"image_id":"` + unknownID + `","kernel/id":"k","gone":"1"}}}`)
	status(t, a, 200)
	if got := fmt.Sprint(a.Under("metadata")); !strings.Contains(got, "kernel/id:k") {
		t.Errorf("got %s", a)
	}
	status(t, act(`{"os-unset_image_metadata":{"key":"gone"}}`), 200)
	e.fault(t, act(`{"os-unset_image_metadata":{"key":"gone"}}`), 404, "itemNotFound")
	a = act(`{"os-show_image_metadata":null}`)
	status(t, a, 200)
	if got := a.Under("metadata"); len(got) != 2 || got["image_id"] != unknownID || got["kernel/id"] != "k" {
		t.Errorf("got %s", a)
	}
	if got := e.volumeOf(t, fmt.Sprint(v["id"])); fmt.Sprint(got["volume_image_metadata"]) != fmt.Sprint(a.Under("metadata")) {
		t.Errorf("shown: got %v", got)
	}
	for _, bad := range []string{`{"os-set_image_metadata":{}}`, `{"os-set_image_metadata":{"metadata":{"a":5}}}`, `{"os-set_image_metadata":{"metadata":{"?":"x"}}}`, `{"os-set_image_metadata":{"metadata":{},"x":1}}`,
		`{"os-unset_image_metadata":{}}`, `{"os-unset_image_metadata":{"key":""}}`, `{"os-unset_image_metadata":{"key":5}}`} {
		e.fault(t, act(bad), 400, "badRequest")
	}
	if e.Version != "v3" {
		return
	}
	for filter, want := range map[string]int{`{'kernel/id':'k','image_id':'` + unknownID + `'}`: 1, `{'kernel/id':'other'}`: 0, `x`: 0} {
		a := e.do(t, "GET", e.path("/volumes/detail?glance_metadata="+url.QueryEscape(filter)), nil, at("3.4"))
		status(t, a, 200)
		if found := rows(a, "volumes"); len(found) != want {
			t.Errorf("glance_metadata=%s: found %d, want %d", filter, len(found), want)
		}
	}
}

// volumeReimage overwrites a volume with an image; its older snapshot holds what it
// held. Source: Cinder volume_actions, reimage.
func volumeReimage(t T, e *Env) {
	if e.evs() {
		t.Skipf("os-reimage needs 3.68, and EVS ends at 3.50")
	}
	at := client.Field{"OpenStack-API-Version", "volume 3.68"}
	first, second := e.imageOf(t, strings.Repeat("first ", 100), ""), e.imageOf(t, "second", "")
	large, empty := e.imageOf(t, "x", `,"min_disk":9`), e.image(t, "")
	id := fmt.Sprint(e.madeVolume(t, map[string]any{"imageRef": first, "size": 1})["id"])
	before := e.subjectOf(t, id)
	action := func(body string) *client.Answer {
		return e.do(t, "POST", e.path("/volumes/"+id+"/action"), `{"os-reimage":`+body+`}`, at)
	}
	for _, bad := range []string{`{}`, `null`, `{"image_id":5}`, `{"image_id":"x"}`, `{"image_id":"` + unknownID + `"}`, `{"image_id":"` + large + `"}`,
		`{"image_id":"` + empty + `"}`, `{"image_id":"` + second + `","reimage_reserved":"maybe"}`, `{"image_id":"` + second + `","x":1}`} {
		e.fault(t, action(bad), 400, "badRequest")
	}
	if v := e.volumeOf(t, id); v["status"] != "available" {
		t.Fatalf("after what was refused it is %v", v["status"])
	}
	status(t, action(`{"image_id":"`+second+`","reimage_reserved":false}`), 202)
	if got, err := e.Demo.Settle(t.Context(), "volumes", id); err != nil || got != "available" {
		t.Fatalf("volume %s is %q (%v), want available", id, got, err)
	}
	if kept, _ := e.volumeOf(t, id)["volume_image_metadata"].(map[string]any); kept["image_id"] != second {
		t.Errorf("it keeps %v of its image", kept)
	}
	after := e.subjectOf(t, id)
	for s, want := range map[*subject]string{before: "first first ", after: "second\x00\x00\x00\x00\x00\x00"} {
		a := e.do(t, "GET", e.path("/snapshots/"+s.id+"/data"), nil, client.Field{"Range", "bytes=0-11"})
		if a.Status != 206 || string(a.Body) != want {
			t.Errorf("snapshot %s: got %d %q, want %q", s.id, a.Status, a.Body, want)
		}
	}
}
