package fake_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/drivertest"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFakeKeepsThePromises(t *testing.T) {
	drivertest.Run(t, func(*testing.T) drivertest.Opener {
		d := fake.New()
		return func() (driver.Driver, error) {
			d = d.Reopen()
			return d, nil
		}
	})
}

func reopener() (*fake.Driver, drivertest.Opener) {
	d := fake.New()
	return d, func() (driver.Driver, error) { return d.Reopen(), nil }
}

// A call of the fake is one step: it is stopped before it, or before its answer.
func TestFakeIsFinishedByRepeating(t *testing.T) {
	drivertest.Stops(t, func(*testing.T) drivertest.Stopper {
		_, open := reopener()
		return drivertest.Stopper{Open: open, Stop: func(d driver.Driver, n int, call func() error) (bool, error) {
			if n == 1 {
				return false, d.Close()
			}
			return n > 2, errors.Join(call(), d.Close())
		}}
	})
}

func TestFakeOutOfSpaceLosesNothing(t *testing.T) {
	drivertest.Full(t, func(*testing.T) drivertest.Disk {
		d, open := reopener()
		return drivertest.Disk{Open: open, Fill: func() { d.SetFull(true) }, Free: func() { d.SetFull(false) }}
	})
}

var errBroken = errors.New("broken")

func TestNthCallFailsAndTheOthersDoNot(t *testing.T) {
	d := fake.New(fake.Fault{Call: fake.Create, Nth: 2, Err: errBroken})
	for i, want := range []error{nil, errBroken, nil} {
		err := d.Create(t.Context(), driver.VolumeSpec{ID: string(rune('a' + i)), Size: 512}, 0)
		if !errors.Is(err, want) {
			t.Errorf("create %d: %v, want %v", i+1, err, want)
		}
	}
	if got := len(list(t, d)); got != 2 || d.Count(fake.Create) != 3 {
		t.Errorf("holds %d volumes after %d creates, want 2 after 3", got, d.Count(fake.Create))
	}
}

func TestLostAnswerLeavesTheWorkDone(t *testing.T) {
	d := fake.New(fake.Fault{Call: fake.Create, Nth: 1, Err: errBroken, After: true})
	spec := driver.VolumeSpec{ID: "a", Size: 512}
	if err := d.Create(t.Context(), spec, 0); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if len(list(t, d)) != 1 {
		t.Error("the work was not done")
	}
	if err := d.Create(t.Context(), spec, 0); err != nil {
		t.Error(err)
	}
}

func TestHangEndsWithTheContext(t *testing.T) {
	d := fake.New(fake.Fault{Call: fake.Snapshot, Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- d.Snapshot(ctx, "a", "b", 0) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestFailingRefusesEverything(t *testing.T) {
	d, ctx := fake.Failing(errBroken), t.Context()
	_, info := d.Info(ctx)
	_, usage := d.Usage(ctx, "a")
	_, check := d.Check(ctx, "a", true)
	_, open := d.Open(ctx, driver.Ref{Volume: "a"}, driver.ReadOnly)
	for _, err := range []error{
		info, open, d.Create(ctx, driver.VolumeSpec{ID: "a", Size: 512}, 0), d.Delete(ctx, "a", 0),
		d.CreateFrom(ctx, driver.VolumeSpec{ID: "a", Size: 512}, driver.Ref{Volume: "b", Snapshot: "c"}, 0),
		d.Extend(ctx, "a", 512, 0), d.Snapshot(ctx, "a", "b", 0), d.DeleteSnapshot(ctx, "a", "b", 0),
		d.Rollback(ctx, "a", "b", 0), usage, check,
		d.Changed(ctx, "a", "", "b", func(int64, int64, bool) error { return nil }),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("got %v, want %v", err, errBroken)
		}
	}
	for _, err := range d.List(ctx) {
		if !errors.Is(err, errBroken) {
			t.Errorf("list: %v", err)
		}
	}
	if d.Count(fake.Any) != 13 {
		t.Errorf("counted %d calls, want 13", d.Count(fake.Any))
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestFailedFlushIsFinal(t *testing.T) {
	d := fake.New(fake.Fault{Call: fake.Flush, Nth: 1, Err: errBroken})
	if err := d.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 4096}, 0); err != nil {
		t.Fatal(err)
	}
	dev, err := d.Open(t.Context(), driver.Ref{Volume: "a"}, driver.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := dev.Flush(t.Context()); !errors.Is(err, errBroken) {
			t.Errorf("flush: %v", err)
		}
	}
	if _, err := dev.WriteAt(make([]byte, 512), 0); !errors.Is(err, errBroken) {
		t.Errorf("write: %v", err)
	}
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
}

func list(t *testing.T, d driver.Driver) (refs []driver.Ref) {
	t.Helper()
	for ref, err := range d.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	return refs
}
