package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

// opened opens an address that attach printed.
func opened(t *testing.T, address string) *client.Bytes {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	c, err := client.OpenBytes(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAttachmentsLiveOnAfterAKill(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, data)
	volume := p.logIn("demo", "demo-secret").volume()
	env, rc := environment(), filepath.Join(data, "openrc")
	code, said := run(t, env, "attach", "--openrc", rc, "--quiet", volume)
	address := strings.TrimSpace(said)
	if code != 0 || !strings.HasPrefix(address, "nbd+unix:///") || strings.Contains(address, "\n") {
		t.Fatalf("attach: got %d, %s", code, said)
	}
	mark := []byte("flushed before the kill")
	c := opened(t, address)
	if err := c.WriteBytes(123, mark); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	p.kill()
	start(t, data)
	again := opened(t, address)
	if got, err := again.ReadBytes(123, len(mark)); err != nil || !bytes.Equal(got, mark) {
		t.Errorf("got %q, %v, want what was flushed", got, err)
	}
	if code, said = run(t, env, "attach", "--openrc", rc, volume); code == 0 || !strings.Contains(said, "status must be available") {
		t.Errorf("a second attach: got %d, %s", code, said)
	}
	if code, said = run(t, env, "detach", "--openrc", rc, volume); code != 0 || !strings.Contains(said, "is detached") {
		t.Errorf("detach: got %d, %s", code, said)
	}
	if err := again.WriteBytes(0, mark); err == nil {
		t.Error("the detached client still writes")
	}
	code, said = run(t, env, "attach", "--openrc", rc, "--read-only", volume)
	for _, tool := range []string{"qemu-img info 'nbd+unix", "nbdinfo 'nbd+unix", "nbdfuse mnt/disk 'nbd+unix", "(ro)"} {
		if code != 0 || !strings.Contains(said, tool) {
			t.Errorf("attach: got %d, %s, want it to name %s", code, said, tool)
		}
	}
	for _, unknown := range [][]string{{"attach", "nonsense"}, {"detach", "nonsense"}} {
		if code, said := run(t, env, append(unknown, "--openrc", rc)...); code == 0 || !strings.Contains(said, "nonsense") {
			t.Errorf("%v: got %d, %s", unknown, code, said)
		}
	}
	if code, said := run(t, env, "attach", "--openrc", "nowhere", volume); code == 0 || !strings.Contains(said, "OS_AUTH_URL") {
		t.Errorf("without an openrc: got %d, %s", code, said)
	}
}
