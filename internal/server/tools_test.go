package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// needTools fails unless the stock clients are here, or their tests are waived.
func needTools(t testing.TB, tools ...string) {
	t.Helper()
	if os.Getenv("BREEZEBLOCK_TEST_NBD_TOOLS") == "skip" {
		t.Skip("BREEZEBLOCK_TEST_NBD_TOOLS=skip: no stock client was tried on a volume")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v; tools/need.sh nbd installs it; without: BREEZEBLOCK_TEST_NBD_TOOLS=skip", err)
		}
	}
}

// attempt runs a tool in a folder of the test's own.
func attempt(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// tool runs a tool that has to succeed, and gives what it printed.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := attempt(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// running is a tool that goes on beside the test.
type running struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{}
}

// beside starts a tool that ends with the test at the latest.
func beside(t testing.TB, name string, args ...string) *running {
	t.Helper()
	r := &running{t: t, cmd: exec.Command(name, args...), done: make(chan struct{})}
	r.cmd.Dir = t.TempDir()
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.out
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait() // what it printed tells more
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // fails if it has ended
		<-r.done
	})
	return r
}

// ended tells whether the tool has ended by itself.
func (r *running) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// interrupt asks the tool to end in order and gives what it printed.
func (r *running) interrupt() string {
	r.t.Helper()
	if r.ended() {
		r.t.Fatalf("%v ended by itself:\n%s", r.cmd.Args, &r.out)
	}
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		r.t.Fatal(err)
	}
	<-r.done
	return r.out.String()
}

// fio gives the arguments for a job on an export.
func fio(uri string, more ...string) []string {
	return append([]string{"--name=x", "--ioengine=nbd", "--uri=" + uri, "--verify=crc32c", "--verify_fatal=1"}, more...)
}

// wentWell fails unless a job of fio ended without an error.
func wentWell(t testing.TB, out string) {
	t.Helper()
	if !strings.Contains(out, "err= 0") || strings.Contains(out, "verify: bad") {
		t.Fatalf("fio: %s", out)
	}
}

// same fails unless both, a file or an export, hold the same bytes; what one is
// longer than the other must be zeroes.
func same(t testing.TB, what, a, b string) {
	t.Helper()
	if out, err := attempt(t, "qemu-img", "compare", "-f", "raw", "-F", "raw", a, b); err != nil {
		t.Errorf("%s: %v: %s", what, err, out)
	}
}

// differ fails unless a comparison finds a difference: qemu-img says so by 1.
func differ(t testing.TB, what, a, b string) {
	t.Helper()
	out, err := attempt(t, "qemu-img", "compare", "-f", "raw", "-F", "raw", a, b)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%s: got %v, want a difference: %s", what, err, out)
	}
}

