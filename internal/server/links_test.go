package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
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
