package cinder_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestMetadataOfSnapshotsAndVolumes(t *testing.T) {
	s := newSite(t, "cinder")
	volume := s.volume(`{"size":1,"metadata":{"env":"prod","k":"1"}}`)
	snapshot := s.snapshot(volume, `,"metadata":{"env":"prod","k":"1"}`)
	long, longest := strings.Repeat("k", 256), strings.Repeat("中", 255)
	for _, noun := range []string{"/snapshots/" + snapshot, "/volumes/" + volume} {
		for _, tc := range []struct {
			name, method, path, body string
			status                   int
			has                      string
		}{
			{"all", "GET", "", "", 200, `{"metadata":{"env":"prod","k":"1"}}`},
			{"merge", "POST", "", `{"metadata":{"new":"n","env":"changed"}}`, 200, `{"metadata":{"env":"changed","k":"1","new":"n"}}`},
			{"replace", "PUT", "", `{"metadata":{"only":"this"}}`, 200, `{"metadata":{"only":"this"}}`},
			{"is stored", "GET", "", "", 200, `{"metadata":{"only":"this"}}`},
			{"clear", "PUT", "", `{"metadata":{}}`, 200, `{"metadata":{}}`},
			{"merge nothing", "POST", "", `{"metadata":{}}`, 200, `{"metadata":{}}`},
			{"null", "POST", "", `{"metadata":null}`, 400, "metadata"},
			{"list", "POST", "", `{"metadata":["a"]}`, 400, "metadata"},
			{"number", "POST", "", `{"metadata":{"a":1}}`, 400, "metadata.a"},
			{"null value", "POST", "", `{"metadata":{"a":null}}`, 400, "metadata.a"},
			{"empty key", "POST", "", `{"metadata":{"":"v"}}`, 400, "0 characters"},
			{"long key", "POST", "", `{"metadata":{"` + long + `":"v"}}`, 413, "overLimit"},
			{"long value", "POST", "", `{"metadata":{"k":"` + long + `"}}`, 413, "overLimit"},
			{"longest", "POST", "", `{"metadata":{"` + longest + `":"` + longest + `"}}`, 200, longest},
			{"missing", "POST", "", `{}`, 400, "metadata"},
			{"wrong top", "POST", "", `{"meta":{"a":"b"}}`, 400, "metadata"},
			{"extra top", "PUT", "", `{"metadata":{"a":"1","b":"2"},"x":1}`, 200, `{"a":"1","b":"2"}`},
			{"empty body", "POST", "", "", 400, "badRequest"},
			{"one", "GET", "/a", "", 200, `{"meta":{"a":"1"}}`},
			{"one in capitals", "GET", "/A", "", 404, "no metadata with key A"},
			{"set one", "PUT", "/a", `{"meta":{"a":"changed"}}`, 200, `{"meta":{"a":"changed"}}`},
			{"set a new one", "PUT", "/c", `{"meta":{"c":"3"}}`, 200, `{"meta":{"c":"3"}}`},
			{"another key", "PUT", "/a", `{"meta":{"b":"x"}}`, 400, "mismatch"},
			{"two keys", "PUT", "/a", `{"meta":{"a":"x","b":"y"}}`, 400, "too many items"},
			{"no key", "PUT", "/a", `{"meta":{}}`, 400, "mismatch"},
			{"metadata for meta", "PUT", "/a", `{"metadata":{"a":"x"}}`, 400, "meta"},
			{"set a number", "PUT", "/a", `{"meta":{"a":1}}`, 400, "meta.a"},
			{"drop one", "DELETE", "/a", "", 200, ""},
			{"drop it again", "DELETE", "/a", "", 404, "no metadata with key a"},
			{"drop all", "DELETE", "", "", 404, "could not be found"},
			{"after all", "GET", "", "", 200, `{"metadata":{"b":"2","c":"3"}}`},
		} {
			t.Run(noun[1:5]+" "+tc.name, func(t *testing.T) {
				a := s.do(s.demo, tc.method, noun+"/metadata"+tc.path, tc.body)
				if a.status != tc.status || !strings.Contains(a.body, tc.has) {
					t.Errorf("got %d %.300s, want %d with %.300s", a.status, a.body, tc.status, tc.has)
				}
				if tc.method == "DELETE" && tc.status == 200 && a.body != "" {
					t.Errorf("got %q, want nothing", a.body)
				}
			})
		}
	}
}

func TestMetadataOfOthersIsNotThere(t *testing.T) {
	s := newSite(t, "evs")
	const unknown = "00000000-0000-0000-0000-000000000001"
	for _, noun := range []string{"snapshots", "volumes"} {
		for _, call := range []struct{ method, path, body string }{
			{"GET", "", ""}, {"POST", "", `{"metadata":{"a":"b"}}`}, {"PUT", "", `{"metadata":{"a":"b"}}`},
			{"GET", "/a", ""}, {"PUT", "/a", `{"meta":{"a":"b"}}`}, {"DELETE", "/a", ""},
		} {
			path := fmt.Sprintf("/%s/%s/metadata%s", noun, unknown, call.path)
			s.want(s.do(s.demo, call.method, path, call.body), 404, `"itemNotFound"`)
		}
	}
}
