package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

func TestIdentityListenerLeadsToTheFirstListener(t *testing.T) {
	t.Parallel()
	s := open(t, settings{"identity-listen": "127.0.0.1:0"}, withFake(fake.New()))
	own := s.IdentityURL()
	if own == "" || own == s.URL() {
		t.Fatalf("identity at %q, block storage at %q", own, s.URL())
	}
	demo, token := s.logInAt(own+"/v3", "demo")
	urls := endpoints(token)
	for kind, want := range map[string]string{
		"identity": own, "volumev2": s.URL() + "/v2/" + demo.project, "volumev3": s.URL() + "/v3/" + demo.project,
		"block-storage": s.URL() + "/v3", "image": s.URL() + "/image", "evs": s.URL(),
	} {
		if !strings.HasPrefix(urls[kind], want) {
			t.Errorf("%s: got %q, want %s…", kind, urls[kind], want)
		}
	}
	for _, kind := range []string{"volumev2", "volumev3"} {
		s.want(http.StatusOK, demo, "GET", urls[kind]+"/volumes", "")
	}
	// As a client elsewhere sees it: its own Host, and the port of the first listener.
	_, port, _ := strings.Cut(s.Address(), ":")
	a := s.want(http.StatusOK, demo, "GET", own+"/v3/auth/catalog", "", "Host", "iam.example:5000")
	if !strings.Contains(a.body, `"http://iam.example:`+port+"/v3/"+demo.project) || !strings.Contains(a.body, `"http://iam.example:5000`) {
		t.Errorf("catalog by another Host: %s", a)
	}
	for _, path := range []string{"", "/", "/v3", "/v3/"} {
		if a := s.send(user{}, "GET", own+path, ""); a.status >= 400 || !strings.Contains(a.body, own+"/v3") {
			t.Errorf("GET %s%s: %s", own, path, a)
		}
	}
	for _, path := range []string{"/metrics", "/healthcheck", "/v3/" + demo.project + "/volumes", "/v3/volumes", "/identity/v3"} {
		if a := s.send(demo, "GET", own+path, ""); a.status != http.StatusNotFound {
			t.Errorf("GET %s on the identity listener: %s", path, a)
		}
	}
	if a := s.send(user{}, "GET", own+"/v3/users", ""); a.status != http.StatusUnauthorized || a.header.Get("Www-Authenticate") != `Keystone uri="`+own+`/v3"` {
		t.Errorf("without a token: %s, challenge %q", a, a.header.Get("Www-Authenticate"))
	}
}

func TestIdentityListenerLeadsToThePublicURL(t *testing.T) {
	t.Parallel()
	s := open(t, settings{"identity-listen": "127.0.0.1:0", "public-url": "https://cloud.example"}, withFake(fake.New()))
	demo, token := s.logInAt(s.IdentityURL()+"/v3", "demo")
	if got, want := endpoints(token)["volumev3"], "https://cloud.example/v3/"+demo.project; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
