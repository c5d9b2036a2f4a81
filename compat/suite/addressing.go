package suite

import (
	"regexp"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

const unknownID = "00000000-0000-4000-8000-000000000001"

// rename is the plainest update.
const rename = `{"snapshot":{"name":"after"}}`

// addressing are statements 1 to 15: path, method and headers.
func addressing() []Statement {
	return []Statement{
		{1, "U2", "the operation is PUT on the v2 path", plainUpdate},
		{2, "U3", "the operation is PUT on the v3 path", plainUpdate},
		{3, "U2+U3", "the project in the path is the caller's", projectInPath},
		{4, "U2+U3", "the id in the path names the snapshot that changes", idInPath},
		{5, "U2+U3", "success is 200 and can be read at once", synchronous},
		{6, "U2+U3", "one snapshot is behind v2, v3 and cloudsnapshots", allDoors},
		{7, "U2+U3", "without a valid token the answer is 401", tokenNeeded},
		{8, "U2+U3", "another project in the path is a malformed url", foreignProject},
		{9, "U2+U3", "a snapshot of another project is unknown", foreignSnapshot},
		{10, "U2+U3", "a role that may not write is refused", permissions},
		{11, "U2+U3", "the body is application/json, with or without charset", requestType},
		{12, "U2+U3", "answers are application/json", answerType},
		{13, "U2+U3", "every answer has request ids", requestIDs},
		{14, "U3", "microversions are negotiated", microversions},
		{15, "U2+U3", "v3 repeats the version used and v2 knows none", versionHeaders},
	}
}

func plainUpdate(t T, e *Env) {
	s := e.subject(t)
	s.stored(t, rename, "after", oldDescription)
}

func projectInPath(t T, e *Env) {
	s := e.subject(t)
	status(t, s.put(t, rename), 200)
	a := s.do(t, "PUT", "/"+e.Version+"/snapshots/"+s.id, `{"snapshot":{"name":"without"}}`)
	if e.Version == "v2" {
		status(t, a, 404)
		return
	}
	// v3 takes the token's project where the path has none, as Cinder does.
	status(t, a, 200)
}

func idInPath(t T, e *Env) {
	meant, beside := e.subject(t), e.subject(t)
	status(t, meant.put(t, rename), 200)
	beside.untouched(t, "an update of another snapshot")
	a := e.do(t, "PUT", e.path("/snapshots"), rename)
	if want := e.noMethod(); a.Status != want {
		t.Errorf("no id: got %s, want %d", a, want)
	}
}

// noMethod is the status of a method that a path does not have.
func (e *Env) noMethod() int {
	if e.evs() {
		return 405
	}
	return 404
}

func synchronous(t T, e *Env) {
	s := e.subject(t)
	for _, name := range []string{"one", "two", "three"} {
		s.stored(t, map[string]any{"snapshot": map[string]any{"name": name, "description": name}}, name, name)
	}
}

func allDoors(t T, e *Env) {
	s := e.subject(t)
	project := e.Demo.ProjectID
	doors := []string{"/v2/" + project + "/snapshots/", "/v3/" + project + "/snapshots/", "/v2/" + project + "/cloudsnapshots/"}
	for i, written := range doors {
		name := "through " + written[:4] + strings.Repeat("+", i)
		a := e.do(t, "PUT", written+s.id, map[string]any{"snapshot": map[string]any{"name": name}})
		if a.Status != 200 || a.Under("snapshot")["name"] != name {
			t.Errorf("PUT %s: got %s, want 200 with the name", written, a)
		}
		for _, read := range doors {
			a := e.do(t, "GET", read+s.id, nil)
			if a.Status != 200 || a.Under("snapshot")["name"] != name {
				t.Errorf("written through %s, read through %s: got %s, want the name %q", written, read, a, name)
			}
		}
	}
}

func tokenNeeded(t T, e *Env) {
	s := e.subject(t)
	for name, fields := range map[string][]client.Field{
		"no token":      nil,
		"empty token":   {{"X-Auth-Token", ""}},
		"wrong token":   {{"X-Auth-Token", "gAAAAABnot-a-token"}},
		"bearer header": {{"Authorization", "Bearer " + e.Demo.Token}},
		"forged roles":  {{"X-Roles", "admin"}, {"X-Project-Id", e.Demo.ProjectID}, {"X-Identity-Status", "Confirmed"}},
	} {
		a := e.as(t, e.nobody(), "PUT", s.url(), rename, fields...)
		if a.Status != 401 {
			t.Errorf("%s: got %s, want 401", name, a)
			continue
		}
		if a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", name)
		}
		for _, v := range a.Object() {
			inner, _ := v.(map[string]any)
			e.code(t, inner["code"], 401)
		}
	}
	s.untouched(t, "a call without a token")
}

func foreignProject(t T, e *Env) {
	s := e.subject(t)
	other := strings.Repeat("0", 32)
	if e.Other != nil {
		other = e.Other.ProjectID
	}
	a := e.do(t, "PUT", "/"+e.Version+"/"+other+"/snapshots/"+s.id, rename)
	if message := e.fault(t, a, 400, "badRequest"); message != "Malformed request url" {
		t.Errorf("message: got %q, want %q", message, "Malformed request url")
	}
	s.untouched(t, "a call with another project in the path")
}

func foreignSnapshot(t T, e *Env) {
	e.needAdmin(t)
	s := e.subject(t)
	a := e.as(t, e.Other, "PUT", "/"+e.Version+"/"+e.Other.ProjectID+"/snapshots/"+s.id, rename)
	message := e.fault(t, a, 404, "itemNotFound")
	if want := "Snapshot " + s.id + " could not be found."; message != want {
		t.Errorf("message: got %q, want %q", message, want)
	}
	s.untouched(t, "a call by another project")
}

