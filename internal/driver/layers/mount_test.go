package layers

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/breezeblock/breezeblock/internal/driver/drivertest"
)

// long asks for the runs of hours instead of seconds.
func long() bool { return os.Getenv("BREEZEBLOCK_TEST_LONG") != "" }

func TestMain(m *testing.M) {
	// Histories of some 30 actions each; -rapid.checks asks for other numbers.
	checks := "25"
	if long() {
		checks = "500"
	}
	if err := flag.Set("rapid.checks", checks); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// memory gives a folder in memory where there is one, for tests whose promises
// have nothing to do with a disk and that would wait for one most of the time.
func memory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "layers")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// makers are the file systems that are made and mounted for tests.
var makers = map[string][]string{
	"ext4":  {"mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=1,nodiscard"},
	"xfs":   {"mkfs.xfs", "-q", "-f", "-K"},
	"btrfs": {"mkfs.btrfs", "-q", "-f", "-K"},
}

// needMounts skips a test where mounting is not wanted or not allowed, and fails
// where only a program is missing.
func needMounts(t testing.TB, kind string) {
	t.Helper()
	if os.Getenv("BREEZEBLOCK_TEST_MOUNT") == "skip" {
		t.Skip("BREEZEBLOCK_TEST_MOUNT=skip: nothing is mounted")
	}
	if os.Geteuid() != 0 {
		t.Skipf("mounting takes root: nothing was tested on %s", kind)
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skipf("%v: nothing was tested on %s", err, kind)
	}
	if _, err := exec.LookPath(makers[kind][0]); err != nil {
		t.Fatalf("%v: install e2fsprogs, xfsprogs, btrfs-progs; BREEZEBLOCK_TEST_MOUNT=skip leaves this out", err)
	}
	known, err := os.ReadFile("/proc/filesystems")
	if err == nil && !strings.Contains(string(known), "\t"+kind+"\n") && exec.Command("modprobe", kind).Run() != nil {
		t.Skipf("this kernel has no %s", kind)
	}
}

// mounted makes a file system of size bytes in a file, mounted until the test ends.
type mounted struct {
	t           testing.TB
	image, root string
	kind        string
}

func mount(t testing.TB, kind string, size int64) *mounted {
	t.Helper()
	needMounts(t, kind)
	dir := memory(t)
	m := &mounted{t: t, kind: kind, image: filepath.Join(dir, "image"), root: filepath.Join(dir, "root")}
	f, err := os.Create(m.image)
	must(t, err)
	must(t, f.Truncate(size))
	must(t, f.Close())
	must(t, os.Mkdir(m.root, 0o700))
	m.run(append(makers[kind], m.image)...)
	m.mount()
	t.Cleanup(m.unmount)
	return m
}

func (m *mounted) mount() {
	m.t.Helper()
	m.run("mount", "-t", m.kind, "-o", "loop", m.image, m.root)
}

// unmount may be called twice.
func (m *mounted) unmount() {
	if out, err := exec.Command("umount", m.root).CombinedOutput(); err != nil && !strings.Contains(string(out), "not mounted") {
		m.t.Errorf("umount: %s", out)
		_ = exec.Command("umount", "-l", m.root).Run()
	}
}

func (m *mounted) run(args ...string) {
	m.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		m.t.Fatalf("%v: %v: %s", args, err, out)
	}
}

// TestLayersKeepsThePromisesOnEachFileSystem: what the file systems tell of holes,
// how they give space back and which share blocks is all different.
func TestLayersKeepsThePromisesOnEachFileSystem(t *testing.T) {
	for _, kind := range []string{"ext4", "xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			m := mount(t, kind, 1<<30)
			drivertest.Run(t, func(t *testing.T) drivertest.Opener {
				dir, err := os.MkdirTemp(m.root, "pool")
				must(t, err)
				t.Cleanup(func() { _ = os.RemoveAll(dir) })
				return opener(dir, busy(t, Options{}))
			})
		})
	}
}

// A real disk that is full to the last block.
func TestLayersOutOfSpaceLosesNothing(t *testing.T) {
	for _, kind := range []string{"ext4", "xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			drivertest.Full(t, func(t *testing.T) drivertest.Disk {
				m := mount(t, kind, 512*mib)
				path := filepath.Join(m.root, "stuff")
				return drivertest.Disk{
					Open: opener(filepath.Join(m.root, "pool"), Options{byHand: true}),
					Fill: func() { stuff(t, path) },
					Free: func() { must(t, os.Remove(path)) },
				}
			})
		})
	}
}
