package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/server"
)

// hosts are the beginnings of every address that a client is told in answers,
// each with the place where it stood.
func (s *site) hosts(at string, headers ...string) map[string]string {
	s.t.Helper()
	told := map[string]string{}
	note := func(place, url string) {
		scheme, rest, _ := strings.Cut(url, "://")
		host, _, _ := strings.Cut(rest, "/")
		told[place] = scheme + "://" + host
	}
	demo, _ := s.logInAt(at, "demo")
	a := s.want(http.StatusOK, demo, "GET", at+"/auth/tokens", "", append(headers, "X-Subject-Token", demo.token)...)
	for kind, url := range endpoints(a) {
		note("catalog "+kind, url)
	}
	if at != s.local+"/identity/v3" {
		return told
	}
	for range 2 {
		s.volume(demo)
	}
	volumes := "/v3/" + demo.project + "/volumes"
	list := s.want(http.StatusOK, demo, "GET", volumes+"?limit=1", "", headers...)
	next := list.at("volumes_links").([]any)[0].(map[string]any)["href"].(string)
	note("next page", next)
	one := list.at("volumes").([]any)[0].(map[string]any)["links"].([]any)[0].(map[string]any)["href"].(string)
	note("link of a volume", one)
	versions := s.want(http.StatusMultipleChoices, user{}, "GET", "/", "", headers...)
	_, self, _ := strings.Cut(versions.body, `"rel":"self","href":"`)
	note("version document", self)
	refused := s.want(http.StatusUnauthorized, user{}, "GET", volumes, "", headers...)
	note("challenge", strings.TrimPrefix(refused.header.Get("Www-Authenticate"), `Keystone uri="`))
	return told
}

func TestLinksAndCatalogSayWhereTheServiceIs(t *testing.T) {
	t.Parallel()
	forwarded := []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evs.example:8443"}
	for _, tc := range []struct {
		name    string
		given   settings
		headers []string
		want    string
	}{
		{"the request's own Host", nil, []string{"Host", "storage.example:8776"}, "http://storage.example:8776"},
		{"the public URL over it", settings{"public-url": "https://cloud.example/"}, []string{"Host", "storage.example"}, "https://cloud.example"},
		{"a proxy nobody trusts is not believed", nil, append(forwarded, "Host", "h.example"), "http://h.example"},
		{"a proxy elsewhere is trusted", settings{"trusted-proxy": "192.0.2.0/24"}, append(forwarded, "Host", "h.example"), "http://h.example"},
		{"a trusted proxy is believed", settings{"trusted-proxy": "192.0.2.0/24, 127.0.0.0/8"}, append(forwarded, "Host", "h.example"), "https://evs.example:8443"},
		{"a chain of trusted proxies", settings{"trusted-proxy": "127.0.0.0/8"}, []string{"X-Forwarded-Proto", "https, http", "X-Forwarded-Host", "evs.example, inner.example", "Host", "h.example"}, "https://evs.example"},
		{"a trusted proxy that says nonsense", settings{"trusted-proxy": "127.0.0.0/8"}, []string{"X-Forwarded-Proto", "gopher", "X-Forwarded-Host", `x/"><script>`, "Host", "h.example"}, "http://h.example"},
		{"a public URL over a trusted proxy", settings{"public-url": "https://cloud.example", "trusted-proxy": "127.0.0.0/8"}, forwarded, "https://cloud.example"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, tc.given, withFake(fake.New()))
			told := s.hosts(s.local+"/identity/v3", tc.headers...)
			if len(told) < 8 {
				t.Errorf("only %d addresses were found: %v", len(told), told)
			}
			for place, host := range told {
				if host != tc.want {
					t.Errorf("%s: got %s, want %s", place, host, tc.want)
				}
			}
		})
	}
}

// net/http takes quotes, brackets and any byte as the host of a request's target;
// links are made of it, so it must not come into an answer.
func TestAHostThatIsNoneIsRefused(t *testing.T) {
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	path := "/v3/" + demo.project + "/volumes/" + s.volume(demo)
	for target, want := range map[string]int{
		path: 200, "http://h.example:1" + path: 200, "http://[::1]:2" + path: 200,
		`http://a"b` + path: 400, "http://a<b" + path: 400, "http://%ff" + path: 400, "http://u@'x" + path: 400,
	} {
		c := s.dial()
		c.write("GET " + target + " HTTP/1.1\r\nHost: h\r\nX-Auth-Token: " + demo.token + "\r\n\r\n")
		if a := c.answer(); a.status != want || !json.Valid([]byte(a.body)) || (want == 400 && !strings.Contains(a.body, "Host")) {
			t.Errorf("%s: got %s, want %d", target, a, want)
		}
	}
	c := s.dial()
	c.write("GET / HTTP/1.0\r\n\r\n")
	if a := c.answer(); !strings.Contains(a.body, `"href":"`+s.local+"/v3/") {
		t.Errorf("without a Host: got %s, want links to %s", a, s.local)
	}
}

// Failed logins count for the address they come from. Behind a trusted proxy that
// is the one it tells, or one guesser would lock everybody out.
func TestGuessesBehindAProxyCountForTheGuesser(t *testing.T) {
	const guess = `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"demo","password":%q,"domain":{"name":"Default"}}}}}}`
	for _, tc := range []struct {
		name, proxies, guesser, other string
		want                          int // for the owner, elsewhere
	}{
		{"a trusted proxy", "127.0.0.0/8", "203.0.113.9", "203.0.113.10", 201},
		{"what the guesser wrote in front", "127.0.0.0/8", "198.51.100.%d, 203.0.113.9", "198.51.100.1, 203.0.113.9", 429},
		{"two trusted proxies", "127.0.0.0/8,10.0.0.0/8", "203.0.113.9, 10.1.1.1", "203.0.113.10, 10.1.1.1", 201},
		{"a proxy nobody trusts", "192.0.2.0/24", "203.0.113.%d", "203.0.113.200", 429},
		{"nonsense", "127.0.0.0/8", "x%d", "y", 429},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := time.Now() // failures wear off with time; here none passes
			s := open(t, settings{"trusted-proxy": tc.proxies}, withFake(fake.New()), func(p *server.Parts) { p.Now = func() time.Time { return now } })
			tokens := "/identity/v3/auth/tokens"
			for i := range 25 {
				from := tc.guesser
				if strings.Contains(from, "%d") {
					from = fmt.Sprintf(from, i)
				}
				a := s.send(user{}, "POST", tokens, fmt.Sprintf(guess, "wrong"), "X-Forwarded-For", from)
				if a.status != http.StatusUnauthorized && a.status != http.StatusTooManyRequests {
					t.Fatalf("guess %d: %s", i, a)
				}
			}
			s.want(tc.want, user{}, "POST", tokens, fmt.Sprintf(guess, "demo-secret"), "X-Forwarded-For", tc.other)
		})
	}
}
