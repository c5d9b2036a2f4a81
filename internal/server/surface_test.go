package server_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/server"
	"github.com/breezeblock/breezeblock/internal/store/storetest"
)

// surfaceTime is how long the whole surface is tried: three seconds, or what
// BREEZEBLOCK_TEST_LONG says (a duration; any other value is two minutes).
func surfaceTime(t *testing.T) time.Duration {
	long := os.Getenv("BREEZEBLOCK_TEST_LONG")
	if long == "" {
		return 3 * time.Second
	}
	if d, err := time.ParseDuration(long); err == nil {
		return d
	}
	t.Logf("BREEZEBLOCK_TEST_LONG=%s is no duration: two minutes", long)
	return 2 * time.Minute
}

// actor is somebody who calls. Only an administrator may see the vault.
type actor struct {
	name  string
	mu    sync.Mutex
	as    user
	admin bool
	again func() user // logs in once more; nil for those who cannot
}

func (a *actor) user() user {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.as
}

// refresh logs in again after a call has revoked the token.
func (a *actor) refresh(refused user) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.again != nil && a.as == refused {
		a.as = a.again()
	}
}

// secret is in every text of the vault: a project of somebody else.
const secret = "kept-in-the-vault"

// surface is all calls there are, who makes them, and what they may be about.
type surface struct {
	*site
	rows   []wire.Route
	actors []*actor
	until  time.Time
	sent   atomic.Int64

	mu    sync.Mutex
	ids   map[string][]string // by noun; what answers told and nobody needs
	keep  map[string]bool     // ids that administrators must not touch
	vault map[string]string   // by noun; for everybody else
}

