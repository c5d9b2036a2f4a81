package layers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// tidyUp does all the background work there is for volume a.
func tidyUp(t testing.TB, p *Pool) {
	t.Helper()
	must(t, p.tidy(t.Context(), "a"))
}

func layersOf(t testing.TB, p *Pool) []layer {
	t.Helper()
	m, err := p.readManifest("a")
	must(t, err)
	return m.Layers
}

// Deleting a snapshot makes one layer of two, into the file that needs fewer bytes,
// and gives back what the upper one hid.
func TestDeletedSnapshotIsMergedTheCheaperWay(t *testing.T) {
	for _, tc := range []struct {
		name         string
		lower, upper int // bytes written
		stays        int // number of the layer that is left
	}{
		{"a little onto much", 4 * mib, mib / 2, 1},
		{"much over a little", mib / 2, 4 * mib, 2},
		{"all over all", 4 * mib, 4 * mib, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := openPool(t, t.TempDir(), Options{})
			must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 8 * mib}, 0))
			dev := openDevice(t, p, volA, driver.ReadWrite)
			write(t, dev, 1, mib, tc.lower)
			must(t, p.Snapshot(t.Context(), "a", "one", 0))
			write(t, dev, 2, mib, tc.upper)
			must(t, p.Snapshot(t.Context(), "a", "two", 0))
			want := contents(t, p, volA)
			must(t, p.DeleteSnapshot(t.Context(), "a", "one", 0))
			checkOpen(t, dev, want)
			tidyUp(t, p)
			got := layersOf(t, p)
			if len(got) != 2 || got[0].Number != tc.stays || got[0].Revision != 1 || got[0].Sums == "" {
				t.Errorf("the layers are %+v, want %d and the head", got, tc.stays)
			}
			checkOpen(t, dev, want)
			checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "two"}, want)
			checkFiles(t, p)
			u, err := p.Usage(t.Context(), "a")
			must(t, err)
			if most := int64(max(tc.lower, tc.upper)) + 128<<10; u.Exclusive > most {
				t.Errorf("it takes %d bytes, want %d at most", u.Exclusive, most)
			}
			soundly(t, p)
		})
	}
}

// soundly fails unless a check of volume a finds nothing and all sealed bytes fit their sums.
func soundly(t testing.TB, p *Pool) {
	t.Helper()
	r, err := p.Check(t.Context(), "a", false)
	must(t, err)
	if len(r.Findings) > 0 || r.Unverified > 0 {
		t.Errorf("the check found %+v", r)
	}
}

// A volume whose only snapshot is deleted gets the space back that the head hides,
// though the head itself is open: it is sealed for it.
func TestSpaceBeneathTheHeadComesBack(t *testing.T) {
	p := openPool(t, t.TempDir(), Options{})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 8 * mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	for range 5 {
		write(t, dev, 1, 0, 8*mib)
		must(t, p.Snapshot(t.Context(), "a", "s", 0))
		write(t, dev, 2, 0, 8*mib)
		must(t, p.DeleteSnapshot(t.Context(), "a", "s", 0))
		tidyUp(t, p)
	}
	u, err := p.Usage(t.Context(), "a")
	must(t, err)
	if u.Exclusive > 8*mib+256<<10 {
		t.Errorf("8 MiB take %d bytes", u.Exclusive)
	}
	checkOpen(t, dev, fill(2, 8*mib))
	must(t, dev.Close())
	checkBytes(t, p, volA, fill(2, 8*mib))
	checkFiles(t, p)
}

