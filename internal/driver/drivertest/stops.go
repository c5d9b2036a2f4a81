package drivertest

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Stopper is a driver whose calls can be stopped half-way, as kill -9 would.
type Stopper struct {
	// Open opens the driver, again on the same bytes after each Close or Stop.
	Open Opener
	// Stop runs call, which calls d, up to its n-th step, from 1, and leaves d as a
	// killed process leaves it: nothing of it runs on, and what it held can be opened
	// again. It tells whether the call had fewer steps and ran to its end.
	Stop func(d driver.Driver, n int, call func() error) (ended bool, err error)
}

// maxStops bounds the steps of a call.
const maxStops = 100

// stopped are the calls that are stopped, and what there is once they are done.
var stopped = []struct {
	name string
	call func(ctx context.Context, d driver.Driver) error
	made driver.Ref // what it makes, or removes
	gone bool
	want func() []byte // of made, or of the volume where it makes nothing
}{
	{"create", func(ctx context.Context, d driver.Driver) error {
		return d.Create(ctx, driver.VolumeSpec{ID: other, Size: mib}, 3)
	}, driver.Ref{Volume: other}, false, func() []byte { return make([]byte, mib) }},
	{"clone", func(ctx context.Context, d driver.Driver) error {
		return d.CreateFrom(ctx, driver.VolumeSpec{ID: other, Size: 2 * mib}, driver.Ref{Volume: vol, Snapshot: snap}, 3)
	}, driver.Ref{Volume: other}, false, func() []byte { return append(pattern(1, mib), make([]byte, mib)...) }},
	{"extend", func(ctx context.Context, d driver.Driver) error {
		return d.Extend(ctx, vol, 2*mib, 3)
	}, driver.Ref{}, false, func() []byte { return append(stoppedNow(), make([]byte, mib)...) }},
	{"snapshot", func(ctx context.Context, d driver.Driver) error {
		return d.Snapshot(ctx, vol, later, 3)
	}, driver.Ref{Volume: vol, Snapshot: later}, false, stoppedNow},
	{"delete snapshot", func(ctx context.Context, d driver.Driver) error {
		return d.DeleteSnapshot(ctx, vol, snap, 3)
	}, driver.Ref{Volume: vol, Snapshot: snap}, true, func() []byte { return pattern(1, mib) }},
	{"roll back", func(ctx context.Context, d driver.Driver) error {
		return d.Rollback(ctx, vol, snap, 3)
	}, driver.Ref{}, false, func() []byte { return pattern(1, mib) }},
	{"delete", func(ctx context.Context, d driver.Driver) error {
		return d.Delete(ctx, vol, 3)
	}, driver.Ref{Volume: vol}, true, stoppedNow},
}

// stoppedNow is what the volume holds that each call is made on: bytes of a snapshot
// and later ones over a half of them.
func stoppedNow() []byte { return append(pattern(2, mib/2), pattern(1, mib)[mib/2:]...) }

// Stops stops each call at each of its steps: the driver opens again, all that was
// there before is exact, and repeating the call finishes it, however often.
func Stops(t *testing.T, fresh func(t *testing.T) Stopper) {
	for i, tc := range stopped {
		t.Run(tc.name, func(t *testing.T) {
			n := 1
			for ; n < maxStops && stopAt(t, fresh(t), n, i); n++ {
			}
			if n == 1 || n == maxStops {
				t.Errorf("it was stopped at %d steps", n-1)
			}
		})
	}
}

// stopAt stops a call at its n-th step; false when it has fewer.
func stopAt(t *testing.T, s Stopper, n, which int) bool {
	t.Helper()
	tc := stopped[which]
	b := newBench(t, s.Open)
	b.create(vol, mib)
	b.write(vol, pattern(1, mib), 0)
	b.snapshot(vol, snap)
	b.write(vol, pattern(2, mib/2), 0)
	call := func() error { return tc.call(b.Context(), b.d) }
	ended, err := s.Stop(b.d, n, call)
	b.must(tc.name, err)
	b.d = nil
	b.reopen()
	there := b.notice(tc.made, tc.gone)
	b.lookAfterStop(tc.name == "roll back", tc.want)
	for range 3 {
		b.must("repeat "+tc.name, call())
		if tc.gone {
			delete(b.held, tc.made)
			if tc.made.Snapshot == "" {
				delete(b.held, driver.Ref{Volume: vol, Snapshot: snap})
			}
		} else if tc.made != (driver.Ref{}) {
			b.held[tc.made] = true
		}
		b.compareList()
		switch {
		case tc.gone:
		case tc.made == (driver.Ref{}):
			b.compare(driver.Ref{Volume: vol}, tc.want())
		default:
			b.compare(tc.made, tc.want())
		}
	}
	if tc.gone && !there && n == 1 {
		t.Errorf("stopped before its first step, it had removed %v", tc.made)
	}
	return !ended
}

// notice tells whether what the call makes or removes is there, and expects it or not.
func (b *bench) notice(made driver.Ref, gone bool) (there bool) {
	b.Helper()
	for ref, err := range b.d.List(b.Context()) {
		b.must("list", err)
		there = there || ref == made
	}
	switch {
	case there && !gone:
		b.held[made] = true
	case !there && gone:
		delete(b.held, made)
		if made.Snapshot == "" {
			delete(b.held, driver.Ref{Volume: vol, Snapshot: snap})
		}
	}
	b.compareList()
	return there
}

// lookAfterStop compares what there is with what was there before the call, or is
// there after it.
func (b *bench) lookAfterStop(back bool, after func() []byte) {
	b.Helper()
	for ref := range b.held {
		switch got := b.read(ref); {
		case ref == driver.Ref{Volume: vol, Snapshot: snap}:
			b.compare(ref, pattern(1, mib))
		case ref == driver.Ref{Volume: vol, Snapshot: later}:
			b.compare(ref, stoppedNow())
		case ref.Volume == other:
			b.compare(ref, after())
		case back && bytes.Equal(got, after()): // it was through
		default:
			if !bytes.Equal(got[:mib], stoppedNow()) || slices.ContainsFunc(got[mib:], func(c byte) bool { return c != 0 }) {
				b.Fatalf("the volume of a call that was stopped does not hold what it did")
			}
		}
	}
}
