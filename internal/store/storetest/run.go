package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
)

// Run holds a database to every promise of the store. Fresh tells the URL of a
// database that is empty or not there yet.
func Run(t *testing.T, fresh func(testing.TB) string) {
	for _, group := range []struct {
		name string
		run  func(*testing.T, func(testing.TB) string)
	}{
		{"Transaction", testTransactions},
		{"Snapshot", testSnapshots},
		{"Volume", testVolumes},
		{"Attachment", testAttachments},
		{"Connection", testConnections},
		{"VolumeType", testVolumeTypes},
		{"QoS", testQoS},
		{"Quota", testQuotas},
		{"Job", testJobs},
		{"Claim", testClaims},
		{"List", testLists},
		{"Backup", testBackups},
		{"Setting", testSettings},
		{"Transfer", testTransfers},
		{"Image", testImages},
		{"ImageItems", testImageItems},
		{"Message", testMessages},
		{"Request", testRequests},
		{"Recycle", testRecycle},
		{"Backend", testBackend},
		{"FilterOp", testFilterOps},
		{"Verification", testVerifications},
		{"Unmanaged", testUnmanaged},
		{"Tag", testTags},
		{"Identity", testIdentity},
		{"Group", testGroups},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, fresh) })
	}
}

// Clock is a clock that moves only when told to.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at a moment that uses all digits of a microsecond.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 11, 21, 19, 49, 15, 123456000, time.UTC)}
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the time on.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Open opens a fresh database with a clock of its own and closes it at the end.
func Open(t testing.TB, url string) (*store.Store, *Clock) {
	t.Helper()
	clock := NewClock()
	s, err := store.Open(t.Context(), store.Config{URL: url, Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, clock
}

const (
	project = "0123456789abcdef0123456789abcdef"
	other   = "fedcba9876543210fedcba9876543210"
)

// id makes the n-th id of a test.
func id(n int) string { return fmt.Sprintf("%08x-aaaa-4bbb-8ccc-%012x", uint32(n)*2654435761, n) }

// NewSnapshot is a snapshot with every column set.
func NewSnapshot(n int, created time.Time) *block.Snapshot {
	return &block.Snapshot{
		ID: id(n), ProjectID: project, UserID: "user-1", VolumeID: id(1000000), TypeID: "type-1",
		Name: block.SetText("snap-001"), Description: block.SetText("Daily backup"),
		Status: block.SnapshotAvailable, Progress: 100, Size: 40,
		InstantAccess: true, FullCopy: true, EnterpriseProjectID: id(11),
		Metadata: map[string]string{"key": "value", "Ünï \"quoted\"": "a\nb"}, CreatedAt: created,
	}
}

// NewVolume is a volume with every column set.
func NewVolume(n int, created time.Time) *block.Volume {
	return &block.Volume{
		ID: id(n), ProjectID: project, UserID: "user-1",
		Name: block.SetText("vol-001"), Description: block.SetText("a disk"),
		Status: block.VolumeInUse, Size: 40, ExtendTo: 50, TypeID: "type-1", AvailabilityZone: "az1",
		Metadata: map[string]string{"key": "value"}, SnapshotID: id(7), SourceVolumeID: id(8), EnterpriseProjectID: id(11),
		ImageID: id(9), ImageMetadata: map[string]string{"image": "kept"},
		Bootable: true, Multiattach: true,
		Writable:    block.WritableNo,
		Performance: block.Performance{IOPS: 4000, Throughput: 150},
		Attachments: []block.Attached{{ID: id(9), Status: block.AttachmentAttached, ServerID: id(10), HostName: "h", Device: "/dev/vdb", Mode: "rw", AttachedAt: created}},
		RecycledAt:  created.Add(time.Hour), RecycledUntil: created.Add(2 * time.Hour),
		CreatedAt: created,
	}
}

// must runs work in a transaction that is to succeed.
func must(t testing.TB, s *store.Store, work func(block.Tx) error) {
	t.Helper()
	if err := s.InTx(t.Context(), work); err != nil {
		t.Fatal(err)
	}
}

// add adds snapshots.
func add(t testing.TB, s *store.Store, snaps ...*block.Snapshot) {
	t.Helper()
	must(t, s, func(tx block.Tx) error {
		for _, snap := range snaps {
			if err := tx.AddSnapshot(snap); err != nil {
				return err
			}
		}
		return nil
	})
}

// wantKind checks what kind an error is of.
func wantKind(t testing.TB, err error, kind block.Kind, message string) {
	t.Helper()
	if err == nil || block.KindOf(err) != kind {
		t.Errorf("got error %v of kind %d, want kind %d", err, block.KindOf(err), kind)
	} else if message != "" && block.MessageOf(err) != message {
		t.Errorf("got message %q, want %q", block.MessageOf(err), message)
	}
}

var errRefused = errors.New("refused by the work")