func permissions(t T, e *Env) {
	e.needAdmin(t)
	s := e.subject(t)
	a := e.as(t, e.Reader, "PUT", s.url(), rename)
	if !e.evs() {
		status(t, a, 200) // Source: recordings auth-reader
		return
	}
	e.fault(t, a, 403, "forbidden")
	s.untouched(t, "a call by a reader")
	status(t, e.as(t, e.Reader, "GET", s.url(), nil), 200)
}

func requestType(t T, e *Env) {
	s := e.subject(t)
	for _, good := range []string{"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"} {
		if a := s.put(t, rename, client.Field{"Content-Type", good}); a.Status != 200 {
			t.Errorf("%s: got %s, want 200", good, a)
		}
	}
	s.show(t)
	for _, bad := range []string{"text/plain", "application/xml", "application/x-www-form-urlencoded", "text/json"} {
		a := s.put(t, rename, client.Field{"Content-Type", bad})
		e.fault(t, a, 415, "badMediaType")
		s.untouched(t, bad)
	}
}

func answerType(t T, e *Env) {
	s := e.subject(t)
	for name, a := range map[string]*client.Answer{
		"200": s.put(t, rename),
		"400": s.put(t, "{}"),
		"404": e.do(t, "PUT", e.path("/snapshots/"+unknownID), rename),
		"401": e.as(t, e.nobody(), "PUT", s.url(), rename),
	} {
		if got := a.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type is %q, want application/json", name, got)
		}
	}
}

var requestID = regexp.MustCompile(`^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func requestIDs(t T, e *Env) {
	s := e.subject(t)
	seen := map[string]string{}
	for name, a := range map[string]*client.Answer{
		"200":               s.put(t, rename),
		"400":               s.put(t, "{}"),
		"404":               e.do(t, "PUT", e.path("/snapshots/"+unknownID), rename),
		"401":               e.as(t, e.nobody(), "PUT", s.url(), rename),
		"an unknown route":  e.do(t, "PUT", e.path("/nothing"), rename),
		"another's id sent": s.put(t, rename, client.Field{"X-OpenStack-Request-ID", "req-11111111-2222-3333-4444-555555555555"}),
	} {
		id := a.Header.Get("X-Compute-Request-Id")
		if !requestID.MatchString(id) || a.Header.Get("X-Openstack-Request-Id") != id {
			t.Errorf("%s: x-compute-request-id is %q and x-openstack-request-id %q, want one id", name, id, a.Header.Get("X-Openstack-Request-Id"))
		}
		if a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no X-Request-Id", name)
		}
		if before := seen[id]; before != "" {
			t.Errorf("%s and %s share the id %s", name, before, id)
		}
		seen[id] = name
	}
}

// highest is the highest 3.N of the dialect, and the one after it.
func (e *Env) highest() (is, beyond string) {
	if e.evs() {
		return "3.50", "3.51"
	}
	return "3.70", "3.71"
}

func microversions(t T, e *Env) {
	s := e.subject(t)
	highest, beyond := e.highest()
	for _, tc := range []struct {
		asked, used string
		status      int
	}{
		{"", "3.0", 200},
		{"volume 3.0", "3.0", 200},
		{"volume 3.1", "3.1", 200},
		{"volume 3.50", "3.50", 200},
		{"volume " + highest, highest, 200},
		{"volume latest", highest, 200},
		{"compute 2.1, volume 3.41", "3.41", 200},
		{"volume " + beyond, beyond, 406},
		{"volume 3.999", "3.999", 406},
		{"volume 4.0", "4.0", 406},
		{"volume 3", "", 400},
		{"volume 3.", "", 400},
		{"volume 3.07", "", 400},
		{"volume 3.1.1", "", 400},
		{"volume -3.1", "", 400},
		{"volume abc", "", 400},
		{"volume", "", 400},
		{"compute 2.1", "", 400},
	} {
		var fields []client.Field
		if tc.asked != "" {
			fields = append(fields, client.Field{"OpenStack-API-Version", tc.asked})
		}
		a := s.put(t, rename, fields...)
		want := ""
		if tc.used != "" {
			want = "volume " + tc.used
		}
		if got := a.Header.Get("OpenStack-API-Version"); a.Status != tc.status || got != want {
			t.Errorf("%q: got %d and version %q, want %d and %q", tc.asked, a.Status, got, tc.status, want)
		}
		switch tc.status {
		case 406:
			e.fault(t, a, 406, "computeFault")
		case 400:
			e.fault(t, a, 400, "badRequest")
		}
	}
}

func versionHeaders(t T, e *Env) {
	s := e.subject(t)
	for _, asked := range []string{"", "volume 3.41", "volume 9.9"} {
		if e.Version == "v3" && asked == "volume 9.9" {
			continue // an error there: statement 14
		}
		var fields []client.Field
		if asked != "" {
			fields = append(fields, client.Field{"OpenStack-API-Version", asked})
		}
		a := s.put(t, rename, fields...)
		status(t, a, 200)
		version, vary := a.Header.Get("OpenStack-API-Version"), a.Header.Get("Vary")
		wantVersion, wantVary := "", ""
		if e.Version == "v3" {
			wantVersion, wantVary = "volume 3.0", "OpenStack-API-Version"
			if asked != "" {
				wantVersion = asked
			}
		}
		if version != wantVersion || vary != wantVary {
			t.Errorf("asked %q: got version %q and vary %q, want %q and %q", asked, version, vary, wantVersion, wantVary)
		}
	}
}
