package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
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
func mustConnect(t testing.TB, uri string) *client.Bytes {
	t.Helper()
	c, err := client.OpenBytes(within(t), uri)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// within is a context for one connection.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// holds fails unless p stands at off.
func holds(t testing.TB, c *client.Bytes, off int64, p []byte) {
	t.Helper()
	got, err := c.ReadBytes(off, len(p))
	if err != nil || !bytes.Equal(got, p) {
		t.Errorf("at %d: got %.40q (%v), want %.40q", off, got, err, p)
	}
}

// opensNothing fails unless the name opens nothing.
func opensNothing(t testing.TB, uri string) {
	t.Helper()
	if _, err := client.OpenBytes(within(t), uri); !errors.Is(err, client.ErrRefused) {
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
	if first.Size != 1<<30 || first.ReadOnly {
		t.Errorf("got %d bytes, read-only %v", first.Size, first.ReadOnly)
	}
	mark := []byte("written through the first attachment")
	if err := errors.Join(first.WriteBytes(4096, mark), first.Flush()); err != nil {
		t.Fatal(err)
	}
	if a := s.v3(demo, "DELETE", "/volumes/"+volume, "", 400); !strings.Contains(a.body, "attached") {
		t.Errorf("got %v", a)
	}

	if a := s.v3(demo, "DELETE", "/attachments/"+id, "", 200); a.body != `{"attachments":[]}` {
		t.Errorf("got %v, want no attachment left", a)
	}
	s.becomes(demo, volume, "available")
	if err := first.WriteBytes(0, mark); err == nil {
		t.Error("the client that was detached still writes")
	}
	opensNothing(t, uri)
	s.v3(demo, "GET", "/attachments/"+id, "", 404)

	_, next := s.attach(demo, volume, "there")
	if next == uri {
		t.Error("the next attachment has the name of the last")
	}
	second := mustConnect(t, next)
	holds(t, second, 4096, mark)
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

func TestReadOnlyAttachmentsRefuseWrites(t *testing.T) {
	s := open(t, nil)
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, "")
	a := s.v3(demo, "POST", "/attachments", `{"attachment":{"volume_uuid":"`+volume+`","connector":{"host":"h","mode":"ro"}}}`, 200)
	if a.text("attachment", "attach_mode") != "ro" || a.text("attachment", "connection_info", "access_mode") != "ro" {
		t.Errorf("got %v", a)
	}
	c := mustConnect(t, a.text("attachment", "connection_info", "uri"))
	if err := c.WriteBytes(0, []byte("no")); !c.ReadOnly || err == nil {
		t.Errorf("got read-only %v, %v", c.ReadOnly, err)
	}
	holds(t, c, 0, []byte{0, 0})
	s.v3(demo, "DELETE", "/attachments/"+a.text("attachment", "id"), "", 200)
	s.v3(demo, "POST", "/volumes/"+volume+"/action", `{"os-update_readonly_flag":{"readonly":true}}`, 202)
	_, uri := s.attach(demo, volume, "h")
	if c := mustConnect(t, uri); !c.ReadOnly || c.WriteBytes(0, []byte("no")) == nil {
		t.Error("a volume that may only be read is written")
	}
	if shown := s.v3(demo, "GET", "/volumes/"+volume, "", 200); shown.text("volume", "metadata", "readonly") != "True" || shown.text("volume", "metadata", "attached_mode") != "ro" {
		t.Errorf("got %v", shown)
	}
}

func TestTheAttachmentsOfASharedVolumeSeeEachOthersBytes(t *testing.T) {
	s := open(t, nil)
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, `,"multiattach":true`)
	one, first := s.attach(demo, volume, "one")
	_, second := s.attach(demo, volume, "two")
	a, b := mustConnect(t, first), mustConnect(t, second)
	if err := a.WriteBytes(1<<20, []byte("from one")); err != nil {
		t.Fatal(err)
	}
	holds(t, b, 1<<20, []byte("from one"))
	third := s.v3(demo, "POST", "/attachments", `{"attachment":{"volume_uuid":"`+volume+`","connector":{"host":"three","mode":"ro"}}}`, 200)
	s.v3(demo, "POST", "/attachments/"+third.text("attachment", "id")+"/action", `{"os-complete":{}}`, 204)
	reader := mustConnect(t, third.text("attachment", "connection_info", "uri"))
	holds(t, reader, 1<<20, []byte("from one"))
	if err := a.WriteBytes(1<<20, []byte("one anew")); err != nil {
		t.Fatal(err)
	}
	holds(t, reader, 1<<20, []byte("one anew"))
	s.v3(demo, "DELETE", "/attachments/"+one, "", 200)
	s.becomes(demo, volume, "in-use")
	opensNothing(t, first)
	if err := b.WriteBytes(1<<20, []byte("from two")); err != nil {
		t.Errorf("the other attachment was cut off, too: %v", err)
	}
}

// Whoever knows the id of a connection, as from the database, has no name by it.
func TestTheIdOfAConnectionOpensNothingWithoutItsCode(t *testing.T) {
	s := open(t, nil)
	demo := s.logIn("demo")
	_, uri := s.attach(demo, s.freeVolume(demo, ""), "here")
	name := nameOf(t, uri)
	last := "0"
	if strings.HasSuffix(name, last) {
		last = "1"
	}
	for _, wrong := range []string{name[:len(name)-1] + last, name[:32] + strings.Repeat("0", 32), name[:32] + name[:32], name[:32], name + "0", strings.ToUpper(name)} {
		opensNothing(t, strings.Replace(uri, name, wrong, 1))
	}
	mustConnect(t, uri)
}

// Who reads only has a device of its own, so that whoever comes later can write.
func TestAReaderThatCameFirstHoldsUpNoWriter(t *testing.T) {
	s := open(t, nil)
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, `,"multiattach":true`)
	a := s.v3(demo, "POST", "/attachments", `{"attachment":{"volume_uuid":"`+volume+`","connector":{"host":"reader","mode":"ro"}}}`, 200)
	s.v3(demo, "POST", "/attachments/"+a.text("attachment", "id")+"/action", `{"os-complete":{}}`, 204)
	reader := mustConnect(t, a.text("attachment", "connection_info", "uri"))
	_, uri := s.attach(demo, volume, "writer")
	if err := mustConnect(t, uri).WriteBytes(0, []byte("written")); err != nil {
		t.Fatal(err)
	}
	holds(t, reader, 0, []byte("written"))
	if err := reader.WriteBytes(0, []byte("no")); err == nil {
		t.Error("the reader writes")
	}
}

