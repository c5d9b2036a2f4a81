package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
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
