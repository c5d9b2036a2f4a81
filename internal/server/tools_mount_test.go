package server_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// needMounts skips a test where mounting is not wanted or not allowed, and fails
// where only a program is missing.
func needMounts(t testing.TB) {
	t.Helper()
	needTools(t, "nbdfuse")
	if os.Getenv("BREEZEBLOCK_TEST_MOUNT") == "skip" {
		t.Skip("BREEZEBLOCK_TEST_MOUNT=skip: no file system was made on a volume")
	}
	if os.Geteuid() != 0 {
		t.Skip("mounting takes root: no file system was made on a volume")
	}
	for _, device := range []string{"/dev/fuse", "/dev/loop-control"} {
		f, err := os.OpenFile(device, os.O_RDWR, 0)
		if err != nil {
			t.Skipf("%v: no file system was made on a volume", err)
		}
		_ = f.Close()
	}
	for _, program := range []string{"losetup", "mount", "mkfs.ext4", "e2fsck"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v; tools/need.sh mount installs it; without: BREEZEBLOCK_TEST_MOUNT=skip", err)
		}
	}
}

// blockDevice is an export as a block device of this machine: nbdfuse makes a file
// of it, and a loop device lies over that.
type blockDevice struct {
	t      testing.TB
	folder string // of nbdfuse
	fuse   *running
	loop   string // /dev/loopN
	root   string // where the file system is mounted
}

// deviceOf makes a block device of an export; close ends it, at the latest with the test.
func (s *site) deviceOf(uri string) *blockDevice {
	s.t.Helper()
	d := &blockDevice{t: s.t, folder: s.t.TempDir(), root: s.t.TempDir()}
	d.fuse = beside(s.t, "nbdfuse", filepath.Join(d.folder, "disk"), uri)
	s.t.Cleanup(d.close) // before nbdfuse is killed
	s.until("nbdfuse shows the volume", func() bool {
		if d.fuse.ended() {
			s.t.Fatalf("nbdfuse: %s", &d.fuse.out)
		}
		info, err := os.Stat(filepath.Join(d.folder, "disk"))
		return err == nil && info.Size() == gib
	})
	d.loop = strings.TrimSpace(tool(s.t, "losetup", "--find", "--show", filepath.Join(d.folder, "disk")))
	return d
}

func (d *blockDevice) mount() {
	d.t.Helper()
	tool(d.t, "mount", "-t", "ext4", d.loop, d.root)
}

// unmount may be called when nothing is mounted.
func (d *blockDevice) unmount() {
	if !d.end("not mounted", "umount", d.root) {
		d.end("not mounted", "umount", "--lazy", d.root)
	}
}

// close takes everything away; a second call does nothing.
func (d *blockDevice) close() {
	d.t.Helper()
	d.unmount()
	if d.loop != "" {
		d.end("No such device", "losetup", "--detach", d.loop)
	}
	d.loop = ""
	if d.fuse.ended() {
		return
	}
	if !d.end("not mounted", "umount", d.folder) {
		_ = d.fuse.cmd.Process.Kill() // it was told of; nothing may stay behind
		d.end("not mounted", "umount", "--lazy", d.folder)
	}
	<-d.fuse.done
}

// end runs a command that takes something away and tells whether it is gone; not
// there is as good. The test's context is over when cleanups run.
func (d *blockDevice) end(absent string, args ...string) bool {
	d.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil && !strings.Contains(string(out), absent) {
		d.t.Errorf("%v: %v: %s", args, err, out)
		return false
	}
	return true
}

// write writes n files with contents of their own and waits until they are on disk.
func (d *blockDevice) write(name string, n int) {
	d.t.Helper()
	for i := range n {
		path := filepath.Join(d.root, fmt.Sprintf("%s-%d", name, i))
		if err := os.WriteFile(path, contents(name, i), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	tool(d.t, "sync", "-f", d.root)
}

// contents are some 100 kB that only this file has.
func contents(name string, i int) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("%s %d|", name, i), 10000+i))
}

// has counts the files of a name, and fails where one is not as it was written.
func (d *blockDevice) has(name string) int {
	d.t.Helper()
	found, err := filepath.Glob(filepath.Join(d.root, name+"-*"))
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range found {
		path := filepath.Join(d.root, fmt.Sprintf("%s-%d", name, i))
		if got, err := os.ReadFile(path); err != nil || string(got) != string(contents(name, i)) {
			d.t.Errorf("%s holds %d bytes that are not what was written (%v)", path, len(got), err)
		}
	}
	return len(found)
}

func TestAFileSystemOnAVolumeIsRolledBackWhole(t *testing.T) {
	needMounts(t)
	t.Parallel()
	s := open(t, nil)
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, "")
	attachment, uri := s.attach(demo, volume, "here")
	const files = 20

	d := s.deviceOf(uri)
	tool(t, "mkfs.ext4", "-q", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", d.loop)
	d.mount()
	d.write("before", files)
	snapshot := s.snapshotInUse(demo, volume, `,"force":true`, "3.50") // mounted, with more to come
	d.write("after", files)
	for i := range files / 2 {
		if err := os.Remove(filepath.Join(d.root, fmt.Sprintf("before-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	d.close()
	s.v3(demo, "DELETE", "/attachments/"+attachment, "", 200)
	s.becomes(demo, volume, "available")

	safety := s.want(202, demo, "POST", "/v3/"+demo.project+"/os-vendor-snapshots/"+snapshot+"/rollback",
		fmt.Sprintf(`{"rollback":{"volume_id":%q,"breezeblock:safety_snapshot":true}}`, volume)).text("rollback", "breezeblock:safety_snapshot_id")
	s.becomes(demo, volume, "available")
	s.fileSystem(demo, volume, func(d *blockDevice) {
		if before, after := d.has("before"), d.has("after"); before != files || after != 0 {
			t.Errorf("rolled back: %d files of before and %d of after, want %d and none", before, after, files)
		}
		d.write("again", files)
	})
	s.fileSystem(demo, s.volumeOf(demo, fmt.Sprintf(`{"snapshot_id":%q}`, safety)), func(d *blockDevice) {
		if _, err := os.Stat(filepath.Join(d.root, "before-0")); err == nil {
			t.Error("the safety snapshot has a file that was removed before it")
		}
		if after := d.has("after"); after != files {
			t.Errorf("the safety snapshot has %d files of after, want %d", after, files)
		}
	})
}

// fileSystem mounts that of a volume for a look, and has it checked afterwards.
func (s *site) fileSystem(u user, volume string, look func(*blockDevice)) {
	s.t.Helper()
	s.opened(u, volume, func(uri string) {
		d := s.deviceOf(uri)
		d.mount() // plays back the journal, as after a power cut
		look(d)
		d.unmount()
		if out, err := attempt(s.t, "e2fsck", "-f", "-n", d.loop); err != nil {
			s.t.Errorf("the file system is damaged: %v: %s", err, out)
		}
		d.close()
	})
}
