package server_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	at350 = "volume 3.50"
)

// v3 sends a call as u below its project at microversion 3.50 and wants a status.
func (s *site) v3(u user, method, path, body string, want int) answer {
	s.t.Helper()
	a, err := s.try(u, method, "/v3/"+u.project+path, body, "OpenStack-API-Version", at350)
	if err != nil || a.status != want {
		s.t.Fatalf("%s %s %s: got %v (%v), want %d", method, path, body, a, err, want)
	}
	return a
}

// freeVolume is a new volume that is available.
func (s *site) freeVolume(u user, more string) string {
	s.t.Helper()
	id := s.v3(u, "POST", "/volumes", `{"volume":{"size":1`+more+`}}`, 202).text("volume", "id")
	s.becomes(u, id, "available")
	return id
}

// becomes waits until a volume has a status; "" is gone.
func (s *site) becomes(u user, id, want string) {
	s.t.Helper()
	var a answer
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var err error
		if a, err = s.try(u, "GET", "/v3/"+u.project+"/volumes/"+id, ""); err != nil {
			s.t.Fatal(err)
		}
		if a.text("volume", "status") == want && (want != "" || a.status == 404) {
			return
		}
	}
	s.t.Fatalf("volume %s: got %v, want it to become %q", id, a, want)
}

// attach makes an attachment for a host and tells its id and URI.
func (s *site) attach(u user, volume, host string) (id, uri string) {
	s.t.Helper()
	a := s.v3(u, "POST", "/attachments", fmt.Sprintf(`{"attachment":{"volume_uuid":%q,"connector":{"host":%q}}}`, volume, host), 200)
	if a.text("attachment", "connection_info", "driver_volume_type") != "nbd" {
		s.t.Fatalf("got %v, want the way to the bytes", a)
	}
	id = a.text("attachment", "id")
	if done := s.v3(u, "POST", "/attachments/"+id+"/action", `{"os-complete":{}}`, 204); done.body != "" {
		s.t.Errorf("os-complete: got the body %q", done.body)
	}
	return id, a.text("attachment", "connection_info", "uri")
}

// mustConnect opens an export.
func mustConnect(t testing.TB, uri string) *bytesOf {
	t.Helper()
	c, err := connect(t, uri)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// opensNothing fails unless the name opens nothing.
func opensNothing(t testing.TB, uri string) {
	t.Helper()
	if _, err := connect(t, uri); !errors.Is(err, errRefused) {
		t.Errorf("a name that is void: got %v, want it refused", err)
	}
}

func TestAnAttachedVolumeTakesBytesUntilItIsDetached(t *testing.T) {
	s := open(t, nil)
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, "")
	id, uri := s.attach(demo, volume, "here")
	s.becomes(demo, volume, "in-use")
	first := mustConnect(t, uri)
	if first.size != 1<<30 || first.readOnly {
		t.Errorf("got %d bytes, read-only %v", first.size, first.readOnly)
	}
	mark := []byte("written through the first attachment")
	if err := errors.Join(first.write(4096, mark), first.flush()); err != nil {
		t.Fatal(err)
	}
	if a := s.v3(demo, "DELETE", "/volumes/"+volume, "", 400); !strings.Contains(a.body, "attached") {
		t.Errorf("got %v", a)
	}

	if a := s.v3(demo, "DELETE", "/attachments/"+id, "", 200); a.body != `{"attachments":[]}` {
		t.Errorf("got %v, want no attachment left", a)
	}
	s.becomes(demo, volume, "available")
	if err := first.write(0, mark); err == nil {
		t.Error("the client that was detached still writes")
	}
	opensNothing(t, uri)
	s.v3(demo, "GET", "/attachments/"+id, "", 404)

	_, next := s.attach(demo, volume, "there")
	if next == uri {
		t.Error("the next attachment has the name of the last")
	}
	second := mustConnect(t, next)
	second.holds(t, 4096, mark)
	opensNothing(t, uri)
	name := uri[len("nbd+unix:///"):strings.Index(uri, "?")]
	for _, wrong := range []string{name[:32] + strings.Repeat("0", 32), strings.Repeat("0", 64), name[:63], name + "0", ""} {
		opensNothing(t, strings.Replace(uri, name, wrong, 1))
	}
	if log := s.log.String() + s.access.String(); strings.Contains(log, name[32:]) || strings.Contains(log, next[len("nbd+unix:///")+32:]) {
		t.Error("the log holds the name of an export")
	}
}

func TestTheSocketIsItsUsersAlone(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	for _, data := range []string{filepath.Join(shortFolder(t), "data"), filepath.Join(long, "data")} {
		if err := os.MkdirAll(filepath.Dir(data), 0o700); err != nil {
			t.Fatal(err)
		}
		s := open(t, settings{"data": data})
		demo := s.logIn("demo")
		_, uri := s.attach(demo, s.freeVolume(demo, ""), "here")
		mustConnect(t, uri)
		_, socket, _ := strings.Cut(uri, "?socket=")
		socket = strings.ReplaceAll(socket, "%2F", "/")
		info, err := os.Stat(filepath.Dir(socket))
		if err != nil || info.Mode().Perm() != 0o700 || len(socket) > 107 {
			t.Errorf("%s: %v, %v", socket, info.Mode(), err)
		}
		s.close()
		if _, err := os.Lstat(socket); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
	}
}

// shortFolder is a folder whose path leaves room for a socket.
func shortFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
