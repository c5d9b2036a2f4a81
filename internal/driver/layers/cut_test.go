package layers

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// errCut is what a cut call panics with: nothing but deferred unlocking runs after it.
var errCut = errors.New("cut")

// cutter ends a call at its n-th step, as kill -9 would.
type cutter struct {
	left int
	at   Step
	back bool // it came to where a rollback takes effect
}

func (c *cutter) step(s Step) {
	c.back = c.back || s == StepBranch
	if c.left--; c.left == 0 {
		c.at = s
		panic(errCut)
	}
}

// run tells whether call ran to its end.
func (c *cutter) run(n int, call func() error) (ended bool, err error) {
	c.left, c.at = n, ""
	defer func() {
		c.left = 0
		if r := recover(); r != nil && r != any(errCut) {
			panic(r)
		}
	}()
	return true, call()
}

// abandon is what the kernel does for a killed process.
func (p *Pool) abandon(t *testing.T) {
	for _, v := range p.vols {
		if v.core != nil {
			must(t, v.core.close())
		}
	}
	must(t, p.disk.reserve.close())
	must(t, p.lock.Close())
}

// The state that every cut test starts from: a volume with one snapshot and later bytes.
var (
	cutBefore = append(fill(1, mib), make([]byte, 3*mib)...)
	cutNow    = append(fill(1, mib/2), append(fill(2, mib), make([]byte, 5*mib/2)...)...)
)

func cutFixture(t *testing.T, p *Pool) {
	t.Helper()
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 4 * mib}, 1))
	dev, err := p.Open(t.Context(), driver.Ref{Volume: "a"}, driver.ReadWrite)
	must(t, err)
	write(t, dev, 1, 0, mib)
	must(t, p.Snapshot(t.Context(), "a", "before", 2))
	write(t, dev, 2, mib/2, mib)
	must(t, dev.Close())
}

// cutCalls are the calls that are cut, and what holds once they are done.
var cutCalls = []struct {
	name  string
	least int // steps at least, so that the test cannot pass by cutting nothing
	call  func(t *testing.T, p *Pool) error
	done  func(t *testing.T, p *Pool)
}{
	{"create", 3, func(t *testing.T, p *Pool) error {
		return p.Create(t.Context(), driver.VolumeSpec{ID: "b", Size: mib}, 3)
	}, func(t *testing.T, p *Pool) { checkBytes(t, p, driver.Ref{Volume: "b"}, make([]byte, mib)) }},
	{"clone", 3, func(t *testing.T, p *Pool) error {
		return p.CreateFrom(t.Context(), driver.VolumeSpec{ID: "b", Size: 4 * mib}, driver.Ref{Volume: "a", Snapshot: "before"}, 3)
	}, func(t *testing.T, p *Pool) { checkBytes(t, p, driver.Ref{Volume: "b"}, cutBefore) }},
	{"extend", 4, func(t *testing.T, p *Pool) error {
		return p.Extend(t.Context(), "a", 8*mib, 3)
	}, func(t *testing.T, p *Pool) {
		checkBytes(t, p, driver.Ref{Volume: "a"}, append(slices.Clone(cutNow), make([]byte, 4*mib)...))
	}},
	{"snapshot", 11, func(t *testing.T, p *Pool) error {
		return p.Snapshot(t.Context(), "a", "now", 3)
	}, func(t *testing.T, p *Pool) { checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "now"}, cutNow) }},
	{"delete snapshot", 3, func(t *testing.T, p *Pool) error {
		return p.DeleteSnapshot(t.Context(), "a", "before", 3)
	}, func(t *testing.T, p *Pool) { checkBytes(t, p, driver.Ref{Volume: "a"}, cutNow) }},
	{"delete snapshot and merge", 25, func(t *testing.T, p *Pool) error {
		if err := p.DeleteSnapshot(t.Context(), "a", "before", 3); err != nil {
			return err
		}
		return p.tidy(t.Context(), "a")
	}, func(t *testing.T, p *Pool) { checkBytes(t, p, driver.Ref{Volume: "a"}, cutNow) }},
	{"roll back", 5, func(t *testing.T, p *Pool) error {
		return p.Rollback(t.Context(), "a", "before", 3)
	}, func(t *testing.T, p *Pool) { checkBytes(t, p, driver.Ref{Volume: "a"}, cutBefore) }},
	{"delete", 3, func(t *testing.T, p *Pool) error {
		return p.Delete(t.Context(), "a", 3)
	}, func(t *testing.T, p *Pool) {
		if len(names(t, p.root, "volumes")) != 0 {
			t.Error("the volume is still there")
		}
	}},
}

