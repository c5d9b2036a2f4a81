package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// snapshotInUse takes a snapshot of a volume that somebody has open, and waits for it.
func (s *site) snapshotInUse(u user, volume, more, version string) string {
	s.t.Helper()
	id := s.want(202, u, "POST", "/v3/"+u.project+"/snapshots", fmt.Sprintf(`{"snapshot":{"volume_id":%q%s}}`, volume, more),
		"OpenStack-API-Version", "volume "+version).text("snapshot", "id")
	s.untilStatus(u, "snapshot", id, "available")
	return id
}

// downloaded reads a snapshot by its list of blocks into a file, the rest of which
// is a hole.
func (s *site) downloaded(u user, snapshot string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "downloaded")
	f, err := os.Create(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	base := "/v3/" + u.project + "/snapshots/" + snapshot
	a := s.want(200, u, "GET", base+"/blocks?max_results=10000", "")
	size, _ := a.at("volume_size").(float64)
	if err := f.Truncate(int64(size)); err != nil || a.text("next_token") != "" {
		s.t.Fatalf("got %s (%v), want all blocks on one page", a, err)
	}
	blocks, _ := a.at("blocks").([]any)
	for _, b := range blocks {
		off, n := int64(b.(map[string]any)["offset"].(float64)), int64(b.(map[string]any)["length"].(float64))
		part := s.want(206, u, "GET", base+"/data", "", "Range", fmt.Sprintf("bytes=%d-%d", off, off+n-1))
		if _, err := f.WriteAt([]byte(part.body), off); err != nil || int64(len(part.body)) != n {
			s.t.Fatalf("%d bytes of %d (%v)", len(part.body), n, err)
		}
	}
	return path
}

// opened attaches a volume for the length of a check.
func (s *site) opened(u user, volume string, check func(uri string)) {
	s.t.Helper()
	id, uri := s.attach(u, volume, "check")
	check(uri)
	s.v3(u, "DELETE", "/attachments/"+id, "", 200)
	s.becomes(u, volume, "available")
}

// volumeOf makes a volume from what body names, and gives its id once it is free.
func (s *site) volumeOf(u user, body string) string {
	s.t.Helper()
	id := s.v3(u, "POST", "/volumes", `{"volume":`+body+`}`, 202).text("volume", "id")
	s.becomes(u, id, "available")
	return id
}

// Of the regions that fio writes in the tests of snapshots, the first is filled
// block after block, one at a time; the other is overwritten here and there.
const (
	filled      = 256 << 20 // bytes, from the beginning; more than it comes to
	overwritten = 16 << 20  // bytes, behind it
	fioBlock    = 4096
)

// prefixOf fails unless the filled region holds a beginning of what fio wrote, and
// nothing behind: one write was under way at any time, so a snapshot that is of one
// moment holds no block without the one before it. It tells how many there are.
func prefixOf(t testing.TB, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	p, zero := make([]byte, filled), make([]byte, fioBlock)
	if _, err := io.ReadFull(f, p); err != nil {
		t.Fatal(err)
	}
	n, ended := 0, false
	for off := 0; off < filled; off += fioBlock {
		empty := bytes.Equal(p[off:off+fioBlock], zero)
		if ended && !empty {
			t.Fatalf("the snapshot holds the block at %d, but not the one at %d that was written before it", off, n*fioBlock)
		}
		if ended = ended || empty; !ended {
			n++
		}
	}
	return n
}

// wholeBlocks lets fio check every block it wrote in a region: each carries a code
// of itself.
func wholeBlocks(t testing.TB, path string, off, size int) {
	t.Helper()
	wentWell(t, tool(t, "fio", "--name=x", "--ioengine=psync", "--filename="+path, "--rw=read", "--bs=4k", "--verify=crc32c", "--verify_fatal=1",
		fmt.Sprintf("--offset=%d", off), fmt.Sprintf("--size=%d", size)))
}

func TestSnapshotsWhileFioWritesAreOfOneMomentAndNeverChange(t *testing.T) {
	needTools(t, "qemu-img", "fio")
	t.Parallel()
	s := open(t, settings{"dialect": "cinder"})
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, "")
	attachment, uri := s.attach(demo, volume, "here")
	region := []string{"--bs=4k", "--do_verify=0", fmt.Sprintf("--offset=%d", filled), fmt.Sprintf("--size=%d", overwritten)}
	wentWell(t, tool(t, "fio", fio(uri, append(region, "--rw=write", "--iodepth=32")...)...))
	base := s.mapped(demo, volume)

	random := beside(t, "fio", fio(uri, append(region, "--rw=randwrite", "--iodepth=16", "--time_based", "--runtime=300", "--rate_iops=500")...)...)
	filling := beside(t, "fio", fio(uri, "--rw=write", "--iodepth=1", "--bs=4k", "--do_verify=0", fmt.Sprintf("--size=%d", filled), "--rate_iops=500")...)
	var snapshots, kept []string
	var lengths []int
	for i, how := range [][2]string{{`,"force":true`, "3.50"}, {"", "3.66"}, {"", "3.70"}} {
		s.until("fio writes on", func() bool { return filling.ended() || s.mapped(demo, volume) >= base+int64(i+1)<<20 })
		id := s.snapshotInUse(demo, volume, how[0], how[1])
		path := s.downloaded(demo, id)
		snapshots, kept, lengths = append(snapshots, id), append(kept, path), append(lengths, prefixOf(t, path))
		wholeBlocks(t, path, 0, lengths[i]*fioBlock)
		wholeBlocks(t, path, filled, overwritten)
	}
	for i, id := range snapshots {
		same(t, fmt.Sprintf("snapshot %d, while fio writes on", i), kept[i], s.downloaded(demo, id))
		differ(t, fmt.Sprintf("the volume and snapshot %d", i), kept[i], uri)
	}
	wentWell(t, filling.interrupt())
	wentWell(t, random.interrupt())
	t.Logf("blocks filled at the snapshots: %v", lengths)
	if lengths[0] < 1<<20/fioBlock || lengths[1] <= lengths[0] || lengths[2] <= lengths[1] || lengths[2] == filled/fioBlock {
		t.Errorf("the snapshots hold %v blocks: not taken while fio wrote", lengths)
	}
	s.v3(demo, "DELETE", "/attachments/"+attachment, "", 200)
	s.becomes(demo, volume, "available")
	for i, id := range snapshots {
		same(t, fmt.Sprintf("snapshot %d, after detach", i), kept[i], s.downloaded(demo, id))
		s.opened(demo, s.volumeOf(demo, fmt.Sprintf(`{"snapshot_id":%q}`, id)), func(uri string) {
			same(t, fmt.Sprintf("a volume of snapshot %d", i), kept[i], uri)
		})
	}
}

