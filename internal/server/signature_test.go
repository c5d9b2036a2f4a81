package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/server"
)

// pen signs requests as the vendor's SDKs do. It shares no code with what checks
// them. Source: the steps of client-wire 6.
type pen struct {
	access, secret, token string
	derived               bool // with a key derived from day, region and service
	at                    func() time.Time
}

// sign gives the headers, in pairs, that go with a request.
func (p pen) sign(method, target, body string, headers ...string) []string {
	u, _ := url.Parse(target)
	date := p.at().UTC().Format("20060102T150405Z")
	headers = append(headers, "X-Sdk-Date", date)
	if p.token != "" {
		headers = append(headers, "X-Security-Token", p.token)
	}
	lines := map[string]string{}
	var names []string
	for i := 0; i < len(headers); i += 2 {
		name := strings.ToLower(headers[i])
		names, lines[name] = append(names, name), headers[i+1]
	}
	slices.Sort(names)
	path := u.Path
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	var pairs []string
	for key, values := range u.Query() {
		for _, value := range values {
			pairs = append(pairs, plus(key)+"="+plus(value))
		}
	}
	slices.Sort(pairs)
	text := method + "\n" + strings.ReplaceAll(plus(path), "%2F", "/") + "\n" + strings.Join(pairs, "&") + "\n"
	for _, name := range names {
		text += name + ":" + lines[name] + "\n"
	}
	text += "\n" + strings.Join(names, ";") + "\n" + sum(body)
	if hash := lines["x-sdk-content-sha256"]; hash != "" {
		text = strings.TrimSuffix(text, sum(body)) + hash
	}
	key, who, toSign := []byte(p.secret), "Access="+p.access, "SDK-HMAC-SHA256\n"+date+"\n"+sum(text)
	if p.derived {
		day := date[:8]
		key = keyed(keyed(keyed(keyed([]byte("SDK"+p.secret), day), "region"), ""), "sdk_request")
		who = "Credential=" + p.access + "/" + day + "/region//sdk_request"
		toSign = "SDK-HMAC-SHA256\n" + date + "\n" + day + "/region//sdk_request\n" + sum(text)
	}
	return append(headers, "Authorization", "SDK-HMAC-SHA256 "+who+", SignedHeaders="+strings.Join(names, ";")+
		", Signature="+hex.EncodeToString(keyed(key, toSign)))
}

