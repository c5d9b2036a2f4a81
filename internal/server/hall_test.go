package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// A path that is there with another method, a path that is not, a version that is
// not: each door's shape in dialect evs, the recorded one in dialect cinder.
func TestCallsThatNobodyServesAreRefusedAsTheDialectSays(t *testing.T) {
	t.Parallel()
	const routes404 = `{"message":"The resource could not be found.<br /><br />\n\n\n","code":"404 Not Found","title":"Not Found"}`
	for _, dialect := range []string{"evs", "cinder"} {
		s := open(t, settings{"dialect": dialect}, withFake(fake.New()))
		demo := s.logIn("demo")
		snap := s.snapshot(demo, s.volume(demo))
		v3, v2 := "/v3/"+demo.project, "/v2/"+demo.project
		for _, tc := range []struct {
			name, method, path string
			token              bool
			evs                int
			allow              string // in evs; the door of identity tells it in both
			has                string // in the body, in evs
			cinder             int
			same               bool // the body has the same shape in cinder
		}{
			{"another method", "PATCH", v3 + "/snapshots/" + snap, true, 405, "DELETE, GET, PUT", `{"badMethod":{`, 404, false},
			{"another method on v2", "POST", v2 + "/snapshots/" + snap, true, 405, "DELETE, GET, PUT", `{"badMethod":{`, 404, false},
			{"HEAD where GET is", "HEAD", v3 + "/snapshots/" + snap, true, 405, "DELETE, GET, PUT", "", 404, true},
			{"HEAD of a list", "HEAD", v3 + "/volumes", true, 405, "GET, POST", "", 404, true},
			{"DELETE of a list", "DELETE", v3 + "/volumes", true, 405, "GET, POST", `{"badMethod":{`, 404, false},
			{"another method of EVS's own", "PATCH", v2 + "/cloudsnapshots/" + snap, true, 405, "DELETE, GET, PUT", `{"error":{"message":"The method is not allowed here`, 405, true},
			{"another method of identity", "PUT", "/identity/v3/auth/tokens", true, 405, "DELETE, GET, HEAD, POST", `{"error":{"code":405`, 405, true},
			{"another method of images", "DELETE", "/image/v2/images", true, 405, "GET, POST", `"code":"405 Method Not Allowed"`, 405, true},
			{"no such path", "GET", v3 + "/nothing", true, 404, "", `{"itemNotFound":{`, 404, false},
			{"a slash too much", "GET", v3 + "/snapshots/", true, 404, "", `{"itemNotFound":{`, 404, false},
			{"a version nobody has", "GET", "/v4/" + demo.project + "/snapshots", true, 404, "", `{"itemNotFound":{`, 404, false},
			{"the same without a token", "GET", "/v4/" + demo.project + "/snapshots", false, 404, "", `{"itemNotFound":{`, 404, false},
			{"a version in capitals", "GET", "/V3/" + demo.project + "/snapshots", true, 404, "", `{"itemNotFound":{`, 404, false},
			{"no such path of EVS's own version", "GET", "/v5/" + demo.project + "/x", true, 404, "", `{"error":{`, 404, true},
			{"no such path of identity", "GET", "/identity/v3/nothing", true, 404, "", `{"error":{"code":404`, 404, true},
			{"OPTIONS asks for no token", "OPTIONS", v3 + "/snapshots", false, 200, "", "", 200, true},
		} {
			u := user{}
			if tc.token {
				u = demo
			}
			a := s.send(u, tc.method, tc.path, "")
			status, allow, has := tc.evs, tc.allow, tc.has
			if dialect == "cinder" {
				status = tc.cinder
				if status != 405 {
					allow = ""
				}
				if !tc.same {
					has = routes404
				}
			}
			if a.status != status || a.header.Get("Allow") != allow || !strings.Contains(a.body, has) {
				t.Errorf("%s, %s: %s %s: got %s with Allow %q, want %d with %q and %s", dialect, tc.name, tc.method, tc.path, a, a.header.Get("Allow"), status, allow, has)
			}
			if tc.method == "HEAD" && a.body != "" {
				t.Errorf("%s, %s: HEAD was answered with a body: %s", dialect, tc.name, a)
			}
		}
	}
}

