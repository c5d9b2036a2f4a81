package layers

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/drivertest"
)

const mib = 1 << 20

// opener opens pools in one folder.
func opener(dir string, o Options) drivertest.Opener {
	return func() (driver.Driver, error) { return Open(dir, o) }
}

// busy makes the background work start at once and go as fast as it can, so that
// it gets in the way of everything else.
func busy(t *testing.T, o Options) Options {
	o.quiet, o.MergeRate = time.Nanosecond, 1<<40
	o.Trouble = func(id string, err error) { t.Errorf("in the background: %v", err) }
	return o
}

func TestLayersKeepsThePromises(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Opener { return opener(memory(t), busy(t, Options{})) })
}

// With large grains and small segments every write is a part of a grain and every
// volume several files.
func TestLayersInSmallSegmentsKeepsThePromises(t *testing.T) {
	o := Options{segment: 1280 << 10, grain: 64 << 10}
	drivertest.Histories(t, func(t *testing.T) drivertest.Opener { return opener(memory(t), busy(t, o)) })
}

// Calls that end at any of their steps, as after kill -9.
func TestLayersIsFinishedByRepeating(t *testing.T) {
	drivertest.Stops(t, func(t *testing.T) drivertest.Stopper {
		dir, c := memory(t), &cutter{}
		return drivertest.Stopper{
			Open: opener(dir, Options{AtStep: c.step, byHand: true}),
			Stop: func(d driver.Driver, n int, call func() error) (bool, error) {
				ended, err := c.run(n, call)
				d.(*Pool).abandon(t)
				return ended, err
			},
		}
	})
}

// openPool opens a pool that the test's end closes; it tidies up only when told to.
func openPool(t testing.TB, dir string, o Options) *Pool {
	t.Helper()
	o.byHand = true
	p, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil && !t.Failed() {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

// openDevice opens a device that the test's end closes, before the pool.
func openDevice(t testing.TB, p *Pool, ref driver.Ref, mode driver.Mode) driver.Device {
	t.Helper()
	dev, err := p.Open(t.Context(), ref, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Close() }) // twice, where the test closes it
	return dev
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, what string, err, target error, words ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("%s: got %v, want %v", what, err, target)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %q does not name %s", what, err, word)
		}
	}
}

func fill(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

func write(t testing.TB, dev driver.Device, b byte, off int64, n int) {
	t.Helper()
	if done, err := dev.WriteAt(fill(b, n), off); done != n || err != nil {
		t.Fatalf("write %d at %d: %d, %v", n, off, done, err)
	}
}

// contents reads all that ref holds.
func contents(t testing.TB, p *Pool, ref driver.Ref) []byte {
	t.Helper()
	dev, err := p.Open(t.Context(), ref, driver.ReadOnly)
	must(t, err)
	got := make([]byte, dev.Size())
	if n, err := dev.ReadAt(got, 0); n != len(got) || (err != nil && !errors.Is(err, io.EOF)) {
		t.Fatalf("read %v: %d, %v", ref, n, err)
	}
	must(t, dev.Close())
	return got
}

// names lists a folder.
func names(t testing.TB, parts ...string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(parts...))
	must(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