// Each call is cut at each of its steps, with the volume open and not; the pool is
// opened anew, everything older is still exact, and the repeated call finishes.
func TestCallsThatWereCutAreFinishedByRepeatingThem(t *testing.T) {
	for _, tc := range cutCalls {
		for _, open := range []bool{false, true} {
			if open && (tc.name == "delete" || tc.name == "roll back") {
				continue // refused while open
			}
			t.Run(fmt.Sprintf("%s open=%v", tc.name, open), func(t *testing.T) {
				n := 1
				for cutOnce(t, n, open, tc.call, tc.done) {
					n++
				}
				if n <= tc.least {
					t.Errorf("cut at %d steps, want %d or more", n-1, tc.least)
				}
			})
		}
	}
}

// cutOnce cuts call at its n-th step; false when it has fewer.
func cutOnce(t *testing.T, n int, open bool, call func(*testing.T, *Pool) error, done func(*testing.T, *Pool)) bool {
	dir := memory(t)
	c := &cutter{}
	p, err := Open(dir, Options{AtStep: c.step, byHand: true})
	must(t, err)
	cutFixture(t, p)
	if open {
		dev, err := p.Open(t.Context(), driver.Ref{Volume: "a"}, driver.ReadWrite)
		must(t, err)
		write(t, dev, 2, mib, 5) // what is there, again
	}
	ended, err := c.run(n, func() error { return call(t, p) })
	must(t, err)
	p.abandon(t)

	p = openPool(t, dir, Options{})
	if len(names(t, dir, "staging"))+len(names(t, dir, "trash")) > 0 {
		t.Errorf("cut at %q: leftovers", c.at)
	}
	for ref, err := range p.List(t.Context()) {
		must(t, err)
		switch ref {
		case driver.Ref{Volume: "a"}:
			got := contents(t, p, ref)
			if rolledBack := c.back && bytes.Equal(got[:4*mib], cutBefore); !rolledBack && !bytes.Equal(got[:4*mib], cutNow) {
				t.Fatalf("cut at %q: the volume's bytes changed", c.at)
			}
		case driver.Ref{Volume: "a", Snapshot: "before"}:
			checkBytes(t, p, ref, cutBefore)
		case driver.Ref{Volume: "a", Snapshot: "now"}:
			checkBytes(t, p, ref, cutNow)
		}
	}
	must(t, call(t, p))
	done(t, p)
	must(t, call(t, p))
	done(t, p)
	checkFiles(t, p)
	return !ended
}

func checkBytes(t *testing.T, p *Pool, ref driver.Ref, want []byte) {
	t.Helper()
	if !bytes.Equal(contents(t, p, ref), want) {
		t.Fatalf("%v does not hold what it ought to", ref)
	}
}

// checkFiles is the leak check of the folders: each file is named by a manifest.
func checkFiles(t *testing.T, p *Pool) {
	t.Helper()
	for _, id := range names(t, p.root, "volumes") {
		m, err := p.readManifest(id)
		must(t, err)
		want := append(slices.Collect(maps.Keys(m.needed())), "manifest")
		slices.Sort(want)
		if got := names(t, p.root, "volumes", id); !slices.Equal(got, want) {
			t.Errorf("volume %s has the files %v, want %v", id, got, want)
		}
	}
}

// A snapshot that was cut behind its switch is repeated after more was written:
// the repeated one holds what was there when it was called.
func TestSnapshotRepeatedAfterLaterWritesHoldsThem(t *testing.T) {
	for n := 1; ; n++ {
		dir, c := memory(t), &cutter{}
		p, err := Open(dir, Options{AtStep: c.step, byHand: true})
		must(t, err)
		cutFixture(t, p)
		ended, err := c.run(n, func() error { return p.Snapshot(t.Context(), "a", "now", 3) })
		must(t, err)
		p.abandon(t)
		if ended {
			return
		}
		p = openPool(t, dir, Options{})
		m, err := p.readManifest("a")
		must(t, err)
		dev := openDevice(t, p, driver.Ref{Volume: "a"}, driver.ReadWrite)
		write(t, dev, 9, 2*mib, 5000)
		must(t, p.Snapshot(t.Context(), "a", "now", 4))
		want := slices.Clone(cutNow)
		if m.snapshot("now") == nil { // otherwise it was done before the cut
			copy(want[2*mib:], fill(9, 5000))
		}
		checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "now"}, want)
		checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "before"}, cutBefore)
		write(t, dev, 8, 0, 4*mib)
		checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "now"}, want)
		must(t, dev.Close())
		checkFiles(t, p)
	}
}
