package nbd_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/nbd"
)

// needTools fails unless the stock clients are here, or their tests are waived.
// On Debian: libnbd-bin qemu-utils fio.
func needTools(t testing.TB, tools ...string) {
	t.Helper()
	if os.Getenv("BREEZEBLOCK_TEST_NBD_TOOLS") == "skip" {
		t.Skip("BREEZEBLOCK_TEST_NBD_TOOLS=skip")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v; Debian has it in libnbd-bin, qemu-utils or fio; without: BREEZEBLOCK_TEST_NBD_TOOLS=skip", err)
		}
	}
}

// run runs a tool in a folder of the test's own and gives what it printed.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// uri is how libnbd, qemu and fio call the export "vol".
func (r *rig) uri() string { return "nbd+unix:///vol?socket=" + r.socket }

const toolSize = 64 << 20

func TestNbdinfoSeesAllThatIsOffered(t *testing.T) {
	needTools(t, "nbdinfo")
	d := newRichDisk(toolSize)
	r := serve(t, oneRich(t, d))
	var info struct {
		Protocol   string
		Structured bool
		Exports    []map[string]any
	}
	out := run(t, "nbdinfo", "--json", r.uri())
	if err := json.Unmarshal([]byte(out), &info); err != nil || len(info.Exports) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	if info.Protocol != "newstyle-fixed" || !info.Structured {
		t.Errorf("protocol %s, structured %v", info.Protocol, info.Structured)
	}
	for name, want := range map[string]any{
		"export-size": float64(toolSize), "is_read_only": false, "is_rotational": false, "can_flush": true, "can_fua": true,
		"can_multi_conn": true, "can_trim": true, "can_zero": true, "can_df": true, "can_fast_zero": false, "can_cache": false,
		"block_size_minimum": 1.0, "block_size_preferred": 4096.0, "block_size_maximum": float64(32 << 20),
	} {
		if got := info.Exports[0][name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if !strings.Contains(fmt.Sprint(info.Exports[0]["contexts"]), "base:allocation") {
		t.Errorf("contexts: %v", info.Exports[0]["contexts"])
	}
	if out := run(t, "nbdinfo", "--list", "--json", "nbd+unix://?socket="+r.socket); strings.Contains(out, "vol") {
		t.Errorf("the list tells a name: %s", out)
	}
}

func TestNbdinfoMapsHoles(t *testing.T) {
	needTools(t, "nbdinfo")
	d := newRichDisk(toolSize)
	r := serve(t, oneRich(t, d))
	attach(t, r, "vol").want(0, zeroes, 0, 1<<20, 2<<20, nil)
	want := [][]string{{"0", "1048576", "0", "data"}, {"1048576", "2097152", "3", "hole,zero"}, {"3145728", "63963136", "0", "data"}}
	for i, line := range strings.Split(strings.TrimSpace(run(t, "nbdinfo", "--map", r.uri())), "\n") {
		if fields := strings.Fields(line); i >= len(want) || strings.Join(fields, " ") != strings.Join(want[i], " ") {
			t.Errorf("line %d: %s", i, line)
		}
	}
}

func TestQemuIOWorks(t *testing.T) {
	needTools(t, "qemu-io")
	d := newRichDisk(toolSize)
	r := serve(t, oneRich(t, d))
	args := []string{"-f", "raw", r.uri()}
	for _, command := range []string{
		"write -P 0xab 0 1M", "read -P 0xab 0 1M", "read -P 0 1M 1M", "write -f -P 0xcd 4k 4k", "read -P 0xcd 4k 4k",
		"write -z 64k 64k", "read -P 0 64k 64k", "write -z -u 128k 64k", "discard 256k 64k", "read -P 0 256k 64k",
		"aio_write -P 0x11 2M 8M", "aio_write -P 0x22 10M 8M", "aio_flush", "read -P 0x11 2M 8M", "read -P 0x22 10M 8M",
		"write -P 0x33 63M 1M", "read -P 0x33 63M 1M", "flush", "map",
	} {
		args = append(args, "-c", command)
	}
	out := run(t, "qemu-io", args...)
	for _, bad := range []string{"failed", "error", "Pattern verification"} {
		if strings.Contains(out, bad) {
			t.Errorf("qemu-io says %q:\n%s", bad, out)
		}
	}
	if d.flushes.Load() == 0 || d.kept.Load() == 0 {
		t.Errorf("%d flushes, %d zero writes that keep space", d.flushes.Load(), d.kept.Load())
	}
}

func TestNbdcopyBringsBytesUpAndDown(t *testing.T) {
	needTools(t, "nbdcopy")
	r := serve(t, oneRich(t, newRichDisk(toolSize)))
	dir := t.TempDir()
	up, down := filepath.Join(dir, "up"), filepath.Join(dir, "down")
	image := pattern(toolSize, 1)
	clear(image[5<<20 : 25<<20])
	if err := os.WriteFile(up, image, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "nbdcopy", "--flush", up, r.uri())
	run(t, "nbdcopy", r.uri(), down)
	if got, err := os.ReadFile(down); err != nil || !bytes.Equal(got, image) {
		t.Errorf("other bytes came back (%v)", err)
	}
	if stuck := r.log.with("WARN"); len(stuck) != 0 {
		t.Errorf("logged: %v", stuck)
	}
}

func TestQemuImgConvertsAndCompares(t *testing.T) {
	needTools(t, "qemu-img")
	r := serve(t, oneRich(t, newRichDisk(toolSize)))
	dir := t.TempDir()
	raw, qcow := filepath.Join(dir, "raw"), filepath.Join(dir, "qcow2")
	if err := os.WriteFile(raw, pattern(toolSize, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", raw, r.uri())
	run(t, "qemu-img", "compare", "-f", "raw", "-F", "raw", raw, r.uri())
	run(t, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", r.uri(), qcow)
	run(t, "qemu-img", "compare", "-f", "qcow2", "-F", "raw", qcow, r.uri())
	if out := run(t, "qemu-img", "info", "-f", "raw", r.uri()); !strings.Contains(out, "64 MiB") {
		t.Errorf("info: %s", out)
	}
}

func TestFioVerifiesWhatItWrote(t *testing.T) {
	needTools(t, "fio")
	d := newRichDisk(toolSize)
	r := serve(t, oneRich(t, d))
	for _, how := range [][]string{
		{"--rw=randwrite", "--bs=4k", "--iodepth=32", "--fsync=64"},
		{"--rw=write", "--bs=1m", "--iodepth=4"},
		{"--rw=randrw", "--bsrange=512-128k", "--iodepth=16", "--numjobs=1"},
	} {
		out := run(t, "fio", append([]string{"--name=x", "--ioengine=nbd", "--uri=" + r.uri(), "--size=32m",
			"--verify=crc32c", "--verify_fatal=1", "--do_verify=1"}, how...)...)
		if !strings.Contains(out, "err= 0") {
			t.Errorf("fio %v: %s", how, out)
		}
	}
	if d.flushes.Load() == 0 {
		t.Error("no flush reached the device")
	}
}

func TestStockClientsWorkUnderTLSAndAreRefusedWithout(t *testing.T) {
	needTools(t, "nbdinfo", "nbdcopy", "qemu-img")
	a, dir := newAuthority(t), t.TempDir()
	a.write(t, dir, a.client(t, "host-1"))
	r := serveTLS(t, a, tls.RequireAndVerifyClientCert, oneRich(t, newRichDisk(toolSize)))
	r.names.list("vol")
	port := r.addr.(*net.TCPAddr).Port
	uri := fmt.Sprintf("nbds://localhost:%d/vol?tls-certificates=%s", port, dir)
	if size := strings.TrimSpace(run(t, "nbdinfo", "--size", uri)); size != fmt.Sprint(toolSize) {
		t.Errorf("size %s", size)
	}
	if out := run(t, "nbdinfo", "--list", fmt.Sprintf("nbds://localhost:%d/?tls-certificates=%s", port, dir)); !strings.Contains(out, "vol") {
		t.Errorf("the list does not tell the name to who shows a certificate: %s", out)
	}
	run(t, "nbdcopy", uri, "null:")
	run(t, "qemu-img", "info", "--object", "tls-creds-x509,id=t,endpoint=client,dir="+dir, "--image-opts",
		fmt.Sprintf("driver=nbd,host=localhost,port=%d,export=vol,tls-creds=t", port))
	for _, tool := range [][]string{{"nbdinfo"}, {"qemu-img", "info", "-f", "raw"}} {
		plain := append(tool[1:], fmt.Sprintf("nbd://localhost:%d/vol", port))
		if out, err := exec.CommandContext(t.Context(), tool[0], plain...).CombinedOutput(); err == nil {
			t.Errorf("%s got in without TLS: %s", tool[0], out)
		}
	}
}

// fileDevice is a plain file, for comparison with other servers.
type fileDevice struct {
	*os.File
	size int64
}

func (f fileDevice) Size() int64                 { return f.size }
func (f fileDevice) Flush(context.Context) error { return f.Sync() }

func openFile(path string) func(context.Context) (driver.Device, error) {
	return func(context.Context) (driver.Device, error) {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		stat, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return fileDevice{f, stat.Size()}, nil
	}
}

func TestAPlainFileHoldsWhatWasCopied(t *testing.T) {
	needTools(t, "nbdcopy", "qemu-io")
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, make([]byte, toolSize), 0o600); err != nil {
		t.Fatal(err)
	}
	r := serve(t, map[string]nbd.Export{"vol": {Open: openFile(path)}})
	image := pattern(toolSize, 3)
	source := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(source, image, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "nbdcopy", "--flush", source, r.uri())
	run(t, "qemu-io", "-f", "raw", "-c", "write -P 0x7 1M 4k", "-c", "write -z 3M 2M", r.uri())
	copy(image[1<<20:], bytes.Repeat([]byte{7}, 4096))
	clear(image[3<<20 : 5<<20])
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, image) {
		t.Errorf("the file holds other bytes (%v)", err)
	}
}
