package suite

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

// BadInput are inputs that must get a clear error and change nothing.
func BadInput() []Case {
	return []Case{
		{"wrong types in every body", badTypes},
		{"unknown keys in every body", badKeys},
		{"256 bytes in every text", badLengths},
		{"invalid UTF-8 in every body", badUTF8},
		{"lone surrogates", badSurrogates},
		{"NUL in a text", badNUL},
		{"a thousand levels of nesting", badNesting},
		{"bodies of 200 KiB", badSizes},
		{"bodies at the limit", sizeLimit},
		{"half-sent bodies", halfSent},
		{"slow senders", slowSenders},
		{"wrong content types", badContentTypes},
		{"wrong content lengths", badLengthHeaders},
		{"tokens of others", tokensOfOthers},
		{"ids of others", idsOfOthers},
		{"garbage in paging values", badPaging},
		{"odd paths", oddPaths},
	}
}

// MaxBody is the most bytes a body may have. Source: recordings size-head-first-114688.
const MaxBody = 114688

// nothingMade checks that refused creations left no object behind.
func (e *Env) nothingMade(t T, plural string, calls func()) {
	t.Helper()
	before := e.ids(t, plural)
	calls()
	if after := e.ids(t, plural); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("%s: got %v, want %v as before", plural, after, before)
	}
}

// ids are the ids of a first page, in its order.
func (e *Env) ids(t T, plural string) []string {
	t.Helper()
	a := e.do(t, "GET", e.path("/"+plural), nil)
	status(t, a, 200)
	return idsIn(a, plural)
}

func idsIn(a *client.Answer, plural string) []string {
	rows, _ := a.Object()[plural].([]any)
	ids := []string{}
	for _, row := range rows {
		o, _ := row.(map[string]any)
		id, _ := o["id"].(string)
		ids = append(ids, id)
	}
	return ids
}

// snapshotBody and volumeBody are creations with one more member.
func (e *Env) snapshotBody(member string) string {
	return `{"snapshot":{"volume_id":"` + e.volume + `",` + member + `}}`
}

func volumeBody(member string) string { return `{"volume":{"size":1,` + member + `}}` }

func badTypes(t T, e *Env) {
	s := e.subject(t)
	for _, value := range []string{`7`, `true`, `[]`, `{}`} {
		s.refused(t, `{"snapshot":{"name":`+value+`}}`)
		s.refused(t, `{"snapshot":{"description":`+value+`}}`)
	}
	for _, body := range []string{`{"metadata":[]}`, `{"metadata":"x"}`, `{"metadata":null}`, `{"metadata":{"a":1}}`, `{"metadata":{"a":null}}`, `{"metadata":{"a":{}}}`} {
		e.fault(t, s.do(t, "POST", s.url()+"/metadata", body), 400, "badRequest")
		e.fault(t, s.do(t, "PUT", s.url()+"/metadata", body), 400, "badRequest")
	}
	s.untouched(t, "metadata of wrong types")
	e.nothingMade(t, "snapshots", func() {
		for _, body := range []string{`{"snapshot":{"volume_id":1}}`, e.snapshotBody(`"name":5`), e.snapshotBody(`"metadata":[]`), e.snapshotBody(`"force":1`)} {
			e.fault(t, e.do(t, "POST", e.path("/snapshots"), body), 400, "badRequest")
		}
	})
	e.nothingMade(t, "volumes", func() {
		for _, body := range []string{`{"volume":[]}`, `{"volume":{"size":1.5}}`, `{"volume":{"size":"abc"}}`, `{"volume":{"size":null}}`,
			`{"volume":{"size":0}}`, `{"volume":{"size":-1}}`, `{"volume":{"size":1099511627776}}`, `{"volume":{}}`, `{}`, volumeBody(`"metadata":["a"]`)} {
			e.fault(t, e.do(t, "POST", e.path("/volumes"), body), 400, "badRequest")
		}
	})
}