func TestHeadIsServedWhereItHasARow(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	a := s.want(http.StatusOK, demo, "HEAD", "/identity/v3/auth/tokens", "", "X-Subject-Token", demo.token)
	if a.body != "" || a.header.Get("X-Subject-Token") != demo.token {
		t.Errorf("got %s", a)
	}
}

// raw is a connection on which a test writes what no client library would.
type raw struct {
	t    testing.TB
	conn net.Conn
	from *bufio.Reader
}

func (s *site) dial() *raw {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	return &raw{s.t, conn, bufio.NewReader(conn)}
}

// write sends text; a server that has closed already shows in answer.
func (r *raw) write(text string) { _, _ = io.WriteString(r.conn, text) }

// answer reads one; status 0 is a connection that ended without one.
func (r *raw) answer() answer {
	r.t.Helper()
	got, err := http.ReadResponse(r.from, nil)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

// put is the head of a PUT of a snapshot whose body has length bytes.
func put(u user, snapshot string, length int) string {
	return fmt.Sprintf("PUT /v3/%s/snapshots/%s HTTP/1.1\r\nHost: h\r\nX-Auth-Token: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		u.project, snapshot, u.token, length)
}

func TestOversizedHeadersAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	for name, head := range map[string]string{
		"one long header":     "GET / HTTP/1.1\r\nHost: h\r\nX-Long: " + strings.Repeat("x", 80<<10) + "\r\n\r\n",
		"many headers":        "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X-Many: "+strings.Repeat("y", 90)+"\r\n", 1000) + "\r\n",
		"a long path":         "GET /" + strings.Repeat("p", 80<<10) + " HTTP/1.1\r\nHost: h\r\n\r\n",
		"a header and no end": "GET / HTTP/1.1\r\nHost: h\r\nX-Long: " + strings.Repeat("x", 80<<10),
	} {
		c := s.dial()
		c.write(head)
		if a := c.answer(); a.status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: got %s, want 431", name, a)
		}
	}
	s.want(http.StatusMultipleChoices, user{}, "GET", "/", "")
}

func TestSlowSendersAreCutOff(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, dialect string
		has           string
	}{
		{"evs", "evs", `{"computeFault":{"message":"The request body did not arrive in time.","code":"408"}}`},
		{"cinder", "cinder", `{"computeFault":{"message":"The request body did not arrive in time.","code":408}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, settings{"dialect": tc.dialect, "read-timeout": "1s"}, withFake(fake.New()))
			demo := s.logIn("demo")
			snap := s.snapshot(demo, s.volume(demo))
			silent, head, body, keystone := s.dial(), s.dial(), s.dial(), s.dial()
			began := time.Now()
			head.write("GET / HTTP/1.1\r\nHost:")
			body.write(put(demo, snap, 40) + `{"snapshot":{"na`)
			keystone.write("POST /identity/v3/auth/tokens HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
			for name, c := range map[string]*raw{"nothing": silent, "half a header": head} {
				if a := c.answer(); a.status != 0 {
					t.Errorf("%s: got %s, want the end of the connection", name, a)
				}
			}
			if a := body.answer(); a.status != http.StatusRequestTimeout || a.body != tc.has {
				t.Errorf("half a body: got %s, want 408 with %s", a, tc.has)
			}
			if a := keystone.answer(); a.status != http.StatusRequestTimeout || !strings.Contains(a.body, `{"error":{"code":408`) {
				t.Errorf("half a login: got %s, want 408", a)
			}
			if took := time.Since(began); took > patience/2 {
				t.Errorf("it took %s", took)
			}
			if got := s.want(http.StatusOK, demo, "GET", "/v3/"+demo.project+"/snapshots/"+snap, ""); got.text("snapshot", "name") != "s" {
				t.Errorf("a half-sent body changed the snapshot: %s", got)
			}
		})
	}
}

// A body that ends before its length, and one that is longer than any may be.
func TestBodiesOfAWrongLengthChangeNothing(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	snap := s.snapshot(demo, s.volume(demo))
	half := s.dial()
	half.write(put(demo, snap, 40) + `{"snapshot":{"name":"h"}}`)
	if err := half.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if a := half.answer(); a.status != http.StatusBadRequest || !strings.Contains(a.body, "badRequest") {
		t.Errorf("half a body: got %s", a)
	}
	long := s.dial()
	long.write(put(demo, snap, 200<<10))
	go long.write(strings.Repeat(" ", 200<<10)) // the server may close before it is through
	if a := long.answer(); a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, "114688") {
		t.Errorf("200 KiB: got %s", a)
	}
	chunked := s.dial()
	chunked.write(strings.Replace(put(demo, snap, 0), "Content-Length: 0", "Transfer-Encoding: chunked", 1))
	go chunked.write(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 200<<10, bytes.Repeat([]byte(" "), 200<<10)))
	if a := chunked.answer(); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("200 KiB in chunks: got %s", a)
	}
	if got := s.want(http.StatusOK, demo, "GET", "/v3/"+demo.project+"/snapshots/"+snap, ""); got.text("snapshot", "name") != "s" {
		t.Errorf("a refused body changed the snapshot: %s", got)
	}
}