// Zeroes over everything leave nothing at all.
func TestMergeToNothingLeavesNoLayer(t *testing.T) {
	p := openPool(t, t.TempDir(), Options{})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite).(*device)
	write(t, dev, 1, 0, mib)
	must(t, p.Snapshot(t.Context(), "a", "one", 0))
	must(t, dev.Discard(0, mib))
	must(t, p.Snapshot(t.Context(), "a", "two", 0))
	write(t, dev, 3, 0, 100)
	must(t, p.Snapshot(t.Context(), "a", "three", 0))
	must(t, p.DeleteSnapshot(t.Context(), "a", "one", 0))
	tidyUp(t, p)
	if got := layersOf(t, p); len(got) != 2 {
		t.Errorf("the layers are %+v", got)
	}
	want := append(fill(3, 100), make([]byte, mib-100)...)
	checkOpen(t, dev, want)
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "two"}, make([]byte, mib))
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "three"}, want)
	checkFiles(t, p)
}

// Layers that a clone has, too, are left alone until it is gone.
func TestSharedLayersAreNotMerged(t *testing.T) {
	p := openPool(t, t.TempDir(), Options{})
	ctx := t.Context()
	chain(t, p, 3)
	must(t, p.CreateFrom(ctx, driver.VolumeSpec{ID: "b", Size: mib}, driver.Ref{Volume: "a", Snapshot: "s2"}, 0))
	want := contents(t, p, driver.Ref{Volume: "b"})
	for i := range 2 {
		must(t, p.DeleteSnapshot(ctx, "a", fmt.Sprintf("s%d", i), 0))
	}
	tidyUp(t, p)
	must(t, p.tidy(ctx, "b"))
	if got := layersOf(t, p); len(got) != 4 {
		t.Errorf("the layers are %+v, want all of them", got)
	}
	checkBytes(t, p, driver.Ref{Volume: "b"}, want)
	must(t, p.Delete(ctx, "b", 0))
	tidyUp(t, p)
	if got := layersOf(t, p); len(got) != 2 {
		t.Errorf("the layers are %+v, want one and the head", got)
	}
	checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "s2"}, want)
}

// chain makes volume a of a MiB with n snapshots, each after some grains more.
func chain(t testing.TB, p *Pool, n int) {
	t.Helper()
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 100, 0, mib/2)
	for i := range n {
		write(t, dev, byte(i+1), int64(i)*50000, 100000)
		must(t, p.Snapshot(t.Context(), "a", fmt.Sprintf("s%d", i), 0))
	}
	must(t, dev.Close())
}

// Whatever else is asked for while bytes are copied, every snapshot and the volume
// stay exact, and the merge is made, or given up where it must be.
func TestCallsInTheMiddleOfAMerge(t *testing.T) {
	s2 := driver.Ref{Volume: "a", Snapshot: "s2"}
	for _, tc := range []struct {
		name string
		call func(t *testing.T, p *Pool)
	}{
		{"clone", func(t *testing.T, p *Pool) {
			must(t, p.CreateFrom(t.Context(), driver.VolumeSpec{ID: "b", Size: mib}, s2, 0))
		}},
		{"snapshot", func(t *testing.T, p *Pool) { must(t, p.Snapshot(t.Context(), "a", "more", 0)) }},
		{"roll back", func(t *testing.T, p *Pool) { must(t, p.Rollback(t.Context(), "a", "s2", 0)) }},
		{"roll back beneath", func(t *testing.T, p *Pool) { must(t, p.Rollback(t.Context(), "a", "s0", 0)) }},
		{"delete the upper snapshot", func(t *testing.T, p *Pool) { must(t, p.DeleteSnapshot(t.Context(), "a", "s2", 0)) }},
		{"delete all snapshots", func(t *testing.T, p *Pool) {
			must(t, p.DeleteSnapshot(t.Context(), "a", "s2", 0))
			must(t, p.DeleteSnapshot(t.Context(), "a", "s0", 0))
		}},
		{"extend", func(t *testing.T, p *Pool) { must(t, p.Extend(t.Context(), "a", 2*mib, 0)) }},
		{"check", func(t *testing.T, p *Pool) { soundly(t, p) }},
		{"delete", func(t *testing.T, p *Pool) { must(t, p.Delete(t.Context(), "a", 0)) }},
		{"delete and create", func(t *testing.T, p *Pool) {
			must(t, p.Delete(t.Context(), "a", 0))
			must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
		}},
	} {
		for _, down := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s down=%v", tc.name, down), func(t *testing.T) {
				h := &halted{at: StepMergeSync}
				p := openPool(t, memory(t), Options{AtStep: h.step})
				pair(t, p, down)
				before := map[string][]byte{}
				for _, name := range []string{"s0", "s2"} {
					before[name] = contents(t, p, driver.Ref{Volume: "a", Snapshot: name})
				}
				must(t, p.DeleteSnapshot(t.Context(), "a", "s1", 0))
				called := make(chan struct{})
				h.do = func() { // until the call is through, or waits for the merge to end
					if m := p.vols["a"].m; m.Merge == nil || m.Merge.Down != down {
						t.Errorf("the merge is %+v", m.Merge)
					}
					ended := p.vols["a"].chore.ctx.Done()
					go func() {
						defer close(called)
						tc.call(t, p)
					}()
					select {
					case <-called:
					case <-ended:
					}
				}
				tidyUp(t, p)
				if h.do != nil {
					t.Fatal("no merge came to the step")
				}
				<-called
				tidyUp(t, p)
				checkAfter(t, p, before)
			})
		}
	}
}