func badKeys(t T, e *Env) {
	s := e.subject(t)
	s.refused(t, `{"snapshot":{"name":"n","foo":1}}`)
	e.nothingMade(t, "snapshots", func() {
		e.fault(t, e.do(t, "POST", e.path("/snapshots"), e.snapshotBody(`"foo":"bar"`)), 400, "badRequest")
	})
	e.fault(t, s.do(t, "POST", s.url()+"/action", `{"os-bogus":{}}`), 400, "badRequest")
	e.fault(t, s.do(t, "POST", s.url()+"/action", `{}`), 400, "badRequest")
	e.fault(t, s.do(t, "POST", s.url()+"/action", `{"os-reset_status":{"status":"error"},"os-force_delete":{}}`), 400, "badRequest")
	s.untouched(t, "an unknown action")
}

func badLengths(t T, e *Env) {
	long := strings.Repeat("x", 256)
	s := e.subject(t)
	s.refused(t, one("name", long))
	s.refused(t, one("description", long))
	for _, body := range []string{`{"metadata":{"k":"` + long + `"}}`, `{"metadata":{"` + long + `":"v"}}`} {
		e.fault(t, s.do(t, "POST", s.url()+"/metadata", body), 413, "overLimit")
	}
	s.untouched(t, "metadata of 256 bytes")
	e.nothingMade(t, "snapshots", func() {
		e.fault(t, e.do(t, "POST", e.path("/snapshots"), e.snapshotBody(`"name":"`+long+`"`)), 400, "badRequest")
		e.fault(t, e.do(t, "POST", e.path("/snapshots"), e.snapshotBody(`"metadata":{"k":"`+long+`"}`)), 400, "badRequest")
	})
	e.nothingMade(t, "volumes", func() {
		e.fault(t, e.do(t, "POST", e.path("/volumes"), volumeBody(`"name":"`+long+`"`)), 400, "badRequest")
	})
}

func badUTF8(t T, e *Env) {
	s := e.subject(t)
	for _, bytes := range []string{"caf\xe9", "\xff\xfe", "a\xed\xa0\x80b", "\xc0\x80"} {
		s.refused(t, []byte(`{"snapshot":{"name":"`+bytes+`"}}`))
		e.fault(t, s.do(t, "POST", s.url()+"/metadata", []byte(`{"metadata":{"k":"`+bytes+`"}}`)), 400, "badRequest")
	}
	s.untouched(t, "metadata of invalid UTF-8")
	s.refused(t, []byte("\xff\xfe{\x00\"\x00s\x00"))
	e.nothingMade(t, "volumes", func() {
		e.fault(t, e.do(t, "POST", e.path("/volumes"), []byte(volumeBody("\"name\":\"caf\xe9\""))), 400, "badRequest")
	})
}

func badSurrogates(t T, e *Env) {
	s := e.subject(t)
	for _, text := range []string{`\ud800`, `a\udfffb`, `\udc00\ud800`, `\ud83d`, `\ud83dx`} {
		for _, field := range []string{"name", "description", "display_name"} {
			s.refused(t, `{"snapshot":{"`+field+`":"`+text+`"}}`)
		}
	}
	s.takes(t, "name", "pair "+fourBytes, "pair "+fourBytes)
	s.stored(t, `{"snapshot":{"name":"\ud83d\ude00"}}`, fourBytes, oldDescription)
}

func badNUL(t T, e *Env) {
	s := e.subject(t)
	for _, field := range []string{"name", "description", "display_name", "display_description"} {
		s.refused(t, `{"snapshot":{"`+field+`":"a\u0000b"}}`)
		s.refused(t, []byte("{\"snapshot\":{\""+field+"\":\"a\x00b\"}}"))
	}
	e.nothingMade(t, "snapshots", func() {
		e.fault(t, e.do(t, "POST", e.path("/snapshots"), e.snapshotBody(`"name":"a\u0000b"`)), 400, "badRequest")
	})
	for _, path := range []string{s.url() + "%00", e.path("/snapshots?name=%00")} {
		if a := e.do(t, "GET", path, nil); a.Status >= 500 {
			t.Errorf("GET %s: got %s, want no fault of ours", path, a)
		}
	}
}

func badNesting(t T, e *Env) {
	s := e.subject(t)
	for _, depth := range []int{100, 1000, 10000} {
		s.refused(t, `{"snapshot":{"name":`+strings.Repeat("[", depth)+strings.Repeat("]", depth)+`}}`)
		s.refused(t, strings.Repeat("[", depth))
		s.refused(t, strings.Repeat(`{"snapshot":`, depth/2)+`1`+strings.Repeat("}", depth/2))
	}
}