// plus escapes as QueryEscape does, but a space as %20.
func plus(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func sum(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

func keyed(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// write sends a signed request.
func (s *site) write(p pen, method, path, body string, headers ...string) answer {
	s.t.Helper()
	if body != "" {
		headers = append(headers, "Content-Type", "application/json")
	}
	return s.send(user{}, method, path, body, p.sign(method, path, body, headers...)...)
}

// pen makes an access key for the holder of a token.
func (s *site) pen(u user) pen {
	s.t.Helper()
	me := s.want(200, u, "GET", "/identity/v3/auth/tokens", "", "X-Subject-Token", u.token).text("token", "user", "id")
	a := s.want(201, u, "POST", "/identity/v3.0/OS-CREDENTIAL/credentials", `{"credential":{"user_id":"`+me+`","description":"d"}}`)
	return pen{access: a.text("credential", "access"), secret: a.text("credential", "secret"), at: s.clock.now}
}

// reasons are those that the log has told so far.
func (s *site) reasons() (found []string) {
	for line := range strings.SplitSeq(s.log.String(), "\n") {
		var entry struct{ Msg, Reason string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "a signature does not hold" {
			found = append(found, entry.Reason)
		}
	}
	return found
}

func TestSignedRequestsReachEveryDoor(t *testing.T) {
	t.Parallel()
	s := open(t, settings{"identity-listen": "127.0.0.1:0"}, withFake(fake.New()))
	demo := s.logIn("demo")
	plain := s.pen(demo)
	derived := plain
	derived.derived = true
	for name, p := range map[string]pen{"plain": plain, "derived": derived} {
		found := s.write(p, "GET", "/identity/v3/projects?name=RegionOne", "")
		projects, _ := found.at("projects").([]any)
		if found.status != 200 || len(projects) != 1 {
			t.Fatalf("%s: projects named like the region: %s", name, found)
		}
		if a := s.write(p, "GET", s.IdentityURL()+"/v3/auth/catalog", "", "X-Project-Id", demo.project); a.status != 200 || !strings.Contains(a.body, "/v3/"+demo.project) {
			t.Errorf("%s: the catalog: %s", name, a)
		}
		for _, path := range []string{"/identity/v3/auth/domains", "/identity/v3/auth/projects", "/identity/v3/regions", "/identity/v3/users?name=demo"} {
			if a := s.write(p, "GET", path, ""); a.status != 200 {
				t.Errorf("%s: GET %s: %s", name, path, a)
			}
		}
		body := `{"volume":{"size":1,"name":"signed <&> ü"}}`
		made := s.write(p, "POST", "/v3/"+demo.project+"/volumes", body, "Accept", "application/json")
		if made.status != 202 || made.text("volume", "name") != "signed <&> ü" {
			t.Fatalf("%s: create: %s", name, made)
		}
		id := made.text("volume", "id")
		s.untilStatus(demo, "volume", id, "available")
		for _, path := range []string{
			"/v2/" + demo.project + "/cloudvolumes/" + id, "/v3/" + demo.project + "/volumes/detail?name=signed%20%3C%26%3E+%C3%BC&limit=5",
			"/v3/" + demo.project + "/volumes?sort=name:asc&limit=5&all_tenants=", "/image/v2/images",
		} {
			if a := s.write(p, "GET", path, ""); a.status != 200 {
				t.Errorf("%s: GET %s: %s", name, path, a)
			}
		}
		if a := s.write(p, "DELETE", "/v3/"+demo.project+"/volumes/"+id, ""); a.status != 202 {
			t.Errorf("%s: delete: %s", name, a)
		}
	}
}

// The caller's project is X-Project-Id's, which need not be signed, or the path's, or
// the one that is named like the region.
func TestASignatureIsForAProjectOfItsHolder(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo, admin := s.logIn("demo"), s.logIn("admin")
	p := s.pen(demo)
	region, _ := s.write(p, "GET", "/identity/v3/projects?name=RegionOne", "").at("projects").([]any)
	first, _ := region[0].(map[string]any)
	regional := fmt.Sprint(first["id"])
	for _, tc := range []struct {
		name, path, header string
		status             int
	}{
		{"path", "/v3/" + demo.project + "/volumes", "", 200},
		{"region", "/v3/" + regional + "/volumes", "", 200},
		{"neither, so the region's", "/v3/volumes", "", 200},
		{"both", "/v3/" + demo.project + "/volumes", demo.project, 200},
		{"they differ", "/v3/" + demo.project + "/volumes", regional, 400},
		{"another's path", "/v3/" + admin.project + "/volumes", "", 400},
		{"another's header", "/v3/volumes", admin.project, 400},
		{"no id at all", "/v3/volumes", strings.Repeat("x", 100), 400},
		{"another's path, natively", "/v2/" + admin.project + "/cloudvolumes/detail", "", 400},
	} {
		signed := p.sign("GET", tc.path, "")
		if tc.header != "" {
			signed = append(signed, "X-Project-Id", tc.header) // after signing, as golangsdk does
		}
		if a := s.send(user{}, "GET", tc.path, "", signed...); a.status != tc.status {
			t.Errorf("%s: %s, want %d", tc.name, a, tc.status)
		}
	}
	// Roles are those of a token: a member is no administrator.
	if a := s.write(p, "GET", "/identity/v3/roles", ""); a.status != 403 {
		t.Errorf("a member lists roles: %s", a)
	}
	if a := s.write(s.pen(admin), "GET", "/identity/v3/roles", ""); a.status != 200 {
		t.Errorf("an administrator lists roles: %s", a)
	}
}

// Each kind of wrong signature is another word in the log, and one answer outside.
func TestWrongSignaturesAreAlikeToTheCaller(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	p := s.pen(demo)
	path, body := "/v3/"+demo.project+"/volumes", `{"volume":{"size":1}}`
	signed := func(p pen, headers ...string) []string {
		return p.sign("POST", path, body, append(headers, "Content-Type", "application/json")...)
	}
	without := func(headers []string, name string) []string {
		i := slices.Index(headers, name)
		return slices.Delete(slices.Clone(headers), i, i+2)
	}
	other, unknown, early, late := p, p, p, p
	other.secret, unknown.access = p.secret+"x", "AAAAAAAAAAAAAAAAAAAAAAAA"
	early.at = func() time.Time { return s.clock.now().Add(15*time.Minute + 2*time.Second) }
	late.at = func() time.Time { return s.clock.now().Add(-15*time.Minute - 2*time.Second) }
	tokened := p
	tokened.token = "not one of ours"
	disabled, gone := s.pen(demo), s.pen(s.logIn("admin"))
	s.want(200, demo, "PUT", "/identity/v3.0/OS-CREDENTIAL/credentials/"+disabled.access, `{"credential":{"status":"inactive"}}`)
	s.want(204, s.logIn("admin"), "DELETE", "/identity/v3.0/OS-CREDENTIAL/credentials/"+gone.access, "")
	elsewhere := func(method, target string) []string {
		return append(p.sign(method, target, body), "Content-Type", "application/json")
	}
	said := ""
	for _, tc := range []struct {
		reason, body string
		headers      []string
	}{
		{"key disabled", body, signed(disabled)},
		{"unknown key", body, signed(gone)},
		{"signature", body, elsewhere("PUT", path)},
		{"signature", body, elsewhere("POST", path+"/detail")},
		{"signature", body, elsewhere("POST", path+"?limit=1")},
		{"signature", "", signed(p)},
		{"algorithm", body, changed(signed(p), "Authorization", "SDK-HMAC-SHA256", "SDK-HMAC-SHA512")},
		{"header missing", body, changed(signed(p), "Authorization", "SignedHeaders=content-type;x-sdk-date", "SignedHeaders=content-type;host")},
		{"signature", body, changed(signed(p), "Authorization", "SignedHeaders=content-type;x-sdk-date", "SignedHeaders=x-sdk-date")},
		{"signature", body, changed(signed(p, "X-Extra", "1"), "X-Extra", "1", "2")},
		{"unreadable", body, changed(signed(p), "X-Sdk-Date", "Z", "")},
		{"signature", body, signed(other)},
		{"unknown key", body, signed(unknown)},
		{"clock", body, signed(early)},
		{"clock", body, signed(late)},
		{"signature", body + " ", signed(p)},
		{"body", body + " ", signed(p, "X-Sdk-Content-Sha256", sum(body))},
		{"body unsigned", body, signed(p, "X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD")},
		{"header missing", body, append(signed(p), "X-Sdk-Content-Sha256", sum(body))},
		{"header missing", body, without(signed(p, "X-Extra", "1"), "X-Extra")},
		{"header missing", body, without(signed(p), "X-Sdk-Date")},
		{"signature", body, append(signed(p), "Content-Type", "application/json; charset=UTF-8")},
		{"security token", body, signed(tokened)},
		{"unreadable", body, []string{"Authorization", "SDK-HMAC-SHA256 nonsense", "X-Sdk-Date", "20260102T030405Z"}},
	} {
		before := len(s.reasons())
		a := s.send(user{}, "POST", path, tc.body, tc.headers...)
		if alike := fmt.Sprint(strings.ReplaceAll(a.body, a.text("request_id"), ""), slices.Sorted(maps.Keys(a.header))); said == "" {
			said = alike
		} else if alike != said {
			t.Errorf("%s: the caller is told %s, of others %s", tc.reason, alike, said)
		}
		if a.status != 401 || a.text("error_code") != "APIGW.0301" || a.text("request_id") != a.header.Get("X-Request-Id") ||
			a.text("error_msg") != "Incorrect IAM authentication information: the signature does not hold." {
			t.Errorf("%s: %s", tc.reason, a)
		}
		if got := s.reasons(); len(got) != before+1 || got[before] != tc.reason {
			t.Errorf("the log says %v, want one more, %q", got[before:], tc.reason)
		}
	}
	for _, at := range []time.Duration{15*time.Minute - 2*time.Second, 2*time.Second - 15*time.Minute} {
		near := p
		near.at = func() time.Time { return s.clock.now().Add(at) }
		if a := s.send(user{}, "POST", path, body, signed(near)...); a.status != 202 {
			t.Errorf("%s off: %s", at, a)
		}
	}
	if strings.Contains(s.log.String(), p.secret) {
		t.Error("the log tells a secret")
	}
}

// changed is a copy of headers in which one has another value.
func changed(headers []string, name, from, to string) []string {
	headers = slices.Clone(headers)
	i := slices.Index(headers, name) + 1
	headers[i] = strings.Replace(headers[i], from, to, 1)
	return headers
}

// A token that is there decides alone: a signature beside it is not looked at.
func TestATokenStandsAboveASignature(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	right := s.pen(demo)
	wrong := right
	wrong.secret += "x"
	path := "/v2/" + demo.project + "/cloudvolumes/detail"
	if a := s.send(demo, "GET", path, "", wrong.sign("GET", path, "")...); a.status != 200 {
		t.Errorf("a token beside a wrong signature: %s", a)
	}
	if a := s.send(user{"gAAAAABnone", demo.project}, "GET", path, "", right.sign("GET", path, "")...); a.status != 401 || a.text("error", "code") != "EVS.5401" {
		t.Errorf("a wrong token beside a signature: %s, want 401 in the words of the family", a)
	}
	if a := s.send(user{}, "GET", path, "", right.sign("GET", path, "")...); a.status != 200 {
		t.Errorf("the signature alone: %s", a)
	}
	if got := s.reasons(); len(got) != 0 {
		t.Errorf("the log says %v", got)
	}
}

func TestAccessKeysLiveAndDie(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo, admin := s.logIn("demo"), s.logIn("admin")
	const all = "/identity/v3.0/OS-CREDENTIAL/credentials"
	p, q := s.pen(demo), s.pen(demo)
	one := all + "/" + p.access
	list, _ := s.want(200, demo, "GET", all, "").at("credentials").([]any)
	if len(list) != 2 {
		t.Errorf("credentials are %v, want the two", list)
	}
	me := s.want(200, demo, "GET", one, "").text("credential", "user_id")
	if a := s.send(demo, "POST", all, `{"credential":{"user_id":"`+me+`"}}`); a.status != 400 || !strings.Contains(a.body, "2 at most") {
		t.Errorf("a third key: %s", a)
	}
	unused := s.want(200, demo, "GET", one, "")
	if unused.text("credential", "last_use_time") != unused.text("credential", "create_time") || strings.Contains(unused.body, p.secret) {
		t.Errorf("an unused key: %s", unused)
	}
	s.clock.advance(time.Second)
	get := func(want int, why string) {
		t.Helper()
		if a := s.write(p, "GET", "/v3/"+demo.project+"/volumes", ""); a.status != want {
			t.Errorf("%s: %s, want %d", why, a, want)
		}
	}
	get(200, "a new key")
	if a := s.want(200, demo, "GET", one, ""); a.text("credential", "last_use_time") <= a.text("credential", "create_time") {
		t.Errorf("after its use: %s", a)
	}
	s.want(200, demo, "PUT", one, `{"credential":{"status":"inactive","description":"off"}}`)
	get(401, "a disabled key")
	if a := s.want(200, admin, "GET", one, ""); a.text("credential", "status") != "inactive" || a.text("credential", "description") != "off" {
		t.Errorf("to the administrator: %s", a)
	}
	s.want(400, demo, "PUT", one, `{"credential":{"status":"gone"}}`)
	s.want(200, admin, "PUT", one, `{"credential":{"status":"active"}}`)
	get(200, "an enabled key")
	s.want(204, demo, "DELETE", one, "")
	get(401, "a deleted key")
	s.want(404, demo, "GET", one, "")
	if got := s.reasons(); !slices.Equal(got, []string{"key disabled", "unknown key"}) {
		t.Errorf("the log says %v", got)
	}
	// Nobody but an administrator sees another's.
	theirs := s.pen(admin).access
	s.want(404, demo, "GET", all+"/"+theirs, "")
	s.want(404, demo, "DELETE", all+"/"+theirs, "")
	s.want(403, demo, "POST", all, `{"credential":{"user_id":"`+s.want(200, admin, "GET", all+"/"+theirs, "").text("credential", "user_id")+`"}}`)
	s.want(400, demo, "POST", all, `{"credential":{}}`)
	s.want(204, admin, "DELETE", "/identity/v3/users/"+me, "")
	s.want(404, admin, "GET", all+"/"+q.access, "")
}

func TestTemporaryKeysEndByThemselves(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	const wish = "/identity/v3.0/OS-CREDENTIAL/securitytokens"
	temporary := func(a answer) pen {
		return pen{access: a.text("credential", "access"), secret: a.text("credential", "secret"), token: a.text("credential", "securitytoken"), at: s.clock.now}
	}
	body := func(seconds string) string {
		return `{"auth":{"identity":{"methods":["token"],"token":{"duration_seconds":` + seconds + `}}}}`
	}
	for _, seconds := range []string{"899", "86401", "-1", "1.5", `"x"`, "null", "99999999999"} {
		s.want(400, demo, "POST", wish, body(seconds))
	}
	s.want(400, demo, "POST", wish, `{"auth":{"identity":{"methods":["assume_role"]}}}`)
	p := temporary(s.want(201, demo, "POST", wish, body(`"900"`)))
	path := "/v3/" + demo.project + "/volumes"
	get := func(p pen, want int, why string) {
		t.Helper()
		if a := s.write(p, "GET", path, ""); a.status != want {
			t.Errorf("%s: %s, want %d", why, a, want)
		}
	}
	get(p, 200, "a temporary key")
	bare, mixed := p, s.pen(demo)
	bare.token, mixed.token = "", p.token
	get(bare, 401, "without its token")
	get(mixed, 401, "with another's token")
	if a := s.write(p, "POST", "/identity/v3.0/OS-CREDENTIAL/credentials", `{"credential":{"user_id":"x"}}`); a.status != 403 {
		t.Errorf("a temporary key makes a permanent one: %s", a)
	}
	// One made by a temporary key lives no longer.
	long := s.write(p, "POST", wish, body("86400"))
	if long.status != 201 || long.text("credential", "expires_at") > s.clock.now().UTC().Add(901*time.Second).Format(time.RFC3339) {
		t.Errorf("a temporary key's own: %s", long)
	}
	s.clock.advance(15*time.Minute + time.Second)
	get(p, 401, "after its time")
	get(temporary(long), 401, "the other after its time")
	again := temporary(s.want(201, s.logIn("demo"), "POST", wish, body("3600")))
	get(again, 200, "a new one")
	me := s.want(200, demo, "GET", "/identity/v3/users?name=demo", "").at("users").([]any)[0].(map[string]any)["id"].(string)
	s.clock.advance(time.Second)
	s.want(204, demo, "POST", "/identity/v3/users/"+me+"/password", `{"user":{"password":"another","original_password":"demo-secret"}}`)
	get(again, 401, "after the password changed")
}

// Secrets lie sealed in the database, and the key that seals them for its owner only.
func TestSecretsOfAccessKeysAreSealed(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := open(t, settings{"data": data}, withFake(fake.New()))
	p := s.pen(s.logIn("demo"))
	info, err := os.Stat(filepath.Join(data, "keys", "sealing"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the sealing key: %v, %v", info, err)
	}
	s.close()
	files, err := filepath.Glob(filepath.Join(data, "breezeblock.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no database: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), p.secret) {
			t.Errorf("%s has the secret in plain text", file)
		}
	}
	again := open(t, settings{"data": data}, withFake(fake.New()))
	p.at = again.clock.now
	if a := again.write(p, "GET", "/v3/volumes", ""); a.status != 200 {
		t.Errorf("after a restart: %s", a)
	}
}

func TestUnsignedBodiesAreTakenWhereSwitchedOn(t *testing.T) {
	t.Parallel()
	s := open(t, settings{"unsigned-payload": "true"}, withFake(fake.New()))
	p := s.pen(s.logIn("demo"))
	if a := s.write(p, "POST", "/v3/volumes", `{"volume":{"size":1}}`, "X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"); a.status != 202 {
		t.Errorf("got %s", a)
	}
}

func TestSignedBodiesHaveTheSameLimit(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	p := s.pen(s.logIn("demo"))
	for n, want := range map[int]int{114688: 202, 114689: 413} {
		body := `{"volume":{"size":1,"x":"` + strings.Repeat("x", n)
		body = body[:n-3] + `"}}`
		if a := s.write(p, "POST", "/v3/volumes", body); a.status != want {
			t.Errorf("%d bytes: %s, want %d", n, a, want)
		}
	}
}

func TestThrottlingAnswersAsTheGatewayDoes(t *testing.T) {
	t.Parallel()
	s := open(t, settings{"throttle": "snapshot.list=2/1m, volume.list=1000/1s"}, withFake(fake.New()))
	demo, admin := s.logIn("demo"), s.logIn("admin")
	list := func(u user) answer { return s.send(u, "GET", "/v3/"+u.project+"/snapshots", "") }
	for range 2 {
		if a := list(demo); a.status != 200 {
			t.Fatalf("within the limit: %s", a)
		}
	}
	a := list(demo)
	if a.status != http.StatusTooManyRequests || a.text("error_code") != "APIGW.0308" || a.text("request_id") == "" || a.header.Get("Retry-After") != "30" {
		t.Errorf("over it: %s, Retry-After %s", a, a.header.Get("Retry-After"))
	}
	if a := list(admin); a.status != 200 {
		t.Errorf("another project: %s", a)
	}
	s.want(200, demo, "GET", "/v3/"+demo.project+"/volumes", "")
	s.clock.advance(30 * time.Second)
	if a := list(demo); a.status != 200 {
		t.Errorf("after the wait: %s", a)
	}
}

// A client that waits as long as it is told gets through at its second try, in every
// family, and what was refused did nothing. The vendor's SDK asks again likewise, when
// it is told to: compat/clients/huaweicloud.
func TestWaitingAsToldGetsThrough(t *testing.T) {
	t.Parallel()
	s := open(t, settings{"throttle": "*=1000/1s, cloudvolume.create=1/1m, cloudvolume.create_v21=2/10s, volume.create=3/30s, snapshot5.list=1/1h"}, withFake(fake.New()))
	demo := s.logIn("demo")
	admin := s.logIn("admin")
	s.want(200, admin, "PUT", "/v3/"+admin.project+"/os-quota-sets/"+demo.project, `{"quota_set":{"volumes":-1}}`)
	disk := `{"volume":{"availability_zone":"az1","volume_type":"SSD","size":1}}`
	for _, tc := range []struct {
		method, path, body string
		ok, atOnce         int
		longest            time.Duration
	}{
		{"POST", "/v2/" + demo.project + "/cloudvolumes", disk, 200, 1, time.Minute},
		{"POST", "/v2.1/" + demo.project + "/cloudvolumes", disk, 202, 2, 5 * time.Second},
		{"POST", "/v3/" + demo.project + "/volumes", `{"volume":{"size":1}}`, 202, 3, 10 * time.Second},
		{"GET", "/v5/" + demo.project + "/snapshots/detail", "", 200, 1, time.Hour},
	} {
		for n := range 6 {
			a := s.send(demo, tc.method, tc.path, tc.body)
			if (a.status == 429) != (n >= tc.atOnce) {
				t.Errorf("%s %s: try %d got %s", tc.method, tc.path, n, a)
			}
			if a.status == 429 {
				wait, err := strconv.Atoi(a.header.Get("Retry-After"))
				if told := time.Duration(wait) * time.Second; err != nil || told < time.Second || told > tc.longest || a.text("error_code") != "APIGW.0308" {
					t.Fatalf("told to wait %q: %s", a.header.Get("Retry-After"), a)
				}
				s.clock.advance(time.Duration(wait) * time.Second)
				a = s.send(demo, tc.method, tc.path, tc.body)
			}
			if a.status != tc.ok {
				t.Errorf("%s %s: try %d got %s at last", tc.method, tc.path, n, a)
			}
		}
	}
	if n := strings.Count(s.want(200, demo, "GET", "/v3/"+demo.project+"/volumes", "").body, `"name"`); n != 18 {
		t.Errorf("there are %d disks, want 18", n)
	}
}

func TestALimitOnACallThatThereIsNotIsRefused(t *testing.T) {
	t.Parallel()
	c, err := load(settings{"data": filepath.Join(t.TempDir(), "data"), "throttle": "snapshot.lists=1/1s"})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := server.New(t.Context(), c, server.Parts{Driver: fake.New()}); err == nil || !strings.Contains(err.Error(), "snapshot.lists") {
		t.Errorf("got %v, %v; want an error that names the call", s, err)
	}
}