// pair makes volume a with snapshots s0, s1 and s2, the layers of the last two of
// such sizes that merging them goes down or up.
func pair(t *testing.T, p *Pool, down bool) {
	t.Helper()
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite).(*device)
	lower, upper := 100000, 500000
	if down {
		lower, upper = upper, lower
	}
	for i, n := range []int{mib / 2, lower, upper} {
		write(t, dev, byte(i+1), int64(i)*50000, n)
		must(t, dev.WriteZeroes(900000+int64(i)*30000, 30000, false))
		must(t, p.Snapshot(t.Context(), "a", fmt.Sprintf("s%d", i), 0))
	}
	write(t, dev, 8, 0, 1000)
	must(t, dev.Close())
}

// checkAfter compares what is left of the volume and its snapshots, and of a clone.
func checkAfter(t *testing.T, p *Pool, before map[string][]byte) {
	t.Helper()
	for ref, err := range p.List(t.Context()) {
		must(t, err)
		got := contents(t, p, ref)
		switch want := before[ref.Snapshot]; {
		case want != nil && !bytes.Equal(got, want):
			t.Errorf("%v does not hold what it did", ref)
		case ref.Volume == "b" && !bytes.Equal(got, before["s2"]):
			t.Errorf("the clone does not hold what the snapshot did")
		}
		must(t, p.tidy(t.Context(), ref.Volume))
		r, err := p.Check(t.Context(), ref.Volume, false)
		must(t, err)
		if len(r.Findings) > 0 {
			t.Errorf("the check of %s found %+v", ref.Volume, r.Findings)
		}
	}
	checkFiles(t, p)
}

