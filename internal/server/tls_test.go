package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// certificate makes one for 127.0.0.1 that vouches for itself, and writes it and
// its key to files.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certFile, keyFile = write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", private)
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	return certFile, keyFile, roots
}

func TestBothListenersSpeakTLSAndSaySoInLinksAndCatalog(t *testing.T) {
	t.Parallel()
	cert, key, roots := certificate(t)
	s := open(t, settings{"tls-cert": cert, "tls-key": key, "identity-listen": "127.0.0.1:0"}, withFake(fake.New()))
	s.trust(roots)
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") || !strings.HasPrefix(s.IdentityURL(), "https://127.0.0.1:") {
		t.Fatalf("serves %s and %s", s.URL(), s.IdentityURL())
	}
	if a := s.want(http.StatusMultipleChoices, user{}, "GET", "/", ""); !strings.Contains(a.body, `"href":"`+s.URL()+`/v3/"`) {
		t.Errorf("versions: %s", a)
	}
	for _, at := range []string{s.URL() + "/identity/v3", s.IdentityURL() + "/v3"} {
		demo, token := s.logInAt(at, "demo")
		urls := endpoints(token)
		for kind, url := range urls {
			if !strings.HasPrefix(url, "https://") {
				t.Errorf("%s: the catalog says %s for %s", at, url, kind)
			}
		}
		s.want(http.StatusOK, demo, "GET", urls["volumev3"]+"/volumes", "")
	}
	if a := s.want(http.StatusUnauthorized, user{}, "GET", "/v3/volumes", ""); a.header.Get("Www-Authenticate") != `Keystone uri="`+s.URL()+`/identity/v3"` {
		t.Errorf("challenge %q", a.header.Get("Www-Authenticate"))
	}
	plain := s.send(user{}, "GET", strings.Replace(s.URL(), "https:", "http:", 1)+"/", "")
	if plain.status != http.StatusBadRequest || !strings.Contains(plain.body, "HTTPS") {
		t.Errorf("plain HTTP on a listener with TLS: %s", plain)
	}
}

// endpoints are the public addresses of a token's catalog by type of service.
func endpoints(token answer) map[string]string {
	urls := map[string]string{}
	catalog, _ := token.at("token", "catalog").([]any)
	for _, service := range catalog {
		s := service.(map[string]any)
		for _, endpoint := range s["endpoints"].([]any) {
			if e := endpoint.(map[string]any); e["interface"] == "public" {
				urls[s["type"].(string)] = e["url"].(string)
			}
		}
	}
	return urls
}

func TestPlainHTTPOffLoopbackIsRefused(t *testing.T) {
	t.Parallel()
	cert, key, _ := certificate(t)
	for _, tc := range []struct {
		name  string
		given settings
		names string // the setting that the error names; empty: allowed
	}{
		{"every address", settings{"listen": "0.0.0.0:0"}, "listen"},
		{"every address, short", settings{"listen": ":0"}, "listen"},
		{"every address of IPv6", settings{"listen": "[::]:0"}, "listen"},
		{"an address of a network", settings{"listen": "192.0.2.1:0"}, "listen"},
		{"a name", settings{"listen": "storage.example:0"}, "listen"},
		{"a name that begins like loopback", settings{"listen": "localhost.example:0"}, "listen"},
		{"identity alone", settings{"identity-listen": "0.0.0.0:0"}, "identity-listen"},
		{"half of TLS", settings{"listen": "0.0.0.0:0", "tls-cert": cert}, "tls-cert"},
		{"with TLS", settings{"listen": "0.0.0.0:0", "tls-cert": cert, "tls-key": key}, ""},
		{"asked for", settings{"listen": "0.0.0.0:0", "identity-listen": ":0", "insecure-http": "true"}, ""},
		{"loopback", settings{"listen": "127.0.0.1:0", "identity-listen": "[::1]:0"}, ""},
	} {
		_, err := load(tc.given)
		if (err != nil) != (tc.names != "") || (err != nil && !strings.Contains(err.Error(), "setting "+tc.names+":")) {
			t.Errorf("%s: got %v, want an error about %q", tc.name, err, tc.names)
		}
	}
}