func badSizes(t T, e *Env) {
	s := e.subject(t)
	big := []byte(`{"snapshot":{"name":"` + strings.Repeat("a", 200<<10) + `"}}`)
	for name, r := range map[string]client.Raw{
		"the head first": {HeadFirst: true},
		"in one go":      {},
		"in chunks":      {Fields: []client.Field{{"Transfer-Encoding", "chunked"}}},
		"without token":  {HeadFirst: true, Fields: []client.Field{{"X-Auth-Token", ""}}},
	} {
		r.Method, r.Target, r.Body = "PUT", s.url(), big
		r.Fields = append(r.Fields, client.Field{"Content-Type", "application/json"})
		if name != "without token" {
			r.Fields = append(r.Fields, client.Field{"X-Auth-Token", e.Demo.Token})
		}
		a, err := client.Send(t.Context(), e.Target.VolumeURL, r)
		if errors.Is(err, client.ErrNoAnswer) && !r.HeadFirst {
			continue // the answer was lost when the server closed on the rest of the body
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if a.Status != 413 {
			t.Errorf("%s: got %s, want 413", name, a)
		}
	}
	s.untouched(t, "a body of 200 KiB")
}

func sizeLimit(t T, e *Env) {
	s := e.subject(t)
	const document = `{"snapshot":{"name":"padded"}}`
	status(t, s.put(t, document+strings.Repeat(" ", MaxBody-len(document))), 200)
	s.show(t)
	a := s.raw(t, client.Raw{Method: "PUT", Target: s.url(), HeadFirst: true, Body: []byte(rename + strings.Repeat(" ", MaxBody+1-len(rename))),
		Fields: []client.Field{{"X-Auth-Token", e.Demo.Token}, {"Content-Type", "application/json"}}})
	status(t, a, 413)
	s.untouched(t, "a body one byte over the limit")
}

func halfSent(t T, e *Env) {
	s := e.subject(t)
	for _, half := range []string{rename[:10], rename} { // the second is whole, but shorter than promised
		a, err := client.Send(t.Context(), e.Target.VolumeURL, client.Raw{Method: "PUT", Target: s.url(), HalfClose: true, Pieces: [][]byte{[]byte(half)},
			Fields: []client.Field{{"X-Auth-Token", e.Demo.Token}, {"Content-Type", "application/json"}, {"Content-Length", "100"}}})
		if err != nil && !errors.Is(err, client.ErrNoAnswer) {
			t.Errorf("%v", err)
		} else if err == nil && (a.Status < 400 || a.Status >= 500) {
			t.Errorf("got %s, want a 4xx or no answer", a)
		}
		s.untouched(t, "a half-sent body")
	}
	a, err := client.Send(t.Context(), e.Target.VolumeURL, client.Raw{Method: "PUT", Target: s.url(), HalfClose: true,
		Pieces: [][]byte{[]byte("20\r\n" + rename[:10])}, Fields: []client.Field{{"X-Auth-Token", e.Demo.Token},
			{"Content-Type", "application/json"}, {"Transfer-Encoding", "chunked"}}})
	if err == nil && (a.Status < 400 || a.Status >= 500) {
		t.Errorf("half a chunk: got %s, want a 4xx or no answer", a)
	}
	s.untouched(t, "half a chunk")
}

// slowSenders are given up on: in the head, and in the body.
func slowSenders(t T, e *Env) {
	if e.ReadTimeout == 0 {
		t.Skipf("how long the server waits for a slow sender is not known")
	}
	s := e.subject(t)
	drip := make([][]byte, 100)
	for i := range drip {
		drip[i] = []byte(" ")
	}
	slowHead := client.Raw{SlowHead: true, Body: []byte(rename)}
	for i := range drip {
		slowHead.Fields = append(slowHead.Fields, client.Field{fmt.Sprintf("X-Slow-%d", i), "1"})
	}
	for name, r := range map[string]client.Raw{
		"a dripping body": {Pieces: drip, Fields: []client.Field{{"Content-Length", "100"}}},
		"a dripping head": slowHead,
	} {
		r.Method, r.Target, r.Pause = "PUT", s.url(), e.ReadTimeout/4
		r.Fields = append(r.Fields, client.Field{"X-Auth-Token", e.Demo.Token}, client.Field{"Content-Type", "application/json"})
		began := time.Now()
		a, err := client.Send(t.Context(), e.Target.VolumeURL, r)
		if err != nil && !errors.Is(err, client.ErrNoAnswer) {
			t.Errorf("%s: %v", name, err)
		} else if err == nil && (a.Status < 400 || a.Status >= 500) {
			t.Errorf("%s: got %s, want an error or no answer", name, a)
		}
		if took := time.Since(began); took > 3*e.ReadTimeout+time.Second {
			t.Errorf("%s: the server waited %v, want about %v", name, took, e.ReadTimeout)
		}
		s.untouched(t, name)
	}
}

func badContentTypes(t T, e *Env) {
	s := e.subject(t)
	for _, kind := range []string{"text/plain", "application/xml", "*/*", "application/json, text/plain", "application/octet-stream", "multipart/form-data", "APPLICATION/XML"} {
		e.fault(t, s.put(t, rename, client.Field{"Content-Type", kind}), 415, "badMediaType")
	}
	a := s.raw(t, client.Raw{Method: "PUT", Target: s.url(), Body: []byte(rename), Fields: []client.Field{{"X-Auth-Token", e.Demo.Token}}})
	if a.Status != 415 && a.Status != 400 {
		t.Errorf("no content type: got %s, want 415 or 400", a)
	}
	s.untouched(t, "a wrong content type")
}

func badLengthHeaders(t T, e *Env) {
	s := e.subject(t)
	for _, length := range []string{"-1", "abc", "1e3", "0x10", "+5", "99999999999999999999"} {
		a := s.raw(t, client.Raw{Method: "PUT", Target: s.url(), Body: []byte(rename), Fields: []client.Field{
			{"X-Auth-Token", e.Demo.Token}, {"Content-Type", "application/json"}, {"Content-Length", length}}})
		if a.Status < 400 || a.Status >= 500 {
			t.Errorf("Content-Length %s: got %s, want a 4xx", length, a)
		}
	}
	a := s.raw(t, client.Raw{Method: "PUT", Target: s.url(), Body: []byte(rename), Fields: []client.Field{
		{"X-Auth-Token", e.Demo.Token}, {"Content-Type", "application/json"}, {"Content-Length", "2147483648"}}})
	status(t, a, 413)
	s.untouched(t, "a wrong length")
}

func tokensOfOthers(t T, e *Env) {
	e.needAdmin(t)
	s := e.subject(t)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		var body any
		if method == "PUT" {
			body = rename
		}
		for name, who := range map[string]*client.Session{"another project's": e.Other, "an administrator's": e.Admin} {
			a := e.as(t, who, method, s.url(), body)
			if message := e.fault(t, a, 400, "badRequest"); message != "Malformed request url" {
				t.Errorf("%s with %s token: message is %q", method, name, message)
			}
		}
	}
	s.untouched(t, "a token of another project")
}