// Merges go on beside writers, readers and snapshots, and change nothing that they see.
func TestMergesBesideEverythingElse(t *testing.T) {
	const size, block = 4 * mib, 4096
	p, err := Open(memory(t), busy(t, Options{}))
	must(t, err)
	ctx := t.Context()
	must(t, p.Create(ctx, driver.VolumeSpec{ID: "a", Size: size}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite).(*device)
	want := make([]byte, size)
	write(t, dev, 77, size-4*block, 4*block)
	copy(want[size-4*block:], fill(77, 4*block))
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() { // reads what nobody writes
		p := make([]byte, 3*block)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := dev.ReadAt(p, size-4*block); err != nil || !bytes.Equal(p, fill(77, len(p))) {
				t.Errorf("a reader saw something else: %v", err)
				return
			}
		}
	})
	random := rand.New(rand.NewPCG(1, 2))
	var names []string
	for round := range 40 {
		for range 30 {
			off, n := random.Int64N(size/block-40)*block+random.Int64N(3)*512, 1+random.IntN(9*block)
			if random.IntN(4) == 0 {
				must(t, dev.WriteZeroes(off, int64(n), false))
				clear(want[off : off+int64(n)])
				continue
			}
			write(t, dev, byte(round+1), off, n)
			copy(want[off:], fill(byte(round+1), n))
		}
		names = append(names, fmt.Sprintf("s%d", round))
		must(t, p.Snapshot(ctx, "a", names[len(names)-1], 0))
		if len(names) > 3 {
			i := random.IntN(len(names))
			must(t, p.DeleteSnapshot(ctx, "a", names[i], 0))
			names = slices.Delete(names, i, i+1)
		}
		checkOpen(t, dev, want)
	}
	close(stop)
	wg.Wait()
	must(t, dev.Close())
	checkBytes(t, p, volA, want)
	must(t, p.Close())
	p = openPool(t, p.root, Options{})
	tidyUp(t, p)
	checkBytes(t, p, volA, want)
	if n := len(layersOf(t, p)); n > len(names)+2 {
		t.Errorf("%d layers for %d snapshots", n, len(names))
	}
	soundly(t, p)
	checkFiles(t, p)
}

// Background work ends with its context, in the middle of a layer.
func TestCloseEndsBackgroundWork(t *testing.T) {
	o := Options{MergeRate: 1} // a byte a second
	o.quiet = 1
	p, err := Open(memory(t), o)
	must(t, err)
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, mib)
	must(t, dev.Close())
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	must(t, p.Close())
	p = openPool(t, p.root, Options{})
	tidyUp(t, p)
	soundly(t, p)
}

// A reader that stays open never keeps a merged layer's file open for long: it
// reads from the one that is left.
func TestMergedFilesAreClosedWhileTheVolumeIsOpen(t *testing.T) {
	p := openPool(t, t.TempDir(), Options{})
	chain(t, p, 3)
	dev := openDevice(t, p, volA, driver.ReadOnly)
	snap := openDevice(t, p, driver.Ref{Volume: "a", Snapshot: "s2"}, driver.ReadOnly)
	want := contents(t, p, volA)
	for _, name := range []string{"s0", "s1"} {
		must(t, p.DeleteSnapshot(t.Context(), "a", name, 0))
	}
	tidyUp(t, p)
	fds, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, fd := range fds {
		if path, err := os.Readlink(filepath.Join("/proc/self/fd", fd.Name())); err == nil &&
			filepath.Dir(path) == p.volumeDir("a") && bytes.HasSuffix([]byte(path), []byte("(deleted)")) {
			t.Errorf("%s is still open", path)
		}
	}
	checkOpen(t, dev, want)
	checkOpen(t, snap, want)
}

// A flush that is on its way while its layer is sealed, merged and let go ends well.
func TestFlushOutlivesTheMergeOfItsLayer(t *testing.T) {
	var hold atomic.Bool
	arrived, goOn := make(chan struct{}), make(chan struct{})
	p := openPool(t, memory(t), Options{datasync: func(f *os.File) error {
		if hold.Swap(false) {
			close(arrived)
			<-goOn
		}
		return datasync(f)
	}})
	must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: mib}, 0))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, mib/2)
	must(t, p.Snapshot(t.Context(), "a", "s", 0))
	write(t, dev, 2, 0, 4096)
	hold.Store(true)
	flushed := make(chan error)
	go func() { flushed <- dev.Flush(t.Context()) }()
	<-arrived // at the layer that is the head now
	must(t, p.Snapshot(t.Context(), "a", "t", 0))
	must(t, p.DeleteSnapshot(t.Context(), "a", "s", 0))
	tidyUp(t, p)
	if got := layersOf(t, p); len(got) != 2 || got[0].Number != 1 {
		t.Fatalf("the layers are %+v, want the flushed one merged away", got)
	}
	close(goOn)
	must(t, <-flushed)
	write(t, dev, 3, 8192, 4096)
	must(t, dev.Flush(t.Context()))
	soundly(t, p)
}
