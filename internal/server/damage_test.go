package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// A damaged byte is told of before the answer begins where that is known then, and
// breaks the connection where it is not; it is never given out.
func TestDamagedBytesAreNotGivenOut(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	volume := s.volume(s.user)
	now := image{}
	s.write(volume, now, 100, 4<<20)
	id := s.snapshot(s.user, volume)
	off := slices.Max(slices.Collect(maps.Keys(now))) // far from the first chunk
	s.flip(volume, off+100)
	path := s.path("/snapshots/" + id + "/data")
	if a := s.send(s.user, "GET", path, "", "Range", fmt.Sprintf("bytes=%d-%d", off, off+4095)); a.status != 409 || !strings.Contains(a.body, "damaged") || strings.Contains(a.body, s.folder) {
		t.Errorf("at once: got %s", a)
	}
	if a := s.send(s.user, "GET", path, "", "Range", "bytes=0-4194303", "Want-Content-Digest", "sha-256=1"); a.status != 409 {
		t.Errorf("with a digest: got %s", a)
	}
	if a, err := s.try(s.user, "GET", path, "", "Range", "bytes=0-4194303"); err == nil {
		t.Errorf("further on: got all of %d bytes, want a broken connection", len(a.body))
	}
	if a := s.want(206, s.user, "GET", path, "", "Range", "bytes=0-65535"); a.body != string(now.at(0)) {
		t.Error("what is not damaged is not what was written")
	}
	s.want(200, s.user, "GET", s.path("/snapshots/"+id+"/blocks"), "")
}

// flip turns a bit round in the sealed layer of a volume, once its sums are there.
func (s *storeSite) flip(volume string, off int64) {
	s.t.Helper()
	s.until("the sums are counted", func() bool {
		r, err := s.pool.Check(s.t.Context(), volume, false)
		if err != nil {
			s.t.Fatal(err)
		}
		return r.Verified > 0 && r.Unverified == 0
	})
	path := filepath.Join(s.folder, "volumes", volume, "layer-000001.0")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, off)
	b[0] ^= 4
	_, err2 := f.WriteAt(b, off)
	if err := errors.Join(err, err2, f.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// A flipped bit is found, and told to its owner by where it lies in volume and
// snapshots, and to an administrator by the file, too.
func TestVerificationLocatesAFlippedBit(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	volume := s.volume(s.user)
	now := image{}
	s.write(volume, now, 30, 4<<20)
	first := s.snapshot(s.user, volume)
	off := slices.Max(slices.Collect(maps.Keys(now)))
	s.overwrite(volume, off)
	second := s.snapshot(s.user, volume)
	s.flip(volume, off+5000)
	admin := s.logIn("admin")
	path := func(u user) string { return "/v3/" + u.project + "/volumes/" + volume + "/verify" }
	s.want(202, s.user, "POST", path(s.user), "")
	s.until("the verification is over", func() bool {
		return s.want(200, s.user, "GET", path(s.user), "").text("verification", "status") == "done"
	})
	for _, u := range []user{s.user, admin} {
		a := s.want(200, u, "GET", path(u), "")
		list, _ := a.at("verification", "findings").([]any)
		if a.at("verification", "damaged") != true || len(list) != 1 {
			t.Fatalf("got %s, want one finding", a)
		}
		f := list[0].(map[string]any)
		at, n := int64(f["offset"].(float64)), int64(f["length"].(float64))
		if at > off+5000 || at+n <= off+5000 || n > 4096 || f["damage"] != true {
			t.Errorf("a bit flipped at %d is told as %v", off+5000, f)
		}
		if fmt.Sprint(f["snapshot_ids"]) != "["+first+"]" || f["volume"] != false {
			t.Errorf("it is in snapshot %s alone, not in %s: got %v", first, second, f)
		}
		if named := strings.Contains(a.body, s.folder); named != (u == admin) {
			t.Errorf("for %v the file is named: %v: %s", u.project, named, a)
		}
	}
}

// overwrite writes one piece anew.
func (s *storeSite) overwrite(volume string, off int64) {
	s.t.Helper()
	device, err := s.pool.Open(s.t.Context(), driver.Ref{Volume: volume}, driver.ReadWrite)
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = device.WriteAt(bytes.Repeat([]byte{7}, piece), off)
	if err := errors.Join(err, device.Flush(s.t.Context()), device.Close()); err != nil {
		s.t.Fatal(err)
	}
}
