package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sources(flags, env map[string]string) Sources {
	look := func(m map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
	}
	return Sources{Flag: look(flags), Env: look(env)}
}

func TestLaterSourcesGoOverEarlierOnes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b.toml")
	text := "listen = \"127.0.0.1:1\"\nregion = \"file\"\ndialect = \"cinder\"\ntrusted-proxy = [\"10.0.0.0/8\", \"::1/128\"]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(sources(
		map[string]string{"config": file, "listen": "127.0.0.1:3"},
		map[string]string{"BREEZEBLOCK_LISTEN": "127.0.0.1:2", "BREEZEBLOCK_REGION": "env"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:3" || c.Region != "env" || c.Dialect != "cinder" || c.Data != "breezeblock-data" || len(c.TrustedProxies) != 2 {
		t.Errorf("got %+v", c)
	}
	origins := map[string]string{}
	for _, v := range c.Values {
		origins[v.Name] = v.Origin
	}
	if origins["listen"] != "flag" || origins["region"] != "environment" || origins["dialect"] != "file "+file || origins["data"] != "default" {
		t.Errorf("got origins %v", origins)
	}
}

func TestBadSettingsAreRefusedByName(t *testing.T) {
	for name, tc := range map[string]struct{ flags, env map[string]string }{
		"listen":                        {flags: map[string]string{"listen": "0.0.0.0:8776"}},
		"identity-listen":               {flags: map[string]string{"identity-listen": "no port"}},
		"dialect":                       {flags: map[string]string{"dialect": "nova"}},
		"tls-cert":                      {flags: map[string]string{"tls-cert": "c.pem"}},
		"trusted-proxy":                 {flags: map[string]string{"trusted-proxy": "10.0.0.1"}},
		"public-url":                    {flags: map[string]string{"public-url": "ftp://x"}},
		"token-lifetime":                {env: map[string]string{"BREEZEBLOCK_TOKEN_LIFETIME": "1s"}},
		"database":                      {env: map[string]string{"BREEZEBLOCK_DATABASE": "mysql://x"}},
		"log-level":                     {flags: map[string]string{"log-level": "loud"}},
		"insecure-http":                 {flags: map[string]string{"insecure-http": "maybe"}},
		"strict-sizes":                  {flags: map[string]string{"strict-sizes": "yes please"}},
		"snapshots-per-volume":          {flags: map[string]string{"snapshots-per-volume": "257"}},
		"standard-snapshots-per-volume": {env: map[string]string{"BREEZEBLOCK_STANDARD_SNAPSHOTS_PER_VOLUME": "0"}},
		"instant-snapshots-per-volume":  {flags: map[string]string{"instant-snapshots-per-volume": ""}},
	} {
		if _, err := Load(sources(tc.flags, tc.env)); err == nil || !strings.Contains(err.Error(), "setting "+name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestThePublicURLIsSchemeAndHostAlone(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://cloud.example": true, "http://[::1]:8776/": true, "": true,
		"https://cloud.example/evs": false, "https://u:secret@cloud.example": false, "https://cloud.example#x": false,
		"https://cloud.example?": false, "cloud.example": false, "https://": false,
	} {
		_, err := Load(sources(map[string]string{"public-url": text}, nil))
		if ok != (err == nil) || (err != nil && (!strings.Contains(err.Error(), "public-url") || strings.Contains(err.Error(), "secret"))) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestUnknownKeyInTheFileIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "b.toml")
	if err := os.WriteFile(file, []byte("listne = \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(sources(map[string]string{"config": file}, nil)); err == nil || !strings.Contains(err.Error(), "listne") {
		t.Errorf("got %v", err)
	}
}

func TestPasswordsAreNotTakenFromTheCommandLine(t *testing.T) {
	c, err := Load(sources(map[string]string{"admin-password": "seen by ps"}, nil))
	if err != nil || c.AdminPassword != "" {
		t.Errorf("got %q, %v", c.AdminPassword, err)
	}
}
