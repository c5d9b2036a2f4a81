package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// mountVariable is the environment variable whose value "skip" leaves out what
// needs a file system of its own; where none can be mounted the tests fail otherwise.
const mountVariable = "BREEZEBLOCK_TEST_MOUNT"

// smallDisk mounts an ext4 file system of some MiB and tells its folder.
func smallDisk(t *testing.T, mib int) string {
	t.Helper()
	if os.Getenv(mountVariable) == "skip" {
		t.Skipf("%s=skip: nothing was tested on a full disk", mountVariable)
	}
	dir := t.TempDir()
	image, folder := filepath.Join(dir, "image"), filepath.Join(dir, "disk")
	command := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("a small disk needs root, losetup and mount (Debian: mount) and mkfs.ext4 (Debian: e2fsprogs); %s=skip leaves it out: %s %v: %v: %s",
				mountVariable, name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, int64(mib)<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	command("mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", image) // nothing is kept for root
	device := command("losetup", "--find", "--show", image)
	t.Cleanup(func() { command("losetup", "--detach", device) })
	command("mount", device, folder)
	t.Cleanup(func() { command("umount", folder) })
	return folder
}

// fill writes a file until nothing more goes onto its disk.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // of what it holds nothing matters
	block := bytes.Repeat([]byte("full"), 1<<18)
	for len(block) > 0 {
		_, err := f.Write(block)
		if err == nil {
			err = f.Sync()
		}
		if errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// refusal sends a request and tells status, Retry-After and body.
func (s session) refusal(method, url, body string, headers ...string) (int, string, string) {
	s.p.t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		s.p.t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", s.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		s.p.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		s.p.t.Fatal(err)
	}
	return a.StatusCode, a.Header.Get("Retry-After"), string(text)
}

// ledger is what was acknowledged of each snapshot.
type ledger struct {
	session
	ids   []string
	acked []int // the number in name and description
	sent  int
}

// write updates every snapshot once and tells how many were acknowledged; each of
// the others must have been told to come again.
func (l *ledger) write(path string) (acknowledged int) {
	l.p.t.Helper()
	l.sent++
	body := strings.ReplaceAll(`{"snapshot":{"name":"N","description":"N"}}`, "N", strconv.Itoa(l.sent))
	for i, id := range l.ids {
		status, retry, text := l.refusal("PUT", l.p.url+path+id, body)
		shape := `{"serviceUnavailable":{`
		if strings.Contains(path, "cloudsnapshots") {
			shape = `{"error":{`
		}
		switch {
		case status == http.StatusOK:
			l.acked[i] = l.sent
			acknowledged++
		case status != http.StatusServiceUnavailable || retry == "" || !strings.HasPrefix(text, shape):
			l.p.t.Errorf("PUT %s%s on a full disk: %d, Retry-After %q, %s", path, id, status, retry, text)
		}
	}
	return acknowledged
}

// holds compares every snapshot with what was acknowledged.
func (l *ledger) holds(when string) {
	l.p.t.Helper()
	for i, id := range l.ids {
		want := strconv.Itoa(l.acked[i])
		if got := l.show(id); got.Name != want || got.Description != want {
			l.p.t.Errorf("%s: snapshot %d has name %s and description %s; acknowledged is %s", when, i, got.Name, got.Description, want)
		}
	}
}

func TestFullDiskRefusesWritesAndRecoversWhenSpaceReturns(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a file system of its own; left out with -short")
	}
	t.Parallel()
	disk := smallDisk(t, 24)
	data, filler := filepath.Join(disk, "data"), filepath.Join(disk, "filler")
	l := launch(t, []string{"BREEZEBLOCK_DEMO_PASSWORD=demo-secret"}, "--data", data, "--log-level", "warn", "--snapshots-per-volume", "8")
	demo := l.logIn("demo", "demo-secret")
	book := &ledger{session: demo, acked: make([]int, 8)}
	volume := demo.volume()
	for range book.acked {
		book.ids = append(book.ids, demo.snapshot(volume))
	}
	v3, v2 := "/v3/"+demo.project+"/snapshots/", "/v2/"+demo.project+"/cloudsnapshots/"
	if n := book.write(v3); n != len(book.ids) {
		t.Fatalf("%d writes went through before the disk was full", n)
	}

	fill(t, filler)
	// What lies in the log already can be written over, until more is wanted than is there.
	big := bigMetadata()
	refused := func(what string, tried func() bool) { // a log that starts again has room for a while
		t.Helper()
		for i := 0; !tried(); i++ {
			if i > 100 {
				t.Fatalf("a full disk does not refuse %s", what)
			}
			demo.status("PUT", "/snapshots/"+book.ids[i%len(book.ids)]+"/metadata", big(i))
		}
	}
	refused("an update on v3", func() bool { return book.write(v3) == 0 })
	refused("an update on v2", func() bool { return book.write(v2) == 0 })
	book.holds("while the disk is full")
	for _, path := range []string{"/volumes/detail", "/snapshots/detail?sort=created_at:asc", "/limits", "/types"} {
		demo.must("GET", path, "", nil)
	}
	refused("to revoke a token", func() bool {
		whileFull := l.logIn("demo", "demo-secret") // a login writes nothing
		status, retry, text := whileFull.refusal("DELETE", l.url+"/identity/v3/auth/tokens", "", "X-Subject-Token", whileFull.token)
		if status == http.StatusNoContent {
			return false
		}
		if status != http.StatusServiceUnavailable || retry == "" || !strings.HasPrefix(text, `{"error":{"code":503,`) {
			t.Errorf("to revoke a token on a full disk: %d, Retry-After %q, %s", status, retry, text)
		}
		return true
	})
	var made map[string]object
	if status, err := demo.call(http.DefaultClient, "POST", "/volumes", `{"volume":{"size":1}}`, &made); status != http.StatusServiceUnavailable && status != http.StatusAccepted {
		t.Errorf("to create a volume on a full disk: %d, %v", status, err)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "writes go through again", func() bool { return book.write(v3) == len(book.ids) })
	book.holds("when space is back")
	if id := made["volume"].ID; id != "" { // it was promised: it is there, or it can be deleted
		waitFor(t, "volume "+id+" has a status with an exit", func() bool {
			var got map[string]object
			demo.must("GET", "/volumes/"+id, "", &got)
			return got["volume"].Status == "available" || got["volume"].Status == "error"
		})
		demo.must("DELETE", "/volumes/"+id, "", nil)
	}
	fresh := demo.volume()
	waitFor(t, "a volume can be deleted again", func() bool {
		return demo.status("DELETE", "/volumes/"+fresh, "") == http.StatusAccepted
	})
	l.end()
	if lines := strings.Count(l.out.String(), "\n"); lines > 1000 {
		t.Errorf("the log of it has %d lines: %.2000s", lines, l.out)
	}
	again := launch(t, nil, "--data", data, "--log-level", "warn", "--snapshots-per-volume", "8")
	book.p = again.process
	book.holds("after a kill")
	again.end() // before its disk goes
}

// bigMetadata makes bodies of 100 KB, each another.
func bigMetadata() func(n int) string {
	value := strings.Repeat("v", 250)
	return func(n int) string {
		var b strings.Builder
		b.WriteString(`{"metadata":{`)
		for i := range 240 { // just under block.MaxMetadataBytes
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"%d-%d":%q`, n, i, value)
		}
		b.WriteString("}}")
		return b.String()
	}
}
