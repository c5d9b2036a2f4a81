package suite

import (
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// Observed are behaviours of a real Cinder that the list of statements does not
// decide; they hold in dialect cinder. Source: cinder-behaviours.md, by section.
func Observed() []Case {
	return []Case{
		{"3 bodies", observedBodies},
		{"5 version headers", observedVersions},
		{"6 tokens", observedTokens},
		{"7 paths", observedPaths},
		{"7 methods", observedMethods},
		{"7 content types", observedContentTypes},
	}
}

// sent is one request for the subject and what came of it.
type sent struct {
	name   string
	raw    client.Raw
	status int
}

// update is an update of the subject with exact bytes and more header lines.
func (s *subject) update(body string, fields ...client.Field) client.Raw {
	all := append([]client.Field{{"X-Auth-Token", s.Demo.Token}, {"Content-Type", "application/json"}}, fields...)
	return client.Raw{Method: "PUT", Target: s.url(), Body: []byte(body), Fields: all}
}

// observe sends each and checks its status; a refusal changes nothing, and a
// success has stored the name after.
func (s *subject) observe(t T, all []sent) {
	t.Helper()
	for _, one := range all {
		s.show(t)
		a := s.raw(t, one.raw)
		if a.Status != one.status {
			t.Errorf("%s: got %s, want %d", one.name, a, one.status)
		}
		if one.status >= 300 {
			s.untouched(t, one.name)
		} else if name := s.show(t)["name"]; a.Status == 200 && name != "after" {
			t.Errorf("%s: stored the name %v, want after", one.name, name)
		}
	}
}

func observedBodies(t T, e *Env) {
	s := e.subject(t)
	chunked := s.update(rename, client.Field{"Transfer-Encoding", "chunked"})
	get := s.update(`{"x":1}`)
	get.Method = "GET"
	s.observe(t, []sent{
		{"white space before and after", s.update(" \r\n\t " + rename + " \n\n"), 200},
		{"chunks, which the recorded web server could not read", chunked, 200},
		{"a BOM", s.update("\ufeff" + rename), 400},
		{"UTF-16", s.update("\xff\xfe{\x00"), 400},
		{"NaN", s.update(`{"snapshot":{"name":NaN}}`), 400},
		{"-Infinity", s.update(`{"snapshot":{"name":-Infinity}}`), 400},
		{"a huge integer", s.update(`{"snapshot":{"name":1` + strings.Repeat("0", 5000) + `}}`), 400},
		{"an extra top key named type", s.update(`{"snapshot":{"name":"x"},"type":"x"}`), 400},
		{"GET with a JSON body", get, 400},
	})
}

func observedVersions(t T, e *Env) {
	if e.Version != "v3" {
		t.Skipf("v2 has no microversions")
	}
	s := e.subject(t)
	for _, tc := range []struct {
		asked, used string
		status      int
	}{
		{"volume  3.41", "volume 3.41", 200},
		{"volume\t3.41", "volume 3.41", 200},
		{"myvolume 3.41", "volume 3.41", 200},
		{"volumev3 3.41", "volume 3.41", 200},
		{"volume 3.41, volume 3.14", "volume 3.41", 200},
		{"volume 2.0", "", 406},
		{"volume 1.0", "", 406},
		{"volume 4.0", "volume 4.0", 406},
		{"volume 3.71", "volume 3.71", 406},
		{"volume 0.0", "", 400},
		{"volume 03.1", "", 400},
		{"volume +3.1", "", 400},
		{"volume LATEST", "", 400},
		{"VOLUME 3.41", "", 400},
		{"3.41", "", 400},
		{"block-storage 3.41", "", 400},
		{"volume3.41", "", 400},
		{"volume 3.41 x", "", 400},
	} {
		a := s.put(t, rename, client.Field{"OpenStack-API-Version", tc.asked})
		if used := a.Header.Get("OpenStack-API-Version"); a.Status != tc.status || used != tc.used {
			t.Errorf("%q: got %d and %q, want %d and %q", tc.asked, a.Status, used, tc.status, tc.used)
		}
	}
	a := s.put(t, rename, client.Field{"X-OpenStack-Volume-API-Version", "3.999"})
	status(t, a, 200)
}

func observedTokens(t T, e *Env) {
	e.needAdmin(t)
	s := e.subject(t)
	service := s.update(rename, client.Field{"X-Service-Token", "wrong"})
	storage := s.update(rename)
	storage.Fields[0] = client.Field{"X-Storage-Token", e.Demo.Token}
	spoofed := s.update(rename, client.Field{"X-Project-Id", e.Other.ProjectID}, client.Field{"X-Roles", "nobody"})
	admin := s.update(rename)
	admin.Target = "/" + e.Version + "/" + e.Admin.ProjectID + "/snapshots/" + s.id
	admin.Fields[0][1] = e.Admin.Token
	s.observe(t, []sent{
		{"a wrong service token beside a good token", service, 401},
		{"X-Storage-Token", storage, 200},
		{"identity headers sent along", spoofed, 200},
		{"an administrator below the administrator's project", admin, 200},
	})
}

func observedPaths(t T, e *Env) {
	s := e.subject(t)
	at := func(path string) client.Raw {
		r := s.update(rename)
		r.Target = path
		return r
	}
	base := e.path("")
	all := []sent{
		{".json", at(s.url() + ".json"), 200},
		{".JSON", at(s.url() + ".JSON"), 404},
		{"a dot", at(s.url() + "."), 404},
		{"no dashes", at(base + "/snapshots/" + strings.ReplaceAll(s.id, "-", "")), 404},
		{"a volume's id", at(base + "/snapshots/" + e.volume), 404},
		{"the word detail", at(base + "/snapshots/detail"), 404},
		{"the collection", at(base + "/snapshots"), 404},
		{"doubled slashes", at(strings.ReplaceAll(s.url(), "/snapshots/", "//snapshots///")), 200},
		{"a query", at(s.url() + "?name=x&limit=abc"), 200},
		{"/V3", at(strings.Replace(s.url(), "/v", "/V", 1)), 404},
		{"/v4", at("/v4" + s.url()[len("/v3"):]), 404},
	}
	if e.Version == "v3" {
		all = append(all, sent{"a project of hexadecimal letters", at("/v3/abc/snapshots/" + s.id), 400},
			sent{"a project of other letters", at("/v3/xyz/snapshots/" + s.id), 404})
	}
	s.observe(t, all)
}

func observedMethods(t T, e *Env) {
	s := e.subject(t)
	with := func(method string) client.Raw {
		r := s.update(rename)
		r.Method = method
		return r
	}
	head := client.Raw{Method: "HEAD", Target: s.url(), Fields: []client.Field{{"X-Auth-Token", e.Demo.Token}}}
	override := with("POST")
	override.Fields = append(override.Fields, client.Field{"X-HTTP-Method-Override", "PUT"})
	s.observe(t, []sent{
		{"POST", with("POST"), 404},
		{"PATCH", with("PATCH"), 404},
		{"TRACE", with("TRACE"), 404},
		{"put", with("put"), 404},
		{"HEAD", head, 404},
		{"X-HTTP-Method-Override", override, 404},
	})
	a := e.raw(t, client.Raw{Method: "OPTIONS", Target: s.url()})
	if a.Status != 200 || len(a.Body) != 0 {
		t.Errorf("OPTIONS without a token: got %s, want 200 and no body", a)
	}
	posted := with("POST")
	posted.Target += "?_method=PUT"
	s.observe(t, []sent{{"POST …?_method=PUT", posted, 200}})
}

func observedContentTypes(t T, e *Env) {
	s := e.subject(t)
	as := func(kind string) client.Raw {
		r := s.update(rename)
		r.Fields[1][1] = kind
		return r
	}
	s.observe(t, []sent{
		{"application/vnd.openstack.volume+json", as("application/vnd.openstack.volume+json"), 200},
		{"with parameters", as("application/json; charset=bogus; x=y"), 200},
		{"capitals", as("APPLICATION/JSON"), 415},
		{"empty", as(""), 415},
		{"JSON of another kind", as("application/merge-patch+json"), 415},
	})
}