func TestASnapshotOfAVolumeInUseHoldsWhatWasWrittenBefore(t *testing.T) {
	s := open(t, nil)
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, "")
	_, uri := s.attach(demo, volume, "here")
	c := mustConnect(t, uri)
	before, after := bytes.Repeat([]byte("before"), 1000), bytes.Repeat([]byte("after!"), 1000)
	if err := c.WriteBytes(0, before); err != nil {
		t.Fatal(err)
	}
	snap := s.v3(demo, "POST", "/snapshots", `{"snapshot":{"volume_id":"`+volume+`","force":true}}`, 202).text("snapshot", "id")
	for status := ""; status != "available"; time.Sleep(2 * time.Millisecond) {
		if status = s.v3(demo, "GET", "/snapshots/"+snap, "", 200).text("snapshot", "status"); status == "error" {
			t.Fatal("the snapshot failed")
		}
	}
	if err := errors.Join(c.WriteBytes(0, after), c.Flush()); err != nil {
		t.Fatal(err)
	}
	copied := s.freeVolume(demo, `,"snapshot_id":"`+snap+`"`)
	_, uri = s.attach(demo, copied, "here")
	holds(t, mustConnect(t, uri), 0, before)
	holds(t, c, 0, after)
	if a, err := s.try(user{}, "GET", "/metrics", ""); err != nil || !strings.Contains(a.body, "breezeblock_nbd_connections 2\n") ||
		!strings.Contains(a.body, "breezeblock_nbd_written_bytes_total 12000\n") {
		t.Errorf("the metrics do not tell of it: %v", err)
	}
}

func TestBytesGoOverTCPOnlyWhenItIsAskedFor(t *testing.T) {
	if _, err := load(settings{"nbd-listen": "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "tls-cert") {
		t.Errorf("got %v, want TLS asked for", err)
	}
	for _, wrong := range []string{"unix:", "nowhere"} {
		if _, err := load(settings{"nbd-listen": wrong}); err == nil || !strings.Contains(err.Error(), "nbd-listen") {
			t.Errorf("%s: got %v", wrong, err)
		}
	}
	s := open(t, settings{"nbd-listen": "127.0.0.1:0", "insecure-http": "true"})
	demo := s.logIn("demo")
	_, uri := s.attach(demo, s.freeVolume(demo, ""), "here")
	if c := mustConnect(t, uri); !strings.HasPrefix(uri, "nbd://127.0.0.1:") || c.Size != 1<<30 {
		t.Errorf("got %d bytes over TCP", c.Size)
	}
}