// A metadata key may be ".." or hold a slash. However a client escapes it, a call
// on the key never becomes one on the volume, the snapshot, or a neighbour.
func TestDotsInAKeyReachNoOtherObject(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"evs", "cinder"} {
		s := open(t, settings{"dialect": dialect}, withFake(fake.New()))
		demo := s.logIn("demo")
		volume := s.volume(demo)
		snap := s.snapshot(demo, volume)
		lone := s.volume(demo) // has no snapshot, so DELETE would do
		all := "/v3/" + demo.project
		for _, key := range []string{"..", "%2e%2e", "%2E.", "..%2F", ".", "%2e", "..%2f..%2f" + lone, "..%2f..%2f..%2fsnapshots%2f" + snap, "x%2f..%2f..", "...json"} {
			for _, on := range []string{"/volumes/" + lone, "/snapshots/" + snap} {
				for method, body := range map[string]string{"DELETE": "", "PUT": `{"snapshot":{"name":"climbed"}}`} {
					c := s.dial()
					c.write(fmt.Sprintf("%s %s%s/metadata/%s HTTP/1.1\r\nHost: h\r\nX-Auth-Token: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
						method, all, on, key, demo.token, len(body), body))
					if a := c.answer(); a.status != http.StatusNotFound {
						t.Errorf("%s: %s %s/metadata/%s: got %s, want 404", dialect, method, on, key, a)
					}
				}
			}
		}
		for _, path := range []string{"/volumes/" + lone, "/snapshots/" + snap} {
			if a := s.want(http.StatusOK, demo, "GET", all+path, ""); !strings.Contains(a.body, `"status":"available"`) || strings.Contains(a.body, "climbed") {
				t.Errorf("%s: %s is %s", dialect, path, a)
			}
		}
	}
}

// POST …?_method= is another method in dialect cinder, as recorded, but never one
// that would frame the answer in another way than the client waits for.
func TestTheMethodInAQueryNeverChangesTheFraming(t *testing.T) {
	s := open(t, settings{"dialect": "cinder"}, withFake(fake.New()))
	demo := s.logIn("demo")
	for _, method := range []string{"HEAD", "head", "CONNECT", "TRACE", "OPTIONS", "", "A B"} {
		c := s.dial()
		head := " HTTP/1.1\r\nHost: h\r\nX-Auth-Token: " + demo.token + "\r\nX-Subject-Token: " + demo.token + "\r\n"
		c.write("POST /identity/v3/auth/tokens?_method=" + url.QueryEscape(method) + head + "Content-Length: 0\r\n\r\n")
		c.write("GET /healthcheck" + head + "\r\n")
		if a := c.answer(); a.status < 400 || a.body == "" {
			t.Errorf("_method=%s: got %s", method, a)
		}
		if a := c.answer(); a.status != http.StatusOK || !strings.Contains(a.body, "reasons") {
			t.Errorf("after _method=%s: got %s, want the next answer whole", method, a)
		}
	}
	s.want(http.StatusOK, demo, "POST", "/v3/"+demo.project+"/volumes?_method=get", "")
}