func idsOfOthers(t T, e *Env) {
	e.needAdmin(t)
	s := e.subject(t)
	base := "/" + e.Version + "/" + e.Other.ProjectID
	for _, call := range []struct {
		method, path string
		body         any
		message      string
	}{
		{"GET", "/snapshots/" + s.id, nil, "Snapshot " + s.id + " could not be found."},
		{"PUT", "/snapshots/" + s.id, rename, "Snapshot " + s.id + " could not be found."},
		{"DELETE", "/snapshots/" + s.id, nil, "Snapshot " + s.id + " could not be found."},
		{"GET", "/snapshots/" + s.id + "/metadata", nil, ""},
		{"POST", "/snapshots/" + s.id + "/metadata", `{"metadata":{"a":"b"}}`, ""},
		{"PUT", "/snapshots/" + s.id + "/metadata", `{"metadata":{"a":"b"}}`, ""},
		{"GET", "/snapshots/" + s.id + "/metadata/k", nil, ""},
		{"DELETE", "/snapshots/" + s.id + "/metadata/k", nil, ""},
		{"GET", "/volumes/" + e.volume, nil, "Volume " + e.volume + " could not be found."},
		{"PUT", "/volumes/" + e.volume, `{"volume":{"name":"mine now"}}`, ""},
		{"DELETE", "/volumes/" + e.volume, nil, ""},
		{"POST", "/volumes/" + e.volume + "/action", `{"os-extend":{"new_size":9}}`, ""},
		{"GET", "/volumes/" + e.volume + "/metadata", nil, ""},
		{"POST", "/snapshots", e.snapshotBody(`"name":"theirs"`), "Volume " + e.volume + " could not be found."},
		{"POST", "/volumes", volumeBody(`"snapshot_id":"` + s.id + `"`), ""},
		{"POST", "/volumes", volumeBody(`"source_volid":"` + e.volume + `"`), ""},
		{"GET", "/snapshots?marker=" + s.id, nil, ""},
	} {
		a := e.as(t, e.Other, call.method, base+call.path, call.body)
		message := e.fault(t, a, 404, "itemNotFound")
		if call.message != "" && message != call.message {
			t.Errorf("%s %s: message is %q, want %q", call.method, call.path, message, call.message)
		}
	}
	a := e.as(t, e.Other, "GET", base+"/snapshots?all_tenants=1", nil)
	status(t, a, 200)
	if got := idsIn(a, "snapshots"); len(got) != 0 {
		t.Errorf("another project lists %v, want none", got)
	}
	s.untouched(t, "another project's calls")
}