// imageFile is a file of size bytes with data here and there; the rest is a hole.
func imageFile(t testing.TB, size int64, seed byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1<<20)
	for i := range p {
		p[i] = seed + byte(i*i>>7) + byte(i)
	}
	err = f.Truncate(size)
	for _, off := range []int64{0, 5<<20 + 512, 64<<20 - 4096, size/2 + 1, size - int64(len(p))} {
		_, err2 := f.WriteAt(p, off)
		err = errors.Join(err, err2)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStockClientsUseAnAttachedVolume(t *testing.T) {
	needTools(t, "nbdinfo", "nbdcopy", "qemu-img", "qemu-io", "fio")
	t.Parallel()
	s := open(t, nil)
	demo := s.logIn("demo")
	volume := s.freeVolume(demo, "")
	attachment, uri := s.attach(demo, volume, "here")
	s.seenByNbdinfo(uri)

	image := imageFile(t, gib, 1)
	tool(t, "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image, uri)
	same(t, "what qemu-img wrote", image, uri)
	down := filepath.Join(t.TempDir(), "down")
	tool(t, "nbdcopy", uri, down)
	same(t, "what nbdcopy brought down", image, down)

	next := imageFile(t, gib, 2)
	differ(t, "another image", next, uri)
	tool(t, "nbdcopy", "--flush", next, uri)
	same(t, "what nbdcopy brought up", next, uri)

	tool(t, "qemu-io", "-f", "raw", uri, "-c", "write -P 0xab 3M 1M", "-c", "read -P 0xab 3M 1M", "-c", "write -f -P 0xcd 3M 512",
		"-c", "read -P 0xcd 3M 512", "-c", "write -z 4M 64k", "-c", "read -P 0 4M 64k", "-c", "discard 3200k 64k", "-c", "read -P 0 3200k 64k",
		"-c", "aio_write -P 1 1023M 1M", "-c", "aio_flush", "-c", "read -P 1 1023M 1M", "-c", "flush")
	for _, how := range [][]string{{"--rw=randwrite", "--bs=4k", "--iodepth=16", "--fsync=256"}, {"--rw=randrw", "--bsrange=512-64k", "--iodepth=8"}} {
		wentWell(t, tool(t, "fio", fio(uri, append(how, "--size=8m")...)...))
	}

	s.v3(demo, "DELETE", "/attachments/"+attachment, "", 200)
	s.becomes(demo, volume, "available")
	s.shutOut(uri)
	_, other := s.attach(demo, volume, "there")
	before := s.mapped(demo, volume)
	held := beside(t, "fio", fio(other, "--rw=randwrite", "--bs=4k", "--offset=700m", "--size=4m", "--time_based", "--runtime=60", "--rate_iops=500", "--do_verify=0")...)
	s.until("the next attacher writes", func() bool { return held.ended() || s.mapped(demo, volume) > before })
	s.shutOut(uri)
	wentWell(t, held.interrupt())
}

// seenByNbdinfo checks what is offered, and that no name is told.
func (s *site) seenByNbdinfo(uri string) {
	s.t.Helper()
	var info struct {
		Exports []map[string]any
	}
	out := tool(s.t, "nbdinfo", "--json", uri)
	if err := json.Unmarshal([]byte(out), &info); err != nil || len(info.Exports) != 1 {
		s.t.Fatalf("%v: %s", err, out)
	}
	for name, want := range map[string]any{
		"export-size": float64(gib), "is_read_only": false, "is_rotational": false, "can_flush": true, "can_fua": true,
		"can_multi_conn": true, "can_trim": true, "can_zero": true, "can_df": true,
	} {
		if got := info.Exports[0][name]; got != want {
			s.t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	u, err := url.Parse(uri)
	if err != nil {
		s.t.Fatal(err)
	}
	name := u.Path[1:]
	u.Path = ""
	out, err = attempt(s.t, "nbdinfo", "--list", "--json", u.String())
	if strings.Contains(out, name) || strings.Contains(out, `"export-name"`) {
		s.t.Errorf("the list tells a name: %s (%v)", out, err)
	}
}

// shutOut fails unless an address opens nothing.
func (s *site) shutOut(uri string) {
	s.t.Helper()
	out, err := attempt(s.t, "nbdinfo", uri)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(out, "server replied with error") {
		s.t.Errorf("a void address: got %v, want it refused by the server: %s", err, out)
	}
}

// mapped is how many bytes of a volume hold data.
func (s *site) mapped(u user, volume string) int64 {
	s.t.Helper()
	n, _ := s.v3(u, "GET", "/volumes/"+volume+"/usage", "", 200).at("usage", "mapped").(float64)
	return int64(n)
}

func TestStockClientsUseAVolumeUnderTLSOnly(t *testing.T) {
	needTools(t, "nbdinfo", "nbdcopy", "qemu-img")
	t.Parallel()
	cert, key, roots := certificate(t)
	s := open(t, settings{"tls-cert": cert, "tls-key": key, "nbd-listen": "127.0.0.1:0"}, withFake(fake.New()))
	s.trust(roots)
	demo := s.logIn("demo")
	_, uri := s.attach(demo, s.freeVolume(demo, ""), "here")
	if !strings.HasPrefix(uri, "nbds://127.0.0.1:") {
		t.Fatalf("got %s, want TLS on loopback", uri)
	}
	trusted := t.TempDir()
	text, err := os.ReadFile(cert)
	if err := errors.Join(err, os.WriteFile(filepath.Join(trusted, "ca-cert.pem"), text, 0o600)); err != nil {
		t.Fatal(err)
	}
	under := uri + "?tls-certificates=" + trusted
	if size := strings.TrimSpace(tool(t, "nbdinfo", "--size", under)); size != fmt.Sprint(gib) {
		t.Errorf("size %s", size)
	}
	image := imageFile(t, gib, 3)
	tool(t, "nbdcopy", "--flush", image, under)
	down := filepath.Join(t.TempDir(), "down")
	tool(t, "nbdcopy", under, down)
	same(t, "what nbdcopy brought up and down", image, down)

	plain := strings.Replace(uri, "nbds:", "nbd:", 1)
	for _, client := range [][]string{{"nbdinfo", plain}, {"nbdcopy", plain, "null:"}, {"qemu-img", "info", "-f", "raw", plain}} {
		if out, err := attempt(t, client[0], client[1:]...); err == nil || !strings.Contains(strings.ToLower(out), "tls") {
			t.Errorf("%s without TLS: got %v, want it refused for that: %s", client[0], err, out)
		}
	}
	other, _, _ := certificate(t)
	text, err = os.ReadFile(other)
	if err := errors.Join(err, os.WriteFile(filepath.Join(trusted, "ca-cert.pem"), text, 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err := attempt(t, "nbdinfo", under); err == nil || !strings.Contains(out, "certificate") {
		t.Errorf("a client that trusts another authority: got %v, want it to refuse: %s", err, out)
	}
}
