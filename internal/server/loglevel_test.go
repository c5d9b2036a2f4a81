package server_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/server"
)

func TestSetLogHoldsTheLogToItsLevel(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var held *slog.Logger
	s := open(t, settings{"dialect": "cinder"}, withFake(fake.New()), func(p *server.Parts) { p.Log, p.LogLevel = server.Gated(log); held = p.Log })
	admin := s.logIn("admin")
	version := []string{"OpenStack-API-Version", "volume 3.32"}
	path := "/v3/" + admin.project + "/os-services/"
	set := func(level string) { s.want(202, admin, "PUT", path+"set-log", `{"level":"`+level+`"}`, version...) }
	if got := s.want(200, admin, "PUT", path+"get-log", `{}`, version...).body; !strings.Contains(got, `"breezeblock":"WARNING"`) {
		t.Errorf("at first: got %s", got)
	}
	held.Warn("first")
	set("ERROR")
	held.With("k", "v").WithGroup("g").Warn("second")
	held.Error("third")
	if got := s.want(200, admin, "PUT", path+"get-log", `{"server":"nowhere"}`, version...).body; got != `{"log_levels":[]}` {
		t.Errorf("of another server: got %s", got)
	}
	s.want(202, admin, "PUT", path+"set-log", `{"level":"DEBUG","server":"nowhere"}`, version...)
	s.want(202, admin, "PUT", path+"set-log", `{"level":"DEBUG","prefix":"sqlalchemy"}`, version...)
	held.Warn("fourth")
	set("warning")
	held.Warn("fifth")
	for word, want := range map[string]bool{"first": true, "second": false, "third": true, "fourth": false, "fifth": true} {
		if strings.Contains(text.String(), word) != want {
			t.Errorf("%s is in the log: %v, want %v", word, !want, want)
		}
	}
}
