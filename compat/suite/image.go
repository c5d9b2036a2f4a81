package suite

import (
	"context"
	"crypto/md5"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

// imageOperations are the calls of the image face, which has no versions of the
// block-storage API. Source: Glance API reference v2.
func imageOperations() []Operation {
	once := []string{"v3"}
	return []Operation{
		{"image.versions", once, imageVersions},
		{"image.schema", once, imageSchemas},
		{"image.schemas", once, imageSchemas},
		{"image.create", once, imageCreate},
		{"image.list", once, imageList},
		{"image.show", once, imageCreate},
		{"image.update", once, imageUpdate},
		{"image.tag", once, imageTags},
		{"image.untag", once, imageTags},
		{"image.delete", once, imageDelete},
		{"image.upload", once, imageUpload},
		{"image.download", once, imageUpload},
		{"image.deactivate", once, imageActive},
		{"image.reactivate", once, imageActive},
	}
}

const images = "/image/v2/images"

var octets = client.Field{"Content-Type", "application/octet-stream"}

// imageFault checks a refusal in Glance's shape.
func imageFault(t T, a *client.Answer, want int) {
	t.Helper()
	if code, _ := a.Object()["code"].(string); a.Status != want || !strings.HasPrefix(code, fmt.Sprint(want)) || a.Object()["message"] == "" {
		t.Errorf("got %s, want %d", a, want)
	}
}

// image makes an image without bytes; it goes with the function.
func (e *Env) image(t T, fields string) string {
	t.Helper()
	a := e.do(t, "POST", images, `{"name":"suite","disk_format":"raw","container_format":"bare"`+fields+`}`)
	status(t, a, 201)
	id, _ := a.Object()["id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.dropImage(ctx, id) })
	return id
}

// imageOf is image with bytes in it.
func (e *Env) imageOf(t T, bytes, fields string) string {
	t.Helper()
	id := e.image(t, fields)
	status(t, e.do(t, "PUT", images+"/"+id+"/file", bytes, octets), 204)
	return id
}

func (e *Env) dropImage(ctx context.Context, id string) error {
	if _, err := e.Demo.Do(ctx, client.Request{Method: "PATCH", Path: images + "/" + id, Body: `[{"op":"replace","path":"/protected","value":false}]`, Fields: []client.Field{patchType}}); err != nil {
		return err
	}
	a, err := e.Demo.Do(ctx, client.Request{Method: "DELETE", Path: images + "/" + id})
	if err == nil && a.Status != 204 && a.Status != 404 {
		err = fmt.Errorf("delete image %s: got %s", id, a)
	}
	return err
}

// activeImage waits until an image is active, and shows it.
func (e *Env) activeImage(t T, id string) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(cleanupTimeout); ; time.Sleep(5 * time.Millisecond) {
		a := e.do(t, "GET", images+"/"+id, nil)
		status(t, a, 200)
		if got := a.Object(); got["status"] == "active" {
			return got
		} else if got["status"] == "killed" || time.Now().After(deadline) {
			t.Fatalf("it did not become active: %v", got)
		}
	}
}

func imageVersions(t T, e *Env) {
	a := e.as(t, e.nobody(), "GET", "/image", nil)
	status(t, a, 300)
	if !strings.Contains(string(a.Body), `"id":"v2.9"`) {
		t.Errorf("got %s", a)
	}
}

func imageSchemas(t T, e *Env) {
	for path, name := range map[string]string{"/image/v2/schemas/image": "image", "/image/v2/schemas/images": "images"} {
		a := e.do(t, "GET", path, nil)
		status(t, a, 200)
		if got := a.Object(); got["name"] != name || got["properties"] == nil {
			t.Errorf("%s: got %s", path, a)
		}
	}
}

func imageCreate(t T, e *Env) {
	id := e.image(t, `,"min_disk":3,"min_ram":64,"tags":["b","a","b"],"protected":false,"visibility":"private","hw_key":"value"`)
	got := e.do(t, "GET", images+"/"+id, nil).Object()
	for key, want := range map[string]any{"name": "suite", "status": "queued", "visibility": "private", "owner": e.Demo.ProjectID, "hw_key": "value",
		"size": nil, "checksum": nil, "os_hash_value": nil, "protected": false, "os_hidden": false, "file": "/v2/images/" + id + "/file", "schema": "/v2/schemas/image"} {
		if got[key] != want {
			t.Errorf("%s: got %#v, want %#v", key, got[key], want)
		}
	}
	if s := fmt.Sprintf("%v %v %v", got["tags"], got["min_disk"], got["min_ram"]); s != "[a b] 3 64" {
		t.Errorf("tags, min_disk, min_ram: got %s", s)
	}
	if e.Other != nil {
		imageFault(t, e.as(t, e.Other, "GET", images+"/"+id, nil), 404)
	}
	imageFault(t, e.do(t, "POST", images, `{"id":"`+id+`"}`), 409)
	for body, want := range map[string]int{
		`{"disk_format":"qcow2"}`: 400, `{"container_format":"ova"}`: 400, `{"visibility":"secret"}`: 400, `{"min_disk":-1}`: 400, `{"min_ram":"x"}`: 400,
		`{"name":5}`: 400, `{"tags":"x"}`: 400, `{"id":"x"}`: 400, `{"hw_key":5}`: 400, `[]`: 400, `{"name":"` + strings.Repeat("x", 256) + `"}`: 400,
		`{"status":"active"}`: 403, `{"size":5}`: 403, `{"locations":"x"}`: 403, `{"visibility":"public"}`: 403, `{"owner":"` + unknownID + `"}`: 403,
	} {
		if a := e.do(t, "POST", images, body); a.Status != want {
			t.Errorf("%s: got %s, want %d", body, a, want)
		}
	}
	imageFault(t, e.do(t, "GET", images+"/"+unknownID, nil), 404)
	if e.Reader != nil && e.evs() {
		imageFault(t, e.as(t, e.Reader, "POST", images, `{}`), 403)
	}
}

func imageList(t T, e *Env) {
	first, second := e.image(t, `,"os_distro":"one"`), e.image(t, `,"os_distro":"two","os_hidden":true`)
	find := func(query string) string {
		a := e.do(t, "GET", images+query, nil)
		status(t, a, 200)
		found := ""
		for _, row := range rows(a, "images") {
			switch row["id"] {
			case first:
				found += "1"
			case second:
				found += "2"
			}
		}
		return found
	}
	for query, want := range map[string]string{
		"?limit=1000": "1", "?os_hidden=true": "2", "?name=suite": "1", "?name=none": "", "?status=active": "", "?status=in:queued,active": "1", "?visibility=shared": "1",
		"?visibility=public": "", "?visibility=all&sort=name:asc,created_at:desc": "1", "?os_distro=one": "1", "?os_distro=two": "", "?owner=" + e.Demo.ProjectID: "1",
		"?disk_format=raw&min_disk=0&protected=False&sort_key=id&sort_dir=asc": "1", "?limit=0": "", "?id=" + first: "1",
	} {
		if got := find(query); got != want {
			t.Errorf("%s: found %q, want %q", query, got, want)
		}
	}
	a := e.do(t, "GET", images+"?limit=1&name=suite&sort=created_at:desc", nil)
	if next, _ := a.Object()["next"].(string); !strings.Contains(next, "marker=") || !strings.HasPrefix(next, "/v2/images?") {
		t.Errorf("a full page: got %s, want a link to the next", a)
	}
	for _, bad := range []string{"?limit=x", "?limit=-1", "?marker=" + unknownID, "?sort_key=bogus", "?sort=name:up", "?sort=name&sort_key=id", "?visibility=x", "?protected=x", "?min_disk=x", "?name=%ff", "?tag=x"} {
		imageFault(t, e.do(t, "GET", images+bad, nil), 400)
	}
}

var patchType = client.Field{"Content-Type", "application/openstack-images-v2.1-json-patch"}

func imageUpdate(t T, e *Env) {
	url := images + "/" + e.image(t, `,"old":"1"`)
	patch := func(body string) *client.Answer { return e.do(t, "PATCH", url, body, patchType) }
	a := patch(`[{"op":"replace","path":"/name","value":"new"},{"op":"add","path":"/a~1b","value":"2"},{"op":"remove","path":"/old"},` +
		`{"op":"replace","path":"/visibility","value":"private"},{"op":"add","path":"/tags/-","value":"t"},{"op":"replace","path":"/min_disk","value":2},{"op":"replace","path":"/protected","value":true}]`)
	status(t, a, 200)
	got := a.Object()
	if _, there := got["old"]; there || got["name"] != "new" || got["a/b"] != "2" || got["visibility"] != "private" || fmt.Sprintf("%v %v %v", got["tags"], got["min_disk"], got["protected"]) != "[t] 2 true" {
		t.Errorf("got %v", got)
	}
	for body, want := range map[string]int{
		`{}`: 400, `[{}]`: 400, `[{"op":"move","path":"/name","value":"x"}]`: 400, `[{"op":"replace","path":"name","value":"x"}]`: 400, `[{"op":"replace","path":"/name"}]`: 400,
		`[{"op":"add","path":"/x/y","value":"z"}]`: 400, `[{"op":"replace","path":"/name","value":"x"},{"op":"replace","path":"/min_ram","value":-5}]`: 400,
		`[{"op":"replace","path":"/status","value":"active"}]`: 403, `[{"op":"replace","path":"/id","value":"x"}]`: 403, `[{"op":"replace","path":"/owner","value":"x"}]`: 403, `[{"op":"remove","path":"/name"}]`: 403,
		`[{"op":"replace","path":"/visibility","value":"public"}]`: 403, `[{"op":"replace","path":"/nothing","value":"x"}]`: 409, `[{"op":"remove","path":"/nothing"}]`: 409,
	} {
		if a := patch(body); a.Status != want {
			t.Errorf("%s: got %s, want %d", body, a, want)
		}
	}
	imageFault(t, e.do(t, "PATCH", url, `[]`), 415)
	if now := e.do(t, "GET", url, nil).Object(); now["name"] != "new" {
		t.Errorf("a refused patch changed it: %v", now)
	}
	imageFault(t, e.do(t, "DELETE", url, nil), 403) // it is protected
	imageFault(t, e.do(t, "PATCH", images+"/"+unknownID, `[]`, patchType), 404)
	if e.Admin != nil && e.Other != nil {
		status(t, e.as(t, e.Admin, "PATCH", url, `[{"op":"replace","path":"/visibility","value":"public"}]`, patchType), 200)
		status(t, e.as(t, e.Other, "GET", url, nil), 200)
		imageFault(t, e.as(t, e.Other, "PATCH", url, `[{"op":"replace","path":"/name","value":"x"}]`, patchType), 403)
		if got := rows(e.as(t, e.Other, "GET", images+"?visibility=public", nil), "images"); len(got) == 0 {
			t.Errorf("a public image is not listed to others")
		}
	}
}

func imageTags(t T, e *Env) {
	url := images + "/" + e.image(t, "")
	for range 2 {
		status(t, e.do(t, "PUT", url+"/tags/one", nil), 204)
	}
	if got := e.do(t, "GET", url, nil).Object()["tags"]; fmt.Sprint(got) != "[one]" {
		t.Errorf("got %v", got)
	}
	status(t, e.do(t, "DELETE", url+"/tags/one", nil), 204)
	imageFault(t, e.do(t, "DELETE", url+"/tags/one", nil), 404)
}

func imageDelete(t T, e *Env) {
	for _, id := range []string{e.image(t, ""), e.imageOf(t, "bytes", "")} {
		if e.Other != nil {
			imageFault(t, e.as(t, e.Other, "DELETE", images+"/"+id, nil), 404)
		}
		status(t, e.do(t, "DELETE", images+"/"+id, nil), 204)
		imageFault(t, e.do(t, "GET", images+"/"+id, nil), 404)
		imageFault(t, e.do(t, "GET", images+"/"+id+"/file", nil), 404)
		imageFault(t, e.do(t, "DELETE", images+"/"+id, nil), 404)
	}
}

func imageUpload(t T, e *Env) {
	bytes := strings.Repeat("breeze block ", 100_000) + strings.Repeat("\x00", 2<<20) + "end" // longer than bodies of JSON may be
	md, sha := md5.Sum([]byte(bytes)), sha512.Sum512([]byte(bytes))
	url := images + "/" + e.image(t, "")
	status(t, e.do(t, "GET", url+"/file", nil), 204)
	imageFault(t, e.do(t, "PUT", url+"/file", "x"), 415)
	if e.Other != nil {
		imageFault(t, e.as(t, e.Other, "PUT", url+"/file", "x", octets), 404)
	}
	status(t, e.do(t, "PUT", url+"/file", bytes, octets), 204)
	got := e.do(t, "GET", url, nil).Object()
	if got["status"] != "active" || fmt.Sprint(got["size"]) != fmt.Sprint(len(bytes)) || got["checksum"] != hex.EncodeToString(md[:]) || got["os_hash_algo"] != "sha512" || got["os_hash_value"] != hex.EncodeToString(sha[:]) {
		t.Errorf("got %v, want the sums of what was sent", got)
	}
	a := e.do(t, "GET", url+"/file", nil)
	status(t, a, 200)
	if string(a.Body) != bytes || a.Header.Get("Content-Md5") != got["checksum"] {
		t.Errorf("got %d bytes, %v, want the %d that were sent", len(a.Body), a.Header, len(bytes))
	}
	a = e.do(t, "GET", url+"/file", nil, client.Field{"Range", "bytes=7-18"})
	status(t, a, 206)
	if string(a.Body) != bytes[7:19] || a.Header.Get("Content-Range") != fmt.Sprintf("bytes 7-18/%d", len(bytes)) {
		t.Errorf("got %q, %v", a.Body, a.Header)
	}
	imageFault(t, e.do(t, "GET", url+"/file", nil, client.Field{"Range", "bytes=99999999-"}), 416)
	imageFault(t, e.do(t, "PUT", url+"/file", "again", octets), 409)
	a = e.do(t, "PATCH", url, `[{"op":"remove","path":"/disk_format"}]`, patchType)
	imageFault(t, a, 403)
	empty := e.do(t, "POST", images, `{}`)
	status(t, empty, 201)
	id, _ := empty.Object()["id"].(string)
	afterwards(t, func(ctx context.Context) error { return e.dropImage(ctx, id) })
	imageFault(t, e.do(t, "PUT", images+"/"+id+"/file", "x", octets), 400) // formats are not said
	none := images + "/" + e.imageOf(t, "", "")
	if got := e.do(t, "GET", none, nil).Object(); got["status"] != "active" || fmt.Sprint(got["size"]) != "0" {
		t.Errorf("an image of nothing: got %v", got)
	}
	if a := e.do(t, "GET", none+"/file", nil); a.Status != 200 || len(a.Body) != 0 {
		t.Errorf("an image of nothing: got %s", a)
	}
}

// imageActive: the bytes of a deactivated image are nobody's, until it is active again.
func imageActive(t T, e *Env) {
	empty := e.image(t, "")
	imageFault(t, e.do(t, "POST", images+"/"+empty+"/actions/deactivate", nil), 403)
	imageFault(t, e.do(t, "POST", images+"/"+unknownID+"/actions/deactivate", nil), 404)
	id := e.imageOf(t, "bytes", "")
	e.activeImage(t, id)
	volume := `{"volume":{"size":1,"imageRef":"` + id + `"}}`
	for range 2 { // the second time it changes nothing
		status(t, e.do(t, "POST", images+"/"+id+"/actions/deactivate", nil), 204)
	}
	if got := e.do(t, "GET", images+"/"+id, nil).Object(); got["status"] != "deactivated" || fmt.Sprint(got["size"]) != "5" {
		t.Errorf("it is shown as %v", got)
	}
	imageFault(t, e.do(t, "GET", images+"/"+id+"/file", nil), 403)
	e.fault(t, e.do(t, "POST", e.path("/volumes"), volume), 400, "badRequest")
	status(t, e.do(t, "POST", images+"/"+id+"/actions/reactivate", nil), 204)
	if a := e.do(t, "GET", images+"/"+id+"/file", nil); a.Status != 200 || string(a.Body) != "bytes" {
		t.Errorf("active again: got %s", a)
	}
}