// Whatever is sent to any row of the table, by anybody, the answer is no 5xx but
// 503, is whole, tells nothing of another project's, and changes nothing there.
func TestNoRequestFailsTheServerOrReachesAnothersProject(t *testing.T) {
	for name, given := range map[string]func(*testing.T) settings{
		"evs":               func(*testing.T) settings { return settings{"dialect": "evs"} },
		"cinder":            func(*testing.T) settings { return settings{"dialect": "cinder"} },
		"evs on PostgreSQL": func(t *testing.T) settings { return settings{"database": storetest.Postgres(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			log := &sink{} // without the thousands of lines at level debug
			s := newSurface(open(t, given(t), withFake(fake.New()), func(p *server.Parts) { p.Log = slog.New(slog.NewJSONHandler(log, nil)) }))
			vault := s.logIn("vault")
			before := s.vaultOf(vault)
			s.until = time.Now().Add(surfaceTime(t) / 3)
			var workers sync.WaitGroup
			for i := range uint64(4) {
				w := &caller{surface: s, rng: rand.New(rand.NewPCG(seed, i))}
				workers.Go(w.run)
			}
			workers.Wait()
			t.Logf("%d requests, seed %d", s.sent.Load(), seed)
			if after := s.vaultOf(vault); after != before {
				t.Errorf("the vault was %s and is %s", before, after)
			}
			if lines := log.String(); strings.Contains(lines, `"level":"ERROR"`) || strings.Contains(lines, "-secret") {
				t.Errorf("the log has errors or passwords: %.4000s", lines[max(0, strings.Index(lines, `"level":"ERROR"`)-60):])
			}
			for line := range strings.Lines(s.access.String()) {
				if !json.Valid([]byte(line)) {
					t.Fatalf("a line of the access log is no JSON: %s", line)
				}
			}
		})
	}
}

// newSurface makes the people and the vault.
func newSurface(s *site) *surface {
	all := &surface{
		site: s, rows: s.Rows(), ids: map[string][]string{"key": {"k"}, "domain": {"default"}, "region": {"RegionOne"}, "resource_type": {"volumes", "snapshots", "backups"}},
		keep: map[string]bool{}, vault: map[string]string{},
	}
	admin := s.logIn("admin")
	roles := map[string]string{}
	for _, r := range s.want(200, admin, "GET", "/identity/v3/roles", "").at("roles").([]any) {
		role := r.(map[string]any)
		roles[role["name"].(string)] = role["id"].(string)
	}
	for name, role := range map[string]string{"vault": "member", "looker": "reader"} {
		project := s.want(201, admin, "POST", "/identity/v3/projects", fmt.Sprintf(`{"project":{"name":%q,"domain_id":"default"}}`, name)).text("project", "id")
		person := s.want(201, admin, "POST", "/identity/v3/users", fmt.Sprintf(`{"user":{"name":%q,"password":%q,"domain_id":"default"}}`, name, name+"-secret")).text("user", "id")
		s.want(204, admin, "PUT", "/identity/v3/projects/"+project+"/users/"+person+"/roles/"+roles[role], "")
	}
	vault := s.logIn("vault")
	all.vault["project"], all.vault["volume"] = vault.project, s.volume(vault)
	all.vault["snapshot"] = s.snapshot(vault, all.vault["volume"])
	for noun, id := range map[string]string{"volume": all.vault["volume"], "snapshot": all.vault["snapshot"]} {
		path := "/v3/" + vault.project + "/" + noun + "s/" + id
		s.want(200, vault, "PUT", path, fmt.Sprintf(`{%q:{"name":%q,"description":%q}}`, noun, secret, secret))
		s.want(200, vault, "PUT", path+"/metadata", fmt.Sprintf(`{"metadata":{%q:%q}}`, "k", secret))
	}
	s.want(204, vault, "POST", "/v2/"+vault.project+"/cloudvolumes/"+all.vault["volume"]+"/tags/action", fmt.Sprintf(`{"action":"create","tags":[{"key":"k","value":%q}]}`, secret))
	s.want(204, vault, "POST", "/v5/"+vault.project+"/snapshots/"+all.vault["snapshot"]+"/tags/create", fmt.Sprintf(`{"tags":[{"key":"k","value":%q}]}`, secret))
	s.groups(vault, all)
	for _, noun := range []string{"user", "project"} {
		for _, row := range s.want(200, admin, "GET", "/identity/v3/"+noun+"s", "").at(noun + "s").([]any) {
			all.keep[row.(map[string]any)["id"].(string)] = true
		}
	}
	all.keep[s.want(200, vault, "GET", "/v3/"+vault.project+"/types/default", "").text("volume_type", "id")] = true
	all.keep[all.vault["volume"]], all.keep[all.vault["snapshot"]] = true, true
	all.actors = []*actor{{name: "nobody"}, {name: "garbage", as: user{"gAAAAAB" + strings.Repeat("x", 180), vault.project}}}
	for _, name := range []string{"demo", "demo", "looker", "admin"} {
		again := func() user { return s.logIn(name) }
		all.actors = append(all.actors, &actor{name: name, as: again(), admin: name == "admin", again: again})
	}
	unscoped := func() user {
		a := s.want(201, user{}, "POST", "/identity/v3/auth/tokens", `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"demo","password":"demo-secret","domain":{"id":"default"}}}},"scope":"unscoped"}}`)
		return user{a.header.Get("X-Subject-Token"), ""}
	}
	all.actors = append(all.actors, &actor{name: "unscoped", as: unscoped(), again: unscoped})
	return all
}

// groups puts a group and its snapshot into the vault.
func (s *site) groups(vault user, all *surface) {
	base := "/v3/" + vault.project
	all.vault["group"] = s.want(202, vault, "POST", base+"/consistencygroups", fmt.Sprintf(`{"consistencygroup":{"name":%q,"volume_types":"SSD"}}`, secret)).text("consistencygroup", "id")
	all.vault["group_snapshot"] = s.want(202, vault, "POST", base+"/cgsnapshots", fmt.Sprintf(`{"cgsnapshot":{"consistencygroup_id":%q,"name":%q}}`, all.vault["group"], secret)).text("cgsnapshot", "id")
	all.keep[all.vault["group"]], all.keep[all.vault["group_snapshot"]] = true, true
}

// nounOf is what the old calls' nouns stand for.
func nounOf(noun string) string {
	switch noun {
	case "consistencygroup":
		return "group"
	case "cgsnapshot":
		return "group_snapshot"
	case "qos_spec":
		return "qos"
	case "resource":
		return "volume"
	}
	return noun
}

// vaultOf is all that the vault holds, as its owner sees it.
func (s *surface) vaultOf(owner user) string {
	var all strings.Builder
	for _, path := range []string{"/volumes/detail", "/snapshots/detail", "/consistencygroups/detail", "/cgsnapshots/detail"} {
		all.WriteString(s.want(200, owner, "GET", "/v3/"+owner.project+path, "").body)
	}
	for _, version := range []string{"/v2/", "/v5/"} { // with tags
		path := map[string]string{"/v2/": "/cloudvolumes/detail", "/v5/": "/snapshots/detail"}[version]
		all.WriteString(s.want(200, owner, "GET", version+owner.project+path, "").body)
	}
	quota, _ := s.want(200, owner, "GET", "/v3/"+owner.project+"/os-quota-sets/"+owner.project+"?usage=1", "").at("quota_set").(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(quota)) { // administrators make and remove types, which are lines, too
		if line, is := quota[name].(map[string]any); is && line["in_use"] != 0.0 {
			fmt.Fprintf(&all, " %s: %v", name, line)
		}
	}
	return all.String()
}

// learn keeps the ids that an answer tells, by the noun they stand under.
func (s *surface) learn(body string) {
	var top map[string]any
	if json.Unmarshal([]byte(body), &top) != nil {
		return
	}
	for key, value := range top {
		if id, is := value.(string); is && strings.HasSuffix(key, "_id") { // a native answer: job_id, snapshot_id
			s.remember(nounOf(strings.TrimSuffix(key, "_id")), id)
			continue
		}
		noun := nounOf(strings.TrimSuffix(strings.TrimPrefix(key, "volume_"), "s"))
		rows, many := value.([]any)
		if !many {
			rows = []any{value}
		}
		for _, row := range rows[:min(len(rows), 4)] {
			fields, _ := row.(map[string]any)
			if id, _ := fields["id"].(string); id != "" {
				s.remember(noun, id)
			}
		}
	}
}

func (s *surface) remember(noun, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.ids[noun]
	if s.keep[id] || slices.Contains(known, id) {
		return
	}
	if len(known) >= 32 {
		known = known[1:]
	}
	s.ids[noun] = append(known, id)
}

// caller sends one request after the other on a connection of its own.
type caller struct {
	*surface
	rng  *rand.Rand
	conn net.Conn
	from *bufio.Reader
}

func (c *caller) run() {
	defer c.hangUp()
	for time.Now().Before(c.until) && !c.t.Failed() {
		a := c.actors[c.rng.IntN(len(c.actors))]
		as := a.user()
		method, text := c.request(a, as)
		c.sent.Add(1)
		got, err := c.exchange(method, text)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.t.Errorf("%s sent %.2000q: no answer in %s", a.name, text, patience)
			return
		} else if err != nil {
			continue // refused before it was through: the answer may be lost. A panic shows in the log.
		}
		if wrong := c.judge(a, got); wrong != "" {
			c.t.Errorf("%s sent %.2000q: %s: got %s %v", a.name, text, wrong, got, got.header)
			return
		}
		c.learn(got.body)
		if got.status == http.StatusUnauthorized {
			a.refresh(as)
		}
	}
}

