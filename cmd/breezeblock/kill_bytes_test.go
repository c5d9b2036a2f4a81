package main

import (
	"bytes"
	words "encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

const (
	byteWriters = 6    // how many write at once, each in a region of its own
	slots       = 64   // blocks of a region, written in turn
	slotBytes   = 4096 // of a block
	flushEvery  = 8    // writes, within a turn
	byteRounds  = 5    // how often the server is killed
)

// byteWriter writes numbers, one a block, and knows which of them were flushed.
type byteWriter struct {
	region                 int64
	n                      int        // the last number
	sent, written, flushed [slots]int // the last number of each block: tried, acknowledged, flushed after that
	flushes                int        // that were acknowledged
}

func (w *byteWriter) at(slot int) int64 { return w.region + int64(slot)*slotBytes }

// numbered is a block that holds a number everywhere.
func numbered(n int) []byte {
	return bytes.Repeat(words.BigEndian.AppendUint64(nil, uint64(n)), slotBytes/8)
}

// storm writes until the server is gone.
func (w *byteWriter) storm(c *client.Bytes) {
	for {
		w.n++
		slot := w.n % slots
		w.sent[slot] = w.n
		if c.WriteBytes(w.at(slot), numbered(w.n)) != nil {
			return
		}
		w.written[slot] = w.n
		if w.n%flushEvery != 0 {
			continue
		}
		if c.Flush() != nil {
			return
		}
		w.flushed = w.written
		w.flushes++
	}
}

// check fails where a block holds less than was flushed, more than was sent, or a
// piece of one and a piece of another number.
func (w *byteWriter) check(t *testing.T, c *client.Bytes) {
	t.Helper()
	for slot := range slots {
		p, err := c.ReadBytes(w.at(slot), slotBytes)
		if err != nil {
			t.Fatal(err)
		}
		n := int(words.BigEndian.Uint64(p))
		if whole := bytes.Equal(p, numbered(n)); n < w.flushed[slot] || n > w.sent[slot] || (n != 0 && n%slots != slot) || !whole {
			t.Fatalf("region %d, block %d holds %d (whole: %v); flushed %d, sent %d", w.region, slot, n, whole, w.flushed[slot], w.sent[slot])
		}
	}
}

// attached attaches a volume by the command and tells the address.
func attached(t *testing.T, data, volume string) string {
	t.Helper()
	code, said := run(t, nil, "attach", "--openrc", filepath.Join(data, "openrc"), "--quiet", volume)
	if code != 0 {
		t.Fatalf("attach: %d, %s", code, said)
	}
	return strings.TrimSpace(said)
}

// What was flushed over NBD before a kill -9 is there after the restart, whatever
// snapshots were made and deleted meanwhile.
func TestFlushedBytesSurviveKill(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, data, "--snapshots-per-volume", "256") // each kill may leave one
	demo := p.logIn("demo", "demo-secret")
	volume := demo.volume()
	address := attached(t, data, volume)
	writers := make([]byteWriter, byteWriters)
	flushes, snapshots := 0, 0
	for range byteRounds {
		var storm sync.WaitGroup
		for i := range writers {
			writers[i].region = int64(i) << 22
			c := opened(t, address)
			storm.Go(func() { writers[i].storm(c) })
		}
		storm.Go(func() { snapshots += demo.snapshotsUntilKilled(volume) })
		time.Sleep(time.Duration(100+rand.IntN(200)) * time.Millisecond)
		p.kill()
		storm.Wait()
		p = start(t, data, "--snapshots-per-volume", "256")
		demo.p = p
		c := opened(t, address) // the attachment is still there
		for i := range writers {
			writers[i].check(t, c)
		}
	}
	for i := range writers {
		flushes += writers[i].flushes
	}
	t.Logf("%d rounds, %d flushes, %d snapshots made and deleted", byteRounds, flushes, snapshots)
	if flushes < 2*byteRounds {
		t.Errorf("only %d flushes were acknowledged: no storm", flushes)
	}
}

// snapshotsUntilKilled makes and deletes snapshots and tells how many were whole.
func (s session) snapshotsUntilKilled(volume string) int {
	c := &http.Client{Timeout: patience, Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for n := 0; ; n++ {
		var made map[string]object
		if status, err := s.call(c, "POST", "/snapshots", `{"snapshot":{"volume_id":"`+volume+`","force":true}}`, &made); err != nil || status != http.StatusAccepted {
			return n
		}
		path := "/snapshots/" + made["snapshot"].ID
		for made["snapshot"].Status != "available" {
			if _, err := s.call(c, "GET", path, "", &made); err != nil {
				return n
			}
		}
		if _, err := s.call(c, "DELETE", path, "", nil); err != nil {
			return n + 1
		}
	}
}

// fio verifies what it wrote and synced before a kill -9 in the middle of its next
// job, and finds no torn block where it wrote then.
func TestWhatFioSyncedSurvivesKill(t *testing.T) {
	if os.Getenv("BREEZEBLOCK_TEST_NBD_TOOLS") == "skip" {
		t.Skip("BREEZEBLOCK_TEST_NBD_TOOLS=skip: fio did not write to a server that is killed")
	}
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, data)
	demo := p.logIn("demo", "demo-secret")
	volume := demo.volume()
	address := attached(t, data, volume)
	job := func(more ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), "fio", append([]string{"--name=x", "--ioengine=nbd", "--uri=" + address, "--bs=4k", "--size=8m",
			"--verify=crc32c", "--verify_fatal=1"}, more...)...)
		c.Dir = t.TempDir()
		return c
	}
	for _, offset := range []string{"0", "16m"} {
		if out, err := job("--rw=write", "--iodepth=16", "--do_verify=0", "--end_fsync=1", "--offset="+offset).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s; tools/need.sh nbd installs fio; without: BREEZEBLOCK_TEST_NBD_TOOLS=skip", err, out)
		}
	}
	before := opened(t, address)
	first, err := before.ReadBytes(16<<20, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	over := job("--rw=randwrite", "--iodepth=16", "--do_verify=0", "--fsync=32", "--time_based", "--runtime=300", "--offset=16m")
	over.Stdout, over.Stderr = &out, &out
	if err := over.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = over.Process.Kill() }) // fails if it has ended
	waitFor(t, "fio writes over what it wrote", func() bool {
		now, err := before.ReadBytes(16<<20, 1<<20)
		return err != nil || !bytes.Equal(now, first)
	})
	p.kill()
	if err := over.Wait(); err == nil {
		t.Errorf("fio did not notice that the server was killed: %s", &out)
	}
	start(t, data)
	for _, offset := range []string{"0", "16m"} {
		if out, err := job("--rw=read", "--iodepth=8", "--offset="+offset).CombinedOutput(); err != nil || !strings.Contains(string(out), "err= 0") {
			t.Errorf("at %s: %v: %s", offset, err, fmt.Sprintf("%.2000s", out))
		}
	}
}
