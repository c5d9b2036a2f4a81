package block_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/backup/backuptest"
	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/jobs"
	"github.com/breezeblock/breezeblock/internal/store"
)

// rig is a service on a real database and a driver in memory, in virtual time.
type rig struct {
	t       *testing.T
	path    string
	store   *store.Store
	bytes   *fake.Driver
	objects *backuptest.Memory // of backups
	service *block.Service
	ids     atomic.Int64 // images are named beside the writer
	ahead   atomic.Int64 // of the service's clock, in nanoseconds

	wires   block.DataPath // nil: none
	stopped func()         // ends the runner
}

var (
	demo  = block.Caller{UserID: "u", ProjectID: "demo"}
	admin = block.Caller{UserID: "a", ProjectID: "admin", Admin: true}
)

// database is a new database with the first types in it: making it takes longer
// than most tests.
var database = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "block-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := rig{path: filepath.Join(dir, "test.db"), bytes: fake.New(), objects: &backuptest.Memory{}}
	if err := r.open(context.Background()); err != nil {
		return nil, err
	}
	err = errors.Join(r.service.EnsureFirst(context.Background()), r.store.Close())
	if err != nil {
		return nil, err
	}
	return os.ReadFile(r.path)
})

// onRig runs a test in a bubble of virtual time.
func onRig(t *testing.T, faults []fake.Fault, test func(*rig)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	file, err := database()
	if err == nil {
		err = os.WriteFile(path, file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Context().Done() // made in the bubble, by whoever waits for a connection first, it could not be closed out here
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, path: path, bytes: fake.New(faults...), objects: &backuptest.Memory{}}
		r.ids.Store(1000) // those of the database are below
		r.objects.Now = r.now
		if err := r.open(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer r.close()
		test(r)
	})
}

func (r *rig) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

func (r *rig) open(ctx context.Context) error {
	s, err := store.Open(ctx, store.Config{URL: "sqlite:" + r.path, Clock: r.now})
	if err != nil {
		return err
	}
	r.store = s
	r.serve()
	return nil
}

// serve makes the service on the store.
func (r *rig) serve() {
	id := func(form string) func() string {
		return func() string { return fmt.Sprintf(form, r.ids.Add(1)) }
	}
	r.service = block.NewService(r.store, r.bytes, block.Parts{
		NewUUID: id("00000000-0000-4000-8000-%012x"), NewHex: id("%032x"), Now: r.now, Zone: "az1", DataPath: r.wires,
		Backups: backup.New(backup.Config{Objects: r.objects, Random: rand.Reader, Now: r.now, Workers: 1,
			Secret: func() ([]byte, error) { return make([]byte, 32), nil }}),
	})
}

func (r *rig) close() {
	r.t.Helper()
	r.stop()
	if err := r.store.Close(); err != nil {
		r.t.Error(err)
	}
}

// start lets a runner work until stop.
func (r *rig) start() {
	ctx, end := context.WithCancel(r.t.Context())
	runner := jobs.NewRunner(r.store, r.service.Handlers(), jobs.Config{Now: r.now, Alone: true, Unknown: r.service.GiveUpUnknown})
	var work sync.WaitGroup
	work.Go(func() { runner.Run(ctx) })
	work.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.store.JobsAdded():
				runner.Wake()
			}
		}
	})
	r.stopped = func() { end(); work.Wait() }
}

func (r *rig) stop() {
	if r.stopped != nil {
		r.stopped()
		r.stopped = nil
	}
}

// settle lets so much virtual time pass. What was done until then happened before what
// the test does next, also for the race detector.
func (r *rig) settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// volume queues the making of one.
func (r *rig) volume(n block.NewVolume) *block.Volume {
	r.t.Helper()
	v, err := r.service.CreateVolume(r.t.Context(), demo, n)
	r.must(err)
	return v
}

// available starts the runner, and is a volume of 1 GB that it has made.
func (r *rig) available() *block.Volume {
	r.t.Helper()
	r.start()
	v := r.volume(block.NewVolume{Size: 1})
	r.settle(time.Second)
	return v
}

func (r *rig) snapshot(volumeID string) *block.Snapshot {
	r.t.Helper()
	s, err := r.service.CreateSnapshot(r.t.Context(), demo, block.NewSnapshot{VolumeID: volumeID})
	r.must(err)
	return s
}

// volumeIs checks a status; "" means gone.
func (r *rig) volumeIs(id string, want block.VolumeStatus) {
	r.t.Helper()
	v, err := r.service.Volume(r.t.Context(), demo, id)
	got := block.VolumeStatus("")
	if err == nil {
		got = v.Status
	}
	if got != want {
		r.t.Errorf("the volume is %q (%v), want %q", got, err, want)
	}
}

func (r *rig) snapshotIs(id string, want block.SnapshotStatus) {
	r.t.Helper()
	s, err := r.service.Snapshot(r.t.Context(), demo, id)
	got := block.SnapshotStatus("")
	if err == nil {
		got = s.Status
	}
	if got != want {
		r.t.Errorf("the snapshot is %q (%v), want %q", got, err, want)
	}
}

// held are the objects of the driver.
func (r *rig) held() []driver.Ref {
	r.t.Helper()
	var refs []driver.Ref
	for ref, err := range r.bytes.List(r.t.Context()) {
		r.must(err)
		refs = append(refs, ref)
	}
	return refs
}

// healthy checks that the doctor finds nothing.
func (r *rig) healthy() {
	r.t.Helper()
	d, err := r.service.Diagnose(r.t.Context(), true)
	r.must(err)
	for _, f := range d.Findings {
		r.t.Errorf("%s: %s %s: %s", f.Problem, f.Object, f.ID, f.Says)
	}
}

// empty checks that nothing is left: no row, no object, no usage, no live job.
func (r *rig) empty() {
	r.t.Helper()
	r.healthy()
	d, err := r.service.Diagnose(r.t.Context(), true)
	r.must(err)
	used, err := r.store.AllUsages(r.t.Context())
	r.must(err)
	if d.Volumes+d.Snapshots+d.Backups+d.Jobs+d.Objects != 0 || len(used) != 0 {
		r.t.Errorf("left are %d volumes, %d snapshots, %d jobs, %v in the driver, usage %v", d.Volumes, d.Snapshots, d.Jobs, r.held(), used)
	}
}