func badPaging(t T, e *Env) {
	s := e.subject(t)
	for _, plural := range []string{"snapshots", "volumes", "snapshots/detail", "volumes/detail"} {
		for _, query := range []string{"limit=-1", "limit=abc", "limit=", "limit=1.5", "limit=0x2", "offset=-1", "offset=abc", "offset=",
			"offset=9223372036854775808", "sort=bogus", "sort=created_at:bogus", "sort=", "sort=,", "sort=created_at&sort_key=created_at",
			"sort_key=created_at&sort_dir=bogus", "sort=id;drop", "sort_key=" + strings.Repeat("x", 300)} {
			a := e.do(t, "GET", e.path("/"+plural+"?"+query), nil)
			if a.Status != 400 {
				t.Errorf("%s?%s: got %s, want 400", plural, query, a)
			}
		}
		for _, query := range []string{"marker=abc", "marker=", "marker=" + unknownID, "marker=%00", "marker=%27%20OR%201=1"} {
			if a := e.do(t, "GET", e.path("/"+plural+"?"+query), nil); a.Status != 404 && a.Status != 400 {
				t.Errorf("%s?%s: got %s, want 404", plural, query, a)
			}
		}
	}
	s.untouched(t, "a list")
}

func oddPaths(t T, e *Env) {
	s := e.subject(t)
	token := []client.Field{{"X-Auth-Token", e.Demo.Token}}
	base := "/" + e.Version + "/" + e.Demo.ProjectID
	for path, want := range map[string]int{
		base + "//snapshots/" + s.id:                                     200,
		"/" + e.Version + "//" + e.Demo.ProjectID + "/snapshots/" + s.id: 200,
		base + "/snapshots/x/../" + s.id:                                 200,
		base + "/snapshots%2F" + s.id:                                    200,
		base + "/snapshots/" + s.id + ".json":                            200,
		base + "/snapshots/" + s.id + "?x=%ff":                           200,
		base + "/snapshots/" + s.id + ".xml":                             404,
		base + "/snapshots/" + s.id + "%0a":                              404,
		base + "/snapshots/%2e%2e%2f%2e%2e%2fetc%2fpasswd":               404,
		base + "/../../../../etc/passwd":                                 404,
		base + "/snapshots/" + strings.Repeat("a", 6000):                 404,
	} {
		if a := s.raw(t, client.Raw{Method: "GET", Target: path, Fields: token}); a.Status != want {
			t.Errorf("GET %.200s: got %s, want %d", path, a, want)
		}
	}
	a := s.raw(t, client.Raw{Method: "GET", Target: base + "/snapshots/%ff%fe", Fields: token})
	if a.Status != 404 && a.Status != 400 {
		t.Errorf("an id of invalid UTF-8: got %s, want 404 or 400", a)
	}
}
