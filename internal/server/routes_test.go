package server_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/server"
)

// prefixes are the beginnings of the paths that serve a row.
func prefixes(row wire.Route) []string {
	var all []string
	for _, v := range []struct {
		bit    wire.Versions
		prefix string
	}{{wire.V1, "/v1"}, {wire.V2, "/v2"}, {wire.V21, "/v2.1"}, {wire.V3, "/v3"}, {wire.V5, "/v5"}, {wire.NoVersion, ""}} {
		if row.Versions&v.bit != 0 {
			all = append(all, v.prefix)
		}
	}
	return all
}

func TestEveryRowOfTheRouteTableIsWholeAndUnique(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	type call struct{ method, path, action string }
	seen := map[call]string{}
	for _, row := range s.Rows() {
		if row.Name == "" || row.Method == "" || row.Source == "" || row.Handle == nil || row.Versions == 0 {
			t.Errorf("row %s (%s %s) is not whole: %+v", row.Name, row.Method, row.Path, row)
		}
		if row.OK < 200 || row.OK > 499 || http.StatusText(row.OK) == "" {
			t.Errorf("%s: success is %d", row.Name, row.OK)
		}
		for _, prefix := range prefixes(row) {
			c := call{row.Method, prefix + row.Path, row.Action}
			if before, twice := seen[c]; twice {
				t.Errorf("%s and %s claim %v", before, row.Name, c)
			}
			seen[c] = row.Name
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d calls: is that all of the table?", len(seen))
	}
}

// public are the rows that ask for no token. The list may only shrink.
var public = []string{
	"health", "identity.version", "identity.versions", "image.versions", "token.create",
	"version.list", "version.v1", "version.v1_slash", "version.v2", "version.v2_slash", "version.v3", "version.v3_slash",
}

func TestEveryRowButThePublicOnesAsksForAToken(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"evs", "cinder"} {
		t.Run(dialect, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			s := open(t, settings{"dialect": dialect, "data": data}, withFake(fake.New()))
			demo := s.logIn("demo")
			volume := s.volume(demo)
			wild := strings.NewReplacer("{volume_id}", volume, "{snapshot_id}", s.snapshot(demo, volume),
				"{project_id}", demo.project, "{target}", demo.project, "{domain_id}", "default")
			before := rowsOf(t, data)
			var open []string
			for _, row := range s.Rows() {
				if row.Permission == wire.Public {
					open = append(open, row.Name)
					continue
				}
				for _, prefix := range prefixes(row) {
					project := ""
					if prefix != "" {
						project = "/" + demo.project
					}
					path := prefix + project + wild.Replace(row.Path)
					for _, token := range []string{"", "garbage", demo.token[:len(demo.token)-4] + "AAAA"} {
						refused(t, s, row, path, token)
					}
				}
			}
			slices.Sort(open)
			if got := slices.Compact(open); !slices.Equal(got, public) {
				t.Errorf("public are %v, want %v", got, public)
			}
			if after := rowsOf(t, data); after != before {
				t.Errorf("calls without a token changed the database:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

// refused sends what the row would do its work on, with a token that does not hold.
func refused(t *testing.T, s *site, row wire.Route, path, token string) {
	t.Helper()
	body := ""
	switch {
	case row.Action != "":
		body = `{` + strconv.Quote(row.Action) + `:{"status":"error","new_size":9}}`
	case row.Method == "POST" || row.Method == "PUT" || row.Method == "PATCH":
		body = `{"snapshot":{"name":"stolen"},"volume":{"name":"stolen"},"metadata":{"k":"stolen"}}`
	}
	a := s.send(user{token: token}, row.Method, path, body)
	if a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("Www-Authenticate"), `Keystone uri="`) {
		t.Errorf("%s: %s %s with token %.8q: got %s, challenge %q", row.Name, row.Method, path, token, a, a.header.Get("Www-Authenticate"))
	}
}

// withFake keeps the bytes in memory.
func withFake(d *fake.Driver) func(*server.Parts) {
	return func(p *server.Parts) { p.Driver = d }
}
