package server_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// counted is where writers count, from the beginning of a disk.
const counted = 4096

// count writes 1, 2, 3, … to both disks, first to one and, once that has been
// answered, to the other, until ctx ends. It tells how far it came.
func count(ctx context.Context, first, second driver.Device) (uint64, error) {
	p := make([]byte, counted)
	for n := uint64(1); ; n++ {
		for i := 0; i < counted; i += 8 {
			binary.BigEndian.PutUint64(p[i:], n)
		}
		for _, device := range []driver.Device{first, second} {
			if _, err := device.WriteAt(p, 0); err != nil {
				return n, err
			}
		}
		if ctx.Err() != nil {
			return n, nil
		}
	}
}

// counter is the number that a disk or snapshot holds, the same all over.
func (s *storeSite) counter(ref driver.Ref) uint64 {
	s.t.Helper()
	device, err := s.pool.Open(s.t.Context(), ref, driver.ReadOnly)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = device.Close() }()
	p := make([]byte, counted)
	if _, err := device.ReadAt(p, 0); err != nil {
		s.t.Fatal(err)
	}
	n := binary.BigEndian.Uint64(p)
	for i := 0; i < counted; i += 8 {
		if got := binary.BigEndian.Uint64(p[i:]); got != n {
			s.t.Fatalf("%v holds %d and %d: half of a write", ref, n, got)
		}
	}
	return n
}

// group makes a snapshot group of two disks and gives their snapshots.
func (s *storeSite) group(first, second string) (id string, members map[string]string) {
	s.t.Helper()
	base := "/v5/" + s.user.project
	id = s.want(202, s.user, "POST", base+"/snapshot-groups", fmt.Sprintf(`{"snapshot_group":{"volume_ids":[%q,%q]}}`, first, second)).text("snapshot_group_id")
	s.until("the snapshot group is there", func() bool {
		return s.want(200, s.user, "GET", base+"/snapshot-groups/"+id, "").text("snapshot_group", "status") == "available"
	})
	members = map[string]string{}
	rows, _ := s.want(200, s.user, "GET", base+"/snapshots/detail?snapshot_group_id="+id, "").at("snapshots").([]any)
	for _, row := range rows {
		fields, _ := row.(map[string]any)
		members[fmt.Sprint(fields["volume_id"])] = fmt.Sprint(fields["id"])
	}
	if len(members) != 2 {
		s.t.Fatalf("the snapshots of the group are %v, want one of each disk", rows)
	}
	return id, members
}

// Two disks are written by turns while groups of them are made: in none of them is
// the second disk ahead of the first, or more than the one write behind that may be
// under way. Disks made from a group hold what it holds, and go on from there.
func TestSnapshotGroupIsOfOneMomentWhileDisksAreWritten(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	first, second := s.made(`{"size":1}`), s.made(`{"size":1}`)
	var devices []driver.Device
	for _, id := range []string{first, second} {
		device, err := s.pool.Open(t.Context(), driver.Ref{Volume: id}, driver.ReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, device)
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	came, failed := make(chan uint64, 1), make(chan error, 1)
	go func() {
		n, err := count(ctx, devices[0], devices[1])
		came <- n
		failed <- err
	}()
	last, kept := uint64(0), map[string]string{}
	for range 5 {
		_, members := s.group(first, second)
		a := s.counter(driver.Ref{Volume: first, Snapshot: members[first]})
		b := s.counter(driver.Ref{Volume: second, Snapshot: members[second]})
		if a != b && a != b+1 {
			t.Errorf("the group holds %d of the first disk and %d of the second", a, b)
		}
		if b < last {
			t.Errorf("a later group holds %d, after %d", b, last)
		}
		last, kept = b, members
	}
	end()
	n := <-came
	if err := errors.Join(<-failed, devices[0].Close(), devices[1].Close()); err != nil || n < last {
		t.Fatalf("the writer came to %d, the last group holds %d: %v", n, last, err)
	}
	for disk, snapshot := range kept {
		from := s.made(fmt.Sprintf(`{"snapshot_id":%q}`, snapshot))
		if got := s.counter(driver.Ref{Volume: from}); got != s.counter(driver.Ref{Volume: disk, Snapshot: snapshot}) {
			t.Errorf("a disk made from the group holds %d", got)
		}
		if got := s.counter(driver.Ref{Volume: disk}); got != n {
			t.Errorf("the disk holds %d, want %d", got, n)
		}
	}
}