// exchange sends one request, well framed, and reads the answer.
func (c *caller) exchange(method, text string) (answer, error) {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.Address())
		if err != nil {
			return answer{}, err
		}
		c.conn, c.from = conn, bufio.NewReader(conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	go io.WriteString(c.conn, text) // a refusal may come before it is through
	got, err := http.ReadResponse(c.from, &http.Request{Method: method})
	if err != nil {
		c.hangUp()
		return answer{}, err
	}
	body, err := io.ReadAll(got.Body)
	_ = got.Body.Close()
	if got.Close || err != nil {
		c.hangUp()
	}
	return answer{got.StatusCode, got.Header, string(body)}, err
}

func (c *caller) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
	c.conn = nil
}

// judge tells what is wrong with an answer.
func (c *caller) judge(a *actor, got answer) string {
	kind := got.header.Get("Content-Type")
	own := len(got.header["X-Openstack-Request-Id"]) == 1
	noHTTP := got.status == http.StatusBadRequest && kind == "text/plain; charset=utf-8" // net/http answers that by itself
	switch {
	case got.status >= 500 && got.status != http.StatusServiceUnavailable:
		return "a failure of ours"
	case !own && !noHTTP:
		return "no request id"
	case strings.HasPrefix(kind, "application/json") && got.body != "" && !json.Valid([]byte(got.body)):
		return "no JSON"
	case own && got.status >= 400 && got.body == "" && kind != "text/html; charset=UTF-8" && got.header.Get("Content-Length") == "0":
		return "an error without words"
	case !a.admin && strings.Contains(got.body, secret):
		return "it tells of the vault"
	}
	return ""
}
