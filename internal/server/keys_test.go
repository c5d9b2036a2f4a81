package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/server"
)

// sealedBy tells whether a token was sealed with the key in a file: its last 32
// bytes are the HMAC of the rest. Source: the Fernet specification.
func sealedBy(t *testing.T, token, file string) bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := base64.URLEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(token, "="))
	if err != nil || len(raw) < sha256.Size {
		t.Fatalf("token of %d bytes: %v", len(token), err)
	}
	signed := hmac.New(sha256.New, key[:16])
	signed.Write(raw[:len(raw)-sha256.Size])
	return hmac.Equal(signed.Sum(nil), raw[len(raw)-sha256.Size:])
}

func TestRotatedKeysAreTakenUpByARunningServer(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := open(t, settings{"data": data}, withFake(fake.New()))
	c, err := load(settings{"data": data})
	if err != nil {
		t.Fatal(err)
	}
	key := func(n string) string { return filepath.Join(data, "keys", n) }
	before := s.logIn("demo")
	if !sealedBy(t, before.token, key("1")) {
		t.Fatal("the first token is not sealed with the primary key")
	}
	if err := server.RotateKeys(c); err != nil {
		t.Fatal(err)
	}
	s.clock.advance(11 * time.Second) // a server looks every ten
	after := s.logIn("demo")
	if !sealedBy(t, after.token, key("2")) || sealedBy(t, before.token, key("2")) {
		t.Error("the token after the rotation is not sealed with the new key")
	}
	s.clock.advance(2 * time.Minute) // nothing is remembered of either token
	for name, u := range map[string]user{"before": before, "after": after} {
		if got := s.send(u, "GET", "/v3/"+u.project+"/volumes", ""); got.status != http.StatusOK {
			t.Errorf("the token from %s the rotation: %s", name, got)
		}
	}
	if err := server.RotateKeys(c); err != nil { // the key of the first token goes
		t.Fatal(err)
	}
	s.clock.advance(2 * time.Minute)
	s.want(http.StatusOK, after, "GET", "/v3/"+after.project+"/volumes", "")
	s.want(http.StatusUnauthorized, before, "GET", "/v3/"+before.project+"/volumes", "")
}