func TestWhatToolsWroteIsRolledBackClonedAndExtended(t *testing.T) {
	needTools(t, "qemu-img", "qemu-io", "nbdcopy", "nbdinfo")
	t.Parallel()
	s := open(t, nil)
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, "")
	var images, snapshots []string
	for i := range 4 {
		images = append(images, imageFile(t, gib, byte(10*i+1)))
		s.opened(demo, volume, func(uri string) {
			tool(t, "nbdcopy", "--flush", images[i], uri)
			snapshots = append(snapshots, s.snapshotInUse(demo, volume, `,"force":true`, "3.50"))
			tool(t, "qemu-io", "-f", "raw", uri, "-c", fmt.Sprintf("write -P %d 100M 8M", i+1), "-c", "write -P 99 5M 1M", "-c", "flush")
			differ(t, "the volume, written on", images[i], uri)
		})
	}
	path := "/v3/" + demo.project
	for _, to := range []int{1, 3, 0} {
		s.want(202, demo, "POST", path+"/os-vendor-snapshots/"+snapshots[to]+"/rollback", fmt.Sprintf(`{"rollback":{"volume_id":%q}}`, volume))
		s.becomes(demo, volume, "available")
		s.opened(demo, volume, func(uri string) { same(t, fmt.Sprintf("rolled back to snapshot %d", to), images[to], uri) })
	}
	s.want(202, demo, "POST", path+"/volumes/"+volume+"/action", fmt.Sprintf(`{"revert":{"snapshot_id":%q}}`, snapshots[3]), "OpenStack-API-Version", "volume 3.40")
	s.becomes(demo, volume, "available")
	s.opened(demo, volume, func(uri string) { same(t, "reverted", images[3], uri) })

	clone := s.volumeOf(demo, fmt.Sprintf(`{"source_volid":%q}`, volume))
	s.opened(demo, clone, func(uri string) {
		same(t, "a clone", images[3], uri)
		tool(t, "nbdcopy", "--flush", images[2], uri)
	})
	s.opened(demo, volume, func(uri string) { same(t, "the source of a clone that was written", images[3], uri) })

	s.v3(demo, "POST", "/volumes/"+volume+"/action", `{"os-extend":{"new_size":2}}`, 202)
	s.becomes(demo, volume, "available")
	larger := s.volumeOf(demo, fmt.Sprintf(`{"snapshot_id":%q,"size":2}`, snapshots[1]))
	for id, image := range map[string]string{volume: images[3], larger: images[1]} {
		s.opened(demo, id, func(uri string) {
			if size := tool(t, "nbdinfo", "--size", uri); size != fmt.Sprintln(2*gib) {
				t.Errorf("the size is %s, want 2 GiB", size)
			}
			same(t, "a larger volume, the rest zeroes", image, uri)
			tool(t, "qemu-io", "-f", "raw", uri, "-c", "read -P 0 1G 8M", "-c", "read -P 0 2040M 8M")
		})
	}

	for _, gone := range []int{1, 2} { // in the middle
		s.want(202, demo, "DELETE", path+"/snapshots/"+snapshots[gone], "")
		s.untilGone(demo, "snapshot", snapshots[gone])
		for _, left := range []int{0, 2, 3} {
			if left > gone || left == 0 {
				same(t, fmt.Sprintf("snapshot %d without snapshot %d", left, gone), images[left], s.downloaded(demo, snapshots[left]))
			}
		}
	}
	for id, image := range map[string]string{volume: images[3], larger: images[1], clone: images[2]} {
		s.opened(demo, id, func(uri string) { same(t, "a volume without the snapshots", image, uri) })
	}
	if err := s.sound(demo, volume); err != nil {
		t.Error(err)
	}
}

// sound lets the server look through a volume and tells what is damaged.
func (s *site) sound(u user, volume string) error {
	s.t.Helper()
	path := "/v3/" + u.project + "/volumes/" + volume + "/verify"
	s.want(202, u, "POST", path, "")
	var a answer
	s.until("the verification is over", func() bool {
		a = s.want(200, u, "GET", path, "")
		return a.text("verification", "status") != "verifying"
	})
	if a.text("verification", "status") != "done" || a.at("verification", "damaged") != false {
		return errors.New(a.body)
	}
	return nil
}
