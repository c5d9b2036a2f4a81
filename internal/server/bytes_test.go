package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/layers"
	"github.com/breezeblock/breezeblock/internal/server"
)

const (
	piece = 64 << 10  // what these tests write at once, bytes
	grid  = 512 << 10 // of block lists, bytes
)

// image is what a volume must hold: pieces by their place; the rest is zeroes.
type image map[int64][]byte

func (m image) at(off int64) []byte {
	if p := m[off]; p != nil {
		return p
	}
	return make([]byte, piece)
}

// store is a site over the driver that ships, and the driver, through which the
// tests write as whoever has a volume attached does.
type storeSite struct {
	*site
	pool   *layers.Pool
	folder string
	user   user
	random *rand.Rand
}

func openStore(t *testing.T, given settings) *storeSite {
	t.Helper()
	folder := t.TempDir()
	pool, err := layers.Open(folder, layers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, given, func(p *server.Parts) { p.Driver = pool })
	return &storeSite{site: s, pool: pool, folder: folder, user: s.logIn("demo"), random: rand.New(rand.NewPCG(1, 2))}
}

func (s *storeSite) path(rest string) string { return "/v3/" + s.user.project + rest }

// write writes n random pieces below size bytes into a volume, and notes them.
func (s *storeSite) write(volume string, holds image, n int, size int64) {
	s.t.Helper()
	device, err := s.pool.Open(s.t.Context(), driver.Ref{Volume: volume}, driver.ReadWrite)
	if err != nil {
		s.t.Fatal(err)
	}
	for range n {
		p := make([]byte, piece)
		for i := range p {
			p[i] = byte(s.random.Uint32())
		}
		off := s.random.Int64N(size/piece) * piece
		if _, err := device.WriteAt(p, off); err != nil {
			s.t.Fatal(err)
		}
		holds[off] = p
	}
	if err := errors.Join(device.Flush(s.t.Context()), device.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// holds compares what a volume or snapshot holds, at each place that any image has
// written to, beside it, and at its end.
func (s *storeSite) holds(what string, ref driver.Ref, size int64, want image, all ...image) {
	s.t.Helper()
	device, err := s.pool.Open(s.t.Context(), ref, driver.ReadOnly)
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	defer func() { _ = device.Close() }()
	if device.Size() != size {
		s.t.Errorf("%s: %d bytes, want %d", what, device.Size(), size)
	}
	places := map[int64]bool{0: true, size - piece: true}
	for _, m := range append(all, want) {
		for off := range m {
			places[off], places[(off+piece)%size] = true, true
		}
	}
	p := make([]byte, piece)
	for off := range places {
		if off >= size {
			continue
		}
		if _, err := device.ReadAt(p, off); err != nil && !errors.Is(err, io.EOF) {
			s.t.Fatalf("%s at %d: %v", what, off, err)
		}
		if !bytes.Equal(p, want.at(off)) {
			s.t.Fatalf("%s: %d bytes at %d are not what was written", what, piece, off)
		}
	}
}

// act calls an action of a volume and waits until it rests in status.
func (s *storeSite) act(volume, body, status string, headers ...string) {
	s.t.Helper()
	s.want(http.StatusAccepted, s.user, "POST", s.path("/volumes/"+volume+"/action"), body, headers...)
	s.untilStatus(s.user, "volume", volume, status)
}

// made makes a volume of another object and waits for it.
func (s *storeSite) made(body string) string {
	s.t.Helper()
	id := s.want(http.StatusAccepted, s.user, "POST", s.path("/volumes"), `{"volume":`+body+`}`).text("volume", "id")
	s.untilStatus(s.user, "volume", id, "available")
	return id
}

const gib = 1 << 30

// What was written is what snapshots, clones, volumes from snapshots, extended and
// rolled back volumes hold; each byte is compared through the driver that ships.
func TestBytesAreKeptThroughEveryCall(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	volume := s.volume(s.user)
	v := driver.Ref{Volume: volume}
	now := image{}
	s.write(volume, now, 40, gib)
	first, atFirst := s.snapshot(s.user, volume), maps.Clone(now)
	s.write(volume, now, 40, gib)
	second, atSecond := s.snapshot(s.user, volume), maps.Clone(now)
	s.write(volume, now, 40, gib)
	s.holds("the volume", v, gib, now)
	s.holds("the first snapshot", driver.Ref{Volume: volume, Snapshot: first}, gib, atFirst, now)
	s.holds("the second snapshot", driver.Ref{Volume: volume, Snapshot: second}, gib, atSecond, now)

	atClone := maps.Clone(now)
	clone := s.made(fmt.Sprintf(`{"source_volid":%q}`, volume))
	s.holds("a clone", driver.Ref{Volume: clone}, gib, now)
	from := s.made(fmt.Sprintf(`{"snapshot_id":%q,"size":2}`, first))
	s.holds("a larger volume from a snapshot", driver.Ref{Volume: from}, 2*gib, atFirst, now)
	s.want(http.StatusBadRequest, s.user, "POST", s.path("/volumes"), fmt.Sprintf(`{"volume":{"snapshot_id":%q,"size":0}}`, first))

	s.act(volume, `{"os-extend":{"new_size":2}}`, "available")
	s.holds("the extended volume", v, 2*gib, now)
	s.write(volume, now, 40, 2*gib)

	body := fmt.Sprintf(`{"rollback":{"volume_id":%q,"breezeblock:safety_snapshot":true}}`, volume)
	a := s.want(http.StatusAccepted, s.user, "POST", s.path("/os-vendor-snapshots/"+first+"/rollback"), body)
	s.untilStatus(s.user, "volume", volume, "available")
	safety := a.text("rollback", "breezeblock:safety_snapshot_id")
	s.holds("the volume, rolled back to the older snapshot", v, 2*gib, atFirst, now)
	s.holds("the newer snapshot, which stays", driver.Ref{Volume: volume, Snapshot: second}, gib, atSecond, now)
	s.holds("the safety snapshot", driver.Ref{Volume: volume, Snapshot: safety}, 2*gib, now)
	s.untilStatus(s.user, "snapshot", first, "available")

	rolled := maps.Clone(atFirst)
	s.write(volume, rolled, 20, 2*gib)
	s.want(http.StatusAccepted, s.user, "POST", s.path("/volumes/"+volume+"/action"),
		fmt.Sprintf(`{"revert":{"snapshot_id":%q}}`, safety), "OpenStack-API-Version", "volume 3.40")
	s.untilStatus(s.user, "volume", volume, "available")
	s.holds("the volume, its rollback undone", v, 2*gib, now, rolled)
	s.holds("the clone, untouched", driver.Ref{Volume: clone}, gib, atClone, now, rolled)
}

// Snapshots of attached volumes follow force and the microversion, and extension
// its own; what the volume held then is what they hold.
func TestAttachedVolumesFollowTheMicroversion(t *testing.T) {
	t.Parallel()
	s := openStore(t, settings{"dialect": "cinder"})
	volume := s.volume(s.user)
	now := image{}
	s.write(volume, now, 20, gib)
	s.act(volume, `{"os-attach":{"host_name":"h","mountpoint":"/dev/vdb"}}`, "in-use")
	for _, tc := range []struct {
		name, force, version string
		status               int
	}{
		{"without force", ``, "3.0", 400},
		{"force false", `,"force":false`, "3.65", 400},
		{"forced", `,"force":true`, "3.0", 202},
		{"forced at 3.65", `,"force":"True"`, "3.65", 202},
		{"without force from 3.66", ``, "3.66", 202},
		{"force true from 3.66", `,"force":true`, "3.66", 202},
		{"force false from 3.66", `,"force":false`, "3.66", 400},
	} {
		a := s.want(tc.status, s.user, "POST", s.path("/snapshots"), fmt.Sprintf(`{"snapshot":{"volume_id":%q%s}}`, volume, tc.force), "OpenStack-API-Version", "volume "+tc.version)
		if tc.status != 202 {
			continue
		}
		id := a.text("snapshot", "id")
		s.untilStatus(s.user, "snapshot", id, "available")
		s.holds(tc.name, driver.Ref{Volume: volume, Snapshot: id}, gib, now)
		s.write(volume, now, 5, gib)
	}
	extend := s.path("/volumes/" + volume + "/action")
	s.want(400, s.user, "POST", extend, `{"os-extend":{"new_size":2}}`, "OpenStack-API-Version", "volume 3.41")
	s.act(volume, `{"os-extend":{"new_size":2}}`, "in-use", "OpenStack-API-Version", "volume 3.42")
	s.holds("extended while attached", driver.Ref{Volume: volume}, 2*gib, now)
	vendor := s.want(400, s.user, "POST", s.path("/os-vendor-snapshots/"+s.snapshotsOf(volume)[0]+"/rollback"), fmt.Sprintf(`{"rollback":{"volume_id":%q}}`, volume))
	if !strings.Contains(vendor.body, "in-use") {
		t.Errorf("a rollback of an attached volume: got %s", vendor)
	}
}

func (s *storeSite) snapshotsOf(volume string) (ids []string) {
	s.t.Helper()
	list, _ := s.want(200, s.user, "GET", s.path("/snapshots?volume_id="+volume), "").at("snapshots").([]any)
	for _, one := range list {
		ids = append(ids, one.(map[string]any)["id"].(string))
	}
	return ids
}

// places are the offsets of a list of blocks, all pages of most places.
func (s *storeSite) places(path string, most int) []int64 {
	s.t.Helper()
	var all []int64
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	next := ""
	for {
		a := s.want(200, s.user, "GET", s.path(path+sep+fmt.Sprintf("max_results=%d", most)+next), "")
		blocks, _ := a.at("blocks").([]any)
		if a.at("block_size") != float64(grid) || a.at("volume_size") != float64(gib) || len(blocks) > most {
			s.t.Fatalf("got %s", a)
		}
		for _, b := range blocks {
			all = append(all, int64(b.(map[string]any)["offset"].(float64)))
		}
		token := a.text("next_token")
		if token == "" {
			return all
		}
		next = "&next_token=" + token
	}
}

// gridOf are the places of the grid in which two images differ.
func gridOf(a, b image) []int64 {
	found := map[int64]bool{}
	for _, m := range []image{a, b} {
		for off := range m {
			if !bytes.Equal(a.at(off), b.at(off)) {
				found[off/grid*grid] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Lists of blocks name each place that holds data, or differs between snapshots,
// and no other; whoever copies those has the snapshot.
func TestChangedBlocksAreAllThatDiffers(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	volume := s.volume(s.user)
	now := image{}
	s.write(volume, now, 60, gib)
	first, atFirst := s.snapshot(s.user, volume), maps.Clone(now)
	s.write(volume, now, 30, gib)
	second := s.snapshot(s.user, volume)
	for name, tc := range map[string]struct {
		path string
		want []int64
	}{
		"what the first holds":  {"/snapshots/" + first + "/blocks", gridOf(image{}, atFirst)},
		"what the second holds": {"/snapshots/" + second + "/blocks", gridOf(image{}, now)},
		"forwards":              {"/snapshots/" + second + "/changed-blocks?since=" + first, gridOf(atFirst, now)},
		"backwards":             {"/snapshots/" + first + "/changed-blocks?since=" + second, gridOf(atFirst, now)},
		"with itself":           {"/snapshots/" + first + "/changed-blocks?since=" + first, nil},
	} {
		for _, most := range []int{7, 10000} {
			if got := s.places(tc.path, most); !slices.Equal(got, tc.want) {
				t.Errorf("%s, %d at a time: got %d places, want %d: %v, %v", name, most, len(got), len(tc.want), got, tc.want)
			}
		}
	}
	path := s.path("/snapshots/" + second + "/changed-blocks?since=" + first)
	token := s.want(200, s.user, "GET", path+"&max_results=1", "").text("next_token")
	for name, bad := range map[string]string{
		"another list's token": s.path("/snapshots/"+first+"/changed-blocks?since="+second) + "&next_token=" + token,
		"no token":             path + "&next_token=x", "both": path + "&next_token=" + token + "&starting_offset=0",
		"off the grid": path + "&starting_offset=1", "too many": path + "&max_results=10001", "none": path + "&max_results=0",
		"unknown": path + "&x=1", "twice": path + "&since=" + first, "without since": s.path("/snapshots/" + second + "/changed-blocks"),
	} {
		if a := s.send(s.user, "GET", bad, ""); a.status != 400 {
			t.Errorf("%s: got %s, want 400", name, a)
		}
	}
	whole := s.places("/snapshots/"+second+"/changed-blocks?since="+first, 10000)
	if got := s.want(200, s.user, "GET", path+fmt.Sprintf("&starting_offset=%d", whole[3]), "").at("blocks").([]any); len(got) != len(whole)-3 {
		t.Errorf("from the fourth on: %d places, want %d", len(got), len(whole)-3)
	}
	s.clock.advance(61 * 60e9)
	s.user = s.logIn("demo")
	if a := s.send(s.user, "GET", path+"&next_token="+token, ""); a.status != 400 || !strings.Contains(a.body, "expired") {
		t.Errorf("after an hour: got %s", a)
	}
	other := s.snapshot(s.user, s.volume(s.user))
	if a := s.send(s.user, "GET", s.path("/snapshots/"+other+"/changed-blocks?since="+first), ""); a.status != 400 {
		t.Errorf("of another volume: got %s", a)
	}
	s.want(202, s.user, "DELETE", s.path("/snapshots/"+first), "")
	s.untilGone(s.user, "snapshot", first)
	if a := s.send(s.user, "GET", path, ""); a.status != 404 {
		t.Errorf("since a snapshot that is gone: got %s", a)
	}
}

// A range of a snapshot is read over HTTP as it was written.
func TestSnapshotIsReadByRanges(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	volume := s.volume(s.user)
	now := image{}
	s.write(volume, now, 200, 8<<20) // most of 8 MiB
	id := s.snapshot(s.user, volume)
	s.write(volume, image{}, 50, 8<<20)
	var want []byte
	for off := int64(0); off < 9<<20; off += piece {
		want = append(want, now.at(off)...)
	}
	path := s.path("/snapshots/" + id + "/data")
	for _, tc := range []struct {
		header   string
		from, to int64 // the last byte
	}{
		{"bytes=0-0", 0, 0}, {"bytes=1-65536", 1, 65536}, {"bytes=0-9437183", 0, 9<<20 - 1}, {"Bytes = 5-700000", 5, 700000},
	} {
		a := s.want(206, s.user, "GET", path, "", "Range", tc.header, "Want-Content-Digest", "sha-256=5")
		part := want[tc.from : tc.to+1]
		sum := sha256.Sum256(part)
		if a.body != string(part) || a.header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", tc.from, tc.to, gib) ||
			a.header.Get("Content-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" || a.header.Get("Etag") != `"`+id+`"` {
			t.Errorf("%s: %d bytes, %v", tc.header, len(a.body), a.header)
		}
	}
	for header, length := range map[string]int{"bytes=1073741800-": 24, "bytes=-24": 24, "bytes=1073741800-99999999999": 24, "bytes=0-": 64 << 20} {
		if a := s.want(206, s.user, "GET", path, "", "Range", header); len(a.body) != length {
			t.Errorf("%s: got %d bytes, want %d", header, len(a.body), length)
		}
	}
	for header, status := range map[string]int{
		"": 400, "bytes=0-67108864": 400, "bytes=5-4": 400, "bytes=0-1,3-4": 400, "bytes=-": 400, "bytes": 400, "bytes=a-b": 400, "lines=0-1": 400,
		"bytes=99999999999999999999999-": 400, "bytes=-1-2": 400, "bytes=1073741824-": 416, "bytes=-0": 416,
	} {
		headers := []string{"Range", header}
		if header == "" {
			headers = nil
		}
		if a := s.send(s.user, "GET", path, "", headers...); a.status != status {
			t.Errorf("%q: got %s, want %d", header, a, status)
		}
	}
}

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

// What is mapped and exclusive follows from what was written, to the piece.
func TestUsageFollowsWhatWasWritten(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	volume := s.volume(s.user)
	now := image{}
	s.write(volume, now, 30, gib)
	snapshot := s.snapshot(s.user, volume)
	off := slices.Min(slices.Collect(maps.Keys(now)))
	s.overwrite(volume, off)
	held := int64(len(now)) * piece
	usage := func() (logical, mapped, exclusive, ofSnapshot int64) {
		a := s.want(200, s.user, "GET", s.path("/volumes/"+volume+"/usage"), "")
		n := func(v any) int64 { f, _ := v.(float64); return int64(f) }
		for _, one := range a.at("usage", "snapshots").([]any) {
			ofSnapshot = n(one.(map[string]any)["exclusive"])
		}
		return n(a.at("usage", "logical")), n(a.at("usage", "mapped")), n(a.at("usage", "exclusive")), ofSnapshot
	}
	logical, mapped, exclusive, ofSnapshot := usage()
	if logical != gib || mapped != held || exclusive < held+piece || exclusive > held+2<<20 || ofSnapshot < piece || ofSnapshot > 2<<20 {
		t.Errorf("%d bytes written, %d of them again: logical %d, mapped %d, exclusive %d, of the snapshot %d", held, piece, logical, mapped, exclusive, ofSnapshot)
	}
	s.want(202, s.user, "DELETE", s.path("/snapshots/"+snapshot), "")
	s.untilGone(s.user, "snapshot", snapshot)
	if _, mapped, _, ofSnapshot := usage(); mapped != held || ofSnapshot != 0 {
		t.Errorf("without the snapshot: mapped %d, of a snapshot %d", mapped, ofSnapshot)
	}
}
